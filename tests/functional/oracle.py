"""What the table must hold, worked out from the sandbox's own records in plain Python; shares no code with Durable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

OBJECTS = ("Account", "Contact", "Customer_Health__c")
HEALTH = {"Green": "healthy", "Yellow": "at_risk", "Red": "critical"}
NUMBERS, WHOLE = {"currency", "percent", "double"}, {"int", "long"}
Row = dict[str, Any]


def parse(kind: str, value: Any) -> Any:
    """A record's value as the column must hold it; every digit of a number, timestamps naive UTC."""
    if value is None or value == "":
        return None
    if kind in NUMBERS:
        return Decimal(str(value))
    if kind in WHOLE:
        return int(Decimal(str(value)))
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "datetime":
        return datetime.fromisoformat(value).replace(tzinfo=None)
    if kind == "time":
        return time.fromisoformat(value.rstrip("Z"))
    return value


def fits(kind: str, value: Any) -> bool:
    """Whether a number has at most 18 fraction and 20 integer digits."""
    if kind not in NUMBERS or value in (None, ""):
        return True
    number = Decimal(str(value)).normalize()
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return -exponent <= 18 and abs(number) < Decimal(10) ** 20


class Expected:
    """Live rows, duplicates and rejects of one object by Id."""

    def __init__(self, name: str, records: Sequence[Mapping[str, Any]], types: Mapping[str, str]) -> None:
        live = [one for one in records if not one["IsDeleted"]]
        self.rejected = {one["Id"] for one in live if not self._accepted(name, one, types)}
        accepted = [one for one in live if one["Id"] not in self.rejected]
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for one in accepted:
            key = one.get("External_ID__c") if name == "Contact" else None
            groups.setdefault(key or f"alone {one['Id']}", []).append(one)
        winners = [max(group, key=lambda one: (one["SystemModstamp"], one["Id"])) for group in groups.values()]
        self.live = {one["Id"]: self._row(name, one, types) for one in winners}
        self.duplicates = {one["Id"] for one in accepted} - set(self.live)

    @staticmethod
    def _accepted(name: str, record: Mapping[str, Any], types: Mapping[str, str]) -> bool:
        if name == "Contact" and record.get("Email") in (None, ""):
            return False
        return all(fits(kind, record.get(field)) for field, kind in types.items())

    @staticmethod
    def _row(name: str, record: Mapping[str, Any], types: Mapping[str, str]) -> Row:
        row = {field: parse(kind, record.get(field)) for field, kind in types.items()}
        if name == "Customer_Health__c" and row["Health_Status__c"] is not None:
            row["Health_Status__c"] = HEALTH.get(row["Health_Status__c"], "unknown")
        return row
