"""A DuckDB file that is damaged, full, of another version or not ours to write: a clear error, and no data harmed."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest

from durable_runtime.errors import (
    ConfigurationError,
    DiskFull,
    PermissionMissing,
    PipelineError,
    StatementFailed,
    WarehouseCorrupt,
)
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Batch, Lease, Run
from durable_runtime.warehouse.conformance import account
from durable_runtime.warehouse.dialect import DUCKDB, stage_columns
from durable_runtime.warehouse.duckdb import (
    CONNECT_ERRORS,
    DAMAGED,
    STATEMENT_ERRORS,
    DuckDBWarehouse,
    OutOfMemory,
    classified,
)

RESTRICTED = Path(__file__).with_name("restricted_load.py")
PAGE, BLOCK = 4096, 262_144
FIRST_BLOCK = 3 * PAGE
MULTIPLIER, SEED = 0xBF58476D1CE4E5B9, 5381  # of DuckDB's checksum
MANY, ROWS = 120_000, 2_000
RUN = Run("run-first", "1.0.0", "00D1", Lease("customers", "here/first", 1, 60))
KILLED = Path(__file__).with_name("killed_load.py")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A staged file of Accounts whose names alone take more memory than the warehouse may use."""
    path = tmp_path_factory.mktemp("staged") / "many.parquet"
    texts = {
        "source_object": "'Account'", "source_id": "'001' || lpad(i::VARCHAR, 15, '0')", "__outcome": "'live'",
        "source_modified_at": "TIMESTAMP '2026-01-01'", "loaded_at": "TIMESTAMP '2026-01-01'", "is_deleted": "FALSE",
        "name": " || ".join(f"md5((i * {at})::VARCHAR)" for at in range(1, 25)), "row_hash": "md5(i::VARCHAR)",
        "run_id": "'run-second'", "pipeline_version": "'1.0.0'",
    }  # fmt: skip
    selected = ", ".join(f"CAST({texts.get(c.name, 'NULL')} AS {c.duckdb}) AS {c.name}" for c in columns())
    duckdb.execute(f"COPY (SELECT {selected} FROM range({MANY}) r(i)) TO '{path}' (FORMAT parquet)")
    path.chmod(0o644)
    return path


def columns() -> tuple[Any, ...]:
    """The columns of a staged Account."""
    return stage_columns(sample.ACCOUNT)


def restricted(path: Path, folder: Path, staged: Path, restriction: str, *before: str) -> dict[str, Any]:
    """How a load under a restriction ended; a command may stand before it."""
    command = [*before, sys.executable, str(RESTRICTED), str(path), str(folder), str(staged), restriction]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_load_larger_than_the_memory_limit_works(tmp_path: Path, many: Path) -> None:
    found = restricted(tmp_path / "warehouse.duckdb", tmp_path, many, "-")
    assert found == {"error": None, "holds": [MANY + 1, 2, 1]}


def test_a_file_that_may_not_grow_is_a_full_disk_and_keeps_what_it_had(tmp_path: Path, many: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    found = restricted(path, tmp_path, many, str(16 * BLOCK))
    assert (found["error"]["type"], found["error"]["exit"]) == ("DiskFull", 6)
    assert str(path) in found["error"]["message"]
    assert "File too large" in found["error"]["message"]
    assert found["holds"] == [1, 1, 1]
    assert restricted(path, tmp_path, many, "-") == {"error": None, "holds": [MANY + 1, 2, 1]}


def mounts() -> bool:
    """Whether a small file system can be mounted in a name space of its own."""
    return (
        shutil.which("unshare") is not None
        and not subprocess.run(
            ["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
        ).returncode
    )


@pytest.mark.skipif(not mounts(), reason="needs user name spaces, to mount a small disk")
def test_a_full_disk_says_so_and_keeps_what_the_file_had(tmp_path: Path, many: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ("unshare", "-Urm", "sh", "-c", f'mount -t tmpfs -o size=8m none \'{disk}\' && exec "$0" "$@"')
    found = restricted(disk / "warehouse.duckdb", tmp_path, many, "-", *mount)
    assert (found["error"]["type"], found["error"]["exit"]) == ("DiskFull", 6)
    assert "No space left on device" in found["error"]["message"]
    assert found["error"]["help"] == "Free some room, then run again."
    assert found["holds"] == [1, 1, 1]


@pytest.mark.parametrize(("file", "folder"), [(0o444, 0o777), (0o666, 0o555)], ids=["the file", "its folder"])
def test_what_this_user_may_not_write_is_said_and_stays_as_it_was(file: int, folder: int, loaded: Path) -> None:
    with TemporaryDirectory() as name:  # one that other users may enter, which those of pytest are not
        place, path = Path(name), Path(name) / "warehouse.duckdb"
        staged = sample.stage(place, RUN, "Account", [account("001SECOND")])
        shutil.copy(loaded, path)
        path.chmod(file)
        place.chmod(folder)
        found = restricted(path, place, staged.path, "nobody")
        place.chmod(0o700)
    assert (found["error"]["type"], found["error"]["exit"]) == ("PermissionMissing", 7)
    assert str(path) in found["error"]["message"]
    assert found["error"]["help"] == "Let this user read and write the file and its folder."
    assert found["holds"] == [ROWS, 1, 1]


# --- files that are damaged ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, many: Path) -> Path:
    """A file with many rows, whole and closed."""
    folder = tmp_path_factory.mktemp("loaded")
    part = folder / "part.parquet"
    duckdb.execute(f"COPY (FROM read_parquet('{many}') LIMIT {ROWS}) TO '{part}' (FORMAT parquet)")
    path = folder / "warehouse.duckdb"
    load(path, Batch("Account", 0, part, ROWS, True, None, "rows-1"))
    return path


def load(path: Path, batch: Batch) -> None:
    """Load one batch."""
    with DuckDBWarehouse(path, sample.target(DUCKDB)) as warehouse:
        warehouse.prepare(sample.loads(DUCKDB))
        lease = warehouse.acquire("customers", "here/first", 60)
        warehouse.load(Run("run-first", "1.0.0", "00D1", lease), batch)
        warehouse.release(lease)


def written(path: Path, at: int, what: bytes) -> None:
    """Overwrite bytes of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(what)


def cut(path: Path) -> None:
    """Lose the second half of a file."""
    os.truncate(path, path.stat().st_size // 2)


def checksum(content: bytes) -> int:
    """DuckDB's checksum of a page."""
    found = SEED
    for (word,) in struct.iter_unpack("<Q", content):
        found ^= word * MULTIPLIER & 2**64 - 1
    return found


def of_version(number: int) -> Callable[[Path], None]:
    """What makes a file one that another version of DuckDB wrote, with a header that is whole."""

    def rewrite(path: Path) -> None:
        with path.open("rb") as file:
            content = bytearray(file.read(PAGE))
        assert checksum(bytes(content[8:])) == struct.unpack("<Q", content[:8])[0]
        content[12:20] = struct.pack("<Q", number)
        content[:8] = struct.pack("<Q", checksum(bytes(content[8:])))
        written(path, 0, bytes(content))

    return rewrite


RUBBISH = bytes(range(1, 256)) * 16
DAMAGES: dict[str, tuple[Callable[[Path], None], type[PipelineError], int]] = {
    "an empty file": (lambda path: os.truncate(path, 0), WarehouseCorrupt, 7),
    "its first bytes": (lambda path: written(path, 8, b"XXXX"), WarehouseCorrupt, 7),
    "one header": (lambda path: written(path, PAGE, RUBBISH), WarehouseCorrupt, 7),
    "both headers": (lambda path: written(path, PAGE, RUBBISH * 2), WarehouseCorrupt, 7),
    "a header cut short": (lambda path: os.truncate(path, 100), WarehouseCorrupt, 7),
    "cut in the middle": (cut, WarehouseCorrupt, 7),
    "a newer version": (of_version(1000), ConfigurationError, 2),
    "an older version": (of_version(20), ConfigurationError, 2),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_not_opened_and_not_touched(damage: str, loaded: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(loaded, tmp_path / "warehouse.duckdb"))
    harm, kind, exit_code = DAMAGES[damage]
    harm(path)
    before = path.read_bytes()
    with pytest.raises(PipelineError) as caught, DuckDBWarehouse(path, sample.target(DUCKDB)):
        pass
    assert (type(caught.value), caught.value.exit_code) == (kind, exit_code)
    assert str(path) in caught.value.message
    assert "move" in caught.value.help
    assert path.read_bytes() == before


def load_and_look(path: Path, batch: Batch) -> None:
    """Load a batch, and read every value of every row."""
    load(path, batch)
    with DuckDBWarehouse(path, sample.target(DUCKDB)) as warehouse:
        warehouse.query(f"SELECT {', '.join(f'max({c.name})' for c in sample.ACCOUNT)} FROM analytics.customers")


def test_a_damaged_block_of_rows_is_corrupt_when_it_is_read_and_a_load_changes_nothing(
    loaded: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(loaded, tmp_path / "warehouse.duckdb"))
    blocks = (path.stat().st_size - FIRST_BLOCK) // BLOCK
    written(path, FIRST_BLOCK + blocks // 2 * BLOCK + PAGE, RUBBISH)
    staged = sample.stage(tmp_path, RUN, "Account", [account("001SECOND")])
    with pytest.raises(WarehouseCorrupt, match="Corrupt database file") as caught:
        load_and_look(path, staged)
    assert (caught.value.exit_code, caught.value.help) == (7, DAMAGED)
    assert str(path) in caught.value.message


# --- a log that is damaged -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of one Account, checkpointed, and a log with a second load, left by a process that died."""
    folder = tmp_path_factory.mktemp("killed")
    path = folder / "warehouse.duckdb"
    load(path, sample.stage(folder, RUN, "Account", [account("001FIRST")]))
    arguments = [sys.executable, str(KILLED), str(path), str(folder), "99"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run(arguments, env=environment, check=False).returncode == 9
    assert log_of(path).stat().st_size > 1000
    return path


def log_of(path: Path) -> Path:
    """The write-ahead log beside a file."""
    return path.with_name(path.name + ".wal")


def held(path: Path) -> tuple[int, int, int] | None:
    """Rows of the target, batches of the ledger and objects with a state; None where the file is called corrupt."""
    try:
        with DuckDBWarehouse(path, sample.target(DUCKDB)) as warehouse:
            tables = ("customers", "durable_ledger", "durable_state")
            asked = ", ".join(f"(SELECT COUNT(*) FROM analytics.{one})" for one in tables)
            return warehouse.query(f"SELECT {asked}").rows[0]
    except WarehouseCorrupt:
        return None


def test_a_log_is_replayed(killed: Path, tmp_path: Path) -> None:
    assert held(copied(killed, tmp_path)) == (2, 2, 2)


def copied(killed: Path, folder: Path) -> Path:
    """A copy with its log."""
    path = folder / killed.name
    shutil.copy(killed, path)
    shutil.copy(log_of(killed), log_of(path))
    return path


def scribbled(path: Path, at: int) -> None:
    """Overwrite some bytes with rubbish."""
    written(path, at, RUBBISH[:64])


@pytest.mark.parametrize("tenth", range(10))
def test_a_log_that_is_cut_or_damaged_never_gives_half_a_load(tenth: int, killed: Path, tmp_path: Path) -> None:
    for number, harm in enumerate((os.truncate, scribbled)):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = copied(killed, folder)
        log = log_of(path)
        harm(log, log.stat().st_size * tenth // 10)
        assert held(path) in {None, (1, 1, 1), (2, 2, 2)}


def test_a_log_that_is_no_log_leaves_what_was_checkpointed(killed: Path, tmp_path: Path) -> None:
    path = copied(killed, tmp_path)
    log_of(path).write_bytes(RUBBISH)
    assert held(path) in {None, (1, 1, 1)}


# --- what DuckDB says, and what becomes of it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("IO Error: Could not write file: No space left on device", DiskFull),
        ("TransactionContext Error: Failed to commit: Could not write file: Disk quota exceeded", DiskFull),
        ("Out of Memory Error: failed to offload data block of size 256.0 KiB (1 MiB/1 MiB used).", DiskFull),
        ("Out of Memory Error: could not allocate block of size 256.0 KiB", OutOfMemory),
        ("IO Error: Failed to create directory: Permission denied", PermissionMissing),
        ("IO Error: Could not read enough bytes from file", WarehouseCorrupt),
        ("Catalog Error: Table with name x does not exist!", StatementFailed),
    ],
)
def test_what_duckdb_says_of_a_statement_is_classified(text: str, kind: type[PipelineError]) -> None:
    assert type(classified(duckdb.Error(text), "The file", STATEMENT_ERRORS)) is kind


@pytest.mark.parametrize("table", [CONNECT_ERRORS, STATEMENT_ERRORS], ids=["opening", "statements"])
def test_every_error_says_what_to_do_and_none_is_out_of_reach(table: Any) -> None:
    for text, kind, help in table:
        error = classified(duckdb.Error(f"first line {text}\nsecond"), "The file", table)
        assert (type(error), error.help) == (kind, help)
        assert help.endswith(".")
