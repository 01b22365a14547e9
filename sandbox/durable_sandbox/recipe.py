"""Snowfakery recipes: the YAML that Salesforce people describe small organisations with, read line by line."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from durable_sandbox.formulas import compile_text
from durable_sandbox.recipe_functions import FUNCTIONS, weighted
from durable_sandbox.recipe_terms import Made, RecipeError, Scope, Spot, Value

_VERSION = 3
_KEPT = "recipe.json"
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)")
_MOST_RECORDS = 1_000_000
_INSTEAD = {
    "for_each": "write one object with a count",
    "update_key": "the sandbox always makes new records: leave it out",
    "include_file": "put its statements into this file",
    "plugin": "use the functions that the sandbox has, which docs/reference/sandbox.md lists",
}
_OBJECT_KEYS = ("object", "count", "nickname", "just_once", "fields", "friends", "include")

Statement = Callable[[Scope], object]


@dataclass(frozen=True)
class Template:
    """An object of the recipe: how many records, their fields, and what comes with each of them."""

    object: str
    spot: Spot
    count: Value | None = None
    nickname: str | None = None
    fields: tuple[tuple[str, Spot, Value], ...] = ()
    friends: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """A recipe that was read: its statements and the options that it takes."""

    name: str
    text: str
    statements: tuple[Statement, ...]
    options: tuple[tuple[str, Spot, Value | None], ...]
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """A fingerprint of the recipe with its options."""
        return hashlib.sha256(repr((self.text, sorted(self.given.items()))).encode()).hexdigest()

    def keep(self, folder: Path) -> None:
        """Leave the recipe in a folder, where `kept_recipe` finds it again."""
        kept = {"name": self.name, "text": self.text, "given": dict(self.given)}
        (folder / _KEPT).write_text(json.dumps(kept), encoding="utf-8")

    def run(self, scope: Scope) -> None:
        """Make every record, in order, by the scope's `create`. Raises RecipeError with the file and the line."""
        for name, spot, default in self.options:
            if name in self.given:
                text = self.given[name]
                scope.variables[name] = int(text) if _DECIMAL.fullmatch(text) else text
            elif default is None:
                raise spot.error(f"the option {name} has no default: start with --recipe-option {name}=VALUE")
            else:
                scope.variables[name] = default(scope)
        for statement in self.statements:
            statement(scope)


def read_recipe(path: Path, given: Mapping[str, str] | None = None) -> Recipe:
    """Read a recipe file; `given` sets its options. Raises RecipeError for what cannot be read or is not supported."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} cannot be read: {error}") from error
    return parse_recipe(text, path.name, given or {})


def parse_recipe(text: str, name: str, given: Mapping[str, str]) -> Recipe:
    """Read a recipe's text; `name` stands in messages."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RecipeError(f"{name}:{line}: this is not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{name}:1: this is not YAML: {error}") from error
    try:
        return _read(root, text, name, given)
    except RecursionError as error:
        raise RecipeError(f"{name}: an alias (*name) stands inside what it names: write it out") from error


def _read(root: yaml.Node | None, text: str, name: str, given: Mapping[str, str]) -> Recipe:
    reader = _Reader(name)
    if not isinstance(root, yaml.SequenceNode):
        raise RecipeError(f"{name}:1: a recipe is a list of statements such as `- object: Account`")
    statements = tuple(reader.statements(root))
    unknown = sorted(set(given) - {option for option, *_ in reader.options})
    if unknown:
        known = ", ".join(option for option, *_ in reader.options) or "none"
        raise RecipeError(f"{name}: it has no option {', '.join(unknown)}; its options are: {known}")
    return Recipe(name, text, statements, tuple(reader.options), dict(given))


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.options: list[tuple[str, Spot, Value | None]] = []
        self.macros: dict[str, yaml.MappingNode] = {}

    def spot(self, node: yaml.Node) -> Spot:
        return Spot(self.name, node.start_mark.line + 1)

    def statements(self, node: yaml.Node) -> Iterator[Statement]:
        if not isinstance(node, yaml.SequenceNode):
            raise self.spot(node).error("write a list of statements such as `- object: Contact`")
        for item in node.value:
            made = self.statement(item)
            if made is not None:
                yield made

    def statement(self, node: yaml.Node) -> Statement | None:
        spot = self.spot(node)
        if not isinstance(node, yaml.MappingNode):
            raise spot.error("write a statement such as `- object: Account`, `- var: x` or `- option: y`")
        keys = self.entries(node)
        for word in ("object", "var", "option", "macro", "snowfakery_version"):
            if word in keys:
                read: Callable[[yaml.MappingNode, dict[str, yaml.Node]], Statement | None] = getattr(self, f"on_{word}")
                return read(node, keys)
        first = next(iter(keys), "")
        instead = _INSTEAD.get(first, "write object, var, option, macro or snowfakery_version")
        raise spot.error(f"the sandbox does not read {first or 'an empty statement'}: {instead}")

    def entries(self, node: yaml.MappingNode, known: Sequence[str] = ()) -> dict[str, yaml.Node]:
        """The entries of a mapping; each key once, and one of those known."""
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(self.plain(key))
            if name in found:
                raise self.spot(key).error(f"{name} stands here twice: leave one")
            if known and name not in known:
                instead = _INSTEAD.get(name, f"write {', '.join(known)}")
                raise self.spot(key).error(f"the sandbox does not read {name}: {instead}")
            found[name] = value
        return found

    def plain(self, node: yaml.Node) -> Any:
        """A scalar in its YAML type."""
        if not isinstance(node, yaml.ScalarNode):
            raise self.spot(node).error("write one word or number here")
        try:
            value = yaml.SafeLoader("").construct_object(node)
        except (ValueError, yaml.YAMLError) as error:
            raise self.spot(node).error(f"{node.value} cannot be read: {error}") from error
        if isinstance(value, int) and not isinstance(value, bool) and not _DECIMAL.fullmatch(node.value):
            raise self.spot(node).error(
                f"YAML reads {node.value} as the number {value}: put it in quotes if it is text"
            )
        return value

    def word(self, node: yaml.Node) -> str:
        value = self.plain(node)
        if not isinstance(value, str) or not value:
            raise self.spot(node).error(f"write a name here, not {value!r}")
        return value

    # Statements

    def on_snowfakery_version(self, node: yaml.MappingNode, keys: dict[str, yaml.Node]) -> None:
        self.entries(node, ("snowfakery_version",))
        if self.plain(keys["snowfakery_version"]) != _VERSION:
            raise self.spot(node).error(f"the sandbox reads recipes of snowfakery_version: {_VERSION}")

    def on_option(self, node: yaml.MappingNode, _: dict[str, yaml.Node]) -> None:
        keys = self.entries(node, ("option", "default"))
        default = self.value(keys["default"]) if "default" in keys else None
        self.options.append((self.word(keys["option"]), self.spot(node), default))

    def on_macro(self, node: yaml.MappingNode, _: dict[str, yaml.Node]) -> None:
        keys = self.entries(node, ("macro", "fields", "friends", "include"))
        self.macros[self.word(keys["macro"])] = node

    def on_var(self, node: yaml.MappingNode, _: dict[str, yaml.Node]) -> Statement:
        keys = self.entries(node, ("var", "value"))
        if "value" not in keys:
            raise self.spot(node).error("a var needs a value")
        name, value = self.word(keys["var"]), self.value(keys["value"])

        def assign(scope: Scope) -> None:
            scope.variables[name] = value(scope)

        return assign

    def on_object(self, node: yaml.MappingNode, _: dict[str, yaml.Node]) -> Statement:
        template = self.template(node)
        return lambda scope: make(template, scope)

    def template(self, node: yaml.MappingNode) -> Template:
        keys = self.entries(node, _OBJECT_KEYS)
        fields: dict[str, tuple[Spot, Value]] = {}
        friends: list[Statement] = []
        self.take(keys, fields, friends, ())
        return Template(
            self.word(keys["object"]),
            self.spot(node),
            self.value(keys["count"]) if "count" in keys else None,
            self.word(keys["nickname"]) if "nickname" in keys else None,
            tuple((name, *found) for name, found in fields.items()),
            tuple(friends),
        )

    def take(
        self,
        keys: dict[str, yaml.Node],
        fields: dict[str, tuple[Spot, Value]],
        friends: list[Statement],
        inside: tuple[str, ...],
    ) -> None:
        """Collect fields and friends, those of included macros first; a later field of the same name wins."""
        if "include" in keys:
            for name in self.word(keys["include"]).replace(",", " ").split():
                macro = self.macros.get(name)
                if macro is None or name in inside:
                    why = "includes itself" if name in inside else "is not written above this"
                    raise self.spot(keys["include"]).error(f"the macro {name} {why}")
                self.take(self.entries(macro), fields, friends, (*inside, name))
        if "fields" in keys:
            if not isinstance(keys["fields"], yaml.MappingNode):
                raise self.spot(keys["fields"]).error("fields are lines such as `LastName: Smith`")
            for name, value in self.entries(keys["fields"]).items():
                fields[name] = (self.spot(value), self.value(value))
        if "friends" in keys:
            friends += self.statements(keys["friends"])

    # Values

    def value(self, node: yaml.Node) -> Value:
        """A scalar with its formulas, a function with its arguments, or an object that is made for this value."""
        spot = self.spot(node)
        if isinstance(node, yaml.ScalarNode):
            plain = self.plain(node)
            return compile_text(plain, spot) if isinstance(plain, str) else lambda _: plain
        if isinstance(node, yaml.SequenceNode):
            if len(node.value) != 1 or not isinstance(node.value[0], yaml.MappingNode):
                raise spot.error("a value is one value, a function, or one object in a list: `- object: Account`")
            return self.value(node.value[0])
        if not isinstance(node, yaml.MappingNode):
            raise spot.error("write a value here")
        keys = self.entries(node)
        if "object" in keys:
            template = self.template(node)
            return lambda scope: make(template, scope)
        if len(keys) != 1:
            raise spot.error(f"a value has one function, not {', '.join(keys)}")
        ((name, arguments),) = keys.items()
        return self.function(name, arguments, spot)

    def function(self, name: str, arguments: yaml.Node, spot: Spot) -> Value:
        if name == "if":
            return self.conditions(arguments)
        if name == "random_choice" and self.has_choices(arguments):
            return weighted(spot, self.choices(arguments, "probability"))
        if name not in FUNCTIONS:
            known = ", ".join(sorted([*FUNCTIONS, "if"]))
            raise spot.error(f"the sandbox does not have the function {name}: write one of {known}")
        if isinstance(arguments, yaml.MappingNode) and name == "random_choice":
            chances = [(self.value(key), self.value(item)) for key, item in arguments.value]
            return weighted(spot, chances)
        if isinstance(arguments, yaml.MappingNode):
            return FUNCTIONS[name](spot, (), {key: self.value(item) for key, item in self.entries(arguments).items()})
        listed = arguments.value if isinstance(arguments, yaml.SequenceNode) else [arguments]
        return FUNCTIONS[name](spot, [self.value(item) for item in listed], {})

    def has_choices(self, node: yaml.Node) -> bool:
        return isinstance(node, yaml.SequenceNode) and any(
            isinstance(item, yaml.MappingNode) and "choice" in self.entries(item) for item in node.value
        )

    def choices(self, node: yaml.Node, condition: str) -> list[tuple[Value, Value]]:
        """`- choice:` entries with what they pick and when; a choice without a condition always holds."""
        pairs: list[tuple[Value, Value]] = []
        for item in node.value if isinstance(node, yaml.SequenceNode) else ():
            entry = self.entries(item, ("choice",)) if isinstance(item, yaml.MappingNode) else {}
            choice = entry.get("choice")
            if not isinstance(choice, yaml.MappingNode):
                raise self.spot(item).error(f"write `- choice:` with `{condition}` and `pick`")
            keys = self.entries(choice, (condition, "pick"))
            if "pick" not in keys:
                raise self.spot(choice).error("a choice needs `pick`")
            test: Value = self.value(keys[condition]) if condition in keys else lambda _: 1
            pairs.append((self.value(keys["pick"]), test))
        return pairs

    def conditions(self, node: yaml.Node) -> Value:
        pairs = self.choices(node, "when")
        if not pairs:
            raise self.spot(node).error("`if` has a list of `- choice:` with `when` and `pick`")
        spot = self.spot(node)

        def value(scope: Scope) -> object:
            for pick, test in pairs:
                if test(scope):
                    return pick(scope)
            raise spot.error("no choice of this `if` holds: add one without `when` at its end")

        return value


def kept_recipe(folder: Path) -> Recipe:
    """The recipe that a state folder was filled from. Raises RecipeError when it is not there."""
    try:
        kept = json.loads((folder / _KEPT).read_text(encoding="utf-8"))
        return parse_recipe(kept["text"], kept["name"], kept["given"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{folder / _KEPT} cannot be read ({error}): delete {folder} to start anew") from error


def make(template: Template, scope: Scope) -> Made | None:
    """Make the records of a template, each with its friends; the last one made."""
    count = 1 if template.count is None else template.count(scope)
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _MOST_RECORDS:
        raise template.spot.error(f"count must be a whole number up to {_MOST_RECORDS}, not {count!r}")
    outer, outer_index, made = scope.current, scope.child_index, None
    for scope.child_index in range(count):
        made = scope.create(template, scope)
        for friend in template.friends:
            index = scope.child_index
            friend(scope)
            scope.child_index = index
        scope.current = outer
    scope.child_index = outer_index
    return made
