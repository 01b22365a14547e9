"""A client of a sandbox in which a test orders faults, and what it reads from answers and from bare connections."""

from __future__ import annotations

import csv
import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from functional.project import Sandbox, sandbox

ROWS = 2100
DATA = "/services/data/v62.0"
FEW = "SELECT Id, LastName, Description FROM Contact ORDER BY Id LIMIT 10"
PAGE = 700
Json = dict[str, Any]


@dataclass
class Client:
    """A logged-in client of a sandbox whose faults a test orders."""

    served: Sandbox
    http: httpx2.Client

    def log_in(self) -> None:
        keys = {key: self.served.announced[key] for key in ("client_id", "client_secret")}
        form = {"grant_type": "client_credentials", **keys}
        token = self.http.post("/services/oauth2/token", data=form).json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    def order(self, *faults: Json) -> list[Json]:
        answer = self.http.post("/__sandbox__/faults", json=list(faults))
        assert answer.status_code == 200, answer.text
        found: list[Json] = answer.json()["faults"]
        return found

    def refused(self, fault: object) -> str:
        answer = self.http.post("/__sandbox__/faults", json=fault)
        assert answer.status_code == 400
        return str(answer.json()[0]["message"])

    def faults(self) -> list[Json]:
        found: list[Json] = self.http.get("/__sandbox__/faults").json()["faults"]
        return found

    def clear(self) -> Json:
        done: Json = self.http.delete("/__sandbox__/faults").json()
        return done

    def query(self, text: str = FEW) -> httpx2.Response:
        return self.http.get(f"{DATA}/query", params={"q": text})

    def count(self, where: str = "") -> int:
        return int(self.query(f"SELECT COUNT() FROM Contact {where}").json()["totalSize"])

    def create(self, text: str = "SELECT Id, LastName FROM Contact") -> httpx2.Response:
        return self.http.post(f"{DATA}/jobs/query", json={"operation": "query", "query": text})

    def ended(self, job: str) -> Json:
        deadline = time.monotonic() + 10
        while True:
            found: Json = self.http.get(f"{DATA}/jobs/query/{job}").json()
            if found["state"] in ("JobComplete", "Failed", "Aborted"):
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.02)

    def results(self, job: str, locator: str = "", **headers: str) -> httpx2.Response:
        params = {"maxRecords": str(PAGE)} | ({"locator": locator} if locator else {})
        return self.http.get(f"{DATA}/jobs/query/{job}/results", params=params, headers=headers)

    def raw(self, path: str, *headers: str) -> tuple[bytes, str]:
        """All that the connection brought, and how it ended: `closed`, `reset` or `silent`."""
        host, port = self.served.url.removeprefix("http://").split(":")
        lines = (
            f"GET {path} HTTP/1.1",
            "Host: sandbox",
            f"Authorization: {self.http.headers['Authorization']}",
            *headers,
        )
        got = bytearray()
        with socket.create_connection((host, int(port)), timeout=0.4) as connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            try:
                while part := connection.recv(65536):
                    got += part
            except ConnectionResetError:
                return bytes(got), "reset"
            except TimeoutError:
                return bytes(got), "silent"
        return bytes(got), "closed"


@contextmanager
def faulty(state: Path) -> Iterator[Client]:
    """A sandbox of its own, and a client that is logged in to it."""
    with sandbox(state, rows=ROWS) as served, httpx2.Client(base_url=served.url, timeout=10) as http:
        client = Client(served, http)
        client.log_in()
        yield client


def parts(raw: bytes) -> tuple[dict[str, str], bytes]:
    """The headers and the body of what a connection brought."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}, body


def rows(text: str) -> list[list[str]]:
    """The records of a CSV page without its header."""
    return list(csv.reader(io.StringIO(text, newline="")))[1:]
