"""How values are cleaned and formatted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.sentence import Sentence
from durable_compiler.layout import column_name


@dataclass(frozen=True)
class Normalise(Clause):
    """Transforms of fields, or a convention for all fields of a type."""

    kind: ClassVar[str] = "normalise"
    fields: tuple[tuple[str, str], ...] = ()
    transforms: tuple[str, ...] = ()
    dates: str | None = None
    phones: str | None = None
    phone_region: str | None = None


def build(values: Values, sentence: Sentence) -> Normalise:
    """The clause of a reading."""
    if "dates" in values:
        return Normalise(dates=values["dates"])
    if "phones" in values:
        return Normalise(phones=values["phones"], phone_region=values.get("region"))
    steps = tuple(dict.fromkeys(step for name in ("one", "two", "three") if (step := values.get(name))))
    return Normalise(values["fields"], steps)


def echo(clause: Normalise, catalogue: Snapshot) -> str:
    """Canonical English."""
    if clause.dates:
        return "Stores dates as ISO 8601 in UTC"
    if clause.phones:
        return f"Formats phone numbers as E.164{f' for {clause.phone_region}' if clause.phone_region else ''}"
    verbs = listed(_VERBS[step] for step in clause.transforms)
    return f"{verbs[0].upper()}{verbs[1:]} {listed(catalogue.field_label(*one) for one in clause.fields)}"


def ir(clause: Normalise, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    if clause.dates:
        return {"conventions": {"dates": clause.dates}}
    if clause.phones:
        region = {"phone_region": clause.phone_region} if clause.phone_region else {}
        return {"conventions": {"phones": clause.phones, **region}}
    return {"mappings": [_mapping(owner, name, clause.transforms) for owner, name in clause.fields]}


def _mapping(owner: str, name: str, transforms: tuple[str, ...]) -> dict[str, Any]:
    return {"object": owner, "field": name, "column": column_name(name), "type": None, "transforms": list(transforms)}


_VERBS = {
    "trim": "trims",
    "lower": "lower-cases",
    "upper": "upper-cases",
    "e164": "formats as E.164",
    "digits": "keeps only the digits of",
}

FRAME = Frame(
    kind="normalise",
    doc="Cleans the values of fields, and sets the formats of dates and phone numbers.",
    phrases="""
    STEPS = %step_one [[,] [and] %step_two] [[,] [and] %step_three] <fields>
    PASSIVE = <fields> is/are %step_one [[,] [and] %step_two] [[,] [and] %step_three]
    DATES = ~store/write/format/keep/save/convert/normalise/normalize [all] (dates | dates and times
        | timestamps | dates and timestamps | date fields | datetimes) (as/in/to | to be) %iso
    DATESBE = (dates | timestamps | dates and times) %iso
    DATESUSE = [all] (dates | dates and times | timestamps | dates and timestamps) (use | follow
        | are converted to | are kept in | are written in | are written as | are formatted as
        | are normalised to | are normalized to) %iso
    DATESARE = [all] (dates | dates and times | timestamps | dates and timestamps) (are in | are stored as
        | are stored in | stored in | stored as | in | as) %iso
    PHONES = ~format/store/normalise/normalize/convert/write [all] (phone numbers | phones
        | phone fields) (as/to/in/into) e . 164 [format]
    PHONESARE = [all] (phone numbers | phones | phone fields) (are | must be
        | should be) [~format/store/normalise/normalize/convert/write] [as/to/in/into] e . 164 [format]
    REGION = for/in/assuming [the] <region>
    READ STEPS|PASSIVE
    READ DATES|DATESARE|DATESUSE|DATESBE {dates=iso8601_utc}
    READ PHONES|PHONESARE [REGION] {phones=e164}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("mappings", "conventions"),
    examples=(
        "Trims and lower-cases Contact Email",
        "Stores dates as ISO 8601 in UTC",
        "Formats phone numbers as E.164",
        "Formats phone numbers as E.164 for the US",
        "Upper-cases Account Name",
    ),
    near_misses=(
        "Never trims Contact Email",
        "Trims or lower-cases Contact Email",
        "Stores dates as ISO 8601 in CET",
        "Stores dates as text",
        "Trims",
        "Formats phone numbers as E.164 or text",
    ),
)
