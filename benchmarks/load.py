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
MOST_MB = 400
HISTORY = "## How it came down"
RECORDS_A_CONTACT = 1.4  # an Account and a Customer Health for every fifth Contact
# 20 fields of Account and Contact and all 19 of Customer Health, with one rule of each kind that looks at a value.
REQUIREMENTS = """# Customer data

- R1.1 Syncs Accounts, Contacts, and Customer Health from Salesforce
- R1.2 Syncs only Name, Type, Parent Account ID, Billing Street, Billing City, Billing State, Billing Country, Phone, \
Website, Industry, Annual Revenue, Employees, Description, Owner ID, Last Activity, SLA and Created Date of Accounts
- R1.3 Syncs only External ID, Email, Phone, First Name, Last Name, Account ID, Mailing Street, Mailing City, \
Mailing Country, Title, Department, Birthdate, Email Opt Out, Level, Languages, Owner ID and Created Date of Contacts
- R1.4 Runs nightly at 2:00 AM UTC
- R2.1 Writes to DuckDB table customer_data
- R2.2 Upserts existing records and inserts new ones
- R2.3 Commits in batches of 50,000 rows
- R3.1 Reads only records modified since the last run
- R3.2 Skips soft-deleted records
- R4.1 Deduplicates Contacts by External ID, keeping the latest
- R4.2 Contact Email is required; records without it are rejected
- R4.3 Health Score must be between 1 and 99
- R4.4 Maps Health Status Green, Yellow and Red to healthy, at_risk and critical; anything else becomes unknown
- R4.5 Hashes Contact Phone
- R4.6 Trims and lower-cases Contact Email
"""
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
        return httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=1800)


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
    (folder / "requirements").mkdir()
    (folder / "requirements" / "customer_data.md").write_text(REQUIREMENTS, encoding="utf-8")
    (folder / "durable.toml").write_text(
        'default_profile = "local"\n[profiles.local]\nalerts = "file"\n[profiles.local.salesforce]\n'
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


@dataclass(frozen=True)
class Round:
    """What the floor and Durable took for the same records, and how many Durable found."""

    floor: measure.Cost
    durable: measure.Cost
    records: int


def once(source: Source, folder: Path, seed: int) -> dict[str, Round]:
    """Both loads from empty warehouses, then both increments; floor first, so that neither finds a warmer source."""
    shutil.rmtree(folder / ".durable", ignore_errors=True)
    fields = objects(folder)
    with tempfile.TemporaryDirectory() as name:
        bare = floor(source, fields, Path(name), increment=False)
        full, summary = durable(source, folder)
        first = Round(bare, full, found(summary))
        for kind in fields:
            change(source, kind, count(source, kind), seed)
        bare = floor(source, fields, Path(name), increment=True)
        full, summary = durable(source, folder)
    return {"first load": first, "1 % increment": Round(bare, full, found(summary))}


def rounds_of(records: int, repeats: int) -> dict[str, list[Round]]:
    """Every round of one size, in a sandbox and a project of its own."""
    with (
        tempfile.TemporaryDirectory() as state,
        tempfile.TemporaryDirectory() as name,
        sandbox(Path(state), round(records / RECORDS_A_CONTACT)) as source,
    ):
        project(Path(name), source)
        rounds = [once(source, Path(name), seed) for seed in range(repeats)]
    return {kind: [each[kind] for each in rounds] for kind in TARGETS}


def cpu(costs: list[measure.Cost]) -> float:
    """The median of the CPU seconds."""
    return statistics.median(one.cpu_seconds for one in costs)


def peak(costs: list[measure.Cost]) -> str:
    """The greatest peak memory, in MB."""
    return f"{max(one.peak_mb for one in costs):.0f}"


def of(rounds: list[Round]) -> tuple[list[measure.Cost], list[measure.Cost]]:
    """The costs of the floor and those of Durable."""
    return [one.floor for one in rounds], [one.durable for one in rounds]


def rows(kind: str, rounds: list[Round]) -> list[list[str]]:
    """A row for the floor and one for Durable, medians over the rounds."""
    (bare, full), records = of(rounds), f"{rounds[0].records:,}"
    times = f"{cpu(full) / cpu(bare):.2f}×"
    target = f"≤ {TARGETS[kind]}×, ≤ {MOST_MB} MB"
    return [
        [f"{kind}, floor", records, f"{cpu(bare):.2f}", peak(bare), "1×", ""],
        [f"{kind}, Durable", records, f"{cpu(full):.2f}", peak(full), times, target],
    ]


def grown(sizes: list[int]) -> str:
    """A row a size, each measured once: what a million records would cost at that rate."""
    found = []
    for size in sizes:
        rounds = rounds_of(size, 1)
        costs = [cost for kind in TARGETS for cost in of(rounds[kind])]
        records = rounds["first load"][0].records
        rate = cpu(costs[1]) / records * 1_000_000
        found.append([f"{records:,}", *(f"{cpu(one):.2f}" for one in costs), f"{rate:.1f}", *map(peak, costs[1::2])])
    columns = ["records", "first load, floor", "Durable", "1 % increment, floor", "Durable"]
    return measure.table([*columns, "a million at this rate", "peak MB, first", "increment"], found)


def told_before(output: Path | None) -> str:
    """What the page says about earlier figures, which a new measurement does not replace."""
    if output is None or not output.exists():
        return ""
    _, mark, history = output.read_text(encoding="utf-8").partition(HISTORY)
    return f"\n{mark}{history}" if mark else ""


def main() -> None:
    """Measure in temporary projects and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=650_000, help="of the three objects together")
    parser.add_argument("--growth", type=int, nargs="*", default=[], metavar="RECORDS", help="also these sizes, once")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    parts = []
    if options.repeats:
        rounds = rounds_of(options.records, options.repeats)
        table = [row for kind in TARGETS for row in rows(kind, rounds[kind])]
        parts.append(measure.table(["", "records", "CPU s", "peak MB", "of the floor", "target"], table))
    if options.growth:
        parts.append(f"## Growth\n\nCPU seconds, one round a size.\n\n{grown(options.growth)}")
    note = (
        f"Accounts, Contacts and Customer Health, 20 fields each, with a required field, a range, an enum, a hash, a "
        f"dedupe rule, and rejected records; median of {options.repeats} rounds. The floor reads the same fields of "
        "the same sandbox by Bulk API 2.0 to a file and lets DuckDB insert or merge it, typed, with no check. Both "
        "are child processes; the sandbox is in neither figure."
    )
    history = told_before(options.output)
    measure.report("Load speed", [note, *parts], options.output)
    if options.output and history:
        options.output.write_text(options.output.read_text(encoding="utf-8") + history, encoding="utf-8")


if __name__ == "__main__":
    main()
