"""Extracts a million Contacts by the runtime's own code, against bare HTTP to files: CPU seconds and peak memory."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import httpx2

import floor
import load
import measure

MOST_MB = 400
OBJECT = "Contact"


def bare(plan: dict[str, str]) -> int:
    """Submit one job, wait, and stream its pages to files; how many pages came."""
    headers = {"Authorization": f"Bearer {plan['token']}", "Accept-Encoding": "gzip"}
    with httpx2.Client(base_url=f"{plan['url']}{load.API}", headers=headers, timeout=600) as client:
        job = floor.submit(client, plan["soql"])
        floor.finished(client, job)
        return len(floor.download(client, job, Path(plan["folder"])))


def durable(plan: dict[str, str]) -> int:
    """Land the same records counted, verified page by page and job by job, in resumable parts; how many records."""
    from durable_runtime.clock import SYSTEM
    from durable_runtime.configuration import SalesforceSettings
    from durable_runtime.credentials import given
    from durable_runtime.extraction import Reader, extract
    from durable_runtime.salesforce.session import Session
    from durable_runtime.spec import Extract, Retry
    from durable_runtime.windows import Plan, Window

    retry = Retry(max_attempts=5, backoff="exponential", max_elapsed_seconds=900, classes=("rate_limit", "network"))
    settings = SalesforceSettings(
        sandbox=False,
        login_url=plan["url"],
        client_id=given(plan["client_id"], "client_id", hidden=False),
        client_secret=given(os.environ["BENCHMARK_SECRET"], "client_secret"),
        timeout_seconds=600,
    )
    fields = tuple(plan["fields"].split(","))
    whole = Extract(OBJECT, fields, lambda shown: f"SELECT {', '.join(shown)} FROM {OBJECT}", "SystemModstamp", ("R1",))
    with Session(settings, retry, SYSTEM) as session:
        window = Window(None, datetime(2100, 1, 1, tzinfo=UTC))
        reads = extract(Reader(session, Path(plan["folder"]), retry, SYSTEM), [Plan(whole, fields, window)])
    return reads.landed[OBJECT].rows


CHILDREN = {"bare": bare, "durable": durable}
LABELS = {"bare": "floor: one job, pages to files", "durable": "Durable: counted, verified, resumable"}


def once(kind: str, source: load.Source, fields: list[str]) -> measure.Cost:
    """One child that reads every Contact into an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        plan = {
            "url": source.url,
            "token": source.token,
            "client_id": source.client_id,
            "folder": folder,
            "fields": ",".join(fields),
            "soql": f"SELECT {', '.join(fields)} FROM {OBJECT}",
        }
        path = Path(folder) / "plan.json"
        path.write_text(json.dumps(plan), encoding="utf-8")
        return measure.run(
            [sys.executable, __file__, "--child", kind, str(path)], path.parent, load.environment(source)
        )


def readable(source: load.Source) -> list[str]:
    """Every field of the object that a Bulk query may name."""
    with source.client() as client:
        described = client.get(f"{load.API}/sobjects/{OBJECT}/describe").raise_for_status().json()["fields"]
    return [each["name"] for each in described if each["type"] not in ("address", "location", "base64")]


def main() -> None:
    """Measure and print the table, or be one of the children."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="Contacts")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--child", nargs=2, metavar=("KIND", "PLAN"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        kind, path = options.child
        print(CHILDREN[kind](json.loads(Path(path).read_text(encoding="utf-8"))))
        return
    with tempfile.TemporaryDirectory() as state, load.sandbox(Path(state), options.rows) as source:
        fields = readable(source)
        costs = {kind: [once(kind, source, fields) for _ in range(options.repeats)] for kind in CHILDREN}
        held = load.count(source, OBJECT)
    landed = {int(one.output) for one in costs["durable"]}
    if landed != {held}:
        raise SystemExit(f"Salesforce holds {held:,} records, and {landed} were landed")
    least = statistics.median(one.cpu_seconds for one in costs["bare"])
    rows = []
    for kind, label in (
        ("bare", "floor: one job, pages to files"),
        ("durable", "Durable: counted, verified, resumable"),
    ):
        cpu = statistics.median(one.cpu_seconds for one in costs[kind])
        wall = statistics.median(one.wall_seconds for one in costs[kind])
        peak = max(one.peak_mb for one in costs[kind])
        rows.append([label, f"{held:,}", f"{cpu:.2f}", f"{cpu / least:.2f}×", f"{peak:.0f}", f"{wall:.1f}"])
    note = (
        f"Every field of {held:,} Contacts, deleted ones too, by Bulk API 2.0; each row a process of its own, the "
        f"sandbox in neither. The bar is {MOST_MB} MB. Wall seconds are mostly the sandbox's, which makes each record "
        "when it is asked for."
    )
    columns = ["", "records", "CPU s", "of the floor", "peak MB", "wall s"]
    measure.report("A million Contacts", [note, measure.table(columns, rows)], options.output)


if __name__ == "__main__":
    main()
