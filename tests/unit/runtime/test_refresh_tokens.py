"""Where a rotated refresh token goes, and what is left when a process dies on the way."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from durable_runtime.credentials import Secret, given
from durable_runtime.errors import ConfigurationError, CredentialsRejected
from durable_runtime.salesforce.refresh_tokens import opened

OLD, NEW = "5Aep861-old-token", "5Aep861-new-token"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    file = folder / "refresh"
    file.touch(mode=0o600)
    file.write_text(OLD + "\n")
    return file


def secret(path: Path) -> Secret:
    return Secret(f"file:{path}", path.parent, "salesforce.refresh_token")


def names(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.iterdir())


def test_a_new_token_replaces_the_old_one_in_its_file_for_its_owner_alone(path: Path) -> None:
    with opened(secret(path)) as held:
        assert held.value == OLD
        held.replace(NEW)
        assert path.read_text() == NEW + "\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(path) == ["refresh"]
    with opened(secret(path)) as again:
        assert again.value == NEW


def test_a_token_that_is_not_replaced_leaves_nothing_behind(path: Path) -> None:
    with opened(secret(path)):
        pass
    assert (names(path), path.read_text()) == (["refresh"], OLD + "\n")


def test_a_link_to_the_token_stays_a_link(path: Path) -> None:
    link = path.parent.parent / "link"
    link.symlink_to(path)
    with opened(secret(link)) as held:
        held.replace(NEW)
    assert link.is_symlink()
    assert path.read_text() == NEW + "\n"


def test_a_draft_that_a_killed_process_completed_is_the_token(path: Path) -> None:
    draft = path.parent / ".refresh.new"
    draft.touch(mode=0o600)
    draft.write_text(NEW + "\n")
    with opened(secret(path)) as held:
        assert held.value == NEW
    assert (names(path), path.read_text()) == (["refresh"], NEW + "\n")


def test_a_draft_is_the_token_where_its_file_is_gone(path: Path) -> None:
    path.rename(path.parent / ".refresh.new")
    with opened(secret(path)) as held:
        assert held.value == OLD
    assert names(path) == ["refresh"]


@pytest.mark.parametrize("left", ["", "5Aep861-new-tok"])
def test_a_draft_that_was_not_completed_is_dropped(path: Path, left: str) -> None:
    draft = path.parent / ".refresh.new"
    draft.touch(mode=0o600)
    draft.write_text(left)
    with opened(secret(path)) as held:
        assert held.value == OLD
    assert names(path) == ["refresh"]


def test_a_token_that_a_person_wrote_later_wins_over_a_draft(path: Path) -> None:
    draft = path.parent / ".refresh.new"
    draft.touch(mode=0o600)
    draft.write_text(NEW + "\n")
    os.utime(draft, (1_000_000_000, 1_000_000_000))
    with opened(secret(path)) as held:
        assert held.value == OLD


def test_a_rotation_that_cannot_be_stored_is_fatal_and_says_so() -> None:
    with opened(given(OLD, "sandbox.refresh_token")) as held, pytest.raises(CredentialsRejected) as caught:
        held.replace(NEW)
    assert caught.value.exit_code == 7
    assert "cannot be stored" in caught.value.message
    assert 'refresh_token = "file:PATH"' in caught.value.help
    assert NEW not in str(caught.value)


def test_a_place_where_no_draft_can_be_made_is_fatal_only_when_the_token_rotates(path: Path) -> None:
    (path.parent / ".refresh.new").mkdir()
    with opened(secret(path)) as held:
        assert held.value == OLD
        with pytest.raises(CredentialsRejected, match="cannot be stored"):
            held.replace(NEW)
    assert path.read_text() == OLD + "\n"


def test_a_file_that_cannot_be_replaced_is_written_in_place(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(os, "replace", busy)
    inode = path.stat().st_ino
    with opened(secret(path)) as held:
        held.replace(NEW)
    assert (path.read_text(), path.stat().st_ino, path.stat().st_mode & 0o777) == (NEW + "\n", inode, 0o600)
    assert names(path) == ["refresh"]


def test_a_missing_token_names_its_setting(tmp_path: Path) -> None:
    for place in (tmp_path / "none", tmp_path / "nowhere" / "none"):
        with pytest.raises(ConfigurationError, match=r"salesforce\.refresh_token"), opened(secret(place)):
            pass


def test_a_second_process_waits_and_then_sees_the_new_token(path: Path) -> None:
    seen: list[str] = []

    def other() -> None:
        with opened(secret(path)) as late:
            seen.append(late.value)

    thread = threading.Thread(target=other)
    with opened(secret(path)) as held:
        thread.start()
        thread.join(0.05)
        assert seen == []
        held.replace(NEW)
    thread.join(10)
    assert seen == [NEW]
