"""Modules from templates: values enter only through the filters |py |ident |sql |comment |cell |yaml."""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from durable_compiler.expressions import Sql, text
from durable_compiler.package_inputs import templates_folder


@dataclass(frozen=True)
class ModulePlan:
    """A file to be written: where, from which template, and for which requirements."""

    path: str
    template: str
    values: dict[str, Any]
    requirements: tuple[str, ...]


class FormatterMissing(RuntimeError):
    """The pinned formatter is not installed, so the bytes could differ from another machine's."""


def python_literal(value: Any) -> str:
    """A value as Python source. Raises TypeError for what has no exact literal."""
    if isinstance(value, tuple | list):
        return f"({', '.join(map(python_literal, value))}{',' if len(value) == 1 else ''})"
    if value is None or type(value) in (bool, int, str) or (type(value) is float and math.isfinite(value)):
        return repr(value)
    raise TypeError(f"no literal for {type(value).__name__}")


def identifier(value: str) -> str:
    """A name that may stand bare in SQL, Markdown or as part of a Python name. Raises ValueError for anything else.

    Python's keywords pass: a column may be called `class`, and no template makes a Python name of one alone.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError(f"not an identifier: {value!r}")
    return value


def sql_fragment(value: str) -> str:
    """SQL inside a triple-quoted Python string; a plain str becomes a string literal.

    Line breaks become escapes too: Python reads a bare carriage return in its source as a line feed.
    """
    fragment = value if isinstance(value, Sql) else text(value)
    escaped = fragment.replace("\\", "\\\\").replace('""', '\\"\\"')
    return "".join(one if one.isprintable() else _escape(one) for one in escaped)


def comment(value: str) -> str:
    """Untrusted text on one line of a comment or docstring: no line break, quote run or backslash survives."""
    return _one_line(value).replace("\\", "/").replace('"', "'")


def cell(value: str) -> str:
    """Untrusted text in a Markdown table cell."""
    return re.sub(r"([\\|<>`*_\[\]])", r"\\\1", _one_line(value))


def yaml_value(value: str | list[str]) -> str:
    """A value as a YAML flow scalar or list: JSON, and what YAML would fold or refuse as an escape."""
    return "".join(one if one.isprintable() else _escape(one) for one in json.dumps(value, ensure_ascii=False))


def _one_line(value: str) -> str:
    return "".join(one if one.isprintable() else " " for one in value)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


FILTERS = {
    "py": python_literal,
    "ident": identifier,
    "sql": sql_fragment,
    "comment": comment,
    "cell": cell,
    "yaml": yaml_value,
}


@cache
def environment() -> jinja2.Environment:
    """The one environment: an undefined value is an error, never an empty string."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_folder(), encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is Python and SQL, not HTML; the filters above do the escaping
    )
    env.filters.update(FILTERS)
    return env


def render(plan: ModulePlan) -> str:
    """The text of one module, before formatting."""
    return environment().get_template(plan.template).render(p=plan.values)


def emit(plans: Sequence[ModulePlan], folder: Path) -> None:
    """Write every module below `folder` and format the Python ones in one call."""
    for plan in plans:
        path = folder / plan.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(plan), encoding="utf-8", newline="\n")
    format_python(folder)


def format_python(folder: Path) -> None:
    """Format in place, without any settings of the user's."""
    command = [_formatter(), "format", "--isolated", "--no-cache", "--quiet", "--line-length", "120"]
    done = subprocess.run([*command, "--target-version", "py311", str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        raise FormatterMissing(f"ruff could not format the generated package: {done.stderr.strip()}")


def _formatter() -> str:
    from ruff import find_ruff_bin

    try:
        return str(find_ruff_bin())
    except FileNotFoundError as missing:
        raise FormatterMissing("ruff is not installed: pip install 'durable-pipelines[compiler]'") from missing
