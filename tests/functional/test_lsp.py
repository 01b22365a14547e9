"""`durable lsp` over stdio, as an editor drives it: real messages, one process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from functional.project import REPOSITORY, environment

SPEC = """# Customer data sync

- R1.1 Syncs Accounts, Contacts, and Customer Health from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R4.2 Contact Email is required
"""


@dataclass
class Editor:
    """The editor's side of the conversation."""

    to_server: IO[bytes]
    from_server: IO[bytes]
    number: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        """Send a request and wait for its answer; notifications on the way are kept."""
        self.number += 1
        self._send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self.number and "method" not in message:
                assert "error" not in message, message
                return message["result"]
            self.told.append(message)

    def diagnostics(self, version: int) -> list[dict[str, Any]]:
        """The findings published for a version of the document."""
        while True:
            for message in self.told:
                params = message.get("params", {})
                if message.get("method") == "textDocument/publishDiagnostics" and params.get("version") == version:
                    found: list[dict[str, Any]] = params["diagnostics"]
                    return found
            self.told.append(self._receive())

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message, ensure_ascii=False).encode()
        self.to_server.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.to_server.flush()

    def _receive(self) -> dict[str, Any]:
        length = 0
        while (line := self.from_server.readline().strip()) != b"":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(self.from_server.read(length))
        return message


@dataclass
class Opened:
    """An editor with one document open."""

    editor: Editor
    uri: str
    process: subprocess.Popen[bytes]
    path: Path
    version: int = 1

    def change(self, text: str) -> list[dict[str, Any]]:
        """Replace the whole text and wait for what is wrong with it."""
        self.version += 1
        document = {"uri": self.uri, "version": self.version}
        self.editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
        return self.editor.diagnostics(self.version)

    def at(self, line: int, character: int) -> dict[str, Any]:
        """A position in the document."""
        return {"textDocument": {"uri": self.uri}, "position": {"line": line, "character": character}}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    folder = tmp_path / "requirements"
    folder.mkdir()
    shutil.copy(REPOSITORY / "requirements" / "salesforce.schema.json", folder)
    command = [sys.executable, "-m", "durable_runtime.durable_cli", "lsp"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path, env=environment()
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        editor = Editor(process.stdin, process.stdout)
        editor.ask("initialize", {"processId": None, "rootUri": tmp_path.as_uri(), "capabilities": {}})
        editor.notify("initialized", {})
        path = folder / "customer_data.md"
        document = {"uri": path.as_uri(), "languageId": "markdown", "version": 1, "text": SPEC}
        editor.notify("textDocument/didOpen", {"textDocument": document})
        yield Opened(editor, path.as_uri(), process, path)
        if process.poll() is None:
            editor.ask("shutdown", None)
            editor.notify("exit", None)
        assert process.wait(20) == 0


def _line(text: str, number: int) -> str:
    return text.splitlines()[number]


def test_a_file_that_was_never_saved_has_no_findings_when_it_is_right(opened: Opened) -> None:
    assert opened.editor.diagnostics(1) == []
    assert not opened.path.exists()


def test_a_finding_is_underlined_where_it_is_and_says_what_to_write(opened: Opened) -> None:
    found = opened.change(SPEC + "- R4.3 Contact Emial is required\n")
    assert [one["code"] for one in found] == ["DUR031"]
    (one,) = found
    start, end = one["range"]["start"], one["range"]["end"]
    assert start["line"] == end["line"] == 5
    assert "Emial" in "- R4.3 Contact Emial is required"[start["character"] : end["character"]]
    assert "Try: Contact Email is required" in one["message"]


def test_positions_count_utf_16_units_where_the_editor_does(opened: Opened) -> None:
    found = opened.change("- R1.1 Syncs Accounts from Salesforce\n- R1.2 🚀 Runs nightly at 25:00 UTC\n")
    (one,) = found
    line = "- R1.2 🚀 Runs nightly at 25:00 UTC".encode("utf-16-le")
    start, end = one["range"]["start"]["character"], one["range"]["end"]["character"]
    assert "25:00" in line[2 * start : 2 * end].decode("utf-16-le")


def test_windows_line_ends_are_lines(opened: Opened) -> None:
    found = opened.change(SPEC.replace("\n", "\r\n") + "- R4.3 Contact Emial is required\r\n")
    assert [one["range"]["start"]["line"] for one in found] == [5]


def test_two_hundred_quick_edits_end_in_the_findings_of_the_last(opened: Opened) -> None:
    word = "Contact Email is required"
    for index in range(200):
        opened.version += 1
        text = f"{SPEC}- R4.3 {word[: index % len(word)]}\n"
        document = {"uri": opened.uri, "version": opened.version}
        opened.editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
    assert opened.change(SPEC) == []


def test_completion_offers_objects_fields_and_the_words_that_may_follow(opened: Opened) -> None:
    text = (
        "- R1.1 Syncs Accounts and Contacts from Salesforce\n- R1.2 Syncs Opp\n- R1.3 Contact Em\n- R1.4 Runs every 1\n"
    )
    opened.change(text)

    def labels(line: int) -> list[str]:
        answer = opened.editor.ask("textDocument/completion", opened.at(line, len(_line(text, line))))
        return [one["label"] for one in answer["items"]]

    assert labels(1)[0] == "Opportunities"
    assert "Contact Email" in labels(2)
    assert "every 15 minutes" in labels(3)


def test_a_completion_replaces_what_was_typed_of_it(opened: Opened) -> None:
    text = "- R1.1 Syncs Accounts and Customer He\n"
    opened.change(text)
    answer = opened.editor.ask("textDocument/completion", opened.at(0, len(text) - 1))
    edit = next(one["textEdit"] for one in answer["items"] if one["label"] == "Customer Health")
    assert text[edit["range"]["start"]["character"] : edit["range"]["end"]["character"]] == "Customer He"


def test_a_new_requirement_is_offered_whole_sentences(opened: Opened) -> None:
    opened.change(SPEC + "- R9.1 \n")
    answer = opened.editor.ask("textDocument/completion", opened.at(5, 7))
    assert answer["items"][0]["label"] == "Syncs Accounts, Contacts, and Customer Health from Salesforce"


def test_hover_shows_canonical_english_the_ir_and_what_is_assumed(opened: Opened) -> None:
    opened.editor.diagnostics(1)
    answer = opened.editor.ask("textDocument/hover", opened.at(4, 12))
    text = answer["contents"]["value"]
    assert "**R4.2** Contact Email is required" in text
    assert '"field": "Email"' in text
    assert 'required.on_failure = "reject"' in text
    assert opened.editor.ask("textDocument/hover", opened.at(0, 1)) is None


def test_a_quick_fix_makes_the_finding_go_away(opened: Opened) -> None:
    text = SPEC + "- R4.3 Contact Emial is required\n"
    (found,) = opened.change(text)
    params = {"textDocument": {"uri": opened.uri}, "range": found["range"], "context": {"diagnostics": [found]}}
    actions = opened.editor.ask("textDocument/codeAction", params)
    edits = actions[-1]["edit"]["changes"][opened.uri]
    rows = text.split("\n")
    for edit in edits:
        start, end = edit["range"]["start"], edit["range"]["end"]
        row = rows[start["line"]]
        rows[start["line"]] = row[: start["character"]] + edit["newText"] + row[end["character"] :]
    assert opened.change("\n".join(rows)) == []


def test_formatting_gives_the_normal_form_and_nothing_when_it_is_there(opened: Opened) -> None:
    opened.change(SPEC)
    options = {"textDocument": {"uri": opened.uri}, "options": {"tabSize": 2, "insertSpaces": True}}
    assert opened.editor.ask("textDocument/formatting", options) is None
    opened.change(SPEC.replace("- R1.2 Runs", "* R1.2   Runs"))
    (edit,) = opened.editor.ask("textDocument/formatting", options)
    assert edit["newText"] == SPEC


def test_a_broken_snapshot_is_a_finding_and_a_repaired_one_is_read_again(opened: Opened) -> None:
    snapshot = opened.path.parent / "salesforce.schema.json"
    whole = snapshot.read_text(encoding="utf-8")
    snapshot.write_text("{", encoding="utf-8")
    assert [one["code"] for one in opened.change(SPEC)] == ["DUR012"]
    snapshot.write_text(whole, encoding="utf-8")
    assert opened.change(SPEC + "\n") == []


def test_the_server_ends_when_its_editor_is_gone(opened: Opened) -> None:
    opened.editor.diagnostics(1)
    opened.editor.to_server.close()
    assert opened.process.wait(20) == 0
