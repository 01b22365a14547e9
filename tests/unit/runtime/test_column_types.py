"""A column may become wider only where every value that it may hold stays exactly what it is."""

from __future__ import annotations

from itertools import product

import duckdb
import pytest

from durable_runtime.warehouse.column_types import column_type_of, same, widens_in_duckdb, widens_in_snowflake

# Type -> its least and greatest values and some between, as SQL.
VALUES = {
    "BOOLEAN": ("TRUE", "FALSE"),
    "TINYINT": ("-128", "127"),
    "UTINYINT": ("0", "255"),
    "SMALLINT": ("-32768", "32767"),
    "INTEGER": ("-2147483648", "2147483647"),
    "UINTEGER": ("0", "4294967295"),
    "BIGINT": ("-9223372036854775808", "9223372036854775807"),
    "UBIGINT": ("0", "18446744073709551615"),
    "HUGEINT": ("-170141183460469231731687303715884105728", "170141183460469231731687303715884105727"),
    "DECIMAL(4,2)": ("-99.99", "99.99", "0.10"),
    "DECIMAL(10,2)": ("-99999999.99", "99999999.99"),
    "DECIMAL(18,2)": ("-9999999999999999.99", "9999999999999999.99"),
    "DECIMAL(18,6)": ("-999999999999.999999", "999999999999.999999"),
    "DECIMAL(38,18)": ("-99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
    "DOUBLE": ("0.1::DOUBLE", "1.7976931348623157e308", "5e-324"),
    "DATE": ("DATE '0001-01-01'", "DATE '9999-12-31'"),
    "TIME": ("TIME '00:00:00'", "TIME '23:59:59.999999'"),
    "TIMESTAMP": ("TIMESTAMP '0001-01-01 00:00:00.000001'", "TIMESTAMP '9999-12-31 23:59:59.999999'"),
    "TIMESTAMP WITH TIME ZONE": ("TIMESTAMPTZ '2026-01-01 00:00:00+02'",),
    "TIMESTAMP_NS": ("TIMESTAMP_NS '2026-01-01 00:00:00.123456789'",),
    "UUID": ("'0a5b43a8-7b4a-4c1e-9d1a-1a3f7b2c4d5e'",),
    "JSON": ("""'{"a": [1, null]}'""",),
    "ENUM('x', 'y')": ("'x'", "'y'"),
    "BLOB": ("'\\xAA'::BLOB",),
    "VARCHAR": ("''", "'NA'", "' é '"),
}
WANTED = ("VARCHAR", "BOOLEAN", "BIGINT", "DECIMAL(18,2)", "DECIMAL(38,18)", "DATE", "TIMESTAMP", "TIME", "JSON")
WIDENS = {
    "BIGINT": {"TINYINT", "UTINYINT", "SMALLINT", "INTEGER", "UINTEGER"},
    "DECIMAL(18,2)": {"TINYINT", "UTINYINT", "SMALLINT", "INTEGER", "UINTEGER", "DECIMAL(4,2)", "DECIMAL(10,2)"},
    "DECIMAL(38,18)": {
        "TINYINT", "UTINYINT", "SMALLINT", "INTEGER", "UINTEGER", "BIGINT", "UBIGINT", "DECIMAL(4,2)", "DECIMAL(10,2)",
        "DECIMAL(18,2)", "DECIMAL(18,6)",
    },
    "VARCHAR": VALUES.keys() - {"VARCHAR", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS", "BLOB"},
}  # fmt: skip


@pytest.mark.parametrize("wanted", WANTED)
def test_duckdb_widens_what_keeps_every_value_and_nothing_else(wanted: str) -> None:
    asked = column_type_of(wanted)
    found = {kind for kind in VALUES if kind != wanted and widens_in_duckdb(column_type_of(kind), asked)}
    assert found == WIDENS.get(wanted, set())
    assert [kind for kind in VALUES if same(column_type_of(kind), asked)] == [wanted] * (wanted in VALUES)


@pytest.mark.parametrize(
    ("there", "wanted"), [(there, wanted) for wanted, many in WIDENS.items() for there in sorted(many)]
)
def test_a_widened_column_of_duckdb_gives_back_the_values_that_it_had(there: str, wanted: str) -> None:
    with duckdb.connect() as database:
        database.execute(f"CREATE TABLE t (n INTEGER, x {there}, was {there})")
        for at, value in enumerate((*VALUES[there], "NULL")):
            database.execute(f"INSERT INTO t VALUES ({at}, {value}, {value})")
        database.execute(f"ALTER TABLE t ALTER COLUMN x SET DATA TYPE {wanted}")
        same_again = f"CAST(x AS {there}) IS NOT DISTINCT FROM was"
        rows = database.execute(f"SELECT typeof(x), {same_again}, x IS NULL FROM t ORDER BY n")
        kept = len(VALUES[there])
        assert rows.fetchall() == [(wanted, True, False)] * kept + [(wanted, True, True)]


# What a column of Snowflake has, what is wanted, whether that is the same, and whether ALTER COLUMN may do it.
SNOWFLAKE = [
    ("VARCHAR(16777216)", "VARCHAR", True, False),
    ("VARCHAR(134217728)", "VARCHAR", True, False),
    ("VARCHAR(10)", "VARCHAR", False, True),
    ("VARCHAR(10)", "VARCHAR(20)", False, True),
    ("VARCHAR(20)", "VARCHAR(10)", False, False),
    ("NUMBER(38,0)", "NUMBER(38,0)", True, False),
    ("NUMBER(10,0)", "NUMBER(38,0)", False, True),
    ("NUMBER(18,2)", "NUMBER(38,2)", False, True),
    ("NUMBER(38,2)", "NUMBER(18,2)", False, False),
    ("NUMBER(38,0)", "NUMBER(38,18)", False, False),
    ("NUMBER(18,2)", "NUMBER(38,18)", False, False),
    ("NUMBER(38,0)", "VARCHAR", False, False),
    ("FLOAT", "NUMBER(38,18)", False, False),
    ("BOOLEAN", "VARCHAR", False, False),
    ("TIMESTAMP_NTZ(9)", "TIMESTAMP_NTZ", True, False),
    ("TIMESTAMP_NTZ(6)", "TIMESTAMP_NTZ", True, False),
    ("TIMESTAMP_NTZ(3)", "TIMESTAMP_NTZ", False, False),
    ("TIMESTAMP_TZ(9)", "TIMESTAMP_NTZ", False, False),
    ("TIME(9)", "TIME", True, False),
    ("VARIANT", "VARIANT", True, False),
    ("OBJECT", "VARIANT", False, False),
    ("VARCHAR(16777216)", "VARIANT", False, False),
    ("DATE", "TIMESTAMP_NTZ", False, False),
]


@pytest.mark.parametrize(("there", "wanted", "equal", "widens"), SNOWFLAKE)
def test_snowflake_widens_text_and_digits_before_the_point_and_nothing_else(
    there: str, wanted: str, equal: bool, widens: bool
) -> None:
    first, second = column_type_of(there), column_type_of(wanted)
    assert same(first, second) is equal
    assert (not equal and widens_in_snowflake(first, second)) is widens


def test_a_type_is_the_same_as_itself_however_it_is_spelt() -> None:
    for one, other in product(("DECIMAL(18, 2)", "decimal(18,2)", "NUMBER(18,2)"), repeat=2):
        assert same(column_type_of(one), column_type_of(other))
