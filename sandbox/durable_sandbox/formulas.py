"""Formulas of recipes, `${{ … }}`: a small, safe part of Python's expressions, compiled to functions."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from durable_sandbox.recipe_functions import FUNCTIONS, fake, names_of
from durable_sandbox.recipe_terms import Made, Scope, Spot, Value

_FORMULA = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_ADVICE = (
    "a formula has names, numbers, texts, + (also to join texts) - * / // %, comparisons, and/or/not,"
    " `a if b else c` and functions"
)


def compile_text(text: str, spot: Spot) -> Value:
    """A text whose formulas are replaced by their values; one that is a single formula keeps the value's type."""
    parts = _FORMULA.split(text)
    if len(parts) == 1:
        if "${{" in text or "<<" in text:
            raise spot.error(f"{text!r} does not end its formula: write ${{{{ … }}}}")
        return lambda _: text
    formulas = [compile_formula(part, spot) if place % 2 else _constant(part) for place, part in enumerate(parts)]
    if len(parts) == 3 and not parts[0] and not parts[2]:
        return formulas[1]
    return lambda scope: "".join(_text(formula(scope)) for formula in formulas)


def compile_formula(text: str, spot: Spot) -> Value:
    """One formula. Raises RecipeError for what the sandbox does not read."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise spot.error(f"the formula {text.strip()!r} cannot be read: {_ADVICE}") from error
    inner = _Compiler(spot).compile(tree)

    def value(scope: Scope) -> object:
        try:
            return inner(scope)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise spot.error(f"the formula {text.strip()!r} cannot be computed: {error}") from error

    return value


def _constant(value: object) -> Value:
    return lambda _: value


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Compiler:
    def __init__(self, spot: Spot) -> None:
        self.spot = spot

    def compile(self, node: ast.expr) -> Value:
        make = getattr(self, f"on_{type(node).__name__.lower()}", None)
        if make is None:
            raise self.spot.error(f"{ast.unparse(node)!r} is not part of the sandbox's formulas: {_ADVICE}")
        made: Value = make(node)
        return made

    def on_constant(self, node: ast.Constant) -> Value:
        return _constant(node.value)

    def on_list(self, node: ast.List) -> Value:
        items = [self.compile(item) for item in node.elts]
        return lambda scope: [item(scope) for item in items]

    on_tuple = on_list

    def on_binop(self, node: ast.BinOp) -> Value:
        apply = _BINARY.get(type(node.op))
        if apply is None:
            raise self.spot.error(f"{ast.unparse(node)!r} uses an operator that formulas do not have: {_ADVICE}")
        left, right = self.compile(node.left), self.compile(node.right)
        joined = isinstance(node.op, ast.Add)

        def value(scope: Scope) -> object:
            one, other = left(scope), right(scope)
            if joined and isinstance(one, str) is not isinstance(other, str) and not hasattr(one, "year"):
                return _text(one) + _text(other)
            return apply(one, other)

        return value

    def on_unaryop(self, node: ast.UnaryOp) -> Value:
        inner, apply = self.compile(node.operand), _UNARY.get(type(node.op))
        if apply is None:
            raise self.spot.error(f"{ast.unparse(node)!r} uses an operator that formulas do not have: {_ADVICE}")
        return lambda scope: apply(inner(scope))

    def on_boolop(self, node: ast.BoolOp) -> Value:
        parts, every = [self.compile(part) for part in node.values], isinstance(node.op, ast.And)

        def value(scope: Scope) -> object:
            result: object = every
            for part in parts:
                result = part(scope)
                if bool(result) is not every:
                    break
            return result

        return value

    def on_compare(self, node: ast.Compare) -> Value:
        parts = [self.compile(part) for part in (node.left, *node.comparators)]
        tests = [_COMPARE.get(type(sign)) for sign in node.ops]
        if None in tests:
            raise self.spot.error(f"{ast.unparse(node)!r} compares in a way that formulas do not have: {_ADVICE}")

        def value(scope: Scope) -> object:
            found = [part(scope) for part in parts]
            return all(test(one, other) for test, one, other in zip(tests, found, found[1:], strict=False) if test)

        return value

    def on_ifexp(self, node: ast.IfExp) -> Value:
        test, yes, no = (self.compile(part) for part in (node.test, node.body, node.orelse))
        return lambda scope: yes(scope) if test(scope) else no(scope)

    def on_name(self, node: ast.Name) -> Value:
        return lambda scope: self.named(node.id, scope)

    def named(self, name: str, scope: Scope) -> object:
        own = names_of(scope)
        if name in own:
            return own[name]()
        if scope.current is not None and name in scope.current.values:
            return scope.current.values[name]
        found = scope.variables.get(name, scope.latest.get(name))
        if found is None and name not in scope.variables:
            raise self.spot.error(
                f"{name} is not known here: name a variable or option, a field written above it, a record made before"
                f" it, or one of {', '.join(sorted(own))}"
            )
        return found

    def on_attribute(self, node: ast.Attribute) -> Value:
        if isinstance(node.value, ast.Name) and node.value.id == "fake":
            return lambda scope: fake(scope, self.spot, node.attr)
        inner = self.compile(node.value)

        def value(scope: Scope) -> object:
            found = inner(scope)
            if isinstance(found, Made) and node.attr in ("id", *found.values):
                return found.number if node.attr == "id" else found.values[node.attr]
            known = ", ".join(["id", *found.values]) if isinstance(found, Made) else "no fields"
            raise self.spot.error(f"{ast.unparse(node)} is not known: there is {known}")

        return value

    def on_call(self, node: ast.Call) -> Value:
        target = node.func
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "fake":
            if node.args or node.keywords:
                raise self.spot.error(f"fake.{target.attr} takes no settings here: leave the brackets empty")
            return self.on_attribute(target)
        name = target.id if isinstance(target, ast.Name) else ast.unparse(target)
        if name not in FUNCTIONS:
            raise self.spot.error(f"there is no function {name}: write one of {', '.join(sorted(FUNCTIONS))}")
        listed = [self.compile(item) for item in node.args]
        named = {item.arg or "": self.compile(item.value) for item in node.keywords}
        return FUNCTIONS[name](self.spot, listed, named)
