"""Response headers with the capital letters that Salesforce writes: a client that looks for them exactly finds them."""

from functools import lru_cache

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FOR_UVICORN = frozenset({b"connection", b"content-length", b"transfer-encoding"})
"""Uvicorn frames the answer by these, so it has to know them."""


class _Name(bytes):
    """A header name that keeps its capitals: uvicorn sends what `lower` gives, and other servers `bytes` alone."""

    __slots__ = ()

    def lower(self) -> bytes:
        return bytes(self)


@lru_cache(maxsize=256)
def _written(name: bytes) -> bytes:
    return name if name in _FOR_UVICORN else _Name(b"-".join(part.capitalize() for part in name.split(b"-")))


class HeaderNames:
    """An application whose answers have their header names capitalised, `Content-Type` instead of `content-type`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def rename(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [(_written(name), value) for name, value in message["headers"]]}
            await send(message)

        await self.app(scope, receive, rename)
