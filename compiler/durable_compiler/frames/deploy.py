"""How a release goes live, and what a run is kept apart in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.sentence import Sentence
from durable_compiler.grammar.shares import in_percent


@dataclass(frozen=True)
class Deploy(Clause):
    """A strategy, the largest share of rows that may differ, or an isolation; what the sentence leaves open is None."""

    kind: ClassVar[str] = "deploy"
    strategy: str | None = None
    max_diff: int | float | None = None
    isolation: str | None = None


def build(values: Values, sentence: Sentence) -> Deploy | None:
    """The clause of a reading."""
    if "isolation" in values:
        return Deploy(isolation=values["isolation"])
    strategy = values.get("strategy", values.get("blue_green"))
    diff = float(values["diff"]) if "diff" in values else None
    if strategy == "in_place" and diff is not None:
        return None
    return Deploy(strategy, int(diff) if diff is not None and diff.is_integer() else diff)


def echo(clause: Deploy, catalogue: Snapshot) -> str:
    """Canonical English."""
    if clause.isolation is not None:
        return {"container": "Runs in an isolated container", "process": "Runs as a plain process"}[clause.isolation]
    if clause.max_diff is None:
        return {"blue_green": "Deploys blue/green", "in_place": "Deploys in place"}[clause.strategy or ""]
    rows = f"if more than {in_percent(clause.max_diff)} of rows differ"
    if clause.strategy is None:
        return f"Stops the promotion {rows}"
    return f"Compares green with blue before promotion, and stops {rows}"


def ir(clause: Deploy, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    said = {"strategy": clause.strategy, "max_diff_ratio": clause.max_diff, "isolation": clause.isolation}
    return {"deploy": {key: value for key, value in said.items() if value is not None}}


_RELEASES = "deployments/deployment/releases/release/rollouts/rollout/deploys/deploy/versions"
_DEPLOY = "(~deploy/release/promote | ~roll_out | ~go_live | ~ship)"
_ITS = "[new/every/each/all/the] [versions/releases/changes/version/release/change/pipeline]"
_OVER = "(more than | over | above | greater than | >)"
_AT_MOST = "(at most | no more than | not more than | a maximum of | max | maximum | up to)"
_ROWS = "[the/all] rows/records"
_DIFFER = (
    "(~differ [from (blue {strategy=blue_green} | each other)] | (is/are) different | do not match | ~mismatch) "
    "[between (blue and green | green and blue) {strategy=blue_green}]"
)
_PROMOTION = "promotion/promoting/cutover/switching/release | [the] cut over | [the] switch | it goes live | going live"
_IF = "(if/when/whenever | in case)"
_BOTH = "(green with blue | green to blue | green against blue | blue with green | blue and green | blue to green"
_BOTH += " | blue against green | green and blue)"

FRAME = Frame(
    kind="deploy",
    doc="Says how a release goes live, how much it may differ, and whether runs are isolated.",
    phrases=f"""
    BLUEGREEN = [new/all/every/each/the] {_RELEASES} {_DEPLOY} [(with/using/by/in/as/via) [a/the]]
            <blue_green> [fashion/style]
        | {_DEPLOY} {_ITS} [(with/using/by/in/as/via) [a/the]] <blue_green> [fashion/style]
            [{_RELEASES} | strategy | way | approach]
        | ~use [a] <blue_green> ({_RELEASES} | strategy | approach) [strategy/approach]
        | [all/every/each] {_RELEASES} (is/are/be | ~use/follow/happen) [a/the] <blue_green> [strategy/pattern/approach]
        | [the] (deployment/deploy/release/rollout) (strategy/mode/method/style) [is] [: | =] <blue_green>
        | <blue_green> {_RELEASES} [strategy]
    INPLACE = {_DEPLOY} {_ITS} (in place | in - place) {{strategy=in_place}}
        | ~use (in place) ({_RELEASES} | strategy) {{strategy=in_place}}
        | [all/every/each] {_RELEASES} (is/are/be | ~happen) [made/done] in place {{strategy=in_place}}
        | [the] (deployment/deploy/release/rollout) (strategy/mode/method/style) [is] [: | =] in place
            {{strategy=in_place}}
        | {_RELEASES} {_DEPLOY} in place {{strategy=in_place}}
        | in place {_RELEASES} {{strategy=in_place}}
    COMPARE = (~compare {_BOTH} | {_BOTH} ~compare | (green ~compare with/to/against blue) | (blue ~compare
            with/to/against green)) {{strategy=blue_green}}
    BEFORE = (before | prior to | on | at) [the/each/every/any] ({_PROMOTION})
    STOP = ~stop/abort/cancel/halt/fail/refuse | (do/does not ~promote/switch/deploy) | ~stop the promotion
    STOPPROMO = ~stop/abort/cancel/halt/block/refuse/fail (the/a/any/every promotion | promotion |
            promoting | the cutover
            | the switch) | (the/a/any promotion ~stop/fail/abort) | (must/do/does/should not promote)
            | ~promotion ~stop/fail
    STOPGREEN = (do/does/must/should not | never) ~promote/deploy green {{strategy=blue_green}}
        | ~stop/abort/block/cancel promotion of green {{strategy=blue_green}}
    DIFF = {_IF} {_OVER} <share:diff> of {_ROWS} {_DIFFER}
        | {_IF} (any rows/records/row/record ~differ | a row/record ~differ) [from blue | between blue and
            green] {{diff=0}}
        | {_IF} [the/they/their] (difference/diff | share of differing rows) (~exceed | is (more/greater) than
            | is over/above)
            <share:diff> [of {_ROWS}]
        | {_IF} they differ (in/by) {_OVER} <share:diff> of {_ROWS}
    ONLYIF = (only ~promote | ~promote only) [green {{strategy=blue_green}}] {_IF} {_AT_MOST} <share:diff>
            of {_ROWS} {_DIFFER}
        | ~promote green only {_IF} {_AT_MOST} <share:diff> of {_ROWS} {_DIFFER} {{strategy=blue_green}}
    MAXDIFF = ({_AT_MOST} <share:diff> of {_ROWS} may/can differ between {_BOTH}
        | blue and green may/can differ (in/by) {_AT_MOST} <share:diff> of {_ROWS}
        | (maximum/max) [allowed] difference between {_BOTH} [is] [: | =] <share:diff> [of {_ROWS}])
            {{strategy=blue_green}}
    CONTAINER = (~run/execute/work [everything | it | code | each/every/the run/sync | runs]
            [in/inside/within] | each/every run ~run/happen/execute/isolate in
            | ~isolate [each/every/the run/runs] in | runs/run ~isolate in) ([its own | an | a | the]
            [isolated/sandboxed/separate/dedicated] [docker] container | containers | a container of its own |
            [isolated/sandboxed/separate] containers)
            {{isolation=container}}
        | ~use (container isolation | isolated containers | an isolated container) {{isolation=container}}
        | (isolation | run isolation) [is] [: | =] container {{isolation=container}}
        | (~run/execute) (containerized/containerised/sandboxed) {{isolation=container}}
    PROCESS = ~run/execute (as/in) [a/an] (plain/normal/ordinary/regular/local/simple) process {{isolation=process}}
        | (isolation | run isolation) [is] [: | =] process {{isolation=process}}
        | ~run directly on the host {{isolation=process}}
    READ BLUEGREEN
    READ INPLACE
    READ COMPARE [BEFORE]
    READ COMPARE STOP|STOPPROMO|STOPGREEN DIFF [BEFORE]
    READ STOPPROMO|STOPGREEN DIFF
    READ ONLYIF
    READ COMPARE ONLYIF [BEFORE]
    READ MAXDIFF
    READ CONTAINER
    READ PROCESS
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("deploy",),
    examples=(
        "Deploys blue/green",
        "Compares green with blue before promotion, and stops if more than 1% of rows differ",
        "Runs in an isolated container",
        "Stops the promotion if more than 1% of rows differ",
        "Deploys in place",
        "Runs as a plain process",
    ),
    near_misses=(
        "Deploys blue",
        "Never deploys blue/green",
        "Deploys blue/green or in place",
        "Compares green with blue, and stops if about 1% of rows differ",
        "Stops the promotion if more than 120% of rows differ",
        "Stops if more than 1% of rows differ",
        "Runs in an isolated container except on weekends",
        "Does not run in a container",
        "Deploys canary",
    ),
)
