"""Measures a first load and a 1 % increment against the bare floor, in CPU seconds and peak memory of each child."""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx2

import measure

API = "/services/data/v62.0"
TARGETS = {"first load": 2.0, "1 % increment": 1.5}
TYPES = {
    "boolean": "BOOLEAN",
    "int": "BIGINT",
    "long": "BIGINT",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "time": "TIME",
}
NUMBERS = dict.fromkeys(("currency", "percent", "double"), "DECIMAL(38,18)")


@dataclass(frozen=True)
class Source:
    """A running sandbox and a token for it."""

    url: str
    client_id: str
    client_secret: str
    token: str

    def client(self) -> httpx2.Client:
        """A client that is logged in."""
        return httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=120)


@contextmanager
def sandbox(folder: Path, rows: int) -> Iterator[Source]:
    """A sandbox in a process of its own, so that its work is in nobody's figures."""
    command = [sys.executable, "-m", "durable_sandbox", "--state", str(folder), "--port", "0", "--exit-with-parent"]
    with subprocess.Popen(
        [*command, "--rows", str(rows)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=measure.environment(),
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            said = json.loads(server.stdout.readline())
            keys = {name: said[name] for name in ("client_id", "client_secret")}
            answer = httpx2.post(
                f"{said['url']}/services/oauth2/token", data={"grant_type": "client_credentials", **keys}, timeout=60
            )
            yield Source(said["url"], **keys, token=answer.raise_for_status().json()["access_token"])
        finally:
            server.stdin.close()
            server.wait(timeout=30)


def project(folder: Path, source: Source) -> None:
    """A project whose profile reads this sandbox as any Salesforce and writes to a DuckDB file."""
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    measure.run(measure.durable("init", "customer_data", "--here"), folder, measure.environment())
    (folder / "durable.toml").write_text(
        '[profiles.local]\nalerts = "file"\n[profiles.local.salesforce]\n'
        f'login_url = "{source.url}"\nauth = "client_credentials"\n'
        f'client_id = "{source.client_id}"\nclient_secret = "env:BENCHMARK_SECRET"\nhorizon_seconds = 0\n',
        encoding="utf-8",
    )
    for command in ("discover", "compile"):
        measure.run(measure.durable(command), folder, environment(source))


def environment(source: Source) -> dict[str, str]:
    """A child's environment with the secret that the profile refers to."""
    return measure.environment(BENCHMARK_SECRET=source.client_secret)


def objects(folder: Path) -> dict[str, list[str]]:
    """The fields that the pipeline reads, an object each: the floor reads the same."""
    ir = json.loads((folder / "generated" / "customer_data" / "ir.json").read_text(encoding="utf-8"))
    return {entry["name"]: entry["fields"] for entry in ir["source"]["objects"]}


def column_types(source: Source, name: str, fields: list[str]) -> dict[str, str]:
    """DuckDB types by Salesforce's describe."""
    with source.client() as client:
        described = client.get(f"{API}/sobjects/{name}/describe").raise_for_status().json()["fields"]
    kinds = {field["name"]: field["type"] for field in described}
    return {field: {**TYPES, **NUMBERS}.get(kinds[field], "VARCHAR") for field in fields}


def count(source: Source, name: str) -> int:
    """How many records an object holds, deleted ones included."""
    with source.client() as client:
        answer = client.get(f"{API}/queryAll", params={"q": f"SELECT COUNT() FROM {name}"})
    return int(answer.raise_for_status().json()["totalSize"])


def floor(source: Source, fields: dict[str, list[str]], folder: Path, increment: bool) -> measure.Cost:
    """One child that copies the objects, or what changed in them, to tables of their own."""
    database = folder / "floor.duckdb"
    since = newest(database, list(fields)) if increment else {}
    entries = [
        {
            "name": name,
            "columns": column_types(source, name, columns),
            "soql": f"SELECT {', '.join(columns)} FROM {name}"
            + (f" WHERE SystemModstamp > {since[name]}" if increment else ""),
        }
        for name, columns in fields.items()
    ]
    plan = {"base_url": f"{source.url}{API}", "token": source.token, "folder": str(folder), "objects": entries}
    path = folder / "plan.json"
    path.write_text(json.dumps({**plan, "database": str(database), "increment": increment}), encoding="utf-8")
    script = str(Path(__file__).with_name("floor.py"))
    return measure.run([sys.executable, script, str(path)], folder, measure.environment())


def newest(database: Path, tables: list[str]) -> dict[str, str]:
    """The newest stamp of each table, as SOQL writes it."""
    with duckdb.connect(str(database), read_only=True) as connection:
        query = "SELECT strftime(max(SystemModstamp), '%Y-%m-%dT%H:%M:%S.%gZ') FROM "
        return {name: str((connection.execute(f'{query}"{name}"').fetchone() or ("",))[0]) for name in tables}


def durable(source: Source, folder: Path) -> tuple[measure.Cost, dict[str, Any]]:
    """One run of the generated package, exactly as cron starts it."""
    command = [sys.executable, "-m", "generated.customer_data", "run", "--json"]
    cost = measure.run(command, folder, environment(source))
    return cost, json.loads(cost.output.splitlines()[-1])


def change(source: Source, name: str, records: int, seed: int) -> None:
    """Change one record in a hundred: a fifth inserts, the rest updates."""
    share = max(records // 100, 5)
    body = {"object": name, "insert": share // 5, "update": share - share // 5, "seed": seed}
    with source.client() as client:
        client.post("/__sandbox__/change", json=body).raise_for_status()


def found(summary: dict[str, Any]) -> int:
    """How many records a run wrote or set aside."""
    return sum(int(entry["found"]) for entry in summary["objects"])


def once(source: Source, folder: Path, seed: int) -> dict[str, tuple[measure.Cost, measure.Cost, int]]:
    """Both loads from empty warehouses, then both increments; floor first, so that neither finds a warmer source."""
    shutil.rmtree(folder / ".durable", ignore_errors=True)
    fields = objects(folder)
    with tempfile.TemporaryDirectory() as name:
        bare = floor(source, fields, Path(name), increment=False)
        full, summary = durable(source, folder)
        first = (bare, full, found(summary))
        for kind in fields:
            change(source, kind, count(source, kind), seed)
        bare = floor(source, fields, Path(name), increment=True)
        full, summary = durable(source, folder)
    return {"first load": first, "1 % increment": (bare, full, found(summary))}


def rows(kind: str, rounds: list[tuple[measure.Cost, measure.Cost, int]]) -> list[list[str]]:
    """A row for the floor and one for Durable, medians over the rounds."""
    bare = statistics.median(entry[0].cpu_seconds for entry in rounds)
    full = statistics.median(entry[1].cpu_seconds for entry in rounds)
    records = f"{rounds[0][2]:,}"

    def memory(place: int) -> str:
        costs = [entry[place] for entry in rounds]
        return f"{max(cost.peak_mb for cost in costs if isinstance(cost, measure.Cost)):.0f}"

    return [
        [f"{kind}, floor", records, f"{bare:.2f}", memory(0), "1×", ""],
        [f"{kind}, Durable", records, f"{full:.2f}", memory(1), f"{full / bare:.2f}×", f"≤ {TARGETS[kind]}×"],
    ]


def main() -> None:
    """Measure in a temporary project and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=71_500, help="Contacts; the objects together hold 1.4 times as many"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as state,
        tempfile.TemporaryDirectory() as name,
        sandbox(Path(state), options.rows) as source,
    ):
        project(Path(name), source)
        rounds = [once(source, Path(name), seed) for seed in range(options.repeats)]
    table = [row for kind in TARGETS for row in rows(kind, [entry[kind] for entry in rounds])]
    columns = ["", "records", "CPU s", "peak MB", "of the floor", "target"]
    note = (
        f"Median of {options.repeats} rounds. The floor reads the same fields of the same sandbox by Bulk API 2.0 to a "
        "file and lets DuckDB insert or merge it, typed, with no check. Both are child processes; the sandbox is in "
        "neither figure."
    )
    measure.report("Load speed", [note, measure.table(columns, table)], options.output)


if __name__ == "__main__":
    main()
