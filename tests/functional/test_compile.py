"""`durable compile` as a whole: the same bytes everywhere, nothing written for nothing, and records that are true."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from durable_compiler import compilation, package, validate
from durable_compiler.compilation import compile_pipeline
from durable_compiler.release import plan as plan_release
from functional.project import REPOSITORY, Done, environment

SNAPSHOT = REPOSITORY / "tests" / "cases" / "language" / "salesforce.schema.json"
SPEC = "requirements/customer_data.md"
PACKAGE = "generated/customer_data"
IDENTITY = "[user]\nname = Ada\nemail = ada@example.com\n[init]\ndefaultBranch = main\n"


def make(root: Path) -> Path:
    """A project with the example's requirements and a snapshot, in a repository of its own."""
    (root / "requirements").mkdir(parents=True)
    shutil.copy(REPOSITORY / SPEC, root / SPEC)
    shutil.copy(SNAPSHOT, root / "requirements" / "salesforce.schema.json")
    (root / "durable.toml").write_text('default_profile = "local"\n')
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "durable.toml")
    git(root, "commit", "--quiet", "-m", "start")
    return root


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True, env=variables(root.parent)
    )
    return done.stdout.strip("\n")


def variables(folder: Path, **more: str) -> dict[str, str]:
    settings = folder / "gitconfig"
    if not settings.exists():
        settings.write_text(IDENTITY)
    return environment(GIT_CONFIG_GLOBAL=str(settings), GIT_CEILING_DIRECTORIES=str(folder), **more)


def durable(root: Path, *arguments: str, cwd: Path | None = None, umask: int = -1, **more: str) -> Done:
    """`durable …` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "durable_runtime.durable_cli", *arguments],
        cwd=cwd or root,
        capture_output=True,
        text=True,
        env=variables(root.parent, **more),
        umask=umask,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def told(root: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(durable(root, "compile", "--json", *arguments).out)["pipelines"][0]
    return found


def edit(root: Path, old: str, new: str, path: str = SPEC) -> None:
    text = (root / path).read_text(encoding="utf-8")
    assert old in text
    (root / path).write_text(text.replace(old, new), encoding="utf-8")


def files(root: Path) -> dict[str, bytes]:
    """Every file that a compile writes, without what Python and git keep for themselves."""
    found = [*sorted((root / "generated").rglob("*")), *sorted((root / "requirements").iterdir())]
    kept = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in kept}


def stamps(root: Path) -> dict[str, int]:
    return {name: (root / name).stat().st_mtime_ns for name in files(root)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path / "project")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its first release; tests work on copies."""
    root = make(tmp_path_factory.mktemp("release") / "project")
    done = durable(root, "compile")
    assert done.code == 0, done.err
    return root


@pytest.fixture
def released(release: Path, tmp_path: Path) -> Path:
    return shutil.copytree(release, tmp_path / "project")


SURROUNDINGS: tuple[dict[str, str], ...] = (
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Auckland", "LC_ALL": "C", "PYTHONUTF8": "0"},
    {"PYTHONHASHSEED": "4242", "TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8", "COLUMNS": "20"},
)


def test_a_package_has_the_same_bytes_whatever_surrounds_the_compiler(tmp_path: Path) -> None:
    outcomes = []
    for at, surroundings in enumerate(SURROUNDINGS):
        home = tmp_path / f"home{at}"
        (home / ".config" / "ruff").mkdir(parents=True)
        (home / ".config" / "ruff" / "ruff.toml").write_text(f"line-length = {60 + at}\n")
        root = make(tmp_path / f"somewhere{'/deeper' * at}" / "project")
        below = root / "requirements" if at else root
        more = {**surroundings, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
        done = durable(root, "compile", cwd=below, umask=(0o022, 0o077, 0o002)[at], **more)
        assert done.code == 0, done.err
        outcomes.append(files(root))
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert len(outcomes[0]) > 10


def test_a_fresh_clone_is_current_and_compiling_it_writes_and_commits_nothing(released: Path, tmp_path: Path) -> None:
    git(released, "clone", "--quiet", str(released), str(tmp_path / "clone"))
    clone = tmp_path / "clone"
    before = stamps(clone), git(clone, "rev-parse", "HEAD")
    done = durable(clone, "compile")
    assert (done.code, done.out) == (0, "customer_data v1.0.0: nothing changed\n")
    assert durable(clone, "compile", "--check").code == 0
    assert (stamps(clone), git(clone, "rev-parse", "HEAD")) == before
    assert files(clone) == files(released)


def test_a_second_compile_writes_and_commits_nothing(released: Path) -> None:
    before = stamps(released), git(released, "rev-parse", "HEAD")
    assert told(released)["status"] == "unchanged"
    assert (stamps(released), git(released, "rev-parse", "HEAD")) == before


CHANGES = {
    "the same page with a paragraph more": ("## R2 Warehouse", "Ask Ada.\n\n## R2 Warehouse", "1.0.1"),
    "another clock": ("2:00 AM UTC", "3:00 AM UTC", "1.1.0"),
    "one object fewer": ("Accounts, Contacts, and Customer Health", "Contacts and Customer Health", "2.0.0"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_spec_is_the_next_version_with_its_notes_first(change: str, released: Path) -> None:
    old, new, version = CHANGES[change]
    edit(released, old, new)
    found = told(released)
    assert (found["status"], found["version"], found["tag"]) == ("written", version, f"customer_data/v{version}")
    notes = (released / PACKAGE / "RELEASE_NOTES.md").read_text()
    assert re.findall(r"^## (.*)$", notes, re.MULTILINE) == [version, "1.0.0"]
    assert f'VERSION = "{version}"' in (released / PACKAGE / "__init__.py").read_text()
    assert git(released, "log", "-1", "--format=%s").startswith(f"customer_data v{version}: ")
    assert git(released, "status", "--porcelain") == ""


def test_check_names_each_kind_of_difference_and_tells_the_command(released: Path) -> None:
    (released / PACKAGE / "extract.py").unlink()
    (released / PACKAGE / "old.py").write_text("x = 1\n")
    edit(released, "MERGE", "merge", f"{PACKAGE}/load.py")
    edit(released, "2:00 AM UTC", "3:00 AM UTC")
    (released / "requirements" / "customer_data.lock.json").unlink()
    before = files(released)
    done = durable(released, "compile", "--check")
    assert done.code == 3
    lines = done.err.splitlines()
    assert "customer_data: generated/customer_data is not what the requirements say" in lines[0]
    assert "durable compile customer_data" in lines[0]
    assert f"  missing: {PACKAGE}/extract.py" in lines
    assert f"  orphaned: {PACKAGE}/old.py" in lines
    assert f"  hand-edited: {PACKAGE}/load.py" in lines
    assert f"  stale: {PACKAGE}/pipeline.py" in lines
    assert "  missing: requirements/customer_data.lock.json" in lines
    assert files(released) == before


def test_a_hand_edit_is_refused_with_the_way_out_and_no_commit_overwrites_it(released: Path) -> None:
    before = files(released)
    edit(released, "MERGE", "merge", f"{PACKAGE}/load.py")
    head = git(released, "rev-parse", "HEAD")
    done = durable(released, "compile")
    assert done.code == 2
    assert f"hand-edited: {PACKAGE}/load.py" in done.err
    assert f"git checkout {PACKAGE}" in done.err
    assert b"merge INTO" in (released / PACKAGE / "load.py").read_bytes()
    assert durable(released, "compile", "--no-commit").code == 0
    assert files(released) == before
    assert git(released, "rev-parse", "HEAD") == head


def test_other_work_staged_or_not_stays_as_it_is(released: Path) -> None:
    (released / "mine.txt").write_text("staged")
    git(released, "add", "mine.txt")
    (released / "yours.txt").write_text("not staged")
    edit(released, "2:00 AM UTC", "3:00 AM UTC")
    assert durable(released, "compile").code == 0
    assert git(released, "status", "--porcelain").splitlines() == ["A  mine.txt", "?? yours.txt"]
    names = git(released, "show", "--name-only", "--format=", "HEAD").splitlines()
    assert all(name.startswith(("requirements/customer_data.", f"{PACKAGE}/")) for name in names)


def hidden(root: Path) -> list[str]:
    return [path.name for path in (root / "generated").iterdir() if path.name != "customer_data"]


def test_a_crash_before_the_swap_leaves_package_and_lock_as_they_were(
    released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(released, "2:00 AM UTC", "3:00 AM UTC")
    before = files(released)

    def crash(fresh: Path, place: Path) -> None:
        assert (fresh / "manifest.json").is_file()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compilation, "exchange", crash)
    with pytest.raises(OSError, match="No space left"):
        compile_pipeline(released, "customer_data")
    assert files(released) == before
    assert hidden(released) == []


def test_a_template_with_a_bug_replaces_nothing(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(released, "2:00 AM UTC", "3:00 AM UTC")
    before = files(released)
    monkeypatch.setattr(validate, "ALLOWED_CALLS", frozenset({"main", "exit"}))
    with pytest.raises(validate.InvalidModule, match=r"extract.py:\d+: calls "):
        compile_pipeline(released, "customer_data")
    assert files(released) == before
    assert hidden(released) == []


def test_without_an_exchange_by_the_system_the_swap_still_ends_well(
    released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(released, "2:00 AM UTC", "3:00 AM UTC")
    monkeypatch.setattr(package, "_renamed_together", lambda one, other: False)
    assert compile_pipeline(released, "customer_data", commit=False).status == "written"
    monkeypatch.undo()
    assert compile_pipeline(released, "customer_data", check=True).differences == ()
    assert hidden(released) == []


def test_a_compile_leaves_nothing_but_the_package_in_generated(released: Path) -> None:
    assert hidden(released) == []
    edit(released, "Runs nightly", "Runs whenever")
    assert durable(released, "compile").code == 1
    assert hidden(released) == []


def test_pipeline_yaml_says_what_runs_in_the_shape_that_other_tools_read(released: Path) -> None:
    said = yaml.safe_load((released / PACKAGE / "pipeline.yaml").read_text(encoding="utf-8"))
    assert list(said) == ["name", "version", "requirements", "tasks", "schedule"]
    assert (said["name"], said["version"]) == ("customer_data", "1.0.0")
    assert said["schedule"] == {"cron": "0 2 * * *", "timezone": "UTC"}
    written = re.findall(r"^- (R\S+) (.*)$", (released / SPEC).read_text(encoding="utf-8"), re.MULTILINE)
    assert [(one["id"], one["text"]) for one in said["requirements"]] == written
    tasks = {one["id"]: one for one in said["tasks"]}
    assert list(tasks) == [
        f"{step}_{name}"
        for name in ("account", "contact", "customer_health")
        for step in ("extract", "transform", "load")
    ]
    assert tasks["load_contact"]["depends_on"] == ["transform_contact"]
    assert tasks["transform_contact"]["depends_on"] == ["extract_contact"]
    assert tasks["extract_contact"]["depends_on"] == []
    known = {one["id"] for one in said["requirements"]}
    assert all(set(one["requirements"]) <= known and one["requirements"] for one in said["tasks"])


def test_the_manifest_vouches_for_every_file_and_every_input(released: Path) -> None:
    records = json.loads((released / PACKAGE / "manifest.json").read_text())
    present = {
        path.relative_to(released / PACKAGE).as_posix()
        for path in (released / PACKAGE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set(records["files"]) == present - {"manifest.json"}
    for name, digest in records["files"].items():
        assert hashlib.sha256((released / PACKAGE / name).read_bytes()).hexdigest() == digest
    inputs = {"requirements": SPEC, "lock": SPEC.replace(".md", ".lock.json")}
    inputs["snapshot"] = "requirements/salesforce.schema.json"
    for key, path in inputs.items():
        assert records["inputs"][key] == hashlib.sha256((released / path).read_bytes()).hexdigest()


def test_each_line_range_of_the_trace_names_its_requirement(released: Path) -> None:
    traced = json.loads((released / PACKAGE / "trace.json").read_text())
    spec_lines = (released / traced["spec"]).read_text(encoding="utf-8").splitlines()
    for entry in traced["entries"]:
        first, last = entry["lines"]
        lines = (released / PACKAGE / entry["file"]).read_text(encoding="utf-8").splitlines()[first - 1 : last]
        assert re.search(rf"\b{re.escape(entry['requirement'])}\b", "\n".join(lines)), entry
        assert spec_lines[entry["spec_line"] - 1].startswith(f"- {entry['requirement']} ")
        assert entry["qualname"] in "\n".join(lines)
    requirements = {
        one["id"] for one in yaml.safe_load((released / PACKAGE / "pipeline.yaml").read_text())["requirements"]
    }
    assert {entry["requirement"] for entry in traced["entries"]} == requirements


def test_the_mapping_page_lists_every_column_of_every_object_once(released: Path) -> None:
    page = (released / PACKAGE / "MAPPING.md").read_text(encoding="utf-8")
    sections = page.split("\n## ")[1:-2]  # the last two are policies and assumptions
    ir = json.loads((released / PACKAGE / "ir.json").read_text())
    assert len(sections) == len(ir["source"]["objects"])
    for section, source in zip(sections, ir["source"]["objects"], strict=True):
        listed = re.findall(r"^\| .*? \(`(\w+)`\) \| \w+ \| `(\w+)` \|", section, re.MULTILINE)
        assert [field for field, _ in listed] == [
            one for one in source["fields"] if one not in ("Id", "SystemModstamp", "IsDeleted")
        ]
        assert len({column for _, column in listed}) == len(listed)


def test_the_package_is_importable_without_the_compiler(released: Path) -> None:
    script = (
        "import sys, generated.customer_data.pipeline as p; print(p.PIPELINE.name, 'durable_compiler' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=released, capture_output=True, text=True, env=environment()
    )
    assert done.stdout == "customer_data False\n", done.stderr


def test_where_git_is_not_installed_no_commit_compiles(root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused = durable(root, "compile", PATH=str(tmp_path / "empty"))
    assert refused.code == 2
    assert "--no-commit" in refused.err
    assert not (root / "generated").exists()
    done = durable(root, "compile", "--no-commit", PATH=str(tmp_path / "empty"))
    assert done.code == 0, done.err
    assert hidden(root) == []


def test_the_package_in_this_repository_is_what_this_compiler_makes_of_its_requirements(tmp_path: Path) -> None:
    """Rendered afresh: the hashes that make an unchanged compile quick say nothing about the compiler's own code."""
    for name in ("requirements", "generated"):
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    project = package.Project(tmp_path, "customer_data")
    reading = compilation.read_whole(project)
    assert reading.pipeline is not None
    before = package.committed(project)
    same = plan_release(project.name, before.version, before.ir, reading.pipeline.model_dump(mode="json"))
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    compilation._render(project, reading, fresh, same, before)
    assert package.differences(project, fresh, reading.lock_text) == (), "run `durable compile customer_data`"
