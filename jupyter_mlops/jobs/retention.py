"""Retention: delete old runs by their job's policy, and everything that nothing refers to."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import name_of
from jupyter_mlops.errors import InvalidInputError, StoreError
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.run_data import objects_of_runs
from jupyter_mlops.jobs.run_directory import RunDirectory, marked_folders
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.kernels import reaper
from jupyter_mlops.states import ACTIVE, EXPERIMENTS, FINISHED
from jupyter_mlops.storage.local import ObjectStore
from jupyter_mlops.versions.manifest import Manifest

DAY = 86400.0
FRESH = DAY  # minimum age in seconds of anything that is deleted
IDLE = 30 * DAY  # seconds without use after which checkouts and environments are deleted


@dataclass
class CleanupResult:
    """How much was deleted."""

    runs: int = 0
    objects: int = 0
    bytes: int = 0
    folders: int = 0
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def clean_up(space: Workspace, *, dry: bool = False, now: float | None = None) -> CleanupResult:
    """Delete what the policies do not keep. With `dry`, only report how much that would be."""
    swept, now = CleanupResult(), time.time() if now is None else now
    for run_id in expired(space, now, swept.notes):
        swept.runs += 1
        if not dry:
            with space.db.write() as c:
                c.execute(delete(t.run).where(t.run.c.id == run_id, t.run.c.state.not_in(("queued", "running"))))
            RunDirectory(space.home, run_id).remove()
    _gone_elsewhere(space, swept, dry)
    _objects(space, swept, now, dry)
    _fetched(space.home, swept, now, dry)
    for folder in _idle_folders(space.home, now):
        swept.folders += 1
        if not dry:
            shutil.rmtree(folder, ignore_errors=True)
    if not dry:
        swept.folders += reaper.reap_orphans(space.home)
    return swept


def expired(space: Workspace, now: float, notes: list[str] | None = None) -> list[str]:
    """Finished runs that their job's policy does not keep; the last completed run of a job is always kept.

    :param notes: receives a line for each job whose policies are unreadable; its runs are kept.
    """
    run_ids = []
    for job in space.catalog.jobs(hidden=True):
        try:
            rules = job.rules
        except InvalidInputError as error:
            if notes is not None:
                notes.append(f"runs of {job.notebook or job.name} are kept: {error.message}")
            continue
        if rules.keep_runs is None and rules.keep_days is None:
            continue
        with space.db.read() as c:
            query = select(t.run.c.id, t.run.c.state, t.run.c.finished, t.run.c.trigger).where(
                t.run.c.job_id == job.id, t.run.c.state.not_in(("queued", "running"))
            )
            rows = c.execute(query.order_by(t.run.c.created.desc())).all()
        # Apart, so that 90 runs of a backtest do not displace the job's own.
        for are_experiments in (False, True):
            some = [row for row in rows if (row.trigger in EXPERIMENTS) is are_experiments]
            run_ids += [row.id for row in _beyond(some, rules, now)]
    return run_ids


def _beyond(rows: Any, rules: Policies, now: float) -> list[Any]:
    last_good = next((row.id for row in rows if row.state == "completed"), "")
    failures = [row.id for row in rows if row.state == "failed"][: rules.keep_failures or 0]
    excess, retained = [], 0
    for row in rows:
        too_many = rules.keep_runs is not None and retained >= rules.keep_runs
        too_old = rules.keep_days is not None and now - (row.finished or now) > rules.keep_days * DAY
        retained += row.state in FINISHED  # missed and skipped slots are deleted with the runs around them
        if (too_many or too_old) and row.id != last_good and row.id not in failures:
            excess.append(row)
    return excess


def _gone_elsewhere(space: Workspace, swept: CleanupResult, dry: bool) -> None:
    """Run directories whose runs another machine has deleted."""
    marked = dict(marked_folders(space.home, name_of(space.config.database)))
    names = sorted(marked)
    for start in range(0, len(names), 500):
        some = names[start : start + 500]
        with space.db.read() as c:
            existing = set(c.execute(select(t.run.c.id).where(t.run.c.id.in_(some))).scalars())
        for run_id in some:
            if run_id not in existing:
                swept.folders += 1
                if not dry:
                    marked[run_id].remove()


def _objects(space: Workspace, swept: CleanupResult, now: float, dry: bool) -> None:
    """Objects that no version and no run refers to. If this is not certain, nothing is deleted, and a note says why."""
    try:
        others = space.store.users() - {name_of(space.config.database)}
        if others:
            names = "; ".join(sorted(others))
            swept.notes.append(f"objects are kept: {space.store.location} is also used by {names}")
            return
        candidates = [obj for obj in space.store.listing() if obj.modified is not None and now - obj.modified > FRESH]
        # After the listing, so that versions published meanwhile are kept.
        referenced = wanted_objects(space) if candidates else set()
        for obj in candidates:
            if obj.name not in referenced:
                swept.objects += 1
                swept.bytes += obj.size
                if not dry:
                    space.store.remove(obj.name)
    except StoreError as error:
        swept.notes.append(f"objects are kept: {error}")


def wanted_objects(space: Workspace) -> set[str]:
    """The digests that versions and runs refer to. Raises StoreError if a version is unreadable."""
    with space.db.read() as c:
        rows = c.execute(select(t.version.c.digest, t.version.c.provenance)).all()
        referenced = {*c.execute(select(t.run_file.c.digest).distinct()).scalars(), *objects_of_runs(c)}
        hybrids = c.execute(select(t.run.c.options).where(t.run.c.trigger.in_(EXPERIMENTS), t.run.c.state.in_(ACTIVE)))
        options = [stored for stored in hybrids.scalars() if isinstance(stored, dict)]
    referenced |= space.models.objects()
    for stored in options:
        manifest = Manifest.get(space.store, stored["manifest"])
        referenced |= {stored["manifest"], manifest.notebook, *(entry.digest for entry in manifest.files)}
        referenced.add((stored.get("lock") or {}).get("digest", ""))
    for digest, provenance in rows:
        manifest = Manifest.get(space.store, digest)
        referenced |= {digest, manifest.notebook, *(entry.digest for entry in manifest.files)}
        referenced.add((provenance.get("lock") or {}).get("digest", ""))
        referenced.add((provenance.get("git") or {}).get("diff", ""))
    return referenced


def _fetched(home: Path, swept: CleanupResult, now: float, dry: bool) -> None:
    """Local copies of remote objects that have not been used for a while."""
    store = ObjectStore(home / "fetched")
    for obj in store.listing():
        if obj.modified is not None and now - obj.modified > IDLE:
            swept.objects += 1
            swept.bytes += obj.size
            if not dry:
                store.remove(obj.name)


def _idle_folders(home: Path, now: float) -> list[Path]:
    idle = []
    for folder in (*home.glob("checkouts/*"), *home.glob("environments/*")):
        with contextlib.suppress(OSError):
            if folder.is_dir() and folder.name != "kernels" and now - folder.stat().st_mtime > IDLE:
                idle.append(folder)
    return idle
