"""Every Salesforce field type with its hard values: what Salesforce sends, and what the column holds afterwards.

docs/reference/values.md shows these tables; `python tests/functional/value_cases.py` writes them there.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "values.md"
OBJECT = "Invoice__c"


@dataclass(frozen=True, slots=True)
class Kind:
    """A Salesforce type, the field that stands for it here, and its column (none: it is never stored)."""

    type: str
    field: str
    column: str | None = None
    duckdb: str = "VARCHAR"
    snowflake: str = "VARCHAR"
    shape: Mapping[str, Any] | None = None  # of a field that the sandbox's object lacks
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The record goes to the rejects by this rule."""

    rule: str


@dataclass(frozen=True, slots=True)
class Case:
    """One value of some types: as Salesforce holds it, and as the column must hold it."""

    types: tuple[str, ...]
    hard: str  # what is hard about it
    sent: str | None
    stored: Any
    shown: tuple[str, str] | None = None  # for the page, where the values themselves are too long


PICKED = {"values": ["Open", "Closed"], "restricted": False}
PARTIES = {"reference_to": ["Account", "Contact", "Lead"], "relationship": "Party__r"}
NUMBER = ("DECIMAL(38,18)", "NUMBER(38,18)")
KINDS = (
    Kind("id", "Id", "source_id", note="18 characters, upper and lower case as sent"),
    Kind("reference", "Account__c", "account", note="the Id, 18 characters"),
    Kind("reference (polymorphic)", "Party__c", "party", shape=PARTIES, note="the first three characters tell whose"),
    Kind("string", "Text__c", "text", shape={"length": 255}, note="no length, so that a longer one needs no change"),
    Kind("textarea", "Note__c", "note", shape={"length": 255}),
    Kind("textarea (long)", "Archive__c", "archive", note="up to 131,072 characters"),
    Kind("textarea (rich)", "Terms__c", "terms", note="the HTML as sent"),
    Kind("picklist", "Stage__c", "stage", shape=PICKED, note="the API value; inactive and unlisted ones too"),
    Kind("multipicklist", "Regions__c", "regions", note="values joined by `;`, in the order sent"),
    Kind("combobox", "Topic__c", "topic", shape={"values": ["A", "B"]}),
    Kind("phone", "Tel__c", "tel", shape={}),
    Kind("email", "Mail__c", "mail", shape={}),
    Kind("url", "Portal__c", "portal"),
    Kind("encryptedstring", "Secret__c", "secret", note="what the API user may see, often `****1234`"),
    Kind("anyType", "Any__c", "any_", shape={}, note="the text as sent, whatever type it had"),
    Kind("boolean", "Done__c", "done", "BOOLEAN", "BOOLEAN", {}),
    Kind("int", "Count__c", "count", "BIGINT", "NUMBER(38,0)", {}),
    Kind("long", "Long__c", "long", "BIGINT", "NUMBER(38,0)", {}),
    Kind("double", "Ratio__c", "ratio", *NUMBER, {}, "18 fraction digits whatever describe's scale is"),
    Kind("currency", "Amount__c", "amount", *NUMBER, note="as double; in the record's own currency"),
    Kind("percent", "Tax_Rate__c", "tax_rate", *NUMBER, note="as double: 12.5 for 12.5 %"),
    Kind("double (latitude, longitude)", "Shop__Latitude__s", "shop_latitude", *NUMBER, note="part of a location"),
    Kind("date", "Issued_On__c", "issued_on", "DATE", "DATE", note="never a midnight in some zone"),
    Kind("datetime", "Paid_At__c", "paid_at", "TIMESTAMP", "TIMESTAMP_NTZ", note="UTC"),
    Kind("time", "Pay_Time__c", "pay_time", "TIME", "TIME", note="has no zone"),
    Kind("location", "Shop__c", note="no column: its latitude and longitude have their own"),
    Kind("address", "Place__c", shape={}, note="no column: its street, city and so on have their own"),
    Kind("base64", "File__c", shape={}, note="no column, and never requested: REST gives an address, Bulk refuses it"),
)
BY_TYPE = {one.type: one for one in KINDS}

IDS = ("reference", "reference (polymorphic)")
TEXTS = (
    "string", "textarea", "textarea (long)", "textarea (rich)", "picklist", "multipicklist", "combobox", "phone",
    "email", "url", "encryptedstring", "anyType",
)  # fmt: skip
LONG = ("textarea (long)",)
INTEGERS = ("int", "long")
NUMBERS = ("double", "currency", "percent")
ALL = (*IDS, *TEXTS, *INTEGERS, *NUMBERS, "double (latitude, longitude)", "date", "datetime", "time")
MISFIT, WRONG = Rejected("number_does_not_fit"), Rejected("value_does_not_fit")


def _kept(hard: str, text: str, types: tuple[str, ...] = TEXTS) -> Case:
    return Case(types, hard, text, text)


def _exact(hard: str, text: str, types: tuple[str, ...] = NUMBERS) -> Case:
    return Case(types, hard, text, Decimal(text))


def _whole(hard: str, text: str, types: tuple[str, ...] = INTEGERS) -> Case:
    return Case(types, hard, text, int(Decimal(text)))


def _moment(hard: str, text: str) -> Case:
    return Case(("datetime",), hard, text, datetime.fromisoformat(text).replace(tzinfo=None))


def _long(hard: str, unit: str, length: int) -> Case:
    shown = f"{length:,} characters, {len((unit * length).encode()):,} bytes"
    return Case(LONG, hard, unit * length, unit * length, (shown, "all of them"))


CASES = (
    Case(ALL, "null", None, None),
    Case(TEXTS, "empty text: Salesforce has none, a Bulk cell is empty for null", "", None),
    *(_kept("a text that some readers take for null", text) for text in ("NA", "N/A", "null", "NULL", "None", "nan")),
    *(_kept("a text that some readers take for a number or a truth", text) for text in ("007", "1E5", "true", "-0")),
    _kept("one blank", " "),
    _kept("blanks on both sides", "  a  "),
    _kept("a tab", "\ta\tb"),
    _kept("a line feed", "a\nb\n"),
    _kept("carriage return and line feed", "a\r\nb"),
    _kept("a carriage return alone", "a\rb\r"),
    _kept("double quotes", '"a" ""'),
    _kept("one double quote", '"'),
    _kept("quote, comma and line feed", '","\n"'),
    _kept("single quotes", "'a' ''"),
    _kept("a comma", ",a,b,"),
    _kept("backslashes", "\\a\\n\\\\"),
    Case(TEXTS, "a NUL: no text can hold it; it is taken out and counted", "a\x00b", "ab"),
    Case(TEXTS, "nothing but a NUL", "\x00", None),
    _kept("a byte order mark inside", "\ufeffa\ufeff"),
    _kept("right-to-left marks", "\u200fשלום\u202e"),
    _kept("beyond the 16-bit characters", "🙂👩‍👧"),
    _kept("composed characters (NFC)", unicodedata.normalize("NFC", "é Å ﬁ")),
    _kept("combining characters (NFD)", unicodedata.normalize("NFD", "é Å ﬁ")),
    _kept("line and paragraph separators", "a\u2028b\u2029c\u0085d"),
    _kept("other control characters", "\x01\x0b\x0c\x1b\x1f\x7f"),
    _kept("zero width and no-break blanks", "\u200ba\u00a0\u2060"),
    _kept("the start of a spreadsheet formula", "=1+1"),
    _kept("the start of a comment", "#a"),
    _kept("JSON", '{"a": [null, 1.0]}'),
    _kept("HTML", "<p>a &amp; b<br>&nbsp;</p>", ("textarea (rich)", "textarea (long)", "string")),
    Case(("string", "textarea"), "255 characters", "x" * 255, "x" * 255, ("255 characters", "all of them")),
    _long("the longest text", "x", 131_072),
    _long("the longest text in characters of four bytes", "🙂", 131_072),
    _long("the longest text, all of it double quotes", '"', 131_072),
    _long("the longest text, all of it line feeds", "\n", 131_072),
    _kept("a value that the list lacks", "Elsewhere", ("picklist", "multipicklist", "combobox")),
    _kept("an inactive value", "Closed", ("picklist",)),
    _kept("several values", "North;East;South", ("multipicklist",)),
    _kept("a name behind the address", "Ann <ann@example.com>", ("email",)),
    _kept("18 characters", "001000000000001AAA", IDS),
    _kept("another object's Id", "00300000000000BAAQ", ("reference (polymorphic)",)),
    *(
        _kept("two Ids that differ by case alone", text, ("reference (polymorphic)",))
        for text in ("00Q00000000000bEAA", "00Q00000000000BEAQ")
    ),
    Case(("boolean",), "true", "true", True),
    Case(("boolean",), "false, which is never null", "false", False),
    _whole("zero as Bulk spells it at times", "0.0"),
    _whole("minus zero", "-0"),
    _whole("an exponent", "1.2E3"),
    _whole("the greatest 32-bit integer", "2147483647"),
    _whole("the least 32-bit integer", "-2147483648"),
    _whole("beyond the integers that a double holds", "9007199254740993", ("long",)),
    _whole("the greatest 64-bit integer", "9223372036854775807", ("long",)),
    _whole("the least 64-bit integer", "-9223372036854775808", ("long",)),
    Case(("long",), "beyond 64 bits", "9223372036854775808", MISFIT),
    Case(INTEGERS, "a fraction", "1.5", MISFIT),
    _exact("18 digits", "1234567890123456.78"),
    _exact("more fraction digits than describe's scale", "12.345678901234567"),
    _exact("what a double sends for 0.1 + 0.2", "0.30000000000000004"),
    _exact("18 integer digits and a fraction", "123456789012345678.12345"),
    _exact("an exponent, as Java writes it", "1.25E7"),
    _exact("a negative exponent", "1E-10"),
    _exact("an exponent that leaves 20 integer digits", "1E+19"),
    _exact("minus zero", "-0.0"),
    _exact("zero with an exponent", "0E-30"),
    _exact("the greatest number", "99999999999999999999.999999999999999999"),
    _exact("the least number", "-99999999999999999999.999999999999999999"),
    _exact("the smallest number", "0.000000000000000001"),
    _exact("19 fraction digits, the last one zero", "0.1234567890123456780"),
    Case(NUMBERS, "19 fraction digits", "0.1234567890123456789", MISFIT),
    Case(NUMBERS, "less than the smallest", "1E-19", MISFIT),
    Case(NUMBERS, "21 integer digits", "123456789012345678901", MISFIT),
    Case(NUMBERS, "21 integer digits by exponent", "1E+20", MISFIT),
    _exact("15 fraction digits", "-33.856784123456789", ("double (latitude, longitude)",)),
    *(
        Case(("date",), hard, text, date.fromisoformat(text))
        for hard, text in (
            ("the first day that Salesforce takes", "1700-01-01"),
            ("the last day that Salesforce takes", "4000-12-31"),
            ("a leap day", "2024-02-29"),
            ("the first day of all", "0001-01-01"),
            ("a day without a midnight in some zones", "2018-11-04"),
        )
    ),
    Case(("date",), "no such day (Salesforce never sends it)", "2023-02-29", WRONG),
    Case(("date",), "no such year (Salesforce never sends it)", "0000-01-01", WRONG),
    _moment(
        "an hour that Berlin's clocks leave out that day, where the run's machine stands", "2024-03-31T02:30:00.000Z"
    ),
    _moment("the first time that Berlin's clocks show 2:30 that night", "2024-10-27T00:30:00.000Z"),
    _moment("the second time", "2024-10-27T01:30:00.000Z"),
    _moment("an hour that comes twice on Berlin's clocks", "2024-10-27T02:30:00.000Z"),
    _moment("milliseconds", "2024-01-01T00:00:00.001Z"),
    _moment("the last millisecond of a day", "2023-12-31T23:59:59.999Z"),
    _moment("before 1970", "1969-12-31T23:59:59.999Z"),
    _moment("the first moment that Salesforce takes", "1700-01-01T00:00:00.000Z"),
    _moment("the last moment that Salesforce takes", "4000-12-31T23:59:59.999Z"),
    Case(("time",), "midnight", "00:00:00.000Z", time(0)),
    Case(("time",), "the last millisecond", "23:59:59.999Z", time(23, 59, 59, 999_000)),
    Case(("time",), "a 24th hour (Salesforce never sends it)", "24:00:00.000Z", WRONG),
)


def each() -> Iterator[tuple[Kind, Case]]:
    """Every case of every type."""
    yield from ((BY_TYPE[type_], case) for case in CASES for type_ in case.types)


def landed(sent: str | None) -> str | None:
    """The text of a landed cell."""
    return (sent or "").replace("\x00", "") or None


def types_table() -> str:
    """The page's table of types."""
    rows = [
        (f"`{one.type}`", one.duckdb if one.column else "–", one.snowflake if one.column else "–", one.note)
        for one in KINDS
    ]
    return _table(("Salesforce", "DuckDB", "Snowflake", ""), rows)


def cases_table() -> str:
    """The page's table of hard values."""
    rows = [(_types(case), case.hard, *(case.shown or (_code(case, case.sent), _result(case)))) for case in CASES]
    return _table(("type", "what is hard", "Salesforce sends", "the column holds"), rows)


def _types(case: Case) -> str:
    named = {ALL: "all but boolean", TEXTS: "all texts", NUMBERS: "double, currency, percent", IDS: "reference"}
    return named.get(case.types, ", ".join(case.types))


def _result(case: Case) -> str:
    if isinstance(case.stored, Rejected):
        return f"rejected: `{case.stored.rule}`"
    if case.stored is None or isinstance(case.stored, bool):
        return str(case.stored).upper().replace("NONE", "NULL")
    if isinstance(case.stored, str):
        return "the same" if case.stored == case.sent else _code(case, case.stored)
    return f"`{_plain(case.stored)}`"


def _plain(value: date | time | Decimal | int) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return format(Context(prec=100).normalize(Decimal(value)), "f") if value else "0"


def _code(case: Case, text: str | None) -> str:
    """The value as JSON where it is a text, else as it is."""
    if text is None:
        return "null"
    return "`" + (json.dumps(text).replace("|", "\\|") if set(case.types) <= {*TEXTS, *IDS} else text) + "`"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def filled(page: str) -> str:
    """The page with the tables of today between its marks."""
    for name, table in (("types", types_table()), ("cases", cases_table())):
        before, _, rest = page.partition(f"<!-- {name} -->\n")
        page = f"{before}<!-- {name} -->\n{table}\n<!-- /{name} -->{rest.partition(f'<!-- /{name} -->')[2]}"
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
