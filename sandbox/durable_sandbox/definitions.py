"""EntityDefinition and FieldDefinition: what SOQL tells of objects and fields that describe does not."""

from collections.abc import Iterator

from durable_sandbox.errors import ApiError
from durable_sandbox.evaluate import Selection
from durable_sandbox.generate import NULL, Row
from durable_sandbox.objects import Field, ObjectType, parse_fields
from durable_sandbox.permissions import Permissions
from durable_sandbox.soql import Comparison, Condition, Junction, Membership, Query
from durable_sandbox.store import Store, Table

_MOST_ROWS = 2000
_ENTITY = """
Id                | Entity Definition ID | string 18  | null | system
DurableId         | Durable ID       | string 255     | null | system
QualifiedApiName  | Qualified API Name | string 70    | null | system
DeveloperName     | Developer Name   | string 80      | null | system
Label             | Label            | string 255     | null | system
PluralLabel       | Plural Label     | string 255     | null | system
KeyPrefix         | Key Prefix       | string 3       | null | system
IsCustomSetting   | Is Custom Setting | boolean       | null | system
IsDeprecatedAndHidden | Is Deprecated And Hidden | boolean | null | system
IsQueryable       | Is Queryable     | boolean        | null | system
IsReplicateable   | Is Replicateable | boolean        | null | system
"""
_FIELD = """
Id                | Field Definition ID | string 18   | null | system
DurableId         | Durable ID       | string 255     | null | system
QualifiedApiName  | Qualified API Name | string 70    | null | system
EntityDefinitionId | Entity Definition ID | reference EntityDefinition EntityDefinition | null | system
DeveloperName     | Developer Name   | string 40      | null | system
Label             | Label            | string 255     | null | system
DataType          | Data Type        | string 40      | null | system
Length            | Length           | int 9          | null | system
Precision         | Precision        | int 9          | null | system
Scale             | Scale            | int 9          | null | system
IsNillable        | Is Nillable      | boolean        | null | system
IsCalculated      | Is Calculated    | boolean        | null | system
SecurityClassification | Data Sensitivity Level | picklist @security | null | system
ComplianceGroup   | Compliance Categorization | multipicklist PII;HIPAA;GDPR;PCI;COPPA;CCPA | null | system
"""
ENTITY = ObjectType("EntityDefinition", "Entity Definition", "Entity Definitions", "4ie", parse_fields(_ENTITY))
FIELD = ObjectType("FieldDefinition", "Field Definition", "Field Definitions", "4fi", parse_fields(_FIELD))
_REIFIED = {"fielddefinition": ("entitydefinitionid", "entitydefinition.qualifiedapiname", "durableid")}


class Definitions:
    """The store with the objects of definitions and permissions besides its own, made for one query and dropped."""

    def __init__(self, store: Store, query: Query, permissions: Permissions) -> None:
        self.store, self.query, self.permissions = store, query, permissions

    def table(self, name: str) -> Table | None:
        """The table of this name. Raises ApiError for a query of definitions that Salesforce refuses."""
        kind = name.lower()
        if kind == "entitydefinition":
            return Table(ENTITY, [_entity(table) for table in self.store.listed()])
        if kind == "fielddefinition":
            named = self._named()
            return Table(
                FIELD,
                [row for table in self.store.listed() if table.kind.name.lower() in named for row in _fields(table)],
            )
        return self.permissions.table(name) or self.store.table(name)

    def _named(self) -> set[str]:
        wanted = _REIFIED["fielddefinition"]
        names = {
            value.partition(".")[0].lower()
            for path, values in _equalities(self.query.where)
            if path.lower() in wanted
            for value in values
        }
        if not names:
            columns = "EntityDefinitionId,DurableId"
            raise ApiError(
                400, "MALFORMED_QUERY", f"FieldDefinition: a filter on a reified column is required [{columns}]"
            )
        return names


def covers(name: str) -> bool:
    """Whether an object of a query is one of definitions."""
    return name.lower() in ("entitydefinition", "fielddefinition")


def refuse_long(selection: Selection) -> None:
    """Raise ApiError for an answer of more than one page: definitions have no further ones."""
    if covers(selection.kind.name) and len(selection.rows) > _MOST_ROWS:
        text = (
            f"{selection.kind.name} does not support queryMore(), use LIMIT to restrict the results to a single batch"
        )
        raise ApiError(400, "EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION", text)


def _equalities(condition: Condition | None) -> Iterator[tuple[str, list[str]]]:
    if isinstance(condition, Comparison) and condition.operator == "=":
        yield condition.path.text, [condition.value.text]
    elif isinstance(condition, Membership) and not condition.negated:
        yield condition.path.text, [value.text for value in condition.values]
    elif isinstance(condition, Junction) and condition.operator == "and":
        for part in condition.parts:
            yield from _equalities(part)


def _word(value: bool) -> str:
    return "true" if value else "false"


def _entity(table: Table) -> Row:
    kind = table.kind
    prefix = NULL if kind.associate or "no_query" in kind.traits else kind.prefix
    flags = ("setting" in kind.traits, "deprecated" in kind.traits)
    abilities = ("no_query" not in kind.traits, "no_replication" not in kind.traits)
    names = (_bare(kind.name), kind.label, kind.plural, prefix)
    # The first column is what references point at, and an object's durable Id is its name.
    return (kind.name, kind.name, kind.name, *names, *map(_word, (*flags, *abilities)))


def _bare(name: str) -> str:
    return name.removesuffix("__c").removesuffix("__s")


def _fields(table: Table) -> Iterator[Row]:
    """Definitions of fields, those that field-level security hides too."""
    return (_field(table.kind.name, item) for item in table.kind.fields)


def _field(name: str, item: Field) -> Row:
    durable = f"{name}.{item.name}"
    sizes = (str(item.length), str(item.precision or item.digits), str(item.scale))
    required = "required" in item.flags or (item.system and not item.nulls and item.maker != "null")
    flags = (_word(not required), _word("calculated" in item.flags))
    marks = (item.security or NULL, ";".join(item.compliance))
    return (durable, durable, item.name, name, _bare(item.name), item.label, _data_type(item), *sizes, *flags, *marks)


def _data_type(item: Field) -> str:
    shown = _DATA_TYPES.get(item.type, "Text")
    if item.type == "reference":
        return f"Lookup({', '.join(item.reference_to)})"
    if item.type in ("double", "currency", "percent"):
        return f"{shown}({item.precision - item.scale}, {item.scale})"
    if item.type == "textarea" and not item.filterable:
        shown = "Long Text Area"
    return f"{shown}({item.length})" if item.length and shown.startswith(("Text", "Long")) else shown


_DATA_TYPES = {
    "id": "Lookup()", "boolean": "Checkbox", "picklist": "Picklist", "multipicklist": "Picklist (Multi-Select)",
    "combobox": "Picklist", "textarea": "Text Area", "double": "Number", "currency": "Currency", "percent": "Percent",
    "int": "Number", "date": "Date", "datetime": "Date/Time", "time": "Time", "email": "Email", "phone": "Phone",
    "url": "URL", "address": "Address", "location": "Geolocation", "encryptedstring": "Text (Encrypted)",
    "base64": "Base64", "anyType": "Any Type",
}  # fmt: skip
