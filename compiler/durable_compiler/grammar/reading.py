"""A sentence to its clauses: all frames, all ways to split it, and the reason when there is not exactly one reading."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from durable_compiler.catalogue import Snapshot, nearest, squeeze
from durable_compiler.frames import REGISTRY, frame_of, tiling
from durable_compiler.frames.frame import Clause
from durable_compiler.frames.incremental import Incremental
from durable_compiler.frames.schedule import Schedule
from durable_compiler.grammar.names import HEDGES, NEGATIONS
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.tiling import Tile, tiles
from durable_compiler.grammar.words import Token

# Far above any rule; it bounds time and recursion for text that is no sentence.
_LONGEST_SENTENCE = 250
Path = tuple[tuple[Clause, ...], tuple[Fault, ...]]


@dataclass(frozen=True)
class SentenceReading:
    """The clauses of an understood sentence, or the fault that says why there are none, with `others` beside it."""

    clauses: tuple[Clause, ...] = ()
    fault: Fault | None = None
    others: tuple[Fault, ...] = ()


def read(text: str, catalogue: Snapshot, synced: Sequence[str] = ()) -> SentenceReading:
    """Read one sentence; bare field names are looked up in the synced objects."""
    sentence = Sentence(text, catalogue, tuple(synced))
    if len(sentence.tokens) > _LONGEST_SENTENCE:
        help = "Write several requirements."
        return SentenceReading(fault=Fault("DUR020", "the sentence is too long to be one rule", 0, len(text), help))
    readings = _readings(sentence)
    if len(readings) == 1:
        return SentenceReading(next(iter(readings)))
    if readings:
        return SentenceReading(fault=_ambiguous(sentence, readings))
    fault, *others = _reasons(sentence)
    return SentenceReading(fault=fault, others=tuple(others))


def understood(text: str, catalogue: Snapshot, synced: Sequence[str] = ()) -> tuple[Clause, ...]:
    """The clauses of a sentence that reads, none of another: cheaper than `read` where nobody asks for the reason."""
    sentence = Sentence(text, catalogue, tuple(synced))
    readings = _readings(sentence) if len(sentence.tokens) <= _LONGEST_SENTENCE else {}
    return next(iter(readings)) if len(readings) == 1 else ()


def may_be(kind: str, text: str, catalogue: Snapshot) -> tuple[Clause, ...]:
    """The longest clause of a kind that a sentence begins with or holds, whatever the rest of it says."""
    sentence = Sentence(text, catalogue)
    found = (tiles(sentence, start, tiling(kind), REGISTRY[kind].build) for start in range(len(sentence.tokens)))
    first = next((many for many in found if many), [])
    longest = max((one for one in first if one.clause is not None), key=lambda one: one.end, default=None)
    return () if longest is None else (longest.clause,)


def accepted(text: str, catalogue: Snapshot, synced: Sequence[str] = ()) -> frozenset[tuple[str, int]]:
    """What some rule would take after this beginning: (word, the text's end) and (<slot>, where its value began)."""
    sentence = Sentence(text, catalogue, tuple(synced), expected=set())
    if sentence.tokens:
        _paths(sentence)
    else:
        _tiles(sentence, 0)
    starts = [*(token.start for token in sentence.tokens), len(text)]
    return frozenset((what, starts[at]) for what, at in sentence.expected or ())


def echo(clauses: Sequence[Clause], catalogue: Snapshot) -> str:
    """Canonical English of several clauses."""
    return "; ".join(frame_of(clause).echo(clause, catalogue) for clause in clauses)


def _readings(sentence: Sentence) -> dict[tuple[Clause, ...], None]:
    found = dict.fromkeys(clauses for clauses, _ in _paths(sentence) if _supported(clauses))
    if len(found) > 1:
        # Several splits that set the same keys to the same values are one meaning.
        meanings = [_joined(clauses, sentence.catalogue) for clauses in found]
        if all(one == meanings[0] for one in meanings):
            return {min(found, key=len): None}
    return found


def _joined(clauses: Sequence[Clause], catalogue: Snapshot) -> list[str]:
    """What clauses set, as texts of (path, value) in order, each once; a list counts entry by entry."""

    def spread(path: str, value: object) -> Iterator[tuple[str, object]]:
        if isinstance(value, dict):
            for key, one in value.items():
                yield from spread(f"{path}.{key}", one)
        elif isinstance(value, list):
            yield from ((path, one) for one in value)
        else:
            yield path, value

    parts = (frame_of(clause).ir(clause, catalogue) for clause in clauses)
    return sorted({repr(one) for part in parts for one in spread("", part)})


def _supported(clauses: tuple[Clause, ...]) -> bool:
    """A time without a verb is the schedule only alone or next to the sync or target that it belongs to."""
    kinds = ["", *("sync" if _reads_changes(clause) else clause.kind for clause in clauses), ""]
    return len(clauses) == 1 or all(
        {kinds[index], kinds[index + 2]} & _WITH_MORE
        for index, clause in enumerate(clauses)
        if isinstance(clause, Schedule) and clause.bare
    )


def _reads_changes(clause: Clause) -> bool:
    """Whether a clause says what each run reads: a time next to it is when it does; a full refresh has its own."""
    return isinstance(clause, Incremental) and clause.enabled is True and clause.full_refresh is None


def _paths(sentence: Sentence) -> list[Path]:
    """Every split of the sentence into clauses that covers all tokens."""
    known: dict[int, dict[tuple[Path, frozenset[str]], None]] = {}

    def from_token(start: int, before: str = "") -> list[Path]:
        if start not in known:
            known[start] = {}
            found: dict[tuple[Path, frozenset[str]], None] = {}
            for kind, tile in _tiles(sentence, start):
                head = () if tile.clause is None else _clauses_of(tile.clause)
                for clauses, faults in _rest(sentence, tile, kind, from_token):
                    found[((*head, *clauses), (*tile.faults, *faults)), tile.after] = None
            known[start] = found
        return [path for path, after in known[start] if not after or before in after]

    return [path for start in _beginnings(sentence) for path in from_token(start)]


# A number that the organisation itself gives the rule: BR-04.
_LABEL = re.compile(r"[A-Z]{2,5}-\d{1,4}:(?=\s)")


def _beginnings(sentence: Sentence) -> Iterator[int]:
    """Where the first clause may begin: at once, and after a rule number of the organisation's own."""
    if sentence.tokens:
        yield 0
    label = _LABEL.match(sentence.text)
    if label is not None:
        yield from (index for index, token in enumerate(sentence.tokens) if token.start == label.end() + 1)


def _clauses_of(built: Clause | tuple[Clause, ...]) -> tuple[Clause, ...]:
    """What a builder made: one clause, or one for each object that the same words are about."""
    return built if isinstance(built, tuple) else (built,)


def _rest(sentence: Sentence, tile: Tile, kind: str, from_token: Callable[[int, str], list[Path]]) -> Iterator[Path]:
    end = tile.end
    asked = sentence.norm(end) == "?" and sentence.norm(0) in ("can", "could", "would", "will")
    tail = end + (asked or sentence.norm(end) in (".", "!"))
    if tail == len(sentence.tokens):
        yield (), ()
        return
    for start in _boundary(sentence, end):
        yield from from_token(start, kind)
    # `Writes to Snowflake table crm, where existing rows are updated`: the table's rule, no condition of records.
    if kind == "write" and sentence.norms(end, 2) == [",", "where"]:
        yield from (path for path in from_token(end + 2, kind) if path[0] and path[0][0].kind == "mode")
    if tile.clause is not None and end < len(sentence.tokens) and (kind in _WITH_MORE or _opens(kind, tile)):
        yield from (path for path in from_token(end, kind) if _belongs(sentence, kind, tile, path))


# Kinds that say when and where to in the same breath: Sync Accounts to Snowflake table crm every hour.
_WITH_MORE = frozenset(("sync", "write"))


def _opens(kind: str, tile: Tile) -> bool:
    """`Every hour sync Leads` and `Append every change to Snowflake table x`: what may stand before another."""
    return kind == "mode" or (isinstance(tile.clause, Schedule) and tile.clause.bare)


def _belongs(sentence: Sentence, kind: str, tile: Tile, path: Path) -> bool:
    """Whether what follows without any separator is the time, after `to` the target, or after `in` mode or batches."""
    clauses, faults = path
    if not clauses:
        return bool(faults)
    word = sentence.norm(tile.end)
    if clauses[0].kind == "write":
        return word in ("to", "into")
    if clauses[0].kind in ("batch", "mode"):
        return word in ("in", "with") and kind in (_WITH_MORE if clauses[0].kind == "batch" else ("write",))
    if clauses[0].kind == "sync":
        return kind == "schedule"
    return kind in _WITH_MORE and isinstance(clauses[0], Schedule) and clauses[0].bare


# What joins two clauses; `while`, `with` and `so` only after a comma, since without it they belong to the first.
_JOINTS = frozenset(("and", "then", "&", "but", "plus", "whereas"))
_STOPS = frozenset((",", ";", ".", "\u2013", "\u2014"))


def _boundary(sentence: Sentence, at: int) -> Iterator[int]:
    """Where the next clause begins: after a comma, semicolon, full stop, dash, `and`, `then`, `whereas`."""
    start = at + (sentence.norm(at) in _STOPS)
    if sentence.norm(start) in _JOINTS or (start > at and sentence.norm(start) in ("while", "with", "so", "whereby")):
        start += 1 + (sentence.norm(start + 1) == "then")
        start += sentence.norm(start) == "," and start + 1 < len(sentence.tokens)
    if at < start < len(sentence.tokens):
        yield start


def _tiles(sentence: Sentence, start: int) -> list[tuple[str, Tile]]:
    return [
        (kind, tile) for kind, frame in REGISTRY.items() for tile in tiles(sentence, start, tiling(kind), frame.build)
    ]


def _ambiguous(sentence: Sentence, readings: dict[tuple[Clause, ...], None]) -> Fault:
    choices = tuple(sorted(echo(clauses, sentence.catalogue) for clauses in readings))
    span = (sentence.tokens[0].start, sentence.tokens[-1].end)
    return Fault("DUR021", "the sentence has more than one meaning", *span, "Write the one that you mean.", choices[:5])


def _reasons(sentence: Sentence) -> tuple[Fault, ...]:
    """Why nothing reads the sentence: refused values, a word that negates or hedges, or where reading stopped."""
    if not sentence.tokens:
        return (Fault("DUR009", "the requirement has no text", 0, max(1, len(sentence.text)), "Write a sentence."),)
    lenient = Sentence(sentence.text, sentence.catalogue, sentence.synced, strict=False)
    faulty = [faults for _, faults in _paths(lenient) if faults and not any(_ordinary(sentence, one) for one in faults)]
    if faulty:
        return _with_its_likes(min(faulty, key=_doubt), faulty)
    return (_risk(sentence, NEGATIONS, "DUR022") or _risk(sentence, HEDGES, "DUR023") or _unread(sentence),)


def _with_its_likes(best: tuple[Fault, ...], faulty: Sequence[tuple[Fault, ...]]) -> tuple[Fault, ...]:
    """The likeliest faults and those beside them that are as plain: a name that looks like a known one, a bad value."""
    wider = [
        faults
        for faults in faulty
        if set(best) < set(faults)
        and all(one.suggestions or one.code not in ("DUR030", "DUR031") for one in set(faults) - set(best))
    ]
    widest = max([best, *wider], key=len)
    return tuple(sorted(set(widest), key=lambda one: (one.start, one.end)))


def _ordinary(sentence: Sentence, fault: Fault) -> bool:
    """Whether an unknown name is nothing but words of the language and names of objects, as in `Syncs Accounts`."""
    from durable_compiler.grammar.vocabulary import words

    if fault.code not in ("DUR030", "DUR031"):
        return False
    named = [one for one in sentence.tokens if fault.start <= one.start < fault.end]
    return all(
        squeeze(one.norm) in sentence.catalogue.by_key
        or (one.norm in words() and (one.start == 0 or one.text.islower()))
        for one in named
    )


def _doubt(faults: tuple[Fault, ...]) -> tuple[int, bool, int]:
    """How doubtful it is that faults are the reason: any word may be an unknown name, but only a date can be wrong."""
    anything = any(one.code in ("DUR030", "DUR031") for one in faults)
    return len(faults), anything, sum(one.end - one.start for one in faults)


def _risk(sentence: Sentence, words: frozenset[str], code: str) -> Fault | None:
    token = next((token for token in sentence.tokens if token.norm in words), None)
    if token is None:
        return None
    what = "negates" if code == "DUR022" else "limits or weakens"
    message = f"'{token.text}' {what} something in a way that no rule expresses"
    return Fault(code, message, token.start, token.end, "Say plainly what happens.", nearest_sentences(sentence))


def _unread(quick: Sentence) -> Fault:
    sentence = Sentence(quick.text, quick.catalogue, quick.synced, thorough=True)
    _paths(sentence)
    first: Token = sentence.tokens[min(sentence.furthest, len(sentence.tokens) - 1)]
    start = first.start if sentence.furthest < len(sentence.tokens) else sentence.tokens[0].start
    help = "Rewrite the sentence like the nearest known one."
    message = f"the words from '{first.text}' on are not understood"
    return Fault("DUR020", message, start, sentence.tokens[-1].end, help, nearest_sentences(sentence))


def nearest_sentences(sentence: Sentence) -> tuple[str, ...]:
    """The known sentence most like this one."""
    examples = [example for frame in REGISTRY.values() for example in frame.examples]
    close = nearest(sentence.text, examples, limit=1)
    return close or _sharing_words(sentence, examples)


def _sharing_words(sentence: Sentence, examples: Sequence[str]) -> tuple[str, ...]:
    from rapidfuzz import fuzz, process

    return tuple(
        choice for choice, _, _ in process.extract(sentence.text, examples, scorer=fuzz.token_set_ratio, limit=1)
    )
