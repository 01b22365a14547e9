"""Names in English: objects, fields, systems, tables, recipients and values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from durable_compiler.catalogue import ObjectSchema, squeeze
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.words import tokens

T = TypeVar("T")
FieldName = tuple[str, str]

# Words of the language itself: never a name, whatever an organisation calls its objects.
NEGATIONS = frozenset(
    "not no never none nothing without cannot neither nor isn't don't doesn't won't aren't can't mustn't".split()
)
HEDGES = frozenset(
    "about maybe may might usually except unless or approximately roughly around perhaps sometimes possibly often "
    "generally normally typically mostly probably could can would ideally preferably if only but some almost nearly "
    "either hopefully occasionally rarely hardly barely eventually".split()
)
_GRAMMAR_WORDS = frozenset(
    "a an the and when while from to into in on by of for with as is are be been it its then than every each all any "
    "both".split()
)
STRUCTURE = NEGATIONS | HEDGES | _GRAMMAR_WORDS
_SYSTEMS = {"snowflake": "snowflake", "duckdb": "duckdb"}
_OTHER_SYSTEMS = frozenset(
    "bigquery redshift databricks postgres postgresql mysql oracle hubspot dynamics s3 synapse clickhouse sqlite "
    "mongodb teradata zendesk marketo netsuite sap workday kafka excel".split()
)
_RECORD_NOUNS = frozenset("records record object objects rows row stream streams entity".split())
_LONGEST_NAME = 6


def objects(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str | Fault, ...]]]:
    """`Accounts, Contacts, and Customer Health`, `Accounts + Contacts`, `Leads/Contacts`."""
    for end, first in _objects(sentence, at):
        yield end, first
        for start in (*separators(sentence, end), *_sign(sentence, end)):
            for after, rest in objects(sentence, _after_their(sentence, start)):
                if all(isinstance(one, Fault) or one not in rest for one in first):
                    yield after, first + rest


def _after_their(sentence: Sentence, at: int) -> int:
    """`Accounts and their Cases`, `Accounts and all of their Cases`: every Case, as all that are named."""
    start = at + (sentence.norm(at) == "all")
    start += start > at and sentence.norm(start) == "of"
    return start + 1 if sentence.norm(start) in ("their", "its") else at


def _sign(sentence: Sentence, at: int) -> Iterator[int]:
    if sentence.norm(at) in ("+", "/") and sentence.kind(at) == "mark":
        yield at + 1


def _objects(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str | Fault, ...]]]:
    """One object, or several with nothing but slashes between them, which are one token."""
    yield from ((end, (name,)) for end, name in object_name(sentence, at))
    parts = sentence.norm(at).split("/") if sentence.kind(at) == "word" else []
    named = [sentence.catalogue.by_key.get(squeeze(part), ()) for part in parts]
    if len(named) > 1 and all(len(names) == 1 for names in named) and len(set(named)) == len(named):
        yield at + 1, tuple(names[0] for names in named)


def listed(
    sentence: Sentence, at: int, item: Callable[[Sentence, int], Iterator[tuple[int, T]]]
) -> Iterator[tuple[int, tuple[T, ...]]]:
    """Items joined by commas, `and` and `&`, at every length at which the list may end."""
    for end, first in item(sentence, at):
        yield end, (first,)
        for start in separators(sentence, end):
            for after, rest in listed(sentence, start, item):
                if not isinstance(first, Fault) and first in rest:
                    continue
                yield after, (first, *rest)


_AND_ALSO = (("as", "well", "as"), ("along", "with"), ("together", "with"), ("plus",))


def separators(sentence: Sentence, at: int) -> Iterator[int]:
    """Where the next item of a list begins."""
    start = at + (sentence.norm(at) == ",")
    if sentence.norm(start) in ("and", "&"):
        yield start + 1 + (sentence.norm(start + 1) in ("also", "both"))
    elif start > at:
        yield start
    start += sentence.norm(start) == "and"
    for words in _AND_ALSO:
        if sentence.norm(start) == words[0] and sentence.norms(start, len(words)) == [*words]:
            yield start + len(words)


def object_name(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """One object by label, plural or API name, with an article and `records` around it."""
    start = at
    while sentence.norm(start) in ("the", "all", "every", "each", "any", "a", "an", "our", "salesforce", "of"):
        if sentence.norm(start) == "of" and start == at:
            return
        start += 1
    if sentence.norm(start) in ("records", "rows", "record", "row") and sentence.norm(start + 1) == "of":
        yield from object_name(sentence, start + 2)
        return
    if sentence.norm(start) in ("custom", "standard") and sentence.norm(start + 1) in ("object", "objects"):
        start += 2
    for end, value in _object(sentence, start):
        yield end, value
        if sentence.norm(end) in _RECORD_NOUNS:
            yield end + 1, value


def _object(sentence: Sentence, start: int) -> Iterator[tuple[int, str | Fault]]:
    known = False
    for end, key in _spans(sentence, start):
        for name in sentence.catalogue.by_key.get(key, ()):
            known = True
            yield end, name
    if not known and not sentence.strict:
        yield from _unknown_object(sentence, start)


def _spans(sentence: Sentence, start: int) -> Iterator[tuple[int, str]]:
    """Every run of words from here that could be a name, with its normalised form."""
    words = ""
    for end in range(start, min(start + _LONGEST_NAME, len(sentence.tokens))):
        if sentence.kind(end) not in ("word", "number", "code", "quoted"):
            return
        norm = sentence.norm(end)
        words += norm.removesuffix("'s") if sentence.kind(end) == "word" else norm
        yield end + 1, squeeze(words)
        if unit(sentence, end + 1):
            yield end + 4, squeeze(words)


def unit(sentence: Sentence, at: int) -> bool:
    """Whether a label's unit stands here, as in `Probability (%)`."""
    return sentence.norm(at) == "(" and sentence.norm(at + 1) in ("%", "€", "$", "£") and sentence.norm(at + 2) == ")"


def _unknown_object(sentence: Sentence, start: int) -> Iterator[tuple[int, Fault]]:
    for end in range(start + 1, min(start + 4, len(sentence.tokens) + 1)):
        if sentence.kind(end - 1) not in ("word", "code") or sentence.norm(end - 1) in STRUCTURE:
            return
        spelt = sentence.spelling(start, end)
        close = sentence.catalogue.nearest_objects(spelt)
        help = "Write an object's label or API name as the schema snapshot has it; `durable discover` renews it."
        yield end, sentence.fault("DUR030", f"no Salesforce object is called '{spelt}'", start, end, help, close)


def field(sentence: Sentence, at: int) -> Iterator[tuple[int, FieldName | Fault]]:
    """`Contact Email`, `Contact's Email`, `Contact.Email`, `the Email of Contacts`, or a unique bare `Email`."""
    start = at + (sentence.norm(at) in ("the", "every", "each", "all", "a", "an"))
    seen: set[tuple[int, FieldName]] = set()
    for found in (*_dotted(sentence, start), *_qualified(sentence, start), *_of_object(sentence, start)):
        if found not in seen:
            seen.add(found)
            yield found
    if not seen:
        yield from _bare(sentence, start)


def _dotted(sentence: Sentence, at: int) -> Iterator[tuple[int, FieldName]]:
    if sentence.kind(at) in ("word", "code") and sentence.norm(at).count(".") == 1:
        owner, _, name = sentence.norm(at).partition(".")
        for api in sentence.catalogue.by_key.get(squeeze(owner), ()):
            for one in sentence.catalogue.by_name[api].by_key.get(squeeze(name), ()):
                yield at + 1, (api, one)


def _qualified(sentence: Sentence, at: int) -> Iterator[tuple[int, FieldName]]:
    for middle, key in _spans(sentence, at):
        for owner in sentence.catalogue.by_key.get(key, ()):
            start = middle + (sentence.norm(middle) in ("'", "’"))
            yield from ((end, (owner, name)) for end, name in field_of(sentence, start, owner))


def field_of(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, str]]:
    """A field of one object."""
    for end, key in _spans(sentence, at):
        schema = sentence.catalogue.by_name[owner]
        known = schema.by_key
        # Where the object is said, its name may be missing from the label: an Order's Start Date.
        whole = squeeze(schema.label) + key
        for name in known.get(key, ()) or known.get(key.removesuffix("s"), ()) or known.get(whole, ()):
            yield end, name


def _of_object(sentence: Sentence, at: int) -> Iterator[tuple[int, FieldName]]:
    for middle, key in _spans(sentence, at):
        if sentence.norm(middle) in ("of", "on", "for", "in"):
            for end, owner in object_name(sentence, middle + 1):
                if isinstance(owner, str):
                    known = sentence.catalogue.by_name[owner].by_key
                    names = known.get(key, ()) or known.get(key.removesuffix("s"), ())
                    yield from ((end, (owner, one)) for one in names)


def _bare(sentence: Sentence, at: int) -> Iterator[tuple[int, FieldName | Fault]]:
    scope = sentence.synced or tuple(one.name for one in sentence.catalogue.objects)
    known = False
    for end, key in _spans(sentence, at):
        owners = [(name, one) for name in scope for one in sentence.catalogue.by_name[name].by_key.get(key, ())]
        known = known or bool(owners)
        # The label of a lookup is that of its object too: whoever never syncs Account may mean either.
        also_object = bool(sentence.catalogue.by_key.get(key))
        if len(owners) == 1 and not also_object:
            yield end, owners[0]
        elif owners and not sentence.strict:
            choices = [sentence.catalogue.field_label(*owner) for owner in owners]
            several = "an object and a field" if also_object else "a field of several synced objects"
            message = f"'{sentence.spelling(at, end)}' is {several}"
            yield end, sentence.fault("DUR032", message, at, end, "Put the object before the field.", choices[:5])
    if not known and not sentence.strict:
        yield from _unknown_field(sentence, at, scope)


def by_name_only(sentence: Sentence, owner: str, start: int, end: int) -> Fault | None:
    """The fault of words about an object whose fields nobody has asked Salesforce for."""
    known = sentence.catalogue.by_name[owner]
    if known.described:
        return None
    message, help = undescribed(known)
    return sentence.fault("DUR015", message, start, end, help)


def undescribed(known: ObjectSchema) -> tuple[str, str]:
    """What is the matter with an object without fields, and what to do."""
    return f"{known.label} is known by name only", f"Run `durable discover --object {known.name}`."


def _unknown_field(sentence: Sentence, at: int, scope: tuple[str, ...]) -> Iterator[tuple[int, Fault]]:
    owner, start = _leading_object(sentence, at)
    named = by_name_only(sentence, owner, at, start) if owner else None
    if named is not None:
        yield start + 1, named
        return
    for end in range(start + 1, min(start + 4, len(sentence.tokens) + 1)):
        if sentence.kind(end - 1) not in ("word", "code") or sentence.norm(end - 1) in STRUCTURE:
            return
        spelt = sentence.spelling(start, end)
        close = sentence.catalogue.nearest_fields(spelt, [owner] if owner else scope)
        where = sentence.catalogue.by_name[owner].label if owner else "the synced objects"
        help = "Write a field's label or API name as the schema snapshot has it; `durable discover` renews it."
        yield end, sentence.fault("DUR031", f"{where} has no field '{spelt}'", start, end, help, close)


def _leading_object(sentence: Sentence, at: int) -> tuple[str | None, int]:
    found: tuple[str | None, int] = (None, at)
    for end, key in _spans(sentence, at):
        names = sentence.catalogue.by_key.get(key, ())
        if len(names) == 1 and end < len(sentence.tokens):
            found = (names[0], end)
    return found


def fields(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[FieldName | Fault, ...]]]:
    """Several fields; the object named first or last holds for those without one."""
    for end, first in field(sentence, at):
        yield end, (first,)
        for start in separators(sentence, end):
            for after, rest in fields(sentence, start):
                yield after, (first, *rest)
            if isinstance(first, tuple):
                yield from _same_object(sentence, start, first)


def _same_object(sentence: Sentence, at: int, first: FieldName) -> Iterator[tuple[int, tuple[FieldName, ...]]]:
    for end, names in listed(sentence, at, lambda inner, start: field_of(inner, start, first[0])):
        yield end, (first, *((first[0], name) for name in names))


_KEY_NOUNS = {"email": ("address", "addresses"), "phone": ("number", "numbers")}


def field_keys(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Field names of whichever object the sentence names elsewhere, normalised."""
    return listed(sentence, at, _field_key)


def _field_key(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    start = at + (sentence.norm(at) in ("the", "their", "its", "same", "a", "an"))
    start += sentence.norm(start) == "same"
    known = sentence.memo.get("field_keys")
    if known is None:
        known = {key for one in sentence.catalogue.objects for key in one.by_key} | {"externalid"}
        sentence.memo["field_keys"] = known
    assert isinstance(known, set)
    for end, key in _spans(sentence, start):
        plain = key.removesuffix("s") if key not in known else key
        if plain in known:
            yield end, plain
            # Whichever object it is a field of: an e-mail address is its Email, a phone number its Phone.
            if sentence.norm(end) in _KEY_NOUNS.get(plain, ()):
                yield end + 1, plain
        elif not sentence.strict and key and all(sentence.norm(word) not in STRUCTURE for word in range(start, end)):
            yield end, key


def system(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """A warehouse."""
    word = sentence.norm(at).removesuffix("'s")
    if word in _SYSTEMS:
        yield at + 1, _SYSTEMS[word]
    elif word in _OTHER_SYSTEMS and not sentence.strict:
        spelt = sentence.spelling(at, at + 1)
        help = "Write to Snowflake or DuckDB."
        yield (
            at + 1,
            sentence.fault("DUR050", f"{spelt} is not a supported warehouse", at, at + 1, help, list(_SYSTEMS)),
        )


def source_system(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """Where records come from."""
    if sentence.norm(at) == "salesforce":
        yield at + 1, "salesforce"
    elif not sentence.strict and sentence.norm(at) in _OTHER_SYSTEMS | set(_SYSTEMS):
        spelt = sentence.spelling(at, at + 1)
        yield (
            at + 1,
            sentence.fault(
                "DUR050", f"{spelt} is not a supported source", at, at + 1, "Sync from Salesforce.", ["Salesforce"]
            ),
        )


def table(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """A table name with up to two qualifiers."""
    if sentence.kind(at) not in ("word", "code", "quoted") or sentence.norm(at) in STRUCTURE:
        return
    spelt = sentence.spelling(at, at + 1).strip('`"“”')
    if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){0,2}", spelt, re.ASCII):
        yield at + 1, spelt


def column(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """A column name."""
    yield from ((end, name) for end, name in table(sentence, at) if "." not in name)


def recipients(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[tuple[str, str], ...]]]:
    """`#data-ops on Slack and ops@example.com by email` as (channel, address) pairs."""
    return listed(sentence, at, _recipient)


_MEMBERS = frozenset(("everyone", "everybody", "people", "members", "colleagues", "someone", "somebody", "folks"))


def _recipient(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, str]]]:
    start = at + (sentence.norm(at) == "the" or (sentence.norm(at) == "to" and sentence.norm(at - 1) == "and"))
    if sentence.norm(start) in _MEMBERS and sentence.norm(start + 1) in ("in", "of", "on"):
        start += 2 + (sentence.norm(start + 2) == "the")
    start += sentence.norm(start) == "slack"
    start += sentence.norm(start) == "channel"
    kind = {"channel": "slack", "email": "email"}.get(_kind_of_address(sentence, start))
    if kind is None or (kind == "email" and sentence.norm(start - 1) in ("slack", "channel")):
        return
    end = start + 1
    yield end, (kind, sentence.spelling(start, end).strip("`"))
    if kind == "slack" and sentence.norm(end) == "channel":
        end += 1
        yield end, (kind, sentence.spelling(start, start + 1).strip("`"))
    through = sentence.norm(end) in ("on", "in", "via", "through", "by", "over", "using")
    after = end + through
    if through and kind == "slack" and sentence.norm(after) == "slack":
        yield after + 1, (kind, sentence.spelling(start, start + 1).strip("`"))
    elif through and kind == "email" and (mail := _email_word(sentence, after)):
        yield mail, (kind, sentence.spelling(start, start + 1).strip("`"))


def _kind_of_address(sentence: Sentence, at: int) -> str:
    """The kind of an address, also of one that stands in a code span."""
    if sentence.kind(at) != "code":
        return sentence.kind(at)
    inner = tokens(sentence.norm(at))
    return inner[0].kind if len(inner) == 1 else ""


def _email_word(sentence: Sentence, at: int) -> int | None:
    if sentence.norm(at) in ("email", "mail"):
        return at + 1
    return at + 2 if [sentence.norm(at), sentence.norm(at + 1)] == ["e", "mail"] else None


def values(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """A list of values, each a word, a quoted text or a code span."""
    return listed(sentence, at, value)


def value(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """One value exactly as written."""
    kind = sentence.kind(at)
    if kind in ("code", "quoted"):
        yield at + 1, sentence.norm(at)
    elif kind in ("word", "number") and sentence.norm(at) not in STRUCTURE:
        yield at + 1, sentence.spelling(at, at + 1)
        last = at
        while sentence.kind(last + 1) == "word" and sentence.tokens[last + 1].start == sentence.tokens[last].end + 1:
            if sentence.text[sentence.tokens[last].end] != "-":
                return
            last += 1
            yield last + 1, sentence.spelling(at, last + 1)


_REGIONS = {
    "us": "US", "usa": "US", "united_states": "US", "uk": "GB", "united_kingdom": "GB", "germany": "DE",
    "france": "FR", "spain": "ES", "italy": "IT", "netherlands": "NL", "canada": "CA", "australia": "AU",
    "india": "IN", "japan": "JP", "brazil": "BR", "ireland": "IE", "switzerland": "CH", "austria": "AT",
    "gb": "GB", "de": "DE", "fr": "FR", "es": "ES", "nl": "NL", "ca": "CA", "au": "AU", "jp": "JP", "br": "BR",
    "ie": "IE", "ch": "CH", "mexico": "MX", "sweden": "SE", "poland": "PL",
}  # fmt: skip


def region(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """A country by name or ISO code."""
    for size in (1, 2):
        name = "_".join(sentence.norm(at + offset) for offset in range(size))
        if name in _REGIONS and (len(name) > 2 or sentence.spelling(at, at + 1).isupper()):
            yield at + size, _REGIONS[name]


def pairs(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[tuple[str, str], ...]]]:
    """`Green to healthy, Yellow to at_risk`, or with `becomes`."""
    return listed(sentence, at, _pair)


def _pair(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, str]]]:
    for end, source in value(sentence, at):
        if [sentence.norm(end), sentence.norm(end + 1)] in (["is", "mapped"], ["are", "mapped"]):
            end += 2
        if sentence.norm(end) in ("to", "as", "into", "becomes", "become"):
            yield from ((after, (source, target)) for after, target in value(sentence, end + 1))
