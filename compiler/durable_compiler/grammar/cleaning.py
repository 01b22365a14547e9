"""How a sentence says that values are cleaned: spaces, case, digits, and the formats of dates and phone numbers."""

from __future__ import annotations

from collections.abc import Iterator

from durable_compiler.grammar import names
from durable_compiler.grammar.sentence import Sentence

_BLANK = "(whitespace/spaces/blanks | white space/spaces)"
_AROUND = (
    "(leading and trailing | trailing and leading | leading or trailing | trailing or leading | leading/trailing"
    " | leading & trailing | surrounding)"
)
_OUTER = f"([the/any/all/its/their] {_AROUND} {_BLANK})"
_SPACES = f"({_OUTER} | [the] {_BLANK})"
_OTHERS = (
    "((everything/all [characters] but/except | everything other than | everything apart from) [the] digits"
    " | [all/any/the] non (digits | digit/numeric [characters]) | [all/any] characters that are not digits)"
)
_LOWER = "[all] (lower case [letters] | lowercase [letters] | small letters)"
_UPPER = "[all] (upper case [letters] | uppercase [letters] | [block] capitals | capital letters)"
_PUT = (
    "brought/put/converted/changed/turned/stored/held/kept/written/made/set/recorded/saved/loaded/formatted/rendered"
    "/transformed"
)


def _step(name: str) -> str:
    """A verb that cleans a value, bound to a name of its own so that a sentence keeps the order of its steps."""
    return (
        f"(~trim [{_SPACES} from/of/off/around/in] | ~strip {_SPACES} from/of/off/around"
        f" | ~remove/cut/delete/drop {_OUTER} from/of/off/around/in/on | ~strip of {_SPACES}"
        f" | ~remove/cut/delete [the] (whitespace/spaces | white space) around) {{{name}=trim}}"
        f" | (lower ~case | ~lowercase | ~lower_case) {{{name}=lower}}"
        f" | (upper ~case | ~uppercase | ~upper_case | ~capitalise/capitalize all letters of/in) {{{name}=upper}}"
        f" | (~keep only/just [the] digits of/in/from | ~keep digits only/alone of/in/from |"
        f" ~strip/remove/delete/drop {_OTHERS} from/of/in"
        f" | ~reduce to [its/their/the] digits) {{{name}=digits}}"
    )


def _form(name: str) -> str:
    """What a value is stored as."""
    return (
        f"{_LOWER} {{{name}=lower}} | {_UPPER} {{{name}=upper}} | %e164 {{{name}=e164}}"
        f" | (digits only | only/just [the/its/their] digits) {{{name}=digits}}"
    )


def _note(name: str) -> str:
    """A step without the field, which stands before it."""
    return (
        f"(~trim [{_SPACES}] | ~remove/strip/cut/delete {_OUTER} | (no/without) {_OUTER}"
        f" | {_OUTER} removed/trimmed/stripped/cut) {{{name}=trim}}"
        f" | ([in/to] {_LOWER} | lower ~case | ~lowercase) {{{name}=lower}}"
        f" | ([in/to] {_UPPER} | upper ~case | ~uppercase) {{{name}=upper}}"
        f" | [in/as/to] %e164 {{{name}=e164}}"
        f" | ([~keep] digits only | [~keep] only/just [the/its/their] digits | ~strip/remove/delete {_OTHERS})"
        f" {{{name}=digits}}"
    )


def _done(name: str) -> str:
    """What is to be done with a field, after `must be` or `must have`."""
    return (
        f"(trimmed [of {_SPACES}] | stripped of {_SPACES} | cleaned/cleared/freed of {_OUTER}"
        f" | {_OUTER} removed/trimmed/stripped/deleted/dropped/cut [off]"
        f" | have/has/having {_OUTER} removed/trimmed/stripped/deleted/dropped/cut [off]) {{{name}=trim}}"
        f" | (lower cased | lowercased | [be] [{_PUT}] [in/into/to/as] {_LOWER}) {{{name}=lower}}"
        f" | (upper cased | uppercased | [be] [{_PUT}] [in/into/to/as] {_UPPER}) {{{name}=upper}}"
        f" | (reduced/stripped/cut [down] to [the/its/their] digits | stripped/cleaned of {_OTHERS}"
        f" | have/has {_OTHERS} removed/stripped) {{{name}=digits}}"
        f" | [be] [{_PUT}] [in/into/to/as] %e164 {{{name}=e164}}"
    )


PHRASES: dict[str, str] = {
    "spaces": _SPACES,
    "outer": _OUTER,
    "upon": "(around/from/of/in/on/off)",
    **{f"step_{name}": _step(name) for name in ("one", "two", "three")},
    **{f"form_{name}": _form(name) for name in ("three", "four", "five")},
    **{f"note_{name}": _note(name) for name in ("one", "two", "three")},
    **{f"done_{name}": _done(name) for name in ("one", "two", "three")},
    "e164": "([the] [international] e . 164 [format/numbers/form/standard/notation]"
    " | [the] [international] e164 [format/numbers/form/standard/notation])",
    "utc": "([the] utc [time] [zone] | coordinated universal time)",
    "iso": (
        "(([the] iso 8601 [format/dates/standard/timestamps/strings/form/notation] | [the] iso8601 [format]"
        " | iso format) ([,] [in/with/using/and | and in | , in] %utc | \\( [in] %utc \\))"
        " | %utc | %utc iso 8601 [format] | %utc iso8601"
        " | %utc [,] [and] [in/as/using/with] [the] (iso 8601 | iso8601) [format] | %utc \\( [in] iso 8601 [format]"
        " \\))"
    ),
    "dates": (
        "([all/every/each] [of] [our/the] (dates | date | timestamps | timestamp | date and time fields | date and time"
        " | dates and times | times and dates | dates and timestamps | timestamps and dates | date fields | datetimes"
        " | datetime fields | date values | dates and datetimes | date and datetime fields | date and timestamp fields"
        " | date times | date/time fields | date/times | dates/times | date columns | timestamp columns | date field"
        " | date and time values | timestamp fields | timestamp values | date/time values)"
        " [in the warehouse])"
    ),
    "phones": (
        "([all/every/each/any] [of] [our/the] (phone/telephone numbers/number/fields/field/values | phones | telephones"
        " | phone and fax numbers))"
    ),
    "by_region": (
        "([,] [and] assume/assumes/assuming [that] they are <country:region> [numbers]"
        " | [,] [and] for/in/assuming/assume/use [the] <country:region> [numbers/region/country]"
        " [(by/as [the/a] default) | (for/where/when/if) (numbers/those/ones/them | they) without a country code]"
        " | [,] (with/assuming/using) [the] <country:region> as [the/a] [default] [country/region]"
        " | [,] [with/using] [a/the] [default/defaulting] [country/region] [of/is/to/:] [the] <country:region>"
        " | [,] [the] <country:region> [numbers/region] by default"
        " | \\( [region/country/default] [:] [the] <country:region> \\)"
        " | [,] [and] [those/numbers/ones] (without | that have no | with no) [a] country code"
        " (are/being | %be [~treat/assume/read/take as | assumed to be]) [from] [the] <country:region> [numbers]"
        " | [,] [and] [they/it] [%be] ~treat/read/take/interpret/assume/understand as/to_be <country:region> [numbers]"
        " [by default | unless (they/it | the number/numbers | a number) (state/states/say/says) otherwise"
        " | (where/when/if) no country code is given | (where/when/if) they have no country code"
        " | unless they (have/carry/include/bring) (a/their) [own] country code])"
    ),
}
_ADJECTIVES = {
    "british": "GB", "american": "US", "german": "DE", "french": "FR", "spanish": "ES", "italian": "IT", "dutch": "NL",
    "canadian": "CA", "australian": "AU", "indian": "IN", "japanese": "JP", "brazilian": "BR", "irish": "IE",
    "swiss": "CH", "austrian": "AT", "mexican": "MX", "swedish": "SE", "polish": "PL",
}  # fmt: skip


def country(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """A country by name, ISO code or adjective."""
    yield from names.region(sentence, at)
    if sentence.norm(at) in _ADJECTIVES:
        yield at + 1, _ADJECTIVES[sentence.norm(at)]
