"""Which API versions may be used on which day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from durable_runtime.configuration import API_VERSION
from durable_runtime.errors import ConfigurationError
from durable_runtime.salesforce.api_versions import NOTICE, RETIREMENTS, notice


def on(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@pytest.mark.parametrize("retirement", RETIREMENTS, ids=lambda one: one.release)
def test_a_version_is_silent_then_warned_about_then_refused(retirement: object) -> None:
    one = next(each for each in RETIREMENTS if each is retirement)
    for version in (f"{one.first}.0", f"{one.last}.0"):
        assert notice(version, on(one.on - NOTICE - timedelta(days=1))) is None
        warned = notice(version, on(one.on - NOTICE))
        assert warned is not None
        assert f"version {version} with {one.release} (from {one.on})" in warned
        assert notice(version, on(one.on - timedelta(days=1))) == warned
        with pytest.raises(ConfigurationError, match=f"retired API version {version}") as caught:
            notice(version, on(one.on))
        assert f"{one.last + 1}.0 or later" in caught.value.help


def test_the_table_has_no_gap_and_the_default_is_in_no_row() -> None:
    assert [one.first for one in RETIREMENTS] == [1, *(one.last + 1 for one in RETIREMENTS[:-1])]
    assert [one.on for one in RETIREMENTS] == sorted(one.on for one in RETIREMENTS)
    assert notice(API_VERSION, on(date(2028, 12, 1))) is None
