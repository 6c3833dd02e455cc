"""Turns the credentials of a request into a principal. Nothing is remembered: a revoked token stops at once."""

from collections.abc import Mapping
from hmac import compare_digest

from dni.access import tokens
from dni.access.model import Principal
from dni.errors import NotSignedIn
from dni.parts import Parts

ADMIN = Principal(id="admin", name="admin", role="admin")
"""Who holds the token of the settings or of the data folder."""

_LONGEST = 512


async def principal(parts: Parts, headers: Mapping[str, str]) -> Principal:
    """From `Authorization: Bearer TOKEN`; header names in lower case. Raises NotSignedIn, Unavailable."""
    scheme, _, text = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise NotSignedIn("send the header Authorization: Bearer TOKEN")
    known = await principal_of_token(parts, text.strip())
    if known is None:
        raise NotSignedIn("this token is unknown or was revoked")
    return known


async def principal_of_token(parts: Parts, text: str) -> Principal | None:
    """Who holds the token `text`: the built-in admin or a token of the ledger. Raises Unavailable."""
    if len(text) > _LONGEST or not text.isascii():
        return None
    if compare_digest(text, tokens.admin_token(parts.settings)):
        return ADMIN
    async with parts.ledger.read() as connection:
        return await tokens.owner(connection, text)
