"""How long what is not business data is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.sentence import Sentence


@dataclass(frozen=True)
class Retention(Clause):
    """Days for one kind of data."""

    kind: ClassVar[str] = "retention"
    what: str
    days: int


def build(values: Values, sentence: Sentence) -> Retention | None:
    """The clause of a reading."""
    if values["period"] % 86400 or values["period"] <= 0:
        return None
    return Retention(values["what"], values["period"] // 86400)


def echo(clause: Retention, catalogue: Snapshot) -> str:
    """Canonical English."""
    period = f"{clause.days:,} day{'' if clause.days == 1 else 's'}"
    return (
        f"Keeps monitoring data for {period}"
        if clause.what == "monitoring_days"
        else f"Deletes rejected rows after {period}"
    )


def ir(clause: Retention, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"retention": {clause.what: clause.days}}


FRAME = Frame(
    kind="retention",
    doc="Says how long monitoring data and rejected rows are kept.",
    phrases="""
    KEEP = ~keep/retain/store
    DELETE = ~delete/remove/purge
    MON = [the/all] (monitoring data | run history | monitoring history | logs and metrics) {what=monitoring_days}
    REJ = [the/all] rejected %rows {what=rejects_days}
    LAST = [the] last <duration:period> of (monitoring data | run history) {what=monitoring_days}
    FOR = for <duration:period>
    AFTER = after <duration:period>
    READ KEEP LAST
    READ KEEP MON|REJ FOR
    READ DELETE MON|REJ AFTER
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("retention",),
    examples=(
        "Keeps monitoring data for 90 days",
        "Deletes rejected rows after 30 days",
        "Rejected rows are kept for two weeks",
    ),
    near_misses=(
        "Keeps monitoring data",
        "Keeps monitoring data for 90 rows",
        "Never keeps monitoring data for 90 days",
        "Keeps monitoring data for about 90 days",
        "Keeps monitoring data for 5 minutes",
    ),
)
