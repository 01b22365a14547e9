"""A server on this machine that speaks OpenAI's chat completions and answers, well or badly, as a test tells it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; `hold` keeps the client waiting until the server ends, `drop` closes the connection."""

    body: str = ""
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    hold: bool = False
    drop: bool = False


def completion(content: str | None, finish_reason: str = "stop", refusal: str | None = None) -> Reply:
    """A chat completion with one choice."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    choice = {"index": 0, "finish_reason": finish_reason, "message": message, "logprobs": None}
    return Reply(json.dumps(_completion([choice])))


def reading(english: str, quotes: Pairs = ()) -> Reply:
    """A proposed reading."""
    evidence = [{"value": value, "quote": quote} for value, quote in quotes]
    answer = {"outcome": "reading", "canonical": english, "evidence": evidence, "question": ""}
    return completion(json.dumps(answer))


def unknown(question: str) -> Reply:
    """UNKNOWN, with a question."""
    return completion(json.dumps({"outcome": "unknown", "canonical": "", "evidence": [], "question": question}))


def no_choices() -> Reply:
    """A completion without a choice."""
    return Reply(json.dumps(_completion([])))


def html() -> Reply:
    """A proxy's page instead of an API's answer."""
    return Reply("<html><body>Please log in</body></html>", content_type="text/html")


def failure(status: int, message: str, code: str = "", retry_after: str | None = None) -> Reply:
    """An HTTP error as OpenAI words it."""
    headers = () if retry_after is None else (("Retry-After", retry_after),)
    return Reply(json.dumps({"error": {"message": message, "type": "error", "code": code}}), status, headers=headers)


def _completion(choices: list[dict[str, Any]]) -> dict[str, Any]:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "played", "choices": choices,
        "usage": usage,
    }  # fmt: skip


@dataclass
class OpenAIServer:
    """Its address, the replies still to give (the last one is repeated) and the questions that it got."""

    url: str
    replies: list[Reply | Callable[[dict[str, Any]], Reply]] = field(default_factory=list)
    questions: list[dict[str, Any]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def play(self, *replies: Reply | Callable[[dict[str, Any]], Reply]) -> None:
        """What to answer from now on."""
        self.replies[:] = replies
        self.questions.clear()

    def sentences(self) -> list[str]:
        """The sentence of every question."""
        return [json.loads(one["messages"][-1]["content"])["sentence"] for one in self.questions]

    def next(self, question: dict[str, Any]) -> Reply:
        """Take the next reply."""
        self.questions.append(question)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return reply if isinstance(reply, Reply) else reply(question)


@contextmanager
def openai_server() -> Iterator[OpenAIServer]:
    """A server on a free port of the loopback interface; it ends with the context."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.daemon_threads = True
    played = OpenAIServer(f"http://127.0.0.1:{http.server_address[1]}/v1")
    http.played = played  # type: ignore[attr-defined]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield played
    finally:
        played.ended.set()
        http.shutdown()
        thread.join()
        http.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Answer a question as the test says."""
        played: OpenAIServer = self.server.played  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            self._send(failure(404, f"no {self.path}"))
            return
        reply = played.next({**body, "authorization": self.headers.get("Authorization")})
        if reply.hold:
            played.ended.wait(30)
        if not (reply.drop or reply.hold):
            self._send(reply)
        self.close_connection = True

    def _send(self, reply: Reply) -> None:
        data = reply.body.encode()
        self.send_response(reply.status)
        for name, value in (("Content-Type", reply.content_type), ("Content-Length", str(len(data))), *reply.headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name that http.server has)
        """Say nothing."""
