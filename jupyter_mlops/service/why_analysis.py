"""The analysis behind `why`: which hybrids to run, and what their values show. It runs nothing itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING, Any

from jupyter_mlops.service.hybrid_runs import Outcome, OutOfBudgetError, Sample
from jupyter_mlops.service.waiting import EventCallback
from jupyter_mlops.service.why_report import hybrid_name, sentences
from jupyter_mlops.tracking.attribution import (
    Attribution,
    Coalition,
    Share,
    attribute,
    coalitions,
    pooled_deviation,
)
from jupyter_mlops.tracking.delta_debugging import minimize
from jupyter_mlops.versions.hybrid import AXES, Difference, axes_of

if TYPE_CHECKING:
    from jupyter_mlops.service.hybrid_runs import Choice, HybridRuns
    from jupyter_mlops.service.why import Case

SMALL_SHARE = 0.05  # of the largest one: a share that is not narrowed down
TOLERANCE = 0.05  # of an effect: how close to it a value must be that has the effect
MAX_TOLERANCE = 0.5
SIGMAS = 3.0


@dataclass
class Ends:
    """The values of the two runs: repeated now, and as they were recorded.

    :param explained: whether the repeated values agree with the recorded ones.
    """

    before: list[float]
    after: list[float]
    is_deterministic: bool
    explained: bool = True


class Analysis:
    """One question about two runs."""

    def __init__(self, case: Case, runs: HybridRuns, repeats: int, on_event: EventCallback) -> None:
        self.case, self.runs, self.repeats, self.on_event = case, runs, repeats, on_event
        self.differences = case.hybrids.differences
        self.axes = axes_of(self.differences)
        self.notes: list[str] = [*case.notes, *case.hybrids.notes]
        self.interactions: dict[Coalition, str] = {}
        self.values: dict[Coalition, list[float]] = {}

    def result(self) -> dict[str, Any]:
        """The answer as JSON."""
        ends = self._ends()
        self.values = {frozenset(): ends.before, frozenset(self.axes): ends.after}
        if not self.axes:
            self.values = {frozenset(): ends.after}
        self._run_coalitions(1 if ends.is_deterministic else max(self.repeats, 1))
        attribution = attribute(self.axes, self.values)
        causes = self._causes(attribution)
        recorded = self._recorded()
        change = recorded[1] - recorded[0]
        residual = change - attribution.change
        question = self.case.question
        answer: dict[str, Any] = {
            "run": self.case.run.id, "good": self.case.good.id, "job": self.case.run.job, "metric": question.metric,
            "error": question.ename, "before": recorded[0], "after": recorded[1], "change": change,
            "deterministic": ends.is_deterministic, "noise": self._deviation(ends),
            "axes": {axis: [self._description(d) for d in self._of([axis])] for axis in self.axes},
            "shares": [
                {"axes": list(share.causes), "share": share.value, "noise": share.noise, "limit": share.limit,
                 "within_noise": share.is_within_noise, "causes": causes.get(share.causes, [])}
                for share in sorted(attribution.shares, key=lambda s: -abs(s.value))
            ],
            "residual": residual, "residual_within_noise": self._is_noise(residual, ends),
            "interactions": list(self.interactions.values()), "hybrids": len(self.runs.ids),
            "runs": list(self.runs.ids),
            "notes": list(dict.fromkeys([*self.notes, *self.case.hybrids.notes])),
        }  # fmt: skip
        return {**answer, "words": sentences(answer)}

    # -- the two ends

    def _recorded(self) -> tuple[float, float]:
        values = [self.case.question.value(run) for run in (self.case.good, self.case.run)]
        assert values[0] is not None and values[1] is not None
        return values[0], values[1]

    def _ends(self) -> Ends:
        """The values of the two runs, repeated until it is known whether they are deterministic."""
        recorded = self._recorded()
        if not self.repeats:
            return Ends([recorded[0]], [recorded[1]], is_deterministic=True)
        try:
            first = self._repeated([0])
            if all(values in ([], [record]) for values, record in zip(first, recorded, strict=True)):
                return Ends([recorded[0]], [recorded[1]], is_deterministic=True)
            samples = self._repeated(list(range(self.repeats + 1)))
        except OutOfBudgetError:
            self.notes.append("the budget did not allow to repeat the two runs: noise is not known")
            return Ends([recorded[0]], [recorded[1]], is_deterministic=True)
        deviation, _ = pooled_deviation([values for values in samples if values])
        agree = [_agrees(record, values, deviation) for record, values in zip(recorded, samples, strict=True)]
        before, after = (
            [*values, record] if ok else values for values, record, ok in zip(samples, recorded, agree, strict=True)
        )
        is_deterministic = all(len(set(values)) == 1 for values in (before, after))
        return Ends(before, after, is_deterministic, all(agree))

    def _repeated(self, numbers: Sequence[int]) -> list[list[float]]:
        """The values of the two runs, repeated without the cache."""
        shift = len(numbers) if not self.differences else 0  # the same recipe twice: other runs of it
        choices: list[Choice] = [frozenset(), frozenset(self.differences)]
        samples = [
            Sample(choice, number + shift * position, fresh=True)
            for position, choice in enumerate(choices)
            for number in numbers
        ]
        outcomes = self.runs.outcomes(samples)
        result = []
        for position, name in enumerate(("good", "later")):
            samples_of_it = outcomes[position * len(numbers) : (position + 1) * len(numbers)]
            for problem in dict.fromkeys(outcome.problem for outcome in samples_of_it if outcome.value is None):
                self.notes.append(f"the {name} run can't be repeated: {problem}")
            result.append([outcome.value for outcome in samples_of_it if outcome.value is not None])
        return result

    def _deviation(self, ends: Ends) -> float:
        return pooled_deviation([*self.values.values(), ends.before, ends.after])[0]

    def _is_noise(self, residual: float, ends: Ends) -> bool:
        """Whether the part of the change that no difference explains is within noise."""
        deviation = self._deviation(ends)
        return abs(residual) <= max(SIGMAS * deviation * math.sqrt(2.0), 1e-12 * max(map(abs, self._recorded())))

    # -- coalitions of axes

    def _of(self, axes: Sequence[str]) -> list[Difference]:
        return [difference for difference in self.differences if difference.axis in axes]

    def _choice(self, coalition: Coalition) -> Choice:
        return frozenset(self._of(sorted(coalition)))

    def _run_coalitions(self, number_of_samples: int) -> None:
        """Run the hybrids of the axes, as many as the budget allows."""
        pending = [coalition for coalition in _in_order(self.axes) if coalition not in self.values]
        size = max(self.runs.affordable(len(pending) * number_of_samples) // number_of_samples, 0)
        if size < len(pending):
            self.notes.append(f"the budget allowed {size} of {len(pending)} hybrids")
        samples = [Sample(self._choice(c), number) for c in pending[:size] for number in range(number_of_samples)]
        try:
            outcomes = self.runs.outcomes(samples) if samples else []
        except OutOfBudgetError:
            self.notes.append("the budget is spent: the hybrids did not finish in time")
            outcomes = []
        for position, coalition in enumerate(pending[:size]):
            samples_of_it = outcomes[position * number_of_samples : (position + 1) * number_of_samples]
            self.values[coalition] = [outcome.value for outcome in samples_of_it if outcome.value is not None]
            problem = next((outcome.problem for outcome in samples_of_it if outcome.value is None), "")
            if problem and not self.values[coalition]:
                others = [axis for axis in self.axes if axis not in coalition]
                self.interactions[coalition] = f"{hybrid_name(sorted(coalition, key=AXES.index), others)}: {problem}"

    # -- narrowing down

    def _causes(self, attribution: Attribution) -> dict[tuple[str, ...], list[dict[str, Any]]]:
        """The causes of each share that is beyond noise."""
        largest = max((abs(share.value) for share in attribution.shares), default=0.0)
        causes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for share in sorted(attribution.shares, key=lambda s: -abs(s.value)):
            is_small = abs(share.value) < SMALL_SHARE * largest and len(self._of(share.causes)) > 1
            if share.is_within_noise or is_small:
                continue
            causes[share.causes] = [self._description(d) for d in self._narrowed(share, attribution.deviation)]
        return causes

    def _description(self, difference: Difference) -> dict[str, Any]:
        return {"axis": difference.axis, **self.case.hybrids.describe(difference)}

    def _narrowed(self, share: Share, deviation: float) -> list[Difference]:
        """The smallest set of differences that has the effect of these axes."""
        group = frozenset(share.causes)
        context = self._context(group)
        if context is None:
            return []
        base = self._choice(context)
        target, start = (fmean(self.values[coalition]) for coalition in (context | group, context))
        effect = _Effect(self.runs, target, abs(target - start), deviation, self.repeats)
        culprits = self._minimal(self._of(share.causes), base, effect)
        result: list[Difference] = []
        for culprit in culprits:
            others = base | (frozenset(culprits) - {culprit})
            result += self._columns(culprit, others, effect) if culprit.kind == "file" else [culprit]
        return result

    def _columns(self, culprit: Difference, base: Choice, effect: _Effect) -> list[Difference]:
        columns = self.case.hybrids.columns_of(culprit)
        return list(self._minimal(columns, base, effect)) if columns != (culprit,) else [culprit]

    def _minimal(self, differences: Sequence[Difference], base: Choice, effect: _Effect) -> tuple[Difference, ...]:
        smallest: tuple[Difference, ...] = tuple(differences)
        try:
            for smallest in minimize(differences, lambda sets: effect.shown_by([base | some for some in sets])):
                self.on_event({"event": "narrowing", "left": len(smallest)})
        except OutOfBudgetError:
            self.notes.append("the budget is spent: the cause is not narrowed down further")
        return smallest

    def _context(self, group: Coalition) -> Coalition | None:
        """The other axes with which the axes have the largest effect."""
        others = [axis for axis in self.axes if axis not in group]
        candidates = [frozenset(some) for size in range(len(others) + 1) for some in combinations(others, size)]
        valued = [c for c in candidates if self.values.get(c) and self.values.get(c | group)]

        def size_of_effect(context: Coalition) -> float:
            return round(abs(fmean(self.values[context | group]) - fmean(self.values[context])), 12)

        return max(valued, key=size_of_effect, default=None)


@dataclass
class _Effect:
    """Whether choices show an effect.

    :param target: the value with the effect; `size`: how far it is from the value without.
    """

    runs: HybridRuns
    target: float
    size: float
    deviation: float
    repeats: int

    def shown_by(self, choices: Sequence[Choice]) -> list[bool]:
        count = max(self.repeats, 1) if self.deviation else 1
        outcomes = self.runs.outcomes([Sample(choice, n) for choice in choices for n in range(count)])
        return [self._is_shown(outcomes[i * count : (i + 1) * count]) for i in range(len(choices))]

    def _is_shown(self, outcomes: Sequence[Outcome]) -> bool:
        values = [outcome.value for outcome in outcomes if outcome.value is not None]
        if not values:
            return False
        noise = SIGMAS * self.deviation / math.sqrt(len(values))
        tolerance = min(max(TOLERANCE * self.size, noise), MAX_TOLERANCE * self.size)
        return abs(fmean(values) - self.target) <= tolerance


def _agrees(record: float, values: Sequence[float], deviation: float) -> bool:
    """Whether a recorded value is one that repeats may give. Without repeats, nothing speaks against it."""
    if not values:
        return True
    margin = SIGMAS * deviation * math.sqrt(1.0 + 1.0 / len(values))
    return abs(record - fmean(values)) <= max(margin, 1e-12 * abs(record))


def _in_order(axes: Sequence[str]) -> list[Coalition]:
    """All coalitions; first those that introduce the axes one by one, in this order and in the reverse one, because any
    complete order gives shares."""
    chains = [frozenset(order[:size]) for order in (axes, axes[::-1]) for size in range(len(axes) + 1)]
    return list(dict.fromkeys([*chains, *coalitions(axes)]))
