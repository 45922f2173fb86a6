"""What is proposed for a text that names no time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.scheduling.cron import Cron
from jupyter_mlops.scheduling.zone import ABBREVIATIONS, FAMILIAR, WINDOWS, proposal, zone

WINTER = datetime(2026, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("GMT+3", ["'Etc/GMT-3'", "opposite sign", "UTC+03:00", "'Africa/Nairobi'"]),
        ("gmt+3", ["'Etc/GMT-3'"]),
        ("UTC+2", ["'Etc/GMT-2'", "'Africa/Johannesburg'"]),
        ("UTC-05:00", ["'Etc/GMT+5'", "'America/Bogota'"]),
        ("UTC\u22125", ["'Etc/GMT+5'"]),
        ("+0530", ["UTC+05:30", "'Asia/Kolkata'"]),
        ("+05:45", ["'Asia/Kathmandu'"]),
        ("-3", ["'Etc/GMT+3'", "'America/Sao_Paulo'"]),
        ("GMT+14", ["'Etc/GMT-14'", "'Pacific/Kiritimati'"]),
        ("GMT-12", ["'Etc/GMT+12'"]),
        ("GMT+15", ["No place has UTC+15:00"]),
        ("+03:17", ["No place has UTC+03:17"]),
        ("UTC+0", ["'UTC'"]),
        ("PST", ["'America/Los_Angeles'"]),
        ("cest", ["'Europe/Berlin'"]),
        ("IST", ["'Asia/Kolkata' or 'Europe/Dublin'"]),
        ("W. Europe Standard Time", ["Windows", "'Europe/Berlin'"]),
        ("Eastern Daylight Time", ["'America/New_York'"]),
        ("Pacific Time", ["'America/Los_Angeles'"]),
        ("europe/paris", ["Did you mean 'Europe/Paris'?"]),
        ("Europe/Pari", ["Did you mean 'Europe/Paris'?"]),
        ("utc", ["Did you mean"]),
        ("Berlin", ["Did you mean 'Europe/Berlin'?"]),
        ("new york", ["Did you mean 'America/New_York'?"]),
        ("Berln", ["Did you mean 'Europe/Berlin'?"]),
    ],
)
def test_proposals(text: str, says: list[str]) -> None:
    told = proposal(text, WINTER)
    assert all(part in told for part in says), told


@pytest.mark.parametrize("text", ["", "nowhere at all", "../../etc/passwd", "+", "12"])
def test_nothing_is_proposed_for_what_comes_near_to_nothing(text: str) -> None:
    assert proposal(text, WINTER) == ""


@pytest.mark.parametrize("hours", [h for h in range(-12, 15) if h])
def test_a_proposed_zone_has_the_offset_that_was_written(hours: int) -> None:
    told = proposal(f"GMT{hours:+}", WINTER)
    named = told.split("'")[1::2]
    assert named, told
    for name in named:
        assert WINTER.astimezone(ZoneInfo(name)).utcoffset() == timedelta(hours=hours), told


def test_every_zone_that_may_be_proposed_is_there() -> None:
    named = {*FAMILIAR, *WINDOWS.values(), *(place for places in ABBREVIATIONS.values() for place in places.split())}
    assert named <= available_timezones()


@pytest.mark.parametrize("name", ["EST5EDT", "CET", "Etc/GMT+3", "UTC", "America/Argentina/Buenos_Aires"])
def test_what_is_a_zone_is_taken(name: str) -> None:
    assert zone(name).key == name


def test_a_schedule_says_it() -> None:
    with pytest.raises(InvalidInputError) as refused:
        Cron.parse("daily", "GMT+3")
    assert "Etc/GMT-3" in refused.value.remedy
