"""From an expression as read to a typed one over the fields of one object, or the reason why it means nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from durable_compiler.catalogue import FieldSchema, ObjectSchema
from durable_compiler.grammar.expressions import Named, Raw, Reading, leaves
from durable_compiler.grammar.literals import NUMBERS, PICKLISTS, TEXTS
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.terms import Apply, Constant, FieldTerm, Term

_OF_FIELD = {"boolean": "boolean", "date": "date", "datetime": "timestamp", "time": "time", "int": "integer"}
_OF_FIELD |= {"long": "integer", **dict.fromkeys(TEXTS | PICKLISTS, "text")}
_OF_FIELD |= dict.fromkeys(NUMBERS - {"int", "long"}, "number")
_NUMERIC = frozenset({"integer", "number"})
_TEMPORAL = frozenset({"date", "timestamp"})
_WORDS = {
    "integer": "a number", "number": "a number", "text": "text", "date": "a date", "timestamp": "a date and time",
    "boolean": "yes or no", "duration": "a length of time", "time": "a time of day",
}  # fmt: skip
_HELP = {
    "numbers": "Calculate with numbers: Stores Amount divided by 12 as monthly_amount.",
    "days": "Count the days between two dates: Stores the days since Created Date as age_days.",
    "text": "Put texts together: Stores City and Country together as place.",
    "same": "Choose between fields of one type.",
    "shift": "Move a date by days, weeks, months or years: Stores Close Date plus 30 days as due_date.",
}


@dataclass(frozen=True)
class Typed:
    """A term and the type of its values; `spaced` when the space between its texts is the language's choice."""

    term: Term
    type: str
    spaced: bool = False


def owner_of(sentence: Sentence, readings: Sequence[Reading], said: str | None) -> str | Fault:
    """The object whose fields the expressions use: named in the sentence, or the only synced one that fits."""
    named = [one for reading in readings for one in leaves(reading.raw)]
    owners = list(dict.fromkeys([*([said] if said else []), *(one.owner for one in named if one.owner)]))
    span = (readings[0].start, readings[-1].end)
    if len(owners) > 1:
        labels = " and ".join(sentence.catalogue.by_name[one].label for one in owners)
        help = "Use fields of one object; include a related object's field in it first."
        return sentence.fault("DUR039", f"a column cannot be made of fields of {labels}", *span, help)
    return owners[0] if owners else _only_owner(sentence, named, span)


def _only_owner(sentence: Sentence, named: Sequence[Named], span: tuple[int, int]) -> str | Fault:
    scope = sentence.synced or tuple(one.name for one in sentence.catalogue.objects)
    having = {one: [owner for owner in scope if _names(sentence, owner, one)] for one in named}
    fitting = [owner for owner in scope if named and all(owner in owners for owners in having.values())]
    # One field at least must be of one object alone; the others follow it.
    if len(fitting) == 1 and any(owners == fitting for owners in having.values()):
        return fitting[0]
    unknown = next((one for one, owners in having.items() if not owners), None)
    if unknown is not None:
        return _no_field(sentence, unknown, "the synced objects", scope)
    if not fitting or not named:
        return sentence.fault("DUR039", "these are not fields of one object", *span, "Use fields of one object.")
    first = named[0]
    spelt = sentence.spelling(first.start, first.end)
    choices = [sentence.catalogue.field_label(owner, _names(sentence, owner, first)[0]) for owner in having[first]]
    message = f"'{spelt}' is a field of several synced objects"
    help = "Put the object before the field."
    return sentence.fault("DUR032", message, first.start, first.end, help, choices[:5])


def _names(sentence: Sentence, owner: str, one: Named) -> tuple[str, ...]:
    known = sentence.catalogue.by_name[owner].by_key
    return known.get(one.key) or known.get(one.key + "s") or known.get(one.key.removesuffix("s"), ())


def _no_field(sentence: Sentence, one: Named, where: str, owners: Sequence[str]) -> Fault:
    spelt = sentence.spelling(one.start, one.end)
    close = sentence.catalogue.nearest_fields(spelt, owners)
    help = "Write a field's label or API name as the schema snapshot has it; `durable discover` renews it."
    return sentence.fault("DUR031", f"{where} has no field '{spelt}'", one.start, one.end, help, close)


@dataclass(frozen=True)
class Resolver:
    """What the parts of one expression are looked up with."""

    sentence: Sentence
    owner: ObjectSchema
    separator: str | None
    span: tuple[int, int]

    def resolve(self, raw: Raw) -> Typed | Fault:
        """The typed term of a part, or the reason why it has none."""
        if isinstance(raw, Named):
            return self._field(raw)
        if isinstance(raw, Constant):
            return Typed(raw, "integer" if raw.type == "number" and isinstance(raw.value, int) else raw.type)
        if raw.op in ("today", "now"):
            return Typed(Apply(raw.op), "date" if raw.op == "today" else "timestamp")
        if raw.op == "group":
            return self.resolve(raw.args[0])
        args: list[Typed] = []
        for one in raw.args:
            found = self.resolve(one)
            if isinstance(found, Fault):
                return found
            args.append(found)
        return self._applied(raw.op, args)

    def _field(self, one: Named) -> Typed | Fault:
        found = _names(self.sentence, self.owner.name, one)
        if not found:
            return _no_field(self.sentence, one, self.owner.label, [self.owner.name])
        if len(found) > 1:
            message = f"{self.owner.label} has several fields of this name"
            return self.sentence.fault("DUR032", message, one.start, one.end, "Write the API name.", found)
        schema = self.owner.field(found[0])
        assert schema is not None
        kind = type_of(schema)
        if kind is None:
            message = f"{schema.label} has no single value"
            help = "Use one of the fields that it is made of."
            return self.sentence.fault("DUR038", message, one.start, one.end, help)
        return Typed(FieldTerm(self.owner.name, schema.name), kind)

    def _applied(self, op: str, args: list[Typed]) -> Typed | Fault:
        kinds = [one.type for one in args]
        spaced = any(one.spaced for one in args)
        if op in ("together", "joined", "directly", "follow") or (op in ("add", "+") and set(kinds) == {"text"}):
            return self._text(op, args, spaced)
        op = "add" if op == "+" else op
        kind = _result(op, kinds, args)
        if kind not in _WORDS:
            return self._mismatch(kind, kinds)
        return Typed(_nested(op, args), kind, spaced)

    def _text(self, op: str, args: list[Typed], spaced: bool) -> Typed | Fault:
        kinds = [one.type for one in args]
        if set(kinds) != {"text"}:
            return self._mismatch("text", kinds)
        parts = [one.term for one in args]
        literal = any(isinstance(one, Constant) for one in parts)
        if op == "joined":
            return Typed(
                _concat(parts[1:], str(parts[0].value) if isinstance(parts[0], Constant) else ""), "text", spaced
            )
        if op == "directly" or (op in ("add", "+", "follow") and literal):
            return Typed(_concat(parts, ""), "text", spaced)
        if op == "+":
            message = "'+' does not say what stands between the texts"
            help = "Write what stands between them: Stores City and Country together as place, separated by a comma."
            return self.sentence.fault("DUR038", message, self.span[0], self.span[1], help)
        return Typed(
            _concat(parts, self.separator if self.separator is not None else " "), "text", self.separator is None
        )

    def _mismatch(self, why: str, kinds: Sequence[str]) -> Fault:
        what = " and ".join(dict.fromkeys(_WORDS[kind] for kind in kinds))
        message = f"{what} cannot be put together like this"
        return self.sentence.fault("DUR038", message, self.span[0], self.span[1], _HELP[why])


def type_of(schema: FieldSchema) -> str | None:
    """The type of a field's values; None when it has no single one."""
    return _OF_FIELD.get(schema.type)


def _concat(parts: Sequence[Term], separator: str) -> Apply:
    first, *rest = parts
    between = (Constant(separator, "text"),) if separator else ()
    return Apply("concat", (first, *(one for part in rest for one in (*between, part))))


def _nested(op: str, args: Sequence[Typed]) -> Term:
    """The term; `+` of many is one plus after the other."""
    terms = [one.term for one in args]
    if op not in ("add", "sub", "mul", "div"):
        return Apply(op, tuple(terms))
    first, *rest = terms
    for one in rest:
        first = Apply(op, (first, one))
    return first


def _result(op: str, kinds: list[str], args: list[Typed]) -> str:
    """The type of a result, or which rule of _HELP the types break."""
    every = set(kinds)
    if op == "days_between":
        return "integer" if every <= _TEMPORAL else "days"
    if op == "coalesce":
        return _common(every) if len({one.term for one in args}) == len(args) else "same"
    if op == "round":
        whole = isinstance(args[1].term, Constant) and args[1].term.value == 0
        return "numbers" if kinds[0] not in _NUMERIC else "integer" if whole else kinds[0]
    if op in ("add", "sub") and kinds[0] in _TEMPORAL:
        return kinds[0] if set(kinds[1:]) == {"duration"} and _fits(kinds[0], args[1].term) else "shift"
    if not every <= _NUMERIC:
        return "days" if every <= _TEMPORAL else "numbers"
    return "number" if op == "div" or "number" in every else "integer"


def _fits(kind: str, length: Term) -> bool:
    """Whether a length of time can be added: hours to a date and time only."""
    assert isinstance(length, Constant)
    return kind == "timestamp" or not str(length.value).startswith("PT")


def _common(kinds: set[str]) -> str:
    if kinds <= _NUMERIC:
        return "number" if "number" in kinds else "integer"
    return next(iter(kinds)) if len(kinds) == 1 and "duration" not in kinds else "same"
