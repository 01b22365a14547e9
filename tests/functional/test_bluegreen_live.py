"""A promotion and a rollback in a real account: what is attached to a table stays, and is listed by its real names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from durable_runtime.bluegreen import building, promoting, sides
from durable_runtime.bluegreen.control import GREEN, LOADED, Deployed, Record, fingerprint, remember
from durable_runtime.bluegreen.promoting import Limit
from durable_runtime.errors import GuardStopped
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Run, Write
from durable_runtime.warehouse.dialect import SNOWFLAKE
from functional.bluegreen_world import NAME, START, account, pipeline
from functional.snowflake_account import Account, LiveWarehouse
from functional.test_snowflake_live import ENVIRONMENT, session

pytestmark = pytest.mark.snowflake_live
TABLE = "CRM.ANALYTICS.customers"


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[LiveWarehouse]:
    """The account with one Account loaded, and a schema that is dropped."""
    try:
        place = Account.of(ENVIRONMENT)
    except LookupError as error:
        pytest.fail(str(error), pytrace=False)
    with session(place, schema=None) as sql:
        sql(f"CREATE SCHEMA {place.place}")
        try:
            with place.warehouse(sample.target(SNOWFLAKE), lambda: START) as found:
                found.prepare(sample.loads(SNOWFLAKE), Write())
                run = Run("run-1", "1.0.0", "00D1", found.acquire(NAME, "place/run", 60))
                rows = [account("001A", "Acme", extensions='{"A":"x"}'), account("001B", "Bolt")]
                found.load(run, sample.stage(tmp_path, run, "Account", rows, watermark=START))
                found.release(run.lease)
                yield found
        finally:
            sql(f"DROP SCHEMA IF EXISTS {place.place} CASCADE")


def test_grants_and_clustering_stay_and_policies_are_asked_about(warehouse: LiveWarehouse) -> None:
    deployed = Deployed.of(warehouse, NAME)
    warehouse.execute(f"GRANT SELECT ON TABLE {TABLE} TO ROLE PUBLIC")
    warehouse.execute(f"ALTER TABLE {TABLE} CLUSTER BY (source_object)")
    building.prepare(warehouse, deployed)
    leases = [warehouse.acquire(deployed.key(side), "place/deploy", 600) for side in ("", GREEN)]
    assert building.build(warehouse, deployed, leases, "2.0.0") == 2
    warehouse.execute(f"UPDATE {TABLE}__green SET name = 'New' WHERE source_id = '001A'")
    blue, green = (fingerprint(warehouse, deployed.key(side), deployed) for side in ("", GREEN))
    remember(warehouse, deployed, Record(LOADED, "2.0.0", blue, green))
    found = sides.compare_sides(warehouse, deployed, pipeline("upsert"), values=True).tables[0]
    assert [(one.column, one.rows) for one in found.columns] == [("name", 1)]
    done = promoting.promote(warehouse, deployed, leases, Limit())
    listed = done.after[0].listed
    assert "SELECT TO ROLE PUBLIC" in listed["grants"]
    assert listed["clustering"] == ("LINEAR(source_object)",)
    assert done.lost == []
    names = f"SELECT source_id, name FROM {TABLE} ORDER BY source_id"
    assert warehouse.execute(names) == [("001A", "New"), ("001B", "Bolt")]
    promoting.rollback(warehouse, deployed, leases)
    assert warehouse.execute(names) == [("001A", "Acme"), ("001B", "Bolt")]


def test_a_row_access_policy_stops_the_exchange_until_somebody_looked(warehouse: LiveWarehouse) -> None:
    deployed = Deployed.of(warehouse, NAME)
    warehouse.execute("CREATE ROW ACCESS POLICY CRM.ANALYTICS.all_rows AS (v VARCHAR) RETURNS BOOLEAN -> TRUE")
    warehouse.execute(f"ALTER TABLE {TABLE} ADD ROW ACCESS POLICY CRM.ANALYTICS.all_rows ON (source_id)")
    building.prepare(warehouse, deployed)
    leases = [warehouse.acquire(deployed.key(side), "place/deploy", 600) for side in ("", GREEN)]
    building.build(warehouse, deployed, leases, "2.0.0")
    blue, green = (fingerprint(warehouse, deployed.key(side), deployed) for side in ("", GREEN))
    remember(warehouse, deployed, Record(LOADED, "2.0.0", blue, green))
    sides.compare_sides(warehouse, deployed, pipeline("upsert"))
    with pytest.raises(GuardStopped, match="ROW_ACCESS_POLICY ALL_ROWS"):
        promoting.promote(warehouse, deployed, leases, Limit())
    done = promoting.promote(warehouse, deployed, leases, Limit(policies=True))
    assert any("ALL_ROWS" in line for line in done.after[0].listed["policies"])
    assert done.lost == []
