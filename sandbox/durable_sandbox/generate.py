"""Production-like rows, a whole column at a time, the same for the same seed."""

import random
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache

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
    """Columns of so many rows, made when asked for; makers see the object, the columns made so far and other Ids.

    A `whole` draft draws every column, in order, from one stream of numbers. The others give each column a
    stream of its own, so that a few columns of a million rows cost no more than themselves.
    """

    seed: str
    pools: Pools
    kind: ObjectType
    count: int
    first: int
    parents: Mapping[str, Sequence[str]]
    whole: bool = True
    columns: dict[str, Column] = field(default_factory=dict)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Start the stream; a whole draft is made at once, as its columns depend on those before them."""
        self.rng = random.Random(self.seed)
        if self.whole:
            for item in self.kind.columns:
                self.columns[item.name] = self._made(item)
            for name in _DERIVED.get(self.kind.name, {}):
                self.columns[name] = self._computed(name)

    def column(self, name: str) -> Column:
        """The values of a column, one a row; nulls for a name that the object does not have."""
        known = self.columns.get(name)
        if known is None:
            known = self.columns[name] = self._drawn(name)
        return known

    def _drawn(self, name: str) -> Column:
        place = self.kind.positions.get(name)
        if place is None:
            return [NULL] * self.count
        if name in _DERIVED.get(self.kind.name, {}):
            return self._computed(name)
        around, self.rng = self.rng, random.Random(f"{self.seed}/{name}")
        made = self._made(self.kind.columns[place])
        self.rng = around
        return made

    def _made(self, item: Field) -> Column:
        return _with_nulls(self.rng, MAKERS[item.maker](self, item), item.nulls, exactly=self.whole)

    def _computed(self, name: str) -> Column:
        rule = _DERIVED[self.kind.name][name]
        return list(map(rule.compute, *(self.column(part) for part in rule.inputs)))

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
    draft = Draft(seed, pools, kind, count, first, parents)
    return list(zip(*(draft.columns[item.name] for item in kind.columns), strict=True))


def derive(kind: ObjectType, row: Row) -> Row:
    """The row with its computed fields brought up to date; one that lost a field it is computed from stays."""
    for name, rule in _DERIVED.get(kind.name, {}).items():
        places = [kind.positions.get(part) for part in (name, *rule.inputs)]
        if None not in places:
            place, *inputs = [number for number in places if number is not None]
            row = (*row[:place], rule.compute(*(row[number] for number in inputs)), *row[place + 1 :])
    return row


def _with_nulls(rng: random.Random, column: Column, share: float, exactly: bool) -> Column:
    if not exactly:
        draw = rng.random
        return [NULL if draw() < share else value for value in column] if share else column
    count = round(len(column) * share)
    for place in rng.sample(range(len(column)), k=count) if count else ():
        column[place] = NULL
    return column


@dataclass(frozen=True)
class Rule:
    """How a computed field comes from other fields of its record."""

    inputs: tuple[str, ...]
    compute: Callable[..., str]


def _full_name(first: str, last: str) -> str:
    return f"{first} {last}".strip(" ")


def _weighted_amount(amount: str, chance: str) -> str:
    if not amount or not chance:
        return NULL
    product = Decimal(amount) * Decimal(chance) / 100
    return format(product.quantize(Decimal("0.01"), ROUND_HALF_UP), "f")


_NAME = {"Name": Rule(("FirstName", "LastName"), _full_name)}
_DERIVED: Mapping[str, Mapping[str, Rule]] = {
    "Opportunity": {"Weighted_Amount__c": Rule(("Amount", "Probability"), _weighted_amount)},
    "Contact": _NAME,
    "Lead": _NAME,
    "User": _NAME,
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
    three, four = _padded(3), _padded(4)
    return [
        f"({number // 10_000_000}) {three[number // 10_000 % 1000]}-{four[number % 10_000]}"
        for number in draft.integers(2_000_000_000, 9_899_999_999)
    ]


@cache
def _padded(digits: int) -> list[str]:
    return [f"{number:0{digits}d}" for number in range(10**digits)]


def _email(draft: Draft, _: Field) -> Column:
    first, last = draft.column("FirstName"), draft.column("LastName")
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
    """A twentieth is missing; a few repeat one of an earlier record, of the same rows or of any before them."""
    column = [f"EXT-{number:07d}" for number in draft.numbers()]
    for place, draw in enumerate([draft.rng.random() for _ in column]):
        if draw < 0.05:
            column[place] = NULL
        elif draw < 0.08 and place:
            earlier = int(draft.rng.random() * (place if draft.whole else draft.first + place - 1))
            column[place] = column[earlier] if draft.whole else f"EXT-{1 + earlier:07d}"
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
    days, left = divmod(seconds, _DAY)
    return f"{_day_text(days)}{_MINUTES[left // 60]}{_SECONDS[left % 60]}"


_MINUTES = tuple(f"T{number // 60:02d}:{number % 60:02d}:" for number in range(24 * 60))
_SECONDS = tuple(f"{number:02d}.000Z" for number in range(60))


@lru_cache(maxsize=10_000)
def _day_text(days: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=days)).isoformat()


def _past_moment(draft: Draft, _: Field) -> Column:
    return [stamp_text(_NEWEST - number) for number in draft.integers(0, _SPAN)]


def _modified(draft: Draft, _: Field) -> Column:
    """Half of the rows were never touched; a tenth share a few instants, as bulk loads leave them."""
    bursts = [stamp_text(_NEWEST - number * _DAY * 3) for number in range(_BURSTS)]
    later = draft.choices(_later_stamps())
    drawn = draft.integers(0, 99)
    created = draft.column("CreatedDate")
    return [
        bursts[draw % _BURSTS] if draw < 10 else max(made, late) if draw < 55 else made
        for draw, made, late in zip(drawn, created, later, strict=True)
    ]


@cache
def _later_stamps() -> list[str]:
    return [stamp_text(_NEWEST - number) for number in range(0, 400 * _DAY, 7001)]


def _stamp(draft: Draft, _: Field) -> Column:
    return list(draft.column("LastModifiedDate"))


def _body(draft: Draft, _: Field) -> Column:
    return [b64encode(f"Attachment {number}\n".encode() * (number % 7)).decode() for number in draft.numbers()]


def _years(draft: Draft, _: Field) -> Column:
    return draft.choices(_birthdays())


@cache
def _birthdays() -> list[str]:
    start = date(1940, 1, 1).toordinal()
    return [date.fromordinal(start + number * 5).isoformat() for number in range(4700)]


MAKERS: Mapping[str, Callable[[Draft, Field], Column]] = {
    "null": _same(NULL),
    "true": _same("true"),
    "false": _same("false"),
    "archived": _from(("true", *["false"] * 9)),
    "invoice": _parent("Invoice__c"),
    "product_id": _parent("Product2"),
    "invoice_number": _running("INV-{:06d}"),
    "line_number": _running("LINE-{:07d}"),
    "ip_address": _running("203.0.113.{}"),
    "login_status": _from(("Success", "Invalid Password", "Failed: Computer activation required")),
    "content_type": _from(("application/pdf", "text/plain", "image/png")),
    "clock_time": _from(("00:00:00.000Z", "09:30:00.000Z", "17:45:30.500Z", "23:59:59.999Z")),
    "body": _body,
    "body_length": lambda draft, _: [str(len(b64decode(text))) for text in draft.column("Body")],
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
