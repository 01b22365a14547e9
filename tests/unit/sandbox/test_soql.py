"""SOQL text becomes the query that it says, or the error that Salesforce would send."""

import pytest

from durable_sandbox.errors import ApiError
from durable_sandbox.soql import Aggregate, Comparison, Junction, Literal, Membership, Negation, Order, Path, parse


def test_every_clause_of_a_query_is_read() -> None:
    query = parse(
        "select Id, Account.Name from Contact where Email like 'a%' order by Id desc nulls last limit 5 offset 3"
    )
    assert query.select == (Path(("Id",)), Path(("Account", "Name")))
    assert query.object == "Contact"
    assert query.where == Comparison(Path(("Email",)), "like", Literal("string", "a%"))
    assert query.order == (Order(Path(("Id",)), descending=True, nulls_first=False),)
    assert (query.limit, query.offset) == (5, 3)


def test_nulls_come_first_ascending_and_last_descending_unless_said_otherwise() -> None:
    orders = parse("SELECT Id FROM Contact ORDER BY Id, Name DESC, Email NULLS LAST, Phone DESC NULLS FIRST").order
    assert [order.nulls_first for order in orders] == [True, False, False, True]


def test_aggregates_get_their_alias_or_a_numbered_one() -> None:
    query = parse("SELECT COUNT(Id) total, MIN(CreatedDate), MAX(CreatedDate) FROM Contact")
    assert [item.alias for item in query.select if isinstance(item, Aggregate)] == ["total", "expr1", "expr2"]
    assert parse("SELECT COUNT() FROM Contact").select == (Aggregate("count", None, "expr0"),)


def test_conditions_nest_as_their_parentheses_say() -> None:
    where = parse("SELECT Id FROM X WHERE (A = 1 AND NOT B IN ('x','y')) OR C NOT IN (null)").where
    inner = Junction(
        "and", (Comparison(Path(("A",)), "=", Literal("number", "1")), Negation(_in("B", False, "x", "y")))
    )
    assert where == Junction("or", (inner, Membership(Path(("C",)), True, (Literal("null", "null"),))))


def _in(name: str, negated: bool, *values: str) -> Membership:
    return Membership(Path((name,)), negated, tuple(Literal("string", value) for value in values))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (r"'it\'s \\ \n'", "string", "it's \\ \n"),
        ("2026-01-05T02:00:00Z", "datetime", "2026-01-05T02:00:00Z"),
        ("2026-01-05T02:00:00.123+02:00", "datetime", "2026-01-05T02:00:00.123+02:00"),
        ("2026-01-05", "date", "2026-01-05"),
        ("-1.25E7", "number", "-1.25E7"),
        ("TRUE", "boolean", "TRUE"),
        ("null", "null", "null"),
        ("LAST_N_DAYS:3", "relative", "LAST_N_DAYS:3"),
    ],
)
def test_each_kind_of_literal_is_read(text: str, kind: str, value: str) -> None:
    where = parse(f"SELECT Id FROM X WHERE A = {text}").where
    assert isinstance(where, Comparison)
    assert where.value == Literal(kind, value)


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("SELECT Id FROM Contact WHERE", "<EOF>"),
        ("SELECT FROM Contact", "FROM"),
        ("SELECT Id FROM Contact WHERE A = 1 OR B = 2 AND C = 3", "AND"),
        ("SELECT Id FROM Contact WHERE A = 2026-01-05T00:00:00 00:00", "0"),
        ("SELECT Id FROM Contact GROUP BY Id", "GROUP"),
        ("SELECT Id; FROM Contact", ";"),
        ("SELECT Id FROM Contact LIMIT 1.5", "1.5"),
    ],
)
def test_a_malformed_query_names_the_unexpected_token(text: str, token: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse(text)
    assert caught.value.code == "MALFORMED_QUERY"
    if token != "0":
        assert f"unexpected token: '{token}'" in caught.value.message


def test_plain_fields_and_aggregates_do_not_mix() -> None:
    with pytest.raises(ApiError, match="Field must be grouped or aggregated: Name"):
        parse("SELECT Name, COUNT(Id) FROM Contact")


def test_conditions_that_are_nested_too_deeply_are_refused() -> None:
    with pytest.raises(ApiError, match="nested too deeply") as caught:
        parse(f"SELECT Id FROM Contact WHERE {'(' * 5000}A = 1{')' * 5000}")
    assert caught.value.code == "QUERY_TOO_COMPLICATED"
