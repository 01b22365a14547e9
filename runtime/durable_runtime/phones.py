"""Telephone numbers as E.164: each distinct text of a page is read once, and the SELECT looks up what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from durable_runtime.errors import RequirementUnsupported
from durable_runtime.runs import Summary
from durable_runtime.spec import Phones, Pipeline, Transform

if TYPE_CHECKING:
    import duckdb
    from phonenumbers import PhoneNumber

AT_ONCE = 10_000  # texts in memory as Python's own
TEN_DIGITS = 1  # the calling code of the plan in which every number has ten digits
PLUS = frozenset("+\uff0b")  # the second as East Asian keyboards write it
NO_REGION, EXTENSION, INVALID = "no_region", "extension", "invalid"
WHY = (NO_REGION, EXTENSION, INVALID)  # why a text stays as it is


def e164(text: str, region: str | None) -> tuple[str, str | None]:
    """The number, or the text as it is and which of `WHY` says why.

    `region` (ISO 3166) is where a number without a plus is dialled from. E.164 has no place for an extension, so that a
    number with one stays as it is. Letters are digits (1-800-FLOWERS) only where nothing else can be meant: in a plan
    whose numbers all have ten digits, and if they make up one number together with all other characters. In other
    plans a remark behind a number would give another valid number.
    """
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        unknown = error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE
        return text, NO_REGION if unknown and region is None and PLUS.isdisjoint(text) else INVALID
    if not phonenumbers.is_valid_number(number) or not _letters_are_digits(text, number):
        return text, INVALID
    if number.extension:
        return text, EXTENSION
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None


def _letters_are_digits(text: str, number: PhoneNumber) -> bool:
    import phonenumbers

    if not any(one.isalpha() for one in text) or number.extension:
        return True
    spelt = phonenumbers.normalize_digits_only(phonenumbers.convert_alpha_characters_in_number(text))
    national = phonenumbers.national_significant_number(number)
    return number.country_code == TEN_DIGITS and spelt in (national, f"{TEN_DIGITS}{national}")


def fill(database: duckdb.DuckDBPyConnection, relation: str, phones: Phones) -> dict[tuple[str, str], int]:
    """Make `e164` know every text of a page, and count the values that stay as they are, by (column, why).

    `relation` is the WITH clause that makes `landed` of the page; the texts of `phones` are SQL over it.
    """
    columns, texts = zip(*phones.texts, strict=True)
    database.execute("DELETE FROM __phones")
    database.execute(
        f"""CREATE OR REPLACE TABLE __phone_texts AS {relation}
        SELECT __text, {", ".join(f"count(*) FILTER (__at = {at})" for at in range(len(texts)))}
        FROM (SELECT unnest([{", ".join(texts)}]) AS __text, unnest(range({len(texts)})) AS __at FROM landed)
        WHERE __text IS NOT NULL GROUP BY __text"""  # noqa: S608  (SQL of the reviewed package)
    )
    kept: dict[tuple[str, str], int] = {}
    for page in _pages(database):
        made = [(text, *e164(text, phones.region)) for text, *_ in page]
        database.execute(
            "INSERT INTO __phones SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
            [[text for text, _, _ in made], [number for _, number, _ in made]],
        )
        for (_, *counts), (_, _, why) in zip(page, made, strict=True):
            for column, count in zip(columns, counts, strict=True):
                if why is not None and count:
                    kept[column, why] = kept.get((column, why), 0) + count
    database.execute("DROP TABLE __phone_texts")
    return kept


def _pages(database: duckdb.DuckDBPyConnection) -> Iterator[Sequence[tuple[str, *tuple[int, ...]]]]:
    with database.cursor() as reading:  # the connection itself writes meanwhile
        reading.execute("FROM __phone_texts")
        while page := reading.fetchmany(AT_ONCE):
            yield page


def metadata() -> str:
    """The version of the numbering plans: with another one, a number may be valid, or written otherwise."""
    import phonenumbers

    return str(phonenumbers.__version__)


def check(pipeline: Pipeline) -> None:
    """Raise RequirementUnsupported for a package that asks for E.164 and does not say of which texts.

    Such a package was compiled before this runtime could format numbers: it would store them as they come.
    """
    said = {
        f"{one.object}.{column}" for one in pipeline.transforms if one.phones for column, _ in one.phones.texts
    }  # fmt: skip
    unsaid = [name for name in pipeline.policies.phones if name not in said]
    if unsaid:
        raise RequirementUnsupported(
            f"This package asks for phone numbers as E.164 ({', '.join(unsaid)}), but was compiled by a version that "
            "could not format them. Nothing was read or written.",
            help="Compile the pipeline again, and commit the package.",
            requirement=pipeline.policies.behind("phones") or None,
        )


def tell(summary: Summary, transform: Transform, kept: Mapping[tuple[str, str], int]) -> None:
    """Note, for each column, how many of the texts that the run read stay as they are written, and why."""
    fields = {one.name: one.field for one in transform.columns}
    for column in dict.fromkeys(column for column, _ in kept):
        found = {why: kept.get((column, why), 0) for why in WHY}
        summary.event(
            "phones_not_normalised",
            object=transform.object,
            field=fields[column] or column,
            count=sum(found.values()),
            no_region=found[NO_REGION],
            extension=found[EXTENSION],
            invalid=found[INVALID],
        )
