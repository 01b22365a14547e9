"""A tiny HTTP server that answers like Salesforce from a script: a list of answers a path, the last one stays."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from durable_runtime.clock import SYSTEM, Clock
from durable_runtime.configuration import SalesforceSettings
from durable_runtime.credentials import given
from durable_runtime.spec import Extract, Retry

API = "/services/data/v62.0"
ORGANIZATION = "00D000000000001EAA"
RETRY = Retry(max_attempts=5, backoff="exponential", max_elapsed_seconds=900, classes=("rate_limit", "network"))
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


@dataclass(frozen=True)
class Answer:
    """One scripted answer; `cut` announces more bytes than it sends."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Script:
    """The answers by "METHOD path" and what was asked."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    parameters: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)  # "Bearer TOKEN" of a session that has ended
    url: str = ""

    def on(self, request: str, *answers: Answer) -> None:
        self.answers[request] = list(answers)

    def times(self, request: str) -> int:
        return self.asked.count(request)

    def next(self, request: str) -> Answer:
        waiting = self.answers.get(request)
        if not waiting:
            return Answer(404, [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def csv_page(count: int, *, start: int = 0, promised: int | None = None, locator: str = "null") -> Answer:
    """A Bulk results page of `count` records."""
    lines = ['"Id","Name"', *(f'"{start + n:018d}","Line one\nsays ""hi"" {n}"' for n in range(count))]
    headers = {"Sforce-NumberOfRecords": str(count if promised is None else promised), "Sforce-Locator": locator}
    return Answer(200, ("\n".join(lines) + "\n").encode(), headers)


def total(count: int) -> Answer:
    """The answer to a COUNT() query."""
    return Answer(200, {"totalSize": count, "done": True, "records": []})


def job(state: str, records: int = 0, name: str = "750A") -> Answer:
    """The answer about a Bulk query job."""
    return Answer(200, {"id": name, "state": state, "numberRecordsProcessed": records})


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            script.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            request = f"{self.command} {parts.path}"
            script.asked.append(request)
            script.parameters.append({name: values[0] for name, values in parse_qs(parts.query).items()})
            token = self.headers.get("Authorization", "")
            script.tokens.append(token)
            answer = Answer(401, EXPIRED) if token in script.dead else script.next(request)
            content = answer.content()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content) + answer.cut))
            self.end_headers()
            self.wfile.write(content)
            if answer.cut:
                self.close_connection = True

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815  (names that http.server looks for)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    return Handler


@contextmanager
def scripted() -> Iterator[Script]:
    """A running server, with a log-in that works."""
    script = Script()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    script.on("POST /services/oauth2/token", *(login(script.url, f"token-number-{n}") for n in range(1, 9)))
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def login(url: str, token: str) -> Answer:
    """A good token answer."""
    return Answer(
        200, {"access_token": token, "instance_url": url, "id": f"{url}/id/{ORGANIZATION}/005000000000001AAA"}
    )


def settings(url: str) -> SalesforceSettings:
    """Client credentials for a server on this machine."""
    client, secret = given("client", "client_id", hidden=False), given("very-secret-value", "client_secret")
    return SalesforceSettings(sandbox=False, login_url=url, client_id=client, client_secret=secret)


@dataclass
class Pauses:
    """A clock that jumps instead of sleeping, and remembers each pause."""

    slept: list[float] = field(default_factory=list)

    def clock(self) -> Clock:
        return Clock(now=SYSTEM.now, sleep=self.slept.append, monotonic=lambda: sum(self.slept))


def account() -> Extract:
    """An extract of two fields."""
    return Extract(
        object="Account",
        fields=("Id", "Name"),
        soql=lambda fields: f"SELECT {', '.join(fields)} FROM Account",
        cursor="SystemModstamp",
        requirements=("R1",),
    )
