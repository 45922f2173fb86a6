"""The tests on a frame as a whole: number of rows, repeated rows, freshness."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_mlops.tracking.column_tests import percent
from jupyter_mlops.tracking.drift_finding import DriftFinding, Measure
from jupyter_mlops.tracking.noise import share_chance

DUPLICATES = 0.01
FACTOR = 2.0  # more or fewer rows than the reference, where no history says what is usual
LEAST_HISTORY = 8
TOLERANCE = 0.2  # change of the number of rows that is never a finding
QUANTILE = 5.41  # of Student's t with 7 degrees of freedom, 99.9 % on two sides: the fewest that LEAST_HISTORY allows
Document = Mapping[str, Any]


@dataclass(frozen=True)
class RunTimes:
    """When the reference run and the current run were."""

    reference: datetime
    current: datetime


def row_number(reference: Document, current: Document, earlier: Sequence[int] = ()) -> list[DriftFinding]:
    """No rows; or far more or fewer than usual.

    With at least eight earlier runs, usual is a prediction interval of the logarithms of their numbers; without them
    it is half to double the reference.
    """
    before, now = int(reference["rows"]), int(current["rows"])
    if not now and (before or any(earlier)):
        return [DriftFinding("empty", "", f"there are no rows; the reference has {before}")]
    if not before or not now:
        return []
    low, high, basis = before / FACTOR, before * FACTOR, "the reference"
    logs = [math.log(rows) for rows in earlier if rows > 0]
    if len(logs) >= LEAST_HISTORY:
        mean = sum(logs) / len(logs)
        deviation = math.sqrt(sum((value - mean) ** 2 for value in logs) / (len(logs) - 1))
        reach = max(QUANTILE * deviation * math.sqrt(1 + 1 / len(logs)), math.log1p(TOLERANCE))
        low, high, basis = math.exp(mean - reach), math.exp(mean + reach), f"the last {len(logs)} runs"
    if low < now < high:
        return []
    text = f"{now} rows; by {basis}, {math.ceil(low)} to {math.floor(high)} are usual"
    data = {"low": low, "high": high, "basis": basis}
    return [DriftFinding("rows", "", text, abs(math.log(now / before)), math.log(FACTOR), None, data)]


def duplicates(reference: Document, current: Document, sizes: tuple[int, int]) -> list[Measure]:
    """Rows that repeat an earlier one. Where they are usual, nothing is tested: their share grows with the rows."""
    counts = reference["duplicates"], current["duplicates"]
    if None in counts or not all(sizes) or counts[0] > 0.01 * sizes[0] or sizes[1] > 2 * sizes[0]:
        return []
    before, now = counts[0] / sizes[0], counts[1] / sizes[1]
    text = f"{percent(now)} of the rows repeat an earlier row, {percent(before)} in the reference"
    # Pairs of equal rows grow with the square of the rows, and come in groups: half as many are as telling.
    expected = min(sizes[0], math.ceil(counts[0] * max(1.0, sizes[1] / sizes[0])))
    chance = share_chance(expected // 2, sizes[0] // 2, counts[1] // 2, sizes[1] // 2)
    return [Measure("duplicates", "duplicates", "", text, now - before, DUPLICATES, chance)]


def stale(name: str, reference: Document, current: Document, times: RunTimes) -> Iterator[DriftFinding]:
    """A column of times that kept up with the clock in the reference, and no longer does."""
    latest = [_latest(part) for part in (reference, current)]
    elapsed = times.current - times.reference
    if latest[0] is None or latest[1] is None or elapsed < timedelta(hours=2):
        return
    unit = max(
        (timedelta(days=1) if part["times"]["unit"] == "day" else timedelta(hours=1)) for part in (reference, current)
    )
    lag = times.reference - latest[0]
    if not -unit <= lag <= max(3 * elapsed, timedelta(days=3)):
        return  # not a column that follows the clock: dates of birth, contracts
    behind = elapsed - (latest[1] - latest[0])
    if behind > elapsed / 2 and behind > unit:
        text = (
            f"`{name}`: the latest time is {current['times']['last']}, {_span(behind)} older than the reference's was"
        )
        size, practical = behind.total_seconds(), (elapsed / 2).total_seconds()
        yield DriftFinding("stale", name, text, size, practical, None, {"latest": current["times"]["last"]})


def _latest(column: Document) -> datetime | None:
    last = (column.get("times") or {}).get("last")
    if not isinstance(last, str):
        return None
    return datetime.fromisoformat(last.removesuffix("Z")).replace(tzinfo=UTC)


def _span(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:.3g} days" if hours >= 48 else f"{hours:.3g} hours"
