"""Signing in with an e-mail address and a password, choosing a password, and the ways out."""

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import accounts, audit, invitations, password_rules, passwords, signed_in, tries
from dni.access.model import Principal
from dni.errors import InvalidField, NotFound
from dni.parts import Parts

_LONGEST = 4_096


async def by_password(parts: Parts, email: str, password: str) -> Principal | None:
    """Whose account it is; None for a wrong password, an unknown address, an account that is disabled or has no
    password yet: all take as long. Raises TooManyTries, Unavailable."""
    now_ms = parts.clock.now_ms()
    email = email.strip()[:_LONGEST]
    async with parts.ledger.write() as connection:
        await tries.take(parts.ledger, connection, now_ms, email)
        row = await accounts.by_email(connection, email)
    known = row["password"] if row else None
    if len(password) > _LONGEST:
        password, known = "", None
    found = await passwords.verify(password, known)
    if row is None or found == "wrong":
        return None
    renewed = await passwords.hashed(password) if found == "right_but_old" else None
    async with parts.ledger.write() as connection:
        await tries.forgive(connection, email)
        if renewed is not None:
            await accounts.set_password(connection, row["id"], renewed)
    return accounts.principal(row)


async def note_failure(parts: Parts, email: str) -> None:
    """A wrong password for an account is an act of nobody's on it. After the answer: what is written here must not make
    it take longer where there is an account."""
    async with parts.ledger.read() as connection:
        row = await accounts.by_email(connection, email.strip())
    if row is not None:
        async with parts.ledger.write() as connection:
            nobody = Principal(id="nobody", name="nobody", role="publisher")
            await audit.note(connection, parts.clock.now_ms(), nobody, "sign_in_failed", row["id"])


async def invited(parts: Parts, code: str) -> RowMapping:
    """Whose password the code lets choose. Raises NotFound."""
    async with parts.ledger.read() as connection:
        row = await invitations.invited(connection, parts.clock.now_ms(), code)
    if row is None:
        raise NotFound("this link was used, is older than a week, or was replaced by a newer one")
    return row


async def choose_password(parts: Parts, code: str, password: str) -> Principal:
    """By an invitation, which is used up by it; all sign-ins of the account end. Raises NotFound, InvalidField."""
    row = await invited(parts, code)
    password_rules.check(password, row["email"], row["name"])
    made = await passwords.hashed(password)
    now_ms = parts.clock.now_ms()
    who = accounts.principal(row)
    async with parts.ledger.write() as connection:
        if not await invitations.redeem(connection, now_ms, code):
            raise NotFound("this link was used just now")
        await _set(connection, now_ms, who, row["email"], made)
    return who


async def change_password(parts: Parts, who: Principal, present: str, password: str, this: str) -> None:
    """By its holder, who knows the present one; all sign-ins but `this` one end. Raises InvalidField, NotFound,
    TooManyTries."""
    now_ms = parts.clock.now_ms()
    async with parts.ledger.write() as connection:
        row = await accounts.row(connection, who.id)
        if row is None:
            raise NotFound("only an account has a password; you signed in with a token")
        await tries.take(parts.ledger, connection, now_ms, row["email"])
    if len(present) > _LONGEST or await passwords.verify(present, row["password"]) == "wrong":
        raise InvalidField("/present", "this is not your present password")
    if password == present:
        raise InvalidField("/password", "another one than the present")
    password_rules.check(password, row["email"], row["name"])
    made = await passwords.hashed(password)
    async with parts.ledger.write() as connection:
        await _set(connection, now_ms, who, row["email"], made, but=this)


async def _set(
    connection: AsyncConnection, now_ms: int, who: Principal, email: str, made: str, but: str | None = None
) -> None:
    await accounts.set_password(connection, who.id, made)
    await invitations.drop(connection, who.id)
    await tries.forgive(connection, email)
    await signed_in.end_all(connection, now_ms, who.id, but=but)
    await audit.note(connection, now_ms, who, "change_password", who.id)
