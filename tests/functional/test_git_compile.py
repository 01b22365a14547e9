"""`durable compile` in real repositories: one commit, nothing else touched, and every refusal with its way out."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from durable_compiler.cli import compile as compile_command
from durable_compiler.cli import diff, init, verify

SNAPSHOT = Path(__file__).parents[1] / "cases" / "language" / "salesforce.schema.json"
SPEC = Path("requirements/customer_data.md")
LOAD = Path("generated/customer_data/load.py")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(init.command, ["customer_data"]).exit_code == 0
    monkeypatch.chdir(tmp_path / "customer_data")
    shutil.copy(SNAPSHOT, "requirements/salesforce.schema.json")
    git("add", ".gitignore", "durable.toml", "requirements/.gitattributes")
    git("commit", "--quiet", "-m", "start")
    return tmp_path / "customer_data"


@pytest.fixture
def released(root: Path) -> Path:
    assert compile_().exit_code == 0
    return root


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip("\n")


def compile_(*arguments: str) -> Result:
    return CliRunner().invoke(compile_command.command, list(arguments))


def compiled(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(compile_("--json", *arguments).stdout)["pipelines"][0]
    return found


def edit(old: str, new: str, path: Path = SPEC) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_first_compile_is_one_tagged_commit_of_requirements_lock_snapshot_and_package(root: Path) -> None:
    (root / "mine.txt").write_text("staged")
    git("add", "mine.txt")
    found = compiled()
    assert (found["status"], found["version"], found["tag"]) == ("written", "1.0.0", "customer_data/v1.0.0")
    assert found["commit"] == git("rev-parse", "HEAD") == git("rev-parse", "customer_data/v1.0.0^{commit}")
    names = git("show", "--name-only", "--format=", "HEAD").splitlines()
    assert {"/".join(name.split("/")[:2]) for name in names} == {
        "generated/customer_data",
        "requirements/customer_data.lock.json",
        "requirements/customer_data.md",
        "requirements/salesforce.schema.json",
    }
    assert git("log", "-1", "--format=%s") == "customer_data v1.0.0: first release"
    assert git("status", "--porcelain") == "A  mine.txt"


def test_a_compile_with_nothing_changed_writes_and_commits_nothing(released: Path) -> None:
    before = git("rev-parse", "HEAD"), LOAD.stat().st_mtime_ns, (released / ".git/index").read_bytes()
    done = compile_()
    assert (done.exit_code, done.output) == (0, "customer_data v1.0.0: nothing changed\n")
    assert (git("rev-parse", "HEAD"), LOAD.stat().st_mtime_ns, (released / ".git/index").read_bytes()) == before


def test_a_new_clock_is_a_minor_release_that_diff_tells_beforehand(released: Path) -> None:
    edit("2:00 AM UTC", "3:00 AM UTC")
    told = CliRunner().invoke(diff.command, [])
    assert told.output.splitlines()[0] == "customer_data 1.0.0 → 1.1.0 (minor)"
    assert "  R1.2: runs at 03:00 UTC, was 02:00 UTC (minor)" in told.output.splitlines()
    assert compiled()["tag"] == "customer_data/v1.1.0"
    assert git("log", "-1", "--format=%s") == "customer_data v1.1.0: R1.2: runs at 03:00 UTC, was 02:00 UTC"
    notes = Path("generated/customer_data/RELEASE_NOTES.md").read_text()
    assert notes.index("## 1.1.0") < notes.index("## 1.0.0")
    assert CliRunner().invoke(diff.command, []).output == "customer_data 1.1.0: nothing changes\n"


def test_a_branch_takes_the_commit_and_gets_no_tag(released: Path) -> None:
    default = git("symbolic-ref", "--short", "HEAD")
    before = git("rev-parse", default)
    edit("2:00 AM UTC", "3:00 AM UTC")
    found = compiled("--branch", "spec/three")
    assert (found["status"], found["tag"]) == ("written", None)
    assert git("rev-parse", "spec/three") == found["commit"]
    assert git("rev-parse", default) == before
    assert git("tag") == "customer_data/v1.0.0"


def test_a_hand_edited_file_is_named_and_never_overwritten_by_a_commit(released: Path) -> None:
    LOAD.write_text(LOAD.read_text() + "# mine\n")
    for command, exit_code in ((compile_command.command, 2), (verify.command, 3)):
        done = CliRunner().invoke(command, [])
        assert done.exit_code == exit_code
        assert f"hand-edited: {LOAD}" in done.stderr
    assert LOAD.read_text().endswith("# mine\n")


def test_check_names_missing_stale_and_orphaned_files_and_writes_nothing(released: Path) -> None:
    edit("2:00 AM UTC", "3:00 AM UTC")
    LOAD.unlink()
    Path("generated/customer_data/old.py").write_text("x = 1\n")
    status = git("status", "--porcelain")
    done = compile_("--check", "--json")
    assert done.exit_code == 3
    kinds = {one["path"]: one["kind"] for one in json.loads(done.stdout)["pipelines"][0]["differences"]}
    assert kinds[str(LOAD)] == "missing"
    assert kinds["generated/customer_data/old.py"] == "orphaned"
    assert kinds["generated/customer_data/ir.json"] == "stale"
    assert git("status", "--porcelain") == status


def test_check_of_a_current_package_is_exit_0(released: Path) -> None:
    done = CliRunner().invoke(verify.command, [])
    assert (done.exit_code, done.output) == (0, "customer_data v1.0.0: is what the requirements say\n")


def test_a_rejected_sentence_is_exit_1_and_leaves_no_trace(released: Path) -> None:
    edit("Runs nightly at 2:00 AM UTC", "Runs whenever the moon is full")
    status = git("status", "--porcelain")
    done = compile_()
    assert done.exit_code == 1
    assert "requirements/customer_data.md:" in done.stderr
    assert "Runs whenever the moon is full" in done.stderr
    assert git("status", "--porcelain") == status


def test_a_failing_hook_shows_its_output_and_the_next_compile_commits(released: Path) -> None:
    hook = released / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n")
    hook.chmod(0o755)
    edit("2:00 AM UTC", "3:00 AM UTC")
    done = compile_()
    assert done.exit_code == 1
    assert "not on a Friday" in done.stderr
    assert git("diff", "--cached", "--name-only") == ""
    hook.unlink()
    assert compiled()["tag"] == "customer_data/v1.1.0"
    assert git("status", "--porcelain") == ""


def test_on_a_detached_head_a_compile_is_refused_and_no_commit_works(released: Path) -> None:
    git("switch", "--quiet", "--detach")
    edit("2:00 AM UTC", "3:00 AM UTC")
    status = git("status", "--porcelain")
    done = compile_()
    assert done.exit_code == 2
    assert "HEAD is detached" in done.stderr
    assert "--no-commit" in done.stderr
    assert git("status", "--porcelain") == status
    found = compiled("--no-commit")
    assert (found["status"], found["version"], found["commit"]) == ("written", "1.1.0", None)


def test_without_an_identity_nothing_is_written(
    released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit("2:00 AM UTC", "3:00 AM UTC")
    status = git("status", "--porcelain")
    (tmp_path / "empty").touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "empty"))
    found = compiled()
    assert found["status"] == "refused"
    assert "user.email" in found["text"]
    assert git("status", "--porcelain") == status


def test_inside_a_git_hook_no_commit_is_made(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit("2:00 AM UTC", "3:00 AM UTC")
    monkeypatch.setenv("GIT_INDEX_FILE", str(released / ".git" / "next-index"))
    found = compiled()
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert found["status"] == "refused"
    assert "GIT_INDEX_FILE is set" in found["text"]
    assert git("status", "--porcelain") == f" M {SPEC}"


def test_outside_a_repository_no_commit_compiles(root: Path) -> None:
    shutil.rmtree(root / ".git")
    assert compile_().exit_code == 2
    assert not LOAD.exists()
    assert compiled("--no-commit")["version"] == "1.0.0"
    assert LOAD.exists()
    assert CliRunner().invoke(diff.command, []).output == "customer_data 1.0.0: nothing changes\n"


def test_a_merge_conflict_in_generated_is_resolved_by_compiling_without_a_commit(released: Path) -> None:
    default = git("symbolic-ref", "--short", "HEAD")
    edit("2:00 AM UTC", "3:00 AM UTC")
    compile_("--branch", "three")
    git("switch", "--quiet", default)
    edit("Customer Health from", "Customer Health and Opportunities from")
    compile_()
    merged = subprocess.run(["git", "merge", "--quiet", "three"], capture_output=True, text=True, check=False)
    assert merged.returncode != 0
    done = compile_()
    assert done.exit_code == 2
    assert "A merge is in progress" in done.stderr
    conflicted = git("diff", "--name-only", "--diff-filter=U").splitlines()
    assert any(name.startswith("generated/") for name in conflicted)
    if str(SPEC) in conflicted:
        git("checkout", "--ours", str(SPEC))
        edit("2:00 AM UTC", "3:00 AM UTC")
    done = compile_("--no-commit")
    assert done.exit_code == 0, done.output
    git("add", "--all")
    git("commit", "--quiet", "-m", "merge")
    assert compile_("--check").exit_code == 0
    ir = json.loads(Path("generated/customer_data/ir.json").read_text())
    assert ir["schedule"]["cron"] == "0 3 * * *"
    assert [one["name"] for one in ir["source"]["objects"]][-1] == "Opportunity"
