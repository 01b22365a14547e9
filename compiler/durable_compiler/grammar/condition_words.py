"""Canonical English of conditions: it reads back to the same tree."""

from __future__ import annotations

from functools import cache

from durable_compiler.catalogue import FieldSchema, ObjectSchema, Snapshot, squeeze
from durable_compiler.grammar import literals
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.comparison_phrases import vocabulary
from durable_compiler.grammar.dates import span_words
from durable_compiler.grammar.literals import CURRENCY_FIELD, family, stamped
from durable_compiler.grammar.names import STRUCTURE
from durable_compiler.grammar.topics import relation_words, relations
from durable_compiler.grammar.words import tokens
from durable_compiler.terms import Apply, Constant, FieldTerm, Term, field_terms

_LONGEST_NAME = 6
_NUMBER = {"lt": "under", "le": "at most", "gt": "over", "ge": "at least"}
_DATE = {"lt": "before", "le": "on or before", "gt": "after", "ge": "on or after"}
_VERBS = {"contains": ("contains", "contain"), "starts_with": ("starts with", "start with")}
_MUST = (
    ("is not ", "must not be "), ("does not ", "must not "), ("is ", "must be "), ("contains ", "must contain "),
    ("includes ", "must include "), ("starts with ", "must start with "),
)  # fmt: skip
_HOLDS = ("includes", "include")


def condition_words(term: Term, catalogue: Snapshot, *, owner: bool = True) -> str:
    """Canonical English; with `owner` the first field carries its object's name, as the slot `condition` needs it."""
    return _clause(term, catalogue, owner)


def selection_words(owner: str, term: Term, catalogue: Snapshot) -> str:
    """`Accounts whose Type is Customer`."""
    text = _clause(term, catalogue, False)
    if isinstance(term, Apply) and term.op in ("and", "or") and _priced(term, catalogue) is None:
        # A later part that could open a sentence of its own must not look like one.
        text = _joined(term, catalogue, False, before="whose ")
    return f"{catalogue.object_label(owner)} whose {text}"


def obligation_words(term: Term, catalogue: Snapshot) -> str | None:
    """`Customer Health Score must be between 0 and 100`; None for more than one statement about one field."""
    inner = term.args[0] if isinstance(term, Apply) and term.op == "not" else term
    assert isinstance(inner, Apply)
    code = ""
    if inner.op == "and" and inner is term and _priced(inner, catalogue) is not None:
        term, code = inner.args[0], f" {_code(inner)}"
    elif inner.op in ("and", "or", "is_null", "not_null"):
        return None
    says = _said(term, catalogue) + code
    # "Must be neither" has no other form; a condition says it.
    found = (must + says.removeprefix(said) for said, must in _MUST if says.startswith(said))
    must = next(found, None)
    return None if must is None or says.startswith("is neither ") else f"{_subject(term, catalogue, True)} {must}"


def _clause(term: Term, catalogue: Snapshot, owner: bool) -> str:
    assert isinstance(term, Apply)
    if term.op in ("and", "or"):
        return _priced(term, catalogue, owner) or _joined(term, catalogue, owner)
    inner = term.args[0] if term.op == "not" else None
    if isinstance(inner, Apply) and inner.op in ("and", "or"):
        return f"not ({_clause(inner, catalogue, owner)})"
    return f"{_subject(term, catalogue, owner)} {_said(term, catalogue)}"


def _joined(term: Apply, catalogue: Snapshot, owner: bool, before: str = "") -> str:
    parts, index = [], 0
    while index < len(term.args):
        pair = Apply("and", term.args[index : index + 2])
        priced = _priced(pair, catalogue, owner and index == 0) if term.op == "and" else None
        if priced is not None:
            parts.append(priced)
        else:
            parts.append(_bracketed(term.args[index], catalogue, owner and index == 0))
        index += 1 if priced is None else 2
    return f" {term.op} {before}".join(parts)


def _bracketed(term: Term, catalogue: Snapshot, owner: bool) -> str:
    text = _clause(term, catalogue, owner)
    grouped = isinstance(term, Apply) and term.op in ("and", "or") and _priced(term, catalogue, owner) is None
    return f"({text})" if grouped else text


def _priced(term: Apply, catalogue: Snapshot, owner: bool = False) -> str | None:
    """`Amount is over 10 EUR`, which is a comparison and its currency."""
    if term.op != "and" or len(term.args) != 2:
        return None
    amount, code = term.args
    if not (isinstance(code, Apply) and code.op == "eq" and isinstance(amount, Apply) and amount.args):
        return None
    field, money = code.args[0], amount.args[0]
    if not (isinstance(field, FieldTerm) and field.name == CURRENCY_FIELD and isinstance(money, FieldTerm)):
        return None
    if field.path or money.path or not isinstance(code.args[1], Constant):
        return None
    plain = amount.op in ("eq", "ne", "lt", "le", "gt", "ge", "between")
    if not plain or _schema(money, catalogue).type != "currency" or not _all_numbers(amount):
        return None
    return f"{_subject(amount, catalogue, owner)} {_said(amount, catalogue)} {_code(term)}"


def _code(priced: Apply) -> str:
    currency = priced.args[1]
    assert isinstance(currency, Apply)
    assert isinstance(currency.args[1], Constant)
    return str(currency.args[1].value)


def _all_numbers(term: Apply) -> bool:
    return all(isinstance(one, Constant) and one.type == "number" for one in term.args[1:])


# --- what is said -----------------------------------------------------------------------------------------------


def _said(term: Term, catalogue: Snapshot) -> str:
    """The words after the field."""
    assert isinstance(term, Apply)
    negated = term.op == "not"
    inner = term.args[0] if negated else term
    assert isinstance(inner, Apply)
    field = inner.args[0]
    assert isinstance(field, FieldTerm)
    schema = _schema(field, catalogue)
    if inner.op in _VERBS:
        third, base = _HOLDS if schema.type == "multipicklist" else _VERBS[inner.op]
        return f"{f'does not {base}' if negated else third} {_operand(inner.args[1], field, catalogue)}"
    if inner.op in ("is_null", "not_null") and any(entry.label.casefold() == "blank" for entry in schema.picklist):
        return "has no value" if inner.op == "is_null" else "has a value"
    if inner.op == "in":
        return _member(inner, negated, catalogue)
    is_, rest = ("is not", _core(inner, schema, catalogue)) if negated else ("is", _core(inner, schema, catalogue))
    if inner.op in ("ne", "not_null"):
        is_ = "is not"
    return f"{is_} {rest}"


def _member(term: Apply, negated: bool, catalogue: Snapshot) -> str:
    field = term.args[0]
    assert isinstance(field, FieldTerm)
    words = [_operand(one, field, catalogue) for one in term.args[1:]]
    if len(words) == 2:
        return f"is neither {words[0]} nor {words[1]}" if negated else f"is either {words[0]} or {words[1]}"
    return f"is {'not ' if negated else ''}one of {listed(words)}"


def _core(term: Apply, schema: FieldSchema, catalogue: Snapshot) -> str:
    field = term.args[0]
    assert isinstance(field, FieldTerm)
    if term.op in ("is_null", "not_null"):
        return "blank"
    span = _span(term, schema)
    if span is not None:
        return span
    words = [_operand(one, field, catalogue) for one in term.args[1:]]
    if term.op == "between":
        return f"between {words[0]} and {words[1]}"
    if term.op in ("eq", "ne"):
        return f"the same as {words[0]}" if isinstance(term.args[1], FieldTerm) else words[0]
    return f"{(_NUMBER if family(schema) == 'number' else _DATE)[term.op]} {words[0]}"


def _span(term: Apply, schema: FieldSchema) -> str | None:
    """`in the last 90 days`, `in the next week`, `more than 2 years ago`."""
    edges = [_edge(one) for one in term.args[1:]]
    if term.op == "ge" and stamped(schema) and edges[0] and edges[0][0] == "sub":
        return f"in the last {span_words(edges[0][2])}"
    if term.op == "lt" and edges[0] and edges[0][0] == "sub":
        return f"more than {span_words(edges[0][2])} ago"
    if term.op != "between":
        return None
    low, high = term.args[1:]
    if edges[0] and edges[0][0] == "sub" and high == Apply(edges[0][1]) and not stamped(schema):
        return f"in the last {span_words(edges[0][2])}"
    if edges[1] and edges[1][0] == "add" and low == Apply(edges[1][1]):
        return f"in the next {span_words(edges[1][2])}"
    return None


def _edge(term: Term) -> tuple[str, str, str] | None:
    """(sub or add, today or now, duration)."""
    if isinstance(term, Apply) and term.op in ("sub", "add"):
        base, length = term.args
        assert isinstance(base, Apply)
        assert isinstance(length, Constant)
        return term.op, base.op, str(length.value)
    return None


# --- operands ---------------------------------------------------------------------------------------------------


def _operand(term: Term, field: FieldTerm, catalogue: Snapshot) -> str:
    if isinstance(term, FieldTerm):
        return _field_words(term, catalogue)
    if isinstance(term, Apply):
        edge = _edge(term)
        if edge is None:
            return term.op
        return f"{span_words(edge[2])} {'ago' if edge[0] == 'sub' else 'from now'}"
    schema = _schema(field, catalogue)
    if term.type == "number":
        assert isinstance(term.value, int | float)
        return literals.number_words(term.value) + ("%" if schema.type == "percent" else "")
    if term.type == "boolean":
        return "true" if term.value else "false"
    if term.type == "timestamp":
        day, _, clock = str(term.value).partition("T")
        return f"{day} {clock[:5]} UTC"
    if term.type == "date":
        return str(term.value)
    if family(schema) == "picklist" and any(entry.value == term.value for entry in schema.picklist):
        return _picklist_words(str(term.value), schema)
    return quoted(str(term.value))


def quoted(text: str) -> str:
    """A text in the first pair of quotes that it does not contain itself."""
    if '"' not in text:
        return f'"{text}"'
    return f"“{text}”" if "”" not in text else f"`{text}`"


def _picklist_words(value: str, schema: FieldSchema) -> str:
    """The label bare or in quotes, or the API value, whichever first leads back to this value alone."""
    label = next(entry.label for entry in schema.picklist if entry.value == value)
    same = [one for one in schema.picklist if _norms(label) in (_norms(one.value), _norms(one.label))]
    if len(same) == 1 and _speakable(label):
        return label
    exact = [one for one in schema.picklist if label.casefold() in (one.value.casefold(), one.label.casefold())]
    choices = [quoted(label)] if len(exact) == 1 else []
    choices += [quoted(value), f"`{value}`"]
    return next((one for one in choices if _norms(one) in ((label,), (value,))), value)


def _norms(text: str) -> tuple[str, ...]:
    return tuple(token.norm for token in tokens(text))


def _speakable(text: str) -> bool:
    """Whether a value can stand in a sentence without quotes: nothing in it is a word of the language."""
    found = tokens(text)
    return (
        bool(found)
        and found[0].kind == "word"
        and all(token.kind in ("word", "number") or token.text in "-/" for token in found)
        and not any(token.norm in _reserved() for token in found)
        and text == " ".join(text.split())
    )


@cache
def _reserved() -> frozenset[str]:
    return STRUCTURE | vocabulary()


# --- fields -----------------------------------------------------------------------------------------------------


def _subject(term: Term, catalogue: Snapshot, owner: bool) -> str:
    field = next(field_terms(term))
    words = _field_words(field, catalogue)
    if not owner:
        return words
    schema = catalogue.by_name[field.object]
    plain = catalogue.by_key.get(squeeze(schema.label)) == (field.object,) and _nameable(schema.label)
    return f"{schema.label if plain else field.object} {words}"


def _field_words(field: FieldTerm, catalogue: Snapshot) -> str:
    schema = catalogue.by_name[field.object]
    if field.path is None:
        return _own_words(schema, field.name)
    way = field.path.partition(".")[0]
    reference = next(one for one in schema.fields if one.relationshipName == way)
    known = relations(catalogue, schema)
    spoken = relation_words(reference)
    if known.get(squeeze(spoken)) != (reference,) or not _nameable(spoken):
        spoken = way.removesuffix("__r")
    return f"{spoken}'s {_own_words(catalogue.by_name[reference.referenceTo[0]], field.name)}"


def _own_words(schema: ObjectSchema, name: str) -> str:
    field = schema.field(name)
    assert field is not None
    for words in (field.label.removeprefix(f"{schema.label} "), field.label):
        if schema.by_key.get(squeeze(words)) == (name,) and _nameable(words):
            return words
    return name


def _nameable(words: str) -> bool:
    found = tokens(words)
    return (
        len(found) <= _LONGEST_NAME
        and all(token.kind in ("word", "number") for token in found)
        and words == " ".join(words.split())
    )


def _schema(field: FieldTerm, catalogue: Snapshot) -> FieldSchema:
    owner = catalogue.by_name[field.object]
    if field.path is not None:
        way = field.path.partition(".")[0]
        reference = next(one for one in owner.fields if one.relationshipName == way)
        owner = catalogue.by_name[reference.referenceTo[0]]
    found = owner.field(field.name)
    assert found is not None
    return found
