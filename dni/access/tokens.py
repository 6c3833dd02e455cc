"""API tokens. Only their digests are kept: a token is shown once, when it is made.

The admin's own token comes from the settings, or is made at first start and kept in the data folder, mode 600.
"""

import os
import secrets
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import msgspec
from sqlalchemy import RowMapping, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import signed_in
from dni.access.model import Principal, Role, check_walls
from dni.errors import InvalidField
from dni.ids import new_id
from dni.ledger import rows
from dni.ledger.rows import Instant, instant
from dni.ledger.schema import token
from dni.settings import Settings

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class NewToken(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`campaign` and `publisher` are walls. An advertiser needs the one, a publisher the other, an admin has none."""

    role: Role
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    campaign: Id | None = None
    publisher: Id | None = None

    def __post_init__(self) -> None:
        self.name = self.name.strip() or f"{self.role} token"
        if any(ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 for char in self.name):
            raise InvalidField("/name", "no control characters, line breaks or lone surrogates")
        check_walls(self.role, self.campaign, self.publisher, "token")


class TokenView(msgspec.Struct):
    """`token` is told once, in the answer that creates it."""

    id: str
    name: str
    role: Role
    campaign: str | None
    publisher: str | None
    created_at: Instant
    token: str | None = None


async def create(connection: AsyncConnection, now_ms: int, new: NewToken) -> TokenView:
    """The new token with its text; what it names was found before."""
    text = "dni_" + secrets.token_urlsafe(32)
    made = new_id("tok", now_ms)
    owners = {"campaign_id": new.campaign, "publisher_id": new.publisher}
    values = {"id": made, "name": new.name, "role": new.role, "digest": digest(text), "created_at_ms": now_ms, **owners}
    await connection.execute(insert(token).values(**values))
    view = await one(connection, made)
    view.token = text
    return view


async def revoke(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    """From now on the token is unknown, and who signed in with it is out. Raises NotFound."""
    live = token.c.id == wanted, token.c.revoked_at_ms.is_(None)
    if not (await connection.execute(update(token).where(*live).values(revoked_at_ms=now_ms))).rowcount:
        await one(connection, wanted)
    await signed_in.end_all(connection, now_ms, wanted)


async def owner(connection: AsyncConnection, text: str) -> Principal | None:
    """Who holds this token; None for an unknown or revoked one. Found by digest, so nothing is compared in clear."""
    return await _principal(connection, _live().where(token.c.digest == digest(text)))


async def one(connection: AsyncConnection, wanted: str) -> TokenView:
    """Raises NotFound, also for a revoked one."""
    return _view(await rows.one(connection, _live().where(token.c.id == wanted), f"token {wanted}"))


async def page(
    connection: AsyncConnection, limit: int, cursor: str | None = None
) -> tuple[list[TokenView], str | None]:
    """Newest first."""
    found, after = await rows.page(connection, _live(), (token.c.id,), limit, cursor)
    return [_view(row) for row in found], after


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


@lru_cache(8)
def admin_token(settings: Settings) -> str:
    """The token of the built-in admin, made if there is none: safe from several processes at once."""
    if settings.admin_token:
        return settings.admin_token
    kept = settings.data_dir / "admin-token"
    if not kept.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = kept.with_name(f".admin-token-{secrets.token_hex(8)}")
        _write_private(draft, "dni_" + secrets.token_urlsafe(32) + "\n")
        try:
            os.link(draft, kept)  # whole or not at all, and only if nobody was first
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return kept.read_text().strip()


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


async def _principal(connection: AsyncConnection, query: Select[Any]) -> Principal | None:
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    return Principal(row["id"], row["name"], row["role"], row["campaign_id"], row["publisher_id"])


def _live() -> Select[Any]:
    return select(token).where(token.c.revoked_at_ms.is_(None))


def _view(row: RowMapping) -> TokenView:
    return TokenView(
        id=row["id"],
        name=row["name"],
        role=row["role"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        created_at=instant(row["created_at_ms"]) or "",
    )
