"""What the values of a picklist become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot, nearest, squeeze
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.names import STRUCTURE
from durable_compiler.grammar.scopes import outside
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
    sources, targets = (
        zip(*values["pairs"], strict=True) if "pairs" in values else (values["sources"], values["targets"])
    )
    otherwise = values.get("otherwise")
    if "otherwise" in values and "rejects" in values:
        return None
    if len(targets) == 1 and len(sources) > 1:
        targets = targets * len(sources)
    if len(sources) != len(targets) or len(set(sources)) != len(sources):
        return None
    if any(word.casefold() in _NO_VALUES for word in (*sources, *targets, otherwise or "")):
        return None
    field = values["field"] if "field" in values else _field_of(sources, sentence)
    if field is None or isinstance(field, Fault):
        return field
    owner, name = field
    if outside(values.get("scope"), (owner,)):
        return None
    found = [picklist_value(owner, name, source, sentence) for source in sources]
    for one in found:
        if isinstance(one, Fault):
            return one
    found_pairs = tuple(zip((one for one in found if isinstance(one, str)), targets, strict=True))
    if len({one for one, _ in found_pairs}) != len(found_pairs):
        return None
    return EnumMap(owner, name, found_pairs, otherwise)


def _field_of(sources: tuple[str, ...], sentence: Sentence) -> tuple[str, str] | Fault | None:
    """The one picklist of the synced objects that has all these values, none of which is a field's name."""
    catalogue = sentence.catalogue
    scope = sentence.synced or tuple(one.name for one in catalogue.objects)
    keys = {squeeze(one) for one in sources}
    if any(key in catalogue.by_name[owner].by_key or key in catalogue.by_key for owner in scope for key in keys):
        return None
    fields = [(owner, field) for owner in scope for field in catalogue.by_name[owner].fields if field.picklist]
    found = [
        (owner, field.name)
        for owner, field in fields
        if keys <= {squeeze(words) for one in field.picklist for words in (one.value, one.label)}
    ]
    if len(found) < 2:
        return found[0] if found else None
    choices = tuple(catalogue.field_label(*one) for one in found)
    message = f"{listed(sources)} {'is a value' if len(sources) == 1 else 'are values'} of several fields"
    at = max(sentence.text.find(sources[0]), 0)
    help = "Put the field before the values."
    return Fault("DUR032", message, at, at + len(sources[0]), help, choices[:5])


def echo(clause: EnumMap, catalogue: Snapshot) -> str:
    """Canonical English."""
    label = catalogue.field_label(clause.object, clause.field)
    sources, targets = zip(*clause.pairs, strict=True)
    rest = f"; anything else becomes {quoted(clause.otherwise)}" if clause.otherwise is not None else ""
    if len(set(targets)) == len(targets):
        return f"Maps {label} {listed(map(quoted, sources))} to {listed(map(quoted, targets))}{rest}"
    return f"Maps {label} {listed(f'{quoted(one)} to {quoted(other)}' for one, other in clause.pairs)}{rest}"


def ir(clause: EnumMap, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    values = dict(clause.pairs)
    return {
        "enums": [{"object": clause.object, "field": clause.field, "values": values, "otherwise": clause.otherwise}]
    }


# Verdicts and absences that a sentence may mean instead of a text; a text of that name stands in quotes.
_NO_VALUES = frozenset(
    "rejected ignored skipped dropped kept removed deleted unchanged excluded refused "
    "null empty blank missing itself same alone untouched unmapped original raw they them that this through passed "
    "left out one ones way so unmodified here there".split()
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
    MAP = %recoding %of_field <sources> (to/into/as/→/with/by) <targets> %in_order
    PAIRS = %recoding %of_field [:/from/-/,] [as follows | like this | this way] [:] <translations:pairs>
        | %recoding <translations:pairs> (in/for/on) %of_field
        | ~map/translate/convert/turn/change/recode <sources> (to/into/as) <targets> (in/for/on) [the] <one_owned:field>
    BECOMES = %of_field [:/-/,/–/—] [(with | where) (the/these) values [:]] <translations:pairs>
    ISMAPPED = %of_field (%be | must/shall/should)
        (~map/translate/convert/recode/store/record/show/change/turn/relabel/decode/represent/encode
        | ~read/write) [:/as/so/like] [follows/this] [:] <translations:pairs>
    MAPSTO = %of_field <sources> ~map/translate/turn/change to/into <targets>
    FIRST = <sources> <one_owned:field> ~become <targets>
    REPLACE = ~replace/swap %of_field <sources> with/by/for <targets>
    PASSIVE = %of_field <sources> %be (~map/translate/convert/store/write/change/turn/record/show/hold/keep/recode
        | ~label/call/treat/render/display/report/name/count) (to/as/into/with/by) <targets> %in_order
        | %of_field <sources> %be ~label/call/name/recode/rename <targets> %in_order
    BECOME = %of_field <sources> (~become | must/shall/should become) <targets> %in_order
        | <one_owned:field> (of/value) <sources> (~become/mean | must/shall/should become) <targets> %in_order
    INFIELD = in/for/within/on %of_field [,/:] [%recoding] <translations:pairs>
        | in/for/within/on %of_field [,/:] ~map/translate/convert/turn/change/recode/replace <sources>
        to/into/as/with/by <targets> %in_order
        | in/for/within/on %of_field [,/:] <sources> (~become/mean | must/shall/should become) <targets> %in_order
    BACKWARD = %of_field (%be | must/shall/should) (~read/show/say/become/be | ~store/write/record/show/map/translate
        [as/to/with]) <backward:pairs>
        | (in/for/within/on) %of_field [,/:] [please] [~write/store/put/show/use/record/say] <backward:pairs>
        | ~write/store/put/show/use/record/say <backward:pairs> (in/for/on) %of_field
    OTHERS = for (any/all/every/each [the] other
        [value/values/status/stage/type/rating/priority/reason/source/one/ones])
        [,] [please] (~write/use/store/put/show/record/say) <target:otherwise>
    READ BACKWARD [OTHER] [OTHERS] [REJECT] [SCOPE]
    FORS = %of_field (%be ~represent/store/record/show/map/encode/code/hold/translate as/to | : | becomes)
        <reversed:pairs> | ~store/use/show/write/record <reversed:pairs> (in/of) %of_field
        | [the/a] [value] mapping/translation (for/of) <one_owned:field> [:/is] <translations:pairs>
    CALLS = (for/in/within/on) %of_field [,/:] ~call/label/name/make/tag <called:pairs>
    IF = (when/if/where/whenever) <one_owned:field> (is/are/says/reads/equals/=) <conditional:pairs>
    VALUES = <whole:pairs> | <whole:pairs> (in/for/on) %of_field
    OTHER = %rest we [will] [just/simply] ~call/make/use/label/store/record/write [as] <target:otherwise>
        | %rest [(%be | must/shall/should) (~map/store/translate/convert/turn/record/show/treat/change/recode/become
        | ~label/call/write/hold/count) | ~become/map/turn/count/mean/read/show/get | is/are |
        must/shall/should be]
        [to/into/as/→/:/=/-] <target:otherwise>
        | (otherwise | or else | if not | by default | failing that) [,/:] [it/they/use] [~become] [→/:/=/as/to]
        <target:otherwise>
        | (else | default | the default | default value | fallback | the fallback) [:/→/=/is/to] <target:otherwise>
        | (with | and use | use | or) <target:otherwise> (for/as) (%rest | the/a default/fallback)
        | ~map/turn/store/translate/convert/change/record/send %rest to/into/as
        <target:otherwise> | <target:otherwise> (otherwise | for %rest | in all other cases | by default)
    REJECT = (%rest %be ~reject | ~reject %rest | otherwise [the] [record/row/value] %be ~reject) {rejects=yes}
    SCOPE = <scope>
    READ ISMAPPED [OTHER] [REJECT] [SCOPE]
    READ MAPSTO|FIRST|REPLACE [OTHER] [REJECT] [SCOPE]
    READ PAIRS|BECOMES [OTHER] [REJECT] [SCOPE]
    READ MAP|PASSIVE|BECOME [OTHER] [REJECT] [SCOPE]
    READ INFIELD|FORS|CALLS|IF|VALUES [OTHER] [REJECT] [SCOPE]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("enums",),
    examples=(
        "Maps Health Status Green, Yellow and Red to healthy, at_risk and critical; anything else becomes unknown",
        "Health Status Green and Red become good and bad",
        "Maps Health Status Green to healthy, Yellow to at_risk and Red to critical",
        "Green means healthy, Yellow means at risk",
        "Health Status should be translated: Green → healthy, Red → critical; anything else is rejected",
    ),
    near_misses=(
        "Maps Health Status Green to healthy; anything else stays the same",
        "Maps Health Status Green, Yellow and Red to healthy and critical",
        "Maps Health Status Purple to healthy",
        "Never maps Health Status Green to healthy",
        "Maps Health Status Green or Red to healthy or critical",
        "Maps Health Status Green to maybe healthy",
        "Green means healthy, Purple means bad",
        "Green never means healthy",
        "Maps Health Status Green to healthy; anything else is skipped",
    ),
)
