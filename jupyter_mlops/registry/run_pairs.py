"""Runs of two versions on the same inputs: champion and challenger. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Trial:
    """A completed run, as it is compared.

    :param created: seconds since 1970.
    :param parameters: with the defaults.
    :param inputs: digests of the files that its steps read, by path; None if they were not recorded.
    """

    run: str
    created: float
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]
    inputs: Mapping[str, str] | None = None

    @property
    def parameters_key(self) -> str:
        return json.dumps(self.parameters, sort_keys=True, default=str)

    @property
    def inputs_key(self) -> str:
        return "" if self.inputs is None else json.dumps(self.inputs, sort_keys=True)


@dataclass(frozen=True)
class TrialPair:
    """A run of each version with the same parameters."""

    candidate: Trial
    champion: Trial

    @property
    def different_inputs(self) -> list[str] | None:
        """Paths of the files that were not the same; None if that is not recorded."""
        first, second = self.candidate.inputs, self.champion.inputs
        if first is None or second is None:
            return None
        return sorted(path for path in {*first, *second} if first.get(path) != second.get(path))


def pair(candidates: Iterable[Trial], champions: Iterable[Trial]) -> list[TrialPair]:
    """One pair for each combination of parameters and inputs that both have, latest first.

    Where runs with the same parameters never had the same inputs, or where inputs were not recorded, the latest runs
    with these parameters are a pair.
    """
    first, second = _latest_first(candidates), _latest_first(champions)
    pairs: list[TrialPair] = []
    exact = _index(second, with_inputs=True)
    for key, trial in _index(first, with_inputs=True).items():
        if trial.inputs is not None and key in exact:
            pairs.append(TrialPair(trial, exact[key]))
    paired = {p.candidate.parameters_key for p in pairs}
    loose = _index(second, with_inputs=False)
    for key, trial in _index(first, with_inputs=False).items():
        if key in loose and trial.parameters_key not in paired:
            pairs.append(TrialPair(trial, loose[key]))
    return sorted(pairs, key=lambda p: (p.candidate.created, p.candidate.run), reverse=True)


def _latest_first(trials: Iterable[Trial]) -> list[Trial]:
    return sorted(trials, key=lambda trial: (trial.created, trial.run), reverse=True)


def _index(trials: list[Trial], *, with_inputs: bool) -> dict[tuple[str, str], Trial]:
    """The latest run of each combination."""
    latest: dict[tuple[str, str], Trial] = {}
    for trial in trials:
        latest.setdefault((trial.parameters_key, trial.inputs_key if with_inputs else ""), trial)
    return latest


def differences(trial_pair: TrialPair) -> list[dict[str, Any]]:
    """The metrics of a pair. `difference` is the candidate's minus the champion's, None unless both are numbers."""
    first, second = trial_pair.candidate.metrics, trial_pair.champion.metrics
    rows = []
    for name in dict.fromkeys((*first, *second)):
        values = (_json_value(first.get(name)), _json_value(second.get(name)))
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        difference = numbers[0] - numbers[1] if len(numbers) == 2 else None
        rows.append({"name": name, "candidate": values[0], "champion": values[1], "difference": difference})
    return rows


def mean_differences(pairs: Iterable[TrialPair]) -> list[dict[str, Any]]:
    """The mean difference of each metric over the pairs in which both are numbers, and their number."""
    by_name: dict[str, list[float]] = {}
    for trial_pair in pairs:
        for row in differences(trial_pair):
            if row["difference"] is not None:
                by_name.setdefault(row["name"], []).append(row["difference"])
    return [
        {"name": name, "mean_difference": math.fsum(values) / len(values), "pairs": len(values)}
        for name, values in by_name.items()
    ]


def read_inputs(capsule: Any) -> dict[str, str] | None:
    """The digests of the files that the steps of a run read, by path; None if the capsule can't be understood."""
    try:
        steps = capsule["steps"].values() if capsule["format"] == 1 else None
        if steps is None:
            return None
        return {str(path): str(file["digest"]) for step in steps for path, file in step.get("files", {}).items()}
    except (AttributeError, KeyError, TypeError):
        return None


def _json_value(value: Any) -> Any:
    """A metric as JSON: "nan", "inf" and "-inf" for what JSON has no numbers for."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
