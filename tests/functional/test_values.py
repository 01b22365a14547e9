"""Values, exactly: every field type's hard cases from Salesforce to the column, over REST and over Bulk."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Context, Decimal
from pathlib import Path
from time import sleep
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from durable_runtime.clock import Clock
from durable_runtime.configuration import load
from durable_runtime.extraction import Landed, Reader, land
from durable_runtime.salesforce.session import Session
from durable_runtime.salesforce.sizes import Sizes
from durable_runtime.spec import Retry
from durable_runtime.transformation import Stamp, stage
from durable_runtime.windows import with_conditions
from durable_sandbox.ids import with_checksum
from durable_sandbox.objects import FIELD_TYPES
from functional.project import Project, Sandbox, sandbox
from functional.test_resume import asked
from functional.test_snowflake_run import rows as rows_in_snowflake
from functional.test_snowflake_run import stand_in
from functional.value_cases import (
    BY_TYPE,
    CASES,
    KINDS,
    OBJECT,
    PAGE,
    TEXTS,
    Case,
    Kind,
    Rejected,
    each,
    filled,
    landed,
)

EXAMPLES = int(os.environ.get("DURABLE_SEEDS", "20"))
RETRY = Retry(max_attempts=3, backoff="exponential", max_elapsed_seconds=60, classes=("rate_limit", "network"))
IMPATIENT = Clock(sleep=lambda seconds: sleep(min(seconds, 0.01)))
SPEC = """# Values

- R1.1 Syncs Invoices, Tasks and AccountHistory from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R1.3 Writes to Snowflake table customer_data
- R1.4 Reads only records modified since the last run
- R1.5 Keeps unmapped fields in the extensions column
"""
PROFILES = """default_profile = "rest"
[profiles.rest]
alerts = "file"
keys = {keys}
warehouse = {{kind = "duckdb", path = ".durable/rest.duckdb"}}
[profiles.rest.salesforce]
rest_below = 1000000
{login}
[profiles.bulk]
alerts = "file"
keys = {keys}
warehouse = {{kind = "duckdb", path = ".durable/bulk.duckdb"}}
[profiles.bulk.salesforce]
rest_below = 0
{login}
[profiles.snow]
alerts = "file"
keys = {keys}
[profiles.snow.warehouse]
kind = "snowflake"
account = "local"
user = "DURABLE"
password = "env:KEY"
database = "CRM"
schema = "PUBLIC"
host = "{host}"
port = {port}
protocol = "http"
[profiles.snow.salesforce]
rest_below = 0
{login}
"""
KEYS = '{journal = "env:KEY", mask = "env:KEY", rejects = "env:KEY"}'
EXCEPT_RUN = "* EXCLUDE (loaded_at, run_id, pipeline_version)"
CREATED = "POST /services/data/{version}/jobs/query"
WHO, WHAT, GROUP = "00300000000000BAAQ", "a1X000000000001AAA", "00G000000000001AAA"


@dataclass(repr=False)
class World:
    """A project that has read all cases over REST and over Bulk, and the Ids under which they stand."""

    project: Project
    server: Sandbox
    snowflake: dict[str, Any]
    ids: dict[str, tuple[Kind, Case]]
    others: dict[str, dict[str, Any]]
    first: dict[str, dict[str, Any]]  # each profile's first run

    def file(self, profile: str) -> Path:
        return self.project.root / ".durable" / f"{profile}.duckdb"

    def held(self, profile: str, table: str = "customer_data") -> dict[str, dict[str, Any]]:
        if profile == "snow":
            return by_id(rows_in_snowflake(self.snowflake, f"SELECT * FROM {table}"))
        return by_id(self.project.rows(f"FROM {table}", self.file(profile)))

    def rejects(self, profile: str) -> dict[str, dict[str, Any]]:
        return self.held(profile, "customer_data__rejects")

    def read(self, profile: str, *arguments: str) -> dict[str, Any]:
        return self.project.succeed("--profile", profile, *arguments)


def configure(project: Project, server: Sandbox, address: dict[str, Any]) -> None:
    """One profile for each way from Salesforce to a warehouse."""
    login = [f'login_url = "{server.url}"', 'auth = "client_credentials"', 'client_secret = "env:SANDBOX_SECRET"']
    login += [f'client_id = "{server.announced["client_id"]}"', "horizon_seconds = 0"]
    text = PROFILES.format(login="\n".join(login), keys=KEYS, **address)
    (project.root / "durable.toml").write_text(text, encoding="utf-8")
    secrets = {"SANDBOX_SECRET": server.announced["client_secret"], "KEY": "00" * 32}
    project.variables |= {**secrets, "TZ": "Europe/Berlin"}


def define(server: Sandbox, kind: Kind, name: str) -> None:
    shape = kind.shape or ({"reference_to": ["Account"]} if kind.type == "reference" else {})
    described = {"name": name, "type": kind.type.partition(" ")[0], **shape}
    server.post("drift", {"op": "add", "object": OBJECT, "field": described})


def put_cases(server: Sandbox) -> dict[str, tuple[Kind, Case]]:
    pairs = list(each())
    made = server.put(f"records/{OBJECT}", [{"Name": case.hard, kind.field: case.sent} for kind, case in pairs])
    return dict(zip(made["ids"], pairs, strict=True))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    project = Project.make(tmp_path_factory.mktemp("values") / "project", SPEC)
    with sandbox(project.state, rows=40) as server, stand_in() as address:
        server.post("objects", {"show": [OBJECT, "AccountHistory"]})
        for kind in KINDS:
            if kind.shape is not None:
                define(server, kind, kind.field)
        server.post("drift", {"op": "picklist_retire", "object": OBJECT, "field": "Stage__c", "value": "Closed"})
        ids = put_cases(server)
        others: dict[str, dict[str, Any]] = {
            "polymorphic": put_polymorphic(server),
            "history": put_history(server),
            "rejected": put_rejected(server),
        }
        configure(project, server, address)
        named = [argument for name in (OBJECT, "Task", "AccountHistory") for argument in ("--object", name)]
        for arguments in (("discover", *named), ("compile", "customer_data", "--no-commit")):
            done = project.durable(*arguments)
            assert done.code == 0, done.err + done.out
        made = World(project, server, address, ids, others, {})
        made.first["rest"] = made.read("rest")
        assert asked(server)[CREATED] == 0
        made.first["bulk"] = made.read("bulk")
        assert asked(server)[CREATED] == 3
        yield made


def put_polymorphic(server: Sandbox) -> dict[str, tuple[str, str, str]]:
    """Tasks by Id with (WhoId, WhatId, OwnerId)."""
    wanted = [(WHO, WHAT, GROUP), ("00Q00000000000bEAA", "006000000000001AAA", "005000000000001AAA")]
    records = [dict(zip(("WhoId", "WhatId", "OwnerId"), one, strict=True)) for one in wanted]
    return dict(zip(server.put("records/Task", records)["ids"], wanted, strict=True))


def put_history(server: Sandbox) -> dict[str, tuple[str | None, str | None]]:
    """Changes of fields of several types by Id, with (OldValue, NewValue)."""
    wanted = [(None, "NA"), ("1.25E7", "12500000"), ("2024-02-29", None), ("true", "false"), (WHO, " ")]
    records = [{"Field": "Name", "OldValue": old, "NewValue": new} for old, new in wanted]
    return dict(zip(server.put("records/AccountHistory", records)["ids"], wanted, strict=True))


def put_rejected(server: Sandbox) -> dict[str, dict[str, str | None]]:
    """Records by Id that are rejected for their amount and hold a hard text in every field for text."""
    hard = [case for case in CASES if "textarea (long)" in case.types]
    fields = [one.field for one in KINDS if one.type in TEXTS]
    records = [{"Amount__c": "1E+20", **dict.fromkeys(fields, case.sent)} for case in hard]
    return dict(zip(server.put(f"records/{OBJECT}", records)["ids"], records, strict=True))


def by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["source_id"]: row for row in rows}


def assert_exact(world: World, held: dict[str, dict[str, Any]], rejects: dict[str, dict[str, Any]]) -> None:
    """Every case in its cell, and nothing in the others of its record."""
    columns = [one.column for one in KINDS if one.column and one.column not in ("source_id", "done")]
    assert held.keys() >= {one for one, (_, case) in world.ids.items() if not isinstance(case.stored, Rejected)}
    for one, (kind, case) in world.ids.items():
        where = (kind.type, case.hard, (case.sent or "")[:40])
        if isinstance(case.stored, Rejected):
            assert one not in held, where
            assert (rejects[one]["rule"], rejects[one]["requirement"]) == (case.stored.rule, "R1.1"), where
            assert kind.field in rejects[one]["message"], where
            continue
        assert held[one]["name"] == case.hard
        expected: dict[str, Any] = dict.fromkeys(columns) | {str(kind.column): case.stored}
        got = {column: held[one][column] for column in expected}
        assert {name: type(value) for name, value in got.items()} == {k: type(v) for k, v in expected.items()}, where
        assert got == expected, where


def test_every_type_has_the_column_that_the_page_says(world: World) -> None:
    found = next(one for one in module(world.project, "transform").TRANSFORMS if one.object == OBJECT).columns
    columns = {one.field: (one.name, one.duckdb, one.snowflake) for one in found}
    for kind in KINDS:
        wanted = (kind.column, kind.duckdb, kind.snowflake) if kind.column not in (None, "source_id") else None
        assert columns.get(kind.field) == wanted, kind


def test_the_page_shows_these_tables() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == filled(page), "run python tests/functional/value_cases.py"
    assert {kind.type.partition(" ")[0] for kind in KINDS} == FIELD_TYPES


@pytest.mark.parametrize("profile", ["rest", "bulk"])
def test_every_hard_value_is_stored_exactly_or_rejected_on_duckdb(world: World, profile: str) -> None:
    assert_exact(world, world.held(profile), world.rejects(profile))


def test_every_hard_value_is_stored_exactly_or_rejected_on_snowflake(world: World) -> None:
    world.read("snow")
    held = world.held("snow")
    assert_exact(world, held, world.rejects("snow"))
    in_duckdb = world.held("bulk")
    assert {one: row["row_hash"] for one, row in held.items()} == {k: v["row_hash"] for k, v in in_duckdb.items()}


def test_rest_and_bulk_fill_the_tables_alike(world: World) -> None:
    for table in ("customer_data", "customer_data__rejects"):
        left = "run_id, rejected_at" if table.endswith("rejects") else "loaded_at, run_id, pipeline_version"
        sql = f"SELECT * EXCLUDE ({left}) FROM {table} ORDER BY source_object, source_id"
        by_rest = world.project.rows(sql, world.file("rest"))
        assert len(by_rest) >= sum(isinstance(case.stored, Rejected) for _, case in world.ids.values())
        assert by_rest == world.project.rows(sql, world.file("bulk"))


@pytest.mark.parametrize("profile", ["rest", "bulk"])
def test_polymorphic_references_keep_the_prefix_that_tells_whose_id_it_is(world: World, profile: str) -> None:
    held = world.held(profile)
    for one, wanted in world.others["polymorphic"].items():
        assert tuple(held[one][column] for column in ("who_id", "what_id", "owner_id")) == wanted
    for one, wanted in world.others["history"].items():
        assert tuple(held[one][column] for column in ("old_value", "new_value")) == wanted


@pytest.mark.parametrize("profile", ["rest", "bulk"])
def test_a_rejected_record_keeps_every_character_as_json(world: World, profile: str) -> None:
    rejects = world.rejects(profile)
    for one, sent in world.others["rejected"].items():
        record = json.loads(rejects[one]["record"])
        assert {name: record[name] for name in sent} == {name: landed(text) for name, text in sent.items()}
        assert (record["Id"], record["Ratio__c"], record["IsDeleted"]) == (one, None, "false")


@pytest.mark.parametrize("profile", ["rest", "bulk"])
def test_characters_that_are_taken_out_are_counted(world: World, profile: str) -> None:
    cases = [case.sent or "" for _, case in world.ids.values()]
    rejected = [text or "" for record in world.others["rejected"].values() for text in record.values()]
    taken_out = sum(text.count("\x00") for text in cases + rejected)
    assert taken_out > 40
    folder = world.project.root / ".durable" / "runs" / world.first[profile]["run_id"]
    events = json.loads((folder / "run.json").read_text(encoding="utf-8"))["events"]
    assert {"code": "nul_bytes_removed", "object": OBJECT, "count": taken_out} in events


def test_new_fields_of_every_type_and_of_an_unknown_one_keep_every_character_in_extensions(
    world: World, reading: Reading
) -> None:
    extra = {one.type: f"New_{at}__c" for at, one in enumerate(KINDS) if one.type != "id"}
    for type_, name in extra.items():
        define(world.server, BY_TYPE[type_], name)
    pairs = [(extra[kind.type], case.sent) for kind, case in each() if kind.type in extra]
    made = world.server.put(f"records/{OBJECT}", [{"Name": "new", name: sent} for name, sent in pairs])
    described = reading.session.get(f"sobjects/{OBJECT}/describe")["fields"]
    for one in described:
        one["type"] = "hologram" if one["name"] == extra["string"] else one["type"]
    unheard_of = {"kind": "describe", "object": OBJECT, "every": True, "json": {"fields": described}}
    (fault,) = world.server.post("faults", unheard_of)["faults"]
    whole = (extra["int"], extra["long"])
    held_back = ("encryptedstring", *(one.type for one in KINDS if one.column is None))
    stored = {name: None for type_, name in extra.items() if type_ not in held_back} | {extra["boolean"]: "false"}
    assert {row["extensions"] for row in world.held("rest").values()} == {None}
    for profile in ("rest", "bulk", "snow"):
        world.read(profile)
        held = world.held(profile)
        for one, (name, sent) in zip(made["ids"], pairs, strict=True):
            text = "0" if sent == "0.0" and name in whole else landed(sent)
            expected = stored | ({name: text} if name in stored else {})
            assert json.loads(held[one]["extensions"]) == expected, (name, sent)
    (listed,) = world.server._send("GET", "faults", None)["faults"]
    assert (listed["id"], listed["fired"]) == (fault["id"], 3)


FRAGMENTS = (
    '"',
    '""',
    ",",
    "\n",
    "\r",
    "\r\n",
    "\\",
    "'",
    " ",
    "\t",
    "\x00",
    "\ufeff",
    "\u2028",
    "🙂",
    "e\u0301",
    "NA",
    "=",
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.lists(
    st.sampled_from(FRAGMENTS), max_size=8
).map("".join)
DIGITS = st.text("0123456789", max_size=22)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Any number of JSON: few digits or many, with a fraction, an exponent, both or neither."""
    whole = str(int(draw(DIGITS) or "0"))
    fraction = draw(st.just("") | DIGITS.filter(bool).map(lambda digits: f".{digits}"))
    power = draw(st.just("") | st.tuples(st.sampled_from(["E", "e", "E+", "E-"]), st.integers(0, 30)).map(_joined))
    return draw(st.sampled_from(["", "-"])) + whole + fraction + power


def _joined(parts: tuple[str, int]) -> str:
    return "".join(map(str, parts))


@st.composite
def moments(draw: st.DrawFn) -> str:
    found = draw(st.datetimes(*map(datetime.fromisoformat, ("1700-01-01", "4000-12-31T23:59:59"))))
    return f"{found.replace(microsecond=0).isoformat()}.{draw(st.integers(0, 999)):03d}Z"


def _clock(at: time) -> str:
    return f"{at.replace(microsecond=0).isoformat()}.{at.microsecond // 1000:03d}Z"


ANY_ID = st.integers(0, 10**9).map(lambda number: with_checksum(f"003Hs{number:010d}"))
VALUES: dict[str, st.SearchStrategy[str]] = {
    **dict.fromkeys(TEXTS, TEXT),
    **dict.fromkeys(("reference", "reference (polymorphic)"), ANY_ID),
    **dict.fromkeys(("double", "currency", "percent", "double (latitude, longitude)"), numbers()),
    **dict.fromkeys(("int", "long"), st.integers(-(2**63), 2**63 - 1).map(str) | numbers()),
    "boolean": st.sampled_from(["true", "false"]),
    "date": st.dates(date(1700, 1, 1), date(4000, 12, 31)).map(date.isoformat),
    "datetime": moments(),
    "time": st.times().map(_clock),
}
STORED = tuple(one for one in KINDS if one.type in VALUES)
RECORD = st.fixed_dictionaries(
    {one.field: st.none() | VALUES[one.type] for one in STORED if one.type != "boolean"}
    | {"Done__c": VALUES["boolean"]}
)


def expected(kind: Kind, sent: str | None) -> Any:
    """The column's value in plain Python; Rejected for a number that does not fit."""
    text = landed(sent)
    if text is None or kind.duckdb == "VARCHAR":
        return text
    if kind.duckdb in ("BIGINT", "DECIMAL(38,18)"):
        number = Decimal(text)
        digits, exponent = number.normalize(EVERY_DIGIT).as_tuple()[1:]
        fits = not number or (-int(exponent) <= 18 and len(digits) + int(exponent) <= 20)
        if kind.duckdb == "BIGINT":
            fits = fits and number == int(number) and -(2**63) <= number < 2**63
            return int(number) if fits else Rejected("number_does_not_fit")
        return number if fits else Rejected("number_does_not_fit")
    return READ[kind.duckdb](text)


EVERY_DIGIT = Context(prec=100)
READ: dict[str, Callable[[str], Any]] = {
    "BOOLEAN": {"true": True, "false": False}.__getitem__,
    "DATE": date.fromisoformat,
    "TIMESTAMP": lambda text: datetime.fromisoformat(text.removesuffix("Z")),
    "TIME": lambda text: time.fromisoformat(text.removesuffix("Z")),
}


class Reading:
    """The package's reading of one object in this process, without a run around it."""

    def __init__(self, world: World, session: Session, folder: Path) -> None:
        self.server, self.session, self.folder, self.examples = world.server, session, folder, 0
        found = {name: module(world.project, name) for name in ("extract", "transform")}
        self.extract = next(one for one in found["extract"].EXTRACTS if one.object == OBJECT)
        self.transform = next(one for one in found["transform"].TRANSFORMS if one.object == OBJECT)

    def land(self, ids: Sequence[str], api: str, below: int) -> Landed:
        named = ", ".join(f"'{one}'" for one in ids)
        soql = with_conditions(self.extract.soql(), [f"Id IN ({named})"])
        reader = Reader(self.session, self.folder, RETRY, IMPATIENT, Sizes(rest_below=below))
        done = land(reader, OBJECT, soql, self.extract.fields, self.folder / f"{self.examples}-{api}")
        assert done.api == api
        return done

    def stage(self, landed: Landed) -> dict[str, dict[str, Any]]:
        staged = stage(
            self.transform, landed.files, header=landed.columns, extra=(), requirement="R1.1",
            stamp=Stamp("run", datetime.fromisoformat("2026-01-01"), "1.0.0"), batch_rows=1000,
            folder=self.folder / f"{self.examples}-{landed.api}-staged", key=b"", records=landed.rows,
        )  # fmt: skip
        with duckdb.connect() as database:
            result = database.execute("FROM read_parquet(?)", [[str(path) for path, _ in staged.batches]])
            names = [one[0] for one in result.description]
            return by_id([dict(zip(names, row, strict=True)) for row in result.fetchall()])


def module(project: Project, name: str) -> Any:
    path = project.root / "generated" / "customer_data" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{name}_of_values", path)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def reading(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in world.project.variables.items():
            patch.setenv(name, value)
        settings = load(world.project.root / "durable.toml", "rest").salesforce
        with Session(settings, RETRY, IMPATIENT) as session:
            yield Reading(world, session, tmp_path_factory.mktemp("reading"))


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(records=st.lists(RECORD, min_size=1, max_size=6))
def test_any_record_lands_byte_for_byte_alike_over_rest_and_bulk_and_is_stored_exactly(
    reading: Reading, records: list[dict[str, str | None]]
) -> None:
    reading.examples += 1
    sent = dict(zip((with_checksum(f"a1XHs0Z{at:08d}") for at in range(len(records))), records, strict=True))
    reading.server.put(f"records/{OBJECT}", [{"Id": one, **record} for one, record in sent.items()])
    by_rest, by_bulk = reading.land([*sent], "rest", 10**9), reading.land([*sent], "bulk", 0)
    assert b"".join(path.read_bytes() for path in by_rest.files) == b"".join(
        path.read_bytes() for path in by_bulk.files
    )
    staged = reading.stage(by_bulk)
    assert staged.keys() == sent.keys()
    for one, record in sent.items():
        wanted = {str(kind.column): expected(kind, record[kind.field]) for kind in STORED}
        rejected = any(isinstance(value, Rejected) for value in wanted.values())
        assert staged[one]["__outcome"] == ("rejected" if rejected else "live")
        for column, value in wanted.items():
            assert staged[one][column] == (None if isinstance(value, Rejected) else value), (column, record)
        if rejected:
            kept = json.loads(staged[one]["__record"])
            assert {name: kept[name] for name in record} == {name: landed(text) for name, text in record.items()}
