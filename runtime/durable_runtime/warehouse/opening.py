"""Which warehouse a profile means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from durable_runtime.clock import Clock
from durable_runtime.configuration import Profile
from durable_runtime.retry import retrying
from durable_runtime.spec import Pipeline
from durable_runtime.warehouse.base import Warehouse


def warehouse_of(
    profile: Profile, pipeline: Pipeline, clock: Clock, beside: str = "", run_id: str = "", *, read_only: bool = False
) -> Warehouse:
    """The warehouse of the profile, not yet opened; `beside` names tables next to the target to work on instead.

    Snowflake tags its statements with `run_id`; a DuckDB file that is opened `read_only` may be read by others too.
    """
    settings = profile.warehouse
    target = pipeline.targets[settings.kind]
    if settings.kind == "duckdb":
        from durable_runtime.warehouse.duckdb import DuckDBWarehouse

        assert settings.path is not None
        return DuckDBWarehouse(settings.path, target, _naive(clock), beside=beside, read_only=read_only)
    from durable_runtime.warehouse.snowflake import SnowflakeWarehouse
    from durable_runtime.warehouse.snowflake_session import STATEMENT_SECONDS, Tag

    tag = Tag(pipeline.name, run_id, {one.object: one.requirements for one in pipeline.extracts})
    seconds = pipeline.policies.max_runtime_seconds or STATEMENT_SECONDS
    return SnowflakeWarehouse(settings, target, _naive(clock), beside=beside, tag=tag, seconds=seconds)


@contextmanager
def opened(
    profile: Profile, pipeline: Pipeline, clock: Clock, beside: str = "", run_id: str = ""
) -> Iterator[Warehouse]:
    """The open warehouse, tried for as the spec's retry says: another pipeline may have the DuckDB file just now."""
    warehouse = warehouse_of(profile, pipeline, clock, beside, run_id)
    retrying(pipeline.policies.retry, clock, warehouse.open)
    with closing(warehouse):
        yield warehouse


def _naive(clock: Clock) -> Callable[[], datetime]:
    """UTC without its zone, as the warehouse's tables hold it."""
    return lambda: clock.now().astimezone(UTC).replace(tzinfo=None)
