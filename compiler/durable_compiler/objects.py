"""One object of a package: what is read of it, what becomes of each field, and which requirement wants it so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from durable_compiler import expressions
from durable_compiler.cursors import FALLBACKS, WHOLE, cursor_of
from durable_compiler.entries import condition_key
from durable_compiler.expressions import Sql
from durable_compiler.ir import Dedupe, Pipeline
from durable_compiler.layout import MappedColumn, mask_of, reached, requested, table_name
from durable_compiler.mapped_values import SENT
from durable_compiler.policies import ids, words
from durable_compiler.rules import Made, Rules
from durable_compiler.tables import per_object, trailing
from durable_runtime.drift import spelt

# IR keys that decide an object's rows: a package that differs in one reads the object in full first
ROW_KEYS = ("mappings", "enums", "defaults", "blanks", "derived", "computed", "required", "checks", "masks", "dedupe")
NEVER = "TIMESTAMP '1970-01-01 00:00:00'"
SHAPING = ("mappings", "enums", "blanks", "defaults", "masks")
# (IR list, object, field, column or condition) -> the requirement that made the entry; the last is empty for rules
# about whole objects
Owners = Mapping[tuple[str, str, str], str]


def object_values(rules: Rules, owners: Owners, own_name: str) -> dict[str, Any]:
    """What the templates see of one object."""
    one = _Object(rules, owners)
    pipeline, source, columns = rules.pipeline, rules.source, rules.columns
    made = list(rules.made())
    dedupe = one.dedupe
    return {
        "name": source.name,
        "label": rules.snapshot.by_name[source.name].label,
        "constant": own_name.upper(),
        "function": own_name,
        "fields": one.fields,
        "lookups": rules.lookups,
        "typed": [one.typed(field) for field in one.fields],
        "related": [one.typed(path) for path in rules.lookups],
        "listed": list(one.listed()),
        "moves": rules.moves or not one.cursor,
        "cursor": one.cursor,
        "modified": one.modified(),
        "first": rules.first,
        "refused": one.refused(),
        "requirements": tuple(pipeline.trace.get("source.objects", ())),
        "requirement_text": words(pipeline, "source.objects"),
        "formulas": tuple(column.field for column in columns if column.calculated and "." not in column.field),
        "needed": tuple(one.needed()),
        "created": _created(dedupe),
        "columns": [one.column(column) for column in columns],
        "read": [one.column(column) for column in columns if column.field],
        "hidden": rules.hidden,
        "made": [{"value": found.value, **one.named(found.column)} for found in made],
        "misfits": list(one.misfits()),
        "rules": [*one.made_rules(made), *one.required(), *one.checks()],
        "where": one.where(),
        "masks": list(one.masks()),
        "phones": one.phones(),
        "key_columns": tuple(rules.by_field[field].name for field in dedupe.by) if dedupe else (),
        "keep": dedupe.keep if dedupe else "latest",
        "dedupe_reason": words(pipeline, "dedupe"),
        "mapping": [one.mapping_row(column, made) for column in columns],
        "notes": list(one.notes()),
        "row_function": one.row_function(),
        "trailing": trailing(pipeline),
        "table_text": one.table_text(),
    }


def _created(dedupe: Dedupe | None) -> Sql:
    """Only a rule that keeps the first record needs to know which one that is."""
    return Sql('read_timestamp("CreatedDate")' if dedupe and dedupe.keep == "first" else "NULL::TIMESTAMP")


class _Object:
    """The pieces of `object_values`; they share the object's rules and the owners of the IR's entries."""

    def __init__(self, rules: Rules, owners: Owners) -> None:
        self.rules, self.owners = rules, owners
        self.pipeline: Pipeline = rules.pipeline
        self.name = rules.source.name

    @cached_property
    def cursor(self) -> str:
        """What changes are read by; empty where the object has no stamp."""
        return cursor_of(self.pipeline, self.rules.source, self.rules.snapshot)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """What is read: the fields of the spec, without a system field that the object lacks, and its own stamp.

        A User has no IsDeleted, a login no SystemModstamp.
        """
        schema = self.rules.snapshot.by_name[self.name]
        asked = tuple(one for one in requested(self.pipeline, self.rules.source) if schema.field(one) is not None)
        return asked if not self.cursor or self.cursor in asked else (*asked, self.cursor)

    def typed(self, path: str) -> dict[str, str]:
        """A field or path with its type in the snapshot, as the runtime writes one down."""
        found = reached(self.rules.snapshot, self.name, path)
        return {"field": path, "type": spelt(vars(found[1])) if found else ""}

    def listed(self) -> Iterator[dict[str, Any]]:
        """The picklists that a value map translates as they come, with the values that need no word to anybody.

        Where the spec says what becomes of all others, those of the snapshot are no news either.
        """
        schema = self.rules.snapshot.by_name[self.name]
        cleaned = {one.field for one in self.pipeline.blanks if one.object == self.name}
        cleaned |= {one.field for one in self.pipeline.mappings if one.object == self.name and one.transforms}
        for one in self.pipeline.enums:
            field = schema.field(one.field) if one.object == self.name else None
            if field is not None and field.picklist and one.field not in cleaned:
                others = (value.value for value in field.picklist if value.active and one.otherwise is not None)
                yield {"field": one.field, "known": tuple(dict.fromkeys((*one.values, *others)))}

    def modified(self) -> Sql:
        """`source_modified_at`; of an object without a stamp the same for all, so that what was read last counts."""
        return Sql(f"read_timestamp({expressions.source(self.cursor)})" if self.cursor else NEVER)

    @property
    def dedupe(self) -> Dedupe | None:
        return next((one for one in self.pipeline.dedupe if one.object == self.name), None)

    def owner(self, path: str, key: str, *others: str) -> str:
        """The requirement that made an entry; where that is not known, all that made any of its kind."""
        found = self.owners.get((path, self.name, key)) or self.owners.get((path, self.name, ""))
        return found or ids(self.pipeline, path, *others)

    def refused(self) -> tuple[str, ...]:
        """What the spec leaves out: named, not chosen, or dropped before it leaves Salesforce."""
        source = self.rules.source
        read = set(self.fields)
        schema = self.rules.snapshot.by_name[self.name]
        unread = (one for one in schema.readable_fields() if one not in read and schema.field(one) is not None)
        return tuple(dict.fromkeys((*source.excluded, *unread)))

    def needed(self) -> Iterator[str]:
        """Fields that a rule, key, mask or value map uses; losing one stops the run."""
        pipeline, read = self.pipeline, set(requested(self.pipeline, self.rules.source))
        entries = (pipeline.required, pipeline.enums, pipeline.mappings, pipeline.blanks, pipeline.defaults)
        found = [one.field for many in (*entries, pipeline.masks) for one in many if one.object == self.name]
        found += [one.removesuffix(SENT) for one in self.rules.used if "." not in one]
        found += [field for one in pipeline.dedupe if one.object == self.name for field in one.by]
        yield from dict.fromkeys(one for one in found if one in read)

    def named(self, column: MappedColumn) -> dict[str, str]:
        return {"name": column.name, "reason": self.reason(column)}

    def column(self, column: MappedColumn) -> dict[str, Any]:
        return {
            **self.named(column),
            "duckdb": column.duckdb,
            "snowflake": column.snowflake,
            "field": column.field or None,
            "value": expressions.value(column, self.pipeline) if column.field else Sql(""),
        }

    def reason(self, column: MappedColumn) -> str:
        """The requirements that shape a column: those that make, clean, map or hide it, else the one that syncs it."""
        if not column.field:
            return self.owner(column.source_type, column.label)
        if "." in column.field:
            return ids(self.pipeline, "source.objects[].lookups", "source.objects")
        shaping = [self.owner(path, column.field) for path in SHAPING if self.has(path, column.field)]
        return ", ".join(dict.fromkeys(filter(None, shaping))) or ids(self.pipeline, "source.objects")

    def has(self, path: str, field: str) -> bool:
        return any((one.object, one.field) == (self.name, field) for one in getattr(self.pipeline, path))

    def misfits(self) -> Iterator[dict[str, Any]]:
        """What cannot be read; fields that the filter looks at come first, because they decide about the record."""
        read = [one for one in self.rules.columns if one.field]
        decisive, told = set(self.rules.where_fields), set()
        for column in sorted(read, key=lambda one: one.field not in decisive):
            found = expressions.misfit(column, self.pipeline)
            if found is not None:
                told.add(found[0])
                yield {"condition": found[0], "verdict": f"{found[1]} {column.field}"}
        stamp = Sql(f"NOT timestamp_fits({expressions.source(self.cursor)})" if self.cursor else "FALSE")
        if stamp not in told:
            yield {"condition": stamp, "verdict": f"value_does_not_fit {self.cursor}"}

    def made_rules(self, made: list[Made]) -> Iterator[dict[str, Any]]:
        for one in made:
            if one.misfit is not None:
                message = f"the value of {one.column.name} does not fit its type"
                yield _rule("number_does_not_fit", one.misfit, message, self.reason(one.column), "reject")

    def required(self) -> Iterator[dict[str, Any]]:
        for one in self.pipeline.required:
            if one.object == self.name:
                column = self.rules.by_field[one.field]
                missing = f"{expressions.identifier(column.name)} IS NULL"
                owner = self.owner("required", one.field)
                yield _rule("required", missing, f"{column.label} is missing", owner, one.on_failure)

    def checks(self) -> Iterator[dict[str, Any]]:
        texts = {one.id: one.text for one in self.pipeline.requirements}
        for one in self.pipeline.checks:
            if one.object == self.name:
                owner = self.owner("checks", condition_key(one.condition.model_dump(mode="json")))
                message = f"does not meet: {texts.get(owner, 'a check')}"
                yield _rule("check", self.rules.broken(one), message, owner, one.on_failure)

    def where(self) -> dict[str, Any] | None:
        if self.rules.where is None:
            return None
        owner = ids(self.pipeline, "source.objects[].where", "source.objects")
        return {"condition": str(self.rules.where), "fields": self.rules.where_fields, "requirement": owner,
                "reason": words(self.pipeline, "source.objects[].where", "source.objects")}  # fmt: skip

    def masks(self) -> Iterator[dict[str, str]]:
        for column in self.rules.columns:
            method = self.method(column)
            if method:
                owner = self.owner("masks", column.field)
                yield {"field": column.field, "column": column.name, "method": method, "requirement": owner}

    def phones(self) -> dict[str, Any] | None:
        """The telephone numbers that become E.164."""
        texts = [(column.name, expressions.phone_text(column, self.pipeline)) for column in self.rules.columns]
        found = [{"column": name, "value": str(text)} for name, text in texts if text is not None]
        region = self.pipeline.conventions.phone_region
        reason = words(self.pipeline, "mappings[].transforms", "conventions")
        return {"region": region, "texts": found, "reason": reason} if found else None

    def method(self, column: MappedColumn) -> str | None:
        """How a column is hidden; a related object's field is hidden as its own object says."""
        if "." in column.field:
            found = reached(self.rules.snapshot, self.name, column.field)
            return mask_of(self.pipeline, found[0], found[1].name) if found else None
        return mask_of(self.pipeline, self.name, column.field) if column.field else None

    def mapping_row(self, column: MappedColumn, made: list[Made]) -> dict[str, Any]:
        parts = [self.shown_value(column, made), f"masked: {self.method(column)}" if self.method(column) else ""]
        return {
            "label": column.label,
            "path": tuple((column.field or column.name).split(".")),
            "source_type": column.source_type,
            "name": column.name,
            "duckdb": column.duckdb,
            "snowflake": column.snowflake,
            "rule": "; ".join(filter(None, parts)),
            "requirement": self.reason(column),
        }

    def shown_value(self, column: MappedColumn, made: list[Made]) -> str:
        """The SQL of a value that the spec shapes; nothing for one that is stored as it comes."""
        if not column.field:
            return str(next(one.value for one in made if one.column is column))
        shaped = any(self.has(path, column.field) for path in SHAPING if path != "masks")
        shaped = shaped or expressions.phone_text(column, self.pipeline) is not None
        return str(expressions.value(column, self.pipeline)) if shaped else ""

    def notes(self) -> Iterator[str]:
        """What the table of columns cannot say."""
        labels = {field: column.label for field, column in self.rules.by_field.items()}
        fates = {"reject": "goes to the rejects table", "warn": "is loaded and counted", "fail": "fails the run"}
        filtered = self.where()
        if self.cursor != self.pipeline.incremental.cursor:
            owner, missed = ids(self.pipeline, "source.objects"), FALLBACKS.get(self.cursor, WHOLE)
            yield f"Changes are read by {self.cursor or 'no field'}: {missed} ({owner})."
        if filtered:
            yield f"Only records with {filtered['condition']} are kept ({filtered['requirement']})."
        if self.rules.source.since is not None:
            owner = ids(self.pipeline, "source.objects[].since", "source.objects")
            yield f"History begins at {self.rules.source.since} ({owner})."
        if self.rules.source.excluded:
            owner = ids(self.pipeline, "source.objects[].excluded", "source.objects")
            yield f"Left out, never read: {', '.join(self.rules.source.excluded)} ({owner})."
        for one in self.required():
            label = one["message"].removesuffix(" is missing")
            yield f"{label} is required; a record without it {fates[one['on_failure']]} ({one['requirement']})."
        for one in self.checks():
            yield f"A record with {one['condition']} {fates[one['on_failure']]} ({one['requirement']})."
        yield from (f"{one.field} is dropped: it never leaves Salesforce ({self.owner('masks', one.field)})."
                    for one in self.pipeline.masks if (one.object, one.method) == (self.name, "drop"))  # fmt: skip
        if self.dedupe is not None:
            keys = ", ".join(labels[field] for field in self.dedupe.by)
            owner = self.owner("dedupe", "")
            yield f"Records with the same {keys} are one; the {self.dedupe.keep} is kept ({owner})."

    def row_function(self) -> str:
        """A hash of all that decides the object's rows."""
        dump = self.pipeline.model_dump(mode="json")
        own: dict[str, Any] = {key: [one for one in dump[key] if one["object"] == self.name] for key in ROW_KEYS}
        own["source"] = [one for one in dump["source"]["objects"] if one["name"] == self.name]
        own["conventions"] = dump["conventions"]
        if self.rules.depends_on_zone:
            own["timezone"] = self.rules.zone
        if self.cursor != self.pipeline.incremental.cursor:
            own["cursor"] = self.cursor
        hidden = [[column.field, self.method(column)] for column in self.rules.columns if "." in column.field]
        if any(method for _, method in hidden):
            own["hidden"] = hidden
        return hashlib.sha256(json.dumps(own, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]

    def table_text(self) -> str:
        target = self.pipeline.target
        assert target is not None
        own = table_name(self.name) if per_object(self.pipeline) else target.table
        return ".".join(filter(None, (target.database, target.schema_, own)))


def _rule(name: str, condition: str, message: str, requirement: str, on_failure: str) -> dict[str, Any]:
    return {
        "name": name,
        "condition": str(condition),
        "message": message,
        "requirement": requirement,
        "on_failure": on_failure,
        "told": on_failure != "reject",
    }
