"""Which calls Google Ads is told of, on each engine."""

from typing import Any

import pytest

from dni.access.model import Principal
from dni.errors import Forbidden, InvalidField
from dni.ledger import schema
from dni.outbound.conversions import google_ads
from dni.outbound.google_ads import Wish
from dni.parts import Parts
from tests.dashboard.samples import HOUR, call, insert_rows, session, unanswered
from tests.support.world import START_MS, add

ADMIN = Principal("admin", "admin", "admin")
DAY = 24 * HOUR


def gclid(name: str) -> dict[str, Any]:
    return {"click_ids": {"gclid": f"{name}-{'x' * 30}"}}


def credited(name: str, ago_ms: int, visit: dict[str, Any], **values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A visit and its call, a minute later."""
    made = session(f"s-{name}", ago_ms, **{"visitor_id": f"v-{name}", **visit})
    touch = {key: made[key] for key in ("visitor_id", "click_ids", "campaign_id", "publisher_id", "tag_id")}
    return made, call(f"call_{name}", ago_ms - 60_000, **touch, session_id=made["id"], confidence=0.9, **values)


def touch(of: str, visit: dict[str, Any]) -> dict[str, Any]:
    """A visit as it is kept with a call."""
    columns = dict.fromkeys(schema.call_touch.c.keys())
    shares = dict.fromkeys(schema.KEPT_MODELS, 0)
    copied = {name: value for name, value in visit.items() if name in columns}
    kept = {"call_id": of, "session_id": visit["id"], "at_ms": visit["started_at_ms"], "confidence": 0.9}
    return {**columns, **copied, **kept, **shares}


async def fill(parts: Parts, *pairs: tuple[dict[str, Any], dict[str, Any]]) -> None:
    await insert_rows(parts, schema.session, *(visit for visit, _ in pairs))
    await insert_rows(parts, schema.call, *(rang for _, rang in pairs))


async def told(parts: Parts, wish: Wish | None = None, principal: Principal = ADMIN) -> dict[str, str | None]:
    """Click or caller by call."""
    found, after = await google_ads(parts.ledger, principal, wish or Wish(), 500)
    assert after is None
    return {one.id: one.click.id.partition("-x")[0] if one.click else one.caller for one in found}


async def test_calls_of_google_clicks_by_who_consented(parts: Parts) -> None:
    await add(parts)
    await fill(
        parts,
        credited("yes", HOUR, gclid("yes")),
        credited("organic", HOUR, {"click_ids": {"fbclid": "f" * 40}}),
        credited("no_ids", HOUR, {}),
        credited("tried", HOUR, {"click_ids": {"gclid": "TeSter-123"}}),
        credited("formula", HOUR, {"click_ids": {"gclid": "=HYPERLINK(1)" + "x" * 30}}),
        credited("denied", HOUR, {**gclid("denied"), "consent": "denied"}),
        credited("unknown", HOUR, {**gclid("unknown"), "consent": "unknown"}),
        credited("old", 100 * DAY, gclid("old")),
    )
    _, forgotten = credited("forgotten", HOUR, gclid("forgotten"))
    nobody = call("call_nobody", HOUR, **gclid("nobody"), method="none")
    await insert_rows(parts, schema.call, forgotten, nobody)
    assert await told(parts) == {"call_yes": "yes", "call_old": "old"}


async def test_the_wish_is_heard(parts: Parts) -> None:
    await add(parts)
    missed = unanswered("no_answer", HOUR - 60_000)
    await fill(
        parts,
        credited("long", HOUR, gclid("long")),
        credited("short", 2 * HOUR, gclid("short"), talk_s=5),
        credited("missed", HOUR, gclid("missed"), **missed),
        credited("apple", 3 * HOUR, {"click_ids": {"wbraid": "w" * 40}}),
    )
    visit, guess = credited("guess", HOUR, gclid("guess"))
    await fill(parts, (visit, {**guess, "confidence": 0.4}))
    assert set(await told(parts)) == {"call_long", "call_short"}
    assert set(await told(parts, Wish(min_talk_seconds=60))) == {"call_long"}
    assert set(await told(parts, Wish(answered=False))) == {"call_long", "call_short", "call_missed"}
    assert set(await told(parts, Wish(min_confidence=0.4))) == {"call_long", "call_short", "call_guess"}
    assert set(await told(parts, Wish(min_confidence=0.95))) == set()
    assert set(await told(parts, Wish(ids="all"))) == {"call_long", "call_short", "call_apple"}
    assert set(await told(parts, Wish(from_ms=START_MS - HOUR - 60_000))) == {"call_long"}
    assert set(await told(parts, Wish(to_ms=START_MS - HOUR - 60_000))) == {"call_short"}
    assert set(await told(parts, Wish(campaign="cmp_2"))) == set()
    assert set(await told(parts, Wish(publisher="pub_1"))) == {"call_long", "call_short"}


async def test_a_visitor_who_clicked_before_is_told_by_his_newest_click(parts: Parts) -> None:
    await add(parts)
    direct, rang = credited("back", HOUR, {})
    others = {
        "older": session("s-older", 20 * DAY, visitor_id="v-back", **gclid("older")),
        "newer": session("s-newer", 10 * DAY, visitor_id="v-back", **gclid("newer")),
        "too_old": session("s-too-old", 95 * DAY, visitor_id="v-back", **gclid("too_old")),
        "denied": session("s-denied", 2 * DAY, visitor_id="v-back", **gclid("denied"), consent="denied"),
        "neighbour": session("s-neighbour", DAY, visitor_id="v-neighbour", **gclid("neighbour")),
    }
    await fill(parts, (direct, rang))
    await insert_rows(parts, schema.session, *others.values())
    assert await told(parts) == {}, "its touches are kept a quarter of an hour after the call"
    await insert_rows(parts, schema.call_touch, *(touch("call_back", one) for one in (direct, *others.values())))
    assert await told(parts) == {"call_back": "newer"}


async def test_another_publishers_click_is_not_told(parts: Parts) -> None:
    """The visitor came by a neighbour's ad before; the call is this publisher's."""
    await add(parts)
    direct, rang = credited("back", HOUR, {})
    before = session("s-before", DAY, visitor_id="v-back", publisher_id="pub_2", **gclid("before"))
    await fill(parts, (direct, rang), credited("theirs", HOUR, {**gclid("theirs"), "publisher_id": "pub_2"}))
    await insert_rows(parts, schema.session, before)
    await insert_rows(parts, schema.call_touch, touch("call_back", direct), touch("call_back", before))
    assert await told(parts) == {"call_back": "before", "call_theirs": "theirs"}
    assert await told(parts, principal=Principal("p", "p", "publisher", None, "pub_1")) == {}
    assert await told(parts, principal=Principal("p", "p", "publisher", None, "pub_2")) == {"call_theirs": "theirs"}
    assert await told(parts, principal=Principal("a", "a", "advertiser", "cmp_2")) == {}


async def test_numbers_that_an_ad_shows_are_told_by_their_callers(parts: Parts) -> None:
    await add(parts)
    shown = {"method": "static", "tag_id": None}
    await insert_rows(
        parts,
        schema.call,
        call("call_ad", HOUR, source="Google", **shown),
        call("call_withheld", HOUR, source="google", caller=None, **shown),
        call("call_print", HOUR, source="print", **shown),
        call("call_pool", HOUR, source="google"),
    )
    wish = Wish(template="calls")
    assert await told(parts, wish) == {"call_ad": "+13125550142"}
    with pytest.raises(Forbidden):
        await told(parts, wish, Principal("p", "p", "publisher", None, "pub_1"))


async def test_pages_are_short_where_calls_fall_out_and_name_each_call_once(parts: Parts) -> None:
    await add(parts)
    await fill(parts, *(credited(f"{n:02}", n * HOUR, gclid(f"{n:02}") if n % 3 == 0 else {}) for n in range(1, 21)))
    found, cursor, pages = [], None, 0
    while cursor or not pages:
        page, cursor = await google_ads(parts.ledger, ADMIN, Wish(), 4, cursor)
        found += [one.id for one in page]
        pages += 1
    assert found == [f"call_{n:02}" for n in range(3, 21, 3)]
    assert pages == 5
    with pytest.raises(InvalidField):
        await google_ads(parts.ledger, ADMIN, Wish(), 4, "nonsense")


async def test_value_and_currency(parts: Parts) -> None:
    await add(parts)
    await fill(parts, credited("yes", HOUR, gclid("yes")))
    for wish, expected in (
        (Wish(), (None, None)),
        (Wish(value="5"), ("5", "USD")),
        (Wish(value="5", currency="EUR"), ("5", "EUR")),
    ):
        [one], _ = await google_ads(parts.ledger, ADMIN, wish, 10)
        assert (one.value, one.currency) == expected
