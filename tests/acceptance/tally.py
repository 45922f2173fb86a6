"""The summary of a corpus of notebooks: counts, ratios of wall times, steps kept, reasons by frequency."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.acceptance.verdict import Verdict

STATES = ("equal", "refused", "different", "left out")
WAYS = ("first", "again", "alone")
PARTICULAR = re.compile(r"`[^`]*`|“[^”]*”|'[^']*'|\"[^\"]*\"|\b\d+(\.\d+)?\b")


@dataclass(frozen=True)
class Ratio:
    """Wall times of one way over those of Run All: the median of the notebooks, and the worst."""

    median: float
    worst: float
    of: str


@dataclass(frozen=True)
class Tally:
    """The summary of a corpus."""

    states: Mapping[str, int]
    ratios: Mapping[str, Ratio]
    repeated: int
    kept: int
    unkept: Sequence[tuple[str, int]]
    left_out: Sequence[tuple[str, int]]

    @property
    def percent_kept(self) -> float:
        """Steps kept of those that Run All repeats, in percent; 100 if there are none."""
        return 100.0 * self.kept / self.repeated if self.repeated else 100.0

    def lines(self) -> list[str]:
        """The summary as text."""
        told = [", ".join(f"{number} {state}" for state, number in self.states.items())]
        told.append(f"steps kept: {self.kept} of {self.repeated} that Run All repeats ({self.percent_kept:.1f} %)")
        told += [
            f"{way}: median {r.median:.2f} x Run All, worst {r.worst:.2f} x ({r.of})" for way, r in self.ratios.items()
        ]
        told += [f"not kept, {number} x: {reason}" for reason, number in self.unkept]
        return [*told, *(f"left out, {number} x: {reason}" for reason, number in self.left_out)]


def tally(verdicts: Iterable[Verdict]) -> Tally:
    """Count a corpus. Notebooks that were left out count in `states` and `left_out` alone."""
    everything = list(verdicts)
    judged = [v for v in everything if v.state != "left out"]
    states = Counter(v.state for v in everything)
    return Tally(
        states={state: states[state] for state in STATES},
        ratios={way: ratio for way in WAYS if (ratio := _ratio(judged, way)) is not None},
        repeated=sum(len(v.repeated) for v in judged),
        kept=sum(len(v.kept) for v in judged),
        unkept=frequencies(reason for v in judged for reason in v.unkept.values()),
        left_out=frequencies(v.reason for v in everything if v.state == "left out"),
    )


def frequencies(reasons: Iterable[str]) -> list[tuple[str, int]]:
    """The kinds of reasons, the most frequent first: names, texts and numbers in them are left open."""
    return sorted(Counter(map(kind_of, reasons)).items(), key=lambda pair: (-pair[1], pair[0]))


def kind_of(reason: str) -> str:
    """A reason without what is particular to one notebook."""
    return PARTICULAR.sub("…", reason)


def _ratio(verdicts: Sequence[Verdict], way: str) -> Ratio | None:
    timed = [v for v in verdicts if v.seconds.get("run all") and way in v.seconds]
    if not timed:
        return None
    ratios = [(v.seconds[way] / v.seconds["run all"], v.name) for v in timed]
    worst, name = max(ratios)
    return Ratio(median(ratio for ratio, _ in ratios), worst, name)
