"""Ends the session of a client that is gone and rolls its open transaction back, as Snowflake does."""

from __future__ import annotations

import asyncio
import functools
import importlib
import threading
from collections import defaultdict
from contextlib import suppress
from typing import Any

import duckdb
import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

SERVER: Any = importlib.import_module("fakesnow.server")
LOGIN, SESSION = "/session/v1/login-request", "/session"
A_LONG_TIME = 24 * 3600  # an idle client is not gone; only one whose connections are all closed is
Address = tuple[str, int]
connections: defaultdict[str, set[Address]] = defaultdict(set)  # a session's token -> where its requests come from
ending: set[asyncio.Future[None]] = set()


def turn(session: Any) -> threading.RLock:
    """One statement of a session at a time, and none beside its end."""
    lock: threading.RLock = session.__dict__.setdefault("turn", threading.RLock())
    return lock


def roll_back(session: Any) -> None:
    """Undo what is open; a statement that still waits for its turn finds the session closed."""
    with turn(session), suppress(duckdb.Error):
        with suppress(duckdb.Error):
            session._duck_conn.rollback()
        session._duck_conn.close()


def end(session: Any) -> None:
    """Close the session; a statement that runs is broken off."""
    session._is_closed = True
    with suppress(duckdb.Error):
        session._duck_conn.interrupt()
    done = asyncio.get_running_loop().run_in_executor(None, roll_back, session)
    ending.add(done)
    done.add_done_callback(ending.discard)


def lost(address: Address | None) -> None:
    """A connection was closed: the sessions that had no other one end."""
    for token, addresses in list(connections.items()):
        addresses.discard(address or ("", 0))
        if not addresses:
            del connections[token]
            session = SERVER.sessions.pop(token, None)
            if session is not None:
                end(session)


class Watched(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """A connection whose end is noticed."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell of it."""
        super().connection_lost(exc)
        lost(self.client)


class Sessions:
    """The server's application; it knows which connection speaks for which session."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request; a log-in waits until the sessions of clients that are gone have ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] == LOGIN:
            await asyncio.gather(*ending, return_exceptions=True)
        token = dict(scope["headers"]).get(b"authorization", b"").decode()[17:-1]
        session = SERVER.sessions.get(token)
        if session is not None:
            connections[token].add(tuple(scope["client"]))
        await self._app(scope, receive, send)
        if session is not None and scope["path"] == SESSION and b"delete=" in scope["query_string"]:
            connections.pop(token, None)
            end(session)


def watch() -> None:
    """Put this in place; call it before the server starts."""
    SERVER.app = Sessions(SERVER.app)
    config: Any = functools.partial(uvicorn.Config, http=Watched, timeout_keep_alive=A_LONG_TIME)
    vars(uvicorn)["Config"] = config
