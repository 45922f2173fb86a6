"""Killing workers, fork servers, kernels and the whole tree of them at random moments, while runs are worked off.

    python -m tests.acceptance.kill_matrix [--runs 200] [--seed 1] [--home FOLDER]

Afterwards: every slot has one run and one only, each completed; none is left running 15 s after a worker came back;
steps that had completed were not run again; no process is left.
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
from jupyter_mlops.service import jobs
from tests.jobs.workspace import begin_worker, opened, write_notebook

VICTIMS = ("worker", "fork server", "kernel", "tree")
SETTLED = 2.0  # seconds after which what was noted as completed is certainly kept
BACK = 15.0  # seconds after a worker came back, no run of a dead one may be left
STEPS = (
    "# tags: parameters\nwhich = ''",
    "# tags: step:one\nimport time\ntime.sleep(0.3)\nfirst = which * 2\nprint('one', which)",
    "# tags: step:two\ntime.sleep(0.3)\nsecond = first + '!'\nprint('two', second)",
    "# tags: step:three\ntime.sleep(0.3)\nprint('three', second)",
)


@dataclass
class Verdict:
    """What was seen."""

    runs: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    resumed: int = 0
    retried: int = 0
    kept: int = 0
    seconds: float = 0.0


def matrix(home: Path, runs: int, seed: int, tell: Callable[[str], None] = lambda text: None) -> Verdict:
    """Work off `runs` slots of a schedule with kills in between."""
    rng, verdict, began = random.Random(seed), Verdict(), time.monotonic()
    with opened(home) as space:
        schedule_id = _slots(space, home, runs)
        process = begin_worker(home, "--jobs", "2")
        done: dict[tuple[str, str], float] = {}
        try:
            until = time.monotonic() + 60 + 6 * runs
            while (left := _left(space, schedule_id, runs)) and time.monotonic() < until:
                tell(f"{left} left, killed {dict(verdict.kills)}")
                pause = time.monotonic() + rng.uniform(0.5, 4.0)
                while time.monotonic() < pause:
                    _note_steps(space, done)
                    time.sleep(0.2)
                victim = rng.choice(VICTIMS)
                if not _kill(victim, process.pid, rng):
                    continue
                verdict.kills[victim] += 1
                killed_at = time.time()
                if victim in ("worker", "tree"):
                    process.wait(10)
                    assert process.stderr is not None
                    process.stderr.close()
                    process = begin_worker(home, "--jobs", "2")
                    _require_back(space, killed_at, verdict)
            _judge(space, schedule_id, runs, done, verdict)
        finally:
            tree = _tree(process.pid)
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)
            assert process.stderr is not None
            process.stderr.close()
        time.sleep(1.0)
        verdict.problems += [f"process {pid} is left" for pid in {*tree, *_of_home(home)} if _alive(pid)]
    verdict.runs, verdict.seconds = runs, time.monotonic() - began
    return verdict


def _slots(space: Workspace, home: Path, runs: int) -> int:
    """A schedule with so many slots that are due."""
    jobs.publish(space, write_notebook(home / "work.ipynb", *STEPS), "work")
    jobs.set_policies(space, "work", {"concurrency": 2, "retries": 50, "backoff": 0.01, "environment": "live"})
    made = jobs.schedule(
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


def _note_steps(space: Workspace, done: dict[tuple[str, str], float]) -> None:
    """Since when each step has been known to be completed."""
    with space.db.read() as c:
        here = t.step_run.join(t.run, t.run.c.id == t.step_run.c.run_id)
        rows = c.execute(
            select(t.step_run.c.run_id, t.step_run.c.name)
            .select_from(here)
            .where(t.step_run.c.state.in_(("completed", "cached")), t.run.c.state == "running")
        ).all()
    for run_id, name in rows:
        done.setdefault((run_id, name), time.time())


def _kill(victim: str, worker: int, rng: random.Random) -> bool:
    """Whether there was one to kill."""
    servers = _children(worker)
    kernels = [pid for server in servers for pid in _children(server)]
    found = {"worker": [worker], "fork server": servers, "kernel": kernels, "tree": [worker, *servers, *kernels]}[
        victim
    ]
    if not found:
        return False
    for pid in found if victim == "tree" else [rng.choice(found)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return True


def _require_back(space: Workspace, killed_at: float, verdict: Verdict) -> None:
    """Soon after a worker came back, nothing runs that no living worker holds."""
    until = time.monotonic() + BACK
    while time.monotonic() < until:
        with space.db.read() as c:
            rows = c.execute(select(t.run.c.id, t.run.c.worker).where(t.run.c.state == "running")).all()
        living = {row["id"] for row in space.workers.heard_within(3600)}
        orphans = [row.id for row in rows if row.worker not in living]
        if not orphans:
            return
        time.sleep(0.2)
    verdict.problems.append(f"{orphans} are left in a running state {time.time() - killed_at:.0f} s after the kill")


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
        verdict.resumed += run.resumed > 0
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


def _tree(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += _children(one)
    return found


def _of_home(home: Path) -> list[int]:
    """Processes that were started for this home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if f"JUPYTER_MLOPS_HOME={home}\0".encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
    return found


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def main() -> int:
    made = argparse.ArgumentParser(prog="python -m tests.acceptance.kill_matrix", description=__doc__)
    made.add_argument("--runs", type=int, default=200)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--home", type=Path)
    arguments = made.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-", ignore_cleanup_errors=True) as place:
        home = arguments.home or Path(place)
        verdict = matrix(home, arguments.runs, arguments.seed, lambda text: print(text, file=sys.stderr, flush=True))
    print(
        f"{verdict.runs} runs, killed {dict(verdict.kills)}, {verdict.resumed} resumed, {verdict.retried} tried again, "
        f"{verdict.kept} completed steps looked at, {verdict.seconds:.0f} s"
    )
    print("\n".join(verdict.problems) or "nothing lost, nothing doubled, nothing left")
    return bool(verdict.problems)


if __name__ == "__main__":
    sys.exit(main())


__all__ = ["Verdict", "matrix"]
