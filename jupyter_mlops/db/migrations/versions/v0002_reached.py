"""The progress of a run, which tells a run that advances from one that only kills its workers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("run", sa.Column("reached", sa.Integer(), nullable=False, server_default="0"))
