"""The project's git history: commit exactly the given files, tag releases, and refuse where that would be unsafe."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import git

WITHOUT_COMMIT = "Or use --no-commit: the files are written and you commit them yourself."

# Git sets these for its hooks, and obeys them before the folder that it is called in.
REDIRECTIONS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")

IN_PROGRESS = (
    ("MERGE_HEAD", "A merge", "Resolve it and run `git commit`, or `git merge --abort`."),
    ("rebase-merge", "A rebase", "Finish it with `git rebase --continue`, or `git rebase --abort`."),
    ("rebase-apply", "A rebase or `git am`", "Finish it with `--continue`, or give it up with `--abort`."),
    ("CHERRY_PICK_HEAD", "A cherry-pick", "Finish it with `git cherry-pick --continue`, or `--abort`."),
    ("REVERT_HEAD", "A revert", "Finish it with `git revert --continue`, or `git revert --abort`."),
)


class HistoryRefused(Exception):
    """Git cannot or must not record this now: what is the matter, and what to do."""

    exit_code = 2

    def __init__(self, message: str, help: str) -> None:
        self.message, self.help = message, help
        super().__init__(f"{message} {help}")


class NoRepository(HistoryRefused):
    """The project has no usable git repository."""


class RepositoryBusy(HistoryRefused):
    """HEAD is detached, or a merge, rebase, cherry-pick or revert is under way."""


class IdentityMissing(HistoryRefused):
    """Nobody has told git who commits; an invented identity would be worse than none."""


class CommitFailed(HistoryRefused):
    """Git, a hook or the signing program said no; the index is as it was."""

    exit_code = 1


class TagExists(HistoryRefused):
    """The release's tag already names another commit."""

    exit_code = 1


@dataclass(frozen=True)
class Repository:
    """A git repository with a work tree; every method raises HistoryRefused rather than improvise."""

    root: Path
    repo: git.Repo = field(repr=False)

    @classmethod
    def open(cls, root: Path) -> Repository:
        """The repository that holds this folder. Raises NoRepository."""
        if shutil.which("git") is None:
            raise NoRepository("The git program is not installed.", f"Install git. {WITHOUT_COMMIT}")
        import git

        try:
            repo = git.Repo(root, search_parent_directories=True)
        except (git.InvalidGitRepositoryError, git.NoSuchPathError):
            raise NoRepository(f"{root} is not in a git repository.", f"Run `git init`. {WITHOUT_COMMIT}") from None
        if repo.bare or repo.working_tree_dir is None:
            raise NoRepository(f"{root} is a bare repository.", f"Work in a clone of it. {WITHOUT_COMMIT}")
        opened = cls(Path(repo.working_tree_dir).resolve(), repo)
        opened._git("rev-parse", "--git-dir", refusal=NoRepository, what="Git does not open the repository")
        return opened

    def require_ready(self, *, branch: str | None = None) -> None:
        """Raise RepositoryBusy or IdentityMissing if a commit (onto `branch`, when given) must not be made now."""
        self._require_nothing_in_progress()
        _require_no_redirection()
        if branch is None and self.repo.head.is_detached:
            help = f"Run `git switch <branch>`, or name one with --branch. {WITHOUT_COMMIT}"
            raise RepositoryBusy("HEAD is detached: a commit here would belong to no branch.", help)
        self._require_identity()

    def current_branch(self) -> str | None:
        """The branch that HEAD is on, even before its first commit; None when detached."""
        return None if self.repo.head.is_detached else self.repo.head.reference.name

    @property
    def has_commits(self) -> bool:
        """Whether HEAD names a commit."""
        return self.repo.head.is_valid()

    def default_branch(self) -> str:
        """The remote's default branch, else init.defaultBranch, main or master if it exists, else the current one."""
        remotes = sorted((remote.name for remote in self.repo.remotes), key=lambda name: (name != "origin", name))
        for remote in remotes:
            target = self._ask("symbolic-ref", "--short", f"refs/remotes/{remote}/HEAD")
            if target:
                return target.removeprefix(f"{remote}/")
        known = {head.name for head in self.repo.heads}
        # A CI checkout has one local branch and often no refs/remotes/origin/HEAD.
        known |= {ref.remote_head for remote in self.repo.remotes for ref in remote.refs}
        candidates = (self._ask("config", "init.defaultBranch"), "main", "master", self.current_branch())
        return next((name for name in candidates if name in known), candidates[-1] or "main")

    def branch(self, name: str) -> None:
        """Switch to a branch, made here if there is none; local changes come along. Raises RepositoryBusy."""
        self._require_nothing_in_progress()
        if not self._ask("check-ref-format", "--branch", name):
            raise HistoryRefused(f"{name!r} is not a branch name that git accepts.", "Choose another --branch.")
        if name == self.current_branch():
            return
        exists = name in {head.name for head in self.repo.heads}
        arguments = ("switch", name) if exists else ("switch", "-c", name)
        self._git(*arguments, refusal=RepositoryBusy, what=f"Git does not switch to branch {name}")

    def commit(self, paths: Sequence[Path], message: str) -> str | None:
        """Commit these files or folders as they are on disk, deletions too; None when they equal HEAD.

        Whatever else is staged stays staged, hooks run and signing settings hold. Raises HistoryRefused;
        then the index is byte for byte as it was.
        """
        self.require_ready()
        specs = [f":(top,literal){self._relative(path)}" for path in paths]
        self._require_not_ignored(paths)
        with self._index_kept_on_failure() as index:
            changed = self._changed_after_announcing_new_files(specs)
            if not changed:
                index.restore()
                return None
            self._commit_only(changed, message)
        return self.repo.head.commit.hexsha

    def tag(self, name: str, message: str) -> str | None:
        """Put an annotated tag on HEAD; None off the default branch. Raises TagExists, never moves a tag."""
        if self.current_branch() != self.default_branch():
            return None
        existing = self._tagged(name)
        if existing == self.repo.head.commit.hexsha:
            return name
        if existing:
            raise _taken(name, existing)
        self._require_identity()
        with _message_file(message) as file:
            self._git(
                "-c", "user.useConfigOnly=true", "tag", "--annotate", "--cleanup=verbatim", "--file", file, name,
                refusal=CommitFailed, what=f"Git did not make tag {name}",
            )  # fmt: skip
        return name

    def require_untagged(self, name: str) -> None:
        """Raise TagExists if `tag` could not put this tag on the next commit; off the default branch it need not."""
        existing = self._tagged(name)
        if existing and self.current_branch() == self.default_branch():
            raise _taken(name, existing)

    def show(self, ref: str, path: Path) -> str | None:
        """A file's text at a commit, branch or tag; None when it is not there. Raises HistoryRefused on a bad ref."""
        if not self._ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"):
            raise HistoryRefused(f"{ref!r} is no commit, branch or tag here.", "See `git log` and `git tag`.")
        where = f"{ref}:{self._relative(path)}"
        if not self._ask("rev-parse", "--verify", "--quiet", where):
            return None
        return self._git("cat-file", "blob", where, strip=False)

    def _tagged(self, name: str) -> str:
        return self._ask("rev-parse", "--verify", "--quiet", f"refs/tags/{name}^{{commit}}")

    def _require_nothing_in_progress(self) -> None:
        for marker, what, help in IN_PROGRESS:
            if (Path(self.repo.git_dir) / marker).exists():
                raise RepositoryBusy(f"{what} is in progress.", f"{help} {WITHOUT_COMMIT}")
        if self._ask("ls-files", "--unmerged"):
            help = f"Resolve them and `git add` the files. {WITHOUT_COMMIT}"
            raise RepositoryBusy("The index holds unresolved conflicts.", help)

    def _require_identity(self) -> None:
        for variable in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            if not self._ask("-c", "user.useConfigOnly=true", "var", variable):
                help = '`git config user.name "…"` and `git config user.email "…"` say who. '
                raise IdentityMissing("Git does not know who commits.", help + WITHOUT_COMMIT)

    def _require_not_ignored(self, paths: Sequence[Path]) -> None:
        ignored = self._ask("check-ignore", "--", *(str(self.root / self._relative(path)) for path in paths))
        if ignored:
            names = ", ".join(Path(line).name for line in ignored.splitlines())
            raise HistoryRefused(f".gitignore hides {names}.", f"Take the rule out. {WITHOUT_COMMIT}")

    def _changed_after_announcing_new_files(self, specs: Sequence[str]) -> list[str]:
        new = self._names("ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", *specs)
        if new:
            self._git("add", "--intent-to-add", "--", *map(_literal, new), refusal=CommitFailed, what="Git cannot add")
        base = "HEAD" if self.repo.head.is_valid() else self._git("hash-object", "-t", "tree", "/dev/null")
        return self._names("diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", base, "--", *specs)

    def _commit_only(self, names: Sequence[str], message: str) -> None:
        with _message_file(message) as file:
            self._git(
                "-c", "user.useConfigOnly=true", "commit", "--quiet", "--cleanup=verbatim", "--only", "-F", file,
                "--", *map(_literal, names), refusal=CommitFailed, what="Git did not commit",
            )  # fmt: skip

    @contextmanager
    def _index_kept_on_failure(self) -> Iterator[_IndexCopy]:
        path = Path(self.repo.index.path)
        copy = _IndexCopy(path, path.read_bytes() if path.exists() else None)
        try:
            yield copy
        except BaseException:
            copy.restore()
            raise

    def _relative(self, path: Path) -> str:
        absolute = path if path.is_absolute() else self.root / path
        # The last name stays as it is: a symbolic link is itself what git records.
        place = absolute.parent.resolve() / absolute.name
        if not place.is_relative_to(self.root):
            raise HistoryRefused(
                f"{path} is outside the repository {self.root}.", "Keep the project in one repository."
            )
        return place.relative_to(self.root).as_posix()

    def _names(self, *arguments: str) -> list[str]:
        return [name for name in self._git(*arguments).split("\0") if name]

    def _ask(self, *arguments: str) -> str:
        """What git answers, empty when it says no."""
        status, output, _ = self._run(arguments)
        return output.strip() if status == 0 else ""

    def _git(
        self,
        *arguments: str,
        refusal: type[HistoryRefused] = HistoryRefused,
        what: str = "Git failed",
        strip: bool = True,
    ) -> str:
        status, output, errors = self._run(arguments)
        if status != 0:
            said = "\n".join(part for part in (output.strip(), errors.strip()) if part)
            raise refusal(f"{what}:\n{said}", f"Nothing was recorded. {WITHOUT_COMMIT}")
        return output.strip() if strip else output

    def _run(self, arguments: Sequence[str]) -> tuple[int, str, str]:
        result: Any = self.repo.git.execute(
            ["git", *arguments], with_extended_output=True, with_exceptions=False, strip_newline_in_stdout=False
        )
        status, output, errors = result
        return int(status), str(output), str(errors)


@dataclass(frozen=True)
class _IndexCopy:
    path: Path
    content: bytes | None

    def restore(self) -> None:
        if self.content is None:
            self.path.unlink(missing_ok=True)
        elif self.path.read_bytes() != self.content:
            draft = self.path.with_name("index.durable")
            draft.write_bytes(self.content)
            draft.replace(self.path)


def _require_no_redirection() -> None:
    for variable in REDIRECTIONS:
        if variable in os.environ:
            what = f"{variable} is set, as in a git hook: a commit could go to another repository or index."
            raise RepositoryBusy(what, f"Unset it, or compile outside the hook. {WITHOUT_COMMIT}")


def _taken(name: str, existing: str) -> TagExists:
    return TagExists(
        f"Tag {name} already exists, on commit {existing[:10]}.",
        f"A release is never moved. See `git show {name}`; if it is a leftover, run `git tag -d {name}`.",
    )


def _literal(name: str) -> str:
    return f":(top,literal){name}"


@contextmanager
def _message_file(message: str) -> Iterator[str]:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        file.write(message if message.endswith("\n") else message + "\n")
        file.flush()
        yield file.name
