"""The page for a reader who signs off: complete, computed, escaped, usable by everybody, and the same every time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from durable_compiler import costs, gates, interpret, lock
from durable_compiler.compilation import compile_pipeline
from durable_compiler.example_records import Example
from durable_compiler.frames import REGISTRY
from durable_compiler.interpret import read_file
from durable_compiler.signoff import SignOff, as_html, sign_off
from durable_compiler.signoff_facts import Fact
from unit.compiler.signoff_specs import CORPUS_SCHEMA, EVERY_KIND, Page, page_of, project
from unit.compiler.test_lock import ACCEPTED, ODD, PIN

ROOT = Path(__file__).parents[3]
HEAD = (
    "# Accounts\n\n- R1.1 Syncs {0} from Salesforce\n- R1.2 Runs nightly at 2:00 AM UTC\n"
    "- R1.3 Writes to Snowflake table customer_data\n"
)


def spec(*sentences: str, objects: str = "Accounts") -> str:
    """A spec of these sentences, R2.1 and on."""
    return HEAD.format(objects) + "".join(f"- R2.{at} {one}\n" for at, one in enumerate(sentences, 1))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[SignOff, Page]:
    return page_of(project(tmp_path_factory.mktemp("every"), EVERY_KIND))


def example(told: SignOff, name: str) -> Example:
    assert told.understood is not None
    return next(one for one in told.understood.examples if one.name == name)


def written(one: Example) -> dict[str, str | None]:
    return {cell.column: cell.result for cell in one.cells}


# --- what the page says -----------------------------------------------------------------------------------------


def test_the_spec_of_these_tests_has_every_kind_of_clause() -> None:
    reading = read_file(Path("requirements/crm.md"), CORPUS_SCHEMA, text=EVERY_KIND)
    assert {one.clause.kind for one in reading.clauses} == set(REGISTRY)


def test_every_requirement_stands_there_as_written_and_as_understood(everything: tuple[SignOff, Page]) -> None:
    told, page = everything
    lines = re.findall(r"^- (R\S+) (.*)$", EVERY_KIND, re.MULTILINE)
    assert [(one.id, "".join(part for part, _ in one.text)) for one in told.sentences] == lines
    articles = page.texts("article")
    assert len(articles) == len(lines)
    for article, (identifier, text), one in zip(articles, lines, told.sentences, strict=True):
        assert article.startswith(f"{identifier} As written: {text} As understood: {one.echo} ✓ Understood")


def test_title_version_and_verdict_come_first(everything: tuple[SignOff, Page]) -> None:
    told, page = everything
    assert page.texts("title") == ["Every kind of clause: to be signed off"]
    assert page.texts("h1") == ["Every kind of clause"]
    assert told.understood is not None
    header = page.texts("header")[0]
    assert f"Pipeline crm, version 1.0.0, the first (meaning {told.understood.ir_hash[:12]})" in header
    assert f"✓ All {len(told.sentences)} requirements are understood." in header


def test_assumptions_are_numbered_and_lead_to_the_requirement_that_they_complete(
    everything: tuple[SignOff, Page],
) -> None:
    told, page = everything
    assert told.understood is not None
    assumed = told.understood.assumptions
    rows = [one.text for one in page.all("tr")]
    for number, one in enumerate(assumed, 1):
        row = next(text for text in rows if text.startswith(f"A{number}{one.key}"))
        assert row == f"A{number}{one.key}{one.value}{one.why}{one.requirement or 'the file'}"
    anchors = {one.anchor for one in told.sentences}
    assert {one.anchor for one in assumed} <= anchors | {""}
    cursor = next(one for one in assumed if one.key == "incremental.cursor")
    assert (cursor.value, cursor.requirement) == ("SystemModstamp", "R3.1")


def test_examples_are_what_the_generated_transformation_gives(everything: tuple[SignOff, Page]) -> None:
    told, _ = everything
    contact, health = example(told, "Contact"), example(told, "Customer_Health__c")
    cells = {cell.column: cell for cell in contact.cells}
    assert (cells["email"].given, cells["email"].result) == ("  Invented@Example.Com ", "invented@example.com")
    assert cells["email"].requirements == "R4.3"
    assert re.fullmatch(r"[0-9a-f]{64}", cells["phone"].result or "")
    assert (cells["account_name"].field, cells["account_name"].result) == ("Account.Name", "Invented Account Name")
    assert "birthdate" not in cells
    assert written(health)["health_status"] == "healthy"
    # the run starts on 15 January in Berlin, and the invented close date is the 10th
    assert written(example(told, "Opportunity"))["days_to_close"] == "-5"
    account = written(example(told, "Account"))
    assert (account["industry"], account["tier"]) == ("Unknown", "standard")
    assert all(one.loaded for one in told.understood.examples) if told.understood else False


def test_records_that_rules_treat_otherwise_are_shown_with_their_reason(everything: tuple[SignOff, Page]) -> None:
    told, page = everything
    left_out, stopped = example(told, "Account").others
    assert (stopped.outcome, stopped.requirements, stopped.message) == ("stopped", "R4.12", "Account Name is missing")
    assert [(one.field, one.given) for one in stopped.changes] == [("Name", None)]
    assert (left_out.outcome, left_out.requirements) == ("filtered", "R1.4")
    assert [one.field for one in left_out.changes] == ["AnnualRevenue"]
    (rejected,) = example(told, "Contact").others
    assert (rejected.outcome, rejected.requirements, rejected.message) == ("rejected", "R4.10", "Email is missing")
    assert [(one.field, one.given) for one in rejected.changes] == [("Email", None)]
    (unhealthy,) = example(told, "Customer_Health__c").others
    assert unhealthy.requirements == "R4.11"
    assert example(told, "Opportunity").others == ()
    assert "An invented Contact record that is rejected" in page.texts("h4")
    assert "Every value here is invented" in " ".join(page.texts("section"))


def test_facts_name_the_requirements_behind_them(everything: tuple[SignOff, Page]) -> None:
    told, _ = everything
    assert told.understood is not None
    facts = {
        one.text: one.requirements
        for many in (told.understood.destination, told.understood.told, told.understood.approvers,
                     told.understood.stops)
        for one in many
    }  # fmt: skip
    wanted = {
        "Rows are written to DuckDB: customer_data, in the file of the profile that runs it.": "R2.1",
        "A record that is deleted in Salesforce stays in the table, flagged as deleted.": "R3.4",
        "Contact Business Phone is replaced by a keyed hash before anything is written.": "R5.8",
        "Never read: Contact Birthdate.": "R1.2",
        "The data may be in these regions only: EU.": "R5.9",
        "#data-ops is told by Slack when a run fails.": "R5.3",
        "Changes to these requirements need 2 approvals from a data owner.": "R5.11",
        "Salesforce holds no record of Accounts; nothing is read": "R5.5",
        "a record has no Account Name; nothing is written": "R4.12",
        "it has taken 1 hour": "R5.6",
    }
    assert {text: facts.get(text) for text in wanted} == wanted
    assert told.understood.signatures == ("Data owner", "Data owner")


def test_the_example_that_the_project_ships_has_a_page(tmp_path: Path) -> None:
    shipped = ROOT / "requirements"
    text = (shipped / "customer_data.md").read_text(encoding="utf-8")
    told, page = page_of(project(tmp_path, text, (shipped / "salesforce.schema.json").read_text(encoding="utf-8")))
    assert told.accepted
    assert page.texts("h1") == ["Customer data sync"]
    (rejected,) = example(told, "Contact").others
    assert rejected.requirements == "R4.2"
    assert "Nobody is told" not in " ".join(page.texts("section"))


def test_a_silent_spec_says_what_nobody_decided(tmp_path: Path) -> None:
    told, _ = page_of(project(tmp_path, spec()))
    assert told.understood is not None
    assert [one.text for one in told.understood.told] == ["Nobody is told when a run fails: no requirement says who."]
    assert told.understood.approvers[0].text.startswith("No requirement asks for an approval")
    assert "No requirement says in which region the data has to stay." in [
        one.text for one in told.understood.destination
    ]
    assert example(told, "Account").others == ()
    assert example(told, "Account").unshown == ()


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("Keeps the full history of changes", "When a record is deleted in Salesforce, its last version ends."),
        ("Replaces the table on every run", "Every run writes the whole table anew."),
        ("Appends every change", "Every change is added as a row of its own; no row is ever changed."),
    ],
)
def test_the_way_of_writing_is_said_in_words(tmp_path: Path, mode: str, says: str) -> None:
    told, _ = page_of(project(tmp_path, spec(mode)))
    assert told.understood is not None
    assert Fact(says, "R2.1") in told.understood.destination


def test_a_limit_for_one_object_leaves_the_default_for_the_others(tmp_path: Path) -> None:
    text = spec("Stops if a run would delete more than 200 Accounts", objects="Accounts and Contacts")
    told, _ = page_of(project(tmp_path, text))
    assert told.understood is not None
    assert told.understood.stops[:2] == (
        Fact("more than 200 live rows of Accounts would be flagged as deleted or removed", "R2.1"),
        Fact(
            "more than 10% of the live rows of Contacts, and more than 20 rows, would be flagged as deleted or "
            "removed, until a person agrees"
        ),
    )


def test_a_page_says_what_changed_since_the_version_before(tmp_path: Path) -> None:
    root = project(tmp_path, spec())
    assert compile_pipeline(root, "crm", commit=False).status == "written"
    _, page = page_of(root)
    assert "version 1.0.0, unchanged" in page.texts("header")[0]
    (root / "requirements" / "crm.md").write_text(spec().replace("2:00 AM", "3:00 AM"), encoding="utf-8")
    told, page = page_of(root)
    assert told.understood is not None
    assert "version 1.1.0, which follows 1.0.0" in page.texts("header")[0]
    changes = next(one for one in page.texts("section") if one.startswith("Changes against version 1.0.0"))
    assert all(one.line in changes for one in told.understood.release.changes)
    assert "(minor)" in changes


@pytest.mark.parametrize(
    ("objects", "sentence", "outcome"),
    [
        ("Contacts", "Only syncs Contacts of Accounts whose Type is Prospect", "filtered"),
        (
            "Accounts",
            "Only syncs Accounts whose Industry is Banking and whose Annual Revenue is over 5 million",
            "filtered",
        ),
        ("Opportunities", "Close Date must be after Created Date", "rejected"),
        ("Opportunities", "Only syncs Opportunities whose Close Date is in the last 30 days", "filtered"),
        ("Accounts", "Maps Account Type Prospect to lead", "rejected"),
        ("Opportunities", "Warns when Close Date is before Created Date", "warned"),
    ],
)
def test_an_invented_record_is_changed_until_a_rule_catches_it(
    tmp_path: Path, objects: str, sentence: str, outcome: str
) -> None:
    told, _ = page_of(project(tmp_path, spec(sentence, objects=objects)))
    assert told.understood is not None, told.sentences
    (found,) = told.understood.examples
    assert found.loaded
    assert [one.outcome for one in found.others] == [outcome]
    assert found.others[0].requirements == "R2.1"
    assert found.others[0].changes != ()
    assert found.unshown == ()


def test_what_no_record_can_meet_is_said(tmp_path: Path) -> None:
    rich, poor = (
        "Only syncs Accounts whose Annual Revenue is at least 1 million",
        "Annual Revenue must be between 3 and 4",
    )
    told, page = page_of(project(tmp_path, spec(rich, poor)))
    assert not example(told, "Account").loaded
    assert "No invented record was found that these requirements let through." in " ".join(page.texts("section"))


# --- what is rejected -------------------------------------------------------------------------------------------


def test_a_rejected_file_shows_what_is_wrong_and_what_is_understood(tmp_path: Path) -> None:
    told, page = page_of(project(tmp_path, spec("Syncs Acounts from Salesforce") + "- An item without an ID\n"))
    assert not told.accepted
    assert [one.status for one in told.sentences] == ["understood"] * 3 + ["rejected"]
    article = page.texts("article")[-1]
    assert "✗ Rejected" in article
    assert "DUR030: Unknown Salesforce object." in article
    assert page.texts("mark") == ["Acounts"]
    assert "✗ This file does not compile: 1 of 4 requirements is rejected." in page.texts("header")[0]
    assert [one.code for one in told.findings] == ["DUR003"]
    assert page.texts("h2") == ["About the file", "Requirements"]


def test_without_a_schema_nothing_is_read_and_nothing_is_called_understood(tmp_path: Path) -> None:
    root = project(tmp_path, spec())
    (root / "requirements" / "salesforce.schema.json").unlink()
    told, page = page_of(root)
    assert {one.status for one in told.sentences} == {"unread"}
    assert [one.code for one in told.findings] == ["DUR011"]
    assert page.texts("article")[0].endswith("? Not read")


def test_an_id_that_is_used_twice_keeps_both_sentences_and_one_address_each(tmp_path: Path) -> None:
    told, page = page_of(project(tmp_path, spec() + "- R1.2 Runs every hour\n"))
    assert [one.id for one in told.sentences] == ["R1.1", "R1.2", "R1.3", "R1.2"]
    assert [one.status for one in told.sentences][-1] == "rejected"
    addresses = [one.attributes["id"] for one in page.all("article")]
    assert len(set(addresses)) == 4


def test_a_pinned_sentence_is_called_so(tmp_path: Path) -> None:
    root = project(tmp_path, spec(ODD))
    path, schema = root / "requirements" / "crm.md", root / "requirements" / "salesforce.schema.json"
    blocks, requirement = list(read_file(path, schema).lock), read_file(path, schema).requirements[-1]
    source = interpret.open_file(path, schema)
    assert source.catalogue is not None
    judged = gates.judge(gates.Claim(ODD, *PIN), source.catalogue, ("Account",))
    assert judged.failed == ()
    empty = lock.Block("R2.1", "", lock.PINNED, "", (), english=PIN[0], quotes=PIN[1], accepted=ACCEPTED)
    blocks.append(interpret.pinned_block(requirement, judged, empty, source.catalogue))
    lock.lock_path(path).write_text(lock.dump(blocks), encoding="utf-8")
    told, page = page_of(root)
    assert told.accepted, told.sentences[-1]
    assert told.sentences[-1].status == "pinned"
    assert page.texts("article")[-1].endswith("Skips soft-deleted records ✓ Pinned: a person accepted this reading")


# --- costs ------------------------------------------------------------------------------------------------------


def test_a_job_is_asked_for_as_the_runtime_does() -> None:
    # at once, then after 0.2 s, 0.3 s, 0.45 s, … and never more than 5 s
    assert [costs.polls(seconds) for seconds in (0, 0.2, 0.4, 0.6)] == [1, 2, 3, 4]
    assert costs.polls(65) - costs.polls(60) == 1


def test_records_come_in_one_call_or_as_a_job() -> None:
    assert costs.transfer(0) == costs.transfer(1_999) == 1
    assert costs.transfer(2_000) == costs.transfer(50_000) == 3 + costs.polls(costs.JOB_SECONDS)
    assert costs.transfer(50_001) == costs.transfer(50_000) + 1


def test_a_schedule_costs_what_its_runs_read(tmp_path: Path) -> None:
    told, page = page_of(project(tmp_path, spec(objects="Products")))
    assert told.understood is not None
    table = told.understood.costs
    (reading,) = table.readings
    assert (reading.whole, reading.filtered, reading.guards) == (False, False, 0)
    # 1,000 of 100,000 records change in a day; a run reads ten minutes again
    assert [(one.runs, one.changed) for one in table.rows] == [(1, 1_007), (24, 49), (96, 18), (1, 1_007)]
    assert {(one.least, one.most) for one in table.rows} == {(9, 9)}
    assert [one.day for one in table.rows] == [9, 9 * 24, 9 * 96, 9]
    assert table.first == 3 + 1 + 3 + costs.transfer(costs.RECORDS)
    row = next(one.text for one in page.all("tr") if one.text.strip().startswith("Every 15 minutes"))
    assert row.split() == ["Every", "15", "minutes", "96", "9", "864", "0.864%"]


def test_the_busiest_day_counts_with_what_changed_over_the_weekend(everything: tuple[SignOff, Page]) -> None:
    told, page = everything
    assert told.understood is not None
    now = told.understood.costs.rows[0]
    # the run of the Monday on which winter time has begun: three days, an hour and ten minutes
    assert (now.runs, now.changed) == (1, 3_049)
    assert now.share == now.day / 100_000
    assert "Now: Runs on weekdays at 18:30 Europe/Berlin" in page.texts("th")


# --- everybody can read it --------------------------------------------------------------------------------------


def test_every_reference_inside_the_page_leads_somewhere(everything: tuple[SignOff, Page]) -> None:
    _, page = everything
    addresses = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
    assert len(addresses) == len(set(addresses))
    wanted = [one.attributes["href"].removeprefix("#") for one in page.all("a")]
    wanted += [one.attributes["aria-labelledby"] for one in page.elements if "aria-labelledby" in one.attributes]
    assert set(wanted) <= set(addresses)


def test_the_page_can_be_walked_by_its_headings_landmarks_and_tables(everything: tuple[SignOff, Page]) -> None:
    _, page = everything
    levels = [int(one.tag[1]) for one in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [len(page.all(tag)) for tag in ("h1", "header", "nav", "main")] == [1, 1, 1, 1]
    assert page.all("html")[0].attributes["lang"] == "en"
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in one.attributes for one in page.all("th"))
    wide = [one for one in page.all("div") if one.attributes.get("class") == "wide"]
    assert all(one.attributes["tabindex"] == "0" and one.attributes["aria-label"] for one in wide)
    assert all("div" in one.around for one in page.all("table"))


def test_the_styles_know_dark_rooms_paper_and_narrow_screens(everything: tuple[SignOff, Page]) -> None:
    _, page = everything
    style = page.all("style")[0].text
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style
    assert "overflow-wrap: anywhere" in style
    assert any(one.attributes.get("content", "").startswith("width=device-width") for one in page.all("meta"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_of_text_has_contrast_enough(everything: tuple[SignOff, Page], theme: str) -> None:
    style = everything[1].all("style")[0].text
    block = style.split("prefers-color-scheme: dark")[theme == "dark"]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block.split("* {")[0]))
    for name in ("ink", "soft", "link", "good", "bad", "warn"):
        assert _contrast(colours[name], colours["paper"]) >= 4.5, name
        assert _contrast(colours[name], colours["shade"]) >= 4.5, name
    assert _contrast(colours["ink"], colours["mark"]) >= 4.5


def _contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# --- the command ------------------------------------------------------------------------------------------------


def durable(root: Path, *arguments: str, **more: str) -> tuple[int, bytes, str]:
    command = [sys.executable, "-m", "durable_runtime.durable_cli", *arguments]
    paths = os.pathsep.join(str(ROOT / one) for one in ("compiler", "runtime", "sandbox"))
    environ = {**os.environ, "PYTHONPATH": paths, **more}
    done = subprocess.run(command, cwd=root, capture_output=True, env=environ, timeout=300)
    return done.returncode, done.stdout, done.stderr.decode()


def test_the_command_prints_the_same_bytes_whatever_the_machine_is_like(tmp_path: Path) -> None:
    root = project(tmp_path, spec("Account Name is required"))
    code, first, _ = durable(root, "explain", "crm", "--html", PYTHONHASHSEED="1", TZ="Asia/Tokyo", LC_ALL="C")
    assert code == 0
    assert first == as_html(sign_off(root, "crm")[0]).encode()
    assert b"\r" not in first
    code, out, _ = durable(root, "explain", "crm", "--html=page.html", PYTHONHASHSEED="2")
    assert (code, out.decode()) == (0, "page.html written\n")
    assert (root / "page.html").read_bytes() == first


def test_a_rejected_file_gets_its_page_too_and_ends_with_1(tmp_path: Path) -> None:
    root = project(tmp_path, spec("Explodes at noon"))
    code, out, err = durable(root, "explain", "crm", "--html")
    assert code == 1
    assert "✗ Rejected" in out.decode()
    assert "DUR020" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("crm", "--html", "--json"), "no other format"),
        (("DUR031", "--html"), "a pipeline's name"),
        (("Runs nightly at 2:00 AM UTC", "--html"), "a pipeline's name"),
        (("crm", "--html", "nowhere/page.html"), "Cannot write nowhere/page.html"),
    ],
)
def test_what_cannot_be_a_page_is_refused(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = durable(project(tmp_path, spec()), "explain", *arguments)
    assert (code, out) == (2, b"")
    assert says in err
