"""Migrations give exactly the tables of `dni.ledger.schema`, on both engines, and running them again is nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from tests.support.postgres import Postgres


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [change for change in compare_metadata(context, schema.metadata) if "alembic_version" not in str(change)]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def nothing_yet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where nothing was migrated to before, on each engine."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'ledger.sqlite3'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


# SQLite tells of no expressions, so there these indexes are not compared.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
async def test_migrations_equal_the_schema(nothing_yet: str) -> None:
    ledger = Ledger(nothing_yet)
    try:
        await migrate(ledger)
        await migrate(ledger)
        async with ledger.read() as connection:
            assert await connection.run_sync(differences) == []
    finally:
        await ledger.close()
