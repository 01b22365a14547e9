"""Drift to order: fields, picklists and objects come, go and change, and no record's stamp moves."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from durable_sandbox import ids
from durable_sandbox.errors import ApiError
from durable_sandbox.fields import FieldError, described_shape, new_field
from durable_sandbox.generate import MAKERS, Draft, Row
from durable_sandbox.objects import COMPOUND_TYPES, NUMBER_TYPES, Field
from durable_sandbox.store import Store, Table
from durable_sandbox.values import converter, stored

PICKLIST_TYPES = frozenset({"picklist", "multipicklist", "combobox"})
CLASSES = ("Public", "Internal", "Confidential", "Restricted", "MissionCritical")
_KEPT = frozenset({"Id", "IsDeleted", "CreatedDate", "LastModifiedDate", "SystemModstamp"})
_MOST_FILLED = 20_000
"""The values of more records come from so many and are not kept."""
_SHAPE = ("values", "reference_to", "relationship", "restricted")
_SIZES = ("length", "precision", "scale", "digits")

Order = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of drift: what its order must and may hold besides `object`, and what is done."""

    apply: Callable[[Store, Table, Order, str], None]
    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    says: str = ""


def apply(store: Store, order: Order, at: str) -> None:
    """Carry out one order such as `{"op": "hide", "object": "Account", "field": "Fax"}`; `at` is the moment as a stamp.

    Raises ApiError (400) that says what is wrong and what may be sent; then nothing has changed.
    """
    kind = KINDS.get(str(order.get("op")))
    if kind is None:
        raise refuse(f"op must be one of {', '.join(KINDS)}, not {order.get('op')!r}")
    known = {"op", "object", *kind.needs, *kind.may}
    missing = [name for name in ("object", *kind.needs) if order.get(name) in (None, "")]
    unknown = sorted(set(order) - known)
    if missing or unknown:
        wrong = f"needs {', '.join(missing)}" if missing else f"does not take {', '.join(unknown)}"
        may = f" and may have {', '.join(kind.may)}" if kind.may else ""
        raise refuse(f"{order['op']} {wrong}: it has {', '.join(('object', *kind.needs))}{may}")
    try:
        kind.apply(store, find_table(store, str(order["object"])), order, at)
    except ValueError as error:
        raise refuse(f"{order['op']}: {error}") from error


def find_table(store: Store, name: str) -> Table:
    """The table of an object, shown or not. Raises ApiError (404) with the names there are."""
    table = store.tables.get(name.lower())
    if table is None:
        known = ", ".join(item.kind.name for item in store.tables.values())
        raise ApiError(404, "NOT_FOUND", f"the sandbox has no object {name!r}; it has {known}")
    return table


def refuse(message: str) -> ApiError:
    """The answer to an order that cannot be carried out."""
    return ApiError(400, "INVALID_REQUEST", message)


def _field(table: Table, order: Order, *, hidden_too: bool = False) -> Field:
    name = str(order["field"])
    found = table.kind.by_name.get(name.lower()) if hidden_too else table.field(name)
    if found is None:
        why = "is hidden: unhide it first" if name.lower() in table.kind.by_name else "does not exist"
        raise FieldError(f"{table.kind.name}.{name} {why}")
    return found


def _free_to_go(item: Field) -> Field:
    if item.name in _KEPT:
        raise FieldError(f"Salesforce does not let go of {item.name}")
    return item


def _add(store: Store, table: Table, order: Order, __: str) -> None:
    if not isinstance(order["field"], dict):
        raise FieldError('field must be an object such as {"name": "Tier__c", "type": "picklist", "values": ["Gold"]}')
    item = new_field(order["field"])
    if item.name.lower() in table.kind.by_name:
        raise FieldError(f"{table.kind.name} already has a field {item.name}: retype or unhide it")
    filler = "false" if item.type == "boolean" else None
    given = filler if order.get("value") is None else stored(item, order["value"])
    if "maker" not in order:
        table.add_field(replace(item, maker="false" if filler else "null"), given)
        return
    item = _made_by(item, str(order["maker"]), float(order.get("nulls") or 0) / 100)
    kind = replace(table.kind, fields=(*table.kind.fields, item))
    count = min(len(table), _MOST_FILLED)
    made = Draft(f"{kind.name}/{item.name}", store.pools, kind, count, 1, store.ids(), whole=False).column(item.name)
    if count == len(table):
        table.add_field(item, filler)
        _fill(table, item, zip(table.rows, made, strict=True))
    else:
        table.derive_field(item, "Id", lambda record_id: made[(ids.number_of(kind.prefix, record_id) or 0) % count])


def _made_by(item: Field, maker: str, nulls: float) -> Field:
    if maker not in MAKERS or not 0 <= nulls <= 1 or item.type in COMPOUND_TYPES:
        raise FieldError(f"maker must be one of {', '.join(sorted(MAKERS))}, and nulls a percentage")
    return replace(item, maker=maker, nulls=nulls)


def _fill(table: Table, item: Field, pairs: Iterable[tuple[Row, str]]) -> None:
    place = table.kind.positions[item.name]
    for row, value in list(pairs):
        table.put((*row[:place], value, *row[place + 1 :]))


def _define(_: Store, table: Table, order: Order, __: str) -> None:
    """Add a field or put another definition in its place, values as they are unless one is given."""
    item = new_field(order["field"])
    table.add_field(item, stored(item, order["value"]) if order.get("value") is not None else None)


def _remove(_: Store, table: Table, order: Order, __: str) -> None:
    item = _free_to_go(_field(table, order, hidden_too=True))
    for part in _with_parts(table, item):
        table.drop_field(part)


def _with_parts(table: Table, item: Field) -> list[Field]:
    """A compound field goes with its parts; any other goes alone."""
    if item.type not in COMPOUND_TYPES:
        return [item]
    return [part for part in table.kind.fields if part is item or part.compound == item.name]


def _rename(_: Store, table: Table, order: Order, __: str) -> None:
    item, name = _free_to_go(_field(table, order)), str(order["to"])
    if not name.isidentifier() or item.type in COMPOUND_TYPES:
        raise FieldError(f"{item.name} cannot be called {name!r}: an API name has letters, digits and underscores")
    table.rename_field(item, name)
    renamed = table.field(name)
    if renamed and item.relationship:
        parent = f"{name[:-1]}r" if name.endswith("__c") else name.removesuffix("Id")
        table.replace_field(renamed, replace(renamed, relationship=parent), None)


def _retype(_: Store, table: Table, order: Order, __: str) -> None:
    item = _free_to_go(_field(table, order))
    sizes = {
        key: order[key] for key in (*_SIZES, "values", "reference_to", "relationship", "restricted") if key in order
    }
    shape = new_field({"name": item.name, "label": item.label, "type": order["type"], **sizes})
    new = replace(item, **described_shape(shape), inactive=(), default=None, flags=item.flags | shape.flags)
    if {item.type, new.type} & (COMPOUND_TYPES | {"base64", "id"}):
        raise FieldError(f"Salesforce does not make a field of type {new.type} out of {item.type}")
    change = converter(item, new)
    if new.type in PICKLIST_TYPES and not new.picklist:
        place = table.kind.positions[item.name]
        values = {one for row in table.rows for one in change(row[place]).split(";") if one}
        new = replace(new, picklist=tuple(sorted(values)))
    given = order.get("convert") or {}
    if not isinstance(given, dict):
        raise FieldError('convert must map old values to new ones, such as {"12": 12}')
    known = {old: stored(new, value) for old, value in given.items()}
    table.replace_field(item, new, lambda value: known.get(value, change(value)) if known else change(value))


def _widen(_: Store, table: Table, order: Order, __: str) -> None:
    item = _field(table, order)
    sizes: dict[str, Any] = {key: int(order[key]) for key in _SIZES if key in order}
    if not sizes:
        raise FieldError(f"say a new {', '.join(_SIZES)}")
    narrower = [key for key, size in sizes.items() if size < getattr(item, key)]
    if narrower or (item.type in NUMBER_TYPES) is ("length" in sizes):
        now = ", ".join(f"{key} {getattr(item, key)}" for key in _SIZES if getattr(item, key))
        raise FieldError(f"{item.name} is {item.type} with {now}: it can only be widened; retype makes it another one")
    table.replace_field(item, replace(item, **sizes), None)


def _secured(table: Table, item: Field) -> list[Field]:
    """Field-level security holds for an address as a whole, whichever of its parts is named."""
    whole = table.kind.by_name.get((item.compound or "").lower(), item)
    return _with_parts(table, whole if whole.type in COMPOUND_TYPES else item)


def _hide(_: Store, table: Table, order: Order, __: str) -> None:
    item = _field(table, order)
    if item.type == "id":
        raise FieldError("the Id of a record is always visible")
    for part in _secured(table, item):
        table.hide_field(part)


def _unhide(_: Store, table: Table, order: Order, __: str) -> None:
    for part in _secured(table, _field(table, order, hidden_too=True)):
        table.show_field(part.name)


def _picklist(table: Table, order: Order, *, present: bool | None = True) -> tuple[Field, str]:
    item, value = _field(table, order), str(order["value"])
    if item.type not in PICKLIST_TYPES:
        raise FieldError(f"{item.name} is {item.type}, not a picklist")
    if present is not None and (value in item.picklist) is not present:
        raise FieldError(f"{item.name} {'has no' if present else 'already has the'} value {value!r}")
    return item, value


def _picklist_add(_: Store, table: Table, order: Order, __: str) -> None:
    item, value = _picklist(table, order, present=None)
    if value in item.values:
        raise FieldError(f"{item.name} already has the active value {value!r}")
    known = item.picklist if value in item.picklist else (*item.picklist, value)
    left = tuple(one for one in item.inactive if one != value)
    table.replace_field(item, replace(item, picklist=known, inactive=left), None)


def _picklist_retire(_: Store, table: Table, order: Order, __: str) -> None:
    item, value = _picklist(table, order)
    default = None if item.default == value else item.default
    table.replace_field(item, replace(item, inactive=(*item.inactive, value), default=default), None)


def _picklist_restrict(_: Store, table: Table, order: Order, __: str) -> None:
    item = _field(table, order)
    if item.type not in PICKLIST_TYPES or not isinstance(order["restricted"], bool):
        raise FieldError(f"restricted is true or false, on a picklist; {item.name} is {item.type}")
    flags = item.flags - {"restricted"} | ({"restricted"} if order["restricted"] else set())
    table.replace_field(item, replace(item, flags=frozenset(flags)), None)


def _picklist_replace(_: Store, table: Table, order: Order, at: str) -> None:
    """The value goes and every record that had it gets the other one; here Salesforce moves SystemModstamp."""
    item, value = _picklist(table, order)
    new = str(order["with"])
    entries = tuple(dict.fromkeys(new if one == value else one for one in item.picklist))
    known = replace(item, picklist=entries, inactive=tuple(one for one in item.inactive if one not in (value, new)))
    table.replace_field(item, replace(known, default=new if item.default == value else item.default), None)
    place, stamp = table.kind.positions[item.name], table.kind.positions.get("SystemModstamp")
    for row in [row for row in table.rows if value in row[place].split(";")]:
        parts = dict.fromkeys(new if one == value else one for one in row[place].split(";"))
        moved = {place: ";".join(parts)} | ({} if stamp is None else {stamp: at})
        table.put(tuple(moved.get(number, one) for number, one in enumerate(row)))


def _set(_: Store, table: Table, order: Order, __: str) -> None:
    """Values that change without a stamp, as formulas over other records and roll-ups do."""
    item = _field(table, order, hidden_too=True)
    wanted = order.get("records")
    if wanted is None:
        wanted = {record_id: order.get("value") for record_id in order.get("ids") or [row[0] for row in table.rows]}
    if not isinstance(wanted, dict) or item.name not in table.kind.positions:
        raise FieldError('send value with ids, or records such as {"001…": 12}')
    rows = {record_id: table.get(record_id) for record_id in wanted}
    missing = [record_id for record_id, row in rows.items() if row is None]
    if missing:
        raise FieldError(f"{table.kind.name} has no record {', '.join(missing[:3])}")
    values = {record_id: stored(item, value) for record_id, value in wanted.items()}
    _fill(table, item, [(row, values[record_id]) for record_id, row in rows.items() if row])


def _classify(_: Store, table: Table, order: Order, __: str) -> None:
    item = _field(table, order, hidden_too=True)
    level, groups = order.get("security", item.security), order.get("compliance", item.compliance) or ()
    if level not in (None, *CLASSES) or isinstance(groups, str) or not all(isinstance(one, str) for one in groups):
        raise FieldError(f"security is one of {', '.join(CLASSES)} or null; compliance a list such as [PII, GDPR]")
    table.replace_field(item, replace(item, security=level, compliance=tuple(groups)), None)


def _formula(_: Store, table: Table, order: Order, __: str) -> None:
    item = _free_to_go(_field(table, order))
    if item.type in COMPOUND_TYPES or "name" in item.flags:
        raise FieldError(f"{item.name} cannot be calculated")
    new = replace(item, formula=str(order["formula"]), flags=item.flags - {"required"} | {"calculated"})
    if "value" in order:
        given = stored(new, order["value"])
        table.replace_field(item, new, lambda _: given)
    else:
        table.replace_field(item, new, None)


def _label(_: Store, table: Table, order: Order, __: str) -> None:
    if "field" not in order:
        table.relabel(str(order["label"]), str(order.get("plural") or order["label"]))
        return
    item = _field(table, order, hidden_too=True)
    table.replace_field(item, replace(item, label=str(order["label"])), None)


def _remove_object(store: Store, table: Table, _: Order, __: str) -> None:
    store.hide_table(table.kind.name)


def _restore_object(store: Store, table: Table, _: Order, __: str) -> None:
    store.show_table(table.kind.name)


KINDS: Mapping[str, Kind] = {
    "add": Kind(_add, ("field",), ("value", "maker", "nulls"), "a new field, with a value for the records there are"),
    "define": Kind(_define, ("field",), ("value",), "a field as given, new or in place of the one there is"),
    "remove": Kind(_remove, ("field",), (), "a field goes with its values"),
    "rename": Kind(_rename, ("field", "to"), (), "a field gets another API name and keeps its values"),
    "retype": Kind(
        _retype,
        ("field", "type"),
        (*_SIZES, *_SHAPE, "convert"),
        "a field gets another type; its values are converted, or as `convert` says",
    ),
    "widen": Kind(_widen, ("field",), _SIZES, "a field gets longer, or more digits"),
    "hide": Kind(_hide, ("field",), (), "field-level security hides a field"),
    "unhide": Kind(_unhide, ("field",), (), "a hidden field is visible again"),
    "picklist_add": Kind(_picklist_add, ("field", "value"), (), "a picklist value is added or active again"),
    "picklist_retire": Kind(_picklist_retire, ("field", "value"), (), "a picklist value is inactive; data keeps it"),
    "picklist_replace": Kind(
        _picklist_replace,
        ("field", "value", "with"),
        (),
        "a value becomes another in every record, and SystemModstamp moves",
    ),
    "picklist_restrict": Kind(_picklist_restrict, ("field", "restricted"), (), "whether other values are refused"),
    "set": Kind(_set, ("field",), ("value", "ids", "records"), "values change without a stamp"),
    "classify": Kind(_classify, ("field",), ("security", "compliance"), "a field is marked as sensitive"),
    "formula": Kind(_formula, ("field", "formula"), ("value",), "a field is calculated from now on"),
    "label": Kind(_label, ("label",), ("field", "plural"), "a field or an object gets another label"),
    "remove_object": Kind(_remove_object, (), (), "an object disappears; its records stay"),
    "restore_object": Kind(_restore_object, (), (), "an object is back"),
}
"""Every kind of drift by its `op`."""
