"""`durable fmt`: one form, the same meaning."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from durable_compiler.cli.fmt import command
from durable_compiler.diagnostics import Fix
from durable_compiler.fixes import applied, next_free, numbered
from durable_compiler.formatting import WIDTH, formatted, meaning
from durable_compiler.requirements import parse

CASES = Path(__file__).parents[2] / "cases" / "language"
SCHEMA = CASES / "salesforce.schema.json"
EXAMPLE = Path(__file__).parents[3] / "requirements" / "customer_data.md"

PIECES = st.sampled_from(
    [
        "- R1.1 Syncs  Accounts", "* R1.2   Runs hourly", "R1.3 Skips soft-deleted records", "1. R1.4 x",
        "  - R2.1 nested",
        "  and  more words", "wrapped on", "", "", "# Heading", "> quote", "| a | b |", "```", "- R9.9 in code?", "~~~",
        "- no ID here", "- R1", "- r1.5 lower", "R1.6: colon", "~~R1.7 old~~", "- ~~R1.8  old", "  still old~~",
        "- R1.9 gone (retired)", "<!-- a comment", "ends -->", "\tindented", "    deep", "prose  with spaces  ",
        "- R3.1 " + "word " * 40, "- R3.2 " + "- R1.1 # > | 1. " * 12, "- R3.3 Cafe\u0301", "- R3.4", "---", "***",
        "- R3.5 " + "x" * 150, "- R3.6 a\u00a0b\u2028c", "- R3.7 `code  span`  and \"two  spaces\"",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=14).map("\n".join)


def said(text: str) -> object:
    live, wrong = parse(text, "")
    return [(one.id, one.text) for one in live], sorted((one.code, one.requirement or "") for one in wrong)


@given(TEXTS, st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_formatted_text_says_the_same_and_formatting_it_again_changes_nothing(text: str, end: str) -> None:
    once = formatted(text.replace("\n", end)).text
    assert said(once) == said(text)
    assert formatted(once).text == once
    assert once == "" or (once.endswith("\n") and not once.endswith("\n\n"))


@given(st.text(alphabet="R12.- \n#`~*>|<!x\t\r\u0301e", max_size=60))
def test_any_text_formats_to_the_same_requirements_or_is_refused_by_its_own_proof(text: str) -> None:
    once = formatted(text).text
    assert said(once) == said(text)
    assert formatted(once).text == once


def test_an_item_has_one_form() -> None:
    text = "*   R1.1   Syncs\tAccounts \n   and  Contacts\nR1.2 Runs hourly\n2) R1.3 Cafe\u0301\n\n\n"
    assert formatted(text).text == "- R1.1 Syncs Accounts and Contacts\n- R1.2 Runs hourly\n- R1.3 Caf\u00e9\n"


def test_prose_tables_code_and_comments_keep_every_character() -> None:
    text = "# T  \n\nProse  e\u0301  \n\n| a |  b |\n```\n- R1.1   code\n```\n<!-- R1.1   x -->\n\n- R1.1 Runs hourly\n"
    assert formatted(text).text == text


def test_a_long_requirement_is_wrapped_under_itself() -> None:
    words = "word " * 60
    result = formatted(f"- R1.1 {words}\n").text
    assert max(len(line) for line in result.split("\n")) <= WIDTH
    assert result.split("\n")[1].startswith("  word")
    assert said(result) == said(f"- R1.1 {words}\n")


def test_no_wrapped_line_begins_like_something_else() -> None:
    result = formatted("- R1.1 " + "aaaa R1.2 - # " * 30 + "\n").text
    assert not any(line.lstrip().startswith(("R1.2", "- #", "#")) for line in result.split("\n")[1:])
    assert len(parse(result, "")[0]) == 1


def test_a_nested_item_stays_nested_and_a_retired_one_retired() -> None:
    text = "- R1.1 Runs hourly\n  * R1.2   Skips  soft-deleted records\n- ~~R1.3  Old~~\n- R1.4 Older  (retired)\n"
    assert formatted(text).text == (
        "- R1.1 Runs hourly\n  - R1.2 Skips soft-deleted records\n- ~~R1.3 Old~~\n- R1.4 Older (retired)\n"
    )


def test_an_item_that_is_wrong_stays_as_it_is() -> None:
    text = "- R1.1 Runs hourly\n*   without an  ID\n*   r1.2  lower\n"
    assert formatted(text).text == text


@pytest.mark.parametrize("path", sorted((CASES / "rejected").glob("*.md")), ids=lambda path: path.stem)
def test_a_rejected_file_has_the_same_diagnostics_in_normal_form(path: Path) -> None:
    text = path.read_text()
    assert meaning(path, text, SCHEMA) == meaning(path, formatted(text).text, SCHEMA)


def test_the_example_is_in_normal_form() -> None:
    assert formatted(EXAMPLE.read_text()).text == EXAMPLE.read_text()


# --- numbers ----------------------------------------------------------------------------------------------------


def test_items_under_a_numbered_heading_get_the_next_free_number() -> None:
    text = "## R3 Clock\n- Runs hourly\n- R3.2 Skips records\n- ~~R3.7 Old~~\n- Syncs Accounts\n## Other\n- x\n"
    result = formatted(text, number=True)
    assert result.given == ("R3.8", "R3.9")
    assert "- R3.8 Runs hourly\n" in result.text and "- R3.9 Syncs Accounts\n" in result.text
    assert "- x\n" in result.text


def test_a_number_that_the_lock_or_the_package_knows_is_not_given_again() -> None:
    assert formatted("## R3\n- Runs hourly\n", number=True, used={"R3.4", "R4.9"}).given == ("R3.5",)
    assert next_free(3, {"R3.1.7", "R3.12", "R31.99"}) == "R3.13"


def test_only_list_items_directly_under_such_a_heading_are_numbered() -> None:
    assert numbered("- a\n## R2 x\nprose\n- b\n### Details\n- c\n## R3.1 no\n- d\n") == {4: "R2.1"}


# --- fixes ------------------------------------------------------------------------------------------------------


def test_fixes_are_applied_from_the_end_and_an_overlapping_one_is_left_out() -> None:
    text = "abc def\nghi"
    assert applied(text, [Fix(1, 1, 1, 4, "X"), Fix(2, 1, 2, 1, "> "), Fix(1, 5, 1, 8, "")]) == "X \n> ghi"
    assert applied(text, [Fix(1, 1, 1, 6, "X"), Fix(1, 5, 1, 8, "Y")]) == "abc Y\nghi"


# --- the command ------------------------------------------------------------------------------------------------


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose file is not in its normal form."""
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "salesforce.schema.json").write_bytes(SCHEMA.read_bytes())
    path = folder / "crm.md"
    path.write_text("## R1 Scope\n* R1.1   Syncs Accounts\n  from Salesforce\n")
    monkeypatch.chdir(tmp_path)
    return path


def fmt(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def test_fmt_writes_the_normal_form_and_keeps_the_mode(spec: Path) -> None:
    spec.chmod(0o640)
    assert fmt().exit_code == 0
    assert spec.read_text() == "## R1 Scope\n- R1.1 Syncs Accounts from Salesforce\n"
    assert stat.S_IMODE(spec.stat().st_mode) == 0o640
    assert [path.name for path in spec.parent.iterdir() if path.name.startswith(".")] == []
    assert fmt("--check").exit_code == 0


def test_fmt_follows_a_link_and_leaves_it_a_link(spec: Path) -> None:
    real = spec.parent.parent / "real.md"
    os.rename(spec, real)
    spec.symlink_to(real)
    assert fmt().exit_code == 0
    assert spec.is_symlink()
    assert real.read_text().startswith("## R1 Scope\n- R1.1 Syncs")


def test_fmt_check_and_diff_write_nothing(spec: Path) -> None:
    before = spec.read_bytes()
    checked = fmt("crm", "--check")
    assert checked.exit_code == 3
    assert "requirements/crm.md: is not in its normal form" in checked.stderr
    shown = fmt("crm", "--diff")
    assert "+- R1.1 Syncs Accounts from Salesforce" in shown.stdout
    assert spec.read_bytes() == before


def test_fmt_turns_other_line_ends_and_a_byte_order_mark_into_the_normal_form(spec: Path) -> None:
    spec.write_bytes(b"\xef\xbb\xbf- R1.1 Syncs Accounts from Salesforce\r\n- R1.2 Runs hourly\r\n")
    assert fmt("--check").exit_code == 3
    assert fmt().exit_code == 0
    assert spec.read_bytes() == b"- R1.1 Syncs Accounts from Salesforce\n- R1.2 Runs hourly\n"


def test_fmt_fix_and_number_repair_what_is_surely_meant(spec: Path) -> None:
    spec.write_text(
        "## R1 Scope\n- R1.1 Syncs Acounts from Salesforce\n- r1.2: Runs hourly\n- Skips soft-deleted records\n"
    )
    done = fmt("--fix", "--number")
    assert done.exit_code == 0, done.stderr
    assert spec.read_text() == (
        "## R1 Scope\n- R1.1 Syncs Accounts from Salesforce\n- R1.2 Runs hourly\n- R1.3 Skips soft-deleted records\n"
    )


def test_fmt_fix_tells_what_is_left_and_fails(spec: Path) -> None:
    spec.write_text("- R1.1 Syncs Acounts from Salesforce\n- R1.2 Makes the dashboards pretty\n")
    done = fmt("--fix")
    assert done.exit_code == 1
    assert "error[DUR020]" in done.stderr and "DUR030" not in done.stderr
    assert "Syncs Accounts from Salesforce" in spec.read_text()


def test_fmt_number_asks_the_lock_for_numbers_that_are_gone_from_the_file(spec: Path) -> None:
    spec.with_suffix(".lock.json").write_text('{"lock_version": 1, "requirements": [{"id": "R1.6"}]}')
    spec.write_text("## R1 Scope\n- Syncs Accounts from Salesforce\n")
    fmt("--number")
    assert spec.read_text() == "## R1 Scope\n- R1.7 Syncs Accounts from Salesforce\n"


def test_fmt_refuses_a_file_that_is_not_utf_8(spec: Path) -> None:
    spec.write_bytes(b"- R1.1 Caf\xe9\n")
    done = fmt()
    assert done.exit_code == 2
    assert "UTF-8" in done.stderr
