"""What the admin API does with terms, with what they say of calls, and with the journal of what calls pay."""

from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.api.model import Ask, Operation
from dni.api.query import EndQuery, PostingQuery, TermsQuery, span_ms
from dni.campaign import declare
from dni.errors import NotFound
from dni.parts import Parts
from dni.payout import journal
from dni.payout.journal import PostingFilter, PostingView
from dni.qualification import terms, verdicts
from dni.qualification.expression import written
from dni.qualification.language import NAME, Unreadable, parse
from dni.qualification.terms import NewTerms, TermsView
from dni.qualification.verdicts import VerdictView

_LIMIT = 512 * 1024
"""Room for policies and shared telephones."""


class Check(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A condition. `hours`: names that `during` may take."""

    text: str
    hours: list[str] = []


class Checked(msgspec.Struct):
    """`text`: the condition in its usual form; null where it cannot be read, and `error` says why. `at`, `until`: the
    characters that are wrong, from 0, `until` not among them."""

    text: str | None
    error: str | None = None
    at: int | None = None
    until: int | None = None


def _publisher(ask: Ask) -> str | None:
    """Whose terms are asked for. Of another publisher's a publisher knows nothing."""
    wanted: str | None = ask.query.publisher
    own = ask.principal.publisher
    if own is not None and wanted not in (None, own):
        raise NotFound(f"there is no publisher {wanted}")
    return own or wanted


async def _present(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await terms.present(connection, ask.principal, ask.id, _publisher(ask), ask.now_ms)


async def _versions(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await terms.versions(connection, ask.principal, ask.id), None


async def _before(connection: AsyncConnection, ask: Ask) -> Any:
    return await terms.present(connection, ask.principal, ask.id, ask.body.publisher, ask.now_ms)


async def _put(connection: AsyncConnection, ask: Ask) -> Any:
    new: NewTerms = ask.body
    owner = ask.id, new.publisher
    made = await declare.terms(connection, ask.principal, ask.now_ms, *owner, new.from_, new.terms)
    if made is None:
        return await terms.present(connection, ask.principal, *owner, ask.now_ms)
    return await terms.one(connection, ask.principal, made)


async def _end(connection: AsyncConnection, ask: Ask) -> None:
    query: EndQuery = ask.query
    await declare.terms(connection, ask.principal, ask.now_ms, ask.id, query.publisher, query.from_, None)


async def _check(_parts: Parts, ask: Ask) -> Checked:
    told: Check = ask.body
    try:
        found = parse(told.text, "/text", frozenset(name for name in told.hours if NAME.fullmatch(name)))
    except Unreadable as error:
        return Checked(None, error.errors[0].message, error.at, error.until)
    return Checked(written(found))


async def _verdict(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await verdicts.one(connection, ask.principal, ask.id)


async def _postings(ask: Ask) -> Any:
    query: PostingQuery = ask.query
    from_ms, to_ms = span_ms(query)
    shared = {name: getattr(query, name) for name in ("campaign", "publisher", "call")}
    only = PostingFilter(from_ms=from_ms, to_ms=to_ms, **shared)
    async with ask.ledger.read() as connection:
        return await journal.page(connection, ask.principal, only, query.limit, query.cursor)


OPERATIONS = (
    Operation(
        method="GET",
        path="/campaigns/{id}/terms",
        name="get_terms",
        summary="What a campaign's calls must be and pay, from now on; of a publisher, by its own terms if it has any",
        room="campaigns",
        run=_present,
        query=TermsQuery,
        answer=TermsView,
    ),
    Operation(
        method="PUT",
        path="/campaigns/{id}/terms",
        name="put_terms",
        summary="Other terms for calls that begin from a moment on; those that began before keep theirs",
        room="campaigns",
        access="write",
        run=_put,
        before=_before,
        body=NewTerms,
        body_limit=_LIMIT,
        answer=TermsView,
        settles=True,
    ),
    Operation(
        method="DELETE",
        path="/campaigns/{id}/terms",
        name="end_terms",
        summary="An end of a publisher's own terms, or of all, for calls that begin from a moment on",
        room="campaigns",
        access="write",
        run=_end,
        query=EndQuery,
        status=204,
        settles=True,
    ),
    Operation(
        method="GET",
        path="/campaigns/{id}/terms/versions",
        name="list_terms",
        summary="All versions of a campaign's terms and of its publishers', the latest first; those to come too",
        room="campaigns",
        run=_versions,
        answer=TermsView,
        is_list=True,
    ),
    Operation(
        method="POST",
        path="/terms/check",
        name="check_condition",
        summary="Whether a condition can be read: its usual form, or what is wrong and where",
        room="campaigns",
        run=_check,
        body=Check,
        answer=Checked,
        workflow=True,
    ),
    Operation(
        method="GET",
        path="/calls/{id}/verdict",
        name="get_verdict",
        summary="What the terms say of a call: every policy, each term with what was found and what was needed",
        room="calls",
        run=_verdict,
        answer=VerdictView,
    ),
    Operation(
        method="GET",
        path="/postings",
        name="list_postings",
        summary="The journal: every change of what a call pays, the latest first",
        room="postings",
        run=_postings,
        query=PostingQuery,
        answer=PostingView,
        is_list=True,
    ),
)
