"""Brings a ledger to the newest schema. Run at start, before anything else writes; safe from several hosts at once."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, inspect, select, text

from dni.ledger import schema
from dni.ledger.engines import Ledger

if TYPE_CHECKING:
    from alembic.config import Config

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


def config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    if _version(connection) == newest():
        return
    from alembic import command  # 0.15 s: most starts find nothing to do

    command.upgrade(config(connection), "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def newest() -> str:
    """The revision that ledgers are brought to: of the files `0001_….py` on, each is named by its own."""
    return max(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
