"""Gives people accounts and takes them away: what an account names is found, then the stores write.

Every function runs in a transaction of the caller's. No mail is sent: whoever makes an account hands its link on.
"""

from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import accounts, audit, invitations, signed_in
from dni.access.accounts import AccountChange, AccountView, NewAccount
from dni.campaign import refer
from dni.errors import Conflict


async def create(connection: AsyncConnection, now_ms: int, new: NewAccount, base_url: str) -> AccountView:
    """With its invitation. Raises InvalidField, Conflict."""
    await _found(connection, new.campaign, new.publisher)
    return await _invited(connection, now_ms, await accounts.create(connection, now_ms, new), base_url)


async def change(connection: AsyncConnection, now_ms: int, wanted: str, to: AccountChange) -> None:
    """Raises NotFound, InvalidField, Conflict."""
    campaign = to.campaign if isinstance(to.campaign, str) else None
    publisher = to.publisher if isinstance(to.publisher, str) else None
    await _found(connection, campaign, publisher)
    await accounts.change(connection, now_ms, wanted, to)


async def reset(connection: AsyncConnection, now_ms: int, wanted: str, base_url: str) -> AccountView:
    """A new invitation; the former password is none from now on. Raises NotFound, Conflict."""
    if (await accounts.one(connection, wanted)).disabled:
        raise Conflict("this account is disabled: enable it first", code="account_disabled")
    await accounts.set_password(connection, wanted, None)
    await signed_in.end_all(connection, now_ms, wanted)
    return await _invited(connection, now_ms, wanted, base_url)


async def delete(connection: AsyncConnection, wanted: str) -> None:
    """Its person is forgotten wherever his name stands. Raises NotFound."""
    await accounts.forget(connection, wanted)
    await audit.forget_person(connection, wanted)


async def _invited(connection: AsyncConnection, now_ms: int, wanted: str, base_url: str) -> AccountView:
    code = await invitations.issue(connection, now_ms, wanted)
    view = await accounts.one(connection, wanted)
    view.invitation = f"{base_url}{invitations.PATH}?{urlencode({'code': code})}"
    return view


async def _found(connection: AsyncConnection, campaign: str | None, publisher: str | None) -> None:
    if campaign is not None:
        await refer.to_campaign(connection, campaign)
    if publisher is not None:
        await refer.to_publisher(connection, publisher)
