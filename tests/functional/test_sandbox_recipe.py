"""`durable sandbox --recipe`: an organisation from a Snowfakery recipe, as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from functional.test_sandbox_api import ROOT, Running

RECIPE = """
- option: people
  default: 2
- object: Account
  count: 3
  fields:
    Name: Company ${{id}}
  friends:
    - object: Contact
      count: ${{people}}
      fields:
        LastName:
          fake: LastName
        AccountId:
          reference: Account
"""


def refused(*options: str) -> str:
    """What the server says that does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "durable_sandbox", *options],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "sandbox")},
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def test_a_recipe_is_served_changed_and_comes_back_with_its_changes(tmp_path: Path) -> None:
    recipe, state = tmp_path / "org.recipe.yml", tmp_path / "state"
    recipe.write_text(RECIPE)
    options = ("--recipe", str(recipe), "--recipe-option", "people=4")
    with closing(Running(*options, "--state", str(state))) as running:
        found = running.records("SELECT Id, Account.Name FROM Contact WHERE Account.Name != null ORDER BY Id")
        assert [record["Account"]["Name"] for record in found] == [f"Company {n}" for n in (1, 2, 3) for _ in range(4)]
        change = {"object": "Contact", "insert": 2, "update": 3, "delete": 1, "duplicate": 1}
        running.admin("change", change).raise_for_status()
        truth = running.truth("Contact")
        assert len(truth) == 15
    recipe.unlink()
    with closing(Running("--state", str(state))) as again:
        assert again.truth("Contact") == truth


def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    recipe = tmp_path / "org.recipe.yml"
    recipe.write_text("- object: Contact\n  fields:\n    Lastname: x\n    Nickname: y\n")
    assert "org.recipe.yml:4: Contact has no field Nickname" in refused("--recipe", str(recipe))
    assert "--recipe-option people: write NAME=VALUE" in refused("--recipe", str(recipe), "--recipe-option", "people")
    assert "leave --rows out" in refused("--recipe", str(recipe), "--rows", "5")
    assert "add --recipe FILE" in refused("--recipe-option", "people=4")
