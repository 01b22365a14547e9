"""Types of columns as the catalogs of both dialects spell them, and which of them holds every value of another."""

from __future__ import annotations

import re
from dataclasses import dataclass

SPELLING = re.compile(r"([A-Z][A-Z0-9_ ]*?)\s*(?:\(([0-9, ]*)\))?")
TEXT_BYTES = 16_777_216  # what VARCHAR without a length means on Snowflake
MICROSECONDS = 6  # digits; Snowflake's own default of nine holds them too

FAMILIES = {
    **dict.fromkeys(("VARCHAR", "TEXT", "STRING", "CHAR", "CHARACTER"), "text"),
    **dict.fromkeys(("DECIMAL", "NUMERIC", "NUMBER"), "number"),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_NTZ", "DATETIME"), "timestamp"),
    **dict.fromkeys(("JSON", "VARIANT"), "json"),
    **dict.fromkeys(("DOUBLE", "FLOAT", "REAL"), "float"),
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIME": "time",
    "UUID": "uuid",
}
WHOLE = {
    **{f"{name}INT": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for name, bits in (("TINY", 8), ("SMALL", 16))},
    **dict.fromkeys(("INTEGER", "INT"), (-(2**31), 2**31 - 1)),
    "BIGINT": (-(2**63), 2**63 - 1),
    "HUGEINT": (-(2**127), 2**127 - 1),
    **{name: (0, 2**bits - 1) for name, bits in (("UTINYINT", 8), ("USMALLINT", 16), ("UINTEGER", 32))},
    "UBIGINT": (0, 2**64 - 1),
    "UHUGEINT": (0, 2**128 - 1),
}
# Families of which DuckDB writes every value as text that reads back as the same value.
READ_BACK = frozenset({"number", "float", "boolean", "date", "time", "timestamp", "uuid", "json"})


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A type: its family (`other` where no package uses such a one) and what bounds its values.

    Numbers reach from `least` to `most` in whole ones, with `scale` digits behind the point, and have `precision` in
    all where they are decimals. Text has a `length`; None is as long as the dialect lets it. Times have `scale` digits
    of a second.
    """

    spelt: str
    family: str
    least: int = 0
    most: int = 0
    precision: int | None = None
    scale: int = 0
    length: int | None = None


def column_type_of(spelt: str) -> ColumnType:
    """The type that a catalog or a package spells so."""
    text = spelt.strip().upper()
    found = SPELLING.fullmatch(text)
    name, inside = (found[1], [int(one) for one in (found[2] or "").split(",") if one.strip()]) if found else (text, [])
    if name in WHOLE:
        least, most = WHOLE[name]
        return ColumnType(text, "number", least, most)
    family = FAMILIES.get(name, "other")
    if family == "number":
        precision, scale = (*inside, 0)[:2] if inside else ((38, 0) if name == "NUMBER" else (18, 3))
        most = 10 ** (precision - scale) - 1
        return ColumnType(text, family, -most, most, precision, scale)
    if family == "text":
        return ColumnType(text, family, length=inside[0] if inside else None)
    return ColumnType(text, family, scale=inside[0] if inside else MICROSECONDS)


def same(there: ColumnType, wanted: ColumnType) -> bool:
    """Whether both hold the same values; lengths count only where they are less than what text may have."""
    if there.family != wanted.family or there.family == "other":
        return there.spelt == wanted.spelt
    if there.family == "text":
        return _length(there) >= _length(wanted) if wanted.length is None else there.length == wanted.length
    if there.family == "number":
        return (there.least, there.most, there.scale) == (wanted.least, wanted.most, wanted.scale)
    return there.scale >= wanted.scale


def widens_in_duckdb(there: ColumnType, wanted: ColumnType) -> bool:
    """Whether DuckDB can give a column the wanted type and keep every value exactly."""
    if wanted.family == "text":
        return there.family in READ_BACK or there.spelt.startswith("ENUM(")
    return there.family == wanted.family == "number" and _holds(wanted, there)


def widens_in_snowflake(there: ColumnType, wanted: ColumnType) -> bool:
    """Whether Snowflake's ALTER COLUMN may: longer text, or more digits before the point and as many behind it."""
    if there.family == wanted.family == "text":
        return _length(wanted) > _length(there)
    return there.family == wanted.family == "number" and there.scale == wanted.scale and _holds(wanted, there)


def _holds(wanted: ColumnType, there: ColumnType) -> bool:
    return wanted.least <= there.least and there.most <= wanted.most and there.scale <= wanted.scale


def _length(one: ColumnType) -> int:
    return TEXT_BYTES if one.length is None else one.length
