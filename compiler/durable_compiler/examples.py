"""The example that every page and the demo use: one text, the repository's own requirements."""

from __future__ import annotations

from pathlib import Path

NAME = "customer_data.md"


def customer_data() -> str:
    """The example's requirements: beside this module in a wheel, at the top of the repository in a checkout."""
    packaged = Path(__file__).with_name("examples") / NAME
    return (packaged if packaged.is_file() else Path(__file__).parents[2] / "requirements" / NAME).read_text("utf-8")
