"""What each code means, with a wrong and a right example: the sections of docs/reference/diagnostics.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

NAME = "diagnostics.md"
_FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Page:
    """The section of one code."""

    code: str
    title: str
    text: str

    @property
    def wrong(self) -> tuple[str, ...]:
        """The examples that give the code: sentences, or whole files in fences."""
        return tuple(_examples(self._part("Wrong:")))

    @property
    def right(self) -> tuple[str, ...]:
        """The examples that compile."""
        return tuple(_examples(self._part("Write:")))

    def _part(self, label: str) -> str:
        """The text from a label to the next one."""
        found = re.search(rf"^{label}(.*?)(?=^(?:Wrong|Write|To fix):|\Z)", self.text, re.MULTILINE | re.DOTALL)
        return found[1] if found else ""


def _examples(part: str) -> Iterator[str]:
    fenced = _FENCE.findall(part)
    yield from fenced or _SPAN.findall(part)


@cache
def pages() -> Mapping[str, Page]:
    """Code → page, in the order of the reference."""
    sections = re.split(r"^## (?=DUR\d{3} )", _reference(), flags=re.MULTILINE)[1:]
    found = (section.partition("\n") for section in sections)
    return {head[:6]: Page(head[:6], head[7:].strip(), body.strip()) for head, _, body in found}


def _reference() -> str:
    """The reference: beside this module in a wheel, under docs/ in a checkout."""
    packaged = Path(__file__).with_name("reference") / NAME
    return (packaged if packaged.is_file() else Path(__file__).parents[2] / "docs" / "reference" / NAME).read_text(
        encoding="utf-8"
    )
