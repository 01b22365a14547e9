"""CSV pages as Bulk API 2.0 writes them: every value quoted, nothing escaped but the quote, null as an empty value."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durable_runtime.errors import DiskFull

REST_DATETIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\+0000")
NUL = b"\x00"
HALF = re.compile("[\ud800-\udfff]")
ALL_BUT_MARKS = bytes(set(range(256)) - set(b'"\n'))


@dataclass(frozen=True, slots=True)
class Page:
    """A landed file, its header, the records counted in it and the NUL bytes taken out.

    `halves` are unpaired surrogates, as of an emoji that was cut in two: UTF-8 has no form for them, and `?` is put in.
    """

    path: Path
    columns: tuple[str, ...]
    rows: int
    nul_bytes: int
    whole: bool = True  # False where the text ends inside a quoted value
    halves: int = 0


class RecordCounter:
    """Counts CSV records in a stream of bytes by quote parity: a line feed outside quotes ends a record."""

    def __init__(self) -> None:
        self.lines = 0
        self._inside = False
        self._open_line = False
        self._header = b""
        self._header_done = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; NUL bytes must be gone."""
        if not chunk:
            return
        marks = (b'"' if self._inside else b"") + chunk.translate(None, ALL_BUT_MARKS)
        self._inside = marks.count(b'"') % 2 == 1
        # A pair of quotes with no line feed between changes nothing: without pairs the split is three times faster,
        # and less than half of what counting with DuckDB costs.
        outside = marks.replace(b'""', b"").split(b'"')[::2]
        self.lines += b"".join(outside).count(b"\n")
        self._open_line = self._inside or chunk[-1:] != b"\n"
        if not self._header_done:
            self._header += chunk
            self._header_done = b"\n" in self._header

    @property
    def whole(self) -> bool:
        """Whether the bytes so far end outside a quoted value."""
        return not self._inside

    @property
    def rows(self) -> int:
        """Records after the header; a last one without a line feed counts."""
        return max(self.lines + self._open_line - 1, 0)

    @property
    def columns(self) -> tuple[str, ...]:
        """The header's names."""
        line = self._header.split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8")
        return tuple(name.strip('"') for name in line.split(",")) if line else ()


def private_folder(path: Path) -> Path:
    """The folder, made with mode 0700: landed files hold records."""
    with disk_full(path):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.chmod(0o700)
    return path


@contextmanager
def disk_full(path: Path) -> Iterator[None]:
    """Turn "no space left" and "quota exceeded" into DiskFull; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"There is no room left to land records in {path.parent.name}/{path.name}.",
                help="Free some space, or point paths.state to a larger disk; then run again.",
            ) from error
        raise


def write_stream(path: Path, chunks: Iterable[bytes]) -> Page:
    """Write a CSV page as it arrives, without NUL bytes, counting as it goes; the name appears when it is complete."""
    counter, nul_bytes = RecordCounter(), 0
    draft = path.with_suffix(".part")
    with disk_full(path), draft.open("wb") as file:
        for chunk in chunks:
            if NUL in chunk:
                nul_bytes += chunk.count(NUL)
                chunk = chunk.replace(NUL, b"")
            counter.feed(chunk)
            file.write(chunk)
    draft.replace(path)
    return Page(path, counter.columns, counter.rows, nul_bytes, counter.whole)


def write_records(
    path: Path, columns: tuple[str, ...], records: Iterable[Mapping[str, Any]], datetimes: frozenset[str]
) -> Page:
    """Write REST records byte for byte as Bulk would have sent them."""
    rows = nul_bytes = halves = 0
    with disk_full(path), path.open("wb") as file:
        file.write(_line(columns).encode())
        for record in records:
            line = _line(tuple(_text(record, column, column in datetimes) for column in columns))
            nul_bytes += line.count("\x00")
            text, cut = _utf8(line.replace("\x00", ""))
            file.write(text)
            halves += cut
            rows += 1
    return Page(path, columns, rows, nul_bytes, halves=halves)


def _utf8(line: str) -> tuple[bytes, int]:
    try:
        return line.encode(), 0
    except UnicodeEncodeError:  # JSON can say what no text holds
        return line.encode(errors="replace"), len(HALF.findall(line))


def _line(values: tuple[str, ...]) -> str:
    return '"' + '","'.join(value.replace('"', '""') for value in values) + '"\n'


def _text(record: Mapping[str, Any], path: str, is_datetime: bool) -> str:
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if value is not None else None
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    found = REST_DATETIME.fullmatch(text) if is_datetime else None
    return f"{found[1]}Z" if found else text
