"""`durable rejects`: dead letters, exactly as `python -m generated.NAME rejects` shows and replays them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from durable_compiler.cli.run import MachineCommand, called


@click.group("rejects", epilog="Example: durable rejects replay customer_data --object Contact --rule required")
def command() -> None:
    """Show the records that rules reject, and try them again with today's rules."""


@command.command("list", cls=MachineCommand, epilog="Example: durable rejects list customer_data --rule R4.2")
@click.argument("name")
@click.option("--object", "object_name", metavar="O", help="Only this object (API name).")
@click.option("--rule", metavar="R", help="Only what this rule or requirement rejects.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="How many at most.")
@click.option("--show-values", "values", is_flag=True, help="Show the records too; the audit file notes who did.")
@click.option("--profile", metavar="P", help="The profile of durable.toml to use.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def listing(
    name: str, object_name: str | None, rule: str | None, limit: int, values: bool, profile: str | None, machine: bool
) -> None:
    """Show rejected records: what, by which rule and since when; counts by rule at the end."""
    given = [("--object", object_name), ("--rule", rule), ("--limit", str(limit)), ("--profile", profile)]
    raise SystemExit(called(name, _argv("list", given, {"--show-values": values, "--json": machine}), machine))


@command.command(
    "replay", cls=MachineCommand, epilog="Example: durable rejects replay customer_data --id 003Hs00000000061AA"
)
@click.argument("name")
@click.option("--object", "object_name", metavar="O", help="Only this object (API name).")
@click.option("--rule", metavar="R", help="Only what this rule or requirement rejects.")
@click.option("--id", "ids", metavar="ID", multiple=True, help="Only this record; may be given again.")
@click.option("--wait", is_flag=True, help="Wait for a run that is under way instead of leaving.")
@click.option("--allow-guard", "guards", metavar="T", multiple=True, help="Let this waiting task pass once.")
@click.option("--profile", metavar="P", help="The profile of durable.toml to use.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object last on stdout.")
def replay(
    name: str,
    object_name: str | None,
    rule: str | None,
    ids: tuple[str, ...],
    wait: bool,
    guards: tuple[str, ...],
    profile: str | None,
    machine: bool,
) -> None:
    """Try rejected records again: those that today's rules accept are loaded, the others stay."""
    given = [("--object", object_name), ("--rule", rule), ("--profile", profile)]
    given += [("--id", one) for one in ids] + [("--allow-guard", one) for one in guards]
    raise SystemExit(called(name, _argv("replay", given, {"--wait": wait, "--json": machine}), machine))


def _argv(action: str, given: Sequence[tuple[str, str | None]], flags: Mapping[str, bool]) -> list[str]:
    values = [part for flag, value in given if value is not None for part in (flag, value)]
    return ["rejects", action, *values, *(flag for flag, on in flags.items() if on)]
