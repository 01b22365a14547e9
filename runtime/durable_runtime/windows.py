"""Which records of an object a run reads: a half-open window of its cursor, and the SOQL that selects it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from durable_runtime import spec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEAST_OVERLAP = timedelta(seconds=1)
RESULTS_STAY = timedelta(days=6)  # Salesforce keeps a job's results for seven days
TICK = timedelta(seconds=1)  # the Date header has whole seconds: records of this very second are inside


@dataclass(frozen=True, slots=True)
class Window:
    """`[lo, hi)` of the cursor, aware UTC; `lo` None reads from the beginning."""

    lo: datetime | None
    hi: datetime

    @property
    def empty(self) -> bool:
        """Whether nothing can be inside."""
        return self.lo is not None and self.hi <= self.lo


@dataclass(frozen=True, slots=True)
class Plan:
    """One object to read: its extract, the fields that Salesforce shows today, and the window.

    `first` tells that nothing of the object was ever loaded, so that nothing can have left its filter. `key` names
    what decides the landed bytes beside the statement (the organization, the row function): files that an earlier
    run landed under the same key are taken over, unless it began longer ago than `stays`.
    """

    extract: spec.Extract
    fields: tuple[str, ...]
    window: Window
    first: bool = False
    key: str = ""
    overlap_seconds: int = 0
    stays: timedelta = RESULTS_STAY
    since: str = ""  # SOQL for the history that is read, where it is not all of it


@dataclass(frozen=True, slots=True)
class Range:
    """Ids after `after` and up to `through`, in the order of their characters; None is open."""

    after: str | None = None
    through: str | None = None


ALL_IDS = Range()


def window(watermark: datetime | None, overlap_seconds: int, server_now: datetime, horizon_seconds: int) -> Window:
    """The next window by Salesforce's clock; a clock behind the watermark gives an empty one."""
    hi = server_now.astimezone(UTC) + TICK - timedelta(seconds=horizon_seconds)
    if watermark is None:
        return Window(None, hi)
    if hi < watermark:
        return Window(watermark, watermark)
    return Window(before(watermark, overlap(overlap_seconds)), hi)


def before(moment: datetime, span: timedelta) -> datetime:
    """So much earlier, but not before the epoch."""
    return moment - span if moment - EPOCH > span else EPOCH


def overlap(seconds: int) -> timedelta:
    """How much of the last window the next one reads again."""
    return max(timedelta(seconds=seconds), LEAST_OVERLAP)


def statement(plan: Plan, inside: Window | None = None, ids: Range = ALL_IDS) -> str:
    """The extract's SOQL with the plan's window appended, or with a part of it."""
    chosen = inside or plan.window
    cursor = plan.extract.cursor
    edges = [(f"{cursor} >= ", chosen.lo), (f"{cursor} < ", chosen.hi)] if cursor else []
    conditions = [f"{start}{soql_literal(edge)}" for start, edge in edges if edge is not None]
    conditions += [f"Id {sign} '{edge}'" for sign, edge in ((">", ids.after), ("<=", ids.through)) if edge]
    conditions += [plan.since] if plan.since else []
    if plan.first and plan.extract.first:
        conditions.append(f"({plan.extract.first})")
    return with_conditions(plan.extract.soql(plan.fields), conditions)


def with_conditions(soql: str, conditions: list[str]) -> str:
    """A reviewed statement narrowed by more conditions; its own keeps its meaning."""
    selected, where, own = soql.partition(" WHERE ")
    parts = [f"({own})" if conditions else own] if where else []
    parts += conditions
    return f"{selected} WHERE {' AND '.join(parts)}" if parts else selected


def soql_literal(instant: datetime) -> str:
    """A moment as SOQL writes it, in UTC, to the millisecond."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"
