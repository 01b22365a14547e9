"""A CONNECT proxy that tunnels Salesforce's host names to the sandbox, for clients that know no other address."""

import asyncio
import contextlib
import re
from dataclasses import dataclass

_HEAD_SECONDS = 10
_LONGEST_HEAD = 16_384
_CHUNK = 65_536
_CONNECT = re.compile(r"CONNECT ([^\s:]+|\[[^\]\s]+\]):(\d{1,5}) HTTP/1\.[01]")
_SALESFORCE = re.compile(r"(?:[a-z0-9-]+\.)+salesforce\.com")
_HTTPS = 443


@dataclass(frozen=True)
class Target:
    """Where the sandbox speaks TLS."""

    host: str
    port: int


async def start_proxy(host: str, port: int, target: Target) -> asyncio.Server:
    """Listen; every tunnel ends at `target`. Raises OSError when the address cannot be bound.

    Only `*.salesforce.com:443` and the target itself are let through, so a client that is pointed here by mistake
    reaches nothing else.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            await _tunnel(reader, writer, target)
        writer.close()

    return await asyncio.start_server(serve, host, port, limit=_LONGEST_HEAD)


def proxy_url(proxy: asyncio.Server) -> str:
    """The address for `HTTPS_PROXY`."""
    host, port = proxy.sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_allowed(host: str, port: int, target: Target) -> bool:
    """Whether a tunnel to this address is opened."""
    own = (host.strip("[]"), port) == (target.host, target.port)
    return own or (port == _HTTPS and _SALESFORCE.fullmatch(host.lower()) is not None)


async def _tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: Target) -> None:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_SECONDS)
    asked = _CONNECT.fullmatch(head.split(b"\r\n", 1)[0].decode("latin-1"))
    if asked is None:
        await _refuse(writer, "405 Method Not Allowed", "this proxy knows CONNECT alone")
        return
    if not is_allowed(asked[1], int(asked[2]), target):
        await _refuse(writer, "403 Forbidden", f"this proxy leads to the sandbox, not to {asked[1]}:{asked[2]}")
        return
    there_reader, there_writer = await asyncio.open_connection(target.host, target.port)
    try:
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
    finally:
        there_writer.close()


async def _refuse(writer: asyncio.StreamWriter, status: str, reason: str) -> None:
    body = f"{reason}\n".encode()
    lines = (f"HTTP/1.1 {status}", "Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(body)}")
    writer.write("\r\n".join((*lines, "Connection: close", "", "")).encode() + body)
    await writer.drain()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass bytes on until the source ends, and say so to the other side."""
    while chunk := await source.read(_CHUNK):
        sink.write(chunk)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()
