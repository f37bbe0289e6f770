"""Run by Alembic: migrate over the connection `upgrade` hands in."""

from __future__ import annotations

from alembic import context

from heatloop.store.records.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
