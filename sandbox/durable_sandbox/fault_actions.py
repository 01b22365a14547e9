"""What a fault does when it fires: one table from the action's name to what it is given and what it changes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from datetime import timedelta
from typing import Any, Literal

from durable_sandbox import fault_content, ids
from durable_sandbox.changes import Change, apply
from durable_sandbox.fault_content import Page
from durable_sandbox.faults import KIND_NAMES, Asked
from durable_sandbox.jobs import Fate
from durable_sandbox.limits import REQUESTS
from durable_sandbox.named_errors import NAMED_ERRORS
from durable_sandbox.sandbox import Sandbox
from durable_sandbox.wire import ENDINGS, Answer

_USAGE_HEADER = "Sforce-Limit-Info"
_NUMBER_HEADER, _LOCATOR_HEADER = "Sforce-NumberOfRecords", "Sforce-Locator"
_NUMBERS = frozenset({"after", "backdate", "by", "polls", "requests", "rows", "seconds", "status"})
_CUTS = ("row", "value", "header")
RETRIED = "InternalServerError : Retried more than fifteen times"
Setting = dict[str, Any]
Before = Callable[[Sandbox, Asked, Setting], bool]
Instead = Callable[[Sandbox, Asked, Setting], Answer]
After = Callable[[Sandbox, Asked, Setting, Answer], Answer | None]


@dataclass(frozen=True)
class Action:
    """One action: when it runs, what it may be given (name: default), and which requests it is for by itself.

    `before` changes the sandbox and lets the request through, `instead` answers, `after` changes a good answer. One
    that returns False or None found nothing to act on, did not fire, and stays due. `short` is the setting that a bare
    value stands for; `free` says that it is an object with names of its own. `always` acts on errors' answers too.
    """

    phase: Literal["before", "instead", "after", "write"]
    run: Any
    settings: Setting
    short: str = ""
    kinds: tuple[str, ...] = ("any",)
    times: int | None = 1
    free: bool = False
    always: bool = False


def settled(name: str, given: object) -> Setting:
    """An action's whole setting from what was ordered. Raises ValueError or TypeError with a sentence."""
    action = ACTIONS[name]
    if given is True or given is None:
        given = {}
    if action.free or not isinstance(given, dict):
        if not action.short:
            raise ValueError(f"{name} takes true or an object, not {given!r}")
        given = {action.short: given}
    unknown = given.keys() - action.settings.keys()
    if unknown:
        takes = ", ".join(action.settings) or "nothing"
        raise ValueError(f"{name} takes {takes}, not {', '.join(sorted(unknown))}")
    setting = action.settings | given
    _CHECKS.get(name, _nothing)(setting)
    for key in _NUMBERS & setting.keys():
        value = setting[key]
        if isinstance(value, bool) or not (isinstance(value, int | float) or (value is None is action.settings[key])):
            raise ValueError(f"{key} of {name} must be a number, not {value!r}")
    return setting


def _nothing(_: Setting) -> None:
    """Nothing to check."""


def _check_answer(setting: Setting) -> None:
    if not isinstance(setting["status"], int) or not 200 <= setting["status"] <= 599:
        raise ValueError(f"status must be a number from 200 to 599, not {setting['status']!r}")
    if not isinstance(setting["headers"], dict):
        raise TypeError("headers must be an object of names and texts")


def _check_error(setting: Setting) -> None:
    if setting["name"] not in NAMED_ERRORS:
        raise ValueError(f"error must be one of {', '.join(NAMED_ERRORS)}, not {setting['name']!r}")


def _check_cut(setting: Setting) -> None:
    if setting["framing"] not in ENDINGS:
        raise ValueError(f"framing must be one of {', '.join(ENDINGS)}, not {setting['framing']!r}")
    if setting["at"] not in _CUTS and (isinstance(setting["at"], bool) or not isinstance(setting["at"], int)):
        raise ValueError(f"at must be one of {', '.join(_CUTS)} or a number of records, not {setting['at']!r}")


def _check_change(setting: Setting) -> None:
    counts = [value for name, value in setting.items() if name != "object"]
    if not setting["object"] or not all(isinstance(value, int) and value >= 0 for value in counts):
        raise ValueError("change takes an object and whole numbers of records, as the change endpoint does")


def _check_object(setting: Setting) -> None:
    if not isinstance(setting["values"], dict) or not setting["values"]:
        raise ValueError("give an object of names and values")


_CHECKS: dict[str, Callable[[Setting], None]] = {
    "answer": _check_answer,
    "error": _check_error,
    "cut": _check_cut,
    "change": _check_change,
    "headers": _check_object,
    "json": _check_object,
}


def _usage(sandbox: Sandbox) -> tuple[tuple[str, str], ...]:
    return (("Date", sandbox.clock.http_date()), (_USAGE_HEADER, sandbox.limits.header()))


def _named(sandbox: Sandbox, asked: Asked, setting: Setting) -> Answer:
    error = NAMED_ERRORS[setting["name"]]
    body = error.body(asked.object, setting["message"])
    return Answer(error.status, (*error.headers(), *_usage(sandbox)), body)


def _given(sandbox: Sandbox, _: Asked, setting: Setting) -> Answer:
    body = setting["body"]
    plain = isinstance(body, str)
    kind = "text/html; charset=UTF-8" if plain else "application/json;charset=UTF-8"
    content = body.encode() if plain else json.dumps(body, ensure_ascii=False).encode()
    own = {name.lower() for name in setting["headers"]}
    usual = (("Content-Type", kind), *_usage(sandbox))
    headers = tuple(entry for entry in usual if entry[0].lower() not in own)
    return Answer(
        setting["status"], (*headers, *((name, str(value)) for name, value in setting["headers"].items())), content
    )


def _unsupported(sandbox: Sandbox, asked: Asked, _: Setting) -> Answer:
    return _named(sandbox, asked, {"name": "INVALIDENTITY", "message": None})


def _daily_limit(sandbox: Sandbox, asked: Asked, _: Setting) -> Answer:
    answer = _named(sandbox, asked, {"name": "REQUEST_LIMIT_EXCEEDED", "message": None})
    most = sandbox.limits.maxima[REQUESTS]
    return replace(answer, headers=answer.with_header(_USAGE_HEADER, f"api-usage={most}/{most}"))


def _maintenance(sandbox: Sandbox, asked: Asked, _: Setting) -> Answer:
    """A page of the edge, which knows nothing of API usage."""
    answer = _named(sandbox, asked, {"name": "MAINTENANCE", "message": None})
    return replace(answer, headers=answer.with_header(_USAGE_HEADER, None))


def _redirect(sandbox: Sandbox, asked: Asked, setting: Setting) -> Answer:
    target = setting["location"] or f"{sandbox.url}/moved{asked.path}"
    return Answer(setting["status"], (("Location", target), *_usage(sandbox)), b"")


def _stop_early(ending: str) -> After:
    """The end of the connection at once, or after so many bytes of a real answer's body."""

    def run(_: Sandbox, __: Asked, setting: Setting, answer: Answer) -> Answer | None:
        after = setting["after"]
        if after is not None and after >= len(answer.content):
            return None
        sent = None if after is None else answer.content[: int(after)]
        return replace(answer, sent=sent, ending=ending, seconds=setting.get("seconds"))

    return run


def _slow(_: Sandbox, __: Asked, setting: Setting, answer: Answer) -> Answer:
    return replace(answer, seconds=float(setting["seconds"]))


def _cut(_: Sandbox, __: Asked, setting: Setting, answer: Answer) -> Answer | None:
    page = fault_content.read(answer.content)
    found = fault_content.cut(page, setting["at"]) if page else None
    if page is None or found is None:
        return None
    text, kept = found
    if setting["framing"] == "consistent" and setting["at"] != "value":
        text += page.tail
    headers = answer.headers
    if setting["counted"] and page.form == "csv":
        headers = answer.with_header(_NUMBER_HEADER, str(kept))
    return replace(answer, headers=headers, sent=text.encode(), ending=setting["framing"])


def _paged(change: Callable[[Page, Setting], Page | None]) -> After:
    """An action on a page's records; `counted` brings the header in line with what is sent."""

    def run(_: Sandbox, __: Asked, setting: Setting, answer: Answer) -> Answer | None:
        page = fault_content.read(answer.content)
        changed = change(page, setting) if page else None
        if changed is None:
            return None
        headers = answer.headers
        if setting.get("counted") and changed.form == "csv":
            headers = answer.with_header(_NUMBER_HEADER, str(len(changed.rows)))
        return replace(answer, headers=headers, content=changed.text.encode())

    return run


def following(asked: Asked, answer: Answer, page: Page) -> str:
    """What names the page after this one: the job or cursor with its locator; empty after the last page."""
    if page.form == "csv":
        locator = answer.header(_LOCATOR_HEADER)
        return "" if locator in (None, "null") else f"{asked.job} {locator}"
    address = json.loads(page.head + page.tail).get("nextRecordsUrl") or ""
    return f" {address.rpartition('/')[2]}" if address else ""


def _repeat_page(sandbox: Sandbox, asked: Asked, _: Setting, answer: Answer) -> Answer | None:
    page = fault_content.read(answer.content)
    place = following(asked, answer, page) if page else ""
    if page is None or not place:
        return None
    sandbox.faults.repeats[place] = page.rows
    return answer


def repeated(sandbox: Sandbox, asked: Asked, answer: Answer) -> Answer:
    """The answer with the records of the page before it, where that was ordered; once."""
    place = f"{asked.job} {asked.locator}"
    page = fault_content.read(answer.content) if place in sandbox.faults.repeats else None
    if page is None:
        return answer
    changed = page.with_rows(sandbox.faults.repeats.pop(place))
    count = str(len(changed.rows))
    headers = answer.with_header(_NUMBER_HEADER, count) if page.form == "csv" else answer.headers
    return replace(answer, headers=headers, content=changed.text.encode())


def _headers(_: Sandbox, __: Asked, setting: Setting, answer: Answer) -> Answer:
    for name, value in setting["values"].items():
        answer = replace(answer, headers=answer.with_header(name, None if value is None else str(value)))
    return answer


def _wrong_count(_: Sandbox, __: Asked, setting: Setting, answer: Answer) -> Answer | None:
    number = answer.header(_NUMBER_HEADER)
    if number is None:
        return None
    return replace(answer, headers=answer.with_header(_NUMBER_HEADER, str(int(number) + setting["by"])))


def _locator(_: Sandbox, __: Asked, setting: Setting, answer: Answer) -> Answer | None:
    if answer.header(_LOCATOR_HEADER) is None:
        return None
    return replace(answer, headers=answer.with_header(_LOCATOR_HEADER, setting["value"]))


def _json(_: Sandbox, __: Asked, setting: Setting, answer: Answer) -> Answer | None:
    """Top-level values replaced; the records of a page keep their bytes."""
    page = fault_content.read(answer.content)
    rows = page.joined(page.rows) if page and page.form == "json" else None
    try:
        body = json.loads(page.head + page.tail if page and rows is not None else answer.content)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    text = json.dumps(body | setting["values"], ensure_ascii=False, separators=(",", ":"))
    if rows is not None and "records" not in setting["values"]:
        text = text.replace('"records":[]', f'"records":[{rows}]')
    return replace(answer, content=text.encode())


def _fated(make: Callable[[Setting], Fate]) -> After:
    """An action on a job: one that was just made, or the one that was asked about; seen from the next look on."""

    def run(sandbox: Sandbox, asked: Asked, setting: Setting, answer: Answer) -> Answer | None:
        created = json.loads(answer.content)["id"] if asked.kind == "job" else ""
        job = sandbox.jobs.known.get(ids.with_checksum(asked.job or created))
        if job is None:
            return None
        job.fate = make(setting)
        return answer

    return run


def _expire_session(sandbox: Sandbox, _: Asked, __: Setting) -> bool:
    sandbox.sessions.tokens.clear()
    return True


def cursor(asked: Asked) -> str:
    """What a locator belongs to: its job, or the query's cursor."""
    return asked.job or asked.locator.rpartition("-")[0]


def _expire_locator(sandbox: Sandbox, asked: Asked, setting: Setting) -> bool:
    if not asked.locator:
        return False
    sandbox.faults.expired[cursor(asked)] = int(setting["status"])
    return True


def expired(sandbox: Sandbox, asked: Asked) -> Answer | None:
    """The answer to a locator that has expired."""
    status = sandbox.faults.expired.get(cursor(asked)) if asked.locator else None
    if status is None:
        return None
    answer = _named(sandbox, asked, {"name": "INVALID_QUERY_LOCATOR", "message": None})
    return replace(answer, status=status)


def _change(sandbox: Sandbox, _: Asked, setting: Setting) -> bool:
    apply(sandbox, Change(**setting))
    return True


def _clock_skew(sandbox: Sandbox, _: Asked, setting: Setting) -> bool:
    sandbox.clock.skew = timedelta(seconds=setting["seconds"])
    return True


_PAGES = ("query", "page", "results")
_COUNTED = {"counted": False}
ACTIONS: dict[str, Action] = {
    "answer": Action("instead", _given, {"status": 500, "headers": {}, "body": ""}, "status"),
    "error": Action("instead", _named, {"name": "", "message": None}, "name"),
    "maintenance": Action("instead", _maintenance, {}),
    "redirect": Action("instead", _redirect, {"location": "", "status": 302}, "location"),
    "unsupported": Action("instead", _unsupported, {}, kinds=("job",), times=None),
    "daily_limit": Action(
        "instead",
        _daily_limit,
        {},
        kinds=tuple(kind for kind in KIND_NAMES if kind not in ("any", "write", "token", "versions")),
        times=None,
    ),
    "reset": Action("after", _stop_early("reset"), {"after": None}, "after", always=True),
    "stall": Action("after", _stop_early("silent"), {"seconds": None, "after": None}, "seconds", always=True),
    "slow": Action("after", _slow, {"seconds": 1.0}, "seconds", always=True),
    "cut": Action("after", _cut, {"at": "row", "framing": "length", **_COUNTED}, "at", _PAGES),
    "repeat_page": Action("after", _repeat_page, {}, kinds=_PAGES),
    "repeat_rows": Action("after", _paged(lambda page, _: fault_content.doubled(page)), dict(_COUNTED), kinds=_PAGES),
    "replace_row": Action("after", _paged(lambda page, _: fault_content.replaced(page)), {}, kinds=_PAGES),
    "nul_bytes": Action(
        "after", _paged(lambda page, setting: fault_content.spoiled(page, setting["rows"])), {"rows": 1}, "rows", _PAGES
    ),
    "headers": Action("after", _headers, {"values": {}}, "values", free=True, always=True),
    "json": Action("after", _json, {"values": {}}, "values", free=True),
    "wrong_count": Action("after", _wrong_count, {"by": 1}, "by", ("results",)),
    "locator": Action("after", _locator, {"value": None}, "value", ("results",)),
    "fail_job": Action(
        "after", _fated(lambda setting: Fate("Failed", setting["message"])), {"message": RETRIED}, "message", ("job",)
    ),
    "abort_job": Action("after", _fated(lambda _: Fate("Aborted")), {}, kinds=("job",)),
    "stick_job": Action(
        "after", _fated(lambda setting: Fate(polls=setting["polls"])), {"polls": None}, "polls", ("job",)
    ),
    "expire_session": Action("before", _expire_session, {}),
    "expire_locator": Action("before", _expire_locator, {"status": 400}, "status", ("page", "results")),
    "change": Action(
        "before", _change, {item.name: "" if item.name == "object" else 0 for item in dataclass_fields(Change)}
    ),
    "clock_skew": Action("before", _clock_skew, {"seconds": 300.0}, "seconds"),
    "late": Action(
        "write", None, {"requests": None, "seconds": None, "backdate": 0}, "requests", kinds=("write",), times=None
    ),
}
