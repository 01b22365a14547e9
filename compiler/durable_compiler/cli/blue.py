"""The package of the version in use: a folder, a git revision, or the committed package of the release that loaded."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from durable_compiler.cli import project
from durable_compiler.history import HistoryRefused, Repository

if TYPE_CHECKING:
    import git

    from durable_runtime.spec import Pipeline

HELP = "Give the package of the version in use with --blue: a folder, or a git revision such as a tag or a commit."


@contextmanager
def version_in_use(where: Path, name: str, chosen: str | None, loaded: str | None) -> Iterator[Pipeline]:
    """The pipeline of a package that is not (or need not be) the one in generated/NAME.

    `chosen` is what --blue says; without it the commit whose package has the version that the warehouse's ledger
    tells of, `loaded`, is looked for. Raises Refused where there is none.
    """
    if chosen is not None and (where / chosen).is_dir():
        yield load(_package_in(where / chosen, name), name)
        return
    if chosen is None and loaded and project.version(where, name) == loaded:
        yield load(where / "generated" / name, name)
        return
    with TemporaryDirectory() as folder:
        commit = _commit(where, name, chosen, loaded)
        yield load(_written(commit, where, name, Path(folder)), name)


def load(package: Path, name: str) -> Pipeline:
    """The PIPELINE of a package folder, under a module name of its own beside generated.NAME."""
    from durable_runtime.errors import PackageMismatch

    module = f"durable_blue_{name}"
    for known in [one for one in sys.modules if one == module or one.startswith(f"{module}.")]:
        del sys.modules[known]
    spec = importlib.util.spec_from_file_location(
        module, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    if spec is None or spec.loader is None:
        raise project.Refused(f"{package} holds no package.", HELP)
    try:
        sys.modules[module] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[module])
        pipeline: Pipeline = importlib.import_module(f"{module}.pipeline").PIPELINE
    except (OSError, ImportError, SyntaxError, TypeError, AttributeError, NameError) as error:
        raise PackageMismatch(
            f"The package {package} does not load: {type(error).__name__}: {error}.", help=HELP
        ) from error
    return pipeline


def _package_in(folder: Path, name: str) -> Path:
    """The package itself, or the one of that name in a project."""
    inside = folder / "generated" / name
    found = inside if inside.is_dir() else folder
    if not (found / "pipeline.py").is_file():
        raise project.Refused(f"{folder} holds no package of {name}.", HELP)
    return found


def _commit(where: Path, name: str, chosen: str | None, loaded: str | None) -> git.Commit:
    """The revision that was asked for, or the newest one whose package has the loaded version."""
    import git

    if chosen is None and not loaded:
        raise project.Refused(f"The warehouse does not tell which version of {name} it holds.", HELP)
    try:
        repo = Repository.open(where).repo
        if chosen is not None:
            return repo.commit(chosen)
        path = str((where.resolve() / "generated" / name / "__init__.py").relative_to(str(repo.working_tree_dir)))
        for commit in repo.iter_commits(paths=path) if repo.head.is_valid() else ():
            if _version(commit, path) == loaded:
                return commit
    except (HistoryRefused, git.BadName, ValueError) as error:
        what = f"revision {chosen!r}" if chosen is not None else f"version {loaded} of {name}"
        raise project.Refused(f"There is no {what} here: {getattr(error, 'message', error)}", HELP) from error
    raise project.Refused(f"No commit holds version {loaded} of {name}, which filled the warehouse.", HELP)


def _version(commit: git.Commit, path: str) -> str | None:
    try:
        return project.version_in((commit.tree / path).data_stream.read().decode())
    except KeyError:
        return None


def _written(commit: git.Commit, where: Path, name: str, folder: Path) -> Path:
    """The package as it was committed, in a folder of its own."""
    root = Path(str(commit.repo.working_tree_dir))
    inside = where.resolve().relative_to(root) / "generated" / name
    try:
        tree = commit.tree / inside.as_posix()
    except KeyError:
        raise project.Refused(f"{commit.hexsha[:10]} holds no package of {name}.", HELP) from None
    for blob in tree.traverse():
        if blob.type == "blob":  # type: ignore[union-attr]
            goal = folder / Path(str(blob.path)).relative_to(inside)  # type: ignore[union-attr]
            goal.parent.mkdir(parents=True, exist_ok=True)
            goal.write_bytes(blob.data_stream.read())  # type: ignore[union-attr]
    return folder
