"""Production-like rows, a whole column at a time, the same for the same seed."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from durable_sandbox import ids
from durable_sandbox.clock import ANCHOR
from durable_sandbox.objects import Field, ObjectType
from durable_sandbox.pools import Pools

Column = list[str]
Row = tuple[str, ...]
NULL = ""
"""Salesforce has no empty strings, so the empty text stands for null and every stored value is a string."""

_DAY = 86_400
_NEWEST = int(ANCHOR.timestamp()) - 2 * _DAY
_SPAN = 3 * 365 * _DAY
_MESSY = (
    "NA",
    "null",
    "None",
    "N/A",
    " ",
    "n/a",
    "NULL",
    "-",
    "0",
    "true",
    "Sales",
    "R&D",
    "Front, Office",
    'The "A" Team',
)
_BURSTS = 6
_PROSE = (
    "Prefers a call in the morning.",
    'Said "not before Q3", then asked again.',
    "Line one\nLine two\nLine three",
    "Windows line\r\nsecond line",
    "Great partner 🚀🎉",
    "Comma, semicolon; and a tab\there",
    "NA",
    "null",
    "None",
    " ",
    "N/A",
    "Back\\slash and 'single' quotes",
    '""',
    "Überraschung: naïve café, 東京",
    "=SUM(A1:A2)",
)


@dataclass
class Draft:
    """What makers see: the object, how many rows, the columns made so far and the Ids of the other objects."""

    rng: random.Random
    pools: Pools
    kind: ObjectType
    count: int
    first: int
    parents: Mapping[str, Sequence[str]]
    columns: dict[str, Column] = field(default_factory=dict)

    def choices(self, values: Sequence[str]) -> Column:
        """One random value a row."""
        return self.rng.choices(values, k=self.count)

    def integers(self, low: int, high: int) -> list[int]:
        """One random number a row."""
        draw, width = self.rng.random, high - low + 1
        return [low + int(draw() * width) for _ in range(self.count)]

    def numbers(self) -> range:
        """The running numbers of the rows."""
        return range(self.first, self.first + self.count)


def make_rows(
    kind: ObjectType, count: int, first: int, seed: str, pools: Pools, parents: Mapping[str, Sequence[str]]
) -> list[Row]:
    """Rows numbered from `first`; the same arguments always give the same rows."""
    draft = Draft(random.Random(seed), pools, kind, count, first, parents)
    for item in kind.columns:
        draft.columns[item.name] = _with_nulls(draft.rng, MAKERS[item.maker](draft, item), item.nulls)
    rows = list(zip(*(draft.columns[item.name] for item in kind.columns), strict=True))
    return [derive(kind, row) for row in rows] if kind.name in _DERIVED else rows


def derive(kind: ObjectType, row: Row) -> Row:
    """The row with its computed fields brought up to date."""
    for name, compute in _DERIVED.get(kind.name, {}).items():
        place = kind.positions[name]
        row = (*row[:place], compute(kind, row), *row[place + 1 :])
    return row


def _with_nulls(rng: random.Random, column: Column, share: float) -> Column:
    count = round(len(column) * share)
    for place in rng.sample(range(len(column)), k=count) if count else ():
        column[place] = NULL
    return column


def _full_name(kind: ObjectType, row: Row) -> str:
    places = kind.positions
    return f"{row[places['FirstName']]} {row[places['LastName']]}".strip(" ")


def _weighted_amount(kind: ObjectType, row: Row) -> str:
    amount, chance = row[kind.positions["Amount"]], row[kind.positions["Probability"]]
    if not amount or not chance:
        return NULL
    product = Decimal(amount) * Decimal(chance) / 100
    return format(product.quantize(Decimal("0.01"), ROUND_HALF_UP), "f")


_DERIVED: Mapping[str, Mapping[str, Callable[[ObjectType, Row], str]]] = {
    "Opportunity": {"Weighted_Amount__c": _weighted_amount},
    "Contact": {"Name": _full_name},
    "Lead": {"Name": _full_name},
    "User": {"Name": _full_name},
}


def _parent(name: str) -> Callable[[Draft, Field], Column]:
    def make(draft: Draft, _: Field) -> Column:
        known = draft.parents.get(name, ())
        return draft.choices(known) if known else [NULL] * draft.count

    return make


def _same(value: str) -> Callable[[Draft, Field], Column]:
    return lambda draft, _: [value] * draft.count


def _from(values: Sequence[str]) -> Callable[[Draft, Field], Column]:
    return lambda draft, _: draft.choices(values)


def _pool(name: str) -> Callable[[Draft, Field], Column]:
    return lambda draft, _: draft.choices(getattr(draft.pools, name))


def _int(low: int, high: int) -> Callable[[Draft, Field], Column]:
    return lambda draft, _: [str(number) for number in draft.integers(low, high)]


def _scaled(high: int, digits: int) -> Callable[[Draft, Field], Column]:
    unit = 10**digits
    return lambda draft, _: [
        _trimmed(f"{number // unit}.{number % unit:0{digits}d}") for number in draft.integers(0, high * unit)
    ]


def _trimmed(text: str) -> str:
    """As Salesforce prints a double: no zeros at the end but the one after the point."""
    short = text.rstrip("0")
    return f"{short}0" if short.endswith(".") else short


def _running(pattern: str) -> Callable[[Draft, Field], Column]:
    return lambda draft, _: [pattern.format(number) for number in draft.numbers()]


def _days(low: int, high: int) -> Callable[[Draft, Field], Column]:
    days = [(ANCHOR.date() + timedelta(days=number)).isoformat() for number in range(low, high)]
    return lambda draft, _: draft.choices(days)


def _id(draft: Draft, _: Field) -> Column:
    return [ids.make(draft.kind.prefix, number) for number in draft.numbers()]


def _deleted(draft: Draft, _: Field) -> Column:
    return ["true" if draw < 0.01 else "false" for draw in (draft.rng.random() for _ in range(draft.count))]


def _pick(draft: Draft, item: Field) -> Column:
    return draft.choices(item.picklist)


def _multipick(draft: Draft, item: Field) -> Column:
    options = [
        ";".join(item.picklist[a:b]) for a in range(len(item.picklist)) for b in range(a + 1, len(item.picklist) + 1)
    ]
    return draft.choices(options)


def _phone(draft: Draft, _: Field) -> Column:
    return [
        f"({number // 10_000_000}) {number // 10_000 % 1000:03d}-{number % 10_000:04d}"
        for number in draft.integers(2_000_000_000, 9_899_999_999)
    ]


def _email(draft: Draft, _: Field) -> Column:
    first, last = draft.columns["FirstName"], draft.columns["LastName"]
    pairs = zip(first, last, draft.numbers(), strict=True)
    return [
        f"{a or 'x'}.{b}{number}@example.com".replace("'", "")
        .replace(" ", "")
        .encode("ascii", "ignore")
        .decode()
        .lower()
        for a, b, number in pairs
    ]


def _external_id(draft: Draft, _: Field) -> Column:
    column = [f"EXT-{number:07d}" for number in draft.numbers()]
    for place, draw in enumerate([draft.rng.random() for _ in column]):
        if draw < 0.05:
            column[place] = NULL
        elif draw < 0.08 and place:
            column[place] = column[int(draft.rng.random() * place)]
    return column


def _money(draft: Draft, _: Field) -> Column:
    return [_MONEY[number % 20](number) for number in draft.integers(1_000, 9_999_999_999)]


_MONEY: tuple[Callable[[int], str], ...] = (
    lambda n: f"{1_234_567_890_123 + n}{n % 1000:03d}.{n % 99 + 1:02d}".rstrip("0"),
    lambda n: f"1.{n % 9 + 1}{n % 8 + 1}E7",
    lambda n: _trimmed(f"{n // 1000}.{n % 100_000:05d}"),
    lambda n: f"-{n // 10_000}.5",
    lambda n: "0.0",
    lambda n: f"{n // 100_000}.123456789",
    *([lambda n: f"{n // 100}.0"] * 7),
    *([lambda n: _trimmed(f"{n // 100}.{n % 100:02d}")] * 7),
)


def stamp_text(seconds: int) -> str:
    """The stored form of a moment given in seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _past_moment(draft: Draft, _: Field) -> Column:
    return [stamp_text(_NEWEST - number) for number in draft.integers(0, _SPAN)]


def _modified(draft: Draft, _: Field) -> Column:
    """Half of the rows were never touched; a tenth share a few instants, as bulk loads leave them."""
    bursts = [stamp_text(_NEWEST - number * _DAY * 3) for number in range(_BURSTS)]
    later = draft.choices([stamp_text(_NEWEST - number) for number in range(0, 400 * _DAY, 7001)])
    drawn = draft.integers(0, 99)
    created = draft.columns["CreatedDate"]
    return [
        bursts[draw % _BURSTS] if draw < 10 else max(made, late) if draw < 55 else made
        for draw, made, late in zip(drawn, created, later, strict=True)
    ]


def _stamp(draft: Draft, _: Field) -> Column:
    return list(draft.columns["LastModifiedDate"])


def _years(draft: Draft, _: Field) -> Column:
    start = date(1940, 1, 1).toordinal()
    days = [date.fromordinal(start + number * 5).isoformat() for number in range(4700)]
    return draft.choices(days)


MAKERS: Mapping[str, Callable[[Draft, Field], Column]] = {
    "null": _same(NULL),
    "true": _same("true"),
    "id": _id,
    "deleted": _deleted,
    "created": _past_moment,
    "past_moment": _past_moment,
    "modified": _modified,
    "stamp": _stamp,
    "user": _parent("User"),
    "account": _parent("Account"),
    "contact": _parent("Contact"),
    "campaign": _parent("Campaign"),
    "first": _pool("first"),
    "last": _pool("last"),
    "person_name": _same(NULL),
    "title": _pool("titles"),
    "company": _pool("companies"),
    "street": _pool("streets"),
    "city": _pool("cities"),
    "state": _pool("states"),
    "country": _pool("countries"),
    "postcode": _pool("postcodes"),
    "latitude": _scaled(89, 6),
    "longitude": _scaled(179, 6),
    "pick": _pick,
    "multipick": _multipick,
    "phone": _phone,
    "email": _email,
    "external_id": _external_id,
    "username": _running("user{:05d}@sandbox.example.com"),
    "number_text": _running("AC{:07d}"),
    "case_number": _running("{:08d}"),
    "health_number": _running("CH-{:06d}"),
    "deal": _running("Deal {:06d}"),
    "product": _running("Item {:05d}"),
    "digits4": _int(1000, 9999),
    "headcount": _int(1, 250_000),
    "small_number": _int(0, 999),
    "minutes": _int(5, 480),
    "year": _int(1850, 2025),
    "percent": _int(0, 100),
    "percent2": _scaled(100, 2),
    "score": lambda draft, item: [min(text, "100.00", key=float) for text in _scaled(100, 2)(draft, item)],
    "money": _money,
    "ticker": _from(("DRBL", "ABCD", "XYZ", "NULL", "TRUE")),
    "website": _running("https://www.company{}.example.com/"),
    "prose": _from(_PROSE),
    "messy": _from(_MESSY),
    "subject": _from(
        ("Call", "Send Quote", "Re: invoice, again", 'Asked for "more"', "Follow-up 📞", "NA", "Email\nthread")
    ),
    "maybe": _from(("true", "false", "false")),
    "birthdate": _years,
    "recent_date": _days(-700, -2),
    "future_date": _days(0, 900),
    "organization_name": _same("Durable Sandbox"),
    "instance": _same("SBX1"),
    "weighted": _same(NULL),
}
