"""A Snowflake stand-in as a process of its own: prints its port as JSON and stops when its standard input ends."""

from __future__ import annotations

import json
import os
import sys

from fakesnow import server as serve  # the function, which importing the submodule of that name hides
from fakesnow_repairs import repair
from fakesnow_sessions import watch


def main() -> None:
    """Serve until whoever started this lets go."""
    repair()
    watch()
    with serve() as connection:
        print(json.dumps({"host": connection["host"], "port": connection["port"]}), flush=True)
        os.dup2(2, 1)  # nobody reads the access log, and a full pipe would stop the server
        sys.stdin.read()
        os._exit(0)  # a graceful end would wait for ever for a request that hangs


if __name__ == "__main__":
    main()
