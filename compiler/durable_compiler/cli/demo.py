"""`durable demo`: the whole way in a scratch project, from three English sentences to a table that was synced twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

NAME = "customer_data"
# 847 records: new, changed and deleted ones, and Contacts that repeat an External ID.
CHANGES = (
    {"object": "Account", "insert": 40, "update": 180, "delete": 7, "seed": 1},
    {"object": "Contact", "insert": 90, "update": 400, "delete": 20, "duplicate": 10, "seed": 2},
    {"object": "Customer_Health__c", "update": 100, "seed": 3},
)
TABLE = """
SELECT source_object, count(*) FILTER (NOT is_deleted) AS live, count(*) FILTER (is_deleted) AS deleted,
       max(source_modified_at) AS newest
FROM customer_data GROUP BY source_object ORDER BY source_object
"""
ROWS = """
SELECT source_object, name, annual_revenue, email, health_status, churn_risk
FROM customer_data WHERE run_id = (SELECT max(run_id) FROM customer_data) AND NOT is_deleted
QUALIFY row_number() OVER (PARTITION BY source_object ORDER BY source_id) <= 2
ORDER BY source_object, source_id
"""


@click.command("demo", epilog="Example: durable demo")
@click.option("--keep", metavar="FOLDER", help="Make the scratch project here and keep it.")
def command(keep: str | None) -> None:
    """Watch English become a committed package, and the package sync a Salesforce sandbox twice."""
    started = time.monotonic()
    folder = Path(keep) if keep else Path(tempfile.mkdtemp(prefix="durable-demo-"))
    try:
        _tell(folder.resolve())
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    click.echo(f"\nDone in {time.monotonic() - started:.0f} s; nothing is left running. Next: durable init NAME")


def _tell(folder: Path) -> None:
    _step("A scratch project with its requirements")
    _project(folder)
    click.echo("".join(f"    {line}\n" for line in _requirements(folder)), nl=False)
    with _sandbox(folder) as url:
        _step("Discover the Salesforce sandbox")
        _durable(folder, "discover")
        _step("Compile the English and commit the package")
        _durable(folder, "compile", NAME)
        _run(folder, "git", "log", "--oneline", "--decorate", "-1")
        _step("First run: a full load")
        _durable(folder, "run", NAME)
        _step("Salesforce changes 847 records")
        for change in CHANGES:
            _post(f"{url}/__sandbox__/change", change)
        _step("Second run: only what changed")
        _durable(folder, "run", NAME)
    _step("What the table customer_data holds now")
    _select(folder, TABLE)
    _step("Some of the rows that the second run wrote")
    _select(folder, ROWS)


def _step(text: str) -> None:
    click.echo(f"\n==> {text}")


def _project(folder: Path) -> None:
    """The example's requirements in a new git repository, with an identity of its own."""
    from durable_compiler.examples import customer_data

    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements" / f"{NAME}.md").write_text(customer_data(), encoding="utf-8")
    (folder / "durable.toml").write_text('default_profile = "local"\n', encoding="utf-8")
    (folder / ".gitignore").write_text(".durable/\n__pycache__/\n", encoding="utf-8")
    git = ("git", "-C", str(folder))
    subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
    for key, value in (("user.name", "Durable demo"), ("user.email", "demo@example.com"), ("commit.gpgsign", "false")):
        subprocess.run([*git, "config", key, value], check=True)


def _requirements(folder: Path) -> list[str]:
    lines = (folder / "requirements" / f"{NAME}.md").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("- R")]


@contextmanager
def _sandbox(folder: Path) -> Iterator[str]:
    """A sandbox server for the length of the demo; the runs find it through its url.json."""
    state = folder / ".durable" / "sandbox"
    state.mkdir(parents=True)
    command = [sys.executable, "-m", "durable_sandbox", "--state", str(state), "--exit-with-parent", "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None and child.stdout is not None
        try:
            line = child.stdout.readline()
            (state / "url.json").write_text(line, encoding="utf-8")
            yield json.loads(line)["url"]
        finally:
            child.stdin.close()
            child.wait(15)


def _durable(folder: Path, *arguments: str) -> None:
    _run(folder, sys.executable, "-m", "durable_runtime.durable_cli", *arguments)


def _run(folder: Path, *command: str) -> None:
    """Run one command and show what it says. Raises ClickException when it fails."""
    shown = " ".join(command).replace(f"{sys.executable} -m durable_runtime.durable_cli", "durable")
    click.echo(f"$ {shown}")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    )
    click.echo("".join(f"    {line}\n" for line in done.stdout.splitlines()), nl=False)
    if done.returncode != 0:
        raise click.ClickException(f"{shown} ended with exit code {done.returncode}")


def _post(url: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60):
        pass


def _select(folder: Path, statement: str) -> None:
    import duckdb

    with duckdb.connect(str(folder / ".durable" / "warehouse.duckdb"), read_only=True) as database:
        result = database.execute(statement)
        header = [str(one[0]) for one in result.description or ()]
        rows = [[_short(value) for value in row] for row in result.fetchall()]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, ["-" * width for width in widths], *rows):
        click.echo("    " + "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())


def _short(value: object) -> str:
    text = "" if value is None else str(value)
    if "." in text and text.replace(".", "").replace("-", "").isdigit():
        text = text.rstrip("0").rstrip(".")
    text = text.replace("\n", " ")
    return text if len(text) <= 28 else text[:27] + "…"
