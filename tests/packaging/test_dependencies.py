"""What each part imports is what its extra installs, no less and no more."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = {"durable_compiler", "durable_runtime", "durable_sandbox", "generated"}

# Where the distribution's name is not the module's.
DISTRIBUTION = {
    "git": "gitpython",
    "jwt": "pyjwt",
    "markdown_it": "markdown-it-py",
    "simple_salesforce": "simple-salesforce",
    "snowflake": "snowflake-connector-python",
    "yaml": "pyyaml",
}

# Declared although nothing here imports them, because something else does or they are programs.
UNIMPORTED = {
    "pytz": "DuckDB imports it for TIMESTAMPTZ values",
    "httptools": "uvicorn's parser",
    "uvloop": "uvicorn's event loop",
    "ruff": "run as a program",
}

# What each part's modules may import; the last extra is its own.
ROOTS = {
    "runtime/durable_runtime": ("base", "snowflake"),
    "compiler/durable_compiler": ("base", "lsp", "compiler"),
    "sandbox/durable_sandbox": ("base", "sandbox"),
}


def declared(extra: str) -> set[str]:
    """The distributions that an extra, or the base, names itself."""
    lines = PROJECT["dependencies"] if extra == "base" else PROJECT["optional-dependencies"][extra]
    return {re.split(r"[\s\[<>=!;~]", line, maxsplit=1)[0].lower() for line in lines} - {PROJECT["name"]}


def imported(folder: str) -> set[str]:
    """The distributions that a folder's modules import, at the top or inside functions."""
    return modules_of(sorted((ROOT / folder).rglob("*.py")))


def modules_of(paths: list[Path]) -> set[str]:
    """The distributions that these modules import."""
    modules: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    return {DISTRIBUTION.get(module, module) for module in modules - OURS - set(sys.stdlib_module_names)}


@pytest.mark.parametrize("folder", ROOTS)
def test_a_part_imports_only_what_its_extra_declares(folder: str) -> None:
    allowed = set().union(*(declared(extra) for extra in ROOTS[folder]))
    assert imported(folder) <= allowed


@pytest.mark.parametrize(("extra", "folder"), [(extras[-1], folder) for folder, extras in ROOTS.items()])
def test_an_extra_declares_only_what_its_part_imports(extra: str, folder: str) -> None:
    assert declared(extra) - set(UNIMPORTED) <= imported(folder)


def test_the_language_server_alone_imports_what_the_editors_extra_adds() -> None:
    own = declared("lsp")
    paths = sorted((ROOT / "compiler" / "durable_compiler").rglob("*.py"))
    assert [path.name for path in paths if modules_of([path]) & own] == ["language_server.py"]
    assert own <= imported("compiler/durable_compiler")


def test_the_base_declares_only_what_the_runtime_imports() -> None:
    assert declared("base") - set(UNIMPORTED) <= imported("runtime/durable_runtime")


def test_generated_packages_import_the_standard_library_and_the_runtime_alone() -> None:
    assert imported("generated") == set()


def test_every_declared_distribution_is_pinned_in_the_constraints() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0] for line in pins if line and not line.startswith("#")}
    extras = ["base", *PROJECT["optional-dependencies"]]
    assert set().union(*(declared(extra) for extra in extras)) <= pinned
