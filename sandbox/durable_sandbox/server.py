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

import uvicorn

from durable_sandbox.routes import build
from durable_sandbox.sandbox import Sandbox

_GRACE_SECONDS = 2


class _Server(uvicorn.Server):
    """A server that says when it is ready and ends with exit code 0 on a signal instead of raising it again."""

    def __init__(self, config: uvicorn.Config, sandbox: Sandbox) -> None:
        super().__init__(config)
        self.sandbox = sandbox

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        print(json.dumps(self.sandbox.ready()), flush=True)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.end)
        yield

    def end(self) -> None:
        self.should_exit = True


def serve(sandbox: Sandbox, host: str, port: int, exit_with_parent: bool) -> None:
    """Serve until told to stop. Raises OSError when the address cannot be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=256) as listener:
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        sandbox.url = f"http://{shown}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            build(sandbox),
            log_level="warning",
            date_header=False,
            server_header=False,
            lifespan="off",
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        server = _Server(config, sandbox)
        sandbox.stop = server.end
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
