"""Killing servers, workers, fork servers, kernels and the whole tree at random moments, while runs are worked off.

    python -m tests.acceptance.kill_matrix [--runs 200] [--seed 1] [--folder FOLDER]

A server keeps the worker. One that was killed is started again, as a person would; everything else has to come back by
itself. Afterwards: every slot has one run and one only, each completed; none is left running 15 s after a worker came
back; there were never two workers; steps that had completed were not run again; no process is left.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, update

from jupyter_mlops.db import tables as t
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs, schedules
from tests.jobs.workspace import opened, write_notebook
from tests.servers import Server, server

VICTIMS = ("server", "worker", "fork server", "kernel", "tree")
RETURN = 60.0  # seconds in which a worker has to be back
SETTLED = 2.0  # seconds after which what was noted as completed is certainly kept
BACK = 15.0  # seconds after a worker came back, no run of a dead one may be left
STEPS = (
    "# tags: parameters\nwhich = ''",
    "# tags: step:one\nimport time\ntime.sleep(0.8)\nfirst = which * 2\nprint('one', which)",
    "# tags: step:two\ntime.sleep(0.8)\nsecond = first + '!'\nprint('two', second)",
    "# tags: step:three\ntime.sleep(0.3)\nprint('three', second)",
)


@dataclass
class Verdict:
    """What was seen."""

    runs: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    adopted: int = 0
    resumed: set[str] = field(default_factory=set)
    retried: int = 0
    kept: int = 0
    seconds: float = 0.0


class House:
    """A server that keeps a worker; the server that was killed is started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open = contextlib.ExitStack()
        self.server: Server = self.open.enter_context(server(folder))

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def start_again(self) -> None:
        self.server.process.wait(10)
        self.open.close()
        self.server = self.open.enter_context(server(self.folder))

    def worker(self, seconds: float = RETURN) -> int:
        """The process of the worker that the server sees, once there is one; 0 if there is none in that time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            pid = int(self.server.get("worker")["facts"].get("pid", 0))
            if pid and _alive(pid):
                return pid
            time.sleep(0.1)
        return 0

    def kill(self, victim: str, rng: random.Random) -> bool:
        """Whether there was one to kill."""
        worker = self.worker()
        servers = _children(worker)
        kernels = [pid for one in servers for pid in _children(one)]
        jupyter = self.server.process.pid
        found = {
            "server": [jupyter], "worker": [worker], "fork server": servers, "kernel": kernels,
            "tree": [jupyter, worker, *servers, *kernels],
        }[victim]  # fmt: skip
        for pid in found if victim == "tree" else found and [rng.choice(found)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(found)


def matrix(folder: Path, runs: int, seed: int, tell: Callable[[str], None] = lambda text: None) -> Verdict:
    """Work off `runs` slots of a schedule with kills in between."""
    rng, verdict, began = random.Random(seed), Verdict(), time.monotonic()
    house = House(folder)
    with opened(house.home) as space, house.open:
        house.worker()
        schedule_id = _slots(space, house.home, runs)
        done: dict[tuple[str, str], float] = {}
        until = time.monotonic() + 60 + 30 * runs
        while (left := _left(space, schedule_id, runs)) and time.monotonic() < until:
            tell(f"{left} left, killed {dict(verdict.kills)}")
            pause = time.monotonic() + rng.uniform(0.3, 3.0)
            while time.monotonic() < pause:
                _note_steps(space, done, verdict)
                time.sleep(0.2)
            victim, before = rng.choice(VICTIMS), house.worker()
            if not house.kill(victim, rng):
                continue
            verdict.kills[victim] += 1
            if victim in ("server", "tree"):
                house.start_again()
            if victim in ("server", "worker", "tree"):
                _require_back(house, space, verdict)
                verdict.adopted += victim == "server" and house.worker() == before
        _judge(space, schedule_id, runs, done, verdict)
    _require_nothing_left(house.home, verdict)
    verdict.runs, verdict.seconds = runs, time.monotonic() - began
    return verdict


def _slots(space: Workspace, home: Path, runs: int) -> int:
    """A schedule with so many slots that are due."""
    jobs.publish(space, write_notebook(home / "work.ipynb", *STEPS), "work")
    jobs.set_policies(space, "work", {"concurrency": 2, "retries": 50, "backoff": 0.01, "environment": "live"})
    made = schedules.schedule(
        space, "work", "* * * * *", texts={"which": "{{ scheduled_time }}"}, missed="all", overlap="allow"
    )
    last = time.time() // 60 * 60
    first = last - 60 * (runs - 1)
    with space.db.write() as c:
        c.execute(
            update(t.schedule).where(t.schedule.c.id == made["id"]).values(fired_until=first - 1, next_at=first)
        )  # fmt: skip
    return int(made["id"])


def _left(space: Workspace, schedule_id: int, runs: int) -> int:
    with space.db.read() as c:
        states = list(c.execute(select(t.run.c.state).where(t.run.c.schedule_id == schedule_id)).scalars())
    return max(0, runs - sum(state not in ("queued", "running") for state in states))


def _note_steps(space: Workspace, done: dict[tuple[str, str], float], verdict: Verdict) -> None:
    """Since when each step has been known to be completed, and which runs were taken up again."""
    with space.db.read() as c:
        verdict.resumed |= set(c.execute(select(t.run.c.id).where(t.run.c.recoveries > 0)).scalars())
        here = t.step_run.join(t.run, t.run.c.id == t.step_run.c.run_id)
        rows = c.execute(
            select(t.step_run.c.run_id, t.step_run.c.name)
            .select_from(here)
            .where(t.step_run.c.state.in_(("completed", "cached")), t.run.c.state == "running")
        ).all()
    for run_id, name in rows:
        done.setdefault((run_id, name), time.time())


def _require_back(house: House, space: Workspace, verdict: Verdict) -> None:
    """There is one worker again, and soon afterwards nothing runs that no living worker holds."""
    if not house.worker():
        verdict.problems.append(f"no worker {RETURN:.0f} s after it was killed: {house.server.get('worker')}")
        return
    began = time.monotonic()
    while True:
        with space.db.read() as c:
            rows = c.execute(select(t.run.c.id, t.run.c.worker).where(t.run.c.state == "running")).all()
        living = {row["id"] for row in space.workers.active_since(3600)}
        orphans = [row.id for row in rows if row.worker not in living]
        if not orphans and len(living) < 2:
            return
        if orphans and time.monotonic() - began > BACK:
            verdict.problems.append(f"{orphans} are left in a running state {BACK:.0f} s after a worker came back")
            return
        if time.monotonic() - began > RETURN:  # one that ends since no server was there has gone by then
            verdict.problems.append(f"there are {len(living)} workers")
            return
        time.sleep(0.2)


def _require_nothing_left(home: Path, verdict: Verdict) -> None:
    """Soon after the server ended, nothing that was started for this home is there."""
    until = time.monotonic() + BACK
    while left := [pid for pid in _of_home(home) if _alive(pid)]:
        if time.monotonic() > until:
            verdict.problems += [f"process {pid} is left: {_command(pid)}" for pid in left]
            return
        time.sleep(0.2)


def _judge(
    space: Workspace, schedule_id: int, runs: int, done: dict[tuple[str, str], float], verdict: Verdict
) -> None:  # fmt: skip
    everything = [r for r in space.queue.runs(limit=100_000) if r.schedule_id == schedule_id]
    slots = Counter(r.slot for r in everything if r.slot is not None)
    wanted = {min(slots) + 60 * n for n in range(int((max(slots) - min(slots)) // 60) + 1)}
    if len(slots) < runs or wanted - set(slots):
        verdict.problems.append(f"slots are lost: {sorted(wanted - set(slots))}")
    verdict.problems += [f"slot {slot} ran {count} times" for slot, count in slots.items() if count > 1]
    for run in everything[-runs:]:
        if run.state != "completed":
            verdict.problems.append(f"{run.id} {run.state}: {run.error}")
            continue
        verdict.retried += run.attempt > 1
        record = json.loads(Path(run.output).read_text(encoding="utf-8"))
        for cell in record["cells"]:
            facts = cell["metadata"].get("jupyter_mlops_run", {})
            since = done.get((run.id, facts.get("step", "")))
            began = cell["metadata"].get("papermill", {}).get("start_time")
            if since is None or began is None or not cell["outputs"]:
                continue
            verdict.kept += 1
            if datetime.fromisoformat(began).timestamp() > since + SETTLED:
                verdict.problems.append(f"{run.id}: {facts['step']} had completed, and was run again")


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    found = [int(word) for word in text.split()]
    tasks = Path(f"/proc/{pid}/task")
    with contextlib.suppress(OSError):
        for task in tasks.iterdir():
            with contextlib.suppress(OSError):
                found += [int(word) for word in (task / "children").read_text(encoding="ascii").split()]
    return list(dict.fromkeys(found))


def _of_home(home: Path) -> list[int]:
    """Processes that were started for this home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if f"JUPYTER_MLOPS_HOME={home}\0".encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def main() -> int:
    made = argparse.ArgumentParser(prog="python -m tests.acceptance.kill_matrix", description=__doc__)
    made.add_argument("--runs", type=int, default=200)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--folder", type=Path)
    arguments = made.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-", ignore_cleanup_errors=True) as place:
        folder = arguments.folder or Path(place)
        verdict = matrix(folder, arguments.runs, arguments.seed, lambda text: print(text, file=sys.stderr, flush=True))
    print(
        f"{verdict.runs} runs, killed {dict(verdict.kills)}, {verdict.adopted} workers went on under the next server, "
        f"{len(verdict.resumed)} runs resumed, {verdict.retried} tried again, "
        f"{verdict.kept} completed steps looked at, {verdict.seconds:.0f} s"
    )
    print("\n".join(verdict.problems) or "nothing lost, nothing doubled, nothing left")
    return bool(verdict.problems)


if __name__ == "__main__":
    sys.exit(main())


__all__ = ["Verdict", "matrix"]
