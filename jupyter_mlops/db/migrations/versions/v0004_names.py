"""Columns for facts that were part of texts, and standard names.

Before, the truncated path of a hidden job's notebook was in the job's name, changes of a run's environment were in its
notes, and the reasons of a step were only in the executed notebook.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
PREFIX = "notebook:"


RENAMED = (
    ("batch", "asked", "options"),
    ("run", "asked", "options"),
    ("run", "resumed", "recoveries"),
    ("run", "reached", "steps_completed"),
)
NOTE = "environment: "


def upgrade() -> None:
    for table, old, new in RENAMED:
        op.execute(sa.text(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}"))
    op.add_column("step_run", sa.Column("why", sa.JSON(), nullable=True))
    op.add_column("run", sa.Column("environment_changes", sa.JSON(), nullable=False, server_default="[]"))
    _split_notes()
    _split_names()


def _split_notes() -> None:
    run = sa.table("run", sa.column("id"), sa.column("notes", sa.JSON()), sa.column("environment_changes", sa.JSON()))
    connection = op.get_bind()
    for run_id, notes in connection.execute(sa.select(run.c.id, run.c.notes)).all():
        texts = [note for note in notes or () if isinstance(note, str)] if isinstance(notes, list) else []
        changes = [note.removeprefix(NOTE) for note in texts if note.startswith(NOTE)]
        if changes:
            connection.execute(sa.update(run).where(run.c.id == run_id).values(environment_changes=changes))


def _split_names() -> None:
    op.add_column("job", sa.Column("notebook", sa.Text(), nullable=True))
    job = sa.table("job", *(sa.column(name) for name in ("id", "name", "hidden", "notebook")))
    connection = op.get_bind()
    rows = connection.execute(sa.select(job.c.id, job.c.name).where(job.c.hidden == sa.true())).all()
    for job_id, name in rows:
        path = name.removeprefix(PREFIX)
        digest = hashlib.blake2b(path.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        values = {"name": f"{PREFIX}{digest}", "notebook": path}
        connection.execute(sa.update(job).where(job.c.id == job_id).values(**values))
