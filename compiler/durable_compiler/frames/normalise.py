"""How values are cleaned and formatted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.columns import fault_at, label, labels
from durable_compiler.grammar.names import FieldName
from durable_compiler.grammar.scopes import outside
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.layout import TYPES, column_name


@dataclass(frozen=True)
class Normalise(Clause):
    """Transforms of fields, or a convention for all fields of a type."""

    kind: ClassVar[str] = "normalise"
    fields: tuple[tuple[str, str], ...] = ()
    transforms: tuple[str, ...] = ()
    dates: str | None = None
    phones: str | None = None
    phone_region: str | None = None


def build(values: Values, sentence: Sentence) -> Normalise | Fault | None:
    """The clause of a reading."""
    if "dates" in values:
        return Normalise(dates=values["dates"])
    if "phones" in values:
        return Normalise(phones=values["phones"], phone_region=values.get("region"))
    if outside(values.get("scope"), (owner for owner, _ in values["owned"])):
        return None
    said = [step for name in ("one", "two", "three", "four", "five") if (step := values.get(name))]
    steps = tuple(dict.fromkeys(said))
    if len(steps) != len(said) or ("region" in values and "e164" not in steps):
        return None
    # A clean-up after the digits alone or a telephone number are left could change nothing: a slip of the pen.
    if any(step in _ENDS and later not in _ENDS for step, later in pairwise(steps)):
        return None
    fields: tuple[FieldName, ...] = tuple(dict.fromkeys(values["owned"]))
    if steps == ("e164",) and len(fields) == 1 and _every_phone(*fields[0], sentence):
        return None
    if {"lower", "upper"} <= set(steps):
        message = "a value cannot be both in lower and in upper case"
        return fault_at(sentence, fields, "DUR065", message, "Keep one of them.")
    return _refused(fields, steps, sentence) or Normalise(fields, steps, phone_region=values.get("region"))


_EVERY_PHONE = re.compile(r"\b((phone|telephone) (numbers?|fields?|values?)|phones|telephones)\b")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_OF_PHONES = frozenset("phone telephone number numbers field fields value values".split())


def _every_phone(owner: str, name: str, sentence: Sentence) -> bool:
    """Whether `phone numbers`, with only one object to sync, are those of all fields and not of the one called Phone.

    A sentence that names the object, or says more of the field's name, means the field; a field that is called Phone
    Number may be meant or not.
    """
    schema = sentence.catalogue.by_name[owner]
    field = schema.field(name)
    assert field is not None
    words = _WORD.findall(f"{field.label} {name} {schema.label} {schema.label_plural} {owner}")
    named = {one.lower() for one in words} - {"phone", "telephone", "c"}
    said = " ".join(token.norm for token in sentence.tokens)
    return _EVERY_PHONE.search(said) is not None and not named & (sentence.words | _OF_PHONES)


_ENDS = ("digits", "e164")
# Kinds of text whose characters are their meaning: another case or a missing space would name another record.
_UNTOUCHED = frozenset({"id", "reference"})
_PHONES = frozenset({"phone", "string", "textarea", "combobox", "encryptedstring"})


def _refused(fields: tuple[FieldName, ...], steps: tuple[str, ...], sentence: Sentence) -> Fault | None:
    for owner, name in fields:
        schema = sentence.catalogue.by_name[owner].field(name)
        assert schema is not None
        text = schema.readable and schema.type not in TYPES and schema.type not in _UNTOUCHED
        if not text or ({"e164", "digits"} & set(steps) and schema.type not in _PHONES):
            what = listed(_VERBS[one].format("it") for one in steps)
            words = label(sentence.catalogue, (owner, name))
            message = f"{words} is a field of type {schema.type}; no rule {what}"
            return fault_at(sentence, fields, "DUR038", message, "Name fields that hold text.")
    return None


def echo(clause: Normalise, catalogue: Snapshot) -> str:
    """Canonical English."""
    if clause.dates:
        return "Stores dates as ISO 8601 in UTC"
    if clause.phones:
        return f"Formats phone numbers as E.164{f' for {clause.phone_region}' if clause.phone_region else ''}"
    words = labels(catalogue, clause.fields)
    before = tuple(step for step in clause.transforms if step != "e164")
    region = f" for {clause.phone_region}" if clause.phone_region else ""
    if not before:
        return f"Formats {words} as E.164{region}"
    verbs = listed(_VERBS[step] for step in before).replace(" {}", "")
    plain = f"{verbs[0].upper()}{verbs[1:]} {words}"
    if before == clause.transforms:
        return plain
    them = "it" if len(clause.fields) == 1 else "them"
    return f"{plain} and formats {them} as E.164{region}"


def ir(clause: Normalise, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    if clause.dates:
        return {"conventions": {"dates": clause.dates}}
    if clause.phones:
        region = {"phone_region": clause.phone_region} if clause.phone_region else {}
        return {"conventions": {"phones": clause.phones, **region}}
    mappings = [_mapping(owner, name, clause.transforms) for owner, name in clause.fields]
    conventions = {"conventions": {"phone_region": clause.phone_region}} if clause.phone_region else {}
    return {"mappings": mappings, **conventions}


def _mapping(owner: str, name: str, transforms: tuple[str, ...]) -> dict[str, Any]:
    return {"object": owner, "field": name, "column": column_name(name), "type": None, "transforms": list(transforms)}


_VERBS = {
    "trim": "trims {}",
    "lower": "lower-cases {}",
    "upper": "upper-cases {}",
    "e164": "formats {} as E.164",
    "digits": "keeps only the digits of {}",
}

FRAME = Frame(
    kind="normalise",
    doc="Cleans the values of fields, and sets the formats of dates and phone numbers.",
    phrases="""
    STEPS = %step_one [%then %step_two] [%then %step_three] [all] [the] <owned>
    LATER = %then ~store/convert/write/save/put/keep/format/change/turn [it/them] (in/to/into/as) %form_four
        | %then ~make [it/them] %form_four | [and] in %form_four
        | %then ((lower ~case | ~lowercase) {four=lower} | (upper ~case | ~uppercase) {four=upper}) [it/them]
    TRIMLATER = %then ~trim [it/them] {five=trim} | %then ~remove/strip %outer {five=trim}
        | [%then] (without/no | with no) %outer {five=trim}
    FORMAT = %step_one %then ~store/convert/write/save/format/normalise/normalize <owned> in/to/into/as %form_four
    POST = (~store/convert/write/save/put/keep/change/turn/make/load/set/normalise/normalize/format/record/hold/land
        | ~have/want/need/transform/force) [all] <owned> [in/into/to/as | to be] %form_four
    PASSIVE = %wanting <owned> (%be | has/have to be | needs/need to be)
        %step_one [%then %step_two] [%then %step_three]
        | %wanting <owned> %be %step_one [%then %step_two] %then
        [~store/convert/write/save/put/keep/format/change/turn/hold/record] [in/to/into/as] %form_four
    DONE = %wanting <owned> [%be | have/has/having | must/shall/should have | to have] %done_one [%then %done_two]
        [%then %done_three]
        | (have/want/need) <owned> %done_one [%then %done_two] [%then %done_three]
    AGAIN = <omitted:owned> [%be | have | must/shall/should be] %done_one [%then %done_two] [%then %done_three]
        | %step_one [%then %step_two] <omitted:owned>
    NOTE = [~clean/normalise/normalize/tidy/standardise/standardize [up]] <owned> (: | - | – | — | , | = | →)
        %note_one [%then %note_two] [%then %note_three]
        | ~clean/normalise/normalize/tidy/standardise/standardize [up] <owned> (by | with | using)
        %note_one [%then %note_two] [%then %note_three]
        | %note_one [%then %note_two] [%then %note_three] (: | for | on) <owned>
    STORED = <owned> in %form_four | %wanting <owned> %be
        [~store/convert/write/save/put/keep/format/change/turn/load/normalise/normalize/hold/record/land] in/to/into/as
        %form_four | %wanting <owned> (%be | must/shall/should be) %form_four
        | <owned> ~use/follow %form_four | <owned> to %form_four
        | %form_four for <owned> | ~use/apply %form_four (for/on/in/to) <owned>
    DIGITS = (from/of/in/for) <owned> [,] only/just [the] digits (%be ~keep/store/retain/hold | ~remain/stay)
        {one=digits}
        | only/just [the] digits (of/from/in) <owned> (%be ~keep/store/retain/hold | ~remain/stay) {one=digits}
    TRIMMED = %spaces (around/from/of/in) <owned> %be ~trim/strip {one=trim} | %outer %upon <owned>
        %be ~remove/delete/strip/drop/trim/cut [off] {one=trim}
        | <owned> (has/have | must/shall/should/may have) no %outer {one=trim}
        | <owned> (must/shall/should/may) not (have/contain/begin or end with) %outer {one=trim}
        | no %outer (in/on/around) <owned> {one=trim}
        | %outer %upon <owned> (~go | must/shall/should go) [away] {one=trim}
    ALLDATES = (~store/write/format/keep/save/convert/normalise/normalize/express/load/put/represent/render/output/land
        | ~hold/record/standardise/standardize/have/want/need/show/present)
        %dates (as/in/to/into/using/with/under | to be [in/stored in/stored as] | stored in/as | held in/as) %iso
    DATESUSE = %dates (use | follow | conform/conforms to | adhere/adheres to | comply/complies with | %be
        emitted/output as/in | %be ~convert/normalise/normalize to | %be
        ~store/keep/write/save/format/express/load/hold/record/show/present/represent/render/land/give in/as/using
        | are in | must/shall/should be in | are | must/shall/should/will be | in | as | to | stored in/as | held in/as
        | go/goes in as | is/are to follow | %be) %iso
        | %dates (: | → | = | -) %iso
    DATESFOR = (~use/apply/follow/adopt | ~stick/keep/adhere to | ~go with) %iso (for/to/on/in/with) %dates | %iso
        (for | is/are [to be] used for) %dates
        | %iso dates [and times/timestamps]
    PHONES = (~format/store/normalise/normalize/convert/write/save/keep/standardise/standardize/load/put/hold/record
        | ~land | ~represent/have/want/need/turn/bring) %phones (as/to/in/into/using/on | to be
        [in/stored in/stored as] | stored in/as
        | held in/as) %e164
    PHONESARE = %phones (%be | must/shall/should be)
        [(~format/store/normalise/normalize/convert/write/save/keep/standardise/standardize/load/hold/record/put/land/turn
        | ~give/represent/bring)]
        [as/to/in/into/using] %e164 | %phones (~use/follow/have | (must/shall/should) use/follow/have) %e164
        | (~use/apply/follow/adopt | ~stick/keep/adhere to | ~go with) %e164 (for/to/on/in/with) %phones | %phones
        [:/→/=/-] [to/in/as/into] %e164
        | %e164 (for | is/are [to be] used for) %phones
    REGION = %by_region
    BEFORE = [,] (prior to loading/load/storage/storing | before loading/load/storage/storing [it/them] | on load
        | before (it is | they are) loaded/stored/written/saved)
    SCOPE = <scope>
    READ STEPS [LATER] [REGION] [BEFORE] [SCOPE]
    READ POST [TRIMLATER] [REGION] [BEFORE] [SCOPE]
    READ PASSIVE|STORED|FORMAT|DONE|AGAIN|NOTE [TRIMLATER] [REGION] [BEFORE] [SCOPE]
    READ TRIMMED|DIGITS [SCOPE]
    READ ALLDATES|DATESUSE|DATESFOR {dates=iso8601_utc}
    READ PHONES|PHONESARE [REGION] {phones=e164}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("mappings[].transforms", "conventions"),
    examples=(
        "Trims and lower-cases Contact Email",
        "Stores dates as ISO 8601 in UTC",
        "Formats phone numbers as E.164",
        "Formats phone numbers as E.164 for the US",
        "Upper-cases Account Name",
        "Keeps only the digits of Contact Phone",
        "Formats Contact Phone as E.164 for the US",
        "Strips leading and trailing whitespace from Contact Email",
        "Stores Contact Email in lower case",
    ),
    near_misses=(
        "For Accounts, trims Contact Email",
        "Never trims Contact Email",
        "Trims or lower-cases Contact Email",
        "Stores dates as ISO 8601 in CET",
        "Stores dates as text",
        "Trims",
        "Formats phone numbers as E.164 or text",
        "Lower-cases and upper-cases Contact Email",
        "Upper-cases Annual Revenue",
        "Removes all whitespace from Contact Email",
        "Stores Contact Email in title case",
        "Formats Contact Email as E.164",
        "Trims Contact Email except for spaces",
    ),
)
