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
from jupyter_mlops.jobs.run_directory import RunDirectory, marked_folders
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.kernels import reaper
from jupyter_mlops.states import FINISHED
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
    found = []
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
            asked = select(t.run.c.id, t.run.c.state, t.run.c.finished).where(
                t.run.c.job_id == job.id, t.run.c.state.not_in(("queued", "running"))
            )
            rows = c.execute(asked.order_by(t.run.c.created.desc())).all()
        found += [row.id for row in _beyond(rows, rules, now)]
    return found


def _beyond(rows: Any, rules: Policies, now: float) -> list[Any]:
    last_good = next((row.id for row in rows if row.state == "completed"), "")
    failures = [row.id for row in rows if row.state == "failed"][: rules.keep_failures or 0]
    found, kept = [], 0
    for row in rows:
        too_many = rules.keep_runs is not None and kept >= rules.keep_runs
        too_old = rules.keep_days is not None and now - (row.finished or now) > rules.keep_days * DAY
        kept += row.state in FINISHED  # missed and skipped slots are deleted with the runs around them
        if (too_many or too_old) and row.id != last_good and row.id not in failures:
            found.append(row)
    return found


def _gone_elsewhere(space: Workspace, swept: CleanupResult, dry: bool) -> None:
    """Run directories whose runs another machine has deleted."""
    there = dict(marked_folders(space.home, name_of(space.config.database)))
    names = sorted(there)
    for start in range(0, len(names), 500):
        some = names[start : start + 500]
        with space.db.read() as c:
            known = set(c.execute(select(t.run.c.id).where(t.run.c.id.in_(some))).scalars())
        for run_id in some:
            if run_id not in known:
                swept.folders += 1
                if not dry:
                    there[run_id].remove()


def _objects(space: Workspace, swept: CleanupResult, now: float, dry: bool) -> None:
    """Objects that no version and no run refers to. If this is not certain, nothing is deleted, and a note says why."""
    try:
        others = space.store.users() - {name_of(space.config.database)}
        if others:
            told = "; ".join(sorted(others))
            swept.notes.append(f"objects are kept: {space.store.location} is also used by {told}")
            return
        found = [kept for kept in space.store.listing() if kept.modified is not None and now - kept.modified > FRESH]
        # After the listing, so that versions published meanwhile are kept.
        wanted = wanted_objects(space) if found else set()
        for kept in found:
            if kept.name not in wanted:
                swept.objects += 1
                swept.bytes += kept.size
                if not dry:
                    space.store.remove(kept.name)
    except StoreError as error:
        swept.notes.append(f"objects are kept: {error}")


def wanted_objects(space: Workspace) -> set[str]:
    """The digests that versions and runs refer to. Raises StoreError if a version is unreadable."""
    with space.db.read() as c:
        rows = c.execute(select(t.version.c.digest, t.version.c.provenance)).all()
        wanted = set(c.execute(select(t.run_file.c.digest).distinct()).scalars())
    for digest, provenance in rows:
        manifest = Manifest.get(space.store, digest)
        wanted |= {digest, manifest.notebook, *(entry.digest for entry in manifest.files)}
        wanted.add((provenance.get("lock") or {}).get("digest", ""))
        wanted.add((provenance.get("git") or {}).get("diff", ""))
    return wanted


def _fetched(home: Path, swept: CleanupResult, now: float, dry: bool) -> None:
    """Local copies of remote objects that have not been used for a while."""
    store = ObjectStore(home / "fetched")
    for kept in store.listing():
        if kept.modified is not None and now - kept.modified > IDLE:
            swept.objects += 1
            swept.bytes += kept.size
            if not dry:
                store.remove(kept.name)


def _idle_folders(home: Path, now: float) -> list[Path]:
    found = []
    for folder in (*home.glob("checkouts/*"), *home.glob("environments/*")):
        with contextlib.suppress(OSError):
            if folder.is_dir() and folder.name != "kernels" and now - folder.stat().st_mtime > IDLE:
                found.append(folder)
    return found
