"""Rules about a field with a value map: picklist values mean what Salesforce sent, other texts the result."""

from __future__ import annotations

from collections.abc import Iterator

from durable_compiler.ir import EnumMap, Expression, FieldRef, Literal_, Operation, Pipeline

SENT = "@sent"  # marks a field, in its path, whose value is meant as it was before its map
COMPARED = ("eq", "ne", "in")


def as_sent(pipeline: Pipeline, expression: Expression) -> Expression:
    """The expression with each field that is compared with values of before its map marked so."""
    if not isinstance(expression, Operation):
        return expression
    args = tuple(as_sent(pipeline, one) for one in expression.args)
    if expression.op in COMPARED:
        args = tuple(_marked(pipeline, one, expression) for one in args)
    return Operation.model_validate({"op": expression.op, "args": args})


def _marked(pipeline: Pipeline, one: Expression, comparison: Operation) -> Expression:
    enum = _map_of(pipeline, one)
    if enum is None or not isinstance(one, FieldRef) or _results(enum) & set(_values(comparison)):
        return one
    return FieldRef(object=one.object, name=one.name, path=f"{one.name}{SENT}") if _values(comparison) else one


def unclear(pipeline: Pipeline, expression: Expression) -> Iterator[tuple[FieldRef, str]]:
    """(field, value) where a comparison mixes results of a map with values of before it, or one value is both."""
    if not isinstance(expression, Operation):
        return
    for part in expression.args:
        yield from unclear(pipeline, part)
        enum = _map_of(pipeline, part) if expression.op in COMPARED else None
        if enum is not None and isinstance(part, FieldRef):
            values = _values(expression)
            results = [one for one in values if one in _results(enum)]
            changed = [one for one in values if one not in _results(enum) or enum.values.get(one, one) != one]
            yield from ((part, one) for one in changed if results)


def _map_of(pipeline: Pipeline, one: Expression) -> EnumMap | None:
    if not isinstance(one, FieldRef) or one.path is not None:
        return None
    return next((enum for enum in pipeline.enums if (enum.object, enum.field) == (one.object, one.name)), None)


def _values(comparison: Operation) -> list[str]:
    return [one.value for one in comparison.args if isinstance(one, Literal_) and isinstance(one.value, str)]


def _results(enum: EnumMap) -> set[str]:
    return {*enum.values.values(), *(() if enum.otherwise is None else (enum.otherwise,))}
