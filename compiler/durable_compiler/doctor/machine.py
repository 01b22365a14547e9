"""This machine: durable.toml, secrets, the state folder, the compiled package and its schedule."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from durable_compiler.doctor.exam import Exam
from durable_compiler.doctor.findings import CONFIGURATION, UNREACHABLE, Finding, listed, ok, problem, warning
from durable_runtime import configuration, package
from durable_runtime.configuration import Profile
from durable_runtime.credentials import Secret, refuse_shared
from durable_runtime.errors import ConfigurationError
from durable_runtime.schedule import next_instant

ROOM, LITTLE_ROOM = 1 << 30, 100 << 20  # bytes: enough for most runs, and too little for any


def configuration_of(exam: Exam) -> Finding:
    """durable.toml is there, right, and nobody else's to change."""
    exam.found_profile = profile = configuration.load(exam.config, exam.profile_name)
    where = exam.config.name if exam.config else "no durable.toml"
    salesforce = "the sandbox" if profile.salesforce.sandbox else profile.salesforce.login_url
    evidence = f"{where}, profile {profile.name}: from {salesforce} to {profile.warehouse.kind}"
    if exam.config and os.name == "posix" and exam.config.stat().st_mode & stat.S_IWOTH:
        return warning(f"{evidence}; everybody may change the file", f"Run: chmod o-w {exam.config}")
    return ok(evidence)


def secrets(exam: Exam) -> Finding:
    """Every secret that the profile names can be read, and by nobody else."""
    named = list(_secrets(exam.profile))
    wrong = [error for one in named if (error := _refused(one)) is not None]
    keys = exam.profile.state / "keys"
    for path in sorted(keys.iterdir()) if keys.is_dir() else ():
        try:
            refuse_shared(path, f"key {path.name}")
        except ConfigurationError as error:
            wrong.append(error)
    if wrong:
        return problem(
            CONFIGURATION, " ".join(one.message for one in wrong), " ".join(dict.fromkeys(one.help for one in wrong))
        )
    if not named:
        return ok("none is named: the sandbox brings its own")
    return ok(f"{len(named)} can be read: {listed(one.setting.rpartition('.')[2] for one in named)}")


def _secrets(profile: Profile) -> Iterator[Secret]:
    for part in (profile.salesforce, profile.warehouse, profile.alerts, profile.keys):
        yield from (value for one in fields(part) if isinstance(value := getattr(part, one.name), Secret))


def _refused(secret: Secret) -> ConfigurationError | None:
    """Why a secret cannot be used; a refresh token must also be writable, because Salesforce may rotate it."""
    try:
        secret.reveal()
    except ConfigurationError as error:
        return error
    path = secret.path()
    if secret.setting.endswith("refresh_token") and path is not None and not _writable(path, path.parent):
        return ConfigurationError(
            f"{secret.setting}: {path} cannot be replaced, and a new token would be lost.",
            help="Let this user write the file and its folder.",
        )
    return None


def _writable(*paths: Path) -> bool:
    return all(os.access(path, os.W_OK) for path in paths)


def state_folder(exam: Exam) -> Finding:
    """The folder of keys, runs and landed records can be written, and its disk has room."""
    state = exam.profile.state
    nearest = existing(state)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        what = "is a file" if not nearest.is_dir() else "cannot be written by this user"
        return problem(
            CONFIGURATION, f"{state}: {nearest} {what}", "Correct paths.state in durable.toml, or the folder's owner."
        )
    room = exam.free(nearest)
    evidence = f"{state}: {room / 1e9:,.1f} GB free"
    if room < LITTLE_ROOM:
        return problem(UNREACHABLE, evidence, "Free some room: a run lands all that it reads there.")
    if room < ROOM:
        return warning(evidence, "Free some room: a first run lands whole objects there.")
    return ok(evidence, free_bytes=room)


def existing(path: Path) -> Path:
    """The path itself, or the nearest folder above that there is."""
    return next(one for one in (path, *path.absolute().parents) if one.exists())


def package_of(exam: Exam) -> Finding:
    """The compiled package loads and is the one that was released."""
    assert exam.name is not None
    exam.loaded[exam.name] = pipeline = exam.load(exam.name)
    package.verify(pipeline, exam.root / "generated" / exam.name)
    return ok(f"v{pipeline.version}, {len(pipeline.extracts)} objects, every file as released")


def schedule(exam: Exam) -> Finding:
    """The schedule has a zone that this machine knows, and a next instant."""
    planned = exam.pipeline.schedule
    try:
        zone = ZoneInfo(planned.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return problem(
            CONFIGURATION, f"this machine knows no time zone {planned.timezone}", "Install tzdata, or correct the zone."
        )
    instant = next_instant(planned, exam.clock.now())
    here = instant.astimezone()
    evidence = f"next due {instant.astimezone(zone):%Y-%m-%d %H:%M} {planned.timezone}, {instant:%H:%M} UTC"
    differs = here.utcoffset() != instant.astimezone(zone).utcoffset()
    local = f"; {here:%H:%M} on this machine" if differs and here.tzinfo is not UTC else ""
    return ok(f"{evidence}{local}", next=instant.isoformat(), requirement=planned.requirement)
