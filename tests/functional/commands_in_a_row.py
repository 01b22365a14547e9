"""Commands of one generated package in one process, one after another: its package is loaded anew for each."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys


def main() -> None:
    """Run what each line asks for, and tell in a line how it ended."""
    from durable_runtime.cli import main as run

    sys.path.insert(0, "")
    for line in sys.stdin:
        for name in [one for one in sys.modules if one.partition(".")[0] == "generated"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        pipeline = importlib.import_module("generated.customer_data.pipeline").PIPELINE
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(pipeline, json.loads(line))
        print(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue()}), flush=True)


if __name__ == "__main__":
    main()
