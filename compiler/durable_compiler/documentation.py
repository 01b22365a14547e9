"""The reference pages of the language, one a kind of clause, written from the registry itself.

`python -m durable_compiler.documentation FOLDER SCHEMA` writes them; the schema is the organisation of the examples.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from durable_compiler import catalogue
from durable_compiler.catalogue import Snapshot
from durable_compiler.diagnostics import CODES
from durable_compiler.frames import REGISTRY
from durable_compiler.frames.frame import Assumed, Frame
from durable_compiler.grammar.reading import SentenceReading, echo, read
from durable_compiler.merging import fragment

NOTICE = "<!-- Written by `make docs` from the frames themselves. Do not edit. -->"

# What the examples' pipeline syncs: a bare field name is one of these objects'.
SYNCED = ("Account", "Contact", "Customer_Health__c", "Opportunity")


def pages(schema: Snapshot) -> dict[str, str]:
    """File name → text of every page, the index included."""
    made = {f"{kind}.md": _page(frame, schema) for kind, frame in REGISTRY.items()}
    return {"README.md": _index(), **made}


def write(folder: Path, schema: Snapshot) -> None:
    """Write the pages and remove those of kinds that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages(schema)
    for path in folder.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _index() -> str:
    rows = [f"| [{kind}]({kind}.md) | {frame.doc} | {frame.examples[0]} |" for kind, frame in REGISTRY.items()]
    head = [
        NOTICE,
        "",
        "# What a requirement may say",
        "",
        "Each page has sentences of one kind, what they mean, and what is refused. The examples are only examples: a",
        "sentence may say the same thing in other words. Begin with",
        "[How to write requirements](../../guide/writing-requirements.md).",
        "",
        "| kind | what it says | for example |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


def _page(frame: Frame, schema: Snapshot) -> str:
    understood = [(text, read(text, schema, SYNCED)) for text in frame.examples]
    refused = [(text, read(text, schema, SYNCED)) for text in frame.near_misses]
    parts = [
        [NOTICE, "", f"# {frame.kind}", "", frame.doc, ""],
        [f"It sets {', '.join(f'`{path}`' for path in frame.trace)} of the IR.", ""],
        ["## What is understood", "", *(row for one in understood for row in _example(*one, schema))],
        _assumptions([one for _, found in understood for clause in found.clauses for one in clause.assumed]),
        ["## What is refused, and why", "", "| sentence | code | why |", "|---|---|---|"],
        [_refusal(text, found) for text, found in refused],
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def _example(text: str, found: SentenceReading, schema: Snapshot) -> list[str]:
    assert found.clauses, f"an example that is not understood: {text}"
    canonical = echo(found.clauses, schema)
    same = [] if canonical == text else ["", f"is read as: {canonical}"]
    ir = [json.dumps(fragment(clause, schema), ensure_ascii=False) for clause in found.clauses]
    return [f"> {text}", *same, "", "```json", *ir, "```", ""]


def _assumptions(assumed: Sequence[Assumed]) -> list[str]:
    rows = dict.fromkeys(f"| `{one.key}` | `{json.dumps(one.value)}` | {one.why} |" for one in assumed)
    if not rows:
        return []
    return ["## What is assumed where a sentence is silent", "", "| key | value | why |", "|---|---|---|", *rows, ""]


def _refusal(text: str, found: SentenceReading) -> str:
    assert found.fault is not None, text
    cells = [text, f"{found.fault.code} {CODES[found.fault.code]}", found.fault.message]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    write(Path(sys.argv[1]), catalogue.load(Path(sys.argv[2])))
