"""jupyter-scheduler, in an environment of its own: jobs from their creation to their completion."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.cases import FIRST, Case
from tests.benchmarks.measure import Failed, Sample, run
from tests.benchmarks.runners import Runner, environment

# Runs in that environment. Its server is given no time of its own: it is taken to be up.
DRIVER = """\
import json, sys, time
from pathlib import Path
from jupyter_scheduler.environments import StaticEnvironmentManager
from jupyter_scheduler.models import CreateJob, Status
from jupyter_scheduler.orm import Job, create_tables
from jupyter_scheduler.scheduler import Scheduler

class Here(Scheduler):
    def get_staging_paths(self, model):
        place = Path(self.root_dir, "staging", model.job_id)
        return {"ipynb": str(place / "out.ipynb"), "input": str(place / "in.ipynb")}

if __name__ == "__main__":
    url = "sqlite:///" + str(Path("jobs.sqlite").absolute())
    create_tables(url)
    scheduler = Here(root_dir=str(Path.cwd()), environments_manager=StaticEnvironmentManager(), db_url=url)
    began = time.perf_counter()
    known = [
        scheduler.create_job(
            CreateJob(input_uri=uri, name=uri, runtime_environment_name="default", output_formats=["ipynb"])
        )
        for uri in sys.argv[1:]
    ]
    while True:
        with scheduler.db_session() as session:
            states = {job.job_id: job.status for job in session.query(Job)}
        if set(states.values()) <= {Status.COMPLETED, Status.FAILED}:  # a new job says that it is STOPPED
            break
        time.sleep(0.01)
    took = time.perf_counter() - began
    print(json.dumps({"seconds": took, "jobs": known, "states": [states[job] for job in known]}))
"""


class Scheduler(Runner):
    """Each job is a process of its own; there is no queue."""

    name = "jupyter-scheduler"

    def __init__(self, jupyter: Path, environments: Path) -> None:
        super().__init__(jupyter)
        self.environments = environments
        self.home: Path | None = None
        self.jobs: dict[Path, Path] = {}

    def takes(self, case: Case) -> bool:
        return case.name in ("one", "at once") and case.phases == (FIRST,)

    def ready(self) -> None:
        self.home = environment(self.environments, "scheduler", ["jupyter-scheduler", "ipykernel"])

    def command(self, folder: Path) -> list[str]:
        assert self.home is not None
        return [str(self.home / "bin" / "python"), "driver.py"]

    def sample(self, folders: Sequence[Path]) -> Sample:
        place = folders[0] if len(folders) == 1 else folders[0].parent
        (place / "driver.py").write_text(DRIVER, encoding="utf-8")
        names = [str((folder / "in.ipynb").relative_to(place)) for folder in folders]
        whole = run([*self.command(place), *names], place, self.environment(place))
        told = json.loads((place / "stdout.txt").read_text(encoding="utf-8").splitlines()[-1])
        if set(told["states"]) != {"COMPLETED"}:
            raise Failed(f"jobs ended as {', '.join(told['states'])}")
        self.jobs = {f: place / "staging" / job / "out.ipynb" for f, job in zip(folders, told["jobs"], strict=True)}
        for folder, made in self.jobs.items():
            made.rename(folder / "out.ipynb")
        return Sample(told["seconds"], whole.cpu)
