"""The words of expressions: operators, separators, and forms with words of their own."""

from __future__ import annotations

# Between two operands, the longest first.
INFIX: tuple[tuple[str, str], ...] = (
    ("and then multiplied by", "mul"), ("and then divided by", "div"), ("and multiplied by", "mul"),
    ("and divided by", "div"), ("then divided by", "div"), ("then multiplied by", "mul"),
    ("multiplied by", "mul"), ("divided by", "div"), ("increased by", "add"), ("reduced by", "sub"),
    ("decreased by", "sub"), ("net of", "sub"), ("directly followed by", "directly"), ("followed by", "follow"),
    ("plus", "add"), ("minus", "sub"), ("less", "sub"), ("times", "mul"), ("per", "div"),
    ("+", "+"), ("&", "directly"), ("-", "sub"), ("\u2212", "sub"), ("\u2013", "sub"),
    ("*", "mul"), ("\u00d7", "mul"), ("x", "mul"), ("/", "div"), ("\u00f7", "div"),
)  # fmt: skip
SCALED = {"thousands": 1_000, "millions": 1_000_000, "billions": 1_000_000_000, "hundreds": 100}
SEPARATORS: tuple[tuple[str, str], ...] = (
    ("a space", " "), ("a comma and a space", ", "), ("a comma", ","), ("a hyphen", "-"), ("an underscore", "_"),
    ("a slash", "/"), ("a semicolon", ";"), ("a colon", ":"), ("a pipe", "|"), ("a period", "."),
    ("a line break", "\n"), ("one space", " "), ("a single space", " "), ("a blank", " "), ("spaces", " "),
    ("a blank space", " "), ("commas", ","), ("a comma followed by a space", ", "), ("hyphens", "-"), ("a dash", "-"),
    ("dashes", "-"), ("underscores", "_"), ("a forward slash", "/"), ("slashes", "/"), ("semicolons", ";"),
    ("a semi colon", ";"), ("a pipe character", "|"), ("a vertical bar", "|"), ("pipes", "|"), ("a dot", "."),
    ("dots", "."), ("a full stop", "."), ("a newline", "\n"), ("space", " "), ("comma", ","), ("hyphen", "-"),
    ("nothing", ""),
)  # fmt: skip

FILLED = (
    "(filled [in/out] | present | set | available | populated | given | there | known | not empty/blank/null/missing)"
)
MISSING = (
    "(missing/empty/blank/null/unset/absent/unavailable/unknown | not set/available/there/present/given/populated"
    " | not filled [in/out])"
)
# A name may come back later in its form (`if A is filled`): both must then be the same part.
PREFIXED = (
    ("sum", "[the] sum/total of <several>"),
    ("sub", "[the] difference between <arg:a> and <arg:b> | [the] difference of <arg:a> and <arg:b>"),
    ("product", "[the] product of <several>"),
    ("div", "[the] ratio (of/between) <arg:a> (to/and) <arg:b> | [the] quotient of <arg:a> and <arg:b>"),
    ("average", "[the] average/mean [value] of <several>"),
    ("share", "<percent> of <arg:a>"),
    ("twice", "twice/double <arg:a>"),
    ("triple", "triple <arg:a>"),
    ("half", "half [of] <arg:a> | one half of <arg:a>"),
    ("third", "a/one third of <arg:a>"),
    ("quarter", "a/one quarter of <arg:a>"),
    ("tenth", "a/one tenth of <arg:a>"),
    ("between", "%days between <arg:a> and <arg:b> | %days [it took] from <arg:a> (to/until/till) <arg:b>"),
    ("between", "[the] (difference/time) in days between <arg:a> and <arg:b>"),
    ("between", "[the] (difference/time) between <arg:a> and <arg:b> in days"),
    ("between", "[the] time from <arg:a> (to/until/till) <arg:b> in days"),
    ("since", "%days [that have] [elapsed/passed/gone] [by] since <arg:a> | %days past <arg:a>"),
    ("since", "[the] time since <arg:a> in days | [the] time in days since <arg:a>"),
    ("until", "%days [that] [are] [left/remaining/to_go] (until/till/to/before) <arg:a>"),
    ("until", "[the] [remaining] (time until/till <arg:a> in days | time in days until/till <arg:a>)"),
    ("after", "<span> after <arg:a>"),
    ("before", "<span> before <arg:a>"),
    ("together", "[the] (concatenation/combination) of <several>"),
    ("first", f"[the] first of <several> that (is/are {FILLED} | has a value | exists)"),
    ("first", "[the] first (non empty | non blank | non null | filled | filled in | available | present | known)"
              " (value | one) of <several>"),
    ("first", "[the] first (non empty | non blank | non null | filled | available) of <several>"),
)  # fmt: skip
INFIXED = (
    ("together", "<several> [both] (together | combined [together] | joined [together/up] | concatenated [together]"
                 " | put together | strung together)"),
    ("joined", "<several> [,] [together/combined/joined/concatenated/both] [,] %separated"),
    ("sum", "<several> (added up | added together | summed [up])"),
    ("product", "<several> multiplied [together]"),
    ("percentage", "<atom:a> as a/the percentage/percent of <atom:b>"),
    ("div", "<atom:a> as a/the share/fraction/proportion of <atom:b>"),
    ("first", f"<atom:a> [,] (or/and/otherwise/else | or else) <atom:b> (where/when/if)"
              f" (that/it/this | <atom:a> | the former | the first [one]) (is {MISSING} | has no value)"),
    ("first", f"<atom:a> [,] (or/and/otherwise/else | or else) [,] (where/when/if) (that/it/this/there | <atom:a>)"
              f" (is {MISSING} | has no value) [,] <atom:b>"),
    ("first", f"<atom:a> [,] (or/and/otherwise/else | or else) <atom:b> (where/when/if) {MISSING}"),
    ("first", "<atom:a> [,] (or/and/otherwise/else | or else) <atom:b> (where/when/if) there is no <atom:a>"),
    ("first", "<atom:a> [,] (falling/fall/falls back to | otherwise | or else) <atom:b>"),
    ("first", f"<atom:a> (where/when/if) (that/it | <atom:a>) (is {FILLED} | has a value | exists)"
              " [,] [and] (otherwise/else/or) <atom:b>"),
    ("first", f"<atom:a> (where/when/if) {FILLED} [,] [and] (otherwise/else) <atom:b>"),
    ("first", f"<atom:b> (where/when/if) <atom:a> (is {MISSING} | has no value) [,] [and] (otherwise/else) <atom:a>"),
    ("first", "<atom:a> [,] with <atom:b> as [the/a] (fallback/backup | fall back)"),
)  # fmt: skip
DEEDS = (
    ("mul", "~multiply <atom:a> (by/with) <atom:b>"),
    ("product", "~multiply <several> [together]"),
    ("div", "~divide <atom:a> by <atom:b>"),
    ("sub", "~subtract/deduct <atom:b> from <atom:a>"),
    ("add", "~add <atom:a> to <atom:b>"),
    ("sum", "~add/sum [up] <several> [together/up]"),
    ("average", "~average <several>"),
    ("rounded", "~round <atom:a> %rounded_to"),
    ("between", "~count %days between <atom:a> and <atom:b> | ~count %days from <atom:a> (to/until) <atom:b>"),
    ("since", "~count %days since <atom:a>"),
    ("until", "~count %days until <atom:a>"),
)
SEPARATED = (
    "((separated/joined/delimited/divided/split by/with | with | using) <separator> [in] [between] [them]"
    " [as the/a separator/delimiter] | (without a/any separator/space | with no separator/space)"
    " [in] [between] [them] {separator=})"
)
PHRASES = {
    "days": "([the] [number/count] [of] days | how many days)",
    "separated": SEPARATED,
    "missing": f"(is {MISSING} | has no value)",
    "rounded_to": (
        "[off] to (<count> (decimals/decimal/digits/places | decimal places/place/digits)"
        " | (whole numbers | a/the whole number/integer | the nearest whole number/integer | integers) {whole=yes}"
        " | the nearest cent {cents=yes})"
    ),
}
