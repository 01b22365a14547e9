"""The proof that a generated package is what it should be: it parses, prints back, and reaches nothing it may not."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

ALLOWED_IMPORTS = frozenset({"__future__", "sys", "durable_runtime.cli", "durable_runtime.spec"})
ALLOWED_CALLS = frozenset(
    "Alert Column Extract Filter Guard Mask Phones Pipeline Policies Requirement Retry Rule Schedule Statements".split()
    + "Target Transform main exit join".split()
)
ALLOWED_STATEMENTS = (ast.Assign, ast.Expr, ast.FunctionDef, ast.If, ast.Import, ast.ImportFrom, ast.Return)


class InvalidModule(Exception):
    """A generated module is not what the templates promise; this is a bug in them, never the user's mistake."""


def validate(folder: Path) -> None:
    """Check every Python module of a package. Raises InvalidModule naming file and line."""
    for path in sorted(folder.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        _round_trips(source, path)
        tree = ast.parse(source, str(path))
        for node in ast.walk(tree):
            _check_statement(node, path)
            _check_import(node, path)
            _check_call(node, path)


def _round_trips(source: str, path: Path) -> None:
    import libcst

    try:
        printed = libcst.parse_module(source).code
    except libcst.ParserSyntaxError as error:
        raise InvalidModule(f"{path.name}: {error}") from error
    if printed != source:
        raise InvalidModule(f"{path.name}: does not print back to the same text")


def _check_statement(node: ast.AST, path: Path) -> None:
    if isinstance(node, ast.stmt) and not isinstance(node, ALLOWED_STATEMENTS):
        raise InvalidModule(f"{path.name}:{node.lineno}: has a statement of kind {type(node).__name__}")


def _check_import(node: ast.AST, path: Path) -> None:
    if isinstance(node, ast.Import):
        wrong = [one.name for one in node.names if one.name not in ALLOWED_IMPORTS]
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        wrong = [] if node.module in ALLOWED_IMPORTS else [str(node.module)]
        wrong += [f"{node.module}.{one.name}" for one in node.names if not wrong and not _exists(node.module, one.name)]
    else:
        return
    if wrong:
        raise InvalidModule(f"{path.name}:{node.lineno}: imports {', '.join(wrong)}")


def _exists(module: str | None, name: str) -> bool:
    if module in ("__future__", "durable_runtime.cli"):
        return name in ("annotations", "main")  # the runtime's command line is not loaded to compile
    return hasattr(importlib.import_module(str(module)), name)


def _check_call(node: ast.AST, path: Path) -> None:
    if not isinstance(node, ast.Call):
        return
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "?")
    if name not in ALLOWED_CALLS:
        raise InvalidModule(f"{path.name}:{node.lineno}: calls {name}")
