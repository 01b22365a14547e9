"""SOQL text to a frozen Query: tokens, then recursive descent."""

import re
from dataclasses import dataclass, field

from durable_sandbox.errors import ApiError

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d(?![\dT]))"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w-]))"
    r"|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::\d+)?)"
    r"|(?P<sign><=|>=|!=|<>|[=<>(),])"
    r"|(?P<end>$))",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_AGGREGATES = frozenset({"count", "count_distinct", "min", "max"})
RELATIVE_DATES = frozenset({"today", "yesterday", "tomorrow", "last_n_days", "next_n_days"})
_CLAUSES = frozenset({"from", "where", "order", "limit", "offset", "group", "having", "for", "with", "using", "all"})


@dataclass(frozen=True)
class Token:
    """A word of the query with its place in the text."""

    kind: str
    text: str
    column: int

    @property
    def word(self) -> str:
        """The text for comparing with keywords; empty for literals."""
        return self.text.lower() if self.kind in ("name", "sign") else ""


@dataclass(frozen=True)
class Path:
    """A field, perhaps through parents: `Account.Owner.Name`."""

    parts: tuple[str, ...]
    column: int = field(default=0, compare=False)

    @property
    def text(self) -> str:
        """The path as written."""
        return ".".join(self.parts)


@dataclass(frozen=True)
class Aggregate:
    """`COUNT()`, `COUNT(Id)`, `MIN(x)`, `MAX(x)`, with the name that its result gets."""

    function: str
    path: Path | None
    alias: str


@dataclass(frozen=True)
class Literal:
    """A value in a condition; strings are unescaped."""

    kind: str
    text: str


@dataclass(frozen=True)
class Comparison:
    """`path operator value`."""

    path: Path
    operator: str
    value: Literal


@dataclass(frozen=True)
class Membership:
    """`path IN (…)` or `NOT IN (…)`."""

    path: Path
    negated: bool
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class Negation:
    """`NOT condition`."""

    part: "Condition"


@dataclass(frozen=True)
class Junction:
    """Conditions joined by one of `and`, `or`."""

    operator: str
    parts: tuple["Condition", ...]


Condition = Comparison | Membership | Negation | Junction


@dataclass(frozen=True)
class Order:
    """One key of ORDER BY."""

    path: Path
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class Query:
    """A whole SELECT."""

    text: str
    select: tuple[Path | Aggregate, ...]
    object: str
    object_column: int
    where: Condition | None
    order: tuple[Order, ...]
    limit: int | None
    offset: int


def parse(text: str) -> Query:
    """Read a query; anything else is MALFORMED_QUERY with the offending token."""
    try:
        return _Parser(text).query()
    except RecursionError as error:
        raise ApiError(400, "QUERY_TOO_COMPLICATED", "the filter conditions are nested too deeply") from error


def context(text: str, column: int) -> str:
    """The excerpt with a caret that Salesforce puts before its message."""
    start = max(column - 30, 0)
    excerpt = text[start : column + 40].replace("\n", " ")
    return f"\n{excerpt}\n{' ' * (column - start)}^\nERROR at Row:1:Column:{column + 1}\n"


def _malformed(message: str) -> ApiError:
    return ApiError(400, "MALFORMED_QUERY", message)


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    place = 0
    while True:
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            column = place + len(text[place:]) - len(text[place:].lstrip())
            raise _malformed(f"{context(text, column)}unexpected token: '{text[column : column + 1]}'")
        found.append(Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        place = match.end()
        if match.lastgroup == "end":
            return found


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.place = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.place]

    def unexpected(self) -> ApiError:
        shown = self.here.text if self.here.kind != "end" else "<EOF>"
        return _malformed(f"{context(self.text, self.here.column)}unexpected token: '{shown}'")

    def accept(self, *words: str) -> bool:
        window = [token.word for token in self.tokens[self.place : self.place + len(words)]]
        if window != list(words):
            return False
        self.place += len(words)
        return True

    def expect(self, *words: str) -> None:
        if not self.accept(*words):
            raise self.unexpected()

    def take(self, kind: str) -> Token:
        token = self.here
        if token.kind != kind:
            raise self.unexpected()
        self.place += 1
        return token

    def query(self) -> Query:
        self.expect("select")
        select = self.select_list()
        self.expect("from")
        target = self.take("name")
        where = self.condition() if self.accept("where") else None
        order = self.order_keys() if self.accept("order", "by") else ()
        limit = int(self.whole_number()) if self.accept("limit") else None
        offset = int(self.whole_number()) if self.accept("offset") else 0
        if self.here.kind != "end":
            raise self.unexpected()
        return Query(self.text, select, target.text, target.column, where, order, limit, offset)

    def whole_number(self) -> str:
        if not self.here.text.isdigit():
            raise self.unexpected()
        return self.take("number").text

    def select_list(self) -> tuple[Path | Aggregate, ...]:
        items: list[Path | Aggregate] = []
        while True:
            items.append(self.select_item(sum(isinstance(item, Aggregate) for item in items)))
            if not self.accept(","):
                break
        if len(items) > 1 and any(isinstance(item, Aggregate) and item.path is None for item in items):
            raise _malformed("COUNT() must be the only element in the SELECT list")
        paths = [item for item in items if isinstance(item, Path)]
        if paths and len(paths) < len(items):
            raise _malformed(f"Field must be grouped or aggregated: {paths[0].text}")
        return tuple(items)

    def select_item(self, number: int) -> Path | Aggregate:
        function = self.here.word
        if self.tokens[self.place : self.place + 2][-1].text != "(" or function not in _AGGREGATES:
            return self.path()
        self.place += 2
        path = None if function == "count" and self.here.text == ")" else self.path()
        self.expect(")")
        alias = f"expr{number}"
        if self.here.kind == "name" and self.here.word not in _CLAUSES:
            alias = self.take("name").text
        return Aggregate(function, path, alias)

    def path(self) -> Path:
        token = self.take("name")
        if token.word in _CLAUSES or ":" in token.text:
            self.place -= 1
            raise self.unexpected()
        return Path(tuple(token.text.split(".")), token.column)

    def order_keys(self) -> tuple[Order, ...]:
        keys = [self.order_key()]
        while self.accept(","):
            keys.append(self.order_key())
        return tuple(keys)

    def order_key(self) -> Order:
        path = self.path()
        descending = self.accept("desc") or (self.accept("asc") and False)
        nulls_first = self.accept("nulls", "first") or not (self.accept("nulls", "last") or descending)
        return Order(path, descending, nulls_first)

    def condition(self) -> Condition:
        parts = [self.term()]
        joiner = self.here.word if self.here.word in ("and", "or") else ""
        while joiner and self.accept(joiner):
            parts.append(self.term())
        if joiner and self.here.word in ("and", "or"):
            raise self.unexpected()
        return Junction(joiner, tuple(parts)) if joiner else parts[0]

    def term(self) -> Condition:
        if self.accept("not"):
            return Negation(self.term())
        if self.accept("("):
            inner = self.condition()
            self.expect(")")
            return inner
        return self.test()

    def test(self) -> Condition:
        path = self.path()
        if self.accept("not", "in"):
            return Membership(path, True, self.literals())
        if self.accept("in"):
            return Membership(path, False, self.literals())
        operator = self.here.word
        if operator not in ("=", "!=", "<>", "<", "<=", ">", ">=", "like"):
            raise self.unexpected()
        self.place += 1
        return Comparison(path, "!=" if operator == "<>" else operator, self.literal())

    def literals(self) -> tuple[Literal, ...]:
        self.expect("(")
        values = [self.literal()]
        while self.accept(","):
            values.append(self.literal())
        self.expect(")")
        return tuple(values)

    def literal(self) -> Literal:
        token = self.here
        kind = _literal_kind(token)
        if not kind:
            raise self.unexpected()
        self.place += 1
        return Literal(kind, _unescape(token.text[1:-1]) if kind == "string" else token.text)


def _literal_kind(token: Token) -> str:
    if token.kind in ("string", "datetime", "date", "number"):
        return token.kind
    if token.word in ("true", "false"):
        return "boolean"
    if token.word == "null":
        return "null"
    name = token.word.partition(":")[0]
    return "relative" if name in RELATIVE_DATES and (":" in token.word) == name.endswith("_days") else ""


def _unescape(text: str) -> str:
    """Undo escapes, but keep those of LIKE's wildcards for the pattern to read."""
    return re.sub(r"\\(.)", _unescaped, text, flags=re.DOTALL)


def _unescaped(found: re.Match[str]) -> str:
    return found[0] if found[1] in "%_" else _ESCAPES.get(found[1], found[1])
