"""Measures `durable compile` over many pipelines of twenty requirements each: cold, unchanged, and how that grows."""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure

UNCHANGED_LIMIT = 2.0  # CPU seconds for a thousand pipelines
EXAMPLE = measure.ROOT / "requirements" / "customer_data.md"
SNAPSHOT = measure.ROOT / "requirements" / "salesforce.schema.json"
MORE = (
    "R6.1 Stops if more than {share}% of rows would change",
    "R6.2 Contact Last Name is required",
    "R6.3 Hashes Contact Email",
    "R6.4 A run takes at most {minutes} minutes",
    "R6.5 Health Score must be between 0 and {top}",
)


def project(folder: Path, count: int) -> None:
    """A repository with `count` pipelines that differ in their table, clock and limits."""
    (folder / "requirements").mkdir(parents=True)
    shutil.copy(SNAPSHOT, folder / "requirements")
    (folder / "durable.toml").write_text("", encoding="utf-8")
    text = EXAMPLE.read_text(encoding="utf-8")
    for index in range(count):
        words = {"share": 5 + index % 40, "minutes": 20 + index % 60, "top": 60 + index % 40}
        more = "\n".join(f"- {line.format(**words)}" for line in MORE)
        own = text.replace("table customer_data", f"table customer_data_{index}")
        own = own.replace("2:00 AM", f"{index % 5 + 1}:00 AM")
        body = f"{own}\n## R6 Limits\n\n{more}\n"
        (folder / "requirements" / f"pipeline_{index}.md").write_text(body, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)


def committed(folder: Path) -> None:
    """Everything in one commit, so that the unchanged compile may look at git too."""
    env = measure.environment()
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True, env=env)
    subprocess.run(["git", "commit", "--quiet", "-m", "Compiled"], cwd=folder, check=True, env=env)


def figures(count: int, repeats: int) -> tuple[float, float, float]:
    """CPU seconds: cold, unchanged with git looked at, unchanged by hashes alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        project(folder, count)
        env = measure.environment()
        cold = measure.run(measure.durable("compile", "--no-commit"), folder, env).cpu_seconds
        committed(folder)
        plain = [measure.run(measure.durable("compile"), folder, env).cpu_seconds for _ in range(repeats)]
        bare = [measure.run(measure.durable("compile", "--check"), folder, env).cpu_seconds for _ in range(repeats)]
    return cold, statistics.median(plain), statistics.median(bare)


def sentence_milliseconds() -> float:
    """CPU milliseconds to read one requirement of the corpus, in process and warm."""
    sys.path[:0] = [*measure.ROOTS, str(measure.ROOT / "tests")]
    import corpus

    schema = corpus.schema()
    texts = [one.text for many in corpus.rounds().values() for one in many]
    for text in texts[:20]:
        corpus.reading(text, schema)
    started = time.process_time()
    for text in texts:
        corpus.reading(text, schema)
    return 1000 * (time.process_time() - started) / len(texts)


def main() -> int:
    """Print the figures as a Markdown page; exit 1 when the largest project misses the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipelines", type=int, nargs="+", default=[30, 100, 300], metavar="N")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    rows, limit = [], 0.0
    for count in chosen.pipelines:
        cold, unchanged, check = figures(count, chosen.repeats)
        limit = max(limit, unchanged * 1000 / max(count, 1000))
        each = [f"{1000 * value / count:.1f}" for value in (cold, unchanged, check)]
        rows.append([str(count), f"{cold:.1f}", each[0], f"{unchanged:.2f}", each[1], f"{check:.2f}", each[2]])
    columns = ["pipelines", "cold, CPU s", "ms each", "unchanged, CPU s", "ms each", "`--check`, CPU s", "ms each"]
    page = "\n".join(
        [
            "# Compile speed over many pipelines",
            "",
            f"Pipelines of {25 - 7 + 2} requirements each. {measure.machine()}.",
            "",
            measure.table(columns, rows),
            "",
            f"One sentence of the corpus, read in process: {sentence_milliseconds():.1f} CPU ms on average.",
            f"Limit for the unchanged compile of 1,000 pipelines: {UNCHANGED_LIMIT} CPU s.",
            "",
        ]
    )
    print(page, end="")
    if chosen.output:
        chosen.output.write_text(page, encoding="utf-8")
    return 0 if limit <= UNCHANGED_LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main())
