"""When schedules fire, with the days on which clocks change. Expected times were worked out by hand from the zones'
rules: each is (local time, offset from UTC in hours)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.scheduling.cron import PRESETS, Cron

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
    with pytest.raises(InvalidInputError) as refused:
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


# -- an oracle that knows nothing of cronsim: it looks at a clock on the wall, minute by minute

NAMES = {
    name: number
    for names, first in (("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", 1), ("SUN MON TUE WED THU FRI SAT", 0))
    for number, name in enumerate(names.split(), first)
}
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def allowed(text: str, low: int, high: int) -> set[int]:
    """The numbers of a field."""
    found: set[int] = set()
    for term in text.split(","):
        span, _, step = term.partition("/")
        begin, _, end = span.partition("-")
        first = low if begin == "*" else NAMES.get(begin) if begin in NAMES else int(begin)
        last = NAMES.get(end) if end in NAMES else int(end) if end else high if begin == "*" or step else first
        assert first is not None and last is not None
        found |= set(range(first, last + 1, int(step or 1)))
    return found


def meaning(expression: str) -> Callable[[datetime], bool]:
    """Whether an expression means a local time."""
    fields = expression.split()
    minutes, hours, days, months, weekdays = (
        set[int]() if field == "L" else allowed(field, *bounds) for field, bounds in zip(fields, BOUNDS, strict=True)
    )
    both = fields[2].startswith("*") or fields[4].startswith("*")

    def fits(local: datetime) -> bool:
        if local.minute not in minutes or local.hour not in hours or local.month not in months:
            return False
        day = local.day in days or (fields[2] == "L" and (local + timedelta(days=1)).day == 1)
        weekday = bool({local.isoweekday(), local.isoweekday() % 7} & weekdays)
        return day and weekday if both else day or weekday

    return fits


def seen_on_the_wall(expression: str, zone: str, after: datetime, until: datetime) -> list[datetime]:
    place, fits = ZoneInfo(zone), meaning(expression)
    begin = after - timedelta(days=2)
    walk = [begin + timedelta(minutes=n) for n in range(int((until - begin) / timedelta(minutes=1)) + 1)]
    shown = [at.astimezone(place).replace(tzinfo=None) for at in walk]
    minute, hour, *_ = expression.split()
    if minute.startswith("*") or hour.startswith("*"):
        found = {at for at, local in zip(walk, shown, strict=True) if fits(local)}
    else:  # each such local time once: when the clock first shows it or, if it is left out, something later
        found = set()
        latest = shown[0]
        for at, local in zip(walk, shown, strict=True):
            while latest < local:
                latest += timedelta(minutes=1)
                if fits(latest):
                    found.add(at)
    return sorted(at for at in found if after < at <= until)


CHANGES = [
    (NY, datetime(2026, 3, 8, 7)), (NY, datetime(2026, 11, 1, 6)), (LONDON, datetime(2026, 3, 29, 1)),
    (LONDON, datetime(2026, 10, 25, 1)), (SANTIAGO, datetime(2026, 4, 5, 3)), (SANTIAGO, datetime(2026, 9, 6, 4)),
    (LORD_HOWE, datetime(2026, 4, 4, 15)), (LORD_HOWE, datetime(2026, 10, 3, 15, 30)),
    (KATHMANDU, datetime(2026, 3, 28)), (KATHMANDU, datetime(1985, 12, 31, 18, 30)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10)), ("America/St_Johns", datetime(2006, 4, 2, 3, 31)),
    ("UTC", datetime(2028, 2, 29)), (NY, datetime(2026, 4, 30, 20)),
]  # fmt: skip


@settings(max_examples=300)
@given(
    st.sampled_from(CHANGES),
    st.sampled_from(["*", "*/5", "*/7", "*/30", "0", "15", "30", "0,30", "10-20/5", "59", "1-59/2", "5/20"]),
    st.sampled_from(["*", "*/2", "*/3", "0", "1", "2", "3", "1,2", "0-5", "23", "9-17/4"]),
    st.sampled_from(["*", "*/2", "1", "29", "30", "31", "L", "8", "1,15", "4-6"]),
    st.sampled_from(["*", "*/2", "3", "10-11", "MAR,NOV", "APR", "DEC"]),
    st.sampled_from(["*", "MON", "SUN", "0", "7", "1-5", "MON-FRI/2", "SAT,SUN"]),
    st.integers(0, 1700),
)
def test_what_a_clock_on_the_wall_shows(
    change: tuple[str, datetime], minute: str, hour: str, day: str, month: str, weekday: str, before: int
) -> None:
    zone, at = change
    expression = f"{minute} {hour} {day} {month} {weekday}"
    after = at.replace(tzinfo=UTC) - timedelta(minutes=before)
    until = after + timedelta(minutes=2500)
    wanted = seen_on_the_wall(expression, zone, after, until)
    try:
        cron = Cron.parse(expression, zone)
    except InvalidInputError:
        assert wanted == []
        return
    assert list(takewhile(lambda found: found <= until, cron.times(after))) == wanted


@pytest.mark.parametrize("expression", ["0 0 31 4 *", "0 0 30 2 *", "0 0 30-31 2 */2", "0 0 31 APR,JUN,SEP,NOV *"])
def test_what_never_fires_is_refused_as_such(expression: str) -> None:
    with pytest.raises(InvalidInputError, match="never fires"):
        Cron.parse(expression, NY)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 0 29 2 *", "At 00:00 on February 29"),
        ("0 0 31 * *", "At 00:00 on the 31st day of every month"),
        ("5 4 2,22,23 * *", "At 04:05 on the second, the 22nd, and the 23rd day of month"),
        ("0 18 L * *", "At 18:00 on the last day of every month"),
        ("0 6 LW * *", "At 06:00 on the last weekday of every month"),
        ("*/30 * * * *", "Every 30th minute of every hour"),
        ("0 0 12 * MON#2", "At 00:00 on the 12th day of month or on the second Monday of the month"),
        ("0 0 1-7 * MON", "At 00:00 on every day of month from 1 through 7 or on Monday"),
        ("0 0 */2 * MON", "At 00:00 on every second day of month if it's on Monday"),
        ("@daily", "At 00:00 every day"),
        ("@weekly", "At 00:00 on Sunday"),
        ("@yearly", "At 00:00 on January 1"),
    ],
)
def test_words(expression: str, words: str) -> None:
    assert Cron.parse(expression, KATHMANDU).in_words() == f"{words}, {KATHMANDU} time"


def test_the_next_five_times_through_a_change_of_clocks() -> None:
    told = Cron.parse("0 */3 * * *", LORD_HOWE).upcoming(datetime(2026, 10, 3, 12, tzinfo=UTC))
    assert [t["local"] for t in told] == [
        "2026-10-04T00:00:00+10:30", "2026-10-04T03:00:00+11:00", "2026-10-04T06:00:00+11:00",
        "2026-10-04T09:00:00+11:00", "2026-10-04T12:00:00+11:00",
    ]  # fmt: skip
