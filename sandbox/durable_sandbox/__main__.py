"""Start the sandbox: `python -m durable_sandbox --port 8080`."""

import argparse
import sys
import tempfile
from pathlib import Path

from durable_sandbox.sandbox import StateError, open_sandbox
from durable_sandbox.server import serve


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped; 0 after a clean end, 2 when the options cannot be used."""
    options = _parser().parse_args(arguments)
    asked = {name: value for name in ("rows", "seed") if (value := getattr(options, name)) is not None}
    with tempfile.TemporaryDirectory(prefix="durable-sandbox-") as temporary:
        try:
            sandbox = open_sandbox(asked, options.state or Path(temporary), options.state is not None)
            serve(sandbox, options.host, options.port, options.exit_with_parent)
        except (StateError, OSError) as error:
            print(f"The sandbox cannot start: {error}", file=sys.stderr)
            return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="durable_sandbox", description="A Salesforce-compatible server on loopback.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--rows", type=_count, help="Contacts to make (default: 10000); others in proportion")
    parser.add_argument("--seed", type=int, help="the same seed gives the same records (default: 1)")
    parser.add_argument("--state", type=Path, help="folder that keeps records and changes between starts")
    parser.add_argument("--exit-with-parent", action="store_true", help="stop when standard input ends")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of records, not {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
