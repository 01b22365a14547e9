"""The `durable` script: finds a command through entry points, loads only that one, and names a missing extra."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

DISTRIBUTION = "durable-pipelines"
GROUP = "durable.commands"

# Name → what it does. The place of a command that no entry point names follows from its name.
COMMANDS: dict[str, str] = {
    "init": "Start a project: requirements, durable.toml, git",
    "discover": "Write the schema snapshot of a Salesforce organization",
    "explain": "Show how a sentence or a requirements file is read",
    "fmt": "Bring requirements into their one form, and mend them",
    "interpret": "Ask a model about sentences that cannot be read",
    "lsp": "Help an editor while requirements are written",
    "ir": "Print what a requirements file means, as JSON",
    "diff": "Show what would change, and the next version",
    "compile": "Requirements to a validated, versioned, committed package",
    "verify": "Compare the committed package with the requirements",
    "plan": "Show what the next run would do: records, tables, statements, costs",
    "run": "Run a compiled pipeline",
    "green": "Load a new version beside the tables in use, and compare",
    "promote": "Put the new version's tables in use",
    "rollback": "Take the last promotion back",
    "doctor": "Check credentials, permissions, limits and the warehouse",
    "status": "Show each pipeline's version and last run",
    "runs": "List past runs",
    "tasks": "List what waits for a person",
    "rejects": "Show rejected records, or try them again",
    "sandbox": "Serve a Salesforce-compatible sandbox on this machine",
    "demo": "See it all work: English to a synced table, twice",
}

# Top-level module → the extra that brings it.
EXTRAS: dict[str, str] = {
    **dict.fromkeys(("click", "git", "jinja2", "libcst", "openai", "pydantic", "rapidfuzz", "ruff"), "compiler"),
    **dict.fromkeys(("durable_compiler",), "compiler"),
    **dict.fromkeys(("durable_sandbox", "starlette", "uvicorn", "uvloop", "httptools", "mimesis"), "sandbox"),
    **dict.fromkeys(("pygls", "lsprotocol"), "lsp"),
    "snowflake": "snowflake",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run `durable COMMAND …`; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(overview(places()))
        return 0
    if arguments[0] == "--version":
        sys.stdout.write(f"durable {_version()}\n")
        return 0
    # A command builds much and throws little away: collecting after every few hundred objects doubles its time.
    gc.set_threshold(100_000)
    known = places()
    if arguments[0] not in known:
        return _refuse(f"There is no command {arguments[0]!r}.", _did_you_mean(arguments[0], list(known)))
    return _invoke(arguments[0], known[arguments[0]], arguments[1:])


def places() -> dict[str, str]:
    """Command → `module:attribute`, from the installed distribution's entry points or, without one, by name."""
    from importlib import metadata

    try:
        found = {one.name: one.value for one in metadata.distribution(DISTRIBUTION).entry_points if one.group == GROUP}
    except metadata.PackageNotFoundError:
        found = {}
    return found or {name: f"durable_compiler.cli.{name}:command" for name in COMMANDS}


def overview(known: dict[str, str]) -> str:
    """What `durable --help` prints; no command is imported for it."""
    order = [name for name in COMMANDS if name in known] + sorted(known.keys() - COMMANDS.keys())
    width = max(map(len, order))
    rows = "\n".join(f"  {name:<{width}}  {COMMANDS.get(name, '')}".rstrip() for name in order)
    return (
        "Usage: durable COMMAND [OPTIONS]\n\n"
        "English requirements in, reviewed Python out, a sync every night.\n\n"
        f"Commands:\n{rows}\n\n"
        "Example:\n  durable init customer_data\n\n"
        "`durable COMMAND --help` says more. Exit codes: docs/reference/commands.md.\n"
    )


def _invoke(name: str, place: str, arguments: list[str]) -> int:
    try:
        command = _load(place)
        result = command(args=arguments, prog_name=f"durable {name}", standalone_mode=True)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except ModuleNotFoundError as missing:
        return _missing(name, missing)
    except Exception as error:  # noqa: BLE001 (the outermost place: a refusal is told, anything else is a bug)
        return _told(error)
    return result if isinstance(result, int) else 0


def _load(place: str) -> Callable[..., Any]:
    module, _, attribute = place.partition(":")
    command: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return command


def _missing(name: str, missing: ModuleNotFoundError) -> int:
    top = (missing.name or "").partition(".")[0]
    if top not in EXTRAS:
        return _told(missing)
    help = f"Run: pip install '{DISTRIBUTION}[{EXTRAS[top]}]'"
    return _refuse(f"`durable {name}` needs {top}, which is not installed.", help)


def _told(error: Exception) -> int:
    """Exit code of an error; those with a message for the user carry `message`, `help` and `exit_code`."""
    message, exit_code = getattr(error, "message", None), getattr(error, "exit_code", None)
    if isinstance(message, str) and isinstance(exit_code, int):
        return _refuse(message, str(getattr(error, "help", "")), exit_code)
    import traceback

    traceback.print_exception(error)
    return _refuse("This is a bug in Durable.", "Please report it with the lines above.", 70)


def _refuse(message: str, help: str, exit_code: int = 2) -> int:
    sys.stderr.write(f"durable: {message}\n" + (f"  help: {help}\n" if help else ""))
    return exit_code


def _did_you_mean(word: str, known: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else "`durable --help` lists the commands."


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
