"""Reads the corpus of sentences and prints right, asked and wrong for every round, and the mutants that survive."""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "tests")]

import corpus  # noqa: E402 - found only by the line above
import mutants  # noqa: E402
from durable_compiler.catalogue import Snapshot  # noqa: E402

FIRST_SIGHT = corpus.FOLDER / "first_sight.json"
NEUTRAL = corpus.FOLDER / "neutral_words.txt"
COLUMNS = ("right", "asked", "wrong")


def main() -> int:
    """The figures as a Markdown page; exit 1 when a sentence is read wrongly or a mutant that matters survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=0, metavar="N", help="mutate N sentences (-1: every one)")
    parser.add_argument("--show", choices=("asked", "wrong", "survivors"), action="append", default=[])
    parser.add_argument("--only", metavar="ROUND", help="one round")
    parser.add_argument("--record", action="store_true", help="keep the figures of rounds that have no first sight yet")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the page to a file as well")
    chosen = parser.parse_args()
    schema = corpus.schema()
    rounds = {name: many for name, many in corpus.rounds().items() if chosen.only in (None, name)}
    outcomes = {name: [(one, corpus.outcome(one, schema)) for one in many] for name, many in rounds.items()}
    figures = {name: Counter[str](result for _, result in many) for name, many in outcomes.items()}
    first = _first_sight(figures, record=chosen.record)
    lines = _table(figures, first)
    for name, many in outcomes.items():
        lines += [f"- {result} ({name}, {one.kind}): {one.text}" for one, result in many if result in chosen.show]
    alive = _survivors(rounds, schema, chosen.mutants)
    lines += _about_mutants(alive, chosen.show) if chosen.mutants else []
    page = "\n".join(lines) + "\n"
    print(page, end="")
    if chosen.output:
        chosen.output.write_text(page, encoding="utf-8")
    return 1 if alive or any(one["wrong"] for one in figures.values()) else 0


def _first_sight(figures: dict[str, Counter[str]], *, record: bool) -> dict[str, dict[str, int]]:
    known: dict[str, dict[str, int]] = json.loads(FIRST_SIGHT.read_text()) if FIRST_SIGHT.exists() else {}
    if record:
        for name, counts in figures.items():
            known.setdefault(name, {key: counts[key] for key in COLUMNS})
        FIRST_SIGHT.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return known


def _table(figures: dict[str, Counter[str]], first: dict[str, dict[str, int]]) -> list[str]:
    lines = [
        "# How the language reads sentences that it has not seen",
        "",
        "A sentence that must be refused counts as right when it is refused. Rounds named `held_out` were only",
        "counted: no rule was written after looking at them.",
        "",
        "| round | sentences | right at first sight | asked | wrong | right today | asked | wrong |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, counts in figures.items():
        size = sum(counts.values())
        seen = first.get(name, {})
        before = (
            [f"{100 * seen['right'] / size:.1f} %", str(seen["asked"]), str(seen["wrong"])] if seen else ["", "", ""]
        )
        today = [f"{100 * counts['right'] / size:.1f} %", str(counts["asked"]), str(counts["wrong"])]
        lines.append(f"| {name} | {size} | {' | '.join([*before, *today])} |")
    return [*lines, ""]


def _survivors(rounds: dict[str, list[corpus.Entry]], schema: Snapshot, count: int) -> list[tuple[str, str, str]]:
    neutral = mutants.reviewed(NEUTRAL)
    texts = [one.text for many in rounds.values() for one in many if one.ir is not None]
    if count >= 0:
        texts = random.Random(7).sample(texts, min(count, len(texts)))
    return [one for text in texts for one in corpus.unreviewed(text, schema, neutral)]


def _about_mutants(alive: list[tuple[str, str, str]], show: list[str]) -> list[str]:
    lines = [f"Mutants read like their sentence, beyond the reviewed neutral words: {len(alive)}.", ""]
    words = Counter((what, word) for what, word, _ in alive)
    lines += [f"- {what} {word}: {times}" for (what, word), times in words.most_common(60)]
    return lines + ([f"- {what} {word}: {text}" for what, word, text in alive] if "survivors" in show else [])


if __name__ == "__main__":
    raise SystemExit(main())
