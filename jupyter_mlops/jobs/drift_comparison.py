"""Which earlier runs a run's profiles are compared with: the baseline and the previous run of its job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.jobs.drift_records import DriftRecords

if TYPE_CHECKING:
    from jupyter_mlops.jobs.catalog import Catalog
    from jupyter_mlops.jobs.records import Job, Run
    from jupyter_mlops.jobs.run_queries import RunQueries

MOST_RUNS = 500


class DriftComparison:
    """Compares runs of jobs with earlier ones, and stores the findings."""

    def __init__(self, catalog: Catalog, queue: RunQueries, records: DriftRecords) -> None:
        self.catalog, self.queue, self.records = catalog, queue, records

    def profiled_runs(self, job: Job) -> list[Run]:
        """The completed runs of a job that left profiles, oldest first."""
        runs = self.queue.runs(job_id=job.id, states=("completed",), limit=MOST_RUNS, experiments=False)[::-1]
        present = set(self.records.has_profiles([run.id for run in runs]))
        return [run for run in runs if run.id in present]

    def baseline(self, job: Job, runs: list[Run]) -> Run | None:
        """The first of the runs that is of the `production` version, otherwise the first."""
        number = self.catalog.aliases(job).get("production")
        if number is not None:
            version = self.catalog.version(job, f"v{number}")
            for run in runs:
                if run.version_id == version.id:
                    return run
        return runs[0] if runs else None

    def compare(self, job: Job, run: Run) -> dict[str, str]:
        """Compare a run with the baseline and with the previous run. Returns the ids of these by basis.

        :raises StoreError: a profile can't be read.
        """
        earlier = [other for other in self.profiled_runs(job) if other.created < run.created]
        if not earlier:
            return {}
        ids = [other.id for other in reversed(earlier)]
        references = {}
        if (baseline := self.baseline(job, earlier)) is not None:
            self.records.compare(run, baseline, "baseline", ids)
            references["baseline"] = baseline.id
        self.records.compare(run, earlier[-1], "previous", ids)
        references["previous"] = earlier[-1].id
        return references
