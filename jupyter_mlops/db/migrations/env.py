"""Called by Alembic: migrates over the given connection."""

from __future__ import annotations

from alembic import context

from jupyter_mlops.db.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
