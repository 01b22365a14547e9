"""What drift suggests to a person: the sentence that would give a field its column, and what reading it anew costs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from math import ceil
from typing import Any

from durable_runtime.salesforce.sizes import SIZES

PLAIN = re.compile(r"[A-Z][A-Za-z0-9]*( [A-Z][A-Za-z0-9]*){0,4}")  # words that cannot be taken for anything else
AROUND_A_JOB = 12  # creating it, asking how it fares, deleting it
COUNTS = 2  # COUNT() before and after


def proposal(description: Mapping[str, Any], field: Mapping[str, Any]) -> dict[str, Any]:
    """What a person must know of a new field to decide about it."""
    column = column_name(field["name"])
    return {
        "type": field["type"],
        "label": field.get("label") or field["name"],
        "sentence": sentence(description, field, column),
    }


def sentence(description: Mapping[str, Any], field: Mapping[str, Any], column: str, kind: str | None = None) -> str:
    """The requirement that stores a field in a column, in canonical English."""
    owner = _words(description.get("label"), str(description.get("name", "")))
    typed = f" as {kind}" if kind else ""
    return f"Stores {owner} {_field_words(description, field)} in column {column}{typed}"


def _field_words(description: Mapping[str, Any], field: Mapping[str, Any]) -> str:
    """The label if it alone leads back to the field, else the API name."""
    label = _words(field.get("label"), field["name"])
    others = [one for one in description["fields"] if one["name"] != field["name"]]
    taken = {_key(one.get(key) or "") for one in others for key in ("label", "name")}
    taken |= {_key(_bare(one["name"])) for one in others}
    return str(field["name"]) if _key(label) in taken else label


def _words(label: str | None, name: str) -> str:
    return label if label and PLAIN.fullmatch(label) else name


def _key(words: str) -> str:
    return re.sub(r"[\W_]+", "", words).casefold()


def _bare(name: str) -> str:
    return re.sub(r"__(c|pc|s)$", "", name)


def column_name(field: str) -> str:
    """The column that a field gets: `SLAExpirationDate__c` → sla_expiration_date."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", _bare(field))
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"_+", "_", name.lower())


def likeness(first: str, second: str) -> float:
    """How much two API names are alike, from 0 to 1."""
    return SequenceMatcher(None, _key(_bare(first)), _key(_bare(second)), autojunk=False).ratio()


def calls(rows: int) -> int:
    """Requests that read so many records: one REST page, or a Bulk job with its pages."""
    if rows < SIZES.rest_below:
        return COUNTS + 1
    return COUNTS + AROUND_A_JOB + ceil(rows / SIZES.page_records)
