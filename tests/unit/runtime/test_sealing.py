"""Sealed records open with their key, for their own record only, and are the same text each time."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_runtime import sealing
from durable_runtime.sealing import Sealer, Unopened, is_sealed, seal_files

KEY, OTHER = Sealer(bytes(range(32))), Sealer(b"\x07" * 32)
ID = "003Hs0000000001IAA"


@given(st.text(min_size=1))
def test_what_was_sealed_opens_again_to_the_character(text: str) -> None:
    record = json.dumps({"Id": ID, "LastName": text}, ensure_ascii=False).encode(errors="replace").decode()
    sealed = KEY.seal("Contact", ID, record)
    assert sealed == KEY.seal("Contact", ID, record) == Sealer(KEY.key).seal("Contact", ID, record)
    assert KEY.open("Contact", ID, sealed) == record
    assert is_sealed(sealed) and not is_sealed(record)


def test_equal_records_of_two_ids_are_sealed_differently() -> None:
    assert KEY.seal("Contact", "a", "{}") != KEY.seal("Contact", "b", "{}")


def test_another_key_is_named_and_does_not_open_it() -> None:
    sealed = KEY.seal("Contact", ID, "{}")
    assert sealed.split(":")[:3] == ["sealed", "v1", KEY.key_id]
    with pytest.raises(
        Unopened, match=f"sealed with key {KEY.key_id}, while the profile's key is {OTHER.key_id}"
    ) as no:
        OTHER.open("Contact", ID, sealed)
    assert no.value.key_id == KEY.key_id


@pytest.mark.parametrize(
    ("name", "id", "change"),
    [
        ("Contact", "003other", lambda text: text),
        ("Lead", ID, lambda text: text),
        ("Contact", ID, lambda text: text[:-4] + "AAA="),
        ("Contact", ID, lambda text: text[:-2]),
        ("Contact", ID, lambda text: text + "é"),
        ("Contact", ID, lambda text: text.rpartition(":")[0] + ":"),
    ],
)
def test_a_text_that_was_moved_or_altered_does_not_open(name: str, id: str, change: object) -> None:
    assert callable(change)
    sealed = change(KEY.seal("Contact", ID, '{"Email": "a@example.com"}'))
    with pytest.raises(Unopened, match="altered since it was sealed, or moved") as no:
        KEY.open(name, id, sealed)
    assert "example.com" not in str(no.value)


def test_a_record_without_masked_fields_is_read_as_it_is() -> None:
    assert KEY.open("Contact", ID, '{"Id": "1"}') == '{"Id": "1"}'


def test_the_rejected_rows_of_a_file_are_sealed_in_it_and_no_other_value_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "SLICE_BYTES", 10_000)
    path = tmp_path / "Contact-00000.parquet"
    content = "i::VARCHAR AS source_id, 'n' || i AS name, i * 1.5 AS amount"
    record = "CASE WHEN i % 3 = 0 THEN '{\"k\": \"' || repeat('é\n\"\",', i % 90) || i || '\"}' END AS __record"
    with duckdb.connect() as database:
        database.execute(f"COPY (SELECT {content}, {record} FROM range(1000) t(i)) TO '{path}' (FORMAT parquet)")
        before = database.execute("SELECT * FROM read_parquet(?) ORDER BY amount", [str(path)]).fetchall()
        seal_files(database, "Contact", [path], KEY)
        after = database.execute("SELECT * FROM read_parquet(?) ORDER BY amount", [str(path)]).fetchall()
    assert [path] == list(tmp_path.iterdir())
    assert [row[:3] for row in before] == [row[:3] for row in after]
    assert {is_sealed(row[3]) for row in after if row[3]} == {True}
    assert [row[3] and KEY.open("Contact", row[0], row[3]) for row in after] == [row[3] for row in before]


def test_a_file_without_rejected_rows_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "Contact-00000.parquet"
    with duckdb.connect() as database:
        database.execute(f"COPY (SELECT '1' AS source_id, NULL::VARCHAR AS __record) TO '{path}' (FORMAT parquet)")
        written = path.read_bytes()
        seal_files(database, "Contact", [path], KEY)
    assert path.read_bytes() == written


def test_a_record_of_megabytes_is_sealed_too(tmp_path: Path) -> None:
    path = tmp_path / "Contact-00000.parquet"
    with duckdb.connect(config={"memory_limit": "256MB"}) as database:
        large = "'{\"k\": \"' || repeat('x', 12000000) || i || '\"}'"
        database.execute(f"COPY (SELECT i::VARCHAR AS source_id, {large} AS __record FROM range(3) t(i)) TO '{path}'")
        seal_files(database, "Contact", [path], KEY)
        for id, sealed in database.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall():
            assert KEY.open("Contact", id, sealed).endswith(f'x{id}"}}')
