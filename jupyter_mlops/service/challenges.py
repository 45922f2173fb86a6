"""Champion and challenger: the metrics of two versions of a job on the same inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import ConflictError
from jupyter_mlops.service import run_values

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Run, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.registry.run_pairs import Trial, TrialPair

MOST_RUNS = 500  # of each version
MOST_PAIRS = 100


def compare(space: Workspace, job: str, candidate: str, champion: str = "production") -> dict[str, Any]:
    """The metrics of two versions by pairs of completed runs with the same parameters, and the same inputs where they
    were recorded.

    If no runs have the same parameters, the latest run of each is compared and `same_parameters` is false.

    :param candidate, champion: `v7`, `latest`, or an alias.
    :raises ConflictError: a version has no completed run.
    """
    from jupyter_mlops.registry.run_pairs import TrialPair, mean_differences, pair

    job_record = space.catalog.job(job)
    versions = [space.catalog.version(job_record, run_values.selector_of(text)) for text in (candidate, champion)]
    trials = [_trials(space, version) for version in versions]
    for version, runs in zip(versions, trials, strict=True):
        if not runs:
            raise ConflictError(
                f"{version.name} has no completed run", where=job_record.name,
                remedy=f"Run it: jupyter mlops run {job_record.name}@{version.name}",
            )  # fmt: skip
    pairs = pair(*trials)
    listed = pairs[:MOST_PAIRS] or [TrialPair(trials[0][0], trials[1][0])]
    return {
        "job": job_record.name, "candidate": versions[0].name, "champion": versions[1].name,
        "same_parameters": bool(pairs), "pairs": [_pair_to_dict(p) for p in listed],
        "means": mean_differences(pairs[:MOST_PAIRS]),
    }  # fmt: skip


def _trials(space: Workspace, version: VersionRow) -> list[Trial]:
    from itertools import islice

    from jupyter_mlops.registry.run_pairs import Trial
    from jupyter_mlops.registry.version_runs import completed

    runs = list(islice(completed(space, version), MOST_RUNS))
    declarations = run_values.manifest_of(space, version).pipeline["parameters"]
    defaults = {p["name"]: p["default"] for p in declarations}
    inputs = _inputs(space, runs)
    return [Trial(run.id, run.created, {**defaults, **run.parameters}, run.metrics, inputs.get(run.id)) for run in runs]


def _inputs(space: Workspace, runs: list[Run]) -> dict[str, dict[str, str]]:
    """What the steps of runs read, where it was recorded."""
    from jupyter_mlops.jobs.capsules import capsules_of
    from jupyter_mlops.registry.run_pairs import read_inputs

    capsules = capsules_of(space.db, space.store, [run.id for run in runs])
    inputs = {run_id: read_inputs(capsule) for run_id, capsule in capsules.items()}
    return {run_id: read for run_id, read in inputs.items() if read is not None}


def _pair_to_dict(trial_pair: TrialPair) -> dict[str, Any]:
    from jupyter_mlops.registry.run_pairs import differences

    different = trial_pair.different_inputs
    return {
        "candidate_run": trial_pair.candidate.run, "champion_run": trial_pair.champion.run,
        "parameters": dict(trial_pair.candidate.parameters),
        "same_inputs": None if different is None else not different, "different_inputs": different or [],
        "metrics": differences(trial_pair),
    }  # fmt: skip
