"""`durable …` commands in one process, one after another: each line of stdin is a command's arguments, as JSON."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys


def main() -> None:
    """Run what each line asks for in its folder, and tell in a line how it ended."""
    from durable_runtime import durable_cli

    # By name, whatever distribution is installed.
    durable_cli.places = lambda: {name: f"durable_compiler.cli.{name}:command" for name in durable_cli.COMMANDS}
    paths = list(sys.path)
    for line in sys.stdin:
        folder, arguments = json.loads(line)
        os.chdir(folder)
        sys.path[:] = paths  # a command puts its own project's folder in front
        for name in [one for one in sys.modules if one.partition(".")[0] == "generated"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = durable_cli.main(arguments)
        print(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue()}), flush=True)


if __name__ == "__main__":
    main()
