"""One discovery of an organization: the names of all objects, and the fields of those that somebody asks about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from durable_compiler import catalogue
from durable_compiler.catalogue import FieldSchema, ObjectSchema, Snapshot
from durable_compiler.discovery import AT_ONCE, Directory
from durable_compiler.mentions import mentioned
from durable_runtime.errors import PermissionMissing, PipelineError, RequestRefused, SalesforceUnavailable

FEW = 100
"""Up to so many objects are all described: more would make a file that nobody reviews, and cost a call each."""

MOST_TARGETS = 5
"""A reference to more objects than this is followed to none of them: a task may belong to nearly everything."""

# Salesforce keeps these beside nearly every object; no requirement syncs them unasked. The list of objects says which
# ones they are (a LoginHistory accompanies nothing); where it does not, their names do.
ASSOCIATED = "associateEntityType"
COMPANIONS = ("ChangeEvent", "Feed", "History", "Share", "Tag", "OwnerSharingRule")

# What may be the matter with a single object; anything else ends the discovery.
ABOUT_ONE = (RequestRefused, PermissionMissing, SalesforceUnavailable)

Names = tuple[str, ...]
Track = Callable[[Sequence[Names]], Iterable[Names]]
"""Passes the groups of names on one by one, and may show how far they have come."""


@dataclass(frozen=True)
class Asked:
    """What decides which objects are described: names, texts of requirements, and the file of the last discovery."""

    objects: tuple[str, ...] = ()
    everything: bool = False
    texts: tuple[str, ...] = ()
    before: Snapshot | None = None


@dataclass(frozen=True)
class Failure:
    """An object that Salesforce lists and would not describe; `needed` where requirements or the user name it."""

    object: str
    error: PipelineError
    needed: bool
    kept: bool  # whether what the last discovery found of it is kept


@dataclass(frozen=True)
class Discovery:
    """What was found; `hidden` are fields, by object, that exist and are kept from this user."""

    snapshot: Snapshot
    failures: tuple[Failure, ...] = ()
    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)


class Unlisted(RequestRefused):
    """The user asked for an object that Salesforce does not show; `known` are those that it shows."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"Salesforce shows no object {name!r} to this user.")
        self.name, self.known = name, known


def each(groups: Sequence[Names]) -> Iterable[Names]:
    """Nobody watches."""
    return groups


def discover(
    directory: Directory, asked: Asked, organization_id: str, api_version: str, track: Track = each
) -> Discovery:
    """Describe what is asked for. Raises Unlisted, or the PipelineError of a Salesforce that does not answer."""
    return _Search(directory, asked, organization_id, api_version, track).run()


def wanted(row: Mapping[str, Any]) -> bool:
    """Readable, and not one of the tables that accompany an object."""
    accompanies = bool(row[ASSOCIATED]) if ASSOCIATED in row else row["name"].endswith(COMPANIONS)
    return readable(row) and not accompanies


def readable(row: Mapping[str, Any]) -> bool:
    """Whether requirements may sync the object."""
    return bool(row.get("queryable", True) and not row.get("deprecatedAndHidden", False))


class _Search:
    """The rows of the global describe, and what has been described so far."""

    def __init__(
        self, directory: Directory, asked: Asked, organization_id: str, api_version: str, track: Track
    ) -> None:
        self.directory, self.asked, self.track = directory, asked, track
        rows = directory.objects()
        self.kept = {one.name for one in asked.before.objects if one.described} if asked.before else set()
        shown = [row["name"] for row in rows]
        for name in asked.objects:
            if name not in shown:
                raise Unlisted(name, [row["name"] for row in rows if readable(row)])
        self.rows = [row for row in rows if wanted(row) or row["name"] in {*asked.objects, *self.kept}]
        self.names = catalogue.snapshot(self.rows, organization_id, api_version)
        self.needed = mentioned(asked.texts, self.names) | set(asked.objects)
        self.found: dict[str, dict[str, Any]] = {}
        self.failed: dict[str, PipelineError] = {}

    def run(self) -> Discovery:
        everything = self.asked.everything or sum(map(wanted, self.rows)) <= FEW
        self.describe(self.names.by_name if everything else self.needed)
        if not everything:
            # The parents of what requirements name, not those of what is merely kept: else each discovery would
            # reach one step further than the one before, and the same organization give another file.
            self.describe([*self.parents(), *self.kept])
        fields = self.classified()
        snapshot = catalogue.snapshot((self.found.get(row["name"], row) for row in self.rows), *self.identity)
        snapshot = self.with_kept(_classified(snapshot, fields))
        return Discovery(snapshot, tuple(self.failures()), _hidden(snapshot, fields))

    @property
    def identity(self) -> tuple[str, str]:
        return self.names.organization_id, self.names.api_version

    def describe(self, names: Iterable[str]) -> None:
        """Describe those of the names that are listed and have not been asked about."""
        new = self.names.by_name.keys() & set(names) - self.found.keys() - self.failed.keys()
        for group in self.track(_groups(new)):
            for name, answer in self.together(group).items():
                if isinstance(answer, PipelineError):
                    self.failed[name] = answer
                else:
                    self.found[name] = answer

    def together(self, group: Names) -> Mapping[str, dict[str, Any] | PipelineError]:
        """A call for all of them, and a call of its own for each that failed in it."""
        answers: dict[str, dict[str, Any] | PipelineError]
        try:
            answers = self.directory.describe_many(group)
        except RequestRefused as refused:  # an organization without composite/batch
            answers = dict.fromkeys(group, refused)
        return {name: self.alone(name) if isinstance(one, PipelineError) else one for name, one in answers.items()}

    def alone(self, name: str) -> dict[str, Any] | PipelineError:
        try:
            return self.directory.describe(name)
        except ABOUT_ONE as error:
            return error

    def parents(self) -> Iterator[str]:
        """What the references of the described objects lead to: a path such as Account.Name needs its fields."""
        for one in self.found.values():
            for item in one["fields"]:
                targets = item.get("referenceTo") or ()
                yield from targets if len(targets) <= MOST_TARGETS else ()

    def classified(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Object → field → its definition; nothing for objects whose definitions this user may not read.

        They cost a query each, so that of very many objects only those that somebody names are asked for.
        """
        fields: dict[str, dict[str, dict[str, Any]]] = {}
        for group in _groups(self.found if len(self.found) <= FEW else self.found.keys() & self.needed):
            try:
                answers = self.directory.defined_many(group)
            except RequestRefused:
                continue
            for name, answer in answers.items():
                if not isinstance(answer, PipelineError):
                    fields[name] = {one["QualifiedApiName"]: one for one in answer}
        return fields

    def with_kept(self, snapshot: Snapshot) -> Snapshot:
        """Objects that failed as the last discovery found them: a bad moment must not lose what was known."""
        before = self.asked.before.by_name if self.asked.before else {}
        kept = {name: before[name] for name in self.failed if name in self.kept}
        return replace(snapshot, objects=tuple(kept.get(one.name, one) for one in snapshot.objects))

    def failures(self) -> Iterator[Failure]:
        for name, error in sorted(self.failed.items()):
            yield Failure(name, error, name in self.needed, name in self.kept)


def _groups(names: Iterable[str]) -> list[Names]:
    ordered = iter(sorted(names))
    return list(iter(lambda: tuple(islice(ordered, AT_ONCE)), ()))


def _classified(snapshot: Snapshot, fields: Mapping[str, Mapping[str, dict[str, Any]]]) -> Snapshot:
    """The snapshot with what describe does not tell: how sensitive a field is."""
    objects = (
        replace(one, fields=tuple(_marked(item, fields[one.name].get(item.name)) for item in one.fields))
        if one.name in fields
        else one
        for one in snapshot.objects
    )
    return replace(snapshot, objects=tuple(objects))


def _marked(item: FieldSchema, definition: Mapping[str, Any] | None) -> FieldSchema:
    if definition is None:
        return item
    marks = definition["SecurityClassification"], definition["ComplianceGroup"]
    return replace(item, securityClassification=marks[0], complianceGroup=marks[1])


def _hidden(snapshot: Snapshot, fields: Mapping[str, Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(fields[name]) - _names_of(snapshot.by_name[name]) for name in fields}


def _names_of(one: ObjectSchema) -> frozenset[str]:
    return frozenset(item.name for item in one.fields)
