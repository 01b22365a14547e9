"""Fields as their object lists them, and the columns that they become: names and types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from durable_compiler.catalogue import Snapshot, squeeze
from durable_compiler.grammar import names
from durable_compiler.grammar.clocks import listed as in_words
from durable_compiler.grammar.column_types import column_type
from durable_compiler.grammar.names import STRUCTURE, FieldName, by_name_only, listed, object_name, separators
from durable_compiler.grammar.scopes import field_in_scope, fields_in_scope
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.topics import spans
from durable_compiler.layout import RESERVED, SYSTEM_COLUMNS

_FIELD_NOUNS = frozenset(
    "field fields column columns attribute attributes value values figure figures entry entries content contents "
    "picklist property properties".split()
)
_LONGEST_UNKNOWN = 3


@dataclass(frozen=True)
class Spelt:
    """Words that name a field of whichever object the sentence names elsewhere: normalised, and where they stand."""

    key: str
    start: int
    end: int


@dataclass(frozen=True)
class Renamed:
    """A field, and the column or the type that it gets."""

    name: FieldName
    column: str | None
    type: str | None
    at: tuple[int, int] = field(default=(0, 0), compare=False)


def owned(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[FieldName | Fault, ...]]]:
    """Fields with their objects: `Contact Email and Phone`, `the Email and Phone fields of Contacts`, `Birthdate`."""
    seen: set[tuple[int, tuple[FieldName | Fault, ...]]] = set()
    begin = at + (sentence.norm(at) in ("our", "your"))
    fields_of_noun = tuple(_behind_noun(sentence, begin))
    scoped = fields_in_scope(sentence, at)
    for end, fields in (
        *_before_object(sentence, begin),
        *names.fields(sentence, begin),
        *_plural(sentence, begin),
        *fields_of_noun,
        *scoped,
    ):
        for after in (end, end + 1) if _noun_of(sentence, end, fields[-1]) else (end,):
            if (after, fields) not in seen:
                seen.add((after, fields))
                sentence.memo["span", fields] = (at, after)
                yield after, fields


def _behind_noun(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[FieldName, ...]]]:
    """`the Lead field Company`, `the Contact fields Email and Phone`."""
    for middle, owner in object_name(sentence, at):
        if isinstance(owner, str) and sentence.norm(middle) in _FIELD_NOUNS:
            for end, some in listed(sentence, middle + 1, _fields_of(owner)):
                yield end, tuple((owner, name) for name in some)


def _fields_of(owner: str) -> Callable[[Sentence, int], Iterator[tuple[int, str]]]:
    return lambda sentence, at: names.field_of(sentence, at, owner)


def one_owned(sentence: Sentence, at: int) -> Iterator[tuple[int, FieldName | Fault]]:
    """One field with its object: `Health Status`, `the Status of Cases`, or `the Status` in a rule about Cases."""
    yield from ((end, found[0]) for end, found in owned(sentence, at) if len(found) == 1)


_TYPE_NOUNS = {
    "email": ("address", "addresses"),
    "phone": ("number", "numbers"),
}


def _noun_of(sentence: Sentence, at: int, last: FieldName | Fault) -> bool:
    """Whether the word after a field only says what it is: `field`, and `address` of an email."""
    if isinstance(last, Fault):
        return sentence.norm(at) in _FIELD_NOUNS
    schema = sentence.catalogue.by_name[last[0]].field(last[1])
    return sentence.norm(at) in _FIELD_NOUNS.union(_TYPE_NOUNS.get(schema.type if schema else "", ()))


def _plural(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[FieldName, ...]]]:
    """`Ratings` of the one synced object that has a Rating."""
    scope = sentence.synced or tuple(one.name for one in sentence.catalogue.objects)
    for end, key in spans(sentence, at):
        # The plural of a lookup's label is the object that it points at: Never syncs Accounts.
        if key in sentence.catalogue.by_key:
            continue
        if not any(key in sentence.catalogue.by_name[owner].by_key for owner in scope):
            keys = _singulars(key)
            found = {
                (owner, name)
                for owner in scope
                for one in keys
                for name in sentence.catalogue.by_name[owner].by_key.get(one, ())
            }
            if len(found) == 1:
                yield end, tuple(found)
    for middle, key in spans(sentence, at + (sentence.norm(at) == "the")):
        for owner in sentence.catalogue.by_key.get(key, ()):
            for end, own in spans(sentence, middle + (sentence.norm(middle) in ("'", "’"))):
                known = sentence.catalogue.by_name[owner].by_key
                found = {(owner, name) for one in _singulars(own) for name in known.get(one, ()) if own not in known}
                if len(found) == 1:
                    yield end, tuple(found)


def _singulars(key: str) -> tuple[str, ...]:
    """What a normalised plural may be the plural of."""
    endings = (("ies", "y"), ("es", ""), ("s", ""))
    return tuple(key.removesuffix(ending) + rest for ending, rest in endings if key.endswith(ending) and len(key) > 4)


def fault_at(sentence: Sentence, fields: tuple[FieldName, ...], code: str, message: str, help: str) -> Fault:
    """A Fault over the words that name these fields, or over the sentence."""
    start, end = _span(sentence, fields)
    return sentence.fault(code, message, start, end, help)


def _span(sentence: Sentence, fields: tuple[FieldName, ...]) -> tuple[int, int]:
    found = sentence.memo.get(("span", fields), (0, len(sentence.tokens)))
    assert isinstance(found, tuple)
    return found


def known_object(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """An object where a sentence begins with it: an unknown one there says nothing about what is wrong."""
    yield from ((end, name) for end, name in object_name(sentence, at) if isinstance(name, str))


def some_object(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """An object without `every` or `all`: "if every Account has no Name" is another condition than "if an Account"."""
    if sentence.norm(at) not in ("every", "all", "each"):
        yield from object_name(sentence, at)


def _before_object(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[FieldName | Fault, ...]]]:
    for middle, spelt in listed(sentence, at, one_spelt):
        start = middle + (sentence.norm(middle) in _FIELD_NOUNS)
        if sentence.norm(start) in ("of", "on", "for", "from", "in"):
            yield from _of_several(sentence, start + 1, spelt)
            for end, owner in object_name(sentence, start + 1):
                if isinstance(owner, str):
                    found = fields_named(sentence, owner, spelt)
                    if not isinstance(found, Fault):
                        yield end, tuple((owner, name) for name in found)
                    elif not sentence.strict:
                        yield end, (found,)


def _of_several(sentence: Sentence, at: int, spelt: tuple[Spelt, ...]) -> Iterator[tuple[int, tuple[FieldName, ...]]]:
    """`the Email of Leads and Contacts`."""
    for end, owners in names.objects(sentence, at):
        if len(owners) > 1 and all(isinstance(one, str) for one in owners):
            found = [(str(one), fields_named(sentence, str(one), spelt)) for one in owners]
            known = [(owner, some) for owner, some in found if not isinstance(some, Fault)]
            if len(known) == len(found):
                yield end, tuple((owner, name) for owner, some in known for name in some)


def named(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[Spelt, ...]]]:
    """Field names of an object that the sentence names elsewhere."""
    for end, spelt in listed(sentence, at, one_spelt):
        yield end, spelt
        if sentence.norm(end) in _FIELD_NOUNS:
            yield end + 1, spelt


def one_spelt(sentence: Sentence, at: int) -> Iterator[tuple[int, Spelt]]:
    """One field name of an object that the sentence names elsewhere."""
    start = at + (sentence.norm(at) in ("the", "their", "its", "a", "an", "any", "all", "each"))
    known = _known_fields(sentence)
    for end, key in spans(sentence, start):
        if (
            key in known
            or known.intersection(_singulars(key))
            or (not sentence.strict and _unknown(sentence, start, end))
        ):
            yield end, Spelt(key, start, end)
            # Whichever object it is a field of: an email address is its Email, a phone number its Phone.
            if sentence.norm(end) in _TYPE_NOUNS.get(key, ()) and key + sentence.norm(end) not in known:
                yield end + 1, Spelt(key, start, end)


def _unknown(sentence: Sentence, start: int, end: int) -> bool:
    """Whether these words could be a field that does not exist."""
    return end - start <= _LONGEST_UNKNOWN and all(sentence.norm(at) not in STRUCTURE for at in range(start, end))


def _known_fields(sentence: Sentence) -> frozenset[str]:
    known = sentence.memo.get("fields of all objects")
    if known is None:
        known = frozenset(key for one in sentence.catalogue.objects for key in one.by_key)
        sentence.memo["fields of all objects"] = known
    assert isinstance(known, frozenset)
    return known


def fields_named(sentence: Sentence, owner: str, spelt: Iterable[Spelt]) -> tuple[str, ...] | Fault:
    """The API names of an object's fields, or why one of them is none."""
    found = [field_named(sentence, owner, one) for one in spelt]
    fault = next((one for one in found if isinstance(one, Fault)), None)
    return fault or tuple(one for one in found if isinstance(one, str))


def field_named(sentence: Sentence, owner: str, spelt: Spelt) -> str | Fault:
    """The API name of an object's field, or why it has none."""
    schema = sentence.catalogue.by_name[owner]
    keys = (spelt.key, *_singulars(spelt.key))
    found = next((names for one in keys if (names := schema.by_key.get(one))), ())
    if len(found) == 1:
        return found[0]
    words = sentence.spelling(spelt.start, spelt.end)
    if found:
        message = f"{schema.label} has several fields '{words}'"
        return sentence.fault("DUR032", message, spelt.start, spelt.end, "Write the API name.", found)
    named = by_name_only(sentence, owner, spelt.start, spelt.end)
    if named is not None:
        return named
    close = sentence.catalogue.nearest_fields(words, [owner])
    help = "Write a field's label or API name as the schema snapshot has it; `durable discover` renews it."
    return sentence.fault("DUR031", f"{schema.label} has no field '{words}'", spelt.start, spelt.end, help, close)


def spoken(catalogue: Snapshot, owner: str, name: str) -> str:
    """A field in words that read back when its object is known: its label, or the API name of a label with marks."""
    words = catalogue.field_words(owner, name)
    plain = re.fullmatch(r"[^\W\d_]\w*(?:[ /-][^\W\d_]\w*)*", words) is not None and words.count(" ") < 5
    return words if plain and not STRUCTURE & set(re.split(r"[ /-]", words.casefold())) else name


def label(catalogue: Snapshot, field: FieldName) -> str:
    """`Object Field` in words that read back."""
    owner, name = field
    if spoken(catalogue, owner, name) == catalogue.field_words(owner, name):
        return catalogue.field_label(owner, name)
    one = catalogue.by_name[owner].label
    return f"{one if catalogue.by_key.get(squeeze(one)) == (owner,) else owner} {name}"


def labels(catalogue: Snapshot, fields: Iterable[FieldName]) -> str:
    """Several fields as a list in words."""
    return in_words(label(catalogue, one) for one in fields)


# Words that after "as" say how a value is written, or what becomes of it: never the name of a column.
_NO_COLUMN = frozenset(
    "past future "
    "text string varchar char number numeric decimal integer int bigint float double boolean bool bit date dates "
    "datetime timestamp timestamps time json variant object array list currency percent percentage money whole "
    "upper lower lowercase uppercase digits digit iso iso8601 e164 e utc utf8 unicode ascii plain plaintext raw hash "
    "sha256 sha md5 token secret null nil missing blank empty unknown optional mandatory key external private "
    "personal sensitive confidential internal public clear cleartext normal usual well follows well one two many "
    "usd eur gbp dollars euros cents yes no true false html xml csv binary base64 base hex today now same such "
    "itself themselves default original new old current latest first last final soon much long column columns "
    "field snowflake duckdb salesforce warehouse table target database".split()
)
_NO_COLUMN_ENDINGS = re.compile(r"(ed|able|ible|ly|ing|less|ful|ive)$")


def new_column(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """The name of a column to be: an identifier, in any case, that neither SQL nor the layout needs."""
    kind = sentence.kind(at)
    if kind not in ("word", "code", "quoted") or (kind == "word" and sentence.norm(at) in STRUCTURE):
        return
    spelt = sentence.spelling(at, at + 1).strip('`"“”')
    name = _snake(spelt)
    fault = _refused(sentence, at, spelt, name)
    if fault is None and name is not None:
        yield at + 1, name
    elif fault is not None and not sentence.strict:
        yield at + 1, fault


def is_plain_word(word: str) -> bool:
    """Whether a word can name a thing, rather than say how a value is written or what becomes of it."""
    return "_" in word or (word not in _NO_COLUMN and _NO_COLUMN_ENDINGS.search(word) is None)


def plain_column(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """A column without the word `column` before it: no word that says how a value is written."""
    if sentence.kind(at) != "word" or is_plain_word(sentence.norm(at)):
        yield from new_column(sentence, at)


def column_names(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str | Fault, ...]]]:
    """Several columns, in the order of the fields that they are for."""
    after_noun = sentence.norm(at - 1) in ("column", "columns", "named", "called", "name", "names")
    return listed(sentence, at, new_column if after_noun else plain_column)


def _snake(spelt: str) -> str | None:
    one_case = spelt in (spelt.lower(), spelt.upper())
    name = spelt.lower()
    return name if one_case and re.fullmatch(r"[a-z][a-z0-9_]*", name) and len(name) <= 200 else None


def _refused(sentence: Sentence, at: int, spelt: str, name: str | None) -> Fault | None:
    if name is None:
        words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", spelt)
        offer = re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_").lower()
        message = f"'{spelt}' is not the name of a column"
        help = "Write small letters, digits and `_`, with a letter first."
        offers = (offer,) if re.fullmatch(r"[a-z][a-z0-9_]*", offer) else ()
        return sentence.fault("DUR083", message, at, at + 1, help, offers)
    taken = "Durable's own" if name in SYSTEM_COLUMNS or name == "extensions" else "reserved in SQL"
    if name in SYSTEM_COLUMNS or name in RESERVED or name == "extensions":
        message = f"the column name {name} is {taken}"
        return sentence.fault("DUR083", message, at, at + 1, "Write another name.", (f"{name}_",))
    return None


def renames(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[Renamed | Fault, ...]]]:
    """After a verb: `Account Phone as phone_number and Fax as fax_number`; a bare field is the first one's object's."""
    yield from _renames(sentence, at, None, _after_verb)


def declared(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[Renamed | Fault, ...]]]:
    """Without a verb before it: `Account Phone is stored as phone_number`, `Account Phone → phone_number`."""
    yield from _renames(sentence, at, None, _in_itself)


Marker = Callable[[Sentence, int], int | None]


def _renames(
    sentence: Sentence, at: int, owner: str | None, marker: Marker
) -> Iterator[tuple[int, tuple[Renamed | Fault, ...]]]:
    for end, first in _rename(sentence, at, owner, marker):
        yield end, (first,)
        if isinstance(first, Fault):
            continue
        for start in separators(sentence, end):
            # "A is stored as x and B as y": the verb holds for the second too.
            for following in dict.fromkeys((marker, _after_verb)):
                for after, rest in _renames(sentence, start, first.name[0], following):
                    if first not in rest:
                        yield after, (first, *rest)


def _rename(sentence: Sentence, at: int, owner: str | None, marker: Marker) -> Iterator[tuple[int, Renamed | Fault]]:
    for end, named in _renamed_field(sentence, at, owner, marker):
        for after, column, kind in _becomes(sentence, end + (sentence.norm(end) in ("field", "fields")), marker):
            faults = [one for one in (named, column, kind) if isinstance(one, Fault)]
            if faults:
                yield after, faults[0]
            elif isinstance(named, tuple) and not isinstance(column, Fault) and not isinstance(kind, Fault):
                yield after, Renamed(named, column, kind, (at, end))


def _renamed_field(
    sentence: Sentence, at: int, owner: str | None, marker: Marker
) -> Iterator[tuple[int, FieldName | Fault]]:
    whole = tuple(dict.fromkeys((*names.field(sentence, at), *field_in_scope(sentence, at))))
    readable = any(isinstance(one, tuple) for _, one in whole)
    if owner is None:
        yield from whole
    elif marker is _after_verb or not readable:
        # What could begin a clause of its own is left to be one, so that there is one way to read the sentence.
        start = at + (sentence.norm(at) in ("the", "their", "its"))
        own = [(end, (owner, name)) for end, name in names.field_of(sentence, start, owner)]
        yield from own
        yield from (one for one in whole if one not in own and not (own and isinstance(one[1], Fault)))


Becomes = Iterator[tuple[int, str | Fault | None, str | Fault | None]]


def _becomes(sentence: Sentence, at: int, marker: Marker) -> Becomes:
    start = marker(sentence, at)
    if start is None:
        return
    for end, kind in column_type(sentence, start):
        yield end, None, kind
    for end, column in column_at(sentence, start):
        yield end, column, None
        for after, kind in _type_after(sentence, end):
            yield after, column, kind


def _after_verb(sentence: Sentence, at: int) -> int | None:
    return at + 1 if sentence.norm(at) in ("as", "to", "into", "in", "under") else None


_STORED = frozenset("stored saved mapped renamed loaded written called named".split())


def _in_itself(sentence: Sentence, at: int) -> int | None:
    if sentence.norm(at) == "→":
        return at + 1
    words = sentence.norm(at), sentence.norm(at + 1), sentence.norm(at + 2)
    done = at + 2 if words[0] in ("is", "are") else at + 3
    obliged = words[0] in ("must", "shall", "should", "to") and words[1] == "be"
    if (words[0] in ("is", "are") or obliged) and sentence.norm(done - 1) in _STORED:
        return done + (sentence.norm(done) in ("as", "to", "into", "in"))
    return None


def column_at(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """`phone_number`, `the column phone_number`, `the phone_number column`, after a word such as `as`."""
    article = sentence.norm(at) in ("the", "a")
    noun = sentence.norm(at + article) == "column"
    start = at + article + noun if noun else at
    start += noun and sentence.norm(start) == "name"
    start += noun and sentence.norm(start) in ("named", "called")
    if not noun and sentence.norm(at - 1) in ("in", "under"):
        return
    for end, name in (new_column if noun else plain_column)(sentence, start):
        yield end, name
        if sentence.norm(end) == "column" and not noun:
            yield end + 1, name


def _type_after(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    if sentence.norm(at) == "(":
        for end, kind in column_type(sentence, at + 1):
            if sentence.norm(end) == ")":
                yield end + 1, kind
        return
    start = at + (sentence.norm(at) == ",") if sentence.norm(at + 1) in ("as", "of", "with") else at
    words = [sentence.norm(start), sentence.norm(start + 1)]
    if words in (["of", "type"], ["with", "type"], ["as", "type"]):
        yield from column_type(sentence, start + 2)
    elif words[0] == "as":
        yield from column_type(sentence, start + 1)
