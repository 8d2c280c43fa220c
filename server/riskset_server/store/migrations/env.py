"""Runs the migrations on the connection that the caller opened."""

from alembic import context

from riskset_server.store.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
)
context.run_migrations()
