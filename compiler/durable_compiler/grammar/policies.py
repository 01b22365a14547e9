"""Words of policies: what guards count, what needs approval, who approves, and the strategy with two copies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from durable_compiler.grammar.names import listed, object_name
from durable_compiler.grammar.sentence import Fault, Sentence

ROLES = (
    "data owner", "data steward", "data protection officer", "data engineer", "data engineering lead",
    "data platform lead", "platform lead", "platform owner", "product owner", "product manager", "security officer",
    "compliance officer", "privacy officer", "engineering manager", "engineering lead", "team lead", "tech lead",
    "project manager", "project lead", "business owner", "system owner", "database administrator", "dba",
    "administrator", "admin", "salesforce admin", "salesforce administrator", "release manager", "change manager",
    "analytics lead", "data lead", "head of data", "manager", "owner", "maintainer", "legal",
)  # fmt: skip
# A part of the organisation with the rank in it: marketing lead, head of finance.
_DEPARTMENTS = (
    "marketing sales finance it security legal operations support analytics engineering product compliance bi data crm"
    " hr warehouse platform governance procurement revenue salesforce"
).split()
_RANKS = "lead manager owner director officer team head architect steward engineer analyst admin administrator".split()
_RANKED = tuple(
    name
    for department in _DEPARTMENTS
    for name in (*(f"{department} {rank}" for rank in _RANKS), f"head of {department}")
    if name not in ROLES
)
_ROLES = {tuple(name.split()): name for name in (*ROLES, *_RANKED)}
_LONGEST_ROLE = max(map(len, _ROLES))
_QUOTED = re.compile(r"[^\W_](?:[\w &/.'-]{0,60}[\w.])?")


def role(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """`a data owner`, `the data owners`, or a role of the organisation's own in quotes."""
    start = at + (sentence.norm(at) in ("a", "an", "the", "our", "one", "any"))
    if sentence.kind(start) == "quoted" and _QUOTED.fullmatch(sentence.norm(start)):
        yield start + 1, sentence.norm(start)
    for size in range(1, _LONGEST_ROLE + 1):
        found = [sentence.norm(start + offset) for offset in range(size)]
        last = found[-1].removesuffix("'s")
        name = _ROLES.get((*found[:-1], last)) or _ROLES.get((*found[:-1], last.removesuffix("s")))
        if name is not None:
            yield start + size, name


def role_in_words(name: str) -> str:
    """A role as canonical English has it, with its article, in quotes when it is no ordinary one."""
    if tuple(name.split()) not in _ROLES:
        return f'"{name}"'
    if name == "legal":
        return name
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"


def blue_green(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """`blue/green`, `blue-green`, `blue and green`."""
    words = [sentence.norm(at + offset) for offset in range(3)]
    if words[0] in ("blue/green", "green/blue", "bluegreen"):
        yield at + 1, "blue_green"
    elif words[:2] == ["blue", "green"]:
        yield at + 2, "blue_green"
    elif words[0] == "blue" and words[1] in ("and", "&", "/") and words[2] == "green":
        yield at + 3, "blue_green"


def counted(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault | None]]:
    """What a guard counts: `rows` of every object (None), or the records of one object."""
    start = at
    while sentence.norm(start) in ("the", "all", "any", "existing", "live", "our"):
        start += 1
    if sentence.norm(start) not in ("row", "rows", "record", "records"):
        yield from object_name(sentence, at)
        return
    yield start + 1, None
    if sentence.norm(start + 1) in ("in", "of", "from"):
        target = start + 2 + (sentence.norm(start + 2) in ("the", "our"))
        if sentence.norm(target) in ("table", "target", "warehouse"):
            yield target + 1, None
        elif sentence.norm(target) != "salesforce":
            yield from object_name(sentence, start + 2)


# What needs approval, as the words that name it, in the order of the IR.
_SPEC = ("spec", "specification", "requirements", "requirement", "requirements file", "spec file")
_SCHEMA = ("schema", "salesforce schema", "table schema", "target schema", "warehouse schema", "database schema")
_CHANGE = ("changes", "change", "edits", "edit", "modifications", "modification")
_DEPLOYS = (
    "deployments deployment deploying deploys deploy releases release rollouts rollout promotions promotion".split()
)
_CHANGED = dict.fromkeys(_SPEC, "spec_change") | dict.fromkeys(_SCHEMA, "schema_change")
_LINKS = [
    f"{link} {article}" for link in ("to", "of", "in") for article in ("", "this ", "the ", "these ", "our ", "a ")
]
_PULLS = ("pull request that changes", "pull requests that change", "pull requests changing")
_THINGS: dict[tuple[str, ...], str] = {
    tuple(text.split()): thing
    for noun, thing in _CHANGED.items()
    for change in _CHANGE
    for text in (
        f"{noun} {change}",
        *(f"{pull} the {noun}" for pull in _PULLS),
        *(f"{change} {link}{noun}" for link in _LINKS),
    )
} | {
    tuple(text.split()): "deploy"
    for word in _DEPLOYS
    for text in (word, f"production {word}", f"{word} to production", f"{word} into production")
}
_LONGEST_THING = max(map(len, _THINGS))


def approved(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """`changes to this spec`, `deployments and schema changes`: what someone must approve."""
    return listed(sentence, at, _approved_thing)


def _approved_thing(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    start = at
    while sentence.norm(start) in ("any", "all", "every", "each", "a", "an", "the", "new", "our"):
        start += 1
    for size in range(1, _LONGEST_THING + 1):
        thing = _THINGS.get(tuple(sentence.norm(start + offset) for offset in range(size)))
        if thing is not None:
            yield start + size, thing
