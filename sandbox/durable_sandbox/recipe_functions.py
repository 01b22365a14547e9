"""Functions of recipes, the same in YAML and in formulas: choices, numbers, dates, references and made-up values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from durable_sandbox.recipe_terms import Made, Scope, Spot, Value

Maker = Callable[[Spot, Sequence[Value], Mapping[str, Value]], Value]
"""Makes a value of a function's arguments, those without and those with a name; raises RecipeError."""

_SPAN = re.compile(r"([+-]?\d+)([yMwd])")
_DAYS = {"y": 365, "M": 30, "w": 7, "d": 1}
_WORDS = "offer review renewal invoice delivery meeting contract budget support order team plan quarter price".split()


def names_of(scope: Scope) -> Mapping[str, Callable[[], object]]:
    """The names that every formula knows."""
    made = scope.current
    return {
        "id": lambda: made.number if made else None,
        "this": lambda: made,
        "child_index": lambda: scope.child_index,
        "unique_id": scope.unique_id,
        "today": lambda: scope.today,
        "now": lambda: scope.now,
        "null": lambda: None,
        "true": lambda: True,
        "false": lambda: False,
    }


def _arguments(
    spot: Spot, name: str, given: tuple[Sequence[Value], Mapping[str, Value]], known: str
) -> list[Value | None]:
    """The arguments in the order of the known names; one ending in `?` may be left out."""
    listed, named = given
    words = known.split()
    plain = [word.rstrip("?") for word in words]
    unknown = [word for word in named if word not in plain]
    if len(listed) > len(plain) or unknown:
        wrong = f"{', '.join(unknown)} is not a setting of it" if unknown else "it has too many values"
        raise spot.error(f"{name}: {wrong}: write {', '.join(plain)}")
    found = dict(zip(plain, listed, strict=False)) | dict(named)
    missing = [word for word in words if not word.endswith("?") and word not in found]
    if missing:
        raise spot.error(f"{name} needs {', '.join(missing)}")
    return [found.get(word) for word in plain]


def _whole(spot: Spot, name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise spot.error(f"{name} must be a whole number, not {value!r}")
    return value


def _random_number(spot: Spot, listed: Sequence[Value], named: Mapping[str, Value]) -> Value:
    low, high, step = _arguments(spot, "random_number", (listed, named), "min max step?")
    assert low is not None
    assert high is not None

    def value(scope: Scope) -> object:
        least, most = _whole(spot, "min", low(scope)), _whole(spot, "max", high(scope))
        width = 1 if step is None else _whole(spot, "step", step(scope))
        if most < least or width < 1:
            raise spot.error(f"random_number has nothing between {least} and {most} in steps of {width}")
        return scope.rng.randrange(least, most + 1, width)

    return value


def _random_choice(spot: Spot, listed: Sequence[Value], named: Mapping[str, Value]) -> Value:
    if bool(listed) is bool(named):
        raise spot.error("random_choice has a list of values, or values with their chances")
    if listed:
        return lambda scope: scope.rng.choice(listed)(scope)

    def value(scope: Scope) -> object:
        chances = [_chance(spot, chance(scope)) for chance in named.values()]
        return scope.rng.choices(list(named), chances)[0]

    return value


def weighted(spot: Spot, pairs: Sequence[tuple[Value, Value]]) -> Value:
    """One of some values, by their chances."""

    def value(scope: Scope) -> object:
        chances = [_chance(spot, chance(scope)) for _, chance in pairs]
        return scope.rng.choices([item for item, _ in pairs], chances)[0](scope)

    return value


def _chance(spot: Spot, given: object) -> float:
    text = str(given).removesuffix("%").strip()
    try:
        chance = float(text)
    except ValueError:
        chance = -1
    if chance < 0:
        raise spot.error(f"{given!r} is not a chance: write a percentage such as 50%")
    return chance


def _reference(spot: Spot, listed: Sequence[Value], named: Mapping[str, Value]) -> Value:
    (target,) = _arguments(spot, "reference", (listed, named), "x")
    assert target is not None

    def value(scope: Scope) -> object:
        name = target(scope)
        if isinstance(name, Made):
            return name
        found = scope.latest.get(str(name))
        if found is None:
            raise spot.error(
                f"nothing called {name} is made before this: write it above, or among whose friends this is"
            )
        return found

    return value


def _random_reference(spot: Spot, listed: Sequence[Value], named: Mapping[str, Value]) -> Value:
    (target,) = _arguments(spot, "random_reference", (listed, named), "to")
    assert target is not None

    def value(scope: Scope) -> object:
        name = str(target(scope))
        found = scope.every.get(name)
        if not found:
            raise spot.error(f"no {name} is made before this: write it above")
        return scope.rng.choice(found)

    return value


def _moment(spot: Spot, scope: Scope, given: object) -> datetime:
    """A date, a datetime, `today`, `now`, or a distance from today such as -1y, +30d."""
    if isinstance(given, datetime):
        return given if given.tzinfo else given.replace(tzinfo=UTC)
    if isinstance(given, date):
        return datetime(given.year, given.month, given.day, tzinfo=UTC)
    text = str(given).strip()
    if text in ("today", "now"):
        return scope.now
    spans = _SPAN.findall(text)
    if spans and "".join(f"{number}{unit}" for number, unit in spans) == text:
        return scope.now + timedelta(days=sum(int(number) * _DAYS[unit] for number, unit in spans))
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise spot.error(
            f"{given!r} is no date: write 2026-01-31, today, or a distance such as -1y, +6M, +30d"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _between(name: str, whole_days: bool) -> Maker:
    def make(spot: Spot, listed: Sequence[Value], named: Mapping[str, Value]) -> Value:
        start, end = _arguments(spot, name, (listed, named), "start_date end_date")
        assert start is not None
        assert end is not None

        def value(scope: Scope) -> object:
            first, last = _moment(spot, scope, start(scope)), _moment(spot, scope, end(scope))
            if last < first:
                raise spot.error(f"{name} ends ({last:%Y-%m-%d}) before it starts ({first:%Y-%m-%d})")
            if whole_days:
                return first.date() + timedelta(days=scope.rng.randint(0, (last.date() - first.date()).days))
            return first + timedelta(seconds=scope.rng.randint(0, int((last - first).total_seconds())))

        return value

    return make


def _date(spot: Spot, listed: Sequence[Value], named: Mapping[str, Value]) -> Value:
    if len(listed) == 1 and not named:
        return lambda scope: _moment(spot, scope, listed[0](scope)).date()
    parts = _arguments(spot, "date", (listed, named), "year month day")
    return lambda scope: date(*(_whole(spot, "a part of a date", part(scope)) for part in parts if part))


def _datetime(spot: Spot, listed: Sequence[Value], named: Mapping[str, Value]) -> Value:
    if len(listed) == 1 and not named:
        return lambda scope: _moment(spot, scope, listed[0](scope))
    parts = _arguments(spot, "datetime", (listed, named), "year month day hour? minute? second?")

    def value(scope: Scope) -> object:
        numbers = [0 if part is None else _whole(spot, "a part of a datetime", part(scope)) for part in parts]
        year, month, day, hour, minute, second = numbers
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)

    return value


def _relativedelta(spot: Spot, listed: Sequence[Value], named: Mapping[str, Value]) -> Value:
    (days,) = _arguments(spot, "days", (listed, named), "n")
    assert days is not None
    return lambda scope: timedelta(days=_whole(spot, "days", days(scope)))


def _fake(spot: Spot, listed: Sequence[Value], named: Mapping[str, Value]) -> Value:
    (what,) = _arguments(spot, "fake", (listed, named), "what")
    assert what is not None
    return lambda scope: fake(scope, spot, str(what(scope)))


FUNCTIONS: Mapping[str, Maker] = {
    "random_number": _random_number,
    "random_choice": _random_choice,
    "reference": _reference,
    "random_reference": _random_reference,
    "date": _date,
    "datetime": _datetime,
    "date_between": _between("date_between", whole_days=True),
    "datetime_between": _between("datetime_between", whole_days=False),
    "days": _relativedelta,
    "fake": _fake,
}
"""Every function by its name."""


def _digits(scope: Scope, count: int) -> str:
    return "".join(str(scope.rng.randrange(10)) for _ in range(count))


def _name(scope: Scope) -> str:
    return f"{scope.rng.choice(scope.pools.first)} {scope.rng.choice(scope.pools.last)}"


def _address(scope: Scope) -> str:
    return re.sub(r"[^a-z.]", "", f"{_name(scope)}".lower().replace(" ", "."))


def _prose(count: int) -> Callable[[Scope], str]:
    return lambda scope: " ".join(scope.rng.choices(_WORDS, k=count)).capitalize() + "."


def _pool(name: str) -> Callable[[Scope], str]:
    return lambda scope: str(scope.rng.choice(getattr(scope.pools, name)))


FAKES: Mapping[str, Callable[[Scope], object]] = {
    "firstname": _pool("first"),
    "lastname": _pool("last"),
    "name": _name,
    "username": lambda scope: f"{_address(scope)}{scope.unique_id()}@sandbox.example.com",
    "email": lambda scope: f"{_address(scope)}{scope.unique_id()}@example.com",
    "safeemail": lambda scope: f"{_address(scope)}{scope.unique_id()}@example.com",
    "company": _pool("companies"),
    "job": _pool("titles"),
    "title": _pool("titles"),
    "streetaddress": _pool("streets"),
    "city": _pool("cities"),
    "state": _pool("states"),
    "country": _pool("countries"),
    "postalcode": _pool("postcodes"),
    "postcode": _pool("postcodes"),
    "zipcode": _pool("postcodes"),
    "phonenumber": lambda scope: f"({scope.rng.randint(200, 989)}) {_digits(scope, 3)}-{_digits(scope, 4)}",
    "url": lambda scope: f"https://www.company{scope.rng.randint(1, 99999)}.example.com/",
    "word": lambda scope: scope.rng.choice(_WORDS),
    "sentence": _prose(6),
    "text": _prose(25),
    "paragraph": _prose(25),
    "catchphrase": _prose(3),
    "boolean": lambda scope: scope.rng.random() < 0.5,
    "date": lambda scope: scope.today - timedelta(days=scope.rng.randint(0, 3650)),
    "datetime": lambda scope: scope.now - timedelta(seconds=scope.rng.randint(0, 3650 * 86_400)),
    "latitude": lambda scope: round(scope.rng.uniform(-89, 89), 6),
    "longitude": lambda scope: round(scope.rng.uniform(-179, 179), 6),
}
"""What `fake:` makes up, by its name in lower case without underscores."""


def fake(scope: Scope, spot: Spot, name: str) -> object:
    """A made-up value. Raises RecipeError for a kind that there is not."""
    plain = name.replace("_", "").lower()
    make = FAKES.get(plain)
    if make is None:
        near = difflib.get_close_matches(plain, FAKES, 1)
        advice = f"did you mean {near[0]}? There are " if near else "write one of "
        raise spot.error(f"the sandbox cannot fake {name}: {advice}{', '.join(sorted(FAKES))}")
    return make(scope)
