"""The least that a load can cost: Bulk query → file → one typed DuckDB statement, with no check of any kind."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import httpx2

POLL_SECONDS = 0.2


def submit(client: httpx2.Client, soql: str) -> str:
    """Start one Bulk API 2.0 query job."""
    answer = client.post("/jobs/query", json={"operation": "queryAll", "query": soql})
    answer.raise_for_status()
    return str(answer.json()["id"])


def finished(client: httpx2.Client, job: str) -> None:
    """Wait until the job is complete."""
    while client.get(f"/jobs/query/{job}").raise_for_status().json()["state"] != "JobComplete":
        time.sleep(POLL_SECONDS)


def download(client: httpx2.Client, job: str, folder: Path) -> list[str]:
    """Stream every page of a job's result to a file of its own."""
    files: list[str] = []
    locator = ""
    while locator != "null":
        path = folder / f"{job}-{len(files)}.csv"
        parameters = {"locator": locator} if locator else {}
        with client.stream("GET", f"/jobs/query/{job}/results", params=parameters) as answer, path.open("wb") as file:
            answer.raise_for_status()
            for block in answer.iter_bytes():
                file.write(block)
            locator = answer.headers.get("Sforce-Locator", "null")
        files.append(str(path))
    return files


def relation(files: list[str], columns: dict[str, str]) -> str:
    """The landed files as a typed relation."""
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    return f"read_csv({files}, header = true, columns = {{{types}}}, quote = '\"', escape = '\"', new_line = '\\n')"


def statements(entry: dict[str, Any], files: list[str], increment: bool) -> list[str]:
    """Create and fill a table, or merge into it by Id."""
    table, source = f'"{entry["name"]}"', relation(files, entry["columns"])
    if not increment:
        return [f"CREATE TABLE {table} AS SELECT * FROM {source}"]
    merge = f"MERGE INTO {table} USING (SELECT * FROM {source}) AS s USING (Id)"
    return [f"{merge} WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT"]


def main() -> None:
    """Load what the plan in the file named by the argument lists, all jobs submitted first, in one transaction."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = Path(plan["folder"])
    headers = {"Authorization": f"Bearer {plan['token']}", "Accept-Encoding": "gzip"}
    with httpx2.Client(base_url=plan["base_url"], headers=headers, timeout=120) as client:
        jobs = [submit(client, entry["soql"]) for entry in plan["objects"]]
        landed = []
        for job in jobs:
            finished(client, job)
            landed.append(download(client, job, folder))
    with duckdb.connect(plan["database"]) as connection:
        connection.execute("BEGIN")
        for entry, files in zip(plan["objects"], landed, strict=True):
            for statement in statements(entry, files, plan["increment"]):
                connection.execute(statement)
        connection.execute("COMMIT")


if __name__ == "__main__":
    main()
