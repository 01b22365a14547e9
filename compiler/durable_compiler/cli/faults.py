"""`durable sandbox faults …`: order faults in the running sandbox, list what they did, and clear them."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

import click

from durable_compiler.cli import output, records
from durable_compiler.cli.project import Refused, root

_SECONDS = 30
_FLAG, _ALONE = "true", ""
_COUNTERS = ("id", "nth", "times", "seen", "fired", "spent", "kind", "object", "method", "path", "contains", "ids")
_MATCHING = ("kind", "object", "method", "path", "contains", "nth", "after", "times")

# Option → action, its help and what a bare `--option` stands for: None is an option that needs a value, _ALONE one that
# takes none.
OPTIONS: tuple[tuple[str, str, str, str | None], ...] = (
    ("--error", "error", "Answer a named error; see `errors`.", None),
    ("--answer", "answer", "Answer this status, or {status, headers, body} as JSON.", None),
    ("--maintenance", "maintenance", "Answer a maintenance page, HTML with status 503.", _ALONE),
    ("--redirect", "redirect", "Redirect, to an address if one is given.", _FLAG),
    ("--unsupported", "unsupported", "Bulk refuses the object.", _ALONE),
    ("--daily-limit", "daily_limit", "The daily limit is used up from here on.", _ALONE),
    ("--reset", "reset", "Reset the connection, at once or after so many bytes.", _FLAG),
    ("--stall", "stall", "Go silent for so many seconds, or until the client gives up.", _FLAG),
    ("--slow", "slow", "Send the right answer over so many seconds.", _FLAG),
    ("--cut", "cut", "Cut the page after half the records (row), inside a value, after the header, or after N.", "row"),
    ("--repeat-page", "repeat_page", "Deliver the page under the next locator too.", _ALONE),
    ("--repeat-rows", "repeat_rows", "Deliver every record of the page twice.", _ALONE),
    ("--replace-row", "replace_row", "Lose the last record and deliver the one before it twice.", _ALONE),
    ("--nul-bytes", "nul_bytes", "Put a NUL into a value of so many records.", _FLAG),
    ("--wrong-count", "wrong_count", "Let Sforce-NumberOfRecords be wrong by so much.", _FLAG),
    ("--locator", "locator", "Send this Sforce-Locator; without a value, none.", "null"),
    ("--headers", "headers", "Change headers: JSON, null takes one away.", None),
    ("--fields", "json", "Change values of a JSON answer: JSON.", None),
    ("--expire-locator", "expire_locator", "The locator that is asked for has expired.", _FLAG),
    ("--expire-session", "expire_session", "Every session ends.", _ALONE),
    ("--fail-job", "fail_job", "The job fails, with this message.", _FLAG),
    ("--abort-job", "abort_job", "The job is aborted.", _ALONE),
    ("--stick-job", "stick_job", "The job works on for so many polls, or until faults are cleared.", _FLAG),
    ("--clock-skew", "clock_skew", "Salesforce's clock is so many seconds ahead.", _FLAG),
    ("--change", "change", 'Change records meanwhile: {"object": "Contact", "update": 5}.', None),
    ("--late", "late", "Writes become visible so many requests later, or when faults are cleared.", _FLAG),
)


@click.group("faults", epilog="Example: durable sandbox faults add --kind results --nth 3 --cut")
@click.option(
    "--state", type=click.Path(path_type=Path), help="The sandbox's state folder; the project's, if not given."
)
@click.option("--url", help="The sandbox's address, instead of the one in the state folder.")
@click.pass_context
def faults(context: click.Context, state: Path | None, url: str | None) -> None:
    """Order faults in a running sandbox: they stay until cleared, or until it stops."""
    context.obj = (state, url)


def _with_actions(command: Any) -> Any:
    for option, name, help, bare in reversed(OPTIONS):
        extra: dict[str, Any] = {} if bare is None else {"is_flag": bare == _ALONE, "flag_value": bare or _FLAG}
        command = click.option(option, f"do_{name}", help=help, **extra)(command)
    return command


@faults.command("add", epilog="Example: durable sandbox faults add --kind query --object Case --error QUERY_TIMEOUT")
@click.option("--kind", multiple=True, help="query, page, count, job, poll, results, describe, token, limits, any, …")
@click.option("--object", help="Only requests for this object.")
@click.option("--method", help="Only requests with this method.")
@click.option("--path", help="Only requests whose path matches this pattern.")
@click.option("--contains", help="Only requests whose SOQL contains this text.")
@click.option("--nth", type=click.IntRange(min=1), help="From the n-th such request on (default: the first).")
@click.option("--after", type=click.IntRange(min=0), help="After so many such requests.")
@click.option("--times", type=click.IntRange(min=1), help="For so many of them (default: one).")
@click.option("--every", is_flag=True, help="For all of them, until cleared.")
@click.option("--framing", help="How a cut shows: length, chunked, gzip, or consistent (only counts tell).")
@click.option("--counted", is_flag=True, help="A cut or repeated page announces the count that it delivers.")
@click.option("--json", "raw", help="The whole fault as JSON, or a list of faults, instead of all other options.")
@_with_actions
@click.pass_context
def add(context: click.Context, /, raw: str | None, **options: Any) -> None:
    """Put a fault in force: which requests it waits for, and what happens to them."""
    order = _json("--json", raw) if raw else _order(options)
    answer = call(context, "POST", "faults", order)
    for one in answer["faults"]:
        click.echo(_line(one))


def _order(options: dict[str, Any]) -> dict[str, Any]:
    actions = {key[3:]: value for key, value in options.items() if key.startswith("do_") and value is not None}
    if len(actions) != 1:
        raise Refused("A fault has exactly one action.", "Name one, such as --cut; more faults are more commands.")
    order = {name: options[name] for name in _MATCHING if options[name] not in (None, ())}
    if "kind" in order:
        order["kind"] = list(order["kind"])
    if options["every"]:
        order["every"] = True
    ((name, text),) = actions.items()
    value = _value(text)
    details = {key: options[key] for key in ("framing", "counted") if options[key]}
    if details:
        value = {**({"at": value} if name == "cut" else {}), **details}
    return {**order, name: value}


def _value(text: str) -> Any:
    """JSON where it is JSON, text otherwise."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _json(option: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refused(
            f"{option} is not JSON: {error}.", 'Quote it: --json \'{"kind": "results", "cut": "row"}\'.'
        ) from error


@faults.command("list", epilog="Example: durable sandbox faults list")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
@click.pass_context
def listing(context: click.Context, machine: bool) -> None:
    """List the faults in force, how many requests each has seen and how often it fired."""
    found = call(context, "GET", "faults")
    if machine:
        output.as_json(found)
        return
    for one in found["faults"]:
        click.echo(_line(one))
    for name, count in found["held"].items():
        click.echo(f"     held back of {name}: {count:,}; `durable sandbox faults clear` commits them")
    if not found["faults"]:
        click.echo("No fault is in force.")


@faults.command("clear", epilog="Example: durable sandbox faults clear")
@click.argument("number", type=int, required=False)
@click.pass_context
def clear(context: click.Context, number: int | None) -> None:
    """Take all faults out of force, or one by its number; writes that were held back commit."""
    done = call(context, "DELETE", "faults" + ("" if number is None else f"?id={number}"))
    if number is not None and not done["cleared"]:
        raise Refused(f"There is no fault {number}.", "`durable sandbox faults list` shows them.")
    click.echo(f"{done['cleared']} cleared, {done['committed']:,} held writes committed")


@faults.command("release", epilog="Example: durable sandbox faults release --object Contact")
@click.argument("ids", nargs=-1)
@click.option("--object", help="Only writes to this object.")
@click.pass_context
def release(context: click.Context, ids: tuple[str, ...], object: str | None) -> None:
    """Let writes commit that --late holds back: all of them, or those of some Ids; the fault stays in force."""
    body = {"ids": list(ids), **({"object": object} if object else {})}
    done = call(context, "POST", "release", body)
    click.echo(f"{len(done['committed']):,} held writes committed")


@faults.command("errors", epilog="Example: durable sandbox faults errors")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
@click.pass_context
def errors(context: click.Context, machine: bool) -> None:
    """List every error that `--error` knows."""
    found = call(context, "GET", "errors")
    if machine:
        output.as_json(found)
        return
    width = max(len(one["name"]) for one in found["errors"])
    for one in found["errors"]:
        click.echo(f"{one['name']:<{width}}  {one['status']}  {' '.join(one['message'].split())[:80]}".rstrip())


def _line(one: dict[str, Any]) -> str:
    action = next(name for name in one if name not in _COUNTERS)
    given = {key: value for key, value in one[action].items() if value not in (None, "", {}, False)}
    details = f" {json.dumps(given, ensure_ascii=False)}" if given else ""
    kinds = one["kind"] if isinstance(one["kind"], list) else [one["kind"]]
    where = " ".join([",".join(kinds), *(str(one[name]) for name in _COUNTERS[7:] if name in one)])
    often = "every time" if one["times"] is None else f"{one['times']} time{'s' * (one['times'] != 1)}"
    state = "spent" if one["spent"] else "in force"
    return (
        f"{one['id']:>3}  {action}{details}  at {where} from request {one['nth']}, {often}:"
        f" seen {one['seen']}, fired {one['fired']}, {state}"
    )


def call(context: click.Context, method: str, path: str, body: Any = None, *, group: str = "faults") -> Any:
    """The answer of the sandbox's administration. Raises Refused with what the sandbox said, or that there is none."""
    url, ca_file = _address(*context.obj)
    address = f"{url}/__sandbox__/{path}"
    content = None if body is None else json.dumps(body).encode()
    request = Request(address, content, {"Content-Type": "application/json"}, method=method)  # noqa: S310  (checked)
    try:
        trust = HTTPSHandler(context=ssl.create_default_context(cafile=ca_file))
        with build_opener(ProxyHandler({}), trust).open(request, timeout=_SECONDS) as answer:
            return json.load(answer)
    except HTTPError as error:
        raise Refused(_said(error), f"See `durable sandbox {group} --help`.") from error
    except (OSError, ValueError) as error:
        raise Refused(f"No sandbox answers at {address}: {error}.", _START) from error


_START = "Start one with `durable sandbox --state .durable/sandbox`, or name the running one's --state or --url."


def _said(error: HTTPError) -> str:
    try:
        return str(json.load(error)[0]["message"])
    except (ValueError, LookupError, TypeError):
        return f"The sandbox answered {error.code}."


def _address(state: Path | None, url: str | None) -> tuple[str, str | None]:
    """The sandbox's address and, for https, the file of the authority that vouches for it."""
    announced: dict[str, str] = {} if url else _announced(state or records.state(root()) / "sandbox")
    address = url or announced["url"]
    if urlsplit(address).scheme not in ("http", "https"):
        raise Refused(f"{address!r} is not an address.", "Give it as http://127.0.0.1:8080.")
    return address.rstrip("/"), announced.get("ca_file")


def _announced(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / "url.json").read_text(encoding="utf-8"))
        return {"url": str(found["url"]), **({"ca_file": str(found["ca_file"])} if "ca_file" in found else {})}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Refused(f"No sandbox is running with the state folder {folder}.", _START) from error
