"""What the parent of `dni serve` is made of: what is prepared before the doors open, and the duties behind them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from dni.access import signins
from dni.access.tokens import admin_token
from dni.attribution.learn_calls import learn_from_calls
from dni.call.attribute_late import attribute_pending
from dni.call.close_silent import close_silent
from dni.call.drain import drain
from dni.call.release import release_ended
from dni.demo.data import ensure_demo
from dni.host.apart import apart
from dni.host.aside import aside
from dni.host.duties import Duty
from dni.ledger.migrate import migrate
from dni.outbound import guard
from dni.parts import Parts
from dni.pool.place import keep_placed, place, trust
from dni.qualification.settle import settle_due
from dni.session.recorder import record
from dni.settings import Settings


class Parent:
    """One set of parts for all duties of the parent."""

    sign_in_code: str

    def __init__(self, settings: Settings) -> None:
        self.parts = Parts(settings)

    async def prepare(self, clean_run_id: str | None, *, demo: bool) -> None:
        parts = self.parts
        guard.allowed(parts.settings.outbound_allow)  # told now what cannot be read in it
        await migrate(parts.ledger)
        await parts.open()
        if clean_run_id and parts.live.is_up:
            await trust(parts, clean_run_id)
        if demo:
            await ensure_demo(parts)
        if parts.live.is_up:
            await place(parts)
        admin_token(parts.settings)  # made now, so that the file is there when the terminal names it
        self.sign_in_code = await signins.issue(parts.ledger, parts.clock.now_ms())

    def duties(self) -> Mapping[str, Duty]:
        def of(duty: Callable[[Parts, asyncio.Event], Awaitable[None]]) -> Duty:
            async def run(_settings: Settings, stop: asyncio.Event) -> None:
                await duty(self.parts, stop)

            return run

        return {
            "record": aside(_record),
            "keep_placed": of(keep_placed),
            "drain": of(drain),
            "attribute_pending": of(attribute_pending),
            "release_ended": of(release_ended),
            "close_silent": of(close_silent),
            "settle_due": of(settle_due),
            "learn_from_calls": of(learn_from_calls),
            "keep_house": apart("dni.housekeeping:keep_house"),
            "deliver": apart("dni.outbound.deliver:deliver_all", lower_by=0),
        }


async def _record(settings: Settings, stop: asyncio.Event) -> None:
    parts = Parts(settings)
    try:
        await parts.open()
        await record(parts, stop)
    finally:
        await parts.close()
