"""What every warehouse must do with values that moved without a stamp, as more checks of `conformance`'s kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from durable_runtime.warehouse import sample
from durable_runtime.warehouse.conformance import START, Bench, Trial, account, contact, rejected, same
from durable_runtime.warehouse.dialect import value_columns

NAME, AMOUNT, OPENED = sample.ACCOUNT
EMAIL = sample.CONTACT[0]
SMALLEST = Decimal("0.000000000000000001")
EXTENSIONS = ("Score__c", "Rank__c")


def write(path: Path, columns: Sequence[Any], extensions: int, rows: Sequence[tuple[Any, ...]]) -> Path:
    """A file of values; a row is the Id, why it fits no column, the columns and the fields of `extensions`."""
    own = value_columns(columns, extensions)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE found ({', '.join(f'{c.name} {c.duckdb}' for c in own)})")
        if rows:
            connection.executemany(f"INSERT INTO found VALUES ({', '.join('?' for _ in own)})", rows)
        connection.execute(f"COPY found TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)")
    return path


def values_that_differ_are_named(bench: Bench) -> None:
    """By the last digit, NULL apart from a value, text byte by byte; not what is flagged, unknown or another's."""
    held = {"001A": Decimal(1), "001B": Decimal(1), "001C": None, "001D": Decimal(1), "001E": None, "001F": Decimal(1)}
    rows = [account(id, "NA") for id in held]
    for row in rows:
        row.values.update(amount=held[row.id], opened_at=START)
    found = [
        ("001A", None, "NA", Decimal(1), START),
        ("001B", None, "NA", Decimal(1) + SMALLEST, START),
        ("001C", None, "NA", Decimal(0), START),
        ("001D", None, "na", Decimal(1), START),
        ("001E", "number_does_not_fit Amount__c", "NA", None, START),
        ("001F", None, "NA", Decimal(1), None),
        ("001G", None, "new", Decimal(1), START),
        ("003A", None, "other", None, None),
    ]
    with Trial(bench) as trial:
        trial.load("Account", *rows, account("001H"))
        trial.load("Account", account("001H", days=1, outcome="deleted"))
        trial.load("Contact", contact("003A", None))
        found.append(("001H", None, "Other", None, None))
        path = write(bench.folder / "values.parquet", sample.ACCOUNT, 0, found)
        for _ in range(2):
            named = trial.warehouse.differing("Account", path, sample.ACCOUNT, ())
            same(named, ("001B", "001C", "001D", "001E", "001F"), "Ids whose values differ")
        path = write(bench.folder / "nothing.parquet", sample.ACCOUNT, 0, ())
        same(trial.warehouse.differing("Account", path, sample.ACCOUNT, ()), (), "nothing to compare")


def fields_of_extensions_differ_by_their_text(bench: Bench) -> None:
    """An absent field, a null and a row without any are alike; other fields of the object are not looked at."""
    held = {
        "001A": {"Score__c": "1", "Rank__c": None, "Colour__c": "red"},
        "001B": {"Score__c": "1"},
        "001C": {"Score__c": 'a "quote", a \\ and 🙂'},
        "001D": {"Score__c": "null"},
    }
    found = [
        ("001A", None, "1", None),
        ("001B", None, "1.0", None),
        ("001C", None, 'a "quote", a \\ and 🙂', None),
        ("001D", None, None, None),
        ("001E", None, None, None),
        ("001F", None, None, "first"),
    ]
    with Trial(bench) as trial:
        texts = (account(id, extensions=json.dumps(fields)) for id, fields in held.items())
        trial.load("Account", *texts, account("001E"), account("001F"))
        path = write(bench.folder / "values.parquet", (), 2, found)
        named = trial.warehouse.differing("Account", path, (), EXTENSIONS)
        same(named, ("001B", "001D", "001F"), "Ids whose extensions differ")


def duplicates_are_compared_too(bench: Bench) -> None:
    """What waits among the duplicates may win later; rejected records are named apart."""
    found = [("003A", None, "new@example.com"), ("003B", None, "003B@example.com"), ("003C", None, "new@example.com")]
    with Trial(bench) as trial:
        trial.load("Contact", contact("003A", "k"), contact("003B", "k", 1), rejected(contact("003C", None)))
        same(trial.duplicates(), [("003A", "003B")], "duplicates")
        path = write(bench.folder / "values.parquet", (EMAIL,), 0, found)
        same(trial.warehouse.differing("Contact", path, (EMAIL,), ()), ("003A",), "Ids whose values differ")
        same(trial.warehouse.open_rejects("Contact"), ("003C",), "rejected records")
        same(trial.warehouse.open_rejects("Account"), (), "rejected records of another object")


def a_table_of_its_own_is_compared_by_id(bench: Bench) -> None:
    """Without `source_object` a row is found by its Id alone."""
    with Trial(bench, columns=sample.CONTACT_COLUMNS) as trial:
        trial.load("Contact", contact("003A", None), contact("003B", None))
        rows = [("003A", None, "003A@example.com"), ("003B", None, None)]
        path = write(bench.folder / "values.parquet", (EMAIL,), 0, rows)
        same(trial.warehouse.differing("Contact", path, (EMAIL,), ()), ("003B",), "Ids whose values differ")


CHECKS: tuple[Callable[[Bench], None], ...] = (
    values_that_differ_are_named,
    fields_of_extensions_differ_by_their_text,
    duplicates_are_compared_too,
    a_table_of_its_own_is_compared_by_id,
)
