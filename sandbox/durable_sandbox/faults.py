"""Faults that an administrator ordered: which requests each one waits for, how often it fired, in order of arrival."""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

_DATA = r"/services/data/v[^/]+"
_OBJECT = r"/sobjects/(?P<object>[^/]+)"
_JOB = r"/jobs/query/(?P<job>[^/]+)"
KINDS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (kind, method, re.compile(pattern + "/?"))
    for kind, method, pattern in (
        ("token", "POST", r"/services/(oauth2/token|Soap/.+)"),
        ("identity", "GET", r"/(id/.+|services/oauth2/userinfo)"),
        ("versions", "GET", r"/services/data"),
        ("limits", "GET", _DATA + "/limits"),
        ("describe", "GET", _DATA + r"/sobjects"),
        ("describe", "GET", _DATA + _OBJECT + "(/describe)?"),
        ("deleted", "GET", _DATA + _OBJECT + "/deleted"),
        ("updated", "GET", _DATA + _OBJECT + "/updated"),
        ("record", "GET", _DATA + _OBJECT + "/[^/]+"),
        ("query", "GET", _DATA + r"/query(All)?"),
        ("page", "GET", _DATA + r"/query(All)?/(?P<locator>[^/]+)"),
        ("composite", "POST", _DATA + r"/composite(/.*)?"),
        ("job", "POST", _DATA + r"/jobs/query"),
        ("jobs", "GET", _DATA + r"/jobs/query"),
        ("poll", "GET", _DATA + _JOB),
        ("abort", "PATCH", _DATA + _JOB),
        ("delete", "DELETE", _DATA + _JOB),
        ("results", "GET", _DATA + _JOB + "/results"),
        ("result_pages", "GET", _DATA + _JOB + "/resultPages"),
        ("bulk_v1", "GET", r"/services/async/.+"),
        ("bulk_v1", "POST", r"/services/async/.+"),
    )
)
COUNT = re.compile(r"\s*SELECT\s+COUNT\s*\(", re.IGNORECASE)
FROM = re.compile(r"\sFROM\s+(\w+)", re.IGNORECASE)
KIND_NAMES = (*dict.fromkeys(kind for kind, *_ in KINDS), "count", "write", "other", "any")


@dataclass(frozen=True)
class Asked:
    """What a request is about, or a record that is being written (kind `write`, its Id in `text`).

    `part` marks one of the requests inside a composite request.
    """

    kind: str
    method: str = ""
    path: str = ""
    object: str = ""
    text: str = ""
    job: str = ""
    locator: str = ""
    part: bool = False


def classified(method: str, path: str) -> tuple[str, Mapping[str, str]]:
    """The kind of a request and the names in its address."""
    for kind, wanted, pattern in KINDS:
        found = pattern.fullmatch(path) if wanted == method else None
        if found:
            return kind, {name: value or "" for name, value in found.groupdict().items()}
    return "other", {}


@dataclass(frozen=True)
class Match:
    """Which requests a fault counts, from which of them on it fires, and how often; None is every time."""

    kinds: tuple[str, ...] = ("any",)
    object: str = ""
    method: str = ""
    path: str = ""
    contains: str = ""
    ids: tuple[str, ...] = ()
    nth: int = 1
    times: int | None = 1

    def fits(self, asked: Asked) -> bool:
        """Whether the request counts; writes and parts of composite requests count only where their kind is named."""
        return (
            (asked.kind in self.kinds or ("any" in self.kinds and asked.kind != "write" and not asked.part))
            and self.object.lower() in ("", asked.object.lower())
            and self.method.upper() in ("", asked.method)
            and (not self.path or fnmatchcase(asked.path, self.path))
            and self.contains.lower() in asked.text.lower()
            and (not self.ids or asked.text in self.ids)
        )


@dataclass
class Fault:
    """One ordered fault and what became of it."""

    id: int
    match: Match
    action: str
    setting: Any
    seen: int = 0
    fired: int = 0

    @property
    def spent(self) -> bool:
        """Whether it has fired as often as it may."""
        return self.match.times is not None and self.fired >= self.match.times

    def due(self, asked: Asked) -> bool:
        """Count a request; whether the fault may fire at it."""
        if not self.match.fits(asked):
            return False
        self.seen += 1
        return self.seen >= self.match.nth and not self.spent

    def shown(self) -> dict[str, Any]:
        """The fault as the administrator sees it: the order, without what it leaves open, and the counters."""
        match = self.match
        given = {
            "kind": list(match.kinds) if len(match.kinds) > 1 else match.kinds[0],
            "object": match.object,
            "method": match.method,
            "path": match.path,
            "contains": match.contains,
            "ids": list(match.ids),
        }
        counters = {"nth": match.nth, "times": match.times, "seen": self.seen, "fired": self.fired}
        order = {name: value for name, value in given.items() if value}
        return {"id": self.id, **order, self.action: self.setting, **counters, "spent": self.spent}


@dataclass
class Faults:
    """The faults in force, in the order in which they were added; they live in memory only."""

    armed: list[Fault] = field(default_factory=list)
    added: int = 0
    repeats: dict[str, tuple[str, ...]] = field(default_factory=dict)
    expired: dict[str, int] = field(default_factory=dict)

    @property
    def watching(self) -> bool:
        """Whether requests have to be looked at."""
        return bool(self.armed or self.repeats or self.expired)

    def add(self, match: Match, action: str, setting: Any) -> Fault:
        """Put a fault in force."""
        self.added += 1
        fault = Fault(self.added, match, action, setting)
        self.armed.append(fault)
        return fault

    def due(self, asked: Asked, actions: Container[str]) -> list[Fault]:
        """Count a request for every fault with such an action that it fits; those that may fire at it, in order."""
        return [fault for fault in self.armed if fault.action in actions and fault.due(asked)]

    def remove(self, number: int | None) -> list[Fault]:
        """Take one fault out of force, or all of them with what they left behind; those that were taken out."""
        gone = [fault for fault in self.armed if number in (None, fault.id)]
        self.armed = [fault for fault in self.armed if fault not in gone]
        if number is None:
            self.repeats.clear()
            self.expired.clear()
        return gone
