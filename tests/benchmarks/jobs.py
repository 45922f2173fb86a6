"""Jobs over a database: a queue worked off, schedules that wait and that fire, long lists, publishing."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import insert, select, update

from jupyter_mlops.config import RunConfig
from jupyter_mlops.db import tables as t
from jupyter_mlops.jobs.new_run import NewRun
from jupyter_mlops.jobs.run_queue import RunQueue
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs, schedules, waiting
from tests.benchmarks.cases import WORKER
from tests.benchmarks.measure import Failed, Row, Target, rollup
from tests.benchmarks.poller import poller_rows
from tests.benchmarks.runners import ROOT, code_cell, document
from tests.benchmarks.worker import open_files, wait_for
from tests.servers import TOKEN, server

NAME = "jobs"
Tell = Callable[[str], None]


def job_rows(base: Path, tell: Tell, environments: Path, *, quick: bool = False) -> list[Row]:
    """All rows; `quick` ones are too small to be judged.

    :param environments: where jupyter-scheduler is installed.
    """
    rows: list[Row] = []
    measures: dict[str, Callable[[Path, bool], list[Row]]] = {
        "queue": queue_rows, "idle": idle_rows, "fire": fire_rows, "list": list_rows, "publish": publish_rows,
        "poller": lambda home, quick: poller_rows(home, quick, environments),
    }  # fmt: skip
    for name, measure in measures.items():
        tell(f"{NAME} · {name}")
        home = base / name
        home.mkdir(parents=True)
        try:
            rows += measure(home, quick)
        except Failed as reason:
            rows.append(Row(name, WORKER, note=str(reason)))
    return rows


def queue_rows(home: Path, quick: bool) -> list[Row]:
    """Many trivial runs: how fast, and what they leave in the worker and its fork servers."""
    many = 20 if quick else 1000
    with workspace(home) as space:
        _publish(space, home, "print(1 + 1)")
        jobs.set_policies(space, "work", {"concurrency": 2})
        with worker(home) as process:
            _work_off(space, 10)
            before, files = _memory(process.pid), _files(process.pid)
            took = _work_off(space, many)
            after, more = _memory(process.pid), _files(process.pid)
    title = f"{many} trivial runs queued"
    growth = f"memory {before / 1e6:.0f} to {after / 1e6:.0f} MB, open files {files} to {more}"
    return [_row(title, took, Target(many / 10), quick, f"{many / took:.1f} a second; {growth}")]


def idle_rows(home: Path, quick: bool) -> list[Row]:
    """A worker that has nothing to do, with many schedules."""
    many, seconds = (100, 3.0) if quick else (10_000, 30.0)
    with workspace(home) as space:
        _publish(space, home, "print(1)")
        job = space.catalog.job("work")
        later = time.time() + 86_400
        row = {"job_id": job.id, "cron": "0 6 * * *", "zone": "UTC", "created": 0.0, "fired_until": time.time(),
               "next_at": later}  # fmt: skip
        with space.db.write() as c:
            c.execute(insert(t.schedule), [dict(row) for _ in range(many)])
        with worker(home, "--pool", "0") as process:
            time.sleep(2.0)
            before, began = _cpu(process.pid), time.monotonic()
            time.sleep(seconds)
            share = (_cpu(process.pid) - before) / (time.monotonic() - began)
            memory = _memory(process.pid)
    title = f"idle worker with {many} schedules"
    aim = Target(0.01)
    return [
        Row(f"{title}: share of a core", WORKER, ratio=share, against="a core", target="≤ 0.01x a core",
            met=None if quick else bool(aim.met(share, None))),
        Row(f"{title}: memory", WORKER, peak=memory, target="≤ 150 MB", met=None if quick else memory <= 150_000_000),
    ]  # fmt: skip


def fire_rows(home: Path, quick: bool) -> list[Row]:
    """From the time that a slot is due to its first cell, with many due in one second."""
    many = 5 if quick else 50
    with workspace(home) as space:
        _publish(space, home, "import time\nprint(time.time())")  # never taken from what is kept
        jobs.set_policies(space, "work", {"concurrency": 2})
        for _ in range(many):
            schedules.schedule(space, "work", "0 6 * * *", overlap="allow")
        with worker(home) as process:
            _work_off(space, 4)
            assert process.poll() is None
            due = time.time() + 12.0  # schedules are known long before they are due
            with space.db.write() as c:
                for at, schedule_id in enumerate(c.execute(select(t.schedule.c.id)).scalars().all()):
                    when = due + at / many
                    which = t.schedule.c.id == schedule_id
                    c.execute(update(t.schedule).where(which).values(next_at=when, fired_until=when - 86_400))
            time.sleep(due + 1.0 - time.time())  # looking takes a processor's time
            wait_for(lambda: len(_ended(space, "schedule")) >= many, every=0.5)
            lags = []
            for at, run in enumerate(sorted(_ended(space, "schedule"), key=lambda r: r.started or 0.0)):
                if run.state != "completed":
                    raise Failed(f"a run {run.state}: {run.error}")
                lags.append(_first_cell(Path(run.output)) - (due + at / many))
    lags.sort()
    p50, p99 = statistics.median(lags), lags[min(len(lags) - 1, int(len(lags) * 0.99))]
    title = f"{many} due in one second, to the first cell"
    return [_row(f"{title}: p50", p50, Target(0.3), quick), _row(f"{title}: p99", p99, Target(1.5), quick)]


def list_rows(base: Path, quick: bool) -> list[Row]:
    """A page out of many runs: in the database, and as the REST surface answers."""
    many = 1_000 if quick else 100_000
    home = base / "home"
    home.mkdir()
    with workspace(home) as space:
        _publish(space, home, "print(1)")
        job = space.catalog.job("work")
        version = space.catalog.version(job)
        queue = RunQueue(space.db)
        row = {"job_id": job.id, "version_id": version.id, "trigger": "manual", "state": "completed"}
        with space.db.write() as c:
            for start in range(0, many, 10_000):
                c.execute(
                    insert(t.run),
                    [{**row, "id": f"{n:08}", "created": float(n), "finished": float(n)}
                     for n in range(start, min(many, start + 10_000))],
                )  # fmt: skip
        times = []
        for page in range(20):
            began = time.perf_counter()
            found = queue.runs(job_id=job.id, after=(float(many - page * many // 20), "~"), limit=50)
            times.append(time.perf_counter() - began)
            assert len(found) == 50
    title = f"a page of 50 out of {many} runs"
    return [
        _row(f"{title}: database", statistics.median(times), None, quick),
        _row(f"{title}: REST", statistics.median(_pages(base)), Target(0.05), quick),
    ]


def _pages(folder: Path) -> list[float]:
    """Seconds for each of twenty pages in a row, over one connection."""
    times, after = [], ""
    with server(folder, "--MlopsExtension.supervise_worker=False") as made:
        connection = HTTPConnection(made.url.removeprefix("http://"), timeout=60)
        for _ in range(21):
            path = f"/mlops/runs?{urlencode({'job': 'work', 'limit': 50, **({'after': after} if after else {})})}"
            began = time.perf_counter()
            connection.request("GET", path, headers={"Authorization": f"token {TOKEN}"})
            answer = connection.getresponse()
            body = answer.read()
            times.append(time.perf_counter() - began)
            if answer.status != 200:
                raise Failed(f"{answer.status}: {body.decode()[:200]}")
            told = json.loads(body)
            if len(told["runs"]) != 50:
                raise Failed(f"a page of {len(told['runs'])}")
            after = told["next"]
        connection.close()
    return times[1:]  # the first one opens the database


def publish_rows(home: Path, quick: bool) -> list[Row]:
    """Publishing the demo: first with its environment to be locked, then with the lock kept."""
    demo = ROOT / "binder" / "demo" / "demo.ipynb"
    command = [sys.executable, "-m", "jupyter_mlops.cli", "publish", str(demo), "--job", "demo"]
    env = {**os.environ, "JUPYTER_MLOPS_HOME": str(home), "PYTHONPATH": str(ROOT)}
    rows = []
    for phase, aim in (("first", None), ("lock kept", Target(2.0))):
        began = time.perf_counter()
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(done.stderr.strip().splitlines()[-1])
        rows.append(_row(f"publish the demo: {phase}", time.perf_counter() - began, aim, quick))
    return rows


@contextmanager
def workspace(home: Path) -> Iterator[Workspace]:
    space = jobs.open_workspace(RunConfig(home=str(home), database=f"sqlite:///{home / 'mlops.sqlite'}"))
    try:
        yield space
    finally:
        space.close()


@contextmanager
def worker(home: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of this home, from its being ready to its end."""
    env = {**os.environ, "JUPYTER_MLOPS_HOME": str(home), "PYTHONPATH": str(ROOT)}
    env.pop("JUPYTER_MLOPS_DATABASE", None)
    command = [sys.executable, "-m", "jupyter_mlops.cli", "worker", *options]
    with (home / "worker.txt").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: b"ready" in (home / "worker.txt").read_bytes())
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _publish(space: Workspace, home: Path, source: str) -> None:
    path = home / "work.ipynb"
    path.write_text(json.dumps(document([code_cell(source)])), encoding="utf-8")
    jobs.publish(space, path, "work")


def _work_off(space: Workspace, many: int) -> float:
    """Queue so many runs, and wait until all are over; the seconds."""
    job = space.catalog.job("work")
    version = space.catalog.version(job)
    began = time.perf_counter()
    ids = set(
        space.queue.add_all(NewRun("manual", job.id, version.id, options={"use_cache": False}) for _ in range(many))
    )
    waiting.notify_worker(space)
    until = time.monotonic() + 60 + many
    while len(ended := [r for r in _ended(space, "manual") if r.id in ids]) < many:
        if time.monotonic() > until:
            raise Failed(f"{many - len(ended)} of {many} runs are lost")
        time.sleep(0.1 if many < 100 else 0.5)
    bad = [r for r in ended if r.state != "completed"]
    if bad:
        raise Failed(f"{len(bad)} runs failed, such as with {bad[0].error}")
    return time.perf_counter() - began


def _ended(space: Workspace, trigger: str) -> list[Any]:
    return [
        r for r in space.queue.runs(states=["completed", "failed", "stopped"], limit=100_000) if r.trigger == trigger
    ]


def _first_cell(path: Path) -> float:
    from datetime import datetime

    cell = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
    return datetime.fromisoformat(cell["metadata"]["papermill"]["start_time"]).timestamp()


def _row(title: str, seconds: float, aim: Target | None, quick: bool, note: str = "") -> Row:
    met = None if quick or aim is None else aim.met(seconds, None)
    return Row(title, WORKER, wall=seconds, target=str(aim or ""), met=met, note=note, samples=(seconds,))


def _tree(pid: int) -> list[int]:
    """A worker and its fork servers, but not their kernels, which come and go."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(word) for word in (task / "children").read_text(encoding="ascii").split()]
    return list(dict.fromkeys(found))


def _memory(pid: int) -> int:
    """Bytes that a worker and its fork servers have for themselves."""
    total = 0
    for one in _tree(pid):
        try:
            facts = rollup(Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii"))
        except OSError:
            continue
        total += facts.get("Private_Clean", 0) + facts.get("Private_Dirty", 0)
    return total


def _files(pid: int) -> int:
    return sum(open_files(one) for one in _tree(pid))


def _cpu(pid: int) -> float:
    """Seconds of user and system time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
