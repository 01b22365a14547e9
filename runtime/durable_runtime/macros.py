"""The DuckDB macros that generated SELECTs stand on: exact reading of landed text, exact arithmetic, masks."""

from __future__ import annotations

import re

# A number as Salesforce sends it: digits, a fraction, an exponent (Java style, 1.25E7).
NUMBER = r"^([-+]?)(\d*)(?:\.(\d*))?(?:[eE]([-+]?\d{1,3}))?$"
# What fits whatever its digits are, and DuckDB casts exactly; nearly every number is of this kind.
PLAIN_NUMBER = r"-?(\d{1,20}(\.\d{1,18})?|\d(\.\d{1,17})?E\d)"
# DuckDB takes a 24th hour too, and a year 0, which neither Snowflake nor Python has.
CLOCK = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"

# What a landed text becomes. DuckDB's casts to DECIMAL and BIGINT round in silence, so `read_*` gives nothing for what
# does not fit, and every generated SELECT asks `*_fits` of the same text to reject the row.
HMAC_BLOCK = 64  # bytes: SHA-256's block (RFC 2104)
READING = (
    # DuckDB has no HMAC: two nested SHA-256 with the key's pads.
    """CREATE MACRO keyed_hash(x) AS
        sha256(getvariable('outer_pad') || unhex(sha256(getvariable('inner_pad') || encode(x))))""",
    f"CREATE MACRO number_parts(x) AS regexp_extract(x, '{NUMBER}', ['sign', 'whole', 'fraction', 'exponent'])",
    "CREATE MACRO number_power(p) AS coalesce(TRY_CAST(p.exponent AS INTEGER), 0)",
    """CREATE MACRO number_exact(p) AS length(p.whole || p.fraction) > 0 AND (
        ltrim(p.whole || p.fraction, '0') = '' OR (
            length(rtrim(p.whole || p.fraction, '0')) - length(p.whole) - number_power(p) <= 18
            AND length(ltrim(p.whole || p.fraction, '0')) - length(p.fraction) + number_power(p) <= 20))""",
    # The digits with the point where the exponent puts it: DuckDB's cast overflows on many digits and an exponent.
    """CREATE MACRO moved_point(digits, places) AS CASE
        WHEN ltrim(digits, '0') = '' THEN '0'
        WHEN places <= 0 THEN '0.' || repeat('0', -places) || digits
        ELSE rpad(digits, greatest(length(digits), places)::INTEGER, '0')[:places] || '.' || digits[places + 1:] END""",
    """CREATE MACRO number_plainly(p) AS CASE WHEN number_exact(p) THEN
        replace(p.sign, '+', '') || moved_point(p.whole || p.fraction, length(p.whole) + number_power(p)) END""",
    # CASE, not OR: DuckDB works out every side of an OR, and the first test is all that most numbers need. Lambdas name
    # what is used more than once, as a macro would repeat it in the statement.
    f"""CREATE MACRO number_fits(x) AS CASE WHEN x IS NULL OR regexp_full_match(x, '{PLAIN_NUMBER}') THEN TRUE
        WHEN regexp_full_match(x, '{NUMBER[1:-1]}')
            THEN list_transform([number_parts(x)], lambda p: number_exact(p))[1] ELSE FALSE END""",
    f"""CREATE MACRO read_number(x) AS TRY_CAST(CASE WHEN regexp_full_match(x, '{PLAIN_NUMBER}') THEN x
        WHEN regexp_full_match(x, '{NUMBER[1:-1]}')
            THEN list_transform([number_parts(x)], lambda p: number_plainly(p))[1] END AS DECIMAL(38,18))""",
    r"""CREATE MACRO read_integer(x) AS CASE WHEN regexp_full_match(x, '-?\d{1,18}') THEN TRY_CAST(x AS BIGINT)
        WHEN x IS NOT NULL THEN list_transform([read_number(x)],
            lambda n: CASE WHEN n = trunc(n) THEN TRY_CAST(n AS BIGINT) END)[1] END""",
    r"""CREATE MACRO integer_fits(x) AS CASE WHEN x IS NULL OR regexp_full_match(x, '-?\d{1,18}') THEN TRUE
        ELSE read_integer(x) IS NOT NULL END""",
    # Bulk writes 0.0 for a whole number at times, where REST writes 0.
    r"CREATE MACRO whole_text(x) AS regexp_replace(x, '^(-?\d+)\.0+$', '\1')",
    "CREATE MACRO boolean_fits(x) AS x IS NULL OR x IN ('true', 'false')",
    "CREATE MACRO read_boolean(x) AS CASE x WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END",
    r"""CREATE MACRO date_fits(x) AS x IS NULL OR (
        regexp_full_match(x, '\d{4}-\d\d-\d\d') AND coalesce(TRY_CAST(x AS DATE) >= DATE '0001-01-01', FALSE))""",
    # Texts such as `infinity` are dates to DuckDB; a rejected row is staged too, and no other warehouse takes them.
    "CREATE MACRO read_date(x) AS CASE WHEN date_fits(x) THEN TRY_CAST(x AS DATE) END",
    # As Salesforce writes nearly every one, in UTC: twice as fast as by way of zones, and the same value.
    """CREATE MACRO read_timestamp(x) AS CASE WHEN x BETWEEN '0001' AND '9999-99' THEN
        CASE WHEN length(x) = 24 AND suffix(x, '.000Z') THEN TRY_CAST(x AS TIMESTAMP)
            ELSE TRY_CAST(x AS TIMESTAMPTZ) AT TIME ZONE 'UTC' END END""",
    rf"""CREATE MACRO timestamp_fits(x) AS x IS NULL OR (
        regexp_full_match(x, '\d{{4}}-\d\d-\d\dT{CLOCK}(Z|[-+]\d\d:?\d\d)')
        AND coalesce(
            read_timestamp(x) BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999', FALSE))""",
    "CREATE MACRO read_time(x) AS CASE WHEN x < '24' THEN TRY_CAST(rtrim(x, 'Z') AS TIME) END",
    f"""CREATE MACRO time_fits(x) AS x IS NULL OR (
        regexp_full_match(x, '{CLOCK}Z?') AND read_time(x) IS NOT NULL)""",
    # Snowflake takes no object that names a key twice, and whoever reads one sees either value.
    """CREATE MACRO json_fits(x) AS CASE WHEN x IS NULL THEN TRUE WHEN NOT json_valid(x) THEN FALSE
        ELSE (SELECT count(*) = count(DISTINCT fullkey) FROM json_tree(CASE WHEN json_valid(x) THEN x END)) END""",
    "CREATE MACRO read_json(x) AS CASE WHEN json_fits(x) THEN TRY_CAST(x AS JSON) END",
    "CREATE MACRO digits_of(x) AS nullif(regexp_replace(x, '[^0-9]', '', 'g'), '')",
    "CREATE MACRO last_four(x) AS repeat('*', CASE WHEN length(x) > 4 THEN length(x) - 4 ELSE length(x) END) "
    "|| CASE WHEN length(x) > 4 THEN right(x, 4) ELSE '' END",
    "CREATE MACRO whole(x) AS CASE WHEN TRY_CAST(x AS BIGINT) = x THEN TRY_CAST(x AS BIGINT) END",
    "CREATE MACRO number_text(x) AS rtrim(rtrim(CAST(CAST(x AS DECIMAL(38,18)) AS VARCHAR), '0'), '.')",
)

# What a text becomes for the reader of a column whose field has another type today: the reader's own spelling of
# exactly that value, or nothing. `refit_<from>_<to>`: numbers may come with an exponent, texts only as they would be
# written back, so that 007 and 1E5 stay codes; times without a 24th hour, years from 1 to 9999, zones to 14 hours.
PLAIN_TEXT_NUMBER = r"-?(0|[1-9]\d*)(\.\d+)?"
ZONE = r"(Z|[-+](0\d|1[0-3]):?[0-5]\d|[-+]14:?00)"
MIDNIGHT = r"\d{4}-\d\d-\d\dT00:00:00(\.0+)?(Z|[-+]00:?00)"
REFITTING = (
    "CREATE MACRO year_fits(x) AS coalesce(year(x) BETWEEN 1 AND 9999, FALSE)",
    "CREATE MACRO refit_any_text(x) AS x",
    "CREATE MACRO refit_integer_text(x) AS whole_text(x)",
    "CREATE MACRO refit_any_boolean(x) AS CASE WHEN boolean_fits(x) THEN x END",
    "CREATE MACRO refit_number_integer(x) AS CASE WHEN integer_fits(x) THEN x END",
    f"""CREATE MACRO refit_any_integer(x) AS
        CASE WHEN regexp_full_match(x, '{PLAIN_TEXT_NUMBER}') AND integer_fits(x) THEN x END""",
    f"""CREATE MACRO refit_any_number(x) AS
        CASE WHEN regexp_full_match(x, '{PLAIN_TEXT_NUMBER}') AND number_fits(x) THEN x END""",
    "CREATE MACRO refit_any_date(x) AS CASE WHEN date_fits(x) AND year_fits(read_date(x)) THEN x END",
    f"""CREATE MACRO refit_timestamp_date(x) AS
        CASE WHEN regexp_full_match(x, '{MIDNIGHT}') THEN refit_any_date(left(x, 10)) END""",
    "CREATE MACRO refit_date_timestamp(x) AS refit_any_date(x) || 'T00:00:00Z'",
    rf"""CREATE MACRO refit_any_timestamp(x) AS
        CASE WHEN regexp_full_match(x, '\d{{4}}-\d\d-\d\dT{CLOCK}{ZONE}')
            AND timestamp_fits(x) AND year_fits(read_timestamp(x)) THEN x END""",
    f"""CREATE MACRO refit_any_time(x) AS
        CASE WHEN regexp_full_match(x, '{CLOCK}Z?') AND time_fits(x) THEN x END""",
)
REFITS = frozenset(re.findall(r"CREATE MACRO refit_(\w+)", "".join(REFITTING)))  # from_to


def refit(now: str, column: str, value: str) -> str:
    """The SQL of a landed text as the reader of a `column` of one family takes it, from a field of another."""
    pair = f"{now}_{column}" if f"{now}_{column}" in REFITS else f"any_{column}"
    return f"refit_{pair}({value})"


# Arithmetic on DECIMAL(38,18) that keeps 18 digits, half away from zero, and gives nothing for what does not fit:
# DuckDB's own `*` overflows and its `/` goes through floating point. A number is split into whole and part, both as
# integers of the 18th digit, so that no step leaves 128 bits.
ONE = 10**18
ARITHMETIC = (
    "CREATE MACRO exact_sum(a, b) AS TRY(a + b)",
    "CREATE MACRO scaled(x) AS CAST(replace(CAST(abs(x) AS VARCHAR), '.', '') AS HUGEINT)",
    f"""CREATE MACRO unscaled(n, negative) AS TRY_CAST(CASE WHEN negative THEN '-' ELSE '' END || (n // {ONE})
        || '.' || lpad(CAST(n % {ONE} AS VARCHAR), 18, '0') AS DECIMAL(38,18))""",
    f"""CREATE MACRO split_product(w, p, v, q) AS w * v * {ONE} + w * q + p * v + (p * q + {ONE // 2}) // {ONE}""",
    f"""CREATE MACRO exact_product(a, b) AS CASE WHEN abs(CAST(a AS DOUBLE) * CAST(b AS DOUBLE)) < 1.6e20 THEN
        unscaled(split_product(scaled(a) // {ONE}, scaled(a) % {ONE}, scaled(b) // {ONE}, scaled(b) % {ONE}),
            (a < 0) <> (b < 0)) END""",
    """CREATE MACRO long_division(n, d) AS list_reduce(range(18),
        lambda s, i: {'q': s.q * 10 + (s.r * 10) // d, 'r': (s.r * 10) % d}, {'q': n // d, 'r': n % d})""",
    """CREATE MACRO half_up(s, d) AS s.q + CASE WHEN s.r * 2 >= d THEN 1 ELSE 0 END""",
    """CREATE MACRO exact_quotient(a, b) AS CASE WHEN b <> 0 AND abs(b) < 10000000000000000000
        AND abs(CAST(a AS DOUBLE) / CAST(b AS DOUBLE)) < 1.6e20 THEN
        unscaled(half_up(long_division(scaled(a), scaled(b)), scaled(b)), (a < 0) <> (b < 0)) END""",
)
# What `phones.fill` found of a page's texts. No Salesforce field has such names: x is resolved beside them.
TELEPHONES = (
    "CREATE TABLE __phones (__text VARCHAR, __e164 VARCHAR)",
    """CREATE MACRO e164(x) AS
        CASE WHEN x IS NOT NULL THEN coalesce((SELECT __e164 FROM __phones WHERE __text = x), x) END""",
)
MACROS = (*READING, *REFITTING, *ARITHMETIC, *TELEPHONES)
NAMED = {macro.partition("(")[0].split()[-1]: macro for macro in (*READING, *REFITTING, *ARITHMETIC)}


def needed(statement: str) -> tuple[str, ...]:
    """What a statement calls of MACROS, and what that calls: to make all of them takes longer than a small page does.

    One that formats telephone numbers gets all.
    """
    if "e164(" in statement:
        return MACROS
    found: set[str] = set()
    texts = [statement]
    while texts:
        called = (NAMED.keys() & set(re.findall(r"\w+(?=\()", texts.pop()))) - found
        found |= called
        texts += [NAMED[name] for name in called]
    return tuple(macro for name, macro in NAMED.items() if name in found)
