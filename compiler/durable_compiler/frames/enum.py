"""What the values of a picklist become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot, nearest, squeeze
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.names import STRUCTURE
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class EnumMap(Clause):
    """Pairs of a picklist value and what it becomes, and what everything else becomes."""

    kind: ClassVar[str] = "enum"
    object: str
    field: str
    pairs: tuple[tuple[str, str], ...]
    otherwise: str | None


def build(values: Values, sentence: Sentence) -> EnumMap | Fault | None:
    """The clause of a reading."""
    owner, name = values["field"]
    sources, targets = (
        zip(*values["pairs"], strict=True) if "pairs" in values else (values["sources"], values["targets"])
    )
    otherwise = values.get("otherwise")
    if len(sources) != len(targets) or len(set(sources)) != len(sources):
        return None
    if any(word.casefold() in _NO_VALUES for word in (*targets, otherwise or "")):
        return None
    found = [picklist_value(owner, name, source, sentence) for source in sources]
    for one in found:
        if isinstance(one, Fault):
            return one
    found_pairs = tuple(zip((one for one in found if isinstance(one, str)), targets, strict=True))
    return EnumMap(owner, name, found_pairs, otherwise)


def echo(clause: EnumMap, catalogue: Snapshot) -> str:
    """Canonical English."""
    label = catalogue.field_label(clause.object, clause.field)
    sources, targets = zip(*clause.pairs, strict=True)
    rest = f"; anything else becomes {quoted(clause.otherwise)}" if clause.otherwise is not None else ""
    return f"Maps {label} {listed(map(quoted, sources))} to {listed(map(quoted, targets))}{rest}"


def ir(clause: EnumMap, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    values = dict(clause.pairs)
    return {
        "enums": [{"object": clause.object, "field": clause.field, "values": values, "otherwise": clause.otherwise}]
    }


# Verdicts and absences that a sentence may mean instead of a text; a text of that name stands in quotes.
_NO_VALUES = frozenset(
    "rejected ignored skipped dropped kept removed deleted unchanged excluded refused "
    "null empty blank missing itself".split()
)


def quoted(value: str) -> str:
    """A value as a sentence can hold it: code span unless it is one plain word."""
    plain = value.isidentifier() and value.casefold() not in STRUCTURE
    return value if plain else f"`{value}`"


def picklist_value(owner: str, name: str, spelt: str, sentence: Sentence) -> str | Fault:
    """The picklist's own spelling of a value."""
    schema = sentence.catalogue.by_name[owner].field(name)
    assert schema is not None
    key = squeeze(spelt)
    found = [one.value for one in schema.picklist if key in (squeeze(one.value), squeeze(one.label))]
    if len(set(found)) == 1:
        return found[0]
    at = sentence.text.find(spelt)
    close = nearest(spelt, [one.value for one in schema.picklist]) or tuple(one.value for one in schema.picklist[:5])
    message = f"{schema.label} has no value '{spelt}'"
    return Fault("DUR033", message, at, at + len(spelt), "Write a value of the picklist.", close)


FRAME = Frame(
    kind="enum",
    doc="Maps the values of a picklist to others.",
    phrases="""
    MAP = ~map/translate/convert/turn/change [value/values] [of] <field> [values/value] [of/from]
        <values:sources> to/into/as <values:targets>
    PAIRS = ~map/translate/convert/turn/change [value/values] [of] <field> [values/value] [:/from] <pairs>
    BECOMES = <field> [:] <pairs>
    ISMAPPED = <field> [values] [are/is] ~map/translate/convert [:/as] [follows] [:] <pairs>
    MAPSTO = <field> <values:sources> ~map/translate to/into <values:targets>
    FIRST = <values:sources> <field> ~become <values:targets>
    REPLACE = ~replace <field> <values:sources> with/by <values:targets>
    PASSIVE = <field> [values/value] <values:sources> (are/is) ~map/translate/convert (to/into/as) <values:targets>
    BECOME = <field> <values:sources> ~become <values:targets>
    OTHER = anything/everything else [~become/to/is/as] [~map] [to/into/as] <value:otherwise>
        | any/all other value/values ~become <value:otherwise> | (any other value | all other values
        | other values | everything else | anything else) is/are ~map to <value:otherwise>
    READ ISMAPPED [OTHER]
    READ MAPSTO|FIRST|REPLACE [OTHER]
    READ PAIRS|BECOMES [OTHER]
    READ MAP|PASSIVE|BECOME [OTHER]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("enums",),
    examples=(
        "Maps Health Status Green, Yellow and Red to healthy, at_risk and critical; anything else becomes unknown",
        "Health Status Green and Red become good and bad",
        "Maps Health Status Green to healthy, Yellow to at_risk and Red to critical",
    ),
    near_misses=(
        "Maps Health Status Green and Red to healthy",
        "Maps Health Status Purple to healthy",
        "Never maps Health Status Green to healthy",
        "Maps Health Status Green or Red to healthy",
        "Maps Health Status Green to maybe healthy",
    ),
)
