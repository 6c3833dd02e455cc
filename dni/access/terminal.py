"""What `dni account` does: the API's acts, done in a terminal on the service's own machine."""

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from dni.access import accounts, acts, audit, invite
from dni.access.accounts import AccountChange, AccountView, NewAccount
from dni.access.model import COMMAND_LINE
from dni.campaign.change import one_change
from dni.ledger.engines import Ledger
from dni.settings import Settings
from dni.web.body import invalid

OnLedger = Callable[[Ledger, int], Coroutine[Any, Any, str]]
"""Gets the ledger and the time, and answers what is printed."""


def creating(settings: Settings, given: dict[str, Any]) -> OnLedger:
    """Raises InvalidField."""
    try:
        new = msgspec.convert({name: value for name, value in given.items() if value is not None}, NewAccount)
    except msgspec.ValidationError as error:
        raise invalid(error) from None

    async def act(ledger: Ledger, now_ms: int) -> str:
        async with one_change(ledger) as connection:
            view = await invite.create(connection, now_ms, new, _base(settings))
            await audit.note(connection, now_ms, COMMAND_LINE, "create_account", view.id, acts.told(new))
        return _link(view)

    return act


def disabling(person: str) -> OnLedger:
    async def act(ledger: Ledger, now_ms: int) -> str:
        async with one_change(ledger) as connection:
            view = await accounts.find(connection, person)
            change = AccountChange(disabled=True)
            await invite.change(connection, now_ms, view.id, change)
            await audit.note(connection, now_ms, COMMAND_LINE, "change_account", view.id, acts.told(change, view))
        return f"{view.email} is signed out and cannot sign in"

    return act


def resetting(settings: Settings, person: str) -> OnLedger:
    """Enables it, too."""

    async def act(ledger: Ledger, now_ms: int) -> str:
        async with one_change(ledger) as connection:
            before = await accounts.find(connection, person)
            await invite.change(connection, now_ms, before.id, AccountChange(disabled=False))
            view = await invite.reset(connection, now_ms, before.id, _base(settings))
            await audit.note(connection, now_ms, COMMAND_LINE, "reset_account", view.id)
        return _link(view)

    return act


def _link(view: AccountView) -> str:
    return f"{view.invitation}\n\nGive this link to {view.email}: it lets choose a password once, for seven days."


def _base(settings: Settings) -> str:
    """The service's address: the public one, else where it was served last."""
    kept = settings.data_dir / "address"
    here = kept.read_text().strip() if kept.exists() else f"http://{settings.host}:{settings.port}"
    return settings.public_url or here
