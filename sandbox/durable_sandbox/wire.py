"""What happens below HTTP: an answer that stops early, goes silent or is reset, on the real connection."""

import asyncio
import socket
import struct
import zlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_GZIP_LEVEL = 1
_GZIP_WINDOW = 31
_PIECES = 8
_FLUSH_SECONDS = 0.005
_LONGEST_PARSED = 16_384
_TOO_LONG = (
    b"HTTP/1.1 414 URI Too Long\r\nContent-Type: application/json\r\nContent-Length: 71\r\nConnection: close\r\n\r\n"
    b'[{"message":"the address is far too long","errorCode":"URI_TOO_LONG"}]\n'
)
_NO_LINGER = struct.pack("ii", 1, 0)
ENDINGS = ("length", "chunked", "gzip", "consistent")


class Protocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol that also shows a request its connection, and lets no silent answer delay the end."""

    silent = False

    def on_message_begin(self) -> None:
        """Start a request."""
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport
        self.scope["state"]["silence"] = self.silence

    def silence(self) -> None:
        """Remember that the present answer says nothing on purpose."""
        self.silent = True

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed; an address that is too long for the parser is 414, as a shorter one is."""
        if len(self.url) <= _LONGEST_PARSED:
            super().send_400_response(msg)
            return
        self.transport.write(_TOO_LONG)
        self.transport.close()

    def shutdown(self) -> None:
        """End the connection; one that is kept silent on purpose ends at once."""
        super().shutdown()
        if self.silent:
            self.transport.close()


@dataclass(frozen=True)
class Answer:
    """An answer before it is sent: `content` is plain; `sent`, if not None, is the part that goes out before the end.

    `ending` is `whole`, `reset`, `silent`, or how a cut body contradicts its framing: `length` (Content-Length is the
    whole's), `chunked` (no last chunk), `gzip` (HTTP is right, the gzip stream has no end), `consistent` (nothing is
    wrong). `seconds` is how long a slow answer takes or a silent one lasts; None is until the client gives up.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes
    zipped: bool = False
    sent: bytes | None = None
    ending: str = "whole"
    seconds: float | None = 0.0

    def header(self, name: str) -> str | None:
        """The value of a header, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def with_header(self, name: str, value: str | None) -> "tuple[tuple[str, str], ...]":
        """The headers with this one replaced, added or, for None, removed."""
        kept = tuple(entry for entry in self.headers if entry[0].lower() != name.lower())
        return kept if value is None else (*kept, (name, value))


async def taken_apart(response: Response) -> Answer:
    """A response of a handler as an answer that faults can change."""
    if isinstance(response, StreamingResponse):
        parts = [part async for part in response.body_iterator]
        content = b"".join(part.encode() if isinstance(part, str) else bytes(part) for part in parts)
    else:
        content = bytes(response.body)
    zipped = response.headers.get("content-encoding") == "gzip"
    left_out = ("content-length", "content-encoding", "transfer-encoding")
    headers = tuple((name, value) for name, value in response.headers.items() if name not in left_out)
    plain = zlib.decompress(content, _GZIP_WINDOW) if zipped else content
    return Answer(response.status_code, headers, plain, zipped)


def response(answer: Answer) -> Response:
    """The response that puts the answer on the wire."""
    if answer.ending == "consistent" and answer.sent is not None:
        return response(_whole(answer, answer.sent))
    if answer.ending == "gzip" and answer.sent is not None:
        body = _encoded(answer, answer.sent, finished=not answer.zipped)
        return _plain(answer, body)
    if answer.ending != "whole":
        return _Broken(answer)
    body = _encoded(answer, answer.content)
    return _Slow(answer, body) if answer.seconds else _plain(answer, body)


def _whole(answer: Answer, content: bytes) -> Answer:
    return Answer(answer.status, answer.headers, content, answer.zipped, None, "whole", answer.seconds)


def _encoded(answer: Answer, content: bytes, *, finished: bool = True) -> bytes:
    """The bytes of a body; an unfinished gzip stream gives up all that it was fed, and lacks its end."""
    if not answer.zipped:
        return content
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(content) + packer.flush(zlib.Z_FINISH if finished else zlib.Z_SYNC_FLUSH)


def _plain(answer: Answer, body: bytes) -> Response:
    made = Response(body, answer.status)
    _put_headers(made, answer)
    return made


def _put_headers(made: Response, answer: Answer) -> None:
    for name, value in answer.headers:
        made.headers.append(name, value)
    if answer.zipped:
        made.headers["Content-Encoding"] = "gzip"


class _Slow(Response):
    """A whole answer whose body arrives in pieces over some seconds."""

    def __init__(self, answer: Answer, body: bytes) -> None:
        super().__init__(body, answer.status)
        _put_headers(self, answer)
        size = max(1, -(-len(body) // _PIECES))
        self.pieces = [body[start : start + size] for start in range(0, len(body), size)]
        self.pause = (answer.seconds or 0.0) / (len(self.pieces) + 1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await asyncio.sleep(self.pause)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for piece in self.pieces:
            await asyncio.sleep(self.pause)
            await send(_part(piece))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Broken(Response):
    """An answer that ends before its end."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(b"", answer.status)
        self.answer = answer
        del self.headers["content-length"]
        _put_headers(self, answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what there is to send and end the connection as ordered."""
        answer, transport = self.answer, Request(scope).state.transport
        if answer.sent is not None:
            await self._start(answer, answer.sent, send)
        await _ENDS.get(answer.ending, _close)(scope, transport, answer.seconds, receive)
        await _gone(receive)

    async def _start(self, answer: Answer, sent: bytes, send: Send) -> None:
        part = _encoded(answer, sent, finished=False)
        if answer.ending != "chunked":
            announced = max(len(_encoded(answer, answer.content)), len(part) + 1)
            self.headers["content-length"] = str(announced)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send(_part(part))


def _part(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}


async def _close(_: Scope, transport: asyncio.Transport, __: float | None, ___: Receive) -> None:
    transport.close()


async def _reset(_: Scope, transport: asyncio.Transport, __: float | None, ___: Receive) -> None:
    """Closing a socket that may not linger sends RST instead of FIN."""
    while transport.get_write_buffer_size() and not transport.is_closing():  # noqa: ASYNC110  (it tells of no end)
        await asyncio.sleep(_FLUSH_SECONDS)
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


async def _silent(scope: Scope, transport: asyncio.Transport, seconds: float | None, receive: Receive) -> None:
    scope["state"]["silence"]()
    try:
        await asyncio.wait_for(_gone(receive), seconds)
    except TimeoutError:
        transport.close()


_End = Callable[[Scope, asyncio.Transport, float | None, Receive], Coroutine[Any, Any, None]]
_ENDS: dict[str, _End] = {"reset": _reset, "silent": _silent}


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
