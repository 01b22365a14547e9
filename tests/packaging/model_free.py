"""Runs a module with an audit hook that ends the process at a forbidden import or at a connection off this machine."""

from __future__ import annotations

import ipaddress
import os
import runpy
import sys
from pathlib import Path

FORBIDDEN = frozenset(
    {"openai", "anthropic", "jinja2", "libcst", "git", "pydantic", "durable_compiler", "durable_sandbox"}
)
FORBIDDEN_IMPORT, FORBIDDEN_CONNECTION = 97, 98


def on_this_machine(host: object) -> bool:
    """Whether an address, or a name, is the loopback interface's."""
    text = host.decode() if isinstance(host, bytes) else host
    if not isinstance(text, str) or text == "localhost":
        return text is None or text == "localhost"
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def stop(code: int, what: str) -> None:
    """Leave without a chance for an except clause to swallow it."""
    os.write(2, f"{what}\n".encode())
    os._exit(code)


def watch(event: str, arguments: tuple[object, ...]) -> None:
    """Judge every import, name look-up and connection of this process."""
    if event == "import" and str(arguments[0]).partition(".")[0] in FORBIDDEN:
        stop(FORBIDDEN_IMPORT, f"forbidden import: {arguments[0]}")
    elif event == "socket.getaddrinfo" and not on_this_machine(arguments[0]):
        stop(FORBIDDEN_CONNECTION, f"forbidden look-up: {arguments[0]}")
    elif event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        if isinstance(address, tuple) and not on_this_machine(address[0]):
            stop(FORBIDDEN_CONNECTION, f"forbidden connection: {address}")


if __name__ == "__main__":
    sys.addaudithook(watch)
    sys.path[0] = str(Path.cwd())
    module, sys.argv[1:] = sys.argv[1], sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
