"""The child of `runs_in_a_row`: runs the generated package of its folder once for each line of arguments."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys

from durable_runtime.cli import main as run


def main() -> None:
    """Run what each line asks for, and tell in a line how it ended."""
    sys.path.insert(0, "")
    pipeline = importlib.import_module("generated.customer_data.pipeline").PIPELINE
    for line in sys.stdin:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(pipeline, json.loads(line))
        print(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue()}), flush=True)


if __name__ == "__main__":
    main()
