"""`durable sandbox`: the Salesforce-compatible server as a child process."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import click

from durable_compiler.cli.drift import drift
from durable_compiler.cli.faults import faults
from durable_compiler.cli.project import Refused


class _Server(click.Group):
    """What begins with no subcommand is the server's options, and goes to it unread."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Keep the server's options apart."""
        own = bool(args) and (args[0] in self.commands or args[0] == "--help")
        context.obj = [] if own else args
        return super().parse_args(context, args if own else [])


@click.group(
    "sandbox",
    cls=_Server,
    invoke_without_command=True,
    epilog="Example: durable sandbox --port 8080 --rows 10000",
)
@click.pass_context
def command(context: click.Context) -> None:
    """Serve a Salesforce-compatible sandbox; prints one JSON line when ready, ends with Ctrl-C.

    Every option is the server's: --port N, --rows N, --seed N, --recipe FILE, --recipe-option NAME=VALUE,
    --state FOLDER, --objects extended, --extra-objects N, --tls, --proxy.
    """
    if context.invoked_subcommand:
        return
    if importlib.util.find_spec("durable_sandbox") is None:
        raise Refused("The sandbox is not installed.", "Run: pip install 'durable-pipelines[sandbox]'")
    # The pipe ends with this process, however it ends, and the server with the pipe.
    arguments = [sys.executable, "-m", "durable_sandbox", "--exit-with-parent", *context.obj]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE) as child:
        raise SystemExit(_ended(child))


command.add_command(faults)
command.add_command(drift)


def _ended(child: subprocess.Popen[bytes]) -> int:
    """The child's exit code; Ctrl-C reaches it too, so it is only waited for."""
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.terminate()
        child.wait()
        return 0
