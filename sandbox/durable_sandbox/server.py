"""The process: a bound socket, the ready line, and an end on a signal, on request or with the parent."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from durable_sandbox.header_names import HeaderNames
from durable_sandbox.proxy import Target, proxy_url, start_proxy
from durable_sandbox.routes import build
from durable_sandbox.sandbox import Sandbox
from durable_sandbox.tls import certificates
from durable_sandbox.wire import Protocol

_GRACE_SECONDS = 2


class _Connection(Protocol):
    """A connection whose end never waits for an idle client's answer to TLS's goodbye."""

    def shutdown(self) -> None:
        super().shutdown()
        tls = self.transport.get_extra_info("ssl_object") is not None
        if tls and self.transport.is_closing() and not self.transport.get_write_buffer_size():
            self.transport.abort()


class _Server(uvicorn.Server):
    """A server that says when it is ready and ends with exit code 0 on a signal instead of raising it again."""

    def __init__(self, config: uvicorn.Config, sandbox: Sandbox) -> None:
        super().__init__(config)
        self.sandbox = sandbox
        self.proxied: Target | None = None
        self.proxy: asyncio.Server | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.proxied:
            self.proxy = await start_proxy(self.proxied.host, 0, self.proxied)
            self.sandbox.proxy_url = proxy_url(self.proxy)
        print(json.dumps(self.sandbox.ready()), flush=True)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.end)
        yield

    def end(self) -> None:
        self.should_exit = True


def serve(
    sandbox: Sandbox, host: str, port: int, exit_with_parent: bool, tls: Path | None = None, *, proxy: bool = False
) -> None:
    """Serve until told to stop, over TLS where `tls` is a folder for its certificates.

    With `proxy`, a second port takes clients that ask for Salesforce's own host names.
    Raises OSError when the address cannot be bound.
    """
    sandbox.certificates = certificates(tls, host) if tls else None
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=256) as listener:
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        scheme = "https" if sandbox.certificates else "http"
        sandbox.url = sandbox.sessions.url = f"{scheme}://{shown}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            HeaderNames(build(sandbox)),
            http=_Connection,
            log_level="warning",
            date_header=False,
            server_header=False,
            lifespan="off",
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            ssl_certfile=str(sandbox.certificates.certificate_file) if sandbox.certificates else None,
            ssl_keyfile=str(sandbox.certificates.key_file) if sandbox.certificates else None,
        )
        server = _Server(config, sandbox)
        sandbox.stop = server.end
        if proxy:
            server.proxied = Target(host, listener.getsockname()[1])
        if exit_with_parent:
            threading.Thread(target=_wait_for_parent, args=(server,), daemon=True).start()
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(server.serve(sockets=[listener]))
    sandbox.close()


def _wait_for_parent(server: _Server) -> None:
    """Standard input ends when the parent does, however it dies."""
    with contextlib.suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            continue
    server.should_exit = True
