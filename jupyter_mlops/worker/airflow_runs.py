"""Runs of exported DAGs, read through Airflow's REST API."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from jupyter_mlops.errors import InvalidInputError, NotFoundError
from jupyter_mlops.export.identifiers import unique_identifiers
from jupyter_mlops.jobs.airflow_api import AirflowAddress, AirflowApi
from jupyter_mlops.jobs.airflow_states import described_version, external_run, run_name, steps_of, title_of
from jupyter_mlops.jobs.deployments import Deployments
from jupyter_mlops.jobs.engine_run import EngineRun, SkippedRun
from jupyter_mlops.jobs.records import Job, VersionRow
from jupyter_mlops.jobs.run_log import record
from jupyter_mlops.jobs.secrets import reveal
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.versions.manifest import Manifest


class AirflowRuns:
    """The runs of one Airflow.

    The version of a run is the one that was deployed when it started or, without a deployment, the one that the DAG's
    description names.
    """

    def __init__(self, space: Workspace, url: str) -> None:
        self.space, self.location = space, url
        self.address = AirflowAddress.parse(url)
        self.api = AirflowApi(self.address.url, _credentials(space, self.address.names))
        self._steps: dict[str, dict[str, int]] = {}

    def runs(self, settled: Collection[str] = ()) -> Iterator[EngineRun | SkippedRun]:
        for dag_id in self.address.dags or self.api.dag_ids():
            description = self.api.dag(dag_id).get("description")
            job = self._job(dag_id)
            if job is None:
                yield SkippedRun(dag_id, "no job here has a DAG of this name")
                continue
            for dag_run in self.api.dag_runs(dag_id):
                name = run_name(dag_id, str(dag_run.get("dag_run_id")))
                if name not in settled:
                    yield self._run(job, dag_run, name, described_version(description))

    def _run(self, job: Job, dag_run: Mapping[str, Any], name: str, described: int | None) -> EngineRun | SkippedRun:
        dag_id, run_id = str(dag_run["dag_id"]), str(dag_run["dag_run_id"])
        try:
            version = self._version(job, dag_run, described)
            tasks = self.api.task_instances(dag_id, run_id)
            steps = self._steps_of(version)
            run = external_run(self.address.url, dag_run, tasks, steps)
        except NotFoundError as error:
            return SkippedRun(name, error.message)
        except (KeyError, TypeError, ValueError) as error:
            return SkippedRun(name, f"Airflow's answer is not understood: {type(error).__name__}: {error}")
        return EngineRun(run, job.name, version=version.number, log=self._log(dag_id, run_id, tasks, steps))

    def _log(
        self, dag_id: str, run_id: str, tasks: list[dict[str, Any]], steps: Collection[str]
    ) -> Callable[[], list[Mapping[str, Any]]]:
        def read() -> list[Mapping[str, Any]]:
            records: list[Mapping[str, Any]] = []
            for task in sorted(tasks, key=lambda task: str(task.get("start_date") or "")):
                attempts = int(task.get("try_number") or 0)
                if not task.get("start_date") or not attempts:
                    continue
                names = steps_of(task, steps) or [title_of(task)]
                for attempt in range(1, attempts + 1):
                    text = self.api.log(dag_id, run_id, str(task["task_id"]), attempt)
                    if text:
                        why = f"attempt {attempt} in Airflow"
                        records.append(record("step", step=", ".join(names), state="running", why=why))
                        records.append(record("output", text=text))
            return records

        return read

    def _job(self, dag_id: str) -> Job | None:
        """The job whose export has this DAG; further schedules have `SLUG-2`."""
        jobs = {unique_identifiers([job.name], "dns")[job.name]: job for job in self.space.catalog.jobs()}
        return jobs.get(dag_id) or jobs.get(re.sub(r"-\d+$", "", dag_id))

    def _version(self, job: Job, dag_run: Mapping[str, Any], described: int | None) -> VersionRow:
        from jupyter_mlops.jobs.artifact_runs import timestamp

        started = timestamp(str(dag_run.get("start_date") or dag_run.get("queued_at") or ""))
        deployed = Deployments(self.space.db).version_at(job.name, "airflow", started)
        number = deployed if deployed is not None else described
        return self.space.catalog.version(job, "latest" if number is None else f"v{number}")

    def _steps_of(self, version: VersionRow) -> dict[str, int]:
        """Name -> first cell of a version's steps, in notebook order."""
        if version.digest not in self._steps:
            manifest = Manifest.get(self.space.store, version.digest)
            self._steps[version.digest] = {
                str(step["name"]): min(step.get("cells") or [0]) for step in manifest.pipeline.get("steps", ())
            }
        return self._steps[version.digest]


def _credentials(space: Workspace, names: str) -> dict[str, str]:
    """The credentials whose names begin so: a token, or user and password; none if there are none."""
    for kinds in (("TOKEN",), ("USER", "PASSWORD")):
        try:
            values = reveal([f"{names}_{kind}" for kind in kinds], space.home)
        except InvalidInputError as error:
            if error.field != "secrets":
                raise
            continue
        return {kind.lower(): values[f"{names}_{kind}"] for kind in kinds}
    return {}
