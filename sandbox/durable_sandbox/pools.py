"""Pools of names and places that makers draw from."""

from dataclasses import dataclass

from mimesis import Address, Person
from mimesis.locales import Locale

_STEMS = ("North", "Blue", "Iron", "Silver", "Bright", "Summit", "Harbor", "Cedar", "Quantum", "Red", "Golden", "Urban")
_ROOTS = ("wind", "field", "stone", "gate", "bridge", "works", "peak", "river", "leaf", "point", "forge", "light")
_ENDINGS = ("Inc.", "LLC", "GmbH", "Ltd", "& Sons", "Group", "S.A.", "Holdings", "Co., Ltd.", "Industries")


@dataclass(frozen=True)
class Pools:
    """Plain lists of words, the same for the same seed."""

    first: list[str]
    last: list[str]
    titles: list[str]
    streets: list[str]
    cities: list[str]
    states: list[str]
    countries: list[str]
    postcodes: list[str]
    companies: list[str]


def make_pools(seed: int) -> Pools:
    """Draw every pool; company names are made up here because the library's are real firms."""
    person, address = Person(Locale.EN, seed=seed), Address(Locale.EN, seed=seed)
    return Pools(
        first=[person.first_name() for _ in range(400)] + ["José", "Zoë", "Łukasz", "美咲"],
        last=[person.last_name() for _ in range(900)] + ["O'Brien", "Müller", "d'Angelo", "Nguyễn", "Null"],
        titles=[person.occupation() for _ in range(200)],
        streets=[f"{address.street_number()} {address.street_name()}" for _ in range(900)] + ['1 "Old" Mill\nSuite 5'],
        cities=[address.city() for _ in range(300)] + ["São Paulo", "Zürich"],
        states=[address.state() for _ in range(60)],
        countries=["United States"] * 6 + ["Germany", "France", "Japan", "Brazil", "United Kingdom", "Côte d'Ivoire"],
        postcodes=[address.postal_code() for _ in range(500)] + ["00501", "01067"],
        companies=[f"{a}{b} {c}" for a in _STEMS for b in _ROOTS for c in _ENDINGS],
    )
