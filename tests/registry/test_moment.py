"""Times that people write."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.registry.moment import parse_moment


@pytest.fixture(autouse=True)
def paris(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Paris")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "utc", "written"),
    [
        (
            "2026-03-01",
            "2026-03-01T22:59:59.999999",
            "the end of 2026-03-01: 2026-03-01 23:59:59+01:00, the local zone",
        ),
        (
            "2026-07-01",
            "2026-07-01T21:59:59.999999",
            "the end of 2026-07-01: 2026-07-01 23:59:59+02:00, the local zone",
        ),
        (
            "2026-03-29",
            "2026-03-29T21:59:59.999999",
            "the end of 2026-03-29: 2026-03-29 23:59:59+02:00, the local zone",
        ),
        ("2026-03-01T12:00", "2026-03-01T11:00:00", "2026-03-01 12:00:00+01:00, the local zone"),
        ("2026-03-01 12:00:30", "2026-03-01T11:00:30", "2026-03-01 12:00:30+01:00, the local zone"),
        ("2026-03-01T12:00+02:00", "2026-03-01T10:00:00", "2026-03-01 12:00:00+02:00"),
        ("2026-03-01T12:00Z", "2026-03-01T12:00:00", "2026-03-01 12:00:00+00:00"),
    ],
)
def test_times(text: str, utc: str, written: str) -> None:
    moment = parse_moment(text)
    assert datetime.fromtimestamp(moment.seconds, UTC).replace(tzinfo=None).isoformat() == utc
    assert moment.text == written


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30", "2026-13-01", "0001-01-01", "9999-12-31", "2026-03-01T25:00", "12:00",
             "2026-03-01T12:00+99:00", "'; drop table", "1767225600", "２０２６-03-01x"],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InvalidInputError, match="not a date or a time") as refused:
        parse_moment(text)
    assert "2026-03-01T12:00+02:00" in refused.value.remedy
