"""Landed files to staged Parquet: DuckDB runs the generated SELECT over each page, set-based and exact."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from durable_runtime import phones
from durable_runtime.drift import COLUMNS, Retyped, family
from durable_runtime.errors import DiskFull, Incomplete, RepeatedRecords, StatementFailed, WarehouseCorrupt
from durable_runtime.macros import HMAC_BLOCK, MACROS, needed, refit
from durable_runtime.sealing import Sealer, seal_files
from durable_runtime.spec import Mask, Rule, Transform

if TYPE_CHECKING:
    import duckdb

ROOMY = ("SET threads = 1", "SET memory_limit = '8GB'")  # only after the usual limit was too small


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every row of a run carries: when it was loaded, by which run and release.

    `started` is what rules call now, and its day in `timezone` what they call today; without it, `loaded_at` is both.
    """

    run_id: str
    loaded_at: datetime  # naive UTC
    version: str
    started: datetime | None = None  # aware
    timezone: str = "UTC"

    @property
    def now(self) -> datetime:
        """The start of the run in the schedule's zone."""
        moment = self.started or self.loaded_at.replace(tzinfo=UTC)
        return moment.astimezone(ZoneInfo(self.timezone))


@dataclass(frozen=True, slots=True)
class Staged:
    """One object's batches, in the order in which they are loaded."""

    object: str
    batches: tuple[tuple[Path, int], ...]  # file and its rows; at least one file, empty if nothing was read
    broken: tuple[tuple[Rule, int], ...] = ()  # rules that warn or fail, and how many records break each
    unfit: tuple[tuple[str, int], ...] = ()  # retyped fields, and how many values went to extensions instead
    kept: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (column, why) -> texts that became no E.164

    @property
    def rows(self) -> int:
        """Distinct Ids read."""
        return sum(rows for _, rows in self.batches)


def stage(
    transform: Transform,
    pages: Sequence[Path],
    *,
    header: Sequence[str],
    extra: Sequence[str],
    requirement: str,
    stamp: Stamp,
    batch_rows: int,
    folder: Path,
    key: bytes,
    records: int | None = None,
    parts: Sequence[int] = (),
    retyped: Sequence[Retyped] = (),
    absent: Sequence[str] = (),
    whole: Sequence[str] = (),
    sealer: Sealer | None = None,
) -> Staged:
    """Turn landed pages into Parquet batches of at most `batch_rows` rows, one row an Id.

    `header` names the columns of every page; a field of the SELECT that is not among them reads as NULL. `extra` are
    the columns that go to `extensions`, and `whole` those of them that are whole numbers; `records` is how many were
    landed. A value of a `retyped` field that does not fit its column exactly reads as NULL, and its text goes to
    `extensions`. `absent` are fields beside those of the columns that the SELECT may name. With a `sealer`, a rejected
    record that has masked fields is kept whole and sealed; without one, its masks hide them in it too. Raises DiskFull,
    Incomplete, or StatementFailed for a generated statement DuckDB refuses.
    """
    retyped = [one for one in retyped if one.field in header]
    texts = {name: f"whole_text(__page.{quoted(name)})" for name in extra if name in whole}
    texts = {name: f"__page.{quoted(name)}" for name in extra} | texts
    relation = _relation(transform, header, texts, retyped, absent)
    seals = sealer if _hidden_in(transform, header) else None
    record = "to_json(__record)" if seals else _record(transform, header)
    statement = _statement(transform, relation, header, requirement, stamp, record)
    with _Connected(folder, key, stamp.now, MACROS if transform.phones else needed(statement)) as database:
        kept: Counter[tuple[str, str]] = Counter()
        made = []
        for at, page in enumerate(pages):
            database.execute("SET VARIABLE page = ?", [str(page)])
            kept.update(phones.fill(database, relation, transform.phones) if transform.phones else {})
            made.append(_page(database, statement, folder / f"{transform.object}-{at:05d}"))
        _check_read(transform.object, sum(rows for _, rows in made), records)
        filled = [path for path, rows in made if rows] or [path for path, _ in made[:1]]
        distinct = _one_row_an_id(database, filled, folder, transform.object)
        if distinct != filled:
            _refuse_repeats(database, transform.object, made, parts)
        if seals is not None:
            seal_files(database, transform.object, distinct, seals)
        broken = _broken(database, transform, distinct)
        unfit = tuple(_unfit(database, retyped, distinct))
        told = tuple(_told(transform))
        batches = tuple(part for path in distinct for part in _cut(database, path, batch_rows, told=bool(told)))
        return Staged(transform.object, batches, broken, unfit, kept)


def _refuse_repeats(
    database: duckdb.DuckDBPyConnection, name: str, made: Sequence[tuple[Path, int]], parts: Sequence[int]
) -> None:
    """Raise RepeatedRecords where an Id comes twice within one query, whose answer is a snapshot."""
    ends = list(accumulate(parts))
    for begin, end in zip([0, *ends], ends, strict=False):
        paths = [str(path) for path, rows in made[begin:end] if rows]
        rows = sum(rows for _, rows in made[begin:end])
        (found,) = (
            database.execute("SELECT count(DISTINCT source_id) FROM read_parquet(?)", [paths]).fetchone() or (0,)
            if paths
            else (0,)
        )
        if found != rows:
            raise RepeatedRecords(
                f"{name}: one query sent {rows:,} rows for {found:,} records; a page may have come twice instead of "
                "another one. Nothing was loaded.",
                help="Run again; if it stays, check what stands between this machine and Salesforce.",
            )


def _check_read(name: str, read: int, landed: int | None) -> None:
    if landed is not None and read != landed:
        raise Incomplete(
            f"{name}: {landed} records were landed, but {read} were read from the files; nothing was loaded.",
            help="Run again; if it happens twice, report it with the run's folder.",
        )


class _Connected:
    """An in-memory DuckDB with reading macros; errors come out in the runtime's own families."""

    def __init__(self, folder: Path, key: bytes, now: datetime, macros: Sequence[str]) -> None:
        self.folder, self.key, self.now, self.macros = folder, key.ljust(HMAC_BLOCK, b"\0"), now, macros

    def __enter__(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": str(self.folder / "spill"),
            "memory_limit": "256MB",
            "preserve_insertion_order": False,
        }
        self.database = duckdb.connect(config=settings)
        self.database.execute("SET TimeZone = 'UTC'")
        for name, pad in (("inner_pad", 0x36), ("outer_pad", 0x5C)):  # bound, so that no statement text holds the key
            self.database.execute(f"SET VARIABLE {name} = ?", [bytes(byte ^ pad for byte in self.key)])
        self.database.execute("SET VARIABLE run_moment = ?", [self.now.astimezone(UTC).replace(tzinfo=None)])
        self.database.execute("SET VARIABLE run_day = ?", [self.now.date()])
        for macro in self.macros:
            self.database.execute(macro)
        return self.database

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        import duckdb

        self.database.close()
        if isinstance(error, duckdb.Error):
            raise classified(error) from error


def classified(error: Exception) -> Exception:
    """DuckDB's error as the run's: a full disk is transient, the rest is a statement that it refuses."""
    text = str(error).split("\n")[0]
    if "No space left" in text or "ENOSPC" in text:
        return DiskFull(
            f"No room to stage files: {text}", help="Free disk space below the state folder, then run again."
        )
    if "Invalid unicode" in str(error):
        return Incomplete(
            "A page that Salesforce sent holds bytes that are not UTF-8; nothing was loaded.",
            help="Run again; if it stays, check what stands between this machine and Salesforce.",
        )
    if "Corrupt" in text or "corrupt" in text:
        return WarehouseCorrupt(text, help="Restore the file from a backup, then run with --full.")
    return StatementFailed(
        f"DuckDB refuses the generated transformation: {text}", help="Please report this; nothing was loaded."
    )


def quoted(name: str) -> str:
    """An identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"


def _relation(
    transform: Transform,
    header: Sequence[str],
    extra: Mapping[str, str],
    retyped: Sequence[Retyped],
    unread: Sequence[str],
) -> str:
    """The WITH clause that makes `landed` of the page which the variable names."""
    absent = "".join(f", {one}" for one in _missing(transform, header, unread))
    spelt = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    dialect = (
        "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', "
        "new_line = '\\n', strict_mode = true, max_line_size = 33554432, buffer_size = 67108864"
    )
    reader = f"read_csv(getvariable('page'), columns = {{{spelt}}}, {dialect})"
    return f"""
WITH __page AS (SELECT * FROM {reader}),
landed AS (SELECT __page.*{_refitted(retyped)}{absent}, {_extensions(extra, retyped)} AS __extensions,
    __page AS __record FROM __page)"""


def _statement(
    transform: Transform, relation: str, header: Sequence[str], requirement: str, stamp: Stamp, record: str
) -> str:
    keyed = f"SELECT *, {_key(transform)} AS dedupe_key{_flags(transform)} FROM settled"
    return f"""{relation},
shaped AS ({transform.select}),
judged AS (SELECT *, {_verdict(transform, requirement)} FROM shaped),
settled AS (SELECT *, {_outcome(transform)} AS __outcome FROM judged)
SELECT {", ".join(_output(transform, header, stamp, record))} FROM (SELECT *{_masked(transform)} FROM ({keyed}))
"""


def _outcome(transform: Transform) -> str:
    """What becomes of a row; one whose filter cannot be decided, because a value does not fit, is rejected."""
    filtered = ""
    if transform.where is not None:
        undecided = ", ".join(map(literal, transform.where.fields)) or "NULL"
        filtered = (
            f"WHEN split_part(__misfit, ' ', 2) IN ({undecided}) THEN 'rejected' "
            f"WHEN NOT ({transform.where.condition}) THEN 'filtered' "
        )
    return f"CASE WHEN is_deleted THEN 'deleted' {filtered}WHEN __rule IS NOT NULL THEN 'rejected' ELSE 'live' END"


def _masked(transform: Transform) -> str:
    """Columns whose value is hidden before anything is written; the dedupe key is made from the value itself."""
    hidden = (f"{mask_of(one, quoted(one.column))} AS {quoted(one.column)}" for one in transform.masks)
    return f" REPLACE ({', '.join(hidden)})" if transform.masks else ""


def mask_of(mask: Mask, value: str) -> str:
    """The SQL that hides a value: a keyed hash, or stars up to its last four characters."""
    return {"sha256": f"keyed_hash({value}::VARCHAR)", "last4": f"last_four({value}::VARCHAR)"}[mask.method]


def _hidden_in(transform: Transform, header: Sequence[str]) -> list[tuple[str, Mask]]:
    """The landed fields that a mask hides, as the header spells them."""
    names = {name.lower(): name for name in header}
    return [(names[one.field.lower()], one) for one in transform.masks if one.field.lower() in names]


def _record(transform: Transform, header: Sequence[str]) -> str:
    """The landed record as JSON, its hidden fields hidden here too."""
    masks = _hidden_in(transform, header)
    if not masks:
        return "to_json(__record)"
    hidden = ", ".join(f"{literal(name)}, {mask_of(one, f'__record.{quoted(name)}')}" for name, one in masks)
    return f"json_merge_patch(to_json(__record), json_object({hidden}))"


def _told(transform: Transform) -> Iterator[Rule]:
    """The rules that warn or fail."""
    yield from (one for one in transform.rules if one.on_failure != "reject")


def _broken(
    database: duckdb.DuckDBPyConnection, transform: Transform, files: Sequence[Path]
) -> tuple[tuple[Rule, int], ...]:
    """How many records break each rule that warns or fails, for those that any breaks."""
    told = tuple(_told(transform))
    if not told:
        return ()
    rows = database.execute(
        "SELECT place, count(*) FROM (SELECT unnest(__broken) AS place FROM read_parquet(?)) GROUP BY place",
        [[str(path) for path in files]],
    ).fetchall()
    counts = {int(place): int(count) for place, count in rows}
    return tuple((rule, counts[at]) for at, rule in enumerate(told) if at in counts)


def _missing(transform: Transform, header: Sequence[str], unread: Sequence[str]) -> Iterator[str]:
    shown = set(header)
    fields = (one.field for one in transform.columns if one.field)
    wanted = dict.fromkeys(["IsDeleted", "CreatedDate", *fields, *unread])
    yield from (f"NULL::VARCHAR AS {quoted(field)}" for field in wanted if field not in shown)


def _extensions(extra: Mapping[str, str], retyped: Sequence[Retyped]) -> str:
    """The texts that have no column, as JSON strings by API name; NULL where a record has none."""
    texts = dict(extra)
    texts |= {one.field: f"CASE WHEN {_refit(one)} IS NULL THEN __page.{quoted(one.field)} END" for one in retyped}
    if not texts:
        return "NULL::VARCHAR"
    present = " OR ".join(f"{text} IS NOT NULL" for text in texts.values())
    pairs = ", ".join(f"{literal(name)}, {texts[name]}" for name in sorted(texts))
    return f"CASE WHEN {present} THEN json_object({pairs})::VARCHAR END"


def _refitted(retyped: Sequence[Retyped]) -> str:
    """Retyped fields as the readers of their columns take them, or NULL."""
    values = ", ".join(f"{_refit(one)} AS {quoted(one.field)}" for one in retyped)
    return f" REPLACE ({values})" if values else ""


def _refit(one: Retyped) -> str:
    return refit(family(one.type), COLUMNS[one.duckdb], f"__page.{quoted(one.field)}")


def _unfit(
    database: duckdb.DuckDBPyConnection, retyped: Sequence[Retyped], files: Sequence[Path]
) -> Iterator[tuple[str, int]]:
    """How many values of each retyped field are in `extensions`, for those that have any there."""
    for one in retyped:
        row = database.execute(
            "SELECT count(*) FROM read_parquet(?) WHERE json_extract_string(extensions, ?) IS NOT NULL",
            [[str(path) for path in files], f'$."{one.field}"'],
        ).fetchone()
        if row and row[0]:
            yield one.field, int(row[0])


def _verdict(transform: Transform, requirement: str) -> str:
    """The first rule that a row breaks: its name, its requirement, and a message for a person."""
    rules = [one for one in transform.rules if one.on_failure == "reject"]
    names = " ".join(f"WHEN {one.condition} THEN {literal(one.name)}" for one in rules)
    whose = " ".join(f"WHEN {one.condition} THEN {literal(one.requirement)}" for one in rules)
    texts = " ".join(f"WHEN {one.condition} THEN {literal(one.message)}" for one in rules)
    misfit = "WHEN __misfit IS NOT NULL THEN"
    return f"""
    CASE {misfit} split_part(__misfit, ' ', 1) {names} END AS __rule,
    CASE {misfit} {literal(requirement)} {whose} END AS __requirement,
    CASE {misfit} 'The value of ' || split_part(__misfit, ' ', 2) || ' does not fit its column'
        {texts} END AS __message"""


def _output(transform: Transform, header: Sequence[str], stamp: Stamp, record: str) -> list[str]:
    names = [quoted(one.name) for one in transform.columns]
    content = ["source_id", "source_modified_at", "__outcome", "__rule", *names, "extensions", "dedupe_key"]
    hashed = ", ".join([literal(_layout(transform, header)), *(f"{name}::VARCHAR" for name in content)])
    return [
        f"{literal(transform.object)} AS source_object",
        "source_id",
        "source_modified_at",
        "is_deleted",
        "__created_at",
        *names,
        "dedupe_key",
        "extensions",
        f"md5(to_json([{hashed}])::VARCHAR) AS row_hash",
        f"TIMESTAMP {literal(stamp.loaded_at.isoformat(sep=' '))} AS loaded_at",
        f"{literal(stamp.run_id)} AS run_id",
        f"{literal(stamp.version)} AS pipeline_version",
        "__outcome",
        "CASE WHEN __outcome = 'rejected' THEN __rule END AS __rule",
        "CASE WHEN __outcome = 'rejected' THEN __requirement END AS __requirement",
        "CASE WHEN __outcome = 'rejected' THEN __message END AS __message",
        f"CASE WHEN __outcome = 'rejected' THEN {record}::VARCHAR END AS __record",
        *(["__broken"] if any(_told(transform)) else ()),
    ]


def _flags(transform: Transform) -> str:
    """The places of the warning and failing rules that a row breaks; only what would be loaded or rejected counts."""
    tests = [f"CASE WHEN {one.condition} THEN {at} END" for at, one in enumerate(_told(transform))]
    found = f"list_filter([{', '.join(tests)}], lambda x: x IS NOT NULL)"
    counted = "__outcome IN ('live', 'rejected') AND __misfit IS NULL"
    return f", CASE WHEN {counted} THEN {found} END AS __broken" if tests else ""


def _layout(transform: Transform, header: Sequence[str]) -> str:
    """What the same values would be written differently for: a renamed column or another dedupe rule is a change.

    So is a field that was not read: its column keeps what it holds, which is not the NULL that the row has for it.
    """
    columns = [(one.name, one.duckdb) for one in transform.columns]
    unread = sorted({one.field for one in transform.columns if one.field} - set(header))
    written = repr((columns, transform.keys, transform.keep, *unread))
    return hashlib.md5(written.encode(), usedforsecurity=False).hexdigest()


def _key(transform: Transform) -> str:
    """The dedupe key: an HMAC of the tuple, or NULL where a part is null or empty, which is nobody's duplicate."""
    if not transform.keys:
        return "NULL::VARCHAR"
    names = [quoted(name) for name in transform.keys]
    whole = " AND ".join(f"coalesce({name}::VARCHAR, '') <> ''" for name in names)
    parts = ", ".join(f"{name}::VARCHAR" for name in names)
    return f"CASE WHEN __outcome = 'live' AND {whole} THEN keyed_hash(to_json([{parts}])::VARCHAR) END"


def _page(database: duckdb.DuckDBPyConnection, statement: str, target: Path) -> tuple[Path, int]:
    """Transform the page that the variable names: the file, which is empty when it holds no record, and its rows."""
    path = target.with_suffix(".parquet")
    row = _roomy(database, f"COPY ({statement}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION snappy)")
    return path, int(row[0]) if row else 0


def _roomy(database: duckdb.DuckDBPyConnection, statement: str, values: Sequence[object] = ()) -> Any:
    """The first row of a statement; records of a megabyte, 2,048 at a time, get the memory that they need."""
    import duckdb

    try:
        return database.execute(statement, list(values)).fetchone()
    except duckdb.OutOfMemoryException:
        for setting in ROOMY:
            database.execute(setting)
        return database.execute(statement, list(values)).fetchone()


def _rows(database: duckdb.DuckDBPyConnection, path: Path) -> int:
    row = database.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone()
    return int(row[0]) if row else 0


def _one_row_an_id(database: duckdb.DuckDBPyConnection, files: list[Path], folder: Path, name: str) -> list[Path]:
    """The files as they are, or one file with the newest stamp, then the later read, where an Id was read twice."""
    paths = [str(path) for path in files]
    # Where no hash comes twice no Id does, and hashes of many million Ids take half the memory.
    row = database.execute("SELECT count(*), count(DISTINCT hash(source_id)) FROM read_parquet(?)", [paths]).fetchone()
    if row is None or row[0] == row[1]:
        return files
    single = folder / f"{name}-distinct.parquet"
    newest = "source_modified_at DESC NULLS LAST, filename DESC, file_row_number DESC"
    _roomy(
        database,
        f"""COPY (SELECT * EXCLUDE (filename, file_row_number)
            FROM read_parquet(?, filename = true, file_row_number = true)
            QUALIFY row_number() OVER (PARTITION BY source_id ORDER BY {newest}) = 1)
            TO {literal(str(single))} (FORMAT parquet, COMPRESSION snappy)""",
        (paths,),
    )
    return [single]


def _cut(database: duckdb.DuckDBPyConnection, path: Path, batch_rows: int, *, told: bool) -> Iterator[tuple[Path, int]]:
    """The file in parts of at most `batch_rows`; what rules told of its rows stays behind."""
    rows = _rows(database, path)
    if rows <= batch_rows and not told:
        yield path, rows
        return
    left_out = "file_row_number, __broken" if told else "file_row_number"
    for at in range(0, max(rows, 1), batch_rows):
        part = path.with_name(f"{path.stem}-{at // batch_rows:05d}.parquet")
        _roomy(
            database,
            f"""COPY (SELECT * EXCLUDE ({left_out}) FROM read_parquet(?, file_row_number = true)
                WHERE file_row_number >= {at} AND file_row_number < {at + batch_rows})
                TO {literal(str(part))} (FORMAT parquet, COMPRESSION snappy)""",
            (str(path),),
        )
        yield part, min(batch_rows, rows - at)
    path.unlink()
