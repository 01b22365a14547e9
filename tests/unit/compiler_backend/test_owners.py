"""Every rule of a package names the one requirement that asked for it, also where several ask for the same kind."""

from __future__ import annotations

from pathlib import Path

from durable_compiler import catalogue
from durable_compiler.interpret import read_file
from durable_compiler.resolve import owners
from unit.compiler_backend.spec import describe, snapshot, spec

SCHEMA = snapshot(describe("Account", {"Phone": "phone", "Name": "string"}))


def test_two_required_fields_belong_to_their_own_requirements(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    path = tmp_path / "requirements" / "crm.md"
    rules = ("Account Phone is required", "Trims Account Name", "Account Name is required")
    path.write_text(spec("Accounts", *rules), encoding="utf-8")
    kept = tmp_path / "requirements" / "salesforce.schema.json"
    kept.write_text(catalogue.dump(SCHEMA), encoding="utf-8")
    reading = read_file(path, kept)
    assert reading.diagnostics == ()
    first = int(reading.requirements[-3].id.rpartition(".")[2])
    assert owners(reading.clauses, SCHEMA) == {
        ("required", "Account", "Phone"): f"R1.{first}",
        ("mappings", "Account", "Name"): f"R1.{first + 1}",
        ("required", "Account", "Name"): f"R1.{first + 2}",
    }
