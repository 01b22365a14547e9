"""`durable sandbox drift …`: change the schema of the running sandbox as an administrator of Salesforce would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from durable_compiler.cli import output
from durable_compiler.cli.faults import call
from durable_compiler.cli.project import Refused

# Option → its key in the order, its type and its help.
_OPTIONS: dict[str, tuple[str, Any, str]] = {
    "--label": ("label", str, "The label."),
    "--length": ("length", int, "So many characters."),
    "--precision": ("precision", int, "So many digits."),
    "--scale": ("scale", int, "So many of them after the point."),
    "--digits": ("digits", int, "So many digits of a whole number."),
    "--values": ("values", str, "Picklist values, separated by semicolons."),
    "--restricted": ("restricted", bool, "Whether other values are refused."),
    "--reference-to": ("reference_to", str, "The objects that a reference leads to, separated by semicolons."),
    "--required": ("required", bool, "Whether the field must have a value."),
    "--external-id": ("external", bool, "Whether the field is an external Id."),
    "--unique": ("unique", bool, "Whether each value may occur once."),
    "--value": ("value", str, "The value of the records there are."),
    "--maker": ("maker", str, "What fills records, instead of one value: pick, money, prose, recent_date, …"),
    "--nulls": ("nulls", float, "The percentage of them without a value."),
    "--id": ("ids", str, "Only records with these Ids, separated by semicolons."),
    "--security": ("security", str, "Public, Internal, Confidential, Restricted or MissionCritical."),
    "--compliance": ("compliance", str, "Such as PII;GDPR."),
    "--plural": ("plural", str, "The plural of an object's label."),
}
_LISTS = frozenset({"values", "reference_to", "ids", "compliance"})
_SIZES = ("--length", "--precision", "--scale", "--digits")
_SHAPE = (*_SIZES, "--values", "--restricted", "--reference-to")
_FIELD = ("field",)
_DEFINED = frozenset({"label", "type", "required", "external", "unique"} | {_OPTIONS[name][0] for name in _SHAPE})

# Command → what it does, its arguments after the object, its options and an example.
_COMMANDS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], str]] = {
    "remove": ("Delete a field with its values.", _FIELD, (), "Account Fax"),
    "rename": ("Give a field another API name.", ("field", "to"), (), "Account Fax Telefax__c"),
    "retype": ("Change a field's type; values are converted.", ("field", "type"), _SHAPE, "Account YearStarted int"),
    "widen": ("Make a field longer, or give it more digits.", _FIELD, _SIZES, "Account Name --length 300"),
    "hide": ("Hide a field by field-level security.", _FIELD, (), "Contact Title"),
    "unhide": ("Show a hidden field again.", _FIELD, (), "Contact Title"),
    "picklist-add": ("Add a picklist value, or make it active again.", ("field", "value"), (), "Account Rating Icy"),
    "picklist-retire": ("Make a picklist value inactive; data keeps it.", ("field", "value"), (), "Account Rating Hot"),
    "picklist-replace": (
        "Replace a picklist value in every record.", ("field", "value", "with"), (), "Account Rating Hot Warm",
    ),
    "picklist-restrict": ("Refuse other values, or allow them.", ("field", "restricted"), (), "Account Rating true"),
    "set": ("Change values without a stamp, as formulas do.", ("field", "value"), ("--id",), "Account Sic 1234"),
    "classify": (
        "Mark a field as sensitive.", _FIELD, ("--security", "--compliance"), "Account Sic --security Confidential",
    ),
    "formula": ("Let a field be calculated.", ("field", "formula"), ("--value",), "Account Sic 'Name & \"!\"'"),
    "relabel": ("Give a field another label.", ("field", "label"), (), "Account Sic 'SIC code'"),
    "relabel-object": ("Give an object another label.", ("label",), ("--plural",), "Account Client --plural Clients"),
    "remove-object": ("Let an object disappear; its records stay.", (), (), "Lead"),
    "restore-object": ("Bring an object back.", (), (), "Lead"),
}  # fmt: skip
_OPS = {"relabel": "label", "relabel-object": "label"}


@click.group("drift", epilog="Example: durable sandbox drift hide Contact Title")
@click.option(
    "--state", type=click.Path(path_type=Path), help="The sandbox's state folder; the project's, if not given."
)
@click.option("--url", help="The sandbox's address, instead of the one in the state folder.")
@click.pass_context
def drift(context: click.Context, state: Path | None, url: str | None) -> None:
    """Change the schema of a running sandbox; what is done survives a restart with --state."""
    context.obj = (state, url)


def _option(name: str) -> click.Option:
    key, kind, help_text = _OPTIONS[name]
    return click.Option([name, key], type=kind, help=help_text)


def _sent(given: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, lists split; true and false as JSON has them."""
    sent = {key: value for key, value in given.items() if value is not None}
    for key in _LISTS & sent.keys():
        sent[key] = [one.strip() for one in sent[key].split(";") if one.strip()]
    return sent


def _apply(context: click.Context, order: Any) -> None:
    done = call(context, "POST", "drift", order, group="drift")
    for one in done["applied"]:
        click.echo(_line(one))


def _line(one: dict[str, Any]) -> str:
    field = one.get("field")
    name = field["name"] if isinstance(field, dict) else field
    where = f"{one['object']}.{name}" if name else one["object"]
    rest = {key: value for key, value in one.items() if key not in ("at", "op", "object")}
    if not isinstance(field, dict):
        rest.pop("field", None)
    details = f" {json.dumps(rest, ensure_ascii=False)}" if rest else ""
    return f"{one['at']}  {one['op']}  {where}{details}"


def _command(name: str) -> click.Command:
    help_text, arguments, options, example = _COMMANDS[name]
    op = _OPS.get(name, name.replace("-", "_"))

    parameters: list[click.Parameter] = [click.Argument([key]) for key in ("object", *arguments)]
    parameters += [_option(one) for one in options]

    @click.pass_context
    def run(context: click.Context, /, **given: Any) -> None:
        order = _sent({parameter.name: given[parameter.name] for parameter in parameters if parameter.name})
        if "restricted" in arguments:
            order["restricted"] = order["restricted"].lower() in ("true", "yes", "1")
        _apply(context, {"op": op, **order})

    epilog = f"Example: durable sandbox drift {name} {example}"
    return click.Command(name, callback=run, params=parameters, help=help_text, epilog=epilog)


@click.pass_context
def _add(context: click.Context, /, **given: Any) -> None:
    sent = _sent(given)
    shape = {"name": sent.pop("field"), **{key: sent.pop(key) for key in list(sent) if key in _DEFINED}}
    _apply(context, {"op": "add", "field": shape, **sent})


_TYPE = click.Option(["--type"], required=True, help="Salesforce's name of the type, such as picklist or currency.")
_NEW = ("--label", *_SHAPE, "--required", "--external-id", "--unique", "--value", "--maker", "--nulls")
drift.add_command(
    click.Command(
        "add",
        callback=_add,
        params=[click.Argument(["object"]), click.Argument(["field"]), _TYPE, *map(_option, _NEW)],
        help="Add a field, with one value for the records there are or with what a maker gives them.",
        epilog='Example: durable sandbox drift add Account Tier__c --type picklist --values "Gold;Silver"',
    )
)
for _name in _COMMANDS:
    drift.add_command(_command(_name))


@drift.command("apply", epilog='Example: durable sandbox drift apply \'[{"op": "hide", "object": "Contact", …}]\'')
@click.argument("orders")
@click.pass_context
def apply(context: click.Context, orders: str) -> None:
    """Carry out orders given as JSON, one or a list."""
    try:
        found = json.loads(orders)
    except ValueError as error:
        raise Refused(f"The orders are not JSON: {error}.", "`drift list --json` shows how orders look.") from error
    _apply(context, found)


@drift.command("list", epilog="Example: durable sandbox drift list")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
@click.pass_context
def listing(context: click.Context, machine: bool) -> None:
    """List what has drifted, in order."""
    found = call(context, "GET", "drift", group="drift")
    if machine:
        output.as_json(found)
        return
    for one in found["drift"]:
        click.echo(_line(one))
    if not found["drift"]:
        click.echo("Nothing has drifted.")
