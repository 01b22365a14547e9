"""How much is asked of Salesforce at once: where Bulk begins, how long a page is, when an object is read in parts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Records, but for `downloads`, pages on their way at once, and `job_seconds`, how long a Bulk job may take.

    `rest_below` is Salesforce's own rule of thumb for one REST page. A window of more than `partition_rows` is read
    by Id ranges, each a Bulk job of its own; where calls or time are limited, it is cut into sub-windows of at most
    `slice_rows` instead, so that each one that was paid for can be committed.
    """

    rest_below: int = 2_000
    page_records: int = 50_000
    partition_rows: int = 1_000_000
    slice_rows: int = 200_000
    downloads: int = 4
    job_seconds: int = 21_600


SIZES = Sizes()
