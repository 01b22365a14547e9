"""The warehouse, looked at without changing anything: reachable, writable, in its region, of this organization."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from durable_compiler.doctor.exam import Exam
from durable_compiler.doctor.findings import CONFIGURATION, PERMISSION, Finding, listed, ok, problem, warning
from durable_compiler.doctor.machine import existing
from durable_runtime import residency
from durable_runtime.errors import OtherOrganization, PermissionMissing, StatementFailed
from durable_runtime.warehouse.duckdb import CONNECT_ERRORS, classified
from durable_runtime.warehouse.engine import SqlWarehouse
from durable_runtime.warehouse.opening import warehouse_of

WRITING = ("OWNERSHIP", "CREATE TABLE", "ALL PRIVILEGES", "ALL")


def warehouse(exam: Exam) -> Finding:
    """Reachable and writable."""
    return {"duckdb": _file, "snowflake": _account}[exam.profile.warehouse.kind](exam)


def _file(exam: Exam) -> Finding:
    path = exam.profile.warehouse.path
    assert path is not None
    nearest = existing(path)
    if nearest != path:
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            return problem(CONFIGURATION, f"{path} cannot be made in {nearest}", "Correct `path` in durable.toml.")
        return ok(f"{path} is not there yet; the first run makes it")
    _asked(path, "SELECT 1", ())
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK | os.X_OK):
        return problem(
            PERMISSION, f"{path} may be read and not written", "Let this user write the file and its folder."
        )
    return ok(f"{path}, {path.stat().st_size / 1e6:,.1f} MB, readable and writable")


def _asked(path: Path, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
    """Rows of a query; the file is opened for reading only, and closed at once."""
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as database:
            return database.execute(sql, list(values)).fetchall()
    except duckdb.CatalogException:
        return []  # no run has made the table yet
    except (duckdb.Error, OSError) as error:
        raise classified(error, f"The warehouse file {path} cannot be opened", CONNECT_ERRORS) from error


def _account(exam: Exam) -> Finding:
    """Snowflake: the log-in, its role and warehouse, and what the role may do in the schema."""
    target = _target(exam)
    target.open()
    try:
        role, database, schema = target.execute("SELECT CURRENT_ROLE(), CURRENT_DATABASE(), CURRENT_SCHEMA()")[0]
        compute = exam.profile.warehouse.warehouse or "the user's own warehouse"
        where = f"{database}.{schema} as {role}, on {compute}"
        if not database or not schema:
            return problem(
                CONFIGURATION, f"{where}: the database or the schema is not there", "Create it, or grant USAGE on it."
            )
        own = granted(target, f"{database}.{schema}", str(role))
    finally:
        target.disconnect()
    grant = f"GRANT CREATE TABLE, CREATE VIEW, CREATE STAGE ON SCHEMA {database}.{schema} TO ROLE {role}"
    if own is None:
        return warning(f"{where}: reachable; what the role may do there cannot be told", f"Make sure of: {grant}.")
    if not own & set(WRITING):
        return warning(f"{where}: reachable; the role has no grant of its own to create tables", f"Run: {grant}.")
    return ok(f"{where}: reachable, and the role may write ({listed(sorted(own & set(WRITING)))})")


def _target(exam: Exam) -> SqlWarehouse:
    """The warehouse, not opened: closing it by `disconnect` leaves another run's work tables alone."""
    target = warehouse_of(exam.profile, exam.pipeline, exam.clock)
    assert isinstance(target, SqlWarehouse)
    return target


def granted(target: SqlWarehouse, schema: str, role: str) -> set[str] | None:
    """Privileges that the role has on the schema; None where that is not told."""
    try:
        rows = target.query(f"SHOW GRANTS ON SCHEMA {schema}")
    except (PermissionMissing, StatementFailed):
        return None
    columns = [name.lower() for name in rows.columns]
    if not {"privilege", "grantee_name"} <= set(columns):
        return None
    at, whose = columns.index("privilege"), columns.index("grantee_name")
    return {str(row[at]).upper() for row in rows.rows if str(row[whose]).upper() == role.upper()}


def region(exam: Exam) -> Finding:
    """The data may be where the profile takes them."""
    policies = exam.pipeline.policies
    residency.check(policies, exam.profile)
    here = exam.profile.warehouse.region or "not set"
    if policies.regions:
        return ok(f"{here}, which {policies.behind('regions')} allows")
    return ok(f"{here}; no requirement limits it")


def organization(exam: Exam) -> Finding:
    """The target holds records of the organization that the credentials belong to, or none yet."""
    own = exam.session.organization_id
    known = _organizations(exam)
    if not known:
        return ok(f"{own}; the first run pins it")
    others = [one for one in known if one != own]
    if others:
        raise OtherOrganization(
            f"The target was filled from organization {listed(others)}, but these credentials belong to {own}.",
            help="Use the credentials of that organization, or another target.",
        )
    return ok(f"{own}, as in the target")


def _organizations(exam: Exam) -> list[str]:
    target, path = _target(exam), exam.profile.warehouse.path
    table = target.names.control("durable_state")
    sql, values = f"SELECT DISTINCT organization_id FROM {table} WHERE pipeline = ?", (exam.pipeline.name,)  # noqa: S608
    if path is not None:
        rows = _asked(path, sql, values) if path.exists() else []
    else:
        rows = _asked_account(target, sql, values)
    return sorted(str(row[0]) for row in rows)


def _asked_account(target: SqlWarehouse, sql: str, values: tuple[str, ...]) -> list[tuple[Any, ...]]:
    target.open()
    try:
        return target.execute(sql, values)
    except (PermissionMissing, StatementFailed):
        return []  # no run has made the table yet
    finally:
        target.disconnect()
