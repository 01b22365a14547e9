"""Nothing that a user can meet lacks its documentation."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import pytest

from durable_compiler import catalogue, documentation
from durable_compiler.diagnostics import CODES
from durable_compiler.explain import explain_sentence
from durable_compiler.grammar.reading import read
from durable_compiler.interpret import load_snapshot, read_file
from durable_runtime import configuration, errors
from durable_runtime.warehouse.conformance_suite import CHECKS

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"

SETTINGS = {
    "Top level": configuration.TOP,
    "`profiles.<name>`": configuration.PROFILE,
    "`profiles.<name>.salesforce`": configuration.SALESFORCE,
    "`profiles.<name>.warehouse` (duckdb)": configuration.DUCKDB,
    "`profiles.<name>.warehouse` (snowflake)": configuration.SNOWFLAKE,
    "`profiles.<name>.alerts`": configuration.ALERTS,
    "`profiles.<name>.keys`": configuration.KEYS,
    "`paths`": configuration.PATHS,
    "`llm`": configuration.LLM,
}


def headings(page: str) -> set[str]:
    """The words that stand in a page's headings."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    return {word.strip("`") for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE) for word in line.split()}


def error_classes() -> list[type[errors.PipelineError]]:
    """Every error that a run can end with."""
    found = [value for _, value in inspect.getmembers(errors, inspect.isclass)]
    return [value for value in found if issubclass(value, errors.PipelineError)]


def pages() -> list[Path]:
    """Every text that reaches a user: pages, messages, templates, build files."""
    kept = {".md", ".py", ".toml", ".j2", ".txt", ".yaml", ".yml", ""}
    roots = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile", ".ci", "docs", "changes", "requirements"]
    roots += ["compiler", "runtime", "sandbox", "templates", "generated"]
    files = [path for name in roots for path in [ROOT / name, *sorted((ROOT / name).rglob("*"))] if path.is_file()]
    return [path for path in files if path.suffix in kept and "__pycache__" not in path.parts]


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: error.__name__)
def test_every_error_has_a_section_that_names_its_code_class_and_exit_code(error: type[errors.PipelineError]) -> None:
    text = (REFERENCE / "errors.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {error.code}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, f"docs/reference/errors.md lacks a section '## {error.code}'"
    assert f"**{error.__name__}**" in section[1]
    assert f"exit {error.exit_code}" in section[1]


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in error_classes()]
    assert sorted(codes) == sorted(set(codes))


def test_every_section_of_the_error_page_belongs_to_an_error() -> None:
    documented = {word for word in headings("errors.md") if re.fullmatch(r"RUN\d+", word)}
    assert documented == {error.code for error in error_classes()}


def test_the_diagnostics_page_and_the_table_of_codes_are_the_same_set() -> None:
    documented = {word for word in headings("diagnostics.md") if re.fullmatch(r"DUR\d+", word)}
    assert documented == set(CODES)


def test_every_command_has_a_section() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    commands = set(project["project"]["entry-points"]["durable.commands"])
    assert commands <= headings("commands.md")


@pytest.mark.parametrize("heading", SETTINGS, ids=str)
def test_a_section_of_the_configuration_page_lists_exactly_the_settings_that_are_read(heading: str) -> None:
    text = (REFERENCE / "configuration.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, f"docs/reference/configuration.md lacks a section '## {heading}'"
    assert set(re.findall(r"^\| `([a-z_]+)` \|", section[1], re.MULTILINE)) == set(SETTINGS[heading])


def quoted_sentences() -> list[str]:
    """The requirement sentences that the guide and the README tell people to write."""
    guide = (ROOT / "docs" / "guide" / "data-sync.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    quotes = re.findall(r'"([A-Z][A-Za-z-]+ [^"]{8,})"', guide)
    listed = re.findall(r"^- R\d+\.\d+ (.*)$", readme, re.MULTILINE)
    return sorted({*quotes, *listed, *re.findall(r'durable explain "([^"]+)"', guide + readme)} - {"View All Data"})


@pytest.mark.parametrize("sentence", quoted_sentences())
def test_a_sentence_that_the_documentation_recommends_is_understood(sentence: str) -> None:
    snapshot, missing = load_snapshot(ROOT / "requirements" / "salesforce.schema.json")
    assert missing == []
    assert snapshot is not None
    explained = explain_sentence(sentence, snapshot)
    assert explained["status"] == "understood", explained["diagnostics"]


def test_nothing_says_to_install_another_distribution_under_our_name() -> None:
    wrong = re.compile(r"pip install\s+(?:-\S+\s+)*['\"]?durable(?!-pipelines)\b")
    hits = [str(path.relative_to(ROOT)) for path in pages() if wrong.search(path.read_text(encoding="utf-8"))]
    assert hits == []


def test_no_link_between_pages_is_broken() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages()
        if page.suffix == ".md" and "generated" not in page.parts
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert broken == []


# --- the language -----------------------------------------------------------------------------------------------

CORPUS_SCHEMA = ROOT / "tests" / "cases" / "language" / "corpus" / "salesforce.schema.json"
GUIDE = ROOT / "docs" / "guide" / "writing-requirements.md"


def test_the_pages_of_the_language_are_what_the_frames_say() -> None:
    wanted = documentation.pages(catalogue.load(CORPUS_SCHEMA))
    folder = REFERENCE / "language"
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    assert found == wanted, "docs/reference/language is not current: run `make docs`"


def _guide_rows() -> list[list[str]]:
    rows = [line.strip("|").split("|") for line in GUIDE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    return [[cell.strip() for cell in row] for row in rows if row[0].strip() not in ("you want to say", "sentence")]


@pytest.mark.parametrize("sentence", [row[1] for row in _guide_rows() if len(row) == 2])
def test_a_sentence_of_the_guide_is_understood(sentence: str) -> None:
    schema = catalogue.load(CORPUS_SCHEMA)
    assert read(sentence, schema, ("Account", "Contact", "Customer_Health__c", "Opportunity")).fault is None


@pytest.mark.parametrize(("sentence", "code"), [(row[0], row[1]) for row in _guide_rows() if len(row) == 3])
def test_a_refused_sentence_of_the_guide_has_the_code_that_the_guide_says(sentence: str, code: str) -> None:
    schema = catalogue.load(CORPUS_SCHEMA)
    fault = read(sentence, schema, ("Account", "Contact", "Customer_Health__c")).fault
    assert fault is not None
    assert fault.code == code


def test_the_file_of_the_guide_compiles(tmp_path: Path) -> None:
    text = GUIDE.read_text(encoding="utf-8").split("```requirements\n")[1].split("```")[0]
    reading = read_file(tmp_path / "customer_data.md", CORPUS_SCHEMA, text=text)
    assert reading.diagnostics == ()
    assert reading.pipeline is not None


def test_the_page_of_warehouses_lists_every_check_with_what_it_proves() -> None:
    text = (REFERENCE / "warehouses.md").read_text(encoding="utf-8")
    for check in CHECKS:
        assert f"| `{check.__name__}` | {' '.join((check.__doc__ or '').split())} |" in text
