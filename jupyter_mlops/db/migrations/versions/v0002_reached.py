"""How far a run had come, so that one that goes on is told from one that only kills its workers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("run", sa.Column("reached", sa.Integer(), nullable=False, server_default="0"))
