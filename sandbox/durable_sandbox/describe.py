"""Describe documents with Salesforce's complete key sets, derived from the field tables."""

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
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double",
    "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime",
    "time": "xsd:time", "address": "urn:address", "location": "urn:location", "base64": "xsd:base64Binary",
    "anyType": "xsd:anyType",
}  # fmt: skip
_MERGEABLE = frozenset({"Account", "Contact", "Lead"})
_URL_PARTS = ("compactLayouts", "approvalLayouts", "listviews", "quickActions", "layouts")
_WORDS_FOR_KEYS = {"external": "externalId", "name": "nameField", "calculated": "calculated"}


def describe_field(field: Field) -> dict[str, Any]:
    """One field with its 57 keys."""
    entry = _FIELD | {"name": field.name, "label": field.label, "type": field.type, "length": field.length}
    entry |= {"custom": field.custom, "digits": field.digits, "precision": field.precision, "scale": field.scale}
    entry |= {"compoundFieldName": field.compound, "soapType": _SOAP.get(field.type, "xsd:string")}
    entry |= {key: True for word, key in _WORDS_FOR_KEYS.items() if word in field.flags}
    return entry | _by_type(field) | _by_flags(field)


def _by_type(field: Field) -> dict[str, Any]:
    if field.type in ID_TYPES:
        link = {"relationshipName": field.relationship, "referenceTo": list(field.reference_to)}
        many = len(field.reference_to) > 1
        own = {"idLookup": True} if field.type == "id" else link
        return own | {"byteLength": 18, "namePointing": many, "polymorphicForeignKey": many}
    if field.type in COMPOUND_TYPES:
        unable = dict.fromkeys(("aggregatable", "groupable", "sortable", "createable", "updateable"), False)
        return unable | {"queryByDistance": True}
    if field.type in NUMBER_TYPES:
        return {"groupable": field.type == "int"}
    if field.type == "boolean":
        return {"aggregatable": False, "defaultValue": False, "defaultedOnCreate": True, "nillable": False}
    if field.type == "datetime":
        return {"groupable": False}
    return _text_keys(field)


def _text_keys(field: Field) -> dict[str, Any]:
    keys: dict[str, Any] = {"byteLength": field.length * 3, "idLookup": field.type == "email"}
    if not field.filterable:
        keys |= {"aggregatable": False, "filterable": False, "sortable": False, "groupable": False}
    if field.type == "textarea":
        keys["extraTypeInfo"] = "plaintextarea"
    if field.picklist:
        keys["picklistValues"] = [
            {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}
            for value in field.picklist
        ]
    return keys


def _by_flags(field: Field) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    if "required" in field.flags or (field.system and not field.nulls and field.maker != "null"):
        keys |= {"nillable": False, "permissionable": False}
    if field.system or field.type in COMPOUND_TYPES or "calculated" in field.flags:
        keys |= {"createable": False, "updateable": False}
    if field.system:
        keys["permissionable"] = False
    if field.name == "OwnerId" or (
        field.system and "name" not in field.flags and not field.nulls and field.maker != "null"
    ):
        keys["defaultedOnCreate"] = True
    if "person" in field.flags:
        keys["extraTypeInfo"] = "personname"
    if "external" in field.flags:
        keys["idLookup"] = True
    if "calculated" in field.flags:
        keys |= {"calculatedFormula": field.formula or "Amount * Probability", "formulaTreatNullNumberAsZero": True}
    return keys


def brief(kind: ObjectType, base: str) -> dict[str, Any]:
    """An object as describe global lists it."""
    address = f"{base}/sobjects/{kind.name}"
    urls = {"sobject": address, "describe": f"{address}/describe", "rowTemplate": f"{address}/{{ID}}"}
    urls |= {part: f"{address}/describe/{part}" for part in _URL_PARTS}
    named = {"name": kind.name, "label": kind.label, "labelPlural": kind.plural, "keyPrefix": kind.prefix}
    return _BRIEF | named | {"custom": kind.custom, "mergeable": kind.name in _MERGEABLE, "urls": urls}


def describe_object(table: Table, base: str, url: str) -> dict[str, Any]:
    """An object's whole describe."""
    kind = table.kind
    entry = brief(kind, base) | _WHOLE
    pages = {
        "uiDetailTemplate": f"{url}/{{ID}}",
        "uiEditTemplate": f"{url}/{{ID}}/e",
        "uiNewRecord": f"{url}/{kind.prefix}/e",
    }
    layout = f"{base}/sobjects/{kind.name}/describe/layouts/012000000000000AAA"
    record_type = {
        "active": True, "available": True, "defaultRecordTypeMapping": True, "developerName": "Master",
        "master": True, "name": "Master", "recordTypeId": "012000000000000AAA", "urls": {"layout": layout},
    }  # fmt: skip
    entry["urls"] |= pages
    entry["recordTypeInfos"] = [record_type]
    entry["supportedScopes"] = [{"label": f"All {kind.plural.lower()}", "name": "everything"}]
    entry["fields"] = [describe_field(field) for field in table.fields()]
    return entry
