"""When schedules fire, with the days on which clocks change. Expected times were worked out by hand from the zones'
rules: each is (local time, offset from UTC in hours)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import BadInput
from jupyter_mlops.jobs.cron import PRESETS, Cron

NY, LONDON, SANTIAGO = "America/New_York", "Europe/London", "America/Santiago"
LORD_HOWE, KATHMANDU = "Australia/Lord_Howe", "Asia/Kathmandu"


def fired(expression: str, zone: str, begin: str, end: str) -> list[str]:
    """The local times, with offset, that it fires between two local times."""
    place = ZoneInfo(zone)
    after = datetime.fromisoformat(begin).replace(tzinfo=place) - timedelta(seconds=1)
    until = datetime.fromisoformat(end).replace(tzinfo=place)
    cron = Cron.parse(expression, zone)
    return [
        found.astimezone(place).strftime("%m-%d %H:%M%z") for found in cron.between(after, until, 10_000)[0]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "zone", "begin", "end", "expected"),
    [
        # daily inside the hour that is left out: once, later
        ("30 2 * * *", NY, "2026-03-07", "2026-03-10", ["03-07 02:30-0500", "03-08 03:00-0400", "03-09 02:30-0400"]),
        ("30 1 * * *", LONDON, "2026-03-29", "2026-03-30 02:00", ["03-29 02:00+0100", "03-30 01:30+0100"]),
        ("30 0 * * *", SANTIAGO, "2026-09-06", "2026-09-07 01:00", ["09-06 01:00-0300", "09-07 00:30-0300"]),
        ("15 2 * * *", LORD_HOWE, "2026-10-04", "2026-10-05 03:00", ["10-04 02:30+1100", "10-05 02:15+1100"]),
        ("15 2 * * *", KATHMANDU, "2026-03-29", "2026-03-30 03:00", ["03-29 02:15+0545", "03-30 02:15+0545"]),
        # daily inside the hour that comes twice: once
        ("30 1 * * *", NY, "2026-11-01", "2026-11-02 02:00", ["11-01 01:30-0400", "11-02 01:30-0500"]),
        ("30 1 * * *", LONDON, "2026-10-25", "2026-10-26 02:00", ["10-25 01:30+0100", "10-26 01:30+0000"]),
        ("45 1 * * *", LORD_HOWE, "2026-04-05", "2026-04-06 02:00", ["04-05 01:45+1100", "04-06 01:45+1030"]),
        # every half hour through both
        ("*/30 * * * *", NY, "2026-03-08 01:00", "2026-03-08 04:00",
         ["03-08 01:00-0500", "03-08 01:30-0500", "03-08 03:00-0400", "03-08 03:30-0400", "03-08 04:00-0400"]),
        ("*/30 * * * *", NY, "2026-11-01 00:30", "2026-11-01 02:00",
         ["11-01 00:30-0400", "11-01 01:00-0400", "11-01 01:30-0400", "11-01 01:00-0500", "11-01 01:30-0500",
          "11-01 02:00-0500"]),
        # days
        ("0 12 29 2 *", "UTC", "2026-01-01", "2033-01-01", ["02-29 12:00+0000"] * 2),
        ("0 0 31 * *", "UTC", "2026-01-01", "2026-07-01",
         ["01-31 00:00+0000", "03-31 00:00+0000", "05-31 00:00+0000"]),
        ("0 0 13 * FRI", "UTC", "2026-11-01", "2026-11-15",
         ["11-06 00:00+0000", "11-13 00:00+0000"]),  # the 13th, or a Friday
        ("0 0 10 * FRI", "UTC", "2026-11-05", "2026-11-15",
         ["11-06 00:00+0000", "11-10 00:00+0000", "11-13 00:00+0000"]),
        ("0 18 L * *", "UTC", "2026-01-15", "2026-04-15",
         ["01-31 18:00+0000", "02-28 18:00+0000", "03-31 18:00+0000"]),
        ("0 6 * * MON-FRI", "Europe/Paris", "2026-11-27", "2026-12-01",
         ["11-27 06:00+0100", "11-30 06:00+0100"]),
    ],
)  # fmt: skip
def test_times(expression: str, zone: str, begin: str, end: str, expected: list[str]) -> None:
    assert fired(expression, zone, begin, end) == expected


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [(NY, "2026-03-08", 23), (NY, "2026-11-01", 25), (LONDON, "2026-03-29", 23), (LONDON, "2026-10-25", 25),
     (SANTIAGO, "2026-09-06", 23), (SANTIAGO, "2026-04-04", 25), (KATHMANDU, "2026-03-08", 24), (NY, "2026-06-01", 24)],
)  # fmt: skip
def test_hourly_fires_as_often_as_there_are_hours(zone: str, day: str, hours: int) -> None:
    midnight = (datetime.fromisoformat(day) + timedelta(days=1)).isoformat()
    assert len(fired("0 * * * *", zone, day, midnight)) == hours + 1


@pytest.mark.parametrize(
    ("expression", "zone", "says"),
    [("61 * * * *", "UTC", "Bad minute"), ("* * * *", "UTC", "not a cron expression"), ("", "UTC", "Five fields"),
     ("0 6 * * * *", "UTC", "Five fields"), ("0 0 31 2 *", "UTC", "'0 0 31 2 *'"),
     ("* * * * MOX", "UTC", "day-of-week"),
     ("0 6 * * *", "Europe/Pariss", "Did you mean 'Europe/Paris'?"), ("0 6 * * *", "", "time zone"),
     ("0 6 * * *", "../../etc/passwd", "time zone"), ("\n", "UTC", "cron")],
)  # fmt: skip
def test_what_can_not_be_a_schedule_is_refused(expression: str, zone: str, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        Cron.parse(expression, zone)
    assert says in str(refused.value)


@pytest.mark.parametrize("name", PRESETS)
def test_presets(name: str) -> None:
    assert Cron.parse(name, "UTC").expression == PRESETS[name]


def test_words_and_what_comes_next() -> None:
    cron = Cron.parse("0 6 * * MON-FRI", "Europe/Paris")
    assert cron.in_words() == "At 06:00 on Monday through Friday, Europe/Paris time"
    told = Cron.parse("30 12 * * *", NY).upcoming(datetime(2026, 3, 7, 18, tzinfo=UTC), 2)
    assert [(t["local"], t["clocks_change"]) for t in told] == [
        ("2026-03-08T12:30:00-04:00", True),
        ("2026-03-09T12:30:00-04:00", False),
    ]


@given(
    st.sampled_from(["* * * * *", "*/7 * * * *", "0 * * * *", "30 1 * * *", "0 0 1 * *"]),
    st.sampled_from([NY, LONDON, LORD_HOWE, SANTIAGO, "UTC"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.integers(1, 40_000),
    st.integers(1, 20),
)
def test_the_last_times_of_a_span_are_found_without_walking_through_it(
    expression: str, zone: str, begin: datetime, minutes: int, limit: int
) -> None:
    after = begin.replace(tzinfo=UTC)
    until = after + timedelta(minutes=minutes)
    cron = Cron(expression, zone)
    found, more = cron.between(after, until, limit)
    everything, _ = cron.between(after, until, 1_000_000)
    assert found == everything[-limit:]
    assert more == (len(everything) > limit)
    assert everything == sorted(set(everything))
