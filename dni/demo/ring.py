"""`dni demo call`: rings the service that runs on this data folder, and tells what was said."""

from collections.abc import Callable

import httpx
from sqlalchemy import select

from dni import phone
from dni.catalog.load import load
from dni.catalog.model import Carrier, Catalog
from dni.clock import Clock, SystemClock
from dni.demo.call import demo_call
from dni.errors import UsageError
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.settings import Settings


async def ring(
    settings: Settings,
    to: str | None,
    caller: str,
    talk_seconds: int,
    say: Callable[[str], None],
    clock: Clock | None = None,
    *,
    carrier: str | None = None,
    keys: str = "",
    unanswered: int = 0,
) -> None:
    """`carrier`: id or name of the account that is played, else the newest of kind twilio. `keys`, `unanswered`: what
    the caller presses in menus, and how many phones are not picked up.

    Raises UsageError when nothing runs here, there is no such account, or the service refused.
    """
    address = settings.data_dir / "address"
    if not address.exists():
        raise UsageError(
            f"nothing has been served from {settings.data_dir} yet: start `dni serve` first, or name --data-dir"
        )
    ledger = Ledger(settings.ledger_url)
    try:
        catalog = await load(ledger)
        dialled = phone.e164(to, "--to") if to else await _last_leased(ledger, catalog)
    finally:
        await ledger.close()
    played = _account(catalog, carrier)
    say(f"{phone.international(phone.e164(caller, '--from'))} rings {phone.international(dialled)}")
    now_ms = (clock or SystemClock()).now_ms()
    local = address.read_text().strip()
    try:
        steps = demo_call(
            local,
            played,
            dialled,
            phone.e164(caller),
            talk_seconds,
            now_ms=now_ms,
            public_url=settings.public_url,
            keys=keys,
            unanswered=unanswered,
        )
        async for step in steps:
            say(f"  {step.name}: POST {step.url} -> {step.status}")
            if step.answer:
                say(f"    {step.answer}")
            if step.status >= 300:
                raise UsageError(f"the service refused the call with status {step.status}")
    except httpx.TransportError as error:
        raise UsageError(f"nothing answers at {local}: is `dni serve` running? ({error})") from None
    say(f"See it at {settings.public_url or local}/calls")


def _account(catalog: Catalog, wanted: str | None) -> Carrier:
    """Raises UsageError."""
    known = [one for one in catalog.carriers.values() if one.kind == "twilio"]
    found = [one for one in known if wanted in (None, one.id, one.name)]
    if found:
        return max(found, key=lambda one: one.id)  # ids sort by age
    if known:
        names = ", ".join(f"{one.name!r} ({one.id})" for one in known)
        raise UsageError(f"--carrier: no account is called {wanted!r}; there is {names}")
    raise UsageError("there is no carrier account yet: the page /setup makes one to practise with, or enters your own")


async def _last_leased(ledger: Ledger, catalog: Catalog) -> str:
    """The number that a visitor was shown last; without a visitor any pooled one: nobody held it."""
    lease = schema.lease
    newest = select(lease.c.number).order_by(lease.c.started_at_ms.desc()).limit(1)
    async with ledger.read() as connection:
        number: str | None = (await connection.execute(newest)).scalar_one_or_none()
    number = number or next((one.number for one in catalog.numbers.values() if one.pool and one.live), None)
    if number is None:
        raise UsageError("there is no tracking number to ring: create a pool first")
    return number
