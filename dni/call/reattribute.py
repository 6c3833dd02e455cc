"""Credits stored calls anew, with what is known and learnt by now. The former answers are kept."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import select, tuple_

from dni.attribution import delays
from dni.attribution.attribute import credited
from dni.attribution.evidence import Witness
from dni.attribution.match import match
from dni.attribution.model import Attribution, Candidate, Holding
from dni.call import credits
from dni.catalog.model import Catalog, Number
from dni.ledger.engines import Ledger
from dni.ledger.schema import call

_BATCH = 200
# A smaller change of a probability is none.
_CHANGES = 0.01


class Reattributed(msgspec.Struct):
    """How many calls on pooled numbers were looked at, how many have another answer, or another session, now."""

    looked_at: int = 0
    changed: int = 0
    moved: int = 0


async def reattribute(ledger: Ledger, catalog: Catalog, since_ms: int, now_ms: int) -> Reattributed:
    """Calls that rang since then and were credited once. Raises Unavailable; what was done until then is kept."""
    done, witness = Reattributed(), Witness(ledger)
    after = (since_ms, "")
    while True:
        async with ledger.read() as connection:
            learnt = await delays.load(connection)
            wanted = (
                select(call)
                .where(
                    tuple_(call.c.started_at_ms, call.c.id) > after,
                    call.c.method.is_not(None),
                    call.c.forgot_ms.is_(None),  # less is known of it now than then
                )
                .order_by(call.c.started_at_ms, call.c.id)
                .limit(_BATCH)
            )
            rows = (await connection.execute(wanted)).mappings().all()
            answers = []
            for row in rows:
                number = catalog.numbers.get(row["tracking_number"])
                if number is None or number.pool is None:
                    continue
                done.looked_at += 1
                answer = await _anew(witness, catalog, learnt, number, row)
                if answer is not None and _differs(row, answer):
                    answers.append((row, answer))
        if answers:
            async with ledger.write() as connection:
                answers = [one for one in answers if await credits.is_as_read(connection, one[0])]
                for row, answer in answers:
                    await credits.credit_anew(connection, row, answer, now_ms)
        done.changed += len(answers)
        done.moved += sum(row["session_id"] != answer.session for row, answer in answers)
        if len(rows) < _BATCH:
            return done
        after = (rows[-1]["started_at_ms"], rows[-1]["id"])


async def _anew(
    witness: Witness,
    catalog: Catalog,
    learnt: delays.Learnt,
    number: Number,
    row: Mapping[Any, Any],
) -> Attribution | None:
    """None where the ledger has forgotten who held the number: then the answer of then is the best there is."""
    assert number.pool is not None
    at_ms = row["started_at_ms"]
    known = await witness.evidence(number.number, at_ms, row["campaign_id"], row["caller"])
    then = {one.session: one for one in msgspec.convert(row["candidates"] or [], list[Candidate])}
    if not then.keys() <= {one.session for one in known.holdings} | _sessions(known.earlier):
        return None
    found = match(
        [_as_known_then(one, at_ms, then.get(one.session)) for one in known.holdings],
        at_ms,
        number=number.number,
        delay=learnt.delay(number.pool),
        caller=row["caller"],
        earlier=known.earlier,
    )
    return credited(catalog, number, found)


def _sessions(earlier: Any) -> set[str]:
    return {one.session for one, _ in earlier.holdings} if earlier else set()


def _as_known_then(holding: Holding, at_ms: int, then: Candidate | None) -> Holding:
    """The ledger hears of few signs; when the call rang, the latest was known."""
    if then is None or then.gone_ms is None:
        return holding
    sign_ms = at_ms - then.gone_ms
    return replace(holding, sign_ms=sign_ms, left=holding.left and sign_ms >= holding.sign_ms)


def _differs(row: Mapping[Any, Any], answer: Attribution) -> bool:
    if row["session_id"] != answer.session:
        return True
    then = {one["session"]: one["confidence"] or 0.0 for one in row["candidates"] or []}
    now = {one.session: one.confidence or 0.0 for one in answer.candidates}
    return any(abs(then.get(one, 0.0) - now.get(one, 0.0)) >= _CHANGES for one in then.keys() | now.keys())
