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


_RELEASES = "deployments/deployment/releases/release/rollouts/rollout/deploys/deploy/versions/upgrades/changes"
_DEPLOY = (
    "(~deploy/release/promote/switch/perform/do/make/execute/handle | ~carry out | [is/are] done | ~roll out | ~go"
    " live | ~go | ~ship | ~put into production | ~deliver | ~update)"
)
_ITS = (
    "[new/every/each/all/the/a] [new] [versions/releases/changes/version/release/change/pipeline/code] [to production]"
)
_BY = "(with/using/by/in/as/via/through/following/to | by means of | by way of)"
_WAY = "(fashion/style/strategy/way/approach/pattern/method/model/deployment/deployments/release/releases/scheme)"
_ROWS = "[the/all] rows/records"
_DIFFER = (
    "(~differ [from (blue {strategy=blue_green} | each other)] | (is/are) different | do not match | ~mismatch"
    " | ~diverge | ~disagree) [between (blue and green | green and blue) {strategy=blue_green}]"
)
_PROMOTION = (
    "promotion/promoting/cutover/switching/release/deployment | [the] cut over | [the] switch | it goes live |"
    " going live"
    " | switching over | green/it [is] promoted | green goes live | promoting green | promotion of green"
)
_IF = "(if/when/whenever/should/once | in case)"
_PAIR = "(blue and green | green and blue | the two | the two sides/versions | both | both sides/versions)"
_AGAINST = "(with/to/against)"
_BOTH = (
    f"(green {_AGAINST} blue | blue {_AGAINST} green | blue and green | green and blue | the green"
    " [version/table/tables/side]"
    f" {_AGAINST} the blue | the blue [version/table/tables/side] {_AGAINST} the green)"
)
_COMPARED = "(~compare/diff/check | ~diff)"
_MODE = "(deployment/deploy/release/rollout) (strategy/mode/method/style/type)"
_PLACE = "(in place | in - place)"
_BOX = (
    "(its/their own ([isolated/sandboxed/separate] container/containers) | [an/a/the]"
    " [isolated/sandboxed/separate/dedicated/own] [docker] container | containers | a container of its own"
    " | [isolated/sandboxed/separate/dedicated] containers)"
)
_RUNS = (
    "([each/every/the/all/a] (run/sync/job/load/deployment/pipeline/version/release) |"
    " [all] runs/syncs/jobs/deployments/releases | it"
    " | everything | [the] code)"
)

FRAME = Frame(
    kind="deploy",
    doc="Says how a release goes live, how much it may differ, and whether runs are isolated.",
    phrases=f"""
    BLUEGREEN = [new/all/every/each/the/a] [new] {_RELEASES} [to production] {_DEPLOY} [{_BY} [a/the]] <blue_green>
            [{_WAY}]
        | {_DEPLOY} {_ITS} [{_BY} [a/the]] <blue_green> [{_WAY}] [{_RELEASES} | strategy]
        | ~use/follow/adopt/do [a/the] <blue_green> ({_RELEASES} | {_WAY}) [{_WAY}]
        | [all/every/each/new/a] [new] {_RELEASES} ~use/follow/happen/do [a/the/as] <blue_green> [{_WAY}]
        | [all/every/each/new/a] [new] {_RELEASES} (is/are/be) [done] <blue_green> [{_WAY}]
        | [the] {_MODE} [is] [: | =] <blue_green> | {_RELEASES} (: | =) <blue_green>
        | ~use [a/the] <blue_green> [{_WAY}] for [all/every/each/our] {_RELEASES}
        | [a] <blue_green> {_RELEASES} [{_WAY}] [is/are] [required/needed/used] | <blue_green>
    WITHDIFF = with (%most <share:diff> of {_ROWS} differing | [a] (maximum/max) (difference/diff) [of] <share:diff>
            [of {_ROWS}])
    INPLACE = ({_DEPLOY} {_ITS} {_PLACE} | ~use {_PLACE} ({_RELEASES} | strategy)
        | [all/every/each/the/new] [new] {_RELEASES} (is/are/be | ~happen | ~use) [made/done] {_PLACE}
        | [the] {_MODE} [is] [: | =] {_PLACE} | {_RELEASES} (: | =) {_PLACE}
        | [all/every/each/the/new] [new] {_RELEASES} {_DEPLOY} {_PLACE} | {_PLACE} {_RELEASES}
        | (~update/replace/upgrade/overwrite) [the] [existing/live/running/current]
            [version/pipeline/deployment/release] {_PLACE}
        | ~overwrite the live/existing/running version) {{strategy=in_place}}
    COMPARE = (~compare/diff/check {_BOTH} | {_BOTH} ~compare/diff/check
            | ((green | it) (~compare/diff/check) {_AGAINST} [the] blue)
            | (blue ~compare/diff/check {_AGAINST} green)
            | [a] comparison of {_BOTH} [is made/done/run]) {{strategy=blue_green}}
    BEFORE = (before | prior to | on | at | ahead of) [the/each/every/any] ({_PROMOTION})
    STOP = ~stop/abort/cancel/halt/fail/refuse/block | (do/does not ~promote/switch/deploy) | ~stop the promotion
        | ~call [it] off
    STOPPROMO = ~stop/abort/cancel/halt/block/refuse/fail/reject/withhold (the/a/any/every promotion | promotion |
            promoting | the cutover/deployment/release
            | the switch) | ((the/a/any/every) promotion/cutover/switch ~stop/fail/abort/halt/cancel/block)
            | (must/do/does/should/may not promote)
            | promotion ~stop/fail/halt/abort/block/cancel/withhold | promotion %must_not ~happen/proceed/continue |
            promotion
            %must_not (~take place | ~go ahead)
    STOPGREEN = (%must_not ~promote/deploy green | green %must_not ([be] promoted/deployed | ~go live)
        | ~stop/abort/block/cancel/halt promotion of green) {{strategy=blue_green}}
    DIFF = {_IF} %over <share:diff> of {_ROWS} {_DIFFER}
        | {_IF} (any rows/records/row/record ~differ | a row/record ~differ | a single row/record ~differ) [from blue
            | between
            blue and green] {{diff=0}}
        | {_IF} [the/they/their] (difference/diff/differences | share of differing rows) (~exceed | is (more/greater)
            than
            | is over/above)
            <share:diff> [of {_ROWS}]
        | {_IF} (they | {_PAIR}) (differ | ~be different) (in/by) %over <share:diff> [of {_ROWS}]
        | (on/at) %over <share:diff> (differing rows | difference | rows differing | of {_ROWS} {_DIFFER})
    ONLYIF = (only ~promote | ~promote only | (~switch/cut over) only | only (~switch/cut over)) [green
            {{strategy=blue_green}}] {_IF} %most <share:diff>
            of {_ROWS} {_DIFFER}
        | ~promote green only {_IF} %most <share:diff> of {_ROWS} {_DIFFER} {{strategy=blue_green}}
        | green [is/be/may/can/must/should] [be] promoted only {_IF} [, compared (with/to) blue ,] %most <share:diff>
            of {_ROWS} {_DIFFER}
            {{strategy=blue_green}}
        | green [may/can/must/should] [be] only (promoted/deployed) {_IF} %most <share:diff> of {_ROWS} {_DIFFER}
            {{strategy=blue_green}}
    MAXDIFF = (%most <share:diff> of {_ROWS} may/can differ between {_BOTH}
        | {_PAIR} may/can differ (in/by) %most <share:diff> [of {_ROWS}]
        | {_PAIR} %must_not differ (in/by) %over <share:diff> [of {_ROWS}]
        | (maximum/max) [allowed] (difference/diff) [between {_BOTH}] [is] [: | =] <share:diff> [of {_ROWS}])
            {{strategy=blue_green}}
    CONTAINER = (~run/execute/work/isolate/put/start/deploy [{_RUNS}] [isolated] [in/inside/within] {_BOX}
        | {_RUNS} (~run/happen/execute/isolate/start/work/deploy | ~take place | has/have/gets/get) [isolated]
            [in/inside/within] {_BOX}
        | ~isolate {_RUNS} (in/inside/within) {_BOX}
        | {_RUNS} (in/inside/within) {_BOX} for isolation | ~run (in/inside/within) {_BOX} for isolation
        | ~use containers to isolate {_RUNS}
        | ~use (container isolation | isolated containers | an isolated container | containers for runs)
        | container isolation (for/per/on/with) {_RUNS}
        | (isolation | [run] isolation) [is/level] [: | =] container/containers
        | (one | a/an [own/separate/isolated/dedicated]) container (per/for) [each/every] run
        | {_RUNS} (is/are) (containerized/containerised) | (~run/execute) (containerized/containerised/sandboxed))
            {{isolation=container}}
    PROCESS = (~run/execute [{_RUNS}] (as/in) [a/an] (plain/normal/ordinary/regular/local/simple/single) process
        | {_RUNS} ~run/execute (as/in) [a/an] (plain/normal/ordinary/regular/local/simple) process
        | (isolation | run isolation) [is] [: | =] process
        | ~run directly on the host | no container isolation) {{isolation=process}}
    TOPIC = (deployment/deployments/isolation/release/releases | release/deployment strategy) :
    READ BLUEGREEN [WITHDIFF]
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
