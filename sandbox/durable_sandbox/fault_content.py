"""A page of results as its records, exactly as they were sent, so that faults can cut, repeat and spoil them."""

import json
import re
from dataclasses import dataclass, replace

_RECORDS = '"records":['
_VALUE = re.compile(r'"(?:[^"]|"")*"')
_STRING = re.compile(r'(?<=":)"(?:[^"\\]|\\.)+"')
_MARKS = {"csv": ("\0", _VALUE), "json": ("\\u0000", _STRING)}


@dataclass(frozen=True)
class Page:
    """The text before the records, each record, and the text after them; `form` is `csv` or `json`."""

    form: str
    head: str
    rows: tuple[str, ...]
    tail: str = ""

    @property
    def text(self) -> str:
        """The page as it is sent."""
        return self.head + self.joined(self.rows) + self.tail

    def joined(self, rows: tuple[str, ...]) -> str:
        """Some records as they stand in the page."""
        return ("," if self.form == "json" else "").join(rows)

    def with_rows(self, rows: tuple[str, ...]) -> "Page":
        """The page with other records."""
        return replace(self, rows=rows)


def read(content: bytes) -> Page | None:
    """The records of a page of Bulk CSV or of a REST query; None for any other content."""
    text = content.decode()
    if text.startswith("{"):
        start = text.find(_RECORDS) + len(_RECORDS)
        return _read_json(text, start) if start >= len(_RECORDS) else None
    lines = _records(text)
    return Page("csv", lines[0], tuple(lines[1:])) if text.startswith('"') and lines else None


def _read_json(text: str, start: int) -> Page:
    decoder, rows, place = json.JSONDecoder(), [], start
    while text[place] != "]":
        end = decoder.raw_decode(text, place)[1]
        rows.append(text[place:end])
        place = end + (text[end] == ",")
    return Page("json", text[:start], tuple(rows), text[place:])


def _records(text: str) -> list[str]:
    """CSV records with their line ends; a line break inside quotes ends none."""
    records, held = [], ""
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        held += line
        if held.count('"') % 2 == 0:
            records.append(held)
            held = ""
    return records + ([held] if held else [])


def cut(page: Page, where: str | int) -> tuple[str, int] | None:
    """The page's beginning and its number of whole records; None where the page is too small for such a cut.

    `where` is `row` (after half of the records), `value` (inside a quoted value of the record after that half),
    `header` (before the first record) or a number of whole records.
    """
    kept = {"row": len(page.rows) // 2, "value": len(page.rows) // 2, "header": 0}.get(str(where), where)
    if not isinstance(kept, int) or kept >= len(page.rows):
        return None
    text = page.head + page.joined(page.rows[:kept])
    if where != "value":
        return text, kept
    glue = "," if page.form == "json" and kept else ""
    return text + glue + _inside_a_value(page.rows[kept]), kept


def _inside_a_value(row: str) -> str:
    """A record up to the middle of its longest quoted value, where the quotes are open."""
    longest = max(_VALUE.finditer(row), key=lambda found: len(found[0]))
    place = longest.start() + max(1, len(longest[0]) // 2)
    while row[:place].count('"') % 2 == 0:
        place -= 1
    return row[:place]


def spoiled(page: Page, count: int) -> Page | None:
    """The page with a NUL inside a value of the first so many records; raw in CSV, escaped in JSON."""
    mark, value = _MARKS[page.form]

    def put(row: str) -> str:
        found = next((one for one in reversed(list(value.finditer(row))) if len(one[0]) > 2), None)
        return row if found is None else row[: found.start() + 2] + mark + row[found.start() + 2 :]

    rows = tuple(put(row) if number < count else row for number, row in enumerate(page.rows))
    return page.with_rows(rows) if rows != page.rows else None


def doubled(page: Page) -> Page | None:
    """Every record of the page twice."""
    return page.with_rows(page.rows * 2) if page.rows else None


def replaced(page: Page) -> Page | None:
    """The last record lost and the one before it there twice: the number of records stays right."""
    return page.with_rows((*page.rows[:-1], page.rows[-2])) if len(page.rows) > 1 else None
