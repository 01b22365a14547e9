"""`durable lsp`: the editor's questions over stdio, answered from the text as it stands, saved or not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

from durable_compiler import catalogue as catalogues
from durable_compiler.catalogue import Snapshot
from durable_compiler.diagnostics import Diagnostic
from durable_compiler.editor import Completion, Page
from durable_compiler.package import COMPILER
from durable_compiler.requirements import ID

PAUSE_SECONDS = 0.15  # after the last key, before the file is read again
_KINDS = {
    "word": types.CompletionItemKind.Keyword,
    "object": types.CompletionItemKind.Class,
    "field": types.CompletionItemKind.Field,
    "value": types.CompletionItemKind.Value,
    "sentence": types.CompletionItemKind.Snippet,
}
_SEVERITIES = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}


class RequirementsServer(LanguageServer):
    """A language server that keeps one snapshot a project and one pending reading a document."""

    def __init__(self) -> None:
        super().__init__("durable", COMPILER)
        self.pending: dict[str, asyncio.Task[None]] = {}
        self._snapshots: dict[tuple[Path, int], Snapshot | None] = {}

    def page(self, uri: str) -> Page:
        """The document as the editor holds it, with the schema of its project."""
        path = Path(unquote(urlparse(uri).path))
        snapshot = path.parent / "salesforce.schema.json"
        return Page(path, self.workspace.get_text_document(uri).source, snapshot, self._schema(snapshot))

    def _schema(self, path: Path) -> Snapshot | None:
        """The snapshot, read again when the file changes; None when it is missing or broken, which is a finding."""
        try:
            key = (path, path.stat().st_mtime_ns)
            if key not in self._snapshots:
                self._snapshots[key] = catalogues.load(path)
        except (OSError, ValueError):
            return None
        return self._snapshots[key]

    def publish(self, uri: str) -> None:
        """Read the document and show what is wrong with it."""
        document = self.workspace.get_text_document(uri)
        found = [_shown(one, document, self) for one in self.page(uri).findings()]
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, diagnostics=found, version=document.version)
        )


def server() -> RequirementsServer:
    """The server with everything that it answers."""
    made = RequirementsServer()
    _documents(made)
    _questions(made)
    return made


def _documents(made: RequirementsServer) -> None:
    @made.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(server: RequirementsServer, params: types.DidOpenTextDocumentParams) -> None:
        server.publish(params.text_document.uri)

    @made.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(server: RequirementsServer, params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        if uri in server.pending:
            server.pending[uri].cancel()
        server.pending[uri] = asyncio.get_running_loop().create_task(_later(server, uri))

    @made.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(server: RequirementsServer, params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        if uri in server.pending:
            server.pending.pop(uri).cancel()
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri=uri, diagnostics=[]))


async def _later(server: RequirementsServer, uri: str) -> None:
    """Read after a pause in the typing; a newer key cancels this."""
    await asyncio.sleep(PAUSE_SECONDS)
    server.pending.pop(uri, None)
    server.publish(uri)


def _questions(made: RequirementsServer) -> None:
    @made.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[" "]))
    def complete(server: RequirementsServer, params: types.CompletionParams) -> types.CompletionList:
        return _completions(server, params)

    @made.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(server: RequirementsServer, params: types.HoverParams) -> types.Hover | None:
        meaning = server.page(params.text_document.uri).meaning(params.position.line + 1)
        return None if meaning is None else types.Hover(types.MarkupContent(types.MarkupKind.Markdown, meaning))

    @made.feature(
        types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
    )
    def fixes(server: RequirementsServer, params: types.CodeActionParams) -> list[types.CodeAction]:
        return _actions(server, params)

    @made.feature(types.TEXT_DOCUMENT_FORMATTING)
    def format_document(
        server: RequirementsServer, params: types.DocumentFormattingParams
    ) -> list[types.TextEdit] | None:
        return _formatted(server, params.text_document.uri)


# --- positions: the editor counts UTF-16 units or what was agreed, Durable counts code points --------------------


def _range(server: RequirementsServer, document: TextDocument, one: Any) -> types.Range:
    start = types.Position(one.line - 1, one.column - 1)
    end = types.Position(one.end_line - 1, one.end_column - 1)
    codec = server.workspace.position_codec
    return types.Range(
        codec.position_to_client_units(document.lines, start), codec.position_to_client_units(document.lines, end)
    )


def _prefix(server: RequirementsServer, document: TextDocument, position: types.Position) -> tuple[str, int]:
    """The sentence up to the cursor, and the column in code points at which it begins."""
    at = server.workspace.position_codec.position_from_client_units(document.lines, position)
    line = document.lines[at.line][: at.character] if at.line < len(document.lines) else ""
    words = line.split(" ")
    # `- R1.1 ` or `R1.1 `: what stands before the sentence.
    head = 0
    while words and (words[0] in ("", "-", "*", "+") or ID.fullmatch(words[0])):
        head += len(words.pop(0)) + 1
    return line[head:], head


# --- answers ----------------------------------------------------------------------------------------------------


def _shown(one: Diagnostic, document: TextDocument, server: RequirementsServer) -> types.Diagnostic:
    parts = [one.message, one.help, *(f"Try: {sentence}" for sentence in one.sentences[:2])]
    return types.Diagnostic(
        range=_range(server, document, one),
        message="\n".join(part for part in parts if part),
        severity=_SEVERITIES[one.severity],
        code=one.code,
        source="durable",
    )


def _completions(server: RequirementsServer, params: types.CompletionParams) -> types.CompletionList:
    document = server.workspace.get_text_document(params.text_document.uri)
    prefix, head = _prefix(server, document, params.position)
    codec = server.workspace.position_codec
    here = codec.position_from_client_units(document.lines, params.position)

    def item(index: int, one: Completion) -> types.CompletionItem:
        start = codec.position_to_client_units(document.lines, types.Position(here.line, head + one.start))
        return types.CompletionItem(
            label=one.text,
            kind=_KINDS[one.kind],
            detail=one.detail or None,
            sort_text=f"{index:05d}",
            filter_text=one.text,
            text_edit=types.TextEdit(types.Range(start, params.position), one.text),
        )

    found = server.page(params.text_document.uri).completions(prefix)
    return types.CompletionList(is_incomplete=True, items=[item(index, one) for index, one in enumerate(found)])


def _actions(server: RequirementsServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Every fix of the findings below the cursor: first what is surely meant, then sentences that compile."""
    uri = params.text_document.uri
    document = server.workspace.get_text_document(uri)
    page = server.page(uri)
    found: list[types.CodeAction] = []
    for one in page.findings():
        where = _range(server, document, one)
        if where.end.line < params.range.start.line or where.start.line > params.range.end.line:
            continue
        if one.fix is not None:
            edit = types.TextEdit(_range(server, document, one.fix), one.fix.text)
            found.append(_action(uri, f"Write {one.fix.text!r}", edit, _shown(one, document, server), preferred=True))
        requirement = page.requirement_at(one.line)
        if requirement is None or not requirement.origins:
            continue
        whole = _range(server, document, requirement.span(0, len(requirement.text)))
        found += [
            _action(uri, f"Write: {sentence}", types.TextEdit(whole, sentence), _shown(one, document, server))
            for sentence in one.sentences
        ]
    return found


def _action(
    uri: str, title: str, edit: types.TextEdit, finding: types.Diagnostic, *, preferred: bool = False
) -> types.CodeAction:
    return types.CodeAction(
        title=title,
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[finding],
        is_preferred=preferred,
        edit=types.WorkspaceEdit(changes={uri: [edit]}),
    )


def _formatted(server: RequirementsServer, uri: str) -> list[types.TextEdit] | None:
    from durable_compiler.formatting import formatted

    document = server.workspace.get_text_document(uri)
    text = formatted(document.source).text
    if text == document.source:
        return None
    end = types.Position(len(document.lines), 0)
    return [types.TextEdit(types.Range(types.Position(0, 0), end), text)]
