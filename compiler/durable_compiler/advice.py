"""What a person can do about a diagnostic: what was understood, what it looks like, a sentence that compiles, a fix."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from durable_compiler.catalogue import Snapshot, squeeze
from durable_compiler.diagnostics import Diagnostic, Fix, Near
from durable_compiler.edits import Edit
from durable_compiler.fixes import file_fix, rows_of
from durable_compiler.frames import frame_of
from durable_compiler.frames.frame import Clause
from durable_compiler.frames.schedule import Schedule
from durable_compiler.frames.sync import Sync
from durable_compiler.grammar.names import HEDGES, NEGATIONS
from durable_compiler.grammar.partial import kinds_with_fault, prefix, suffix
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.vocabulary import pieces, unknown, words
from durable_compiler.repairs import Search, example, repaired
from durable_compiler.requirements import HIDDEN, ID, Requirement, blocks_in

# A name this much alike, and this much more than the next one, is surely meant.
SURE, MARGIN = 90, 10
_ALIKE = 65
_NAMES = frozenset({"DUR030", "DUR031", "DUR033", "DUR039", "DUR045", "DUR054"})
# The value or the words at the span are at fault; for the other codes, a sentence that is understood by itself.
_UNREAD = frozenset({"DUR020", "DUR021", "DUR022", "DUR023"})
_OF_A_SENTENCE = re.compile(r"DUR0[234568]\d")


@dataclass(frozen=True)
class Context:
    """What the advice is about: the file's text and requirements, its catalogue, synced objects and schedule's zone."""

    text: str
    requirements: tuple[Requirement, ...]
    catalogue: Snapshot
    synced: tuple[str, ...]
    zone: str = "UTC"


@dataclass(frozen=True)
class Case:
    """A diagnostic of a whole file or of several requirements, and the requirement that it stands at."""

    diagnostic: Diagnostic
    requirement: Requirement | None
    context: Context

    @property
    def sentence(self) -> str:
        """The requirement's text, empty without one."""
        return "" if self.requirement is None else self.requirement.text


def advised(
    diagnostics: Sequence[Diagnostic],
    text: str,
    requirements: Sequence[Requirement],
    clauses: Sequence[Clause],
    catalogue: Snapshot,
) -> tuple[Diagnostic, ...]:
    """The same diagnostics with what a person needs next."""
    synced = dict.fromkeys(name for one in clauses if isinstance(one, Sync) for name in one.objects)
    zone = next((one.zone for one in clauses if isinstance(one, Schedule)), "UTC")
    context = Context(text, tuple(requirements), catalogue, tuple(synced), zone)
    return tuple(_advised(one, [each for each in diagnostics if each is not one], context) for one in diagnostics)


def _advised(one: Diagnostic, others: Sequence[Diagnostic], context: Context) -> Diagnostic:
    requirement = _requirement(one, context)
    search = Search(context.catalogue, context.synced)
    of_itself = requirement is not None and bool(requirement.text) and not search.reads(requirement.text)
    if one.code in _OF_FILE and not (of_itself and one.code >= "DUR030" and _OF_A_SENTENCE.fullmatch(one.code)):
        sentences = tuple(dict.fromkeys(_OF_FILE[one.code](Case(one, requirement, context))))
        return replace(one, sentences=sentences, fix=file_fix(one, context.text))
    if requirement is None or not requirement.text or not _OF_A_SENTENCE.fullmatch(one.code):
        return one
    fault = _fault(one, requirement)
    sentence = Sentence(requirement.text, context.catalogue, context.synced)
    near = _near(requirement.text, fault, context.catalogue)
    near = near or (_near_words(sentence, fault) if fault.code == "DUR020" else ())
    beside = [_fault(each, requirement) for each in others if _requirement(each, context) is requirement]
    fix = _fix(requirement, fault, beside, search)
    found = repaired(requirement.text, fault, search, limit=2 if fix is None else 1)
    kinds = _kinds(sentence, fault)
    sentences = found or example(requirement.text, search, kinds)
    return replace(
        one,
        note=_note(sentence, fault, kinds),
        near=near,
        suggestions=_names(one, search),
        sentences=sentences,
        fix=fix,
    )


def _requirement(one: Diagnostic, context: Context) -> Requirement | None:
    same = [each for each in context.requirements if each.id == one.requirement]
    return next((each for each in same if each.line == one.line), same[0] if same else None)


def _fault(one: Diagnostic, requirement: Requirement) -> Fault:
    """A diagnostic of a sentence with its place in the sentence's text."""
    places = {place: at for at, place in reversed([*enumerate(requirement.origins)])}
    start = places.get((one.line, one.column), 0)
    end = places.get((one.end_line, one.end_column - 1), len(requirement.text) - 1) + 1
    return Fault(one.code, one.message, start, max(end, start + 1), one.help, one.suggestions)


def _names(one: Diagnostic, search: Search) -> tuple[str, ...]:
    """The suggestions that are names, or sentences that compile here: an example may be about other objects."""
    if one.code == "DUR021":
        return tuple(text for text in one.suggestions if search.reads(text))
    return () if one.code in _UNREAD else one.suggestions


# --- what was understood ----------------------------------------------------------------------------------------


def _note(sentence: Sentence, fault: Fault, kinds: Sequence[str]) -> str:
    """`I understood … but not …` in the sentence's own words."""
    span = sentence.text[fault.start : fault.end]
    if kinds and fault.code not in _UNREAD:
        return f"every word, as a rule of the kind {kinds[0]}" + (f", but '{span}'" if span != sentence.text else "")
    if fault.code == "DUR021":
        return "every word, in more than one way"
    part = prefix(sentence) or suffix(sentence, fault.end)
    if part is None:
        return _pieces(sentence)
    before, after = (
        sentence.text[: sentence.tokens[part.start].start],
        sentence.text[sentence.tokens[part.end - 1].end :],
    )
    known = frame_of(part.clause).echo(part.clause, sentence.catalogue)
    rest = (before if part.start else after).strip(" ,;.")
    return f"'{sentence.spelling(part.start, part.end)}' (kind {part.clause.kind}: {known}), but not '{rest}'"


def _pieces(sentence: Sentence) -> str:
    known = [f"'{sentence.spelling(start, end)}' ({what})" for start, end, what in pieces(sentence)]
    strange = [f"'{sentence.tokens[at].text}'" for at in unknown(sentence)]
    parts = [", ".join(known) or "no part of it"]
    if strange:
        parts.append(f"no rule has the word{'s' * (len(strange) > 1)} {', '.join(strange)}")
    else:
        parts.append("every word is known, but no rule has them in this order")
    return "; ".join(parts)


def _kinds(sentence: Sentence, fault: Fault) -> list[str]:
    """The kinds of rule that read the sentence but for the refused value, or its beginning."""
    whole = prefix(sentence)
    return kinds_with_fault(sentence, fault.start, fault.end) or ([whole.clause.kind] if whole else [])


# --- what it looks like -----------------------------------------------------------------------------------------


def _near(text: str, fault: Fault, catalogue: Snapshot) -> tuple[Near, ...]:
    """The suggested names with how much they are alike; of several names of one thing, the most alike."""
    if fault.code not in _NAMES or (fault.start, fault.end) == (0, len(text)):
        return ()
    written = text[fault.start : fault.end].strip('`"“”').casefold()
    best: dict[object, Near] = {}
    for name in fault.suggestions:
        score = _score(written, name)
        thing: object = catalogue.by_key.get(squeeze(name)) if fault.code == "DUR030" else name
        if score >= _ALIKE and score > best.get(thing, Near("", 0)).score:
            best[thing] = Near(name, score)
    return tuple(sorted(best.values(), key=lambda one: (-one.score, one.text)))


def _score(written: str, name: str) -> int:
    from rapidfuzz import fuzz

    return round(fuzz.ratio(written, name.casefold()))


# --- fixes ------------------------------------------------------------------------------------------------------


def _fix(requirement: Requirement, fault: Fault, beside: Sequence[Fault], search: Search) -> Fix | None:
    """A misspelt name or word that can only mean one thing, if with the sentence's other fixes the sentence reads."""
    first, *more = (_sure(requirement.text, one, search) for one in (fault, *beside))
    if first is None or None in more:
        return None
    text = requirement.text
    for edit in sorted({first, *(one for one in more if one)}, key=lambda one: one.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    if not search.reads(text):
        return None
    span = requirement.span(first.start, first.end)
    return Fix(span.line, span.column, span.end_line, span.end_column, first.text)


def _sure(text: str, fault: Fault, search: Search) -> Edit | None:
    near = _near(text, fault, search.catalogue)
    return _sure_name(fault, near) or _sure_word(text, fault, search)


def _sure_name(fault: Fault, near: tuple[Near, ...]) -> Edit | None:
    if fault.code not in _NAMES or not near or near[0].score < SURE:
        return None
    runner_up = near[1].score if len(near) > 1 else _ALIKE
    return Edit(fault.start, fault.end, near[0].text) if near[0].score - runner_up >= MARGIN else None


def _sure_word(text: str, fault: Fault, search: Search) -> Edit | None:
    """The one word that no rule knows, if it is a misspelt word of a rule and not of a negation or a hedge."""
    from rapidfuzz import fuzz, process

    sentence = Sentence(text, search.catalogue, search.synced)
    near = _near_words(sentence, fault)
    token = sentence.tokens[unknown(sentence)[0]] if near else None
    if token is None or len(token.text) < 5 or near[0].score < SURE:
        return None
    runner_up = near[1].score if len(near) > 1 else 0
    _, risk, _ = process.extractOne(token.norm, sorted(NEGATIONS | HEDGES), scorer=fuzz.ratio)
    if near[0].score - runner_up < MARGIN or risk >= 75:
        return None
    word = near[0].text
    return Edit(token.start, token.end, word[:1].upper() + word[1:] if token.text[:1].isupper() else word)


def _near_words(sentence: Sentence, fault: Fault) -> tuple[Near, ...]:
    """The words of rules that look like the one word that no rule knows; of a verb's inflections the nearest."""
    from rapidfuzz import fuzz, process

    strange = unknown(sentence)
    if fault.code not in ("DUR020", "DUR030", "DUR031") or len(strange) != 1:
        return ()
    written = sentence.norm(strange[0])
    found: dict[str, Near] = {}
    for word, score, _ in process.extract(written, sorted(words()), scorer=fuzz.ratio, limit=8, score_cutoff=75):
        found.setdefault(word[:5], Near(word, round(score)))
    return tuple(found.values())[:3]


# --- diagnostics of a whole file --------------------------------------------------------------------------------


def _without_mark(case: Case) -> Iterator[str]:
    """The sentence without the question in it, or the nearest one that reads."""
    text = re.sub(r"\s*\[NEEDS CLARIFICATION[^\]]*\]", "", case.sentence).strip()
    yield from _read_or_near(text, case.context)


def _read_or_near(text: str, context: Context) -> Iterator[str]:
    search = Search(context.catalogue, context.synced)
    if text and search.reads(text):
        yield text
    else:
        yield from example(text, search)


def _itself(case: Case) -> Iterator[str]:
    """The sentence as it stands, without what cannot be seen, or the nearest one that reads."""
    yield from _read_or_near(HIDDEN.sub("", case.sentence), case.context)


def _item(case: Case) -> Iterator[str]:
    """The text of an item whose ID is missing, malformed or not its own."""
    blocks = blocks_in(rows_of(case.context.text))
    found = next((block for block in blocks if block.lines[0][0] == case.diagnostic.line), None)
    text = " ".join(body for _, _, body in found.lines) if found else ""
    if case.diagnostic.code != "DUR003":
        text = text.partition(" ")[2]
    yield from _read_or_near(" ".join(text.split()), case.context)


def _sync(case: Case) -> Iterator[str]:
    """A sentence that syncs: the objects that the diagnostic names, or the first that can be queried."""
    objects = [each for each in case.context.catalogue.objects if each.queryable]
    message = case.diagnostic.message if case.diagnostic.code == "DUR034" else ""
    named = [each for each in objects if message.startswith(f"{each.label} ")]
    for each in (named or objects)[:1]:
        yield f"Syncs {case.context.catalogue.object_label(each.name)} from Salesforce"


def _either(case: Case) -> Iterator[str]:
    """Each of two sentences that contradict each other: alone it compiles."""
    known = {each.id: each.text for each in case.context.requirements}
    search = Search(case.context.catalogue, case.context.synced)
    for identifier in dict.fromkeys(ID.findall(f"{case.diagnostic.message} {case.diagnostic.help}")):
        if identifier in known and search.reads(known[identifier]):
            yield known[identifier]
    if not search.known:
        yield from _in_help(case)


def _zoned(case: Case) -> Iterator[str]:
    """The sentence with its zone replaced by the schedule's."""
    from durable_compiler.grammar.zones import zone

    text = case.sentence
    sentence = Sentence(text, case.context.catalogue, case.context.synced)
    search = Search(case.context.catalogue, case.context.synced)
    for at in range(len(sentence.tokens)):
        for end, value in zone(sentence, at):
            if isinstance(value, str) and value != case.context.zone and sentence.norm(at) != "in":
                start, stop = sentence.tokens[at].start, sentence.tokens[end - 1].end
                candidate = text[:start] + case.context.zone + text[stop:]
                if search.reads(candidate):
                    yield candidate
                    return


def _in_help(case: Case) -> Iterator[str]:
    """The sentence that the help ends with, if it compiles."""
    text = case.diagnostic.help.rpartition(": ")[2].strip(" .")
    search = Search(case.context.catalogue, case.context.synced)
    yield from ([text] if text and search.reads(text) else _read_or_near(case.sentence, case.context))


Sentences = Callable[[Case], Iterator[str]]
_OF_FILE: dict[str, Sentences] = {
    "DUR003": _item,
    "DUR004": _item,
    "DUR005": _item,
    "DUR006": _item,
    "DUR007": _itself,
    "DUR008": _without_mark,
    "DUR009": _item,
    "DUR010": _sync,
    "DUR034": _sync,
    "DUR036": _sync,
    "DUR057": _itself,
    "DUR060": _either,
    "DUR061": _either,
    "DUR062": _either,
    "DUR063": _sync,
    "DUR064": _zoned,
    "DUR065": _either,
    "DUR070": _itself,
    "DUR071": _itself,
    "DUR072": _itself,
    "DUR080": _in_help,
    "DUR081": _in_help,
    "DUR083": _in_help,
}
