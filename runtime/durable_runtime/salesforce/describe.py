"""What Salesforce shows this user of each object, as raw dictionaries."""

from __future__ import annotations

from typing import Any

from durable_runtime.errors import ObjectGone, PermissionMissing, RequestRefused
from durable_runtime.salesforce.answers import NotFound
from durable_runtime.salesforce.session import Session

COMPOUND = frozenset({"address", "location"})
UNREADABLE = COMPOUND | {"base64"}


def describe(session: Session, name: str) -> dict[str, Any]:
    """One object with its fields, asked for once a session; fields hidden from the user are absent.

    Raises ObjectGone for an object that is deleted or hidden from the user.
    """
    if name not in session.described:
        try:
            session.described[name] = session.get(f"sobjects/{name}/describe")
        except NotFound as error:
            raise ObjectGone(
                f"{name} is not visible any more; nothing was read, of the other objects neither.",
                help="Give the integration user access to the object, or take it out of the requirements; "
                "where every object is missing, check api_version.",
            ) from error
    found: dict[str, Any] = session.described[name]
    return found


def classified(session: Session, name: str) -> dict[str, dict[str, Any]] | None:
    """Each field of an object with its SecurityClassification and ComplianceGroup, which describe does not tell.

    None where the user may not read FieldDefinition, or the organization has none.
    """
    asked = (
        "SELECT QualifiedApiName, SecurityClassification, ComplianceGroup FROM FieldDefinition "  # noqa: S608
        f"WHERE EntityDefinition.QualifiedApiName = '{name}'"  # a name of the reviewed package
    )
    try:
        return {one["QualifiedApiName"]: one for one in session.get("query", {"q": asked})["records"]}
    except (RequestRefused, PermissionMissing):
        return None


def visible_fields(description: dict[str, Any]) -> tuple[str, ...]:
    """The fields that a query may name: all but compound and base64 ones."""
    return tuple(field["name"] for field in description["fields"] if field["type"] not in UNREADABLE)


def type_of(session: Session, name: str, path: str) -> str | None:
    """The type of a field, or of a parent's field written with dots (`Account.Name`); None where it is not shown."""
    head, _, rest = path.partition(".")
    for field in describe(session, name)["fields"]:
        if not rest and field["name"].lower() == head.lower():
            return str(field["type"])
        if rest and (field.get("relationshipName") or "").lower() == head.lower() and field["referenceTo"]:
            return type_of(session, field["referenceTo"][0], rest)
    return None
