"""The tables. Times are seconds since 1970 in UTC; documents are JSON.

    job ──< version        what was published, numbered within its job; `digest` names its manifest in the object store
    job ──< alias          a name for one of its versions: staging, production
    job ──< schedule       when runs are made
    job ──< run            one execution; (schedule, slot) is unique: a slot can't be fired twice
    run ──< step_run       one of its steps
    run ──< metric_point   a value of a metric, at a position of its series
    run ── run_capsule     what its steps read, as a document in the object store
    run ──< run_object     an object of the store that the run needs
    run ──< profile        the profile of a frame, as a document in the object store
    run ──< prediction     a file of predictions in the object store
    run ──< run_file       a file of its run directory in the store, if machines share it
    batch ──< run          a backfill or a sweep
    worker                 a process that executes runs, and its last heartbeat
    job ──< deployment     an export at a place; it outlives its job, since its files stay there
    run ──< finding        what a comparison of its profiles with another run's found
    run_store              where runs of other engines are found, and which worker reads it next
    job ──< alias_change   the history of its aliases; a unique number: of two changes of one state, one wins
    job ──< gate           a condition on entering a stage
    run ──< model          a variable that a step left as a model; `digest` names its document in the object store

A run that is `running` belongs to the holder of its lease until `lease_until`. Every write to it names the token of the
lease, so that a worker that lost the lease can't write.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

job = Table(
    "job",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("created", Double, nullable=False),
    Column("owner", String(200), nullable=False, default=""),
    Column("paused", Boolean, nullable=False, default=False),
    Column("hidden", Boolean, nullable=False, default=False),  # of a notebook that was never published
    Column("notebook", Text),  # the path of that notebook, of any length
    Column("policies", JSON, nullable=False, default=dict),
)

version = Table(
    "version",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created", Double, nullable=False),
    Column("author", String(200), nullable=False, default=""),
    Column("message", Text, nullable=False, default=""),
    Column("provenance", JSON, nullable=False, default=dict),
    Column("writes_files", Boolean),  # None: no run has shown it yet
    UniqueConstraint("job_id", "number"),
    UniqueConstraint("job_id", "digest"),
)

alias = Table(
    "alias",
    metadata,
    Column("job_id", ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("version_id", ForeignKey("version.id", ondelete="CASCADE"), nullable=False),
    Column("changed", Double, nullable=False),
)

schedule = Table(
    "schedule",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("job.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("version", String(100), nullable=False, default="latest"),  # "latest", "v3", "@production"
    Column("cron", String(200), nullable=False),
    Column("zone", String(100), nullable=False),
    Column("parameters", JSON, nullable=False, default=dict),
    Column("missed", String(20), nullable=False, default="latest"),
    Column("overlap", String(20), nullable=False, default="queue"),
    Column("paused", Boolean, nullable=False, default=False),
    Column("created", Double, nullable=False),
    Column("fired_until", Double, nullable=False),  # slots up to here have been dealt with
    Column("next_at", Double),  # None: paused or broken
    Column("problem", Text, nullable=False, default=""),
    Index("ix_schedule_next_at", "next_at"),
    Index("ix_schedule_fired_until", "fired_until"),
)

batch = Table(
    "batch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("created", Double, nullable=False),
    Column("concurrency", Integer, nullable=False, default=1),
    Column("options", JSON, nullable=False, default=dict),
)

run = Table(
    "run",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("job_id", ForeignKey("job.id", ondelete="CASCADE")),
    Column("version_id", ForeignKey("version.id", ondelete="CASCADE")),
    Column("schedule_id", ForeignKey("schedule.id", ondelete="SET NULL")),
    Column("batch_id", ForeignKey("batch.id", ondelete="CASCADE")),
    Column("repairs", String(64)),  # the run that this one repairs or reproduces
    Column("slot", Double),
    Column("trigger", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("serial", Boolean, nullable=False, default=False),  # waits for the schedule's other runs
    Column("parameters", JSON, nullable=False, default=dict),
    Column("options", JSON, nullable=False, default=dict),
    Column("created", Double, nullable=False),
    Column("not_before", Double, nullable=False, default=0.0),
    Column("started", Double),
    Column("finished", Double),
    Column("attempt", Integer, nullable=False, default=0),
    Column("recoveries", Integer, nullable=False, default=0),
    Column(
        "steps_completed", Integer, nullable=False, default=0, server_default="0"
    ),  # steps that were done, at the furthest
    Column("worker", String(200), nullable=False, default=""),
    Column("lease", String(64)),
    Column("lease_until", Double),
    Column("stop_reason", Text, nullable=False, default=""),
    Column("output", Text, nullable=False, default=""),
    Column("metrics", JSON, nullable=False, default=dict),
    Column("error", JSON),
    Column("notes", JSON, nullable=False, default=list),
    Column("environment_changes", JSON, nullable=False, default=list, server_default="[]"),
    Column("verdict", JSON),
    UniqueConstraint("schedule_id", "slot"),
    Index("ix_run_queue", "state", "not_before"),
    Index("ix_run_created", "created", "id"),
    Index("ix_run_job", "job_id", "created", "id"),
    Index("ix_run_batch_id", "batch_id"),
)

step_run = Table(
    "step_run",
    metadata,
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("seconds", Double, nullable=False, default=0.0),
    Column("why", JSON),  # sentences, one for each decision on it; None: it is not over, or from before they were kept
)

run_file = Table(
    "run_file",
    metadata,
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("digest", String(64), nullable=False),
)

worker = Table(
    "worker",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("host", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("began", Double, nullable=False),
    Column("heard", Double, nullable=False),
    Column("facts", JSON, nullable=False, default=dict),
)

deployment = Table(
    "deployment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("job.id", ondelete="SET NULL")),
    Column("job", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("selector", String(100), nullable=False),  # what was deployed: "latest", "v3", "@production"
    Column("target", String(100), nullable=False),
    Column("place", Text, nullable=False),
    Column("files", JSON, nullable=False, default=dict),  # path, or name of an object -> digest of what was written
    Column("revision", String(200), nullable=False, default=""),  # such as a Git commit
    Column("runs", Text, nullable=False, default=""),  # the store in which its runs are found
    Column("author", String(200), nullable=False, default=""),
    Column("created", Double, nullable=False),
    Column("state", String(20), nullable=False),  # deploying, deployed, replaced, removed, failed
    Column("problem", Text, nullable=False, default=""),
    Index("ix_deployment_job", "job", "created"),
)

run_store = Table(
    "run_store",
    metadata,
    Column("location", Text, primary_key=True),
    Column("next_at", Double, nullable=False, default=0.0),
    Column("failures", Integer, nullable=False, default=0),  # in a row
    Column("problem", Text, nullable=False, default=""),
    Column("lease", String(64)),
    Column("lease_until", Double),
)

# -- registry

alias_change = Table(
    "alias_change",
    metadata,
    Column("job_id", ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("alias", String(100), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # 1, 2, … of this alias
    Column("version", Integer),  # number of the version; None: the alias was removed
    Column("previous", Integer),  # number of the version before; None: there was no alias, or it is not known
    Column("changed", Double, nullable=False),
    Column("author", String(200), nullable=False, default=""),  # "": not known
    Column("reason", Text, nullable=False, default=""),
    Column("action", String(20), nullable=False),  # promote, rollback, set, remove
    Column("undoes", Integer),  # number of the change that a rollback undoes
    Column("gates", JSON, nullable=False, default=list),  # results of the gates at that time
    Column("overridden", Boolean, nullable=False, default=False),
)

gate = Table(
    "gate",
    metadata,
    Column("job_id", ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("stage", String(100), nullable=False),
    Column("expression", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("author", String(200), nullable=False, default=""),
)

# -- what runs leave behind

metric_point = Table(
    "metric_point",
    metadata,
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),  # in the order in which the run logged them
    Column("name", String(1000), nullable=False),
    Column("step", BigInteger),
    Column("value", Double),  # None: `text` has it
    Column("text", Text),  # "nan", "inf", "-inf", or an integer that is no float
    Column("at", Double, nullable=False),
    Index("ix_metric_point_name", "run_id", "name"),
)

run_capsule = Table(
    "run_capsule",
    metadata,
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", String(64), nullable=False),
)

run_object = Table(
    "run_object",
    metadata,
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("kind", String(20), primary_key=True),  # capsule, input, profile, prediction
    Column("bytes", BigInteger, nullable=False),
)

profile = Table(
    "profile",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("step", String(200), nullable=False),
    Column("variable", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)

prediction = Table(
    "prediction",
    metadata,
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("step", String(200), primary_key=True),
    Column("variable", String(1000), primary_key=True),
    Column("key", Text, nullable=False),  # the column that identifies a row; "": its position
    Column("rows", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("format", String(20), nullable=False),  # parquet, csv
)

# -- drift

finding = Table(
    "finding",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("basis", String(20), nullable=False),  # baseline, previous
    Column("reference", String(64), nullable=False),  # the run that it was compared with
    Column("step", String(200), nullable=False),  # where it begins
    Column("variable", Text, nullable=False),
    Column("name", Text, nullable=False),  # of the column; "": the frame
    Column("kind", String(40), nullable=False),
    Column("cause", String(10), nullable=False),  # world, code, either
    Column("document", JSON, nullable=False),
    Column("created", Double, nullable=False),
)

# -- models

model = Table(
    "model",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
    Column("step", String(200), nullable=False),
    Column("name", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("facts", JSON, nullable=False, default=dict),  # what lists show, and the digest of its artifact
    UniqueConstraint("run_id", "name"),
    Index("ix_model_job", "job_id", "name"),
)

# -- labels

label_set = Table(
    "label_set",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
    Column("received", Double, nullable=False),  # from when on the labels were known
    Column("digest", String(64), nullable=False),  # of the document with keys and labels
    Column("rows", BigInteger, nullable=False),
    Column("key", Text, nullable=False),  # columns that they came from
    Column("label", Text, nullable=False),
    Column("author", String(200), nullable=False, default=""),
    Index("ix_label_set_job", "job_id", "received"),
)
