"""A region is inside another however the clouds spell it, and nowhere else."""

from __future__ import annotations

import pytest

from durable_runtime.residency import inside

INSIDE = [
    ("eu", "eu"),
    ("EU", "eu"),
    ("aws:eu-central-1", "eu"),
    ("AWS_EU_CENTRAL_1", "eu"),
    ("eu-west-1", "eu"),
    ("azure_westeurope", "eu"),
    ("gcp:europe-west4", "eu"),
    ("aws:us-east-1", "us"),
    ("AZURE_EASTUS2", "us"),
    ("AWS_EU_CENTRAL_1", "aws:eu-central-1"),
    ("aws:ca-central-1", "ca"),
]
OUTSIDE = [
    ("", "eu"),
    ("us", "eu"),
    ("aws:us-east-1", "eu"),
    ("australia", "us"),
    ("aws:ap-southeast-2", "us"),
    ("eu", "aws:eu-central-1"),
    ("aws:eu-west-1", "aws:eu-central-1"),
    ("azure:eu-central-1", "aws:eu-central-1"),
    ("neutral", "eu"),
    ("aws:eu-central-1", "us"),
]


@pytest.mark.parametrize(("region", "allowed"), INSIDE)
def test_a_region_inside(region: str, allowed: str) -> None:
    assert inside(region, allowed)


@pytest.mark.parametrize(("region", "allowed"), OUTSIDE)
def test_a_region_outside(region: str, allowed: str) -> None:
    assert not inside(region, allowed)
