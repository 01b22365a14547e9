"""Describe documents with Salesforce's complete key sets, derived from the field tables."""

from collections.abc import Iterable, Iterator
from typing import Any

from durable_sandbox.objects import COMPOUND_TYPES, ID_TYPES, NUMBER_TYPES, Field, ObjectType
from durable_sandbox.store import Table

_FIELD: dict[str, Any] = {
    "aggregatable": True, "aiPredictionField": False, "autoNumber": False, "byteLength": 0, "calculated": False,
    "calculatedFormula": None, "cascadeDelete": False, "caseSensitive": False, "compoundFieldName": None,
    "controllerName": None, "createable": True, "custom": False, "defaultValue": None, "defaultValueFormula": None,
    "defaultedOnCreate": False, "dependentPicklist": False, "deprecatedAndHidden": False, "digits": 0,
    "displayLocationInDecimal": False, "encrypted": False, "externalId": False, "extraTypeInfo": None,
    "filterable": True, "filteredLookupInfo": None, "formulaTreatNullNumberAsZero": False, "groupable": True,
    "highScaleNumber": False, "htmlFormatted": False, "idLookup": False, "inlineHelpText": None, "label": "",
    "length": 0, "mask": None, "maskType": None, "name": "", "nameField": False, "namePointing": False,
    "nillable": True, "permissionable": True, "picklistValues": [], "polymorphicForeignKey": False, "precision": 0,
    "queryByDistance": False, "referenceTargetField": None, "referenceTo": [], "relationshipName": None,
    "relationshipOrder": None, "restrictedDelete": False, "restrictedPicklist": False, "scale": 0,
    "searchPrefilterable": False, "soapType": "xsd:string", "sortable": True, "type": "", "unique": False,
    "updateable": True, "writeRequiresMasterRead": False,
}  # fmt: skip
_BRIEF: dict[str, Any] = {
    "activateable": False, "associateEntityType": None, "associateParentEntity": None, "createable": True,
    "custom": False, "customSetting": False, "deepCloneable": False, "deletable": True, "deprecatedAndHidden": False,
    "feedEnabled": True, "hasSubtypes": False, "isInterface": False, "isSubtype": False, "keyPrefix": "", "label": "",
    "labelPlural": "", "layoutable": True, "mergeable": False, "mruEnabled": True, "name": "", "queryable": True,
    "replicateable": True, "retrieveable": True, "searchable": True, "triggerable": True, "undeletable": True,
    "updateable": True,
}  # fmt: skip
_WHOLE: dict[str, Any] = {
    "actionOverrides": [], "childRelationships": [], "compactLayoutable": True, "defaultImplementation": None,
    "extendedBy": None, "extendsInterfaces": None, "implementedBy": None, "implementsInterfaces": None,
    "listviewable": None, "lookupLayoutable": None, "namedLayoutInfos": [], "networkScopeFieldName": None,
    "searchLayoutable": True, "sobjectDescribeOption": "FULL",
}  # fmt: skip
_SOAP = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "long": "xsd:long",
    "double": "xsd:double", "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date",
    "datetime": "xsd:dateTime", "time": "xsd:time", "address": "urn:address", "location": "urn:location",
    "base64": "xsd:base64Binary", "anyType": "xsd:anyType",
}  # fmt: skip
_UNORDERED = dict.fromkeys(("aggregatable", "groupable", "sortable"), False)
_OPAQUE = {**_UNORDERED, "filterable": False}
_READ_ONLY = dict.fromkeys(("createable", "updateable"), False)
_BY_TYPE: dict[str, dict[str, Any]] = {
    "id": {"byteLength": 18, "idLookup": True},
    **{one: {**_UNORDERED, **_READ_ONLY, "queryByDistance": True} for one in COMPOUND_TYPES},
    **{one: {"groupable": False} for one in NUMBER_TYPES - {"int"}},
    "boolean": {"aggregatable": False, "defaultValue": False, "defaultedOnCreate": True, "nillable": False},
    "datetime": {"groupable": False},
    "combobox": {"groupable": False},
    "multipicklist": {"groupable": False, "sortable": False, "precision": 4},
    "base64": _OPAQUE,
    "anyType": _OPAQUE,
    "encryptedstring": {**_OPAQUE, "encrypted": True, "mask": "X", "maskType": "all"},
}
_BY_FLAG: dict[str, dict[str, Any]] = {
    "name": {"nameField": True, "permissionable": False},
    "person": {"extraTypeInfo": "personname", "permissionable": False, "idLookup": False},
    "external": {"externalId": True, "idLookup": True},
    "unique": {"unique": True},
    "calculated": {"calculated": True, "formulaTreatNullNumberAsZero": True, **_READ_ONLY},
    "readonly": _READ_ONLY,
    "restricted": {"restrictedPicklist": True},
    "rich": {"extraTypeInfo": "richtextarea", "htmlFormatted": True},
    "master": {"cascadeDelete": True, "relationshipOrder": 0, "updateable": False},
}
_SIZED = frozenset({"date", "datetime", "time", "boolean", "base64"}) | NUMBER_TYPES | COMPOUND_TYPES | ID_TYPES
_NOT_SEARCHED_BY = frozenset({"OwnerId", "CreatedById", "LastModifiedById", "MasterRecordId", "RecordTypeId"})
_NAMES_WITHOUT_LOOKUP = frozenset({"person", "activity"})
_MERGEABLE = frozenset({"Account", "Contact", "Lead"})
_BY_TRAIT: dict[str, dict[str, Any]] = {
    "no_query": {"queryable": False, "retrieveable": False},
    "no_replication": {"replicateable": False},
    "deprecated": {"deprecatedAndHidden": True},
    "setting": {"customSetting": True, "triggerable": False, "feedEnabled": False, "mruEnabled": False},
    "read_only": dict.fromkeys(("createable", "updateable", "deletable", "undeletable"), False),
    "plain": dict.fromkeys(
        ("feedEnabled", "layoutable", "mruEnabled", "searchable", "triggerable", "undeletable"), False
    ),
    "event": {"retrieveable": True, "triggerable": True},
}

Reference = tuple[ObjectType, Field]
"""A field with the object that it belongs to."""


def describe_field(field: Field) -> dict[str, Any]:
    """One field with its 57 keys."""
    entry = _FIELD | {"name": field.name, "label": field.label, "type": field.type, "length": field.length}
    entry |= {"custom": field.custom, "digits": field.digits, "precision": field.precision, "scale": field.scale}
    entry |= {"compoundFieldName": field.compound, "soapType": _SOAP.get(field.type, "xsd:string")}
    entry |= {"inlineHelpText": field.help_text} | _by_type(field) | _by_flags(field)
    return entry


def _by_type(field: Field) -> dict[str, Any]:
    if field.type == "reference":
        return _link_keys(field)
    keys = dict(_BY_TYPE.get(field.type, {}))
    return keys if field.type in _SIZED else _text_keys(field) | keys


def _link_keys(field: Field) -> dict[str, Any]:
    many = len(field.reference_to) > 1
    return {
        "byteLength": 18,
        "namePointing": many,
        "polymorphicForeignKey": many,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship,
        "searchPrefilterable": field.name not in _NOT_SEARCHED_BY,
    }


def _text_keys(field: Field) -> dict[str, Any]:
    keys: dict[str, Any] = {"byteLength": field.length * 3, "idLookup": field.name == "Email"}
    if not field.filterable:
        keys |= _OPAQUE
    if field.type == "textarea":
        keys["extraTypeInfo"] = "plaintextarea"
    if field.picklist:
        keys["picklistValues"] = [_entry(field, value) for value in field.picklist]
        keys |= {"defaultValue": field.default, "defaultedOnCreate": field.default is not None}
    return keys


def _entry(field: Field, value: str) -> dict[str, Any]:
    active, chosen = value not in field.inactive, value == field.default
    return {"active": active, "defaultValue": chosen, "label": value, "validFor": None, "value": value}


def _by_flags(field: Field) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    if _numbered(field):
        keys |= {"autoNumber": True, "defaultedOnCreate": True}
    if "name" in field.flags and not _NAMES_WITHOUT_LOOKUP & field.flags:
        keys["idLookup"] = True
    for flag in _BY_FLAG.keys() & field.flags:
        keys |= _BY_FLAG[flag]
    filled = field.system and not field.nulls and field.maker != "null" and "nillable" not in field.flags
    if "required" in field.flags or filled:
        keys |= {"nillable": False, "permissionable": False}
    if field.system:
        keys |= {**_READ_ONLY, "permissionable": False}
    if field.name == "OwnerId" or (filled and "name" not in field.flags):
        keys["defaultedOnCreate"] = True
    if "calculated" in field.flags:
        keys["calculatedFormula"] = field.formula or "Amount * Probability"
    return keys


def _numbered(field: Field) -> bool:
    return {"system", "name"} <= field.flags and "person" not in field.flags


def brief(kind: ObjectType, base: str) -> dict[str, Any]:
    """An object as describe global lists it."""
    named = {"name": kind.name, "label": kind.label, "labelPlural": kind.plural, "keyPrefix": kind.prefix}
    entry = _BRIEF | named | {"custom": kind.custom, "mergeable": kind.name in _MERGEABLE}
    if "IsDeleted" not in kind.positions:
        entry |= {"deletable": False, "undeletable": False}
    for trait in sorted(_BY_TRAIT.keys() & kind.traits, reverse=True):
        entry |= _BY_TRAIT[trait]
    if "event" in kind.traits:
        entry["retrieveable"] = True
    if kind.associate:
        entry |= {"associateEntityType": kind.associate[0], "associateParentEntity": kind.associate[1]}
        entry["keyPrefix"] = None
    return entry | {"urls": _addresses(kind, base)}


def _addresses(kind: ObjectType, base: str) -> dict[str, str]:
    address = f"{base}/sobjects/{kind.name}"
    urls = {"sobject": address, "describe": f"{address}/describe", "rowTemplate": f"{address}/{{ID}}"}
    if "event" in kind.traits:
        return urls | {"eventSchema": f"{address}/eventSchema"}
    if "plain" in kind.traits:
        return urls
    urls |= {part: f"{address}/describe/{part}" for part in ("compactLayouts", "approvalLayouts", "layouts")}
    return urls | {part: f"{address}/{part}" for part in ("listviews", "quickActions")}


def describe_object(table: Table, base: str, url: str, children: Iterable[Reference] = ()) -> dict[str, Any]:
    """An object's whole describe; `children` are the references to it."""
    kind = table.kind
    entry = brief(kind, base) | _WHOLE
    pages = {
        "uiDetailTemplate": f"{url}/{{ID}}",
        "uiEditTemplate": f"{url}/{{ID}}/e",
        "uiNewRecord": f"{url}/{kind.prefix}/e",
    }
    laid_out = "plain" not in kind.traits
    entry["urls"] |= pages
    entry["compactLayoutable"] = entry["searchLayoutable"] = laid_out
    entry["recordTypeInfos"] = [_master_record_type(kind, base)] if laid_out else []
    entry["supportedScopes"] = list(_scopes(kind))
    entry["childRelationships"] = [_child(*reference) for reference in children]
    entry["fields"] = [describe_field(field) for field in table.fields()]
    return entry


def _master_record_type(kind: ObjectType, base: str) -> dict[str, Any]:
    layout = f"{base}/sobjects/{kind.name}/describe/layouts/012000000000000AAA"
    return {
        "active": True, "available": True, "defaultRecordTypeMapping": True, "developerName": "Master",
        "master": True, "name": "Master", "recordTypeId": "012000000000000AAA", "urls": {"layout": layout},
    }  # fmt: skip


def _scopes(kind: ObjectType) -> Iterator[dict[str, str]]:
    plural = kind.plural.lower()
    yield {"label": f"All {plural}", "name": "everything"}
    if "OwnerId" in kind.positions:
        yield {"label": f"My {plural}", "name": "mine"}


def references(tables: Iterable[Table]) -> dict[str, list[Reference]]:
    """Object → the fields of these tables that refer to it."""
    found: dict[str, list[Reference]] = {}
    for table in tables:
        for field in table.fields():
            for name in field.reference_to:
                found.setdefault(name, []).append((table.kind, field))
    return found


def _child(kind: ObjectType, field: Field) -> dict[str, Any]:
    return {
        "cascadeDelete": "master" in field.flags, "childSObject": kind.name,
        "deprecatedAndHidden": "deprecated" in kind.traits, "field": field.name, "junctionIdListNames": [],
        "junctionReferenceTo": [], "relationshipName": _child_name(kind, field), "restrictedDelete": False,
    }  # fmt: skip


def _child_name(kind: ObjectType, field: Field) -> str | None:
    """Salesforce leaves the references that every object has without a name, as no query goes through them."""
    if field.system or field.name == "OwnerId":
        return None
    plural = kind.plural.replace(" ", "")
    return f"{plural.replace('__c', '')}__r" if field.custom else plural
