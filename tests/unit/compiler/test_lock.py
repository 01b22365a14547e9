"""The lock: what it holds, how it is laid out, what git makes of two branches, and what is refused."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from durable_compiler import bindings, gates, interpret, lock
from durable_compiler.catalogue import Snapshot
from durable_compiler.frames import REGISTRY
from durable_compiler.grammar.reading import read
from durable_compiler.interpret import Reading, read_file
from durable_compiler.lock import Block, LockUnreadable
from durable_compiler.terms import Apply, Constant, FieldTerm, to_ir

SYNC = "- R1.1 Syncs Accounts, Contacts and Customer Health from Salesforce\n"
# A sentence that no rule reads, the English that stands for it, and the words that ground it.
ODD = "Deleted records: kindly skip those"
PIN = ("Skips deleted records", (("Skips", "skip"), ("deleted records", "Deleted records")))
ACCEPTED = (("model", "m"), ("prompt", "1"), ("samples", "2 of 2 agree"))


def _block(identifier: str, text: str = "", **more: Any) -> Block:
    digest = f"{abs(hash_of(identifier + text)):064x}"
    return Block(identifier, digest, "grammar", f"Says {identifier}{text}", (), (("sync", 1),), **more)


def hash_of(text: str) -> int:
    return int.from_bytes(text.encode(), "big") % (1 << 255)


def _pin(identifier: str) -> Block:
    return replace(_block(identifier), via="pinned", english="Skips", quotes=(("a", "b"),), accepted=ACCEPTED)


def test_a_lock_reads_back_to_the_same_blocks() -> None:
    blocks = [
        _block("R1.1"),
        replace(_block("R1.2"), bound=("Account", 'Account.Type=Ünïcode \u2028 " ,{')),
        _pin("R2.1"),
    ]
    assert list(lock.parse(lock.dump(blocks)).values()) == blocks


def test_a_lock_is_sorted_by_number_whatever_the_order_of_the_blocks() -> None:
    text = lock.dump([_block("R1.10"), _block("R2.1"), _block("R1.2"), _block("R1.2.1")])
    assert [one["id"] for one in json.loads(text)["requirements"]] == ["R1.2", "R1.2.1", "R1.10", "R2.1"]
    assert json.loads(text)["lock_version"] == 2


def test_an_empty_lock_is_json_too() -> None:
    assert json.loads(lock.dump([])) == {"lock_version": 2, "requirements": []}


def test_every_line_of_a_block_holds_its_id_or_the_hash_of_its_text_or_its_quotes() -> None:
    one = _pin("R1.2")
    lines = [line for line in lock.dump([_block("R1.1"), one]).split("\n") if line.startswith("      ")][-2:]
    assert one.text_sha256 in lines[0]
    assert '"quotes": [["a", "b"]]' in lines[1]


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)


def _merged(
    folder: Path, base: list[Block], ours: list[Block], theirs: list[Block], attributes: str = ""
) -> str | None:
    """The lock after a real merge of two branches; None where git found a conflict."""
    path = folder / "x.lock.json"
    assert _git(folder, "init", "-q", "-b", "main").returncode == 0
    (folder / ".gitattributes").write_text(attributes)
    for branch, blocks in (("main", base), ("ours", ours), ("theirs", theirs)):
        _git(folder, "checkout", "-q", "main")
        _git(folder, "checkout", "-q", "-B", branch)
        path.write_text(lock.dump(blocks), encoding="utf-8")
        _git(folder, "add", "-A")
        assert _git(folder, "commit", "-q", "--allow-empty", "-m", branch).returncode == 0
    merged = _git(folder, "merge", "-q", "ours", "-m", "merge")
    return path.read_text(encoding="utf-8") if merged.returncode == 0 else None


BASE = [_block("R1.1"), _block("R1.2"), _block("R2.1")]
APART: dict[str, tuple[list[Block], list[Block]]] = {
    "one in the middle and one at the end": ([_block("R1.3")], [_block("R2.2")]),
    "one at the start and one at the end": ([_block("R0.1")], [_block("R3.1")]),
    "pinned ones": ([_pin("R1.3")], [_pin("R2.2")]),
    "several": ([_block("R1.3"), _block("R1.4")], [_block("R2.2"), _block("R4.1")]),
}


@pytest.mark.parametrize("case", APART)
def test_branches_that_add_requirements_in_different_places_merge(tmp_path: Path, case: str) -> None:
    ours, theirs = APART[case]
    merged = _merged(tmp_path, BASE, [*BASE, *ours], [*BASE, *theirs])
    assert merged == lock.dump([*BASE, *ours, *theirs])


def test_a_branch_that_changes_a_sentence_merges_with_one_that_adds_the_next_but_one(tmp_path: Path) -> None:
    changed = _block("R1.1", "changed")
    merged = _merged(tmp_path, BASE, [changed, *BASE[1:]], [*BASE, _block("R2.2")])
    assert merged == lock.dump([changed, *BASE[1:], _block("R2.2")])


def test_a_branch_that_removes_a_requirement_merges_with_one_that_adds_another(tmp_path: Path) -> None:
    merged = _merged(tmp_path, BASE, [BASE[0], BASE[2]], [*BASE, _block("R2.2")])
    assert merged == lock.dump([BASE[0], BASE[2], _block("R2.2")])


UNION = "*.lock.json merge=union\n"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([_block("R2.2")], [_block("R2.3")]),
        ([_block("R2.2"), _block("R3.1")], [_block("R2.3")]),
        ([_pin("R2.2")], [_block("R2.3")]),
        ([_block("R2.3")], [_block("R2.2")]),
    ],
)
def test_branches_that_both_add_after_the_last_block_merge_with_the_union_driver(
    tmp_path: Path, ours: list[Block], theirs: list[Block]
) -> None:
    merged = _merged(tmp_path, BASE, [*BASE, *ours], [*BASE, *theirs], UNION)
    assert merged is not None
    assert set(lock.parse(merged).values()) == {*BASE, *ours, *theirs}


def test_branches_that_change_the_same_sentence_never_pass_unseen(tmp_path: Path) -> None:
    ours, theirs = _block("R1.2", "ours"), _block("R1.2", "theirs")
    (tmp_path / "plain").mkdir()
    assert _merged(tmp_path / "plain", BASE, [BASE[0], ours, BASE[2]], [BASE[0], theirs, BASE[2]]) is None
    (tmp_path / "union").mkdir()
    merged = _merged(tmp_path / "union", BASE, [BASE[0], ours, BASE[2]], [BASE[0], theirs, BASE[2]], UNION)
    assert merged is not None
    with pytest.raises(LockUnreadable):
        lock.parse(merged)


def test_a_conflict_without_the_driver_is_resolved_by_deleting_the_marker_lines(tmp_path: Path) -> None:
    ours, theirs = _block("R2.2"), _block("R2.3")
    assert _merged(tmp_path, BASE, [*BASE, ours], [*BASE, theirs]) is None
    text = (tmp_path / "x.lock.json").read_text(encoding="utf-8")
    with pytest.raises(LockUnreadable, match="unresolved merge conflict") as caught:
        lock.parse(text)
    assert text.split("\n")[caught.value.line - 1].startswith("<<<<<<<")
    kept = [line for line in text.split("\n") if not line.startswith(("<<<<<<<", "=======", ">>>>>>>", "|||||||"))]
    assert set(lock.parse("\n".join(kept)).values()) == {*BASE, ours, theirs}


def _edit(change: Callable[[dict[str, Any]], object]) -> str:
    data = json.loads(lock.dump([_block("R1.1"), _pin("R1.2")]))
    change(data["requirements"][1])
    return json.dumps(data, indent=1)


BROKEN: dict[str, tuple[str, str]] = {
    "no JSON": ("{\n  oops\n}", "line 2"),
    "empty": ("", "line 1"),
    "a list": ("[]", "version None"),
    "no version": ('{"requirements": []}', "version None"),
    "a later version": ('{"lock_version": 3, "requirements": []}', "version 3"),
    "a version that is no number": ('{"lock_version": true, "requirements": []}', "version True"),
    "no list": ('{"lock_version": 2}', "no list of requirements"),
    "a key twice": ('{"lock_version": 2, "lock_version": 2, "requirements": []}', "'lock_version' twice"),
    "a block that is no object": ('{"lock_version": 2, "requirements": [1]}', "block 1 of the lock has no"),
    "a block without an ID": (_edit(lambda one: one.pop("id")), "block 2 of the lock has no"),
    "a hash that is none": (_edit(lambda one: one.update(text_sha256="x")), "'text_sha256'"),
    "another way of reading": (_edit(lambda one: one.update(via="magic")), "'via'"),
    "names that are no list": (_edit(lambda one: one.update(bound="Account")), "'bound'"),
    "a frame version that is none": (_edit(lambda one: one.update(frames={"sync": "1"})), "'frames'"),
    "quotes that are no pairs": (_edit(lambda one: one.update(quotes=[["a"]])), "'quotes'"),
    "a pin without its English": (_edit(lambda one: one.pop("english")), "'english'"),
    "a pin that nobody accepted": (_edit(lambda one: one.pop("accepted")), "'accepted'"),
    "a time": (_edit(lambda one: one["accepted"].update(at="now")), "'accepted'"),
    "an unknown key": (_edit(lambda one: one.update(ir={})), "unknown key 'ir'"),
    "a block twice": (lock.dump([_block("R1.1"), _block("R1.1")]), "R1.1 has two blocks"),
    "too deep": ("[" * 100_000, "nested too deeply"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_lock_is_refused_with_the_reason_and_the_line(tmp_path: Path, schema_path: Path, case: str) -> None:
    text, reason = BROKEN[case]
    spec = tmp_path / "crm.md"
    spec.write_text(SYNC)
    lock.lock_path(spec).write_text(text, encoding="utf-8")
    (found,) = read_file(spec, schema_path).diagnostics
    assert found.code == "DUR014"
    assert found.file.endswith("/crm.lock.json")
    assert reason.removeprefix("line ") in (str(found.line) if reason.startswith("line") else found.message)
    assert found.help


def test_a_broken_block_is_named_with_its_line(tmp_path: Path, schema_path: Path) -> None:
    spec = tmp_path / "crm.md"
    spec.write_text(SYNC)
    text = lock.dump([_block("R1.1"), _block("R1.2"), _block("R1.3")]).replace(
        '"id": "R1.3", "via": "grammar"', '"id": "R1.3"'
    )
    lock.lock_path(spec).write_text(text, encoding="utf-8")
    (found,) = read_file(spec, schema_path).diagnostics
    assert (found.code, found.line) == ("DUR014", 8)
    assert "R1.3 has a wrong or missing 'via'" in found.message


def test_bytes_that_are_not_utf8_are_refused_with_the_line(tmp_path: Path, schema_path: Path) -> None:
    spec = tmp_path / "crm.md"
    spec.write_text(SYNC)
    lock.lock_path(spec).write_bytes(b"{\n\xff\n}")
    (found,) = read_file(spec, schema_path).diagnostics
    assert (found.code, found.line) == ("DUR014", 2)


# --- holding sentences to it ------------------------------------------------------------------------------------


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return tmp_path / "crm.md"


def _read(spec: Path, schema_path: Path, text: str) -> Reading:
    spec.write_text(text)
    return read_file(spec, schema_path)


def _locked(spec: Path, schema_path: Path, text: str) -> Reading:
    """Compile once, so that the lock holds what the sentences mean."""
    reading = _read(spec, schema_path, text)
    assert reading.diagnostics == ()
    lock.lock_path(spec).write_text(reading.lock_text, encoding="utf-8")
    return reading


def _changed(spec: Path, identifier: str, **changes: Any) -> None:
    blocks = lock.load(lock.lock_path(spec))
    blocks[identifier] = replace(blocks[identifier], **changes)
    lock.lock_path(spec).write_text(lock.dump(blocks.values()), encoding="utf-8")


def test_a_version_1_lock_is_read_and_written_as_version_2(spec: Path, schema_path: Path) -> None:
    text = SYNC + "- R1.2 Contact Email is required\n"
    reading = _read(spec, schema_path, text)
    old = {
        "lock_version": 1,
        "requirements": [
            {"id": one.id, "text_sha256": one.text_sha256, "via": "grammar", "echo": one.echo, "bound": bound}
            for one, bound in zip(reading.lock, (["Account"], ["Contact.Email"]), strict=True)
        ],
    }
    lock.lock_path(spec).write_text(json.dumps(old, indent=2))
    again = read_file(spec, schema_path)
    assert again.diagnostics == ()
    assert json.loads(again.lock_text)["lock_version"] == 2
    assert again.lock_text == reading.lock_text


def test_a_version_1_lock_still_holds_a_sentence_to_its_names(spec: Path, schema_path: Path) -> None:
    reading = _read(spec, schema_path, SYNC)
    block = {"id": "R1.1", "text_sha256": reading.lock[0].text_sha256, "via": "grammar", "echo": "x", "bound": ["Lead"]}
    lock.lock_path(spec).write_text(json.dumps({"lock_version": 1, "requirements": [block]}))
    (found,) = read_file(spec, schema_path).diagnostics
    assert found.code == "DUR070"


def test_editing_a_sentence_that_the_grammar_reads_is_ordinary_work(spec: Path, schema_path: Path) -> None:
    _locked(spec, schema_path, SYNC + "- R1.2 Runs hourly UTC\n")
    again = _read(spec, schema_path, SYNC + "- R1.2 Runs every 15 minutes\n")
    assert again.diagnostics == ()
    assert [one.echo for one in again.lock][1].startswith("Runs every 15 minutes")


def test_a_block_of_a_requirement_that_is_gone_is_harmless_and_dropped(spec: Path, schema_path: Path) -> None:
    _locked(spec, schema_path, SYNC + "- R1.2 Runs hourly UTC\n")
    again = _read(spec, schema_path, SYNC)
    assert again.diagnostics == ()
    assert [one.id for one in again.lock] == ["R1.1"]


def test_a_kind_whose_meaning_changed_makes_its_blocks_stale(spec: Path, schema_path: Path) -> None:
    _locked(spec, schema_path, SYNC + "- R1.2 Runs hourly UTC\n")
    _changed(spec, "R1.2", frames=(("schedule", 0),))
    (found,) = read_file(spec, schema_path).diagnostics
    assert (found.code, found.requirement, found.line) == ("DUR071", "R1.2", 2)
    assert "the kind 'schedule' had version 0 and now has 1" in found.message
    assert "durable interpret crm" in found.help


def test_a_raised_frame_version_makes_unchanged_sentences_stale(
    spec: Path, schema_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _locked(spec, schema_path, SYNC + "- R1.2 Runs hourly UTC\n")
    monkeypatch.setitem(REGISTRY, "sync", replace(REGISTRY["sync"], version=2))
    (found,) = read_file(spec, schema_path).diagnostics
    assert (found.code, found.requirement) == ("DUR071", "R1.1")


def test_a_sentence_that_now_means_something_else_under_the_same_names_is_stale(spec: Path, schema_path: Path) -> None:
    _locked(spec, schema_path, SYNC + "- R1.2 Runs hourly UTC\n")
    _changed(spec, "R1.2", echo="Runs every 15 minutes")
    (found,) = read_file(spec, schema_path).diagnostics
    assert found.code == "DUR071"
    assert "accepted as 'Runs every 15 minutes'" in found.message


def _with_pin(spec: Path, schema_path: Path, text: str = ODD, **changes: Any) -> Reading:
    """A file whose R1.2 is pinned, the block changed by hand where the test says so."""
    whole = f"{SYNC}- R1.2 {ODD}\n"
    reading = _read(spec, schema_path, whole)
    requirement = next(one for one in reading.requirements if one.id == "R1.2")
    source = interpret.open_file(spec, schema_path)
    assert source.catalogue is not None
    judged = gates.judge(gates.Claim(ODD, *PIN), source.catalogue, ("Account", "Contact"))
    assert judged.failed == ()
    empty = Block("R1.2", "", "pinned", "", (), english=PIN[0], quotes=PIN[1], accepted=ACCEPTED)
    block = replace(interpret.pinned_block(requirement, judged, empty, source.catalogue), **changes)
    lock.lock_path(spec).write_text(lock.dump([*reading.lock, block]), encoding="utf-8")
    return _read(spec, schema_path, f"{SYNC}- R1.2 {text}\n")


def test_a_pinned_sentence_is_read_through_its_lock(spec: Path, schema_path: Path) -> None:
    reading = _with_pin(spec, schema_path)
    assert reading.diagnostics == ()
    assert reading.pipeline is not None
    assert [(one.id, one.status, one.echo) for one in reading.pipeline.requirements][1] == (
        "R1.2", "pinned", "Skips soft-deleted records",
    )  # fmt: skip
    assert reading.pipeline.deletes == "skip"
    assert reading.pipeline.trace["deletes"] == ("R1.2",)
    assert reading.lock_text == lock.lock_path(spec).read_text(encoding="utf-8")


def test_a_pinned_sentence_whose_text_changed_is_stale(spec: Path, schema_path: Path) -> None:
    (found,) = _with_pin(spec, schema_path, "Deleted records: kindly flag those").diagnostics
    assert (found.code, found.requirement) == ("DUR071", "R1.2")
    assert "its text changed" in found.message


def test_a_pin_of_another_frame_version_is_stale(spec: Path, schema_path: Path) -> None:
    (found,) = _with_pin(spec, schema_path, frames=(("deletes", 0),)).diagnostics
    assert found.code == "DUR071"
    assert "the kind 'deletes' had version 0" in found.message


BOTH = (("deletes", 1), ("schedule", 1))
EDITED: dict[str, tuple[dict[str, Any], str]] = {
    "another meaning": ({"english": "Flags deleted records", "quotes": (("Flags", "skip"), PIN[1][1])}, "values"),
    "no English": ({"english": "Make it pretty"}, "reads"),
    "a quote from elsewhere": ({"quotes": (("Skips", "ignore"), PIN[1][1])}, "quotes"),
    "a quote used twice": ({"quotes": (*PIN[1], ("records", "records"))}, "quotes"),
    "samples that did not agree": ({"accepted": (*ACCEPTED[:2], ("samples", "1 of 2 agree"))}, "samples"),
    "an echo that lies": ({"echo": "Removes deleted records"}, "echo"),
    "a value that no quote grounds": (
        {"english": "Skips deleted records; runs hourly UTC", "frames": BOTH},
        "grounded",
    ),
}


@pytest.mark.parametrize("case", EDITED)
def test_a_block_edited_by_hand_fails_a_gate(spec: Path, schema_path: Path, case: str) -> None:
    changes, gate = EDITED[case]
    (found,) = _with_pin(spec, schema_path, **changes).diagnostics
    assert (found.code, found.requirement) == ("DUR072", "R1.2")
    assert f"the gate '{gate}'" in found.message


def test_a_pin_whose_names_moved_is_refused_with_both(spec: Path, schema_path: Path) -> None:
    (found,) = _with_pin(spec, schema_path, bound=("Contact.Email",)).diagnostics
    assert (found.code, found.suggestions[0]) == ("DUR070", "Contact.Email")


# --- names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("Syncs Accounts and Contacts from Salesforce", ["Account", "Contact"]),
        ("Contact Email is required", ["Contact", "Contact.Email"]),
        ("Deduplicates Contacts by External ID, keeping the latest", ["Contact", "Contact.External_ID__c"]),
        (
            "Maps Health Status Green to healthy and Red to bad",
            [
                "Customer_Health__c",
                "Customer_Health__c.Health_Status__c",
                "Customer_Health__c.Health_Status__c=Green",
                "Customer_Health__c.Health_Status__c=Red",
            ],
        ),
        ("Runs hourly UTC", []),
        ("Alerts #data-ops on Slack when a run fails", []),
    ],
)
def test_a_sentence_is_bound_to_the_names_that_it_says(schema: Snapshot, sentence: str, names: list[str]) -> None:
    found = read(sentence, schema, ("Account", "Contact", "Customer_Health__c"))
    assert found.fault is None
    assert list(bindings.bindings(found.clauses, schema)) == names


def test_conditions_bind_fields_paths_and_picklist_values_at_any_depth(schema: Snapshot) -> None:
    status = FieldTerm("Customer_Health__c", "Health_Status__c")
    tree = Apply(
        "and",
        (
            Apply("eq", (status, Constant("Green", "text"))),
            Apply("not", (Apply("in", (status, Constant("Red", "text"), Constant("Mauve", "text"))),)),
        ),
    )
    where = {"source": {"objects": [{"name": "Customer_Health__c", "where": to_ir(tree), "fields": None}]}}
    assert sorted(set(bindings._bound(where, schema))) == [
        "Customer_Health__c",
        "Customer_Health__c.Health_Status__c",
        "Customer_Health__c.Health_Status__c=Green",
        "Customer_Health__c.Health_Status__c=Red",
    ]


def test_related_fields_lookups_left_out_fields_and_defaults_are_names_too(schema: Snapshot) -> None:
    related = {"op": "is_null", "args": [{"op": "field", "object": "Contact", "name": "Name", "path": "Account.Name"}]}
    parts = {
        "source": {
            "objects": [
                {
                    "name": "Contact",
                    "excluded": ["Birthdate"],
                    "where": related,
                    "lookups": [{"path": "Account.Name", "column": "x"}],
                }
            ]
        },
        "defaults": [{"object": "Customer_Health__c", "field": "Health_Status__c", "value": "Green"}],
        "guards": [{"kind": "min_rows", "object": "Account", "value": 1}],
    }
    assert sorted(set(bindings._bound(parts, schema))) == [
        "Account", "Contact", "Contact.Account.Name", "Contact.Birthdate", "Customer_Health__c",
        "Customer_Health__c.Health_Status__c", "Customer_Health__c.Health_Status__c=Green",
    ]  # fmt: skip


def test_every_example_of_the_language_has_bindings_that_the_schema_knows(whole_schema: Snapshot) -> None:
    everything = tuple(one.name for one in whole_schema.objects)
    for frame in REGISTRY.values():
        for example in frame.examples:
            found = read(example, whole_schema, everything)
            for name in bindings.bindings(found.clauses, whole_schema):
                assert name.split(".")[0].split("=")[0] in whole_schema.by_name, (example, name)
