"""Diagnostics for terminals, SARIF readers and GitHub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from durable_compiler.cli.compile import command as compile_command
from durable_compiler.cli.explain import command as explain_command
from durable_compiler.cli.fmt import command as fmt_command
from durable_compiler.diagnostics import CODES, Diagnostic, Fix
from durable_compiler.renderings import as_github, as_sarif, as_text

SCHEMA = Path(__file__).parents[2] / "cases" / "language" / "salesforce.schema.json"


def at(line: int, column: int, end_line: int, end_column: int, fix: Fix | None = None) -> Diagnostic:
    return Diagnostic("DUR020", "error", "m", None, "f.md", line, column, end_line, end_column, "", fix=fix)


def shown(one: Diagnostic, source: str) -> list[str]:
    return as_text(one, source).split("\n")[2:-1]


def test_carets_stand_under_the_span() -> None:
    assert shown(at(1, 8, 1, 12), "- R1.1 Runs hourly") == ["  |", "1 | - R1.1 Runs hourly", "  |        ^^^^"]


def test_a_wide_character_takes_two_carets_and_a_combining_one_none() -> None:
    assert shown(at(1, 3, 1, 5), "漢 字字x")[1:] == ["1 | 漢 字字x", "  |    ^^^^"]
    assert shown(at(1, 3, 1, 4), "e\u0301xy")[1:] == ["1 | e\u0301xy", "  |  ^"]


def test_a_tab_is_shown_as_the_spaces_up_to_the_next_stop() -> None:
    assert shown(at(1, 2, 1, 3), "\tx\ty")[1:] == ["1 |     x   y", "  |     ^"]
    assert shown(at(1, 4, 1, 5), "a\t\tx")[1:] == ["1 | a       x", "  |         ^"]


def test_a_span_over_lines_is_underlined_on_each() -> None:
    source = "- R1.1 Makes the\n  dashboards\n  pretty, please"
    assert shown(at(1, 14, 3, 9), source) == [
        "  |",
        "1 | - R1.1 Makes the",
        "  |              ^^^",
        "2 |   dashboards",
        "  |   ^^^^^^^^^^",
        "3 |   pretty, please",
        "  |   ^^^^^^",
    ]


def test_of_a_long_span_the_first_lines_and_the_last_are_shown() -> None:
    rows = shown(at(1, 1, 9, 2), "\n".join("abcdefghi"))
    assert [row for row in rows if "^" not in row] == ["  |", "1 | a", "2 | b", "3 | c", "  | ...", "9 | i"]


def test_a_long_line_is_cut_around_the_span() -> None:
    source = "a" * 400 + "HERE" + "b" * 400
    _, row, carets = shown(at(1, 401, 1, 405), source)
    assert len(row) < 140
    assert row[carets.index("^") : carets.rindex("^") + 1] == "HERE"
    assert row[4] == "…" and row[-1] == "…"


def test_no_character_of_a_requirement_reaches_the_terminal_as_a_command() -> None:
    text = as_text(at(1, 1, 1, 4), "\x1b[31mred\u202e\u200b\x07")
    assert not any(one in text for one in "\x1b\u202e\u200b\x07")


def test_a_position_outside_the_file_shows_no_lines() -> None:
    assert as_text(at(7, 1, 7, 2), "one line").split("\n")[1] == " --> f.md:7:1"
    assert shown(at(7, 1, 7, 2), "one line") == []


def test_an_annotation_escapes_what_github_reads_as_syntax() -> None:
    one = Diagnostic("DUR020", "warning", "100%\r\nof it", "R1.1", "a,b:c.md", 3, 4, 3, 9, "Write: it")
    assert as_github([one]) == (
        "::warning file=a%2Cb%3Ac.md,line=3,col=4,endLine=3,endColumn=9,title=DUR020::"
        "R1.1: 100%25%0D%0Aof it%0Ahelp: Write: it%0Aexplain: durable explain DUR020\n"
    )


def test_sarif_has_rules_regions_and_fixes() -> None:
    fix = Fix(2, 3, 2, 6, "new")
    log = as_sarif([at(2, 3, 2, 6, fix), at(9, 1, 9, 2)], {"DUR020": "A page."}, "1.2.3")
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    (rule,) = run["tool"]["driver"]["rules"]
    assert (rule["id"], rule["shortDescription"]["text"], rule["help"]["text"]) == (
        "DUR020", CODES["DUR020"], "A page.",
    )  # fmt: skip
    first, second = run["results"]
    region = {"startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 6}
    place = first["locations"][0]["physicalLocation"]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("DUR020", 0, "error")
    assert place == {"artifactLocation": {"uri": "f.md"}, "region": region}
    (change,) = first["fixes"][0]["artifactChanges"]
    assert change["replacements"] == [{"deletedRegion": region, "insertedContent": {"text": "new"}}]
    assert "fixes" not in second


# --- commands ---------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two pipelines with an error each."""
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "salesforce.schema.json").write_bytes(SCHEMA.read_bytes())
    (folder / "one.md").write_text("- R1.1 Syncs Acounts from Salesforce\n- R1.2 Contact Emial is required\n")
    (folder / "two.md").write_text("* R1.1 Makes the dashboards pretty\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_compile_gives_all_errors_of_all_files_in_one_document(project: Path) -> None:
    done = CliRunner().invoke(compile_command, ["--no-commit", "--format", "sarif"])
    assert done.exit_code == 1
    results = json.loads(done.stdout)["runs"][0]["results"]
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in results]
    assert places == ["requirements/one.md", "requirements/one.md", "requirements/two.md"]
    assert [one["ruleId"] for one in results][:2] == ["DUR030", "DUR031"]


def test_explain_and_compile_annotate_pull_requests(project: Path) -> None:
    for done in (
        CliRunner().invoke(compile_command, ["one", "--no-commit", "--format", "github"]),
        CliRunner().invoke(explain_command, ["one", "--format", "github"]),
    ):
        assert done.exit_code == 1
        assert done.stdout.startswith("::error file=requirements/one.md,line=1,col=14,endLine=1,endColumn=21,")
        assert done.stdout.count("::error ") == 2


def test_fmt_check_reports_form_and_errors_in_every_format(project: Path) -> None:
    done = CliRunner().invoke(fmt_command, ["--check", "--format", "json"])
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert told["files"] == [
        {"file": "requirements/one.md", "changed": False},
        {"file": "requirements/two.md", "changed": True},
    ]
    assert [one["code"] for one in told["diagnostics"]] == ["DUR090", "DUR030", "DUR031", "DUR020"]
    sarif = CliRunner().invoke(fmt_command, ["--check", "--format", "sarif"])
    assert [one["level"] for one in json.loads(sarif.stdout)["runs"][0]["results"]] == ["warning", *["error"] * 3]


def test_explain_prints_a_page_and_lists_all_codes(project: Path) -> None:
    page = CliRunner().invoke(explain_command, ["dur031"])
    assert page.exit_code == 0
    assert page.stdout.startswith("DUR031: Unknown Salesforce field\n\n")
    assert "Wrong: `Contact Emial is required`" in page.stdout
    listed = CliRunner().invoke(explain_command, ["--list"])
    assert [line.split("  ")[0] for line in listed.stdout.splitlines()] == list(CODES)


def test_explain_refuses_a_code_that_does_not_exist(project: Path) -> None:
    done: Result = CliRunner().invoke(explain_command, ["DUR999"])
    assert done.exit_code == 2
    assert "There is no diagnostic DUR999" in done.stderr


def test_explain_of_a_sentence_has_the_same_fields_as_a_file(project: Path) -> None:
    done = CliRunner().invoke(explain_command, ["Contact Emial is required", "--json"])
    (one,) = json.loads(done.stdout)["diagnostics"]
    assert one["near"] == [{"text": "Email", "score": 80}]
    assert one["sentences"] == ["Contact Email is required"]
    assert one["file"] == "<sentence>" and one["requirement"] is None
