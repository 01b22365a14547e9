"""Conditions and expressions as frozen values: what a sentence says about fields, before it becomes IR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Scalar = bool | int | float | str | None


@dataclass(frozen=True)
class FieldTerm:
    """A field of an object; `path` (Account.Type) when it is reached through a relationship of that object."""

    object: str
    name: str
    path: str | None = None


@dataclass(frozen=True)
class Constant:
    """A constant and its type: text, number, boolean, date, timestamp or duration (ISO 8601, P90D)."""

    value: Scalar
    type: str


@dataclass(frozen=True)
class Apply:
    """An operator of the IR (durable_compiler.ir.Operator) applied to terms."""

    op: str
    args: tuple[Term, ...] = ()


Term = FieldTerm | Constant | Apply

# The operators whose complement is an operator too, under two-valued conditions; every other one needs `not`.
_COMPLEMENTS = {"eq": "ne", "ne": "eq", "is_null": "not_null", "not_null": "is_null"}


def complement(term: Term) -> Term:
    """The exact complement of a condition: of `eq` it is `ne`, of `not x` it is x, of most others `not`."""
    if isinstance(term, Apply) and term.op in _COMPLEMENTS:
        return Apply(_COMPLEMENTS[term.op], term.args)
    if isinstance(term, Apply) and term.op == "not":
        return term.args[0]
    return Apply("not", (term,))


def to_ir(term: Term) -> dict[str, Any]:
    """The IR's JSON of a term."""
    if isinstance(term, FieldTerm):
        path = {} if term.path is None else {"path": term.path}
        return {"op": "field", "object": term.object, "name": term.name, **path}
    if isinstance(term, Constant):
        return {"op": "literal", "value": term.value, "type": term.type}
    return {"op": term.op, "args": [to_ir(one) for one in term.args]}


def field_terms(term: Term) -> Iterator[FieldTerm]:
    """Every field that a term uses, in order, repeated where it is."""
    if isinstance(term, FieldTerm):
        yield term
    elif isinstance(term, Apply):
        for one in term.args:
            yield from field_terms(one)
