"""The history of aliases, and gates. Aliases that exist begin their history as changes of unknown authors."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "alias_change",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("alias", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("previous", sa.Integer(), nullable=True),
        sa.Column("changed", sa.Double(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("undoes", sa.Integer(), nullable=True),
        sa.Column("gates", sa.JSON(), nullable=False),
        sa.Column("overridden", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_alias_change_job_id_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "alias", "number", name=op.f("pk_alias_change")),
    )
    op.create_table(
        "gate",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stage", sa.String(length=100), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_gate_job_id_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_gate")),
    )
    _begin_histories()


def _begin_histories() -> None:
    alias = sa.table("alias", *(sa.column(name) for name in ("job_id", "name", "version_id", "changed")))
    version = sa.table("version", sa.column("id"), sa.column("number"))
    change = sa.table(
        "alias_change",
        *(
            sa.column(name)
            for name in ("job_id", "alias", "number", "version", "changed", "author", "reason", "action")
        ),
        sa.column("gates", sa.JSON()),
        sa.column("overridden", sa.Boolean()),
    )
    connection = op.get_bind()
    joined = sa.select(alias, version.c.number).select_from(alias.join(version, alias.c.version_id == version.c.id))
    for row in connection.execute(joined).all():
        values = {
            "job_id": row.job_id, "alias": row.name, "number": 1, "version": row.number, "changed": row.changed,
            "author": "", "reason": "", "action": "set", "gates": [], "overridden": False,
        }  # fmt: skip
        connection.execute(sa.insert(change).values(**values))
