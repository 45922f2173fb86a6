"""Job definitions: jobs, their versions and aliases, and their schedules."""

from __future__ import annotations

import difflib
import getpass
import hashlib
import re
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import InvalidInputError, NotFoundError
from jupyter_mlops.jobs.policies import Policies, one_of
from jupyter_mlops.jobs.records import Job, Schedule, VersionRow
from jupyter_mlops.scheduling.cron import Cron
from jupyter_mlops.states import MissedPolicy, OverlapPolicy

LONGEST = 200  # maximum characters of a job's name


class Catalog:
    """Reads and changes definitions. Each method is one transaction.

    :param clock: seconds since 1970.
    """

    def __init__(self, db: Database, clock: Callable[[], float] = time.time) -> None:
        self.db, self.clock = db, clock

    # -- jobs

    def job(self, name: str) -> Job:
        """The job of that name. Raises NotFoundError."""
        with self.db.read() as c:
            for way in (name, unicodedata.normalize("NFC", name)):
                row = c.execute(select(t.job).where(t.job.c.name == way)).mappings().first()
                if row is not None:
                    return Job.of(row)
            names = c.execute(select(t.job.c.name).where(t.job.c.hidden.is_(False))).scalars()
            raise _unknown("job", name, list(names))

    def job_by_id(self, job_id: int) -> Job:
        with self.db.read() as c:
            return Job.of(_one(c, t.job, job_id, "job"))

    def jobs(self, *, hidden: bool = False) -> list[Job]:
        """All jobs by name, including those that hold runs of unpublished notebooks if `hidden`."""
        with self.db.read() as c:
            query = select(t.job).where(t.job.c.hidden.in_((False, hidden))).order_by(t.job.c.name)
            return [Job.of(row) for row in c.execute(query).mappings()]

    def notebook_job(self, path: str) -> Job:
        """The hidden job that holds the runs of an unpublished notebook."""
        name = notebook_job_name(path)
        with self.db.write(alone=True) as c:
            if c.execute(select(t.job.c.id).where(t.job.c.name == name)).first() is None:
                rules = Policies.of({"environment": "live", "concurrency": 1, "keep_runs": 100}).to_dict()
                row = {"name": name, "created": self.clock(), "owner": whoami(), "hidden": True, "policies": rules,
                       "notebook": path}  # fmt: skip
                c.execute(insert(t.job).values(**row))
        return self.job(name)

    def move_notebooks(self, old: str, new: str) -> None:
        """Move the runs of a notebook, or of all notebooks in a folder, to their new path.

        A notebook that already has runs under the new path keeps them.
        """
        path = t.job.c.notebook
        with self.db.write(alone=True) as c:
            moved = select(t.job.c.id, path).where(
                t.job.c.hidden, or_(path == old, path.startswith(f"{old}/", autoescape=True))
            )
            existing = set(c.execute(select(path).where(t.job.c.hidden)).scalars())
            for job_id, before in c.execute(moved).all():
                after = new + before.removeprefix(old)
                if after not in existing:
                    values = {"notebook": after, "name": notebook_job_name(after)}
                    c.execute(update(t.job).where(t.job.c.id == job_id).values(**values))

    def ensure_job(self, name: str, owner: str = "") -> Job:
        """The job of that name, created if it does not exist. Raises InvalidInputError for an invalid name."""
        name = unicodedata.normalize("NFC", name)  # file names may use decomposed accents
        require_name(name)
        try:
            with self.db.write() as c:
                if c.execute(select(t.job.c.id).where(t.job.c.name == name)).first() is None:
                    row = {"name": name, "created": self.clock(), "owner": owner or whoami()}
                    c.execute(insert(t.job).values(**row))
        except IntegrityError:
            pass  # created concurrently by another process
        return self.job(name)

    def set_policies(self, name: str, changes: Mapping[str, Any]) -> Job:
        """Change some policies of a job."""
        job = self.job(name)
        try:
            base = job.rules
        except InvalidInputError:  # unreadable policies are replaced
            base = Policies()
        policies = Policies.of(changes, base)
        with self.db.write() as c:
            c.execute(update(t.job).where(t.job.c.id == job.id).values(policies=policies.to_dict()))
        return self.job(name)

    def pause_job(self, name: str, paused: bool) -> Job:
        """Pause or resume the schedules of a job. Slots that pass while it is paused are not made up for."""
        job = self.job(name)
        with self.db.write() as c:
            c.execute(update(t.job).where(t.job.c.id == job.id).values(paused=paused))
            rows = c.execute(select(t.schedule).where(t.schedule.c.job_id == job.id)).mappings().all()
            for row in rows:
                self._set_next(c, Schedule.of(row), resting=paused or row["paused"])
        return self.job(name)

    def delete_job(self, name: str) -> None:
        """Delete a job, its versions, schedules and runs."""
        job = self.job(name)
        with self.db.write() as c:
            c.execute(delete(t.run).where(t.run.c.job_id == job.id))
            c.execute(delete(t.job).where(t.job.c.id == job.id))

    # -- versions

    def add_version(
        self, job: Job, digest: str, *, author: str = "", message: str = "", provenance: Mapping[str, Any] | None = None
    ) -> tuple[VersionRow, bool]:
        """Publish a digest under a job. Returns the version, and whether it is new: the same content is the same
        version."""
        with self.db.write(alone=True) as c:
            condition = (t.version.c.job_id == job.id, t.version.c.digest == digest)
            existing = c.execute(select(t.version).where(*condition)).mappings().first()
            if existing is not None:
                return VersionRow.of(existing), False
            last = c.execute(select(func.max(t.version.c.number)).where(t.version.c.job_id == job.id)).scalar()
            values = {
                "job_id": job.id, "number": (last or 0) + 1, "digest": digest, "created": self.clock(),
                "author": author or whoami(), "message": message, "provenance": dict(provenance or {}),
            }  # fmt: skip
            row = c.execute(insert(t.version).values(**values).returning(t.version)).mappings().one()
            return VersionRow.of(row), True

    def versions(self, job: Job) -> list[VersionRow]:
        """All versions of a job, newest first."""
        with self.db.read() as c:
            query = select(t.version).where(t.version.c.job_id == job.id).order_by(t.version.c.number.desc())
            return [VersionRow.of(row) for row in c.execute(query).mappings()]

    def version(self, job: Job, selector: str = "latest") -> VersionRow:
        """The version selected by `latest`, `v3`, `3` or `@production`. Raises NotFoundError."""
        with self.db.read() as c:
            return self.version_in(c, job, selector)

    def version_in(self, c: Connection, job: Job, selector: str) -> VersionRow:
        """`version`, within a transaction."""
        query = select(t.version).where(t.version.c.job_id == job.id)
        if selector in ("", "latest"):
            query = query.order_by(t.version.c.number.desc()).limit(1)
        elif selector.startswith("@"):
            named = select(t.alias.c.version_id).where(t.alias.c.job_id == job.id, t.alias.c.name == selector[1:])
            query = query.where(t.version.c.id.in_(named))
        elif re.fullmatch(r"v?\d{1,9}", selector):
            query = query.where(t.version.c.number == int(selector.lstrip("v")))
        else:
            raise InvalidInputError(
                f"{selector!r} is not a version", where=job.name, remedy="Use latest, v3, or @production."
            )
        row = c.execute(query).mappings().first()
        if row is None:
            names = [f"v{n}" for n in c.execute(select(t.version.c.number).where(t.version.c.job_id == job.id)
                                                .order_by(t.version.c.number)).scalars()]  # fmt: skip
            names += [f"@{a}" for a in self._aliases(c, job)]
            raise NotFoundError(
                f"the job {job.name!r} has no version {selector}",
                remedy=f"Versions: {', '.join(names)}." if names else "Publish one first.",
            )
        return VersionRow.of(row)

    def version_by_id(self, version_id: int) -> VersionRow:
        with self.db.read() as c:
            return VersionRow.of(_one(c, t.version, version_id, "version"))

    def note_writes(self, version_id: int, writes: bool) -> None:
        """Record whether runs of a version write files."""
        with self.db.write() as c:
            c.execute(update(t.version).where(t.version.c.id == version_id).values(writes_files=writes))

    def aliases(self, job: Job) -> dict[str, int]:
        """Version numbers by alias."""
        with self.db.read() as c:
            return self._aliases(c, job)

    def _aliases(self, c: Connection, job: Job) -> dict[str, int]:
        joined = t.alias.join(t.version, t.alias.c.version_id == t.version.c.id)
        query = select(t.alias.c.name, t.version.c.number).select_from(joined).where(t.alias.c.job_id == job.id)
        return {row.name: row.number for row in c.execute(query.order_by(t.alias.c.name))}

    # -- schedules

    def add_schedule(
        self, job: Job, cron: Cron, *, version: str = "latest", parameters: Mapping[str, Any] | None = None,
        missed: MissedPolicy = "latest", overlap: OverlapPolicy = "queue",
    ) -> Schedule:  # fmt: skip
        """Add a schedule that fires from now on."""
        one_of(MissedPolicy, "missed", missed)
        one_of(OverlapPolicy, "overlap", overlap)
        self.version(job, version)
        now = self.clock()
        values = {
            "job_id": job.id, "version": version, "cron": cron.expression, "zone": cron.zone,
            "parameters": dict(parameters or {}), "missed": missed, "overlap": overlap, "created": now,
            "fired_until": now, "next_at": None if job.paused else _next(cron, now),
        }  # fmt: skip
        with self.db.write() as c:
            return Schedule.of(c.execute(insert(t.schedule).values(**values).returning(t.schedule)).mappings().one())

    def schedule(self, schedule_id: int) -> Schedule:
        with self.db.read() as c:
            return Schedule.of(_one(c, t.schedule, schedule_id, "schedule"))

    def schedules(self, job: Job | None = None) -> list[Schedule]:
        with self.db.read() as c:
            query = select(t.schedule).order_by(t.schedule.c.id)
            if job is not None:
                query = query.where(t.schedule.c.job_id == job.id)
            return [Schedule.of(row) for row in c.execute(query).mappings()]

    def next_due(self) -> float | None:
        """When the next schedule is due; None if there is none."""
        with self.db.read() as c:
            return c.execute(select(func.min(t.schedule.c.next_at))).scalar()

    def change_schedule(self, schedule_id: int, cron: Cron, changes: Mapping[str, Any]) -> Schedule:
        """Change the cron expression of a schedule from now on, and other columns."""
        one_of(MissedPolicy, "missed", changes["missed"])
        one_of(OverlapPolicy, "overlap", changes["overlap"])
        schedule = self.schedule(schedule_id)
        job = self.job_by_id(schedule.job_id)
        self.version(job, changes["version"])
        values = {**changes, "cron": cron.expression, "zone": cron.zone, "fired_until": self.clock()}
        with self.db.write() as c:
            c.execute(update(t.schedule).where(t.schedule.c.id == schedule_id).values(**values))
            row = c.execute(select(t.schedule).where(t.schedule.c.id == schedule_id)).mappings().one()
            self._set_next(c, Schedule.of(row), resting=schedule.paused or job.paused)
        return self.schedule(schedule_id)

    def pause_schedule(self, schedule_id: int, paused: bool) -> Schedule:
        """Pause one schedule, or resume it from now."""
        schedule = self.schedule(schedule_id)
        job = self.job_by_id(schedule.job_id)
        with self.db.write() as c:
            c.execute(update(t.schedule).where(t.schedule.c.id == schedule_id).values(paused=paused))
            self._set_next(c, schedule, resting=paused or job.paused)
        return self.schedule(schedule_id)

    def remove_schedule(self, schedule_id: int) -> None:
        self.schedule(schedule_id)
        with self.db.write() as c:
            c.execute(delete(t.schedule).where(t.schedule.c.id == schedule_id))

    def _set_next(self, c: Connection, schedule: Schedule, *, resting: bool) -> None:
        now = self.clock()
        values: dict[str, Any] = {"next_at": None}
        if not resting:
            try:
                following = _next(Cron(schedule.cron, schedule.zone), max(now, schedule.fired_until))
                values = {"next_at": following, "fired_until": max(now, schedule.fired_until), "problem": ""}
            except InvalidInputError as error:
                values = {"next_at": None, "problem": error.message}
        c.execute(update(t.schedule).where(t.schedule.c.id == schedule.id).values(**values))


def notebook_job_name(path: str) -> str:
    """The name of the hidden job of the notebook at a path. No visible job can have it, and it does not reveal the
    path. Hashed because paths are unlimited in length and names are not."""
    digest = hashlib.blake2b(path.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    return f"notebook:{digest}"


def require_name(name: str) -> None:
    """Raises InvalidInputError for an invalid job name."""
    fits = name[:1].isalnum() and len(name) <= LONGEST and all(map(fits_in_name, name))
    if not fits or ".." in name or name != name.strip():
        raise InvalidInputError(
            f"{name!r} is not a valid job name",
            field="job",
            remedy="Use at most 200 letters, digits, spaces, '.', '_' and '-', and begin with a letter or a digit.",
        )


def fits_in_name(sign: str) -> bool:
    """Whether a character may occur in a job's name; marks are parts of letters in many scripts."""
    return sign.isalnum() or sign in "._- " or unicodedata.category(sign) in ("Mn", "Mc")


def whoami() -> str:
    """The user that this process runs as."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _next(cron: Cron, after: float) -> float:
    return cron.next(datetime.fromtimestamp(after, UTC)).timestamp()


def _one(c: Connection, table: Table, key: Any, noun: str) -> Any:
    row = c.execute(select(table).where(table.c.id == key)).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no {noun} {key}")
    return row


def _unknown(noun: str, name: str, names: Sequence[str]) -> NotFoundError:
    near = difflib.get_close_matches(name, names, 1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    available = f"Available: {', '.join(sorted(names)[:20])}." if names else "None exist yet."
    return NotFoundError(f"there is no {noun} {name!r}", remedy=f"{hint}{available}")
