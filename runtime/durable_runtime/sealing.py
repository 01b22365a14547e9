"""Dead letters under lock and key: a record with masked fields is encrypted before it reaches the warehouse.

The text is `sealed:v1:<key id>:<base64>`, made by AES-SIV (RFC 5297) with the record's object and Id as associated
data. AES-SIV needs no nonce: the same record under the same key gives the same text, so that a reject that did not
change counts as unchanged, and a text that was altered or moved to another record does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

PREFIX = "sealed:v1:"
PURPOSE = b"durable rejects v1"
SIV_BYTES = 64  # AES-256-SIV takes two keys
AT_ONCE = 500  # records in memory together; one may have megabytes
SLICE_BYTES = 8 << 20
LEAST_BUFFER = 1 << 20  # bytes; more where a record is longer, so that most fit into the memory limit


class Unopened(Exception):
    """A sealed record cannot be read: its key is another one, or it was altered; `key_id` is the key that it needs."""

    def __init__(self, key_id: str, reason: str) -> None:
        self.key_id = key_id
        super().__init__(reason)


@dataclass(frozen=True)
class Sealer:
    """Seals and opens records under one key of 32 bytes."""

    key: bytes

    @cached_property
    def key_id(self) -> str:
        """Eight hexadecimal digits that name the key and tell nothing of it."""
        return hmac.digest(self.key, PURPOSE + b" id", hashlib.sha256).hex()[:8]

    @cached_property
    def _cipher(self) -> AESSIV:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return AESSIV(HKDF(SHA256(), SIV_BYTES, None, PURPOSE).derive(self.key))

    def seal(self, object: str, id: str, record: str) -> str:
        """The record's sealed text, the same each time."""
        sealed = self._cipher.encrypt(record.encode(), [object.encode(), id.encode()])
        return f"{PREFIX}{self.key_id}:{base64.b64encode(sealed).decode()}"

    def open(self, object: str, id: str, text: str) -> str:
        """The record of a sealed text; any other text as it is. Raises Unopened."""
        if not is_sealed(text):
            return text
        from cryptography.exceptions import InvalidTag

        key_id, _, body = text.removeprefix(PREFIX).partition(":")
        if key_id != self.key_id:
            raise Unopened(key_id, f"sealed with key {key_id}, while the profile's key is {self.key_id}")
        try:
            sealed = base64.b64decode(body, validate=True)
            return self._cipher.decrypt(sealed, [object.encode(), id.encode()]).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise Unopened(key_id, "altered since it was sealed, or moved from another record") from None


def is_sealed(text: str) -> bool:
    """Whether a text of the dead-letter table is a sealed record; a record itself begins with a brace."""
    return text.startswith("sealed:")


def seal_files(database: duckdb.DuckDBPyConnection, object: str, files: Sequence[Path], sealer: Sealer) -> None:
    """Replace `__record` of every rejected row of staged Parquet files by its sealed text, each file in one step.

    The order of a file's rows may change.
    """
    for path in files:
        parts = list(_parts(database, object, path, sealer))
        if parts:
            draft = path.with_name(f"{path.stem}.sealed.parquet")
            kept = "SELECT * FROM read_parquet(?) WHERE __record IS NULL"
            _copy(database, f"{kept} UNION ALL SELECT * FROM read_parquet(?)", draft, [str(path), parts])
            os.replace(draft, path)
        for part in parts:
            Path(part).unlink()


def _parts(database: duckdb.DuckDBPyConnection, object: str, path: Path, sealer: Sealer) -> Iterator[str]:
    """The rejected rows of a file with their sealed texts, in files of which DuckDB can join one within its memory."""
    for at, lines in enumerate(_slices(_lines(database, object, path, sealer))):
        listed, part = (path.with_name(f"{path.stem}-{at:05d}.sealed.{kind}") for kind in ("csv", "parquet"))
        listed.write_text("".join(lines), encoding="ascii")
        _copy(database, _sealed_rows(max(*map(len, lines), LEAST_BUFFER)), part, [str(path), str(listed)])
        listed.unlink()
        yield str(part)


def _lines(database: duckdb.DuckDBPyConnection, object: str, path: Path, sealer: Sealer) -> Iterator[str]:
    """The number of each rejected row and its sealed text as a CSV line."""
    found = database.cursor().execute(
        "SELECT file_row_number, source_id, __record FROM read_parquet(?, file_row_number = true) "
        "WHERE __record IS NOT NULL",
        [str(path)],
    )
    while several := found.fetchmany(AT_ONCE):
        yield from (f"{number},{sealer.seal(object, id, record)}\n" for number, id, record in several)


def _slices(lines: Iterator[str]) -> Iterator[list[str]]:
    """The lines in lists of at most SLICE_BYTES, or of one line."""
    several: list[str] = []
    size = 0
    for line in lines:
        if several and size + len(line) > SLICE_BYTES:
            yield several
            several, size = [], 0
        several.append(line)
        size += len(line)
    if several:
        yield several


def _sealed_rows(longest: int) -> str:
    return f"""SELECT s.* EXCLUDE (file_row_number) REPLACE (c.sealed AS __record)
        FROM read_parquet(?, file_row_number = true) s
        JOIN read_csv(?, columns = {{'number': 'BIGINT', 'sealed': 'VARCHAR'}}, header = false, auto_detect = false,
            delim = ',', quote = '', escape = '', new_line = '\\n', max_line_size = {longest},
            buffer_size = {2 * longest}) c ON c.number = s.file_row_number"""


def _copy(database: duckdb.DuckDBPyConnection, select: str, target: Path, values: Sequence[object]) -> None:
    path = str(target).replace("'", "''")
    database.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet, COMPRESSION snappy)", list(values))
