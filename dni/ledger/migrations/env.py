"""Alembic's entry: runs on the connection that `dni.ledger.migrate` lends, inside its transaction."""

from alembic import context

from dni.ledger.schema import metadata

# transactional_ddl is off because the transaction is ours: Alembic must neither begin nor commit one of its own.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=False,
    transaction_per_migration=False,
)
context.run_migrations()
