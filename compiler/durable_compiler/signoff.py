"""The page for a reader who signs off: what was understood and assumed, examples, costs, and what follows from it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2

from durable_compiler import catalogue, costs, example_records, release, signoff_facts
from durable_compiler.compilation import read_whole
from durable_compiler.costs import Costs
from durable_compiler.diagnostics import CODES, Diagnostic
from durable_compiler.example_records import Example
from durable_compiler.interpret import Reading
from durable_compiler.ir import Assumption, Pipeline
from durable_compiler.layout import lay_out
from durable_compiler.lock import PINNED
from durable_compiler.package import COMPILER, Project, committed
from durable_compiler.package_inputs import templates_folder
from durable_compiler.plan import Identity, plan
from durable_compiler.policies import policies
from durable_compiler.release import Release
from durable_compiler.renderings import did_you_mean
from durable_compiler.requirements import Requirement
from durable_compiler.resolve import owners
from durable_compiler.rules import Rules
from durable_compiler.signoff_facts import Fact
from durable_runtime import RUNTIME_API
from durable_runtime.salesforce.sizes import SIZES

UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
# What the costs are counted with; the page states it.
COUNTED = ("ONCE_A_RUN", "RECORDS", "CHANGED", "JOB_SECONDS", "ALLOWANCE")
ASSUMED = {
    **{name: getattr(costs, name) for name in COUNTED},
    "SIZES": SIZES,
    "POLLS": costs.polls(costs.JOB_SECONDS),
}
STATUSES = {
    "understood": "Understood",
    "pinned": "Pinned: a person accepted this reading",
    "rejected": "Rejected",
    "unread": "Not read",
}


@dataclass(frozen=True)
class Finding:
    """A diagnostic as the page shows it."""

    code: str
    title: str
    severity: str
    message: str
    place: str
    note: str
    help: str
    meant: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Sentence:
    """A requirement: its text in parts, of which those are marked that something is wrong with."""

    id: str
    anchor: str
    text: tuple[tuple[str, bool], ...]
    echo: str
    status: str
    findings: tuple[Finding, ...]

    @property
    def status_words(self) -> str:
        """The status for a reader."""
        return STATUSES[self.status]


@dataclass(frozen=True)
class Assumed:
    """A default that filled what a sentence left open."""

    key: str
    value: str
    why: str
    requirement: str
    anchor: str


@dataclass(frozen=True)
class Understood:
    """What can be said of a file that compiles."""

    release: Release
    ir_hash: str
    assumptions: tuple[Assumed, ...]
    examples: tuple[Example, ...]
    costs: Costs
    quota: float | None
    destination: tuple[Fact, ...]
    told: tuple[Fact, ...]
    approvers: tuple[Fact, ...]
    stops: tuple[Fact, ...]
    signatures: tuple[str, ...]


@dataclass(frozen=True)
class SignOff:
    """The whole page; `understood` is None where the file does not compile."""

    name: str
    title: str
    version: str | None
    sentences: tuple[Sentence, ...]
    findings: tuple[Finding, ...]
    understood: Understood | None

    @property
    def accepted(self) -> bool:
        """Whether the file compiles."""
        return self.understood is not None

    @property
    def rejected(self) -> int:
        """How many requirements are rejected."""
        return sum(one.status == "rejected" for one in self.sentences)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What the package carries and this version cannot do."""
        every = (*self.findings, *(found for one in self.sentences for found in one.findings))
        return tuple(one for one in every if one.severity == "warning")


def sign_off(root: Path, name: str) -> tuple[SignOff, Reading]:
    """What the page of a pipeline says, and the reading behind it."""
    project = Project(root, name)
    reading = read_whole(project)
    anchors = {one.id: f"requirement-{at}" for at, one in reversed(list(enumerate(reading.requirements, 1)))}
    sentences, rest = _sentences(reading)
    understood = None if reading.pipeline is None else _understood(project, reading, reading.pipeline, anchors)
    page = SignOff(name, _title(project), project.version(), sentences, tuple(map(_finding, rest)), understood)
    return page, reading


def as_html(page: SignOff) -> str:
    """The page: one file that needs no other."""
    return environment().get_template("explain/page.html.j2").render(p=page, k=ASSUMED)


@cache
def environment() -> jinja2.Environment:
    """Every value is escaped and shown without what could move, hide or turn text; an undefined one is an error."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_folder(), encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters.update(percent=signoff_facts.percent, thousands="{:,}".format)
    return env


def _printable(value: Any) -> Any:
    if type(value) is not str:
        return value  # numbers, and what a block or an include has rendered and escaped
    return "".join("\ufffd" if unicodedata.category(one) in UNPRINTABLE else one for one in value)


def _title(project: Project) -> str:
    try:
        return project.title()
    except (OSError, UnicodeDecodeError):
        return project.name


# --- the sentences ----------------------------------------------------------------------------------------------


def _sentences(reading: Reading) -> tuple[tuple[Sentence, ...], list[Diagnostic]]:
    """Every requirement with what is wrong with it, and what is wrong with none of them."""
    blocks = {one.id: one for one in reading.lock}
    rest = list(reading.diagnostics)
    found = []
    for at, one in enumerate(reading.requirements, 1):
        own = [each for each in rest if _concerns(each, one)]
        rest = [each for each in rest if each not in own]
        block = blocks.get(one.id)
        status = "unread" if block is None else "pinned" if block.via == PINNED else "understood"
        status = "rejected" if any(each.severity == "error" for each in own) else status
        echo = block.echo if block is not None else ""
        found.append(Sentence(one.id, f"requirement-{at}", _marked(one, own), echo, status, tuple(map(_finding, own))))
    return tuple(found), rest


def _concerns(one: Diagnostic, requirement: Requirement) -> bool:
    lines = {requirement.line, *(line for line, _ in requirement.origins)}
    return one.requirement == requirement.id and one.line in lines


def _marked(requirement: Requirement, diagnostics: Sequence[Diagnostic]) -> tuple[tuple[str, bool], ...]:
    """The text in parts: those that an error points to, and the others."""
    spans = [((one.line, one.column), (one.end_line, one.end_column)) for one in diagnostics if one.severity == "error"]
    wrong = (any(start <= place < end for start, end in spans) for place in requirement.origins)
    parts = groupby(zip(requirement.text, wrong, strict=True), key=lambda one: one[1])
    return tuple(("".join(character for character, _ in part), mark) for mark, part in parts)


def _finding(one: Diagnostic) -> Finding:
    place, title = f"{one.file}:{one.line}:{one.column}", CODES[one.code]
    meant = did_you_mean(one)
    return Finding(one.code, title, one.severity, one.message, place, one.note, one.help, meant, one.sentences)


# --- what follows from them -------------------------------------------------------------------------------------


def _understood(project: Project, reading: Reading, pipeline: Pipeline, anchors: dict[str, str]) -> Understood:
    snapshot, before = catalogue.load(project.snapshot), committed(project)
    following = release.plan(project.name, before.version, before.ir, pipeline.model_dump(mode="json"))
    layout = lay_out(pipeline, snapshot)
    identity = Identity(following.version, COMPILER, RUNTIME_API, project.title())
    whose = owners(reading.clauses, snapshot)
    modules = plan(pipeline, snapshot, identity, whose)
    package = example_records.Package.of(modules)
    rules = {one.name: Rules(pipeline, snapshot, one, layout.columns[one.name]) for one in pipeline.source.objects}
    return Understood(
        release=following,
        ir_hash=pipeline.ir_hash,
        assumptions=tuple(_assumed(one, anchors) for one in pipeline.assumptions),
        examples=tuple(example_records.examples(package, rules)),
        costs=costs.costs(pipeline, package.extracts, _schedule(pipeline), snapshot),
        quota=pipeline.quota.max_api_share,
        destination=tuple(signoff_facts.destination(pipeline, snapshot, whose)),
        told=tuple(signoff_facts.told(pipeline)),
        approvers=tuple(signoff_facts.approvers(pipeline)),
        stops=tuple(signoff_facts.stops(pipeline, snapshot, whose, policies(pipeline, layout))),
        signatures=tuple(_signatures(pipeline)),
    )


def _assumed(one: Assumption, anchors: dict[str, str]) -> Assumed:
    value = ", ".join(one.value) if isinstance(one.value, tuple) else _words(one.value)
    return Assumed(one.key, value, one.why, one.requirement or "", anchors.get(one.requirement or "", ""))


def _words(value: bool | float | str | None) -> str:
    """A value for a reader."""
    if value is None:
        return "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _schedule(pipeline: Pipeline) -> str:
    """The present schedule in the canonical words of its requirement."""
    said = pipeline.trace.get("schedule", ())
    return next((one.echo for one in pipeline.requirements if one.id in said), "As the requirements say")


def _signatures(pipeline: Pipeline) -> Iterator[str]:
    """A line for each person who has to agree to a change of the requirements, at least one."""
    role = pipeline.approvals.role or "reader"
    yield from [role[:1].upper() + role[1:]] * max(1, pipeline.approvals.spec_change)
