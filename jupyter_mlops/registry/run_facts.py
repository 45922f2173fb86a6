"""The values of gates, from the runs of versions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from jupyter_mlops.errors import NotFoundError
from jupyter_mlops.registry.gate_syntax import PREVIOUS, Measure
from jupyter_mlops.registry.gates import GateResult, Reading, Unavailable
from jupyter_mlops.registry.measures import MeasureRequest, measured
from jupyter_mlops.registry.version_runs import latest_completed, metric_names, version_before

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Job, Run, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.pipeline.model import Step


class RunFacts:
    """Metrics and measures for the gates of a stage.

    :param version: the version that is checked; `run`: the completed run of it by which it is judged, if there is one.
    :param stage: the stage that it is to enter.
    """

    def __init__(self, space: Workspace, job: Job, version: VersionRow, run: Run | None, stage: str) -> None:
        self.space, self.job, self.version, self.run, self.stage = space, job, version, run, stage

    def metric(self, alias: str, name: str) -> Reading | Unavailable:
        subject = self._subject(alias)
        if isinstance(subject, Unavailable):
            return subject
        version, run = subject
        if name in run.metrics:
            reading: Reading = run.metrics[name]
            return reading
        return Unavailable(f"the run {run.id} of {version.name} has no metric {name!r}{self._hint(name, run)}")

    def measure(self, measure: Measure) -> Reading | Unavailable:
        subject = self._subject(measure.alias)
        if isinstance(subject, Unavailable):
            return subject
        version, run = subject
        return measured(MeasureRequest(self.space, self.job, version, run, measure, self._baseline, self.version))

    def _subject(self, alias: str) -> tuple[VersionRow, Run] | Unavailable:
        """The version that an alias means, with the run by which it is judged."""
        version, run = self.version, self.run
        if alias:
            try:
                version = self._version(alias)
            except NotFoundError as error:
                return Unavailable(error.message)
            run = self.run if version.id == self.version.id else latest_completed(self.space, version)
        if run is None:
            selector = f"{self.job.name}@{version.name}"
            return Unavailable(f"{version.name} has no completed run; run it: jupyter mlops run {selector}")
        return version, run

    def _version(self, alias: str) -> VersionRow:
        if alias == PREVIOUS:
            return version_before(self.space, self.job, self.version)
        if alias not in self.space.catalog.aliases(self.job):
            raise NotFoundError(f"there is no version at {alias}")
        return self.space.catalog.version(self.job, f"@{alias}")

    @cached_property
    def _baseline(self) -> VersionRow | None:
        try:
            return self._version(self.stage)
        except NotFoundError:
            return None

    @cached_property
    def _names(self) -> set[str]:
        return metric_names(self.space, self.job)

    def _hint(self, name: str, run: Run) -> str:
        if name in self._names:
            return ", though other runs have it: run the version again"
        return similar_metrics(name, {*self._names, *map(str, run.metrics)})


def similar_metrics(name: str, names: set[str]) -> str:
    """A clause that names the metrics most similar to one that no run has."""
    near = difflib.get_close_matches(name, names, 3, cutoff=0.7)
    if near:
        return f"; did you mean {' or '.join(map(repr, near))}?"
    return f"; there are: {', '.join(sorted(names)[:10])}" if names else "; no run has any metric"


def gate_cells(steps: Iterable[Step], version: VersionRow, run: Run | None) -> list[GateResult]:
    """The results of the cells that are tagged `gate`: each of them has passed if its step ran in a completed run.

    A gate cell that fails ends its run.

    :param steps: of the version's pipeline.
    """
    states = {} if run is None else {step["name"]: step["state"] for step in run.steps}
    results = []
    for step in steps:
        for cell in step.gates:
            name = f"gate cell {cell + 1} (step {step.name})"
            state = states.get(step.name, "")
            if state in ("completed", "cached"):
                results.append(GateResult(name, "passed"))
            elif run is None:
                results.append(GateResult(name, "undecided", reasons=(f"{version.name} has no completed run",)))
            else:
                reason = f"the step did not run in {run.id}" + (f": {state}" if state else "")
                results.append(GateResult(name, "undecided", reasons=(reason,)))
    return results
