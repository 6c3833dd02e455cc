"""What the admin API does with calls: reads them and all that is known of one, and takes what became of it."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dni.api.model import Ask, Operation
from dni.api.query import CallQuery, span_ms
from dni.call import outcomes
from dni.call import search as call_search
from dni.call.outcome import TellOutcome
from dni.call.outcomes import TellOutcomeOf
from dni.call.search import CallEventView, CallFilter, CallTouchView, DecisionView, FormerAttributionView
from dni.call.views import CallView, OutcomeView


async def _calls(ask: Ask) -> Any:
    query: CallQuery = ask.query
    from_ms, to_ms = span_ms(query)
    shared = {name: getattr(query, name) for name in CallFilter.__struct_fields__ if hasattr(query, name)}
    only = CallFilter(from_ms=from_ms, to_ms=to_ms, **shared)
    return await call_search.list_calls(ask.ledger, ask.principal, only, query.limit, query.cursor)


async def _call(ask: Ask) -> Any:
    return await call_search.one_call(ask.ledger, ask.principal, ask.id)


async def _call_events(ask: Ask) -> Any:
    return await call_search.call_events(ask.ledger, ask.principal, ask.id), None


async def _former_attributions(ask: Ask) -> Any:
    return await call_search.former_attributions(ask.ledger, ask.principal, ask.id), None


async def _call_touches(ask: Ask) -> Any:
    return await call_search.call_touches(ask.ledger, ask.principal, ask.id), None


async def _decisions(ask: Ask) -> Any:
    return await call_search.decisions(ask.ledger, ask.principal, ask.id), None


async def _outcomes(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await outcomes.of_call(connection, ask.principal, ask.id), None


async def _tell(connection: AsyncConnection, ask: Ask) -> Any:
    return await outcomes.tell(connection, ask.principal, ask.now_ms, ask.id, ask.body)


async def _tell_of(connection: AsyncConnection, ask: Ask) -> Any:
    return await outcomes.tell_of(connection, ask.principal, ask.now_ms, ask.body)


OPERATIONS = (
    Operation(
        method="GET",
        path="/calls",
        name="list_calls",
        summary="List calls, newest first, each with its touch and attribution",
        room="calls",
        run=_calls,
        answer=CallView,
        query=CallQuery,
        is_list=True,
    ),
    Operation(
        method="GET", path="/calls/{id}", name="get_call", summary="One call", room="calls", run=_call, answer=CallView
    ),
    Operation(
        method="GET",
        path="/calls/{id}/events",
        name="list_call_events",
        summary="What the carrier told of a call, in order",
        room="calls",
        run=_call_events,
        answer=CallEventView,
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/calls/{id}/touches",
        name="list_call_touches",
        summary="How all visitors who may have called came, in every visit until the call, in order",
        room="calls",
        run=_call_touches,
        answer=CallTouchView,
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/calls/{id}/attributions",
        name="list_former_attributions",
        summary="What was answered before a call was attributed anew, the latest first",
        room="calls",
        run=_former_attributions,
        answer=FormerAttributionView,
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/calls/{id}/decisions",
        name="list_call_decisions",
        summary="What the carrier was answered, in order, and why: the call's way through its campaign's routing",
        room="calls",
        run=_decisions,
        answer=DecisionView,
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/calls/{id}/outcomes",
        name="list_call_outcomes",
        summary="What was told of what became of a call, the latest first",
        room="calls",
        run=_outcomes,
        answer=OutcomeView,
        is_list=True,
    ),
    Operation(
        method="POST",
        path="/calls/{id}/outcome",
        name="tell_outcome",
        summary="Tell what became of a call: a sale, its value, the lead's status. The same again changes nothing",
        room="calls",
        access="tell",
        run=_tell,
        body=TellOutcome,
        answer=OutcomeView,
        configures=False,
        settles=True,
    ),
    Operation(
        method="POST",
        path="/outcomes",
        name="tell_outcome_of",
        summary="Tell what became of the latest call of a telephone within a span of time",
        room="calls",
        access="tell",
        run=_tell_of,
        body=TellOutcomeOf,
        answer=OutcomeView,
        configures=False,
        settles=True,
    ),
)
