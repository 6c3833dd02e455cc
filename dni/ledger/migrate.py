"""Brings a ledger to the newest schema. Run at start, before anything else writes; safe from several hosts at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, insert, select, text

from dni.ledger import schema
from dni.ledger.engines import Ledger

_MIGRATIONS = Path(__file__).parent / "migrations"
# Any number; it must only be the same on all hosts. Spells "dni" in ASCII.
_ADVISORY_LOCK = 0x646E69


async def migrate(ledger: Ledger) -> None:
    """All migrations in one transaction: a failed one leaves the ledger as it was."""
    async with ledger.write() as connection:
        if not ledger.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        await connection.run_sync(upgrade)
        if (await connection.execute(select(schema.revision.c.value))).first() is None:
            await connection.execute(insert(schema.revision).values(id=1, value=1))


def config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    command.upgrade(config(connection), "head")
