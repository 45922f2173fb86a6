"""`python -m tests.benchmarks.alarm_rate [YEARS]`: false alarms of calibrated jobs in simulated years of daily runs.

Each job-year is 365 runs without a change, after a history of 20 to 400 runs, with scores of a distribution that
the calibration does not know: heavy tails, ties, two kinds of days. Then the delay after a change, in runs.
"""

from __future__ import annotations

import sys
from statistics import median

import numpy as np

from jupyter_mlops.tracking.calibration import alarms, calibrate

LAWS = ("normal", "lognormal", "cauchy", "ties", "weekends")


def scores(law: str, size: int, rng: np.random.Generator) -> np.ndarray:
    if law == "normal":
        return rng.normal(1, 0.2, size)
    if law == "lognormal":
        return rng.lognormal(0, 1, size)
    if law == "cauchy":
        return np.abs(rng.standard_cauchy(size))
    if law == "ties":
        return rng.poisson(1, size).astype(float)
    return np.where(rng.random(size) < 2 / 7, rng.normal(3, 0.3, size), rng.normal(1, 0.2, size))


def false_alarms(law: str, history: int, years: int, seed: int = 0) -> float:
    """Mean number of alarms in a year without a change."""
    rng = np.random.default_rng(seed)
    total = 0
    for _ in range(years):
        total += sum(position >= history for position in alarms(scores(law, history + 365, rng).tolist()))
    return total / years


def delay(law: str, history: int, years: int, seed: int = 0) -> float:
    """Median number of runs from a change that doubles every score and adds 4, to the alarm."""
    rng = np.random.default_rng(seed)
    delays = []
    for _ in range(years):
        calibration = calibrate(scores(law, history, rng).tolist())
        for run, value in enumerate(2 * scores(law, 60, rng) + 4):
            calibration, alarm = calibration.add(float(value))
            if alarm:
                delays.append(run + 1)
                break
        else:
            delays.append(61)
    return median(delays)


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    worst = 0.0
    for name in LAWS:
        for length in (20, 100, 400):
            rate = false_alarms(name, length, number // 15 + 1)
            worst = max(worst, rate)
            print(f"{name:10} history {length:3}: {rate:.2f} a year, alarm after {delay(name, length, 30):g} runs")
    sys.exit(worst > 1)
