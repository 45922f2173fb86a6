"""How long it takes until many schedules are watched, ours beside jupyter-scheduler's."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import insert

from jupyter_mlops.config import RunConfig
from jupyter_mlops.db import tables as t
from jupyter_mlops.jobs.workspace import Workspace
from tests.benchmarks.cases import WORKER
from tests.benchmarks.measure import Failed, Row
from tests.benchmarks.runners import ROOT, environment

PEER = "jupyter-scheduler"
OURS = """\
import sys, time
from jupyter_mlops.db.database import Database
from jupyter_mlops.jobs.run_queue import RunQueue
from jupyter_mlops.worker.scheduler import Scheduler

began = time.perf_counter()
db = Database(sys.argv[1])
scheduler = Scheduler(db, RunQueue(db))
due = scheduler.next_due()
assert due is not None and due > time.time()
scheduler.tick()
print(time.perf_counter() - began)
"""
THEIRS = """\
import sys, time
from jupyter_scheduler.environments import StaticEnvironmentManager
from jupyter_scheduler.orm import JobDefinition, create_session, create_tables
from jupyter_scheduler.scheduler import Scheduler
from jupyter_scheduler.task_runner import TaskRunner

url, many = sys.argv[1], int(sys.argv[2])
create_tables(url)
with create_session(url)() as session:
    session.add_all(
        JobDefinition(name=str(n), input_filename="in.ipynb", runtime_environment_name="default", schedule="0 6 * * *",
                      timezone="UTC", output_filename_template="out")
        for n in range(many)
    )
    session.commit()
scheduler = Scheduler(root_dir=".", environments_manager=StaticEnvironmentManager(), db_url=url)
began = time.perf_counter()
poller = TaskRunner(scheduler)
poller.populate_cache()
poller.process_queue()
assert len(poller.queue) == many
print(time.perf_counter() - began)
"""


def poller_rows(home: Path, quick: bool, environments: Path) -> list[Row]:
    """From the start of a poller to its first look at what is due, imports not counted, in a process of its own."""
    many = 200 if quick else 5_000
    title = f"start of a poller with {many} schedules"
    database = f"sqlite:///{home / 'mlops.sqlite'}"
    space = Workspace(RunConfig(home=str(home), database=database))
    job, later = space.catalog.ensure_job("work"), time.time() + 86_400
    row = {"job_id": job.id, "cron": "0 6 * * *", "zone": "UTC", "created": 0.0, "fired_until": time.time(),
           "next_at": later}  # fmt: skip
    with space.db.write() as c:
        c.execute(insert(t.schedule), [dict(row) for _ in range(many)])
    space.close()
    ours = _seconds([sys.executable, "-c", OURS, database], ROOT)
    try:
        peer = environment(environments, "scheduler", ["jupyter-scheduler", "ipykernel"]) / "bin" / "python"
        theirs = _seconds([str(peer), "-c", THEIRS, f"sqlite:///{home / 'peer.sqlite'}", str(many)], home)
    except Failed as reason:
        return [Row(title, WORKER, wall=ours), Row(title, PEER, note=str(reason))]
    return [
        Row(title, PEER, wall=theirs, samples=(theirs,)),
        Row(title, WORKER, wall=ours, ratio=ours / theirs, against=PEER, samples=(ours,)),
    ]


def _seconds(command: list[str], folder: Path) -> float:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    return float(json.loads(done.stdout.splitlines()[-1]))
