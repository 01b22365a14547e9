"""The templates' own rule: a value is printed through a filter that makes it harmless, and through nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jinja2 import nodes

from durable_compiler.emit import FILTERS, environment
from durable_compiler.package_inputs import package_templates, templates_folder

TEMPLATES = [path.relative_to(templates_folder()).as_posix() for path in package_templates()]
STATEMENTS = (nodes.Output, nodes.For, nodes.If)
# A value, a part of one, a filter, and what a condition is made of; no call, no arithmetic, no text put together.
EXPRESSIONS = (
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.TemplateData,
)


def tree(name: str) -> nodes.Template:
    source, _, _ = environment().loader.get_source(environment(), name)  # type: ignore[union-attr]
    return environment().parse(source)


def printed(name: str) -> Iterator[nodes.Expr]:
    for output in tree(name).find_all(nodes.Output):
        yield from (one for one in output.nodes if not isinstance(one, nodes.TemplateData))


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_value_ends_in_exactly_one_of_the_filters(name: str) -> None:
    bare = [
        f"line {one.lineno}" for one in printed(name) if not (isinstance(one, nodes.Filter) and one.name in FILTERS)
    ]
    assert bare == []
    nested = [
        one.lineno
        for one in printed(name)
        if isinstance(one, nodes.Filter) and one.node and one.node.find(nodes.Filter)
    ]
    assert nested == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_only_loops_conditions_and_values(name: str) -> None:
    found = list(tree(name).find_all((nodes.Stmt, nodes.Expr)))
    assert [one for one in found if isinstance(one, nodes.Stmt) and not isinstance(one, STATEMENTS)] == []
    assert [one for one in found if isinstance(one, nodes.Expr) and not isinstance(one, EXPRESSIONS)] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_filters_stand_in_values_only(name: str) -> None:
    everywhere = list(tree(name).find_all(nodes.Filter))
    assert len(everywhere) == len(list(printed(name)))


def test_the_pages_for_readers_shape_no_package_and_are_no_part_of_its_digest() -> None:
    every = {path.relative_to(templates_folder()).as_posix() for path in templates_folder().rglob("*.j2")}
    assert {name.partition("/")[0] for name in every - set(TEMPLATES)} == {"explain"}
    assert {name.partition("/")[0] for name in TEMPLATES} == {"deploy", "pipeline"}


def test_there_are_templates_and_every_filter_is_used() -> None:
    used = {one.name for name in TEMPLATES for one in tree(name).find_all(nodes.Filter)}
    assert used == set(FILTERS)
