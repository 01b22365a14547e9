"""Committing into real git repositories: nothing else is touched, hooks and signing hold, unsafe states are refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from durable_compiler.history import (
    CommitFailed,
    HistoryRefused,
    IdentityMissing,
    NoRepository,
    Repository,
    RepositoryBusy,
    TagExists,
)

GENERATED = Path("generated/customer_data")


@pytest.fixture(autouse=True)
def git_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[user]\n name = Ada\n email = ada@example.com\n[init]\n defaultBranch = main\n[commit]\n gpgsign = false\n"
    )
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return settings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / GENERATED).mkdir(parents=True)
    git(root.parent, "init", "--quiet", str(root))
    write(root, "README.md", "one\n")
    write(root, GENERATED / "load.py", "old\n")
    write(root, GENERATED / "gone.py", "gone\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "start")
    return root


def git(where: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=where, check=True, capture_output=True, text=True)
    return done.stdout.strip("\n")


def write(root: Path, path: str | Path, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def regenerate(root: Path) -> None:
    write(root, GENERATED / "load.py", "new\n")
    write(root, GENERATED / "extract.py", "extract\n")
    (root / GENERATED / "gone.py").unlink()


def hook(root: Path, name: str, script: str) -> None:
    write(root, f".git/hooks/{name}", "#!/bin/sh\n" + script)
    (root / f".git/hooks/{name}").chmod(0o755)


def test_a_commit_holds_exactly_the_given_paths_with_new_and_deleted_files(root: Path) -> None:
    regenerate(root)
    write(root, "README.md", "edited\n")
    sha = Repository.open(root).commit([GENERATED], "customer_data v1.0.0: first\n\n# not a comment\n")
    assert sha == git(root, "rev-parse", "HEAD")
    changed = git(root, "show", "--name-status", "--no-renames", "--format=", "HEAD").splitlines()
    assert changed == [f"A\t{GENERATED}/extract.py", f"D\t{GENERATED}/gone.py", f"M\t{GENERATED}/load.py"]
    assert git(root, "log", "-1", "--format=%B").strip().endswith("# not a comment")
    assert git(root, "status", "--porcelain") == " M README.md"


def test_what_the_user_staged_partly_staged_or_left_untracked_stays_as_it_was(root: Path) -> None:
    write(root, "partly.md", "base\n")
    git(root, "add", "partly.md")
    git(root, "commit", "--quiet", "-m", "partly")
    write(root, "partly.md", "staged\n")
    write(root, "staged.md", "staged\n")
    git(root, "add", "partly.md", "staged.md")
    git(root, "rm", "--quiet", "--cached", "README.md")
    write(root, "partly.md", "staged\nand more\n")
    write(root, "untracked.md", "mine\n")
    staged, status = git(root, "diff", "--cached"), git(root, "status", "--porcelain")
    regenerate(root)
    Repository.open(root).commit([GENERATED], "release")
    assert git(root, "diff", "--cached") == staged
    assert git(root, "status", "--porcelain") == status
    assert (root / "untracked.md").read_text() == "mine\n"


def test_files_equal_to_head_make_no_commit(root: Path) -> None:
    before = (root / ".git/index").read_bytes()
    assert Repository.open(root).commit([GENERATED], "nothing") is None
    assert git(root, "rev-list", "--count", "HEAD") == "1"
    assert (root / ".git/index").read_bytes() == before


def test_the_first_commit_of_a_repository_works(tmp_path: Path) -> None:
    root = tmp_path / "fresh"
    git(tmp_path, "init", "--quiet", str(root))
    write(root, "requirements/customer_data.md", "text\n")
    write(root, "other.md", "other\n")
    git(root, "add", "other.md")
    repository = Repository.open(root)
    assert repository.default_branch() == "main"
    sha = repository.commit([root / "requirements/customer_data.md"], "first")
    assert git(root, "ls-tree", "-r", "--name-only", str(sha)) == "requirements/customer_data.md"
    assert git(root, "status", "--porcelain") == "A  other.md"


def test_a_failing_hook_is_shown_and_leaves_index_and_files_alone(root: Path) -> None:
    hook(root, "pre-commit", "echo 'lint: load.py is wrong' >&2\nexit 1\n")
    write(root, "README.md", "staged\n")
    git(root, "add", "README.md")
    regenerate(root)
    status = git(root, "status", "--porcelain")
    before = (root / ".git/index").read_bytes()
    with pytest.raises(CommitFailed, match=r"lint: load\.py is wrong"):
        Repository.open(root).commit([GENERATED], "release")
    assert (root / ".git/index").read_bytes() == before
    assert git(root, "status", "--porcelain") == status
    assert (root / GENERATED / "extract.py").read_text() == "extract\n"


def test_hooks_run_on_a_commit(root: Path) -> None:
    hook(root, "pre-commit", "git diff --cached --name-only > hook.log\n")
    hook(root, "commit-msg", "echo 'Checked-by: hook' >> \"$1\"\n")
    regenerate(root)
    Repository.open(root).commit([GENERATED], "release")
    seen = (root / "hook.log").read_text().split()
    assert seen == [f"{GENERATED}/extract.py", f"{GENERATED}/gone.py", f"{GENERATED}/load.py"]
    assert git(root, "log", "-1", "--format=%B").rstrip().endswith("Checked-by: hook")


def test_commits_and_tags_are_signed_when_git_is_set_to_sign(root: Path, tmp_path: Path, git_settings: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    signers = tmp_path / "signers"
    signers.write_text("ada@example.com " + key.with_suffix(".pub").read_text())
    with git_settings.open("a") as file:
        file.write(f'[gpg]\n format = ssh\n[gpg "ssh"]\n allowedSignersFile = {signers}\n[user]\n signingkey = {key}\n')
        file.write("[commit]\n gpgsign = true\n[tag]\n gpgsign = true\n")
    regenerate(root)
    repository = Repository.open(root)
    repository.commit([GENERATED], "signed")
    repository.tag("customer_data/v1.0.0", "signed tag")
    assert git(root, "log", "-1", "--format=%G?") == "G"
    assert git(root, "tag", "--verify", "customer_data/v1.0.0").startswith("object ")


def test_a_failing_signature_makes_no_commit(root: Path, git_settings: Path) -> None:
    with git_settings.open("a") as file:
        file.write("[gpg]\n format = ssh\n[user]\n signingkey = missing-key\n[commit]\n gpgsign = true\n")
    regenerate(root)
    status = git(root, "status", "--porcelain")
    with pytest.raises(CommitFailed, match="missing-key"):
        Repository.open(root).commit([GENERATED], "release")
    assert git(root, "rev-list", "--count", "HEAD") == "1"
    assert git(root, "status", "--porcelain") == status


def test_an_identity_is_never_invented(root: Path, git_settings: Path) -> None:
    git_settings.write_text("")
    regenerate(root)
    with pytest.raises(IdentityMissing, match=r"user\.name"):
        Repository.open(root).commit([GENERATED], "release")
    assert git(root, "rev-list", "--count", "HEAD") == "1"


def test_a_detached_head_is_refused_unless_a_branch_is_named(root: Path) -> None:
    git(root, "switch", "--quiet", "--detach")
    regenerate(root)
    repository = Repository.open(root)
    with pytest.raises(RepositoryBusy, match="--no-commit"):
        repository.commit([GENERATED], "release")
    repository.require_ready(branch="next")
    repository.branch("next")
    assert repository.commit([GENERATED], "release") == git(root, "rev-parse", "next")


def _conflict(root: Path) -> None:
    git(root, "switch", "--quiet", "-c", "side")
    write(root, "README.md", "side\n")
    git(root, "commit", "--quiet", "-am", "side")
    git(root, "switch", "--quiet", "main")
    write(root, "README.md", "main\n")
    git(root, "commit", "--quiet", "-am", "main")


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("merge", "side"), "merge"),
        (("rebase", "side"), "rebase"),
        (("cherry-pick", "side"), "cherry-pick"),
        (("revert", "HEAD~1"), "revert"),
    ],
)
def test_nothing_is_committed_in_the_middle_of(root: Path, command: tuple[str, ...], what: str) -> None:
    _conflict(root)
    if what == "revert":
        write(root, "README.md", "later\n")
        git(root, "commit", "--quiet", "-am", "later")
    assert subprocess.run(["git", *command], cwd=root, capture_output=True, check=False).returncode != 0
    regenerate(root)
    repository = Repository.open(root)
    with pytest.raises(RepositoryBusy, match=f"(?i){what} is in progress.*--no-commit"):
        repository.commit([GENERATED], "release")
    with pytest.raises(RepositoryBusy):
        repository.branch("elsewhere")


def test_no_repository_and_a_bare_one_are_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(NoRepository, match="git init"):
        Repository.open(tmp_path / "plain")
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    with pytest.raises(NoRepository, match="bare"):
        Repository.open(tmp_path / "bare.git")


def test_an_ignored_path_and_one_outside_the_repository_are_refused(root: Path, tmp_path: Path) -> None:
    write(root, ".gitignore", "generated/\n")
    write(root, "generated/other/new.py", "x\n")
    with pytest.raises(HistoryRefused, match=r"\.gitignore hides other"):
        Repository.open(root).commit([Path("generated/other")], "release")
    write(tmp_path, "elsewhere.md", "x\n")
    with pytest.raises(HistoryRefused, match="outside the repository"):
        Repository.open(root).commit([tmp_path / "elsewhere.md"], "release")


def test_caches_beside_the_package_are_left_out_and_odd_names_are_literal(root: Path) -> None:
    write(root, ".gitignore", "__pycache__/\n")
    write(root, GENERATED / "__pycache__/x.pyc", "x\n")
    write(root, GENERATED / "a [1]*é.md", "x\n")
    write(root, "a 1.md", "mine\n")
    sha = Repository.open(root).commit([GENERATED], "release")
    assert git(root, "-c", "core.quotePath=false", "show", "--name-only", "--format=", str(sha)).splitlines() == [
        f"{GENERATED}/a [1]*é.md"
    ]


def test_a_release_is_tagged_with_an_annotation_on_the_default_branch_only(root: Path) -> None:
    repository = Repository.open(root)
    git(root, "switch", "--quiet", "-c", "feature")
    assert repository.tag("customer_data/v1.0.0", "notes") is None
    assert git(root, "tag") == ""
    git(root, "switch", "--quiet", "main")
    assert repository.tag("customer_data/v1.0.0", "notes\n# kept\n") == "customer_data/v1.0.0"
    assert git(root, "cat-file", "-t", "customer_data/v1.0.0") == "tag"
    assert git(root, "tag", "-l", "--format=%(contents)").strip() == "notes\n# kept"


def test_a_tag_is_never_moved(root: Path) -> None:
    repository = Repository.open(root)
    repository.tag("customer_data/v1.0.0", "notes")
    assert repository.tag("customer_data/v1.0.0", "notes") == "customer_data/v1.0.0"
    before = git(root, "rev-parse", "customer_data/v1.0.0")
    with pytest.raises(TagExists):
        repository.require_untagged("customer_data/v1.0.0")
    repository.require_untagged("customer_data/v1.0.1")
    regenerate(root)
    repository.commit([GENERATED], "release")
    with pytest.raises(TagExists, match=r"customer_data/v1\.0\.0 already exists"):
        repository.tag("customer_data/v1.0.0", "again")
    assert git(root, "rev-parse", "customer_data/v1.0.0") == before


def test_the_default_branch_is_the_remotes_before_any_local_guess(root: Path, tmp_path: Path) -> None:
    git(root, "branch", "trunk")
    assert Repository.open(root).default_branch() == "main"
    git(root, "switch", "--quiet", "trunk")
    git(tmp_path, "clone", "--quiet", str(root), "clone")
    assert Repository.open(tmp_path / "clone").default_branch() == "trunk"


def test_a_checkout_of_a_feature_branch_alone_knows_the_default_branch(root: Path, tmp_path: Path) -> None:
    git(root, "branch", "feature")
    git(tmp_path, "clone", "--quiet", "--branch", "feature", str(root), "ci")
    git(tmp_path / "ci", "remote", "set-head", "origin", "--delete")
    repository = Repository.open(tmp_path / "ci")
    assert (repository.current_branch(), repository.default_branch()) == ("feature", "main")
    assert repository.tag("customer_data/v1.0.0", "notes") is None


def test_an_index_that_another_git_holds_is_refused_and_stays(root: Path) -> None:
    regenerate(root)
    before = (root / ".git/index").read_bytes()
    (root / ".git/index.lock").touch()
    with pytest.raises(CommitFailed, match=r"index\.lock"):
        Repository.open(root).commit([GENERATED], "release")
    assert (root / ".git/index").read_bytes() == before
    assert git(root, "rev-list", "--count", "HEAD") == "1"


def test_unresolved_conflicts_without_a_merge_are_refused(root: Path) -> None:
    write(root, "README.md", "stashed\n")
    git(root, "stash", "--quiet")
    write(root, "README.md", "committed\n")
    git(root, "commit", "--quiet", "-am", "other")
    assert subprocess.run(["git", "stash", "pop"], cwd=root, capture_output=True, check=False).returncode == 1
    with pytest.raises(RepositoryBusy, match="unresolved conflicts"):
        Repository.open(root).commit([GENERATED], "release")


def test_a_branch_is_made_once_and_switched_to_with_local_changes(root: Path) -> None:
    regenerate(root)
    repository = Repository.open(root)
    repository.branch("spec/new")
    repository.commit([GENERATED], "release")
    repository.branch("main")
    repository.branch("spec/new")
    assert repository.current_branch() == "spec/new"
    with pytest.raises(HistoryRefused, match="not a branch name"):
        repository.branch("bad..name")


def test_a_project_in_a_subfolder_and_in_a_linked_worktree_commits_too(root: Path, tmp_path: Path) -> None:
    write(root, "sub/requirements/a.md", "x\n")
    sha = Repository.open(root / "sub").commit([root / "sub/requirements/a.md"], "sub")
    assert git(root, "show", "--name-only", "--format=", str(sha)) == "sub/requirements/a.md"
    git(root, "worktree", "add", "--quiet", "-b", "linked", str(tmp_path / "linked"))
    write(tmp_path / "linked", GENERATED / "load.py", "linked\n")
    assert Repository.open(tmp_path / "linked").commit([GENERATED], "linked") == git(root, "rev-parse", "linked")
    assert git(root, "rev-parse", "main") == sha


def test_a_file_is_read_as_it_was_committed(root: Path) -> None:
    regenerate(root)
    repository = Repository.open(root)
    assert repository.show("HEAD", GENERATED / "load.py") == "old\n"
    assert repository.show("HEAD", GENERATED / "extract.py") is None
    with pytest.raises(HistoryRefused, match="no commit, branch or tag"):
        repository.show("nowhere", GENERATED / "load.py")
