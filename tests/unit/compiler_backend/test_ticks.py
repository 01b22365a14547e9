"""The crontab line ticks at every minute at which the schedule can be due on the host's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from durable_compiler.ticks import tick_minutes

ZONES = ("UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Chatham", "Asia/Kolkata")


@pytest.mark.parametrize(
    ("cron", "minutes"),
    [
        ("0 2 * * *", "0,15,30,45"),
        ("30 2 * * *", "0,15,30,45"),
        ("7 2 * * 1-5", "7,22,37,52"),
        ("*/15 * * * *", "0,15,30,45"),
        ("5,10 * * * *", "5,10,20,25,35,40,50,55"),
        ("0-2 * * * *", "0,1,2,15,16,17,30,31,32,45,46,47"),
        ("10-20/5 * * * *", "0,5,10,15,20,25,30,35,40,45,50,55"),
        ("*/5 * * * *", "0,5,10,15,20,25,30,35,40,45,50,55"),
        ("50/5 * * * *", "5,10,20,25,35,40,50,55"),
        ("* * * * *", "*"),
    ],
)
def test_the_minutes_are_closed_under_a_quarter_of_an_hour(cron: str, minutes: str) -> None:
    assert tick_minutes(cron) == minutes


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", ["0 2 * * *", "7 23 1 * *", "*/20 4 * * *", "59 * * * *"])
def test_no_zone_has_an_instant_between_the_ticks(zone: str, cron: str) -> None:
    ticks = {int(one) for one in tick_minutes(cron).split(",")}
    due = islice(CronSim(cron, datetime(2026, 1, 1, tzinfo=ZoneInfo(zone))), 500)
    assert {one.astimezone(UTC).minute for one in due} <= ticks
