import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from dni.access import tokens
from dni.access.tokens import NewToken
from dni.errors import InvalidField, NotFound
from dni.ledger.engines import Ledger
from dni.ledger.schema import token
from dni.settings import Settings

NOW = 1_800_000_000_000


async def test_a_token_is_told_once_and_only_its_digest_is_kept(ledger: Ledger) -> None:
    async with ledger.write() as connection:
        made = await tokens.create(connection, NOW, NewToken(role="admin"))
    assert made.token is not None
    assert len(made.token) == 47
    assert made.token.startswith("dni_")
    async with ledger.read() as connection:
        row = (await connection.execute(select(token))).mappings().one()
        assert made.token.encode() not in b"".join(str(value).encode() for value in row.values())
        assert (await tokens.one(connection, made.id)).token is None
        owner = await tokens.owner(connection, made.token)
    assert owner is not None
    assert (owner.id, owner.role) == (made.id, "admin")


async def test_a_revoked_token_is_unknown(ledger: Ledger) -> None:
    async with ledger.write() as connection:
        made = await tokens.create(connection, NOW, NewToken(role="marketer"))
        await tokens.revoke(connection, NOW + 1, made.id)
        assert await tokens.owner(connection, made.token or "") is None
        with pytest.raises(NotFound):
            await tokens.revoke(connection, NOW + 2, made.id)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/role", {"role": "admin", "campaign": "cmp_1"}),
        ("/campaign", {"role": "advertiser"}),
        ("/publisher", {"role": "publisher", "campaign": "cmp_1"}),
        ("/name", {"role": "admin", "name": "two\nlines"}),
    ],
)
def test_walls_fit_the_role(path: str, fields: dict[str, str]) -> None:
    with pytest.raises(InvalidField) as refused:
        NewToken(**fields)  # type: ignore[arg-type]
    assert refused.value.errors[0].path == path


def test_the_admin_token_of_the_settings_wins(tmp_path: Path) -> None:
    assert tokens.admin_token(Settings(data_dir=tmp_path, admin_token="from the settings")) == "from the settings"
    assert not (tmp_path / "admin-token").exists()


def test_an_admin_token_is_made_once_for_the_operators_eyes_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    # Not the cached function: each thread is as another process.
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: tokens.admin_token.__wrapped__(settings), range(32)))
    kept = tmp_path / "data" / "admin-token"
    assert made == {kept.read_text().strip()}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.iterdir()] == ["admin-token"]
