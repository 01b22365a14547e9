"""Which fields of an object are read, which are left out, and which are looked up at a related object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import SYSTEM_FIELDS, FieldSchema, Snapshot, squeeze
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.frames.sync import Sync
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.columns import (
    Spelt,
    fault_at,
    field_named,
    fields_named,
    label,
    labels,
    spoken,
)
from durable_compiler.grammar.names import FieldName
from durable_compiler.grammar.relations import Related, Wanted, relationship_keys
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.layout import column_name


@dataclass(frozen=True)
class Lookup:
    """A field of a related object, the relationship it is reached through and the column it fills."""

    relationship: str
    field: str
    column: str


@dataclass(frozen=True)
class Fields(Clause):
    """The only fields of an object, fields that are left out, or lookups of an object."""

    kind: ClassVar[str] = "fields"
    only: tuple[FieldName, ...] = ()
    excluded: tuple[FieldName, ...] = ()
    object: str | None = None
    lookups: tuple[Lookup, ...] = ()


def build(values: Values, sentence: Sentence) -> Fields | tuple[Clause, ...] | Fault | None:
    """The clause of a reading."""
    if "related" in values:
        return _looked_up(values, sentence)
    fields: tuple[FieldName, ...] | Fault = values.get("owned", ())
    if "named" in values:
        owner = values["object"]
        found = fields_named(sentence, owner, values["named"])
        fields = found if isinstance(found, Fault) else tuple((owner, one) for one in found)
    if isinstance(fields, Fault):
        return fields
    if values["choice"] == "excluded":
        return _excluded(fields, sentence)
    chosen = _only(fields, sentence)
    if "synced" in values and isinstance(chosen, Fields):
        return (Sync((chosen.only[0][0],)), chosen)
    return chosen


def _excluded(fields: tuple[FieldName, ...], sentence: Sentence) -> Fields | Fault:
    always = next((one for one in fields if one[1] in SYSTEM_FIELDS), None)
    if always is not None:
        message = f"{label(sentence.catalogue, always)} is always read: it identifies the record or its state"
        return fault_at(sentence, fields, "DUR065", message, "Leave out other fields.")
    whole = [(owner, part) for owner, name in fields for part in (name, *_parts(sentence.catalogue, owner, name))]
    return Fields(excluded=tuple(dict.fromkeys(whole)))


def _only(fields: tuple[FieldName, ...], sentence: Sentence) -> Fields | Fault | None:
    if len({owner for owner, _ in fields}) != 1:
        return None
    assumed = tuple(
        Assumed("source.objects[].fields", parts, f"{label(sentence.catalogue, one)} is read as its parts")
        for one in fields
        if (parts := _parts(sentence.catalogue, *one))
    )
    chosen = [
        (owner, part)
        for owner, name in fields
        if name not in SYSTEM_FIELDS
        for part in (_parts(sentence.catalogue, owner, name) or (name,))
    ]
    for owner, name in chosen:
        schema = sentence.catalogue.by_name[owner].field(name)
        if schema is None or not schema.readable:
            message = f"{label(sentence.catalogue, (owner, name))} has no column: it is a file or a compound value"
            return fault_at(sentence, fields, "DUR038", message, "Name other fields.")
    if not chosen:
        return fault_at(
            sentence, fields, "DUR038", "Id, System Modstamp and Deleted are always read", "Name other fields too."
        )
    return Fields(only=tuple(dict.fromkeys(chosen)), assumed=assumed)


def _parts(catalogue: Snapshot, owner: str, name: str) -> tuple[str, ...]:
    """The fields that make up an address or a location."""
    schema = catalogue.by_name[owner]
    field = schema.field(name)
    if field is None or not field.compound:
        return ()
    return tuple(one.name for one in schema.fields if one.compoundFieldName == name)


def _looked_up(values: Values, sentence: Sentence) -> Fields | Fault | None:
    owner, asked = values["object"], values["related"]
    column = values.get("column")
    if column is not None and (len(asked.wanted) != 1 or asked.wanted[0].column is not None):
        return None
    found = [_one_lookup(owner, asked, one, column or one.column, sentence) for one in asked.wanted]
    fault = next((one for one in found if isinstance(one, Fault)), None)
    if fault is not None:
        return fault
    lookups = tuple(one for one in found if isinstance(one, Lookup))
    if len({one.column for one in lookups}) != len(lookups):
        message = "two lookups would share a column"
        return sentence.fault("DUR082", message, asked.words.start, asked.words.end, "Give each its own column.")
    why = "the sentence names no column"
    unnamed = [
        one for one, wanted in zip(lookups, asked.wanted, strict=True) if column is None and wanted.column is None
    ]
    assumed = tuple(Assumed("source.objects[].lookups", f"{owner}.{one.column}", why) for one in unnamed)
    return Fields(object=owner, lookups=lookups, assumed=assumed)


def _one_lookup(owner: str, asked: Related, wanted: Wanted, column: str | None, sentence: Sentence) -> Lookup | Fault:
    through = _reference(owner, asked, wanted, sentence)
    if isinstance(through, Fault):
        return through
    targets = [one for one in through.referenceTo if one in sentence.catalogue.by_name]
    name = _target_field(targets, through, wanted.field, sentence)
    if isinstance(name, Fault):
        return name
    assert through.relationshipName is not None
    plain = column_name(re.sub(r"__r$", "", through.relationshipName)).rstrip("_")
    return Lookup(through.relationshipName, name, column or f"{plain}_{column_name(name)}".rstrip("_"))


# What the object behind a relationship to several objects (Who, a queue or user as Owner) has, whichever it is.
_OF_ANY_NAME = ("Name", "Email", "Phone", "Title", "FirstName", "LastName", "Username")


def _target_field(targets: list[str], through: FieldSchema, spelt: Spelt, sentence: Sentence) -> str | Fault:
    if not targets:
        missing = listed(through.referenceTo) or through.label
        message = f"{missing} is not in the schema snapshot"
        help = "Renew the snapshot with `durable discover`, as a user who may see that object."
        return sentence.fault("DUR039", message, spelt.start, spelt.end, help)
    found = [field_named(sentence, one, spelt) for one in targets]
    names = {one for one in found if isinstance(one, str)}
    if not names or (len(targets) == 1 and isinstance(found[0], Fault)):
        return next(one for one in found if isinstance(one, Fault))
    name = min(names)
    schema = sentence.catalogue.by_name[targets[0]].field(name)
    single = len(through.referenceTo) == 1
    if len(names) > 1 or (not single and name not in _OF_ANY_NAME):
        message = f"{through.label} leads to {listed(through.referenceTo)}, which do not share that field"
        return sentence.fault("DUR039", message, spelt.start, spelt.end, "Look up a field that all of them have.")
    if single and (schema is None or not schema.readable):
        message = f"{label(sentence.catalogue, (targets[0], name))} has no single value"
        return sentence.fault("DUR038", message, spelt.start, spelt.end, "Look up one of its parts.")
    return name


def _reference(owner: str, asked: Related, wanted: Wanted, sentence: Sentence) -> FieldSchema | Fault:
    """The reference field that the words mean: by the relationship's own name, or the only one to that object."""
    references = [one for one in sentence.catalogue.by_name[owner].fields if one.type == "reference"]
    usable = [one for one in references if one.relationshipName]
    keys = {asked.words.key, asked.words.key.removesuffix("s")}
    named = [one for one in usable if keys & relationship_keys(one.relationshipName, one.label, one.name)]
    objects = {name for key in keys for name in sentence.catalogue.by_key.get(key, ())}
    found = named or [one for one in usable if len(one.referenceTo) == 1 and objects & set(one.referenceTo)]
    if len(found) == 1:
        return found[0]
    at = (asked.words.start, asked.words.end)
    words = sentence.spelling(*at).removesuffix("'s").removesuffix("’s")
    one = sentence.catalogue.by_name[owner].label
    field = sentence.spelling(wanted.field.start, wanted.field.end)
    offers = [f"Includes the {_through(owner, ref, sentence.catalogue)}'s {field} with each {one}" for ref in found]
    if found:
        message = f"{one} has several relationships to {words}"
        return sentence.fault("DUR021", message, *at, "Write the one that you mean.", offers[:5])
    message = f"{one} has no relationship to {words}"
    reachable = listed(_through(owner, ref, sentence.catalogue) for ref in usable[:6])
    help = f"{one} reaches {reachable}." if usable else f"{one} refers to no other object."
    return sentence.fault(
        "DUR039", message, *at, help, [_through(owner, ref, sentence.catalogue) for ref in usable[:5]]
    )


def _through(owner: str, field: FieldSchema, catalogue: Snapshot) -> str:
    """A relationship in words that lead back to it: Owner, Reports To, or its API name."""
    words = re.sub(r" ID$", "", field.label)
    others = [one for one in catalogue.by_name[owner].fields if one.type == "reference" and one is not field]
    taken = {key for one in others for key in relationship_keys(one.relationshipName, one.label, one.name)}
    plain = re.fullmatch(r"[^\W\d_]\w*( [^\W\d_]\w*){0,3}", words) and squeeze(words) not in taken
    return words if plain and words != "Name" else (field.relationshipName or field.name)


def echo(clause: Fields, catalogue: Snapshot) -> str:
    """Canonical English."""
    if clause.excluded:
        return f"Leaves out {labels(catalogue, clause.excluded)}"
    if clause.only:
        owner = clause.only[0][0]
        names = listed(_spoken_field(catalogue, owner, name) for _, name in clause.only)
        return f"Syncs only {names} of {catalogue.object_label(owner)}"
    assert clause.object is not None
    return "; ".join(_echo_lookup(clause.object, one, catalogue) for one in _by_relationship(clause))


def _by_relationship(clause: Fields) -> Iterator[tuple[Lookup, ...]]:
    names = dict.fromkeys(one.relationship for one in clause.lookups)
    return (tuple(one for one in clause.lookups if one.relationship == name) for name in names)


def _echo_lookup(owner: str, lookups: tuple[Lookup, ...], catalogue: Snapshot) -> str:
    schema = catalogue.by_name[owner]
    through = next(one for one in schema.fields if one.relationshipName == lookups[0].relationship)
    target = next(one for one in through.referenceTo if one in catalogue.by_name)
    wanted = listed(f"{_spoken_field(catalogue, target, one.field)} as {one.column}" for one in lookups)
    words = schema.label if catalogue.by_key.get(squeeze(schema.label)) == (owner,) else owner
    if len(lookups) == 1:
        field = _spoken_field(catalogue, target, lookups[0].field)
        return f"Includes the {_through(owner, through, catalogue)}'s {field} with each {words} as {lookups[0].column}"
    return f"Includes the {_through(owner, through, catalogue)}'s {wanted} with each {words}"


def _spoken_field(catalogue: Snapshot, owner: str, name: str) -> str:
    """`Name` rather than `Account Name` after the object."""
    words = spoken(catalogue, owner, name)
    rest = words.removeprefix(f"{catalogue.by_name[owner].label} ")
    return rest if catalogue.by_name[owner].by_key.get(squeeze(rest)) == (name,) else words


def ir(clause: Fields, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    if clause.lookups:
        lookups = [{"path": f"{one.relationship}.{one.field}", "column": one.column} for one in clause.lookups]
        return {"source": {"objects": [{"name": clause.object, "lookups": lookups}]}}
    key, fields = ("excluded", clause.excluded) if clause.excluded else ("fields", clause.only)
    owners = dict.fromkeys(owner for owner, _ in fields)
    return {
        "source": {"objects": [{"name": one, key: [name for owner, name in fields if owner == one]} for one in owners]}
    }


FRAME = Frame(
    kind="fields",
    doc="Says which fields of an object are read, left out, or looked up at a related object.",
    phrases="""
    NEVEROVER = %never (~bring/carry/copy/take) <owned> (over/across/along)
    READ NEVEROVER {choice=excluded}
    NOTHINGBUT = %bring nothing (from/of) <object> (but | except | other than) <named>
    LEAVEWHEN = ~leave <named> out when (it/we | the (sync/pipeline/tool)) (~copy/sync/load/read/pull/import) <object>
        | ~leave out <named> when (it/we | the (sync/pipeline/tool)) (~copy/sync/load/read/pull/import) <object>
        | when (copying/syncing/loading/reading/pulling/importing) <object> [,] [please] (~leave out <named>
        | ~leave <named>
        out)
    ALLIUSE = (for/from/of/on) <object> [,] all [that] (i/we) (use/need/want) (is/are) <named> [[,] so [please] %bring
        (just/only) (those/these/them)]
    UNUSED = <owned> (is/are) not used [in [any/our] (report/reports/dashboard/dashboards) | anywhere] [,] and
        (must/should/shall/can) be (excluded/omitted | left out)
    SHOULDTAKE = (for/from/of/on) <object> [,] [we] [should/must/shall] %bring <named> (only | and nothing else
        | , nothing
        else | and no other field/fields | , and no other field/fields | , and nothing else | , no other field/fields)
    NEXTTO = (next to | alongside | beside/with/for) each/every <object> [,] (i/we) (want/need
        | would like) to (see/have)
        <related>
        | (for/on/with/to) <object> [,] please %attach <related>
    READ NOTHINGBUT|ALLIUSE|SHOULDTAKE {choice=only}
    READ LEAVEWHEN|UNUSED {choice=excluded}
    READ NEXTTO [AS]
    ONLY = %bring %solely <owned> | %bring nothing (but | except | other than) <owned> | %solely %bring <owned> |
        ~need/want/require/store/keep/write %solely <owned>
        | %solely ~need/want/require/store/keep/write <owned>
        | %solely <owned> is/are [to] [be] (%bring | needed/wanted)
        | %solely <owned> (must/shall/should be %bring | gets/get %bring)
        | %solely <owned> [must/shall/should] come/comes over/across/through
        | %bring %solely (these | the following) <object> fields : <named>
    ONLYLAST = %bring <owned> (only | and nothing else | , nothing else | but nothing else | and no other
        field/fields
        | , no other field/fields)
    ONLYOF = (for/from/of/on) <object> [,] [%actor] (~need/want %solely | (%bring | ~need/want/use) %solely
        | %solely (%bring | ~need/want/use) | %solely) [these/the] [field/fields] [:] <named>
        | (for/from/of/on) <object> [,] [%actor] (%bring | ~need/want/use) nothing (but | except | other than) <named>
        | (for/from/of/on) <object> [,] nothing (but | except | other than) <named> %be %bring
    ONLYOFBE = (for/from/of/on) <object> [,] %solely <named> (%be [be] | must/shall/should be) (%bring |
        needed/wanted)
        | (for/from/of/on) <object> [,] [we] (%bring | ~need/want) <named> (only | and nothing else | , nothing else
        | and no other field/fields | , no other field/fields)
    ONLYLIST = <known:object> : %solely <named> | <known:object> : <named> only | <known:object> %solely <named>
        | <known:object> ~need/include/come_with/carry/contain %solely <named>
        | <known:object> %solely ~need/include/come_with/carry/contain <named>
        | <known:object> fields ([to] [%bring] :) %solely <named>
        | <known:object> fields to %bring : <named> only
    SYNCBUT = %bring <object> [,] but (%solely | [with] %solely [the] [following] fields/columns [:]) <named>
        | <known:object> %be %bring [as well | too | also] [,] but [of these/them/those] %solely [the] [field/fields]
        <named> [may/can be] [%be] [%bring]
    LIMITOF = (for/from/of/on) <object> [,] [the] [extract/sync/load/selection/import/fields/columns] %be
        limited/restricted/confined/reduced to <named>
        | (column/field selection | selected/required columns/fields | columns/fields [to] [%bring]) (for/of/on/from)
        <object> [:] <named>
    LIMIT = ~limit/restrict/reduce [the] [fields/columns of] <object> [fields/columns] to <named>
        | [the] [fields/columns of] <known:object> [fields/columns] is/are ~limit/restrict/reduce to <named>
        | ~limit/restrict/reduce [the] fields/columns [of/for/from/on] <object> to <named>
    THEONLY = the only <object> fields/columns [that/which] [we] [is/are] [%bring | ~need/want] is/are <named>
        | the only fields/columns [%bring | needed] (of/on/for/from) <object> [that/which] [are %bring] is/are
        <named>
    WITHONLY = (%bring <object> | <known:object> is/are %bring) with %solely <named>
    LEAVE = (~leave out | ~exclude/omit) <owned> %outof | ~leave <owned> out %outof
    LEAVEOF = (~leave out | ~exclude/omit) <named> (from/of) <object> %feed
        | ~leave <named> out (of/from) <object> %feed | <named> %be (deselected | left out | excluded
        | omitted) (of/from/on/for/in) <object>
        %feed
    LEFT = <owned> [must/shall/should] ~stay/remain out %outof | <owned> %be ~keep out %outof | ~keep <owned> out
        %outof
        | <owned> %be (deselected/unselected | left out | excluded | omitted) %outof
    NEVER = (do/does not need/want) <owned> %outof | %never %bring <owned> %outof | <owned> %never [be/get] [to]
        [be] %bring %outof
    NEVEROF = (for/from/of/on/in) <object> [,] [please] (~leave out | ~exclude/omit | %never %bring) <named>
        | (for/from/of/on/in) <object> [,] ~leave <named> out
        | (for/from/of/on/in) <object> [,] <named> is/are/must/shall/should [be] (left out | excluded | omitted)
    ALLBUT = %bring %everyfield <object> [fields/columns] %except <named>
        | %bring (all/every/each) <object> field/fields/column/columns %except <named>
        | (all/every) <object> fields/field/columns %except <named> is/are %bring
        | (all/every/each) field/fields/column/columns (of/on/from) <object> [,] %except <named> is/are %bring
        | (all/every/each) field/fields/column/columns (of/on/from) <object> %be %bring [,] %except <named>
        | everything (of/on/from/about) <object> %be %bring [,] %except <named>
        | (from/of/on) <object> [,] [%actor] %bring (everything | all/every field/fields) %except <named>
        | <known:object> : (all/every field/fields | everything) %except <named>
    LOOK = %attach <related> (with/to/on/onto/for/into/in/alongside | along with) <object> [record/row/rows]
    LOOKEACH = <known:object> (~carry/include/get/contain/show [also] | also ~have) <related>
        | (for/on/with/to) <object> [,] [also] [%actor] %attach <related>
        | (for/on/with/to) <object> [,] <related> %be %attach
        | <related> [is/are/must/should/shall] [be] %attach (with/to/on/onto/for/into/in/alongside) <object>
    AS = (as | in [the] column | into [the] column) [the] [column/field] <plain_column:column>
        | (in/into/as/under) (a/an/the) [new/text/extra/separate] (column/field/name) [called/named/of]
        <new_column:column>
        | (in | into) [the] column <new_column:column> | [,] (named/called) <new_column:column>
    READ ONLY|ONLYLAST|ONLYOF|ONLYOFBE|ONLYLIST|LIMIT|THEONLY|WITHONLY|LIMITOF {choice=only}
    READ SYNCBUT {choice=only} {synced=yes}
    READ LEAVE|LEAVEOF|LEFT|NEVER|NEVEROF|ALLBUT {choice=excluded}
    READ LOOK|LOOKEACH [AS]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("source.objects[].fields", "source.objects[].excluded", "source.objects[].lookups"),
    examples=(
        "Syncs only Name, Industry and Annual Revenue of Accounts",
        "Leaves out Contact Birthdate",
        "Includes the Account's Name with each Contact as account_name",
        "For Contacts, read just the Email and Phone",
        "Contacts: only Email, Phone",
        "Doesn't sync the Birthdate of Contacts",
        "Contact Birthdate must not be synced",
        "Syncs all fields of Contacts except Birthdate",
    ),
    near_misses=(
        "Syncs only Name, Shoe Size and Annual Revenue of Accounts",
        "Leaves out Contact Birthdate or Email",
        "Does not leave out Contact Birthdate",
        "Never leaves out Contact Birthdate",
        "Usually leaves out Contact Birthdate",
        "Leaves out Contact Id",
        "Leaves out Contacts",
        "Syncs only Contact Email and Account Name",
        "Includes the Opportunity's Name with each Contact as deal_name",
        "Includes the Account's Shoe Size with each Contact as shoe_size",
        "Includes the Account's Name with each Contact as row_hash",
        "Includes the Account's Name with most Contacts as account_name",
        "Syncs only Billing Address, unless blank, of Accounts",
    ),
)
