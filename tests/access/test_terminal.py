"""`dni account`: the same acts as the API's, in a terminal."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dni.access.audit import AuditFilter, page
from dni.cli import app
from dni.errors import NotFound
from dni.ledger.engines import Ledger
from dni.settings import Settings


def dni(folder: Path, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--data-dir", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_an_account_is_made_reset_and_disabled(tmp_path: Path) -> None:
    first = dni(tmp_path, "account", "create", "mary@example.com", "--role", "marketer", "--name", "Mary")
    assert first.startswith("http://127.0.0.1:8000/invitation?code=")
    assert "Give this link to mary@example.com" in first
    (tmp_path / "address").write_text("https://calls.example.com\n")
    assert "cannot sign in" in dni(tmp_path, "account", "disable", "MARY@example.com")
    assert dni(tmp_path, "account", "reset", "mary@example.com").startswith(
        "https://calls.example.com/invitation?code="
    )
    with pytest.raises(NotFound, match="there is no account john"):
        dni(tmp_path, "account", "reset", "john@example.com")


async def test_the_log_tells_of_it(tmp_path: Path) -> None:
    import asyncio

    await asyncio.to_thread(dni, tmp_path, "account", "create", "mary@example.com", "--role", "marketer")
    await asyncio.to_thread(dni, tmp_path, "token", "create", "--role", "admin")
    assert "0 calls" in await asyncio.to_thread(dni, tmp_path, "attribute", "--since", "2026-11-01")
    ledger = Ledger(Settings(data_dir=tmp_path).ledger_url)
    async with ledger.read() as connection:
        found, _ = await page(connection, AuditFilter(by="command_line"), 10)
    await ledger.close()
    assert {one.act for one in found} == {"create_account", "create_token", "reattribute"}
