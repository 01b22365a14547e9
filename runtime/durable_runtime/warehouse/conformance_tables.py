"""What every warehouse must do with tables that are there already: legal changes only, and nothing before a refusal."""

from __future__ import annotations

from durable_runtime.errors import TargetUnfit
from durable_runtime.spec import Column
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Loaded
from durable_runtime.warehouse.conformance import (
    ORGANIZATION,
    PIPELINE,
    START,
    TABLE,
    Bench,
    Trial,
    account,
    contact,
    refused,
    same,
)
from durable_runtime.warehouse.evolution import ADD, CREATE, KEPT

RATING = Column("rating", "VARCHAR", "VARCHAR", "Rating")


def tables_say_what_they_lack(bench: Bench) -> None:
    """Absent tables are to be created; afterwards nothing is left to do, and a column too many is kept."""
    wider = sample.target(bench.dialect, (*sample.COLUMNS, RATING))
    warehouse = bench.connect(wider, lambda: START)
    warehouse.open()
    try:
        loads = sample.loads(bench.dialect)
        same({one.kind for one in warehouse.changes(loads)}, {CREATE}, "changes of tables that are not there")
        same(warehouse.loaded_as(PIPELINE), {}, "loads of tables that are not there")
        warehouse.prepare(loads)
        same(warehouse.changes(loads), (), "changes of tables that are there")
    finally:
        warehouse.close()
    with Trial(bench) as trial:
        found = [(one.kind, one.column) for one in trial.warehouse.changes(trial.loads)]
        same(found, [(KEPT, "rating")] * 2, "changes where a column is not wanted any more")


def a_table_that_somebody_else_filled_is_refused(bench: Bench) -> None:
    """Rows that lack what every loaded row has are not Durable's, and the table is left as it is."""
    with Trial(bench) as trial:
        trial.warehouse.query(f"DROP TABLE {TABLE}")
        trial.warehouse.query(f"CREATE TABLE {TABLE} (id VARCHAR)")
        trial.warehouse.query(f"INSERT INTO {TABLE} (id) SELECT '1'")
        with refused(TargetUnfit):
            trial.warehouse.prepare(trial.loads)
        same(trial.warehouse.query(f"SELECT * FROM {TABLE}").rows, (("1",),), "the rows of a refused table")


def a_lost_column_is_filled_by_the_next_whole_read(bench: Bench) -> None:
    """Without its hash no live row is the same as what is read; other objects and flagged rows are left alone."""
    with Trial(bench) as trial:
        trial.load("Account", account("001A", name="Acme"), account("001B", outcome="deleted"))
        trial.load("Contact", contact("003A", None))
        loaded = Loaded(ORGANIZATION, "rows-1")
        same(trial.warehouse.loaded_as(PIPELINE), {"Account": loaded, "Contact": loaded}, "how objects were loaded")
        trial.warehouse.query(f"ALTER TABLE {TABLE} DROP COLUMN name")
        added = [(one.kind, one.column) for one in trial.warehouse.changes(trial.loads) if one.kind == ADD]
        same(added, [(ADD, "name")], "what is lacking")
        trial.warehouse.read_anew(PIPELINE, ["Account"])
        trial.warehouse.prepare(trial.loads)
        anew = Loaded(ORGANIZATION, None)
        same(trial.warehouse.loaded_as(PIPELINE), {"Account": anew, "Contact": loaded}, "how objects count as loaded")
        trial.load("Account", account("001A", name="Acme"))
        trial.load("Contact", contact("003A", None))
        same(trial.select("source_id, name"), [("001A", "Acme"), ("003A", None)], "rows after the whole read")


CHECKS = (
    tables_say_what_they_lack,
    a_table_that_somebody_else_filled_is_refused,
    a_lost_column_is_filled_by_the_next_whole_read,
)
