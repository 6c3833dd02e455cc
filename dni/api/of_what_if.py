"""What the admin API does with terms that are not saved yet: it tries them on past calls."""

import msgspec

from dni.api.model import Ask, Operation
from dni.campaign import campaigns, publishers
from dni.campaign.model import Id, moment_ms
from dni.errors import InvalidField
from dni.ledger.rows import Instant
from dni.parts import Parts
from dni.qualification.terms import TermsGiven
from dni.qualification.what_if import Tried, WhatIf, is_light, what_if

_DAYS_MS = 30 * 86_400_000
_LIMIT = 512 * 1024
"""Room for policies and shared telephones."""


class TryTerms(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`publisher`: they are in place of the campaign's terms for its calls. Calls that began from `from` until before
    `to`; without these, in the last 30 days."""

    terms: TermsGiven
    publisher: Id | None = None
    from_: Instant | None = msgspec.field(default=None, name="from")
    to: Instant | None = None


async def try_terms(parts: Parts, ask: Ask) -> WhatIf:
    told: TryTerms = ask.body
    async with ask.ledger.read() as connection:
        await campaigns.one(connection, ask.principal, ask.id)
        if told.publisher is not None:
            await publishers.one(connection, ask.principal, told.publisher)
    to_ms = ask.now_ms if told.to is None else moment_ms(told.to, "/to")
    from_ms = to_ms - _DAYS_MS if told.from_ is None else moment_ms(told.from_, "/from")
    if from_ms >= to_ms:
        raise InvalidField("/from", "a moment before `to`")
    tried = Tried(campaign=ask.id, terms=told.terms, publisher=told.publisher, from_ms=from_ms, to_ms=to_ms)
    if await is_light(ask.ledger, tried):
        return await what_if(ask.ledger, tried)
    found = await parts.errands.run("dni.qualification.what_if:errand", msgspec.json.encode(tried))
    return msgspec.json.decode(found, type=WhatIf)


OPERATIONS = (
    Operation(
        method="POST",
        path="/campaigns/{id}/terms/try",
        name="try_terms",
        summary="What these terms would have made of past calls, beside what was; nothing is saved",
        room="campaigns",
        run=try_terms,
        access="weigh",
        body=TryTerms,
        body_limit=_LIMIT,
        answer=WhatIf,
        workflow=True,
    ),
)
