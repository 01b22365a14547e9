"""`durable sandbox`: the Salesforce-compatible server as a child process."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import click

from durable_compiler.cli.project import Refused


@click.command(
    "sandbox",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    epilog="Example: durable sandbox --port 8080 --rows 10000",
)
@click.pass_context
def command(context: click.Context) -> None:
    """Serve a Salesforce-compatible sandbox; prints one JSON line when ready, ends with Ctrl-C.

    Every option is the server's: --port N, --rows N, --seed N, --state FOLDER.
    """
    if importlib.util.find_spec("durable_sandbox") is None:
        raise Refused("The sandbox is not installed.", "Run: pip install 'durable-pipelines[sandbox]'")
    # The pipe ends with this process, however it ends, and the server with the pipe.
    arguments = [sys.executable, "-m", "durable_sandbox", "--exit-with-parent", *context.args]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE) as child:
        raise SystemExit(_ended(child))


def _ended(child: subprocess.Popen[bytes]) -> int:
    """The child's exit code; Ctrl-C reaches it too, so it is only waited for."""
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.terminate()
        child.wait()
        return 0
