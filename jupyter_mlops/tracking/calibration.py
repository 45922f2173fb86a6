"""Alarms with a promised rate: calibrated on the job's own earlier runs, whatever their scores look like.

Each run has a score: how far its largest change is beyond what counts. If runs are exchangeable, the rank of a new
score among all before is uniform and independent of the earlier ranks, so that the conformal p-value of a run is valid
and a bet against it is an e-value. The Shiryaev–Roberts sum of the e-values, M = (M + 1) e, reaches A after at least A
runs on average (Shin, Ramdas and Rinaldo, E-detectors, 2024): with A runs in a year there is at most one false
alarm a year on average. Nothing else is assumed of the scores, not even that they follow a known distribution.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mlops.tracking.comparison import Comparison

LEAST_RUNS = 20
CAUTIOUS = 0.5  # part of each bet that is put on moderately small p-values


def score(comparison: Comparison) -> float:
    """The largest change of a comparison, in units of what counts; 0 without columns."""
    ratios = [change.effects.get("ks") or change.effects.get("tv") or 0.0 for change in comparison.columns.values()]
    shares = [finding.size / finding.practical for finding in comparison.findings if finding.practical]
    return max([*(ratio / 0.05 for ratio in ratios), *shares, 0.0])


def e_value(p: float, level: float) -> float:
    """A bet against a p-value, with mean at most 1 where p is valid.

    Half of it wins 1 / level where p is below the level; the other half is the mixture of all powers of p (Vovk and
    Wang, E-values, Annals of Statistics 2021), which wins on many moderately small values in a row.
    """
    if not 0 < p < 1:
        mixture = 0.5 if p >= 1 else math.inf
    else:
        logarithm = math.log(p)
        mixture = (1 - p + p * logarithm) / (p * logarithm**2)
    sure = 1 / level if p <= level else 0.0
    return CAUTIOUS * mixture + (1 - CAUTIOUS) * sure


@dataclass(frozen=True)
class Calibration:
    """What the scores of earlier runs say about the next one.

    :param scores: sorted scores since the last alarm.
    :param evidence: the sum M; an alarm is due at `runs_between`.
    :param runs_between: the promised mean number of runs between false alarms.
    """

    scores: tuple[float, ...]
    evidence: float
    runs_between: float

    @property
    def ready(self) -> bool:
        """Whether there is enough history to judge."""
        return len(self.scores) >= LEAST_RUNS

    @property
    def threshold(self) -> float | None:
        """The score beyond which the next run is an alarm at once; None if no single run can be one yet."""
        if not self.ready:
            return None
        highest = 1 / (len(self.scores) + 1)
        if (self.evidence + 1) * e_value(highest, self.level) < self.runs_between:
            return None
        return self.scores[-1]

    @property
    def level(self) -> float:
        """The p-value on which half of the next bet is put: the smallest that so many runs allow."""
        return max(1 / (len(self.scores) + 1), 0.5 / self.runs_between)

    def p_value(self, score: float) -> float:
        """Share of the scores, the new one among them, that are at least as large."""
        return (len(self.scores) - bisect.bisect_left(self.scores, score) + 1) / (len(self.scores) + 1)

    def add(self, score: float) -> tuple[Calibration, bool]:
        """The calibration after another run, and whether that run is an alarm. An alarm begins a new history."""
        value = score if math.isfinite(score) else math.inf
        if not self.ready:
            return self._with(value, 0.0), False
        evidence = (self.evidence + 1) * e_value(self.p_value(value), self.level)
        if evidence >= self.runs_between:
            return Calibration(self.scores, 0.0, self.runs_between), True
        return self._with(value, evidence), False

    def _with(self, score: float, evidence: float) -> Calibration:
        place = bisect.bisect_right(self.scores, score)
        return Calibration((*self.scores[:place], score, *self.scores[place:]), evidence, self.runs_between)


def calibrate(history: Sequence[float], runs_between: float = 365) -> Calibration:
    """Learn from the scores of earlier runs, in the order of time.

    The first LEAST_RUNS scores are taken as they are; later ones are judged as they would have been.

    :param runs_between: the promise: so many runs lie between two false alarms, on average at least. The number of
        runs in a year promises at most one a year.
    """
    calibration = Calibration((), 0.0, runs_between)
    for value in history:
        calibration, _ = calibration.add(value)
    return calibration


def alarms(scores: Sequence[float], runs_between: float = 365) -> list[int]:
    """Positions of the runs that are alarms, each judged by the runs before it."""
    calibration = Calibration((), 0.0, runs_between)
    positions = []
    for position, value in enumerate(scores):
        calibration, alarm = calibration.add(value)
        if alarm:
            positions.append(position)
    return positions
