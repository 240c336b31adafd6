"""Alembic's environment: runs migrations on the connection that `syncd.store.schema` hands it, in its transaction."""

from __future__ import annotations

from alembic import context

from syncd.store.tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("migrations are run by `syncd db upgrade`, not by the alembic command")

context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
