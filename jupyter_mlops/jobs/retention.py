"""What is no longer wanted goes: old runs by their job's policy, and what nothing refers to."""

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
from jupyter_mlops.errors import BadInput, StoreError
from jupyter_mlops.jobs.folder import RunFolder, marked_folders
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.records import FINISHED
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.kernels import leftovers
from jupyter_mlops.objects import ObjectStore
from jupyter_mlops.versions.manifest import Manifest

DAY = 86400.0
FRESH = DAY  # seconds that anything just made is left alone
IDLE = 30 * DAY  # seconds after which checkouts and environments that nobody used go


@dataclass
class Swept:
    """How much went."""

    runs: int = 0
    objects: int = 0
    bytes: int = 0
    folders: int = 0
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def sweep(space: Workspace, *, dry: bool = False, now: float | None = None) -> Swept:
    """Let go of what policies don't keep. With `dry`, only tell how much that would be."""
    swept, now = Swept(), time.time() if now is None else now
    for run_id in expired(space, now, swept.notes):
        swept.runs += 1
        if not dry:
            with space.db.write() as c:
                c.execute(delete(t.run).where(t.run.c.id == run_id, t.run.c.state.not_in(("queued", "running"))))
            RunFolder(space.home, run_id).remove()
    _gone_elsewhere(space, swept, dry)
    _objects(space, swept, now, dry)
    _fetched(space.home, swept, now, dry)
    for folder in _idle_folders(space.home, now):
        swept.folders += 1
        if not dry:
            shutil.rmtree(folder, ignore_errors=True)
    if not dry:
        swept.folders += leftovers.sweep(space.home)
    return swept


def expired(space: Workspace, now: float, notes: list[str] | None = None) -> list[str]:
    """Finished runs that their job's policy does not keep; the last completed run of a job always stays.

    :param notes: gets a line for each job whose policies can't be read; its runs stay.
    """
    found = []
    for job in space.catalog.jobs(hidden=True):
        try:
            rules = job.rules
        except BadInput as error:
            if notes is not None:
                notes.append(f"runs of {job.name} are left alone: {error.message}")
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
        kept += row.state in FINISHED  # that slots were missed or skipped goes with the runs around them
        if (too_many or too_old) and row.id != last_good and row.id not in failures:
            found.append(row)
    return found


def _gone_elsewhere(space: Workspace, swept: Swept, dry: bool) -> None:
    """Folders of runs that another machine let go of."""
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


def _objects(space: Workspace, swept: Swept, now: float, dry: bool) -> None:
    """Objects of no version and no run. Where it can't be told which those are, nothing goes, and a note says why."""
    try:
        others = space.store.users() - {name_of(space.config.database)}
        if others:
            told = "; ".join(sorted(others))
            swept.notes.append(f"objects are left alone: {space.store.where} is also used by {told}")
            return
        found = [kept for kept in space.store.listing() if kept.modified is not None and now - kept.modified > FRESH]
        wanted = wanted_objects(space) if found else set()  # after the listing: what was published meanwhile stays
        for kept in found:
            if kept.name not in wanted:
                swept.objects += 1
                swept.bytes += kept.size
                if not dry:
                    space.store.remove(kept.name)
    except StoreError as error:
        swept.notes.append(f"objects are left alone: {error}")


def wanted_objects(space: Workspace) -> set[str]:
    """The digests of all that versions and runs refer to. Raises StoreError if a version can't be read."""
    with space.db.read() as c:
        rows = c.execute(select(t.version.c.digest, t.version.c.provenance)).all()
        wanted = set(c.execute(select(t.run_file.c.digest).distinct()).scalars())
    for digest, provenance in rows:
        manifest = Manifest.get(space.store, digest)
        wanted |= {digest, manifest.notebook, *(entry.digest for entry in manifest.files)}
        wanted.add((provenance.get("lock") or {}).get("digest", ""))
        wanted.add((provenance.get("git") or {}).get("diff", ""))
    return wanted


def _fetched(home: Path, swept: Swept, now: float, dry: bool) -> None:
    """Copies of what is kept elsewhere, which nobody has asked for in a while."""
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
