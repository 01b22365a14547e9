"""Values that move without the record's stamp: formulas compared with the table, children of parents that changed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_runtime import hidden_parents, memory, transformation
from durable_runtime.errors import ObjectGone, QueryTooSlow, QuotaReached, RepeatedRecords, TimeSpent
from durable_runtime.extraction import IDS_A_JOB, IDS_AT_ONCE, Landed, Reader, Reads, by_ids, extract, land
from durable_runtime.extraction import again as read_again
from durable_runtime.loading import leased
from durable_runtime.parts import begun
from durable_runtime.salesforce import bulk
from durable_runtime.salesforce.describe import describe
from durable_runtime.salesforce.landing import private_folder
from durable_runtime.spec import Column, Extract
from durable_runtime.transformation import Staged, Stamp
from durable_runtime.warehouse.base import Warehouse
from durable_runtime.warehouse.opening import opened
from durable_runtime.windows import Plan, Window, before, overlap, soql_literal, with_conditions

if TYPE_CHECKING:
    from durable_runtime.job import Job
    from durable_runtime.salesforce.session import Session

CURSORS = ("SystemModstamp", "LastModifiedDate")  # of a parent; a CreatedDate tells of no change
NIGHT = timedelta(hours=20)
WORTH = 5  # more than one record in so many: reading all costs less than asking for each
MOST_IDS = 10 * IDS_A_JOB
MOST_OBJECTS = 4  # of one reference; each costs two calls a run
MOST_PARENTS = 2_000  # changed ones of references to several objects; with more, all children are read
FOLDER = "unstamped"
Field = Mapping[str, Any]  # of a describe: name, calculated, relationshipName, referenceTo
Described = Callable[[str], Iterable[Field]]


@dataclass(frozen=True, slots=True)
class Parent:
    """A step of a lookup: its path (Account.Owner), the reference that leads there, and what may be there.

    `stamps` are (object, the field that its changes move). Where the reference may lead to `several` objects, stamps
    cannot be asked for through it.
    """

    path: str
    reference: str
    stamps: tuple[tuple[str, str], ...]
    several: bool = False


@dataclass(frozen=True, slots=True)
class Formulas:
    """What is compared of one object: columns, and fields that `extensions` holds as text."""

    columns: tuple[Column, ...]
    texts: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are asked for."""
        return tuple(dict.fromkeys((*(one.field for one in self.columns if one.field), *self.texts)))


@dataclass(frozen=True, slots=True)
class Compared:
    """How many records were compared, and which differ or cannot be compared."""

    checked: int
    changed: tuple[str, ...]
    rejected: tuple[str, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The records that are read again."""
        return tuple(sorted({*self.changed, *self.rejected}))

    @property
    def many(self) -> bool:
        """Whether reading the whole object is cheaper."""
        return len(self.ids) > MOST_IDS or len(self.ids) * WORTH > self.checked


# --- in a run --------------------------------------------------------------------------------------------------------


def read(job: Job, reader: Reader, plans: Sequence[Plan]) -> Reads:
    """Land the windows of the plans, and whole rows of the records that changed without a stamp of their own.

    Children are read before the windows: rows that a window brings are as new, and what stops a run ends it before a
    watermark can pass a parent's change. Formulas are compared after them. Where the quota or the time ends
    meanwhile, what is landed already stays, and `stopped` tells. Children are newer than what a killed run left.
    """
    try:
        children_of = {plan.extract.object: found for plan in plans if (found := follow(job, reader, plan))}
        older = {plan.extract.object for plan in plans if taken_over(reader, plan)}
    except (QuotaReached, TimeSpent) as stop:
        return Reads({}, stop)
    reads = extract(reader, plans)
    landed = dict(reads.landed)
    for name in children_of.keys() & landed.keys():
        one, children = landed[name], children_of[name]
        both = one + children if name in older else children + one  # the later one counts
        landed[name] = replace(both, window=one.window, complete=one.complete)
    return refresh(job, reader, plans, replace(reads, landed=landed))


def again(job: Job, reader: Reader, name: str) -> Landed:
    """The same object anew, where what was landed turned out to be wrong."""
    plan = job.plans[name]
    landed = read_again(reader, plan)
    children = follow(job, reader, plan)
    if children is not None:
        landed = replace(children + landed, window=landed.window)
    return landed + _again(job, reader, plan, job.compared[name]) if name in job.compared else landed


# --- what cannot be followed -----------------------------------------------------------------------------------------


def moves(one: Extract, steps: Sequence[Parent] | None) -> bool:
    """Whether something that a rule uses, or that is looked up, changes and leaves no stamp to ask for."""
    return one.moves or any(name in one.needed for name in one.formulas) or steps is None


def parents(one: Extract, described: Described) -> tuple[Parent, ...] | None:
    """The related objects that an object looks up, once each; None where the stamp of one cannot be asked for.

    That is a parent's formula field, a parent without a stamp, a reference to very many objects (What), a step behind
    one to several, and a package of before this could be asked.
    """
    found = [step for path in one.lookups for step in _steps(described, one.object, path)]
    known = [step for step in found if step is not None]
    return None if len(known) < len(found) or (known and not one.follows) else tuple(dict.fromkeys(known))


def _steps(described: Described, name: str, path: str, before: str = "") -> Iterator[Parent | None]:
    head, _, rest = path.partition(".")
    link = _named(described(name), "relationshipName", head)
    targets = [str(one) for one in link["referenceTo"]] if link else []
    followed = len(targets) <= (1 if "." in rest else MOST_OBJECTS)
    seen = {one: fields for one in targets if followed and (fields := list(described(one)))}
    if link is None or not seen:
        yield None
        return
    stamps = tuple(_stamps(seen))
    known = len(stamps) == len(seen)
    yield Parent(before + head, before + str(link["name"]), stamps, len(targets) > 1) if known else None
    if "." in rest:
        yield from _steps(described, targets[0], rest, f"{before}{head}.")
        return
    ends = [end for fields in seen.values() if (end := _named(fields, "name", rest)) is not None]
    if not ends or any(end.get("calculated") for end in ends):
        yield None


def _stamps(seen: Mapping[str, Iterable[Field]]) -> Iterator[tuple[str, str]]:
    for name, fields in seen.items():
        cursor = next((one for one in CURSORS if _named(fields, "name", one)), None)
        if cursor is not None:
            yield name, cursor


def described(session: Session) -> Described:
    """The fields of an object as Salesforce shows them; none of one that it does not show."""

    def fields(name: str) -> Iterable[Field]:
        try:
            found: Iterable[Field] = describe(session, name)["fields"]
        except ObjectGone:
            return ()
        return found

    return fields


def _named(fields: Iterable[Field], key: str, name: str) -> Field | None:
    return next((one for one in fields if (one.get(key) or "").lower() == name.lower()), None)


# --- children of parents that changed --------------------------------------------------------------------------------


def follow(job: Job, reader: Reader, plan: Plan) -> Landed | None:
    """Whole rows of the children whose parent changed in the plan's window; None where nothing is looked up."""
    name, steps = plan.extract.object, job.parents[plan.extract.object]
    since = taken_over(reader, plan)
    if not steps:
        return None
    if job.moves(plan.extract):  # every run reads the whole object
        hidden_parents.forget(job, name)
        back: frozenset[str] | None = frozenset()
    else:
        back = hidden_parents.look(job, reader.session, name, _unseen(plan, steps))
    if plan.window.lo is None and since is None:
        return None
    if plan.window.lo is None and since is not None:
        plan = replace(plan, window=Window(before(since, overlap(plan.overlap_seconds)), plan.window.hi))
    try:
        landed = _children(job, reader, plan, steps)
        landed += _shown_again(job, reader, plan, back)
    except QueryTooSlow:  # nothing makes these conditions selective in a very large object
        landed = _everything(job, reader, plan)
    job.summary.event("lookup_refreshed", object=name, read=landed.rows)
    return landed


def _shown_again(job: Job, reader: Reader, plan: Plan, ids: frozenset[str] | None) -> Landed:
    """Whole rows of the children whose parent had been hidden; of all, where a lost memory cannot tell."""
    if ids is None:
        return _everything(job, reader, plan)
    return by_ids(reader, plan, sorted(ids), _folder(job, plan.extract.object, "shown"))


def any_of(job: Job, name: str) -> bool:
    """Whether an object has values that move without a stamp."""
    one = job.extract_of(name)
    return bool(job.moves(one) or one.formulas or one.lookups or job.shapes[name].calculated)


def taken_over(reader: Reader, plan: Plan) -> datetime | None:
    """When a killed run began whose files this one takes over."""
    return begun(plan, reader.folder / plan.extract.object)


def _children(job: Job, reader: Reader, plan: Plan, steps: Sequence[Parent]) -> Landed:
    name = plan.extract.object
    changed = {one.reference: _changed(job, reader, plan, one) for one in steps if one.several}
    if sum(map(len, changed.values())) > MOST_PARENTS:
        return _everything(job, reader, plan)
    landed = land(reader, name, children(plan, steps), plan.fields, _folder(job, name, "children"))
    for soql in children_by_id(plan, changed):
        landed += land(reader, name, soql, plan.fields, _folder(job, name, "children"))
    return landed


def children(plan: Plan, steps: Sequence[Parent]) -> str:
    """The SOQL of the live records of which a parent changed in the window, or is not to be seen.

    A parent that is gone for good, or that its sharing hides, has no stamp to ask for: its children read NULL, and
    are read by every run.
    """
    moved = [f"({_inside(f'{one.path}.{one.stamps[0][1]}', plan)})" for one in steps if not one.several]
    either = " OR ".join([*moved, *_lost(steps)])
    return with_conditions(plan.extract.soql(plan.fields), [*live(plan), f"({either})"])


def _unseen(plan: Plan, steps: Sequence[Parent]) -> str:
    """The SOQL for the Ids of the live records that refer to a parent which is not to be seen."""
    return with_conditions(plan.extract.soql(("Id",)), [*live(plan), f"({' OR '.join(_lost(steps))})"])


def _lost(steps: Sequence[Parent]) -> list[str]:
    return [f"({one.reference} != null AND {one.path}.Id = null)" for one in steps]


def children_by_id(plan: Plan, changed: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The SOQL of the live records that refer to these parents, by reference."""
    for reference, ids in changed.items():
        for at in range(0, len(ids), IDS_AT_ONCE):
            named = ", ".join(f"'{one}'" for one in ids[at : at + IDS_AT_ONCE])
            yield with_conditions(plan.extract.soql(plan.fields), [*live(plan), f"{reference} IN ({named})"])


def _changed(job: Job, reader: Reader, plan: Plan, step: Parent) -> list[str]:
    """Ids of the parents that changed in the window, in each object to which the reference may lead."""
    ids: list[str] = []
    for name, cursor in step.stamps:
        soql = f"SELECT Id FROM {name} WHERE {_inside(cursor, plan)}"  # noqa: S608  (names that describe gives)
        landed = land(reader, name, soql, ("Id",), _folder(job, plan.extract.object, "parents"))
        bulk.delete(reader.session, landed.jobs)
        ids += [line.strip('"') for file in landed.files for line in file.read_text("utf-8").splitlines()[1:]]
    return ids


def _inside(cursor: str, plan: Plan) -> str:
    lo, hi = plan.window.lo, plan.window.hi
    assert lo is not None
    return f"{cursor} >= {soql_literal(lo)} AND {cursor} < {soql_literal(hi)}"


# --- formulas --------------------------------------------------------------------------------------------------------


def formulas(job: Job, session: Session, one: Extract) -> Formulas:
    """The calculated fields of an object that are read and that no rule uses."""
    shape = job.shapes[one.object]
    known = (*one.formulas, *shape.calculated)
    plain = {name for name in known if name not in one.needed and name in shape.fields}
    columns = tuple(column for column in job.transforms[one.object].columns if column.field in plain)
    calculated = {field["name"] for field in describe(session, one.object)["fields"] if field.get("calculated")}
    texts = [name for name in shape.extra if name in calculated]
    texts += [retyped.field for retyped in shape.retyped if retyped.field in plain]
    return Formulas(columns, tuple(texts))


def refresh(job: Job, reader: Reader, plans: Sequence[Plan], read: Reads) -> Reads:
    """What was read, with whole rows of the records whose formulas differ from what the table holds.

    Where the quota or the time ends meanwhile, the rest stays as it was read, and the run says so.
    """
    if read.stopped is not None:
        return read
    chosen = {plan.extract.object: plan for plan in plans if plan.extract.object in read.landed}
    found = {name: formulas(job, reader.session, plan.extract) for name, plan in chosen.items() if compares(job, name)}
    fresh = {name: one for name, one in found.items() if one.fields}
    older = {name: one for name, one in fresh.items() if chosen[name].window.lo is not None}
    landed = dict(read.landed)
    try:
        values = {}
        for name, one in older.items():
            try:
                values[name] = _values(job, reader, chosen[name], one)
            except QueryTooSlow:
                landed[name] += _everything(job, reader, chosen[name])
        for name, compared in _compared(job, values, older).items():
            changed = len(compared.changed)
            job.summary.event("formula_refreshed", object=name, checked=compared.checked, changed=changed)
            if compared.ids:
                landed[name] += _again(job, reader, chosen[name], compared)
                job.compared[name] = compared
    except (QuotaReached, TimeSpent) as stop:
        return replace(read, landed=landed, stopped=stop)
    job.fresh.update(fresh)
    return replace(read, landed=landed)


def compares(job: Job, name: str) -> bool:
    """Whether this run compares an object's formulas with the table."""
    return job.pipeline.policies.mode != "append" and due(job, name)


def _values(job: Job, reader: Reader, plan: Plan, found: Formulas) -> tuple[Path, int]:
    """The formulas of the records that no window brings, in the columns' own types; the file and its records."""
    name, cursor = plan.extract.object, plan.extract.cursor
    assert plan.window.lo is not None
    header = ("Id", cursor, *found.fields)
    older = f"{cursor} < {soql_literal(plan.window.lo)}"
    soql = with_conditions(plan.extract.soql(header), [*live(plan), older])
    landed = land(reader, name, soql, header, _folder(job, name, "formulas"))
    try:
        staged = _staged(job, plan, found, landed)
    except RepeatedRecords:
        job.summary.event("page_repeated", object=name)
        job.summary.fixed("read_again")
        landed = land(reader, name, soql, header, _folder(job, name, "formulas"))
        staged = _staged(job, plan, found, landed)
    bulk.delete(reader.session, landed.jobs)
    path = _folder(job, name, "staged") / f"{job.folder.run_id}-{name}.parquet"
    return _selected(staged, found, path), landed.rows


def _staged(job: Job, plan: Plan, found: Formulas, landed: Landed) -> Staged:
    """The landed formulas as a load would stage them; no other field is looked at."""
    name, names = plan.extract.object, {one.name for one in found.columns}
    transform, shape = job.transforms[name], job.shapes[name]
    masks = tuple(one for one in transform.masks if one.column in names)
    return transformation.stage(
        replace(transform, columns=found.columns, rules=(), keys=(), where=None, masks=masks),
        landed.files,
        header=landed.columns,
        extra=[one for one in found.texts if one in shape.extra],
        requirement="",
        stamp=Stamp(job.folder.run_id, datetime.now(UTC).replace(tzinfo=None), job.pipeline.version),
        batch_rows=sys.maxsize,
        folder=_folder(job, name, "staged"),
        records=landed.rows,
        parts=landed.parts,
        key=job.key,
        retyped=[one for one in shape.retyped if one.field in landed.columns],
        absent=(*plan.extract.fields, *plan.extract.lookups),
        whole=shape.whole,
    )


def _selected(staged: Staged, found: Formulas, path: Path) -> Path:
    """The columns that a warehouse compares, in one file."""
    import duckdb

    member = "json_extract_string(extensions, '$.\"{}\"') AS __extension_{}"
    texts = [member.format(one, at) for at, one in enumerate(found.texts)]
    columns = [transformation.quoted(one.name) for one in found.columns]
    misfit = "CASE WHEN __outcome = 'rejected' THEN __rule END AS __misfit"
    source = ", ".join(["source_id", misfit, *columns, *texts])
    with duckdb.connect() as database:
        database.execute("SET VARIABLE files = ?", [[str(file) for file, _ in staged.batches]])
        try:
            database.execute(
                f"COPY (SELECT {source} FROM read_parquet(getvariable('files'))) "  # noqa: S608  (reviewed names)
                f"TO {transformation.literal(str(path))} (FORMAT parquet, COMPRESSION snappy)"
            )
        except duckdb.Error as error:
            raise transformation.classified(error) from error
    return path


def _compared(job: Job, values: Mapping[str, tuple[Path, int]], asked: Mapping[str, Formulas]) -> dict[str, Compared]:
    """Which rows of the table hold other values; under the pipeline's lease, to which the work tables belong."""
    if not any(checked for _, checked in values.values()):
        return {}
    with opened(job.profile, job.pipeline, job.clock, run_id=job.folder.run_id) as warehouse, leased(job, warehouse):
        return {name: _one_compared(warehouse, name, *found, asked[name]) for name, found in values.items()}


def _one_compared(warehouse: Warehouse, name: str, path: Path, checked: int, found: Formulas) -> Compared:
    changed = warehouse.differing(name, path, found.columns, found.texts)
    return Compared(checked, changed, warehouse.open_rejects(name))


def _again(job: Job, reader: Reader, plan: Plan, compared: Compared) -> Landed:
    """Whole rows of the records that differ, or of all."""
    name = plan.extract.object
    if not compared.many:
        return by_ids(reader, plan, compared.ids, _folder(job, name, "changed"))
    return _everything(job, reader, plan)


def _everything(job: Job, reader: Reader, plan: Plan) -> Landed:
    """Whole rows of all records, deleted ones too."""
    name = plan.extract.object
    everything = replace(plan, window=Window(None, plan.window.hi))
    found = extract(replace(reader, folder=_folder(job, name, "all")), [everything])
    if found.stopped is not None:
        raise found.stopped
    return found.landed[name]


def live(plan: Plan) -> tuple[str, ...]:
    """What narrows a queryAll to live records, an archived one among them, of the history that is read."""
    return (*(("IsDeleted = false",) if "IsDeleted" in plan.extract.fields else ()), *filter(None, (plan.since,)))


def _folder(job: Job, name: str, what: str) -> Path:
    """A new folder of the run's own: nothing of it outlives the run."""
    parent = private_folder(job.folder.files / FOLDER / name)
    return private_folder(parent / f"{sum(1 for _ in parent.iterdir()):02d}-{what}")


# --- when ------------------------------------------------------------------------------------------------------------


def due(job: Job, name: str) -> bool:
    """Whether this run compares an object's formulas; a lost memory means once more, which harms nothing."""
    when = job.pipeline.policies.formula_refresh
    if when != "nightly":
        return when == "every_run"
    last = memory.recall(memory_of(job), job.profile.name).get(name)
    return last is None or job.summary.started_at - last >= NIGHT


def remember(job: Job) -> None:
    """The run ended well: the formulas that it looked at, compared or read whole, were fresh when it began."""
    hidden_parents.remember(job)
    nightly = job.pipeline.policies.formula_refresh == "nightly" and job.options.again is None
    if nightly and job.fresh:
        memory.remember(memory_of(job), job.profile.name, dict.fromkeys(job.fresh, job.summary.started_at))


def memory_of(job: Job) -> Path:
    """The file in the state folder that tells when formulas were compared."""
    return job.profile.state / "refresh" / f"{job.pipeline.name}.formulas.json"
