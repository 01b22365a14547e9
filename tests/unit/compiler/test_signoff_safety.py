"""Hostile texts in requirements and schemas are text on the page for the reader who signs off, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from durable_compiler.package_inputs import package_templates, templates_folder
from durable_compiler.signoff import environment
from unit.compiler.signoff_specs import CORPUS_SCHEMA, Page, page_of, project
from unit.compiler.test_signoff import spec

ROOT = Path(__file__).parents[3]
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus='alert(1)",
    "</title></style><b>",
    "{{ p.name }}{% raw %}",
    "&lt;b&gt; &amp;",
    "a\u2028b\u202ec\u0007",
    "<!-- ]]> -->",
    "javascript:alert(1)",
)
KNOWN_TAGS = frozenset(
    """html head meta title style body a header h1 h2 h3 h4 p code span strong nav ul li main section article
    blockquote bdi mark div dl dt dd table caption thead tbody tr th td""".split()
)
KNOWN_ATTRIBUTES = frozenset(
    "lang charset name content http-equiv class href id aria-label aria-labelledby tabindex role scope".split()
)


def hostile_schema(text: str) -> str:
    """The schema with every label and every picklist value replaced or followed by this text."""
    data = json.loads(CORPUS_SCHEMA.read_text(encoding="utf-8"))
    data["objects"] = [one for one in data["objects"] if one["name"] in ("Account", "Contact")]
    for one in data["objects"]:
        one["label"], one["label_plural"] = f"{one['name']} {text}", f"{one['name']}s {text}"
        for field in one["fields"]:
            field["label"] = f"{field['name']} {text}"
            for entry in field["picklist"]:
                entry["value"], entry["label"] = f"{entry['value']} {text}", f"{entry['label']} {text}"
    return json.dumps(data)


def safe(page: Page) -> None:
    """Nothing but the template's own elements, and nothing that runs, loads or hides."""
    assert {one.tag for one in page.elements} <= KNOWN_TAGS
    assert {name for one in page.elements for name in one.attributes} <= KNOWN_ATTRIBUTES
    assert page.comments == []
    assert all(one.attributes["href"].startswith("#") for one in page.all("a"))
    assert len(page.all("title")) == len(page.all("style")) == 1
    assert "@import" not in page.all("style")[0].text
    assert "url(" not in page.all("style")[0].text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_everywhere_are_text_on_the_page(tmp_path: Path, text: str) -> None:
    schema, hidden = hostile_schema(text), re.compile("[\u2028\u202e\u0007]")
    in_file = hidden.sub("", text)  # a file with such a character is refused; a label may have it
    quiet = f"# Title {in_file}\n\n" + spec("Email is required", objects="Account and Contact").partition("\n\n")[2]
    told, page = page_of(project(tmp_path / "accepted", quiet, schema))
    safe(page)
    shown = hidden.sub("\ufffd", text)
    assert told.accepted
    assert page.texts("h1") == [" ".join(f"Title {in_file}".split())]
    assert any(shown in one for one in page.texts("td"))
    assert any(shown in one for one in page.texts("th"))
    loud = quiet + "".join(f"- R3.{at} {one.format(in_file)}\n" for at, one in enumerate(WRONG, 1))
    told, page = page_of(project(tmp_path / "rejected", loud, schema))
    safe(page)
    assert not told.accepted
    assert any(in_file in one for one in page.texts("article"))


WRONG = ("Hashes {0}", "Alerts {0} when a run fails", "A missing Account Industry becomes `{0}`", "Explodes {0}")


def test_no_template_of_the_page_turns_escaping_off() -> None:
    assert environment().autoescape is True
    for path in (templates_folder() / "explain").glob("*.j2"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe|autoescape|Markup|<script|\bon\w+=|style=", text), path.name
        # a value inside a tag stands in double quotes
        for value in re.findall(r"<[^<>{]*\{\{[^}]*\}\}", text):
            assert re.search(r'="[^"]*\{\{', value), (path.name, value)


def test_pages_for_readers_are_no_part_of_what_a_package_is_made_of() -> None:
    names = [one.relative_to(templates_folder()).parts[0] for one in package_templates()]
    assert "explain" not in names
    assert "pipeline" in names
