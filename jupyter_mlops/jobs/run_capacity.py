"""The limits of concurrency: which queued runs must wait for others of their job, batch or schedule."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from jupyter_mlops.db import tables as t
from jupyter_mlops.jobs.policies import Policies


def at_capacity(c: Connection, now: float) -> list[ColumnElement[bool]]:
    """Condition for runs whose job or batch is at its concurrency limit. Runs with expired leases do not count."""
    running = t.run.alias("running")
    counts = c.execute(
        select(running.c.job_id, running.c.batch_id, running.c.schedule_id, func.count())
        .where(running.c.state == "running", running.c.lease_until >= now)
        .group_by(running.c.job_id, running.c.batch_id, running.c.schedule_id)
    ).all()
    by_job: dict[Any, int] = {}
    by_batch: dict[Any, int] = {}
    busy: set[Any] = set()
    for job_id, batch_id, schedule_id, count in counts:
        by_job[job_id] = by_job.get(job_id, 0) + count
        by_batch[batch_id] = by_batch.get(batch_id, 0) + count
        busy.add(schedule_id)
    full: list[ColumnElement[bool]] = []
    jobs = c.execute(select(t.job.c.id, t.job.c.policies).where(t.job.c.id.in_([j for j in by_job if j])))
    full_jobs = [job_id for job_id, policies in jobs if by_job[job_id] >= Policies.kept(policies).concurrency]
    batches = c.execute(select(t.batch.c.id, t.batch.c.concurrency).where(t.batch.c.id.in_([b for b in by_batch if b])))
    full_batches = [batch_id for batch_id, limit in batches if by_batch[batch_id] >= limit]
    if full_jobs:  # a batch has its own limit
        full.append(and_(t.run.c.job_id.in_(full_jobs), t.run.c.batch_id.is_(None)))
    if full_batches:
        full.append(t.run.c.batch_id.in_(full_batches))
    if busy - {None}:
        full.append(and_(t.run.c.serial, t.run.c.schedule_id.in_(busy - {None})))
    return full
