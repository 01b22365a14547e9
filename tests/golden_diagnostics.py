"""The golden diagnostics of tests/cases/language/rejected, which this script renews with `--write`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from durable_compiler.interpret import read_file

CASES = Path(__file__).parent / "cases" / "language"
COMMAND = "PYTHONPATH=compiler:runtime python tests/golden_diagnostics.py --write"


def golden(path: Path) -> dict[Path, str]:
    """The files beside a rejected one: what machines and what people are told."""
    found = read_file(path, CASES / "salesforce.schema.json", shown_as=path.name).diagnostics
    machines = json.dumps([one.to_json() for one in found], indent=1, ensure_ascii=False) + "\n"
    people = "\n\n".join(one.render(path.read_text(encoding="utf-8")) for one in found) + "\n"
    return {path.with_suffix(".json"): machines, path.with_suffix(".txt"): people}


def main() -> int:
    """Write what has changed, or only name it; 1 if something has."""
    stale = []
    for path in sorted((CASES / "rejected").glob("*.md")):
        for file, text in golden(path).items():
            if not file.is_file() or file.read_text(encoding="utf-8") != text:
                stale.append(file.name)
                if "--write" in sys.argv:
                    file.write_text(text, encoding="utf-8")
    print("\n".join(stale))
    return 1 if stale and "--write" not in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())
