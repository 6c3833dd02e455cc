"""The walls between tenants: every operation of the API and every form of the dashboard, taken from the application
itself, asked by every role for what is another's: in the path, in the query, in the body. It is 403 or 404, nothing is
written, and no answer tells an id, a name, a number or an amount of another. Pages are read so in
tests/dashboard/test_every_route.py.

Who adds an operation, a filter or a form is told here what to say of it: how its body is filled, and what its fields
name. Nothing is left out because nobody thought of it.
"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest
from starlette.types import ASGIApp

from dni.access.accounts import NewAccount
from dni.access.model import Principal
from dni.access.tokens import NewToken
from dni.api.model import Operation
from dni.api.operations import OPERATIONS, PREFIX
from dni.app import compose
from dni.clock import rfc3339
from dni.dashboard.assets import Assets
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.dashboard.routes import addresses
from dni.parts import Parts
from tests.dashboard import tenants
from tests.dashboard.people import Person, hidden
from tests.support.world import START_MS

PASSWORD = "tree lamp river seven"

Body = dict[str, Any]
Foreign = dict[str, Any]
"""Of a field, or a query parameter: another's, of one side."""

# What a field of a body or a query names, so that another's can be written there. Of a field that is in neither of
# these two nobody knows whether it names something: the first test fails.
NAMES: dict[str, Callable[[str], Any]] = {
    "act": lambda side: "create_campaign",
    "advertiser": lambda side: f"Advertiser {side}",
    "by": lambda side: f"tok_{side}",
    "call": lambda side: f"call_{side}",
    "caller": lambda side: f"+1312555011{tenants.SIDES.index(side)}",
    "campaign": lambda side: "cmp_stranger" if side == "stranger" else "cmp_own",
    "campaign_name": lambda side: f"campaign_name of {side}",
    "channel": lambda side: f"channel of {side}",
    "content": lambda side: f"content of {side}",
    "conversions": lambda side: [
        {"call": f"call_{side}"},
        {"gclid": f"Cj0KCQ-of-{side}-{'x' * 20}"},
        {"caller": f"+1312555011{tenants.SIDES.index(side)}", "at": rfc3339(START_MS)},
    ],
    "destination": lambda side: f"dst_{side}",
    "endpoint": lambda side: f"end_{side}",
    "keyword": lambda side: f"keyword of {side}",
    "landing_page": lambda side: f"https://{side}.example/",
    "medium": lambda side: f"medium of {side}",
    "number": lambda side: f"+1415555012{tenants.SIDES.index(side)}",
    "object": lambda side: f"cmp_{side}",
    "pool": lambda side: f"pool_{side}",
    "publisher": lambda side: f"pub_{side}",
    "q": lambda side: f"src_{side}",
    "session": lambda side: f"ses_{side}",
    "source": lambda side: f"src_{side}",
    "sub1": lambda side: f"sub1 of {side}",
    "tag": lambda side: f"tag_{side}",
    "visitor": lambda side: f"vis_{side}",
}
_NOTHING = """
account_sid after_load amount answered at attributes attributions auth_token blocked callers caps consent_default
consent_unknown currency cursor custom day_first default_destination details device disabled dry_run email events
fields first_party first_time from group_by hold_seconds holidays hours ids keys kind lead_status limit limits
linked_domains messages min_confidence min_talk_seconds model month name note numbers only origins params paused
payout phone_type qualified reason recordings refusals region region_rule regions revenue role routing rules sale
secret secrets selectors sessions settings shared side since state states status steps sub2 sub3 sub4 sub5 targets
template terms text timezone to touch_rules type unanswered until url value version within_days
"""
HARMLESS = frozenset(_NOTHING.split())

# A body that an operation takes. Of one that is not here nobody knows how to ask: the first test fails.
_PAGE = {"origins": ["https://own.example"], "targets": ["+14155550199"]}
_USD = {"amount": 1, "currency": "USD"}
_NOBODY: Body = {}
BODIES: dict[str, Body] = {
    "create_campaign": {"name": "N", "destination": "+14155550150"},
    "change_campaign": {"name": "N"},
    "create_destination": {"campaign": "cmp_own", "name": "N", "number": "+14155550152"},
    "change_destination": {"name": "N"},
    "create_budget": {"campaign": "cmp_own", "limits": {"calls": {"day": 5}}},
    "change_budget": {"limits": {"calls": {"day": 5}}},
    "create_publisher": {"name": "N"},
    "change_publisher": {"name": "N"},
    "create_pool": {"name": "N", "numbers": ["+14155550153"]},
    "change_pool": {"name": "N"},
    "create_number": {"number": "+14155550151", "campaign": "cmp_own", "source": "print"},
    "change_number": {"source": "radio"},
    "create_tag": {"name": "N", "campaign": "cmp_own", **_PAGE},
    "change_tag": {"name": "N"},
    "create_carrier": {"kind": "twilio", "name": "N", "account_sid": "AC2", "auth_token": "x"},
    "change_carrier": {"name": "N"},
    "create_token": {"role": "admin"},
    "roll_back_tag": {"version": 1},
    "save_tag_draft": {"params": ["store"]},
    "put_routing": {"steps": []},
    "try_routing": _NOBODY,
    "put_terms": {"terms": {}},
    "try_terms": {"terms": {}},
    "check_condition": {"text": "answered"},
    "tell_outcome": {"sale": True},
    "bring_conversions": {"conversions": []},
    "tell_outcome_of": {
        "sale": True,
        "caller": "+13125550110",
        "since": "2026-09-21T00:00:00Z",
        "until": "2026-09-22T00:00:00Z",
    },
    "correct_call": {"payout": _USD, "reason": "x"},
    "open_dispute": {"call": "call_own", "side": "payout", "reason": "x"},
    "decide_dispute": {"state": "denied", "note": "x"},
    "close_statement": {"publisher": "pub_own", "month": "2026-08"},
    "change_retention": {"sessions": 400},
    "erase_person": {"caller": "+13125550110"},
    "create_account": {"email": "new@example.com", "role": "admin"},
    "change_account": {"name": "N"},
    "create_webhook": {"name": "N", "url": "https://example.com/calls"},
    "change_webhook": {"name": "N"},
    "send_webhook": {"since": "2026-09-21T00:00:00Z"},
    "test_webhook": _NOBODY,
    "test_integration": _NOBODY,
    "preview_integration": {"kind": "postback", "settings": {"url": "https://example.com/calls"}},
    "create_integration": {"kind": "postback", "name": "N", "settings": {"url": "https://example.com/calls"}},
    "change_integration": {"name": "N"},
    "send_integration": {"since": "2026-09-21T00:00:00Z"},
}
# Wants more than its path to be asked at all.
QUERIES: dict[str, dict[str, str]] = {
    "export_person": {"caller": "+13125550110"},
    "preview_statement": {"publisher": "pub_own", "month": "2026-08"},
    "report_attribution": {"group_by": "campaign,publisher,tag,source", "from": tenants.lately()},
}


class Who(msgspec.Struct, frozen=True):
    """Somebody within walls, with a token for the API and a browser that is signed in by a password."""

    name: str
    principal: Principal
    token: str
    person: Person

    @property
    def hidden(self) -> tuple[str, ...]:
        return tenants.HIDDEN[self.principal.role]

    def tells(self, text: str, *said: str) -> str:
        return tenants.tells(self.principal, text, *said)


@pytest.fixture
async def parts(sqlite_parts: Parts) -> Parts:
    await tenants.fill(sqlite_parts)
    return sqlite_parts


@pytest.fixture
def app(parts: Parts) -> ASGIApp:
    return compose(parts)


@pytest.fixture
def rooms(parts: Parts) -> list[Address]:
    return addresses(parts, Pages(Assets()))


@pytest.fixture
async def people(app: ASGIApp, parts: Parts) -> Any:
    """Each role within its walls: a token, and an account that signed in with the same ones."""
    both = {"campaign": "cmp_own", "publisher": "pub_own"}
    walls: dict[str, dict[str, Any]] = {
        "advertiser": {"role": "advertiser", "campaign": "cmp_own"},
        "publisher": {"role": "publisher", "publisher": "pub_own"},
        "publisher who sees callers": {"role": "publisher", "publisher": "pub_own", "callers": True},
        "publisher of a campaign": {"role": "publisher", **both},
        "marketer of a campaign": {"role": "marketer", "campaign": "cmp_own"},
        "marketer of a publisher": {"role": "marketer", "publisher": "pub_own"},
    }
    made: list[Who] = []
    for n, (name, given) in enumerate(walls.items()):
        token = await tenants.token(parts, NewToken(**{k: v for k, v in given.items() if k != "callers"}))
        person = Person(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dni.example"))
        person.browser.headers["Accept"] = "text/html"
        principal = await tenants.account(parts, NewAccount(email=f"person{n}@example.com", **given), PASSWORD)
        page = await person.read("/signin")
        fields = {**hidden(page.text), "email": f"person{n}@example.com", "password": PASSWORD}
        assert (await person.send("/signin", fields)).status_code == 303
        made.append(Who(name, principal, token, person))
    yield made
    for who in made:
        await who.person.browser.aclose()


def fields_of(kind: Any) -> tuple[str, ...]:
    return tuple(field.encode_name for field in msgspec.structs.fields(kind)) if kind is not None else ()


def test_of_every_operation_it_is_known_how_to_ask_and_what_its_fields_name() -> None:
    for operation in OPERATIONS:
        assert tenants.known(operation.path), f"{operation.path}: give each side of tests/dashboard/tenants.py one"
        if operation.body is not None:
            assert operation.name in BODIES, f"{operation.name}: add to BODIES a body that it takes"
            msgspec.convert(BODIES[operation.name], operation.body)
        for field in (*fields_of(operation.body), *fields_of(operation.query)):
            assert field in NAMES or field in HARMLESS, (
                f"{operation.name} takes {field!r}: say in NAMES what of another tenant it may name, or in HARMLESS "
                "that it names nothing"
            )
    assert BODIES.keys() <= {one.name for one in OPERATIONS}
    assert not NAMES.keys() & HARMLESS


def asked_of(operation: Operation, side: str) -> Iterator[tuple[str, dict[str, str], Body | None]]:
    """Path, query and body: another's in the path, in each parameter and in each field, one at a time."""
    own = tenants.address(PREFIX + operation.path, "own")
    query, body = QUERIES.get(operation.name, {}), BODIES.get(operation.name)
    if tenants.is_of_one(operation.path, side):
        yield tenants.address(PREFIX + operation.path, side), query, body
    for field in fields_of(operation.query):
        if field in NAMES:
            yield own, {**query, field: NAMES[field](side)}, body
    for field in fields_of(operation.body):
        if field in NAMES:
            yield own, query, {**(body or {}), field: NAMES[field](side)}


def may(operation: Operation, principal: Principal) -> bool:
    return {
        "read": True,
        "tell": principal.may_tell,
        "dispute": principal.may_dispute,
        "weigh": principal.may_weigh,
        "connect": principal.may_write,
        "write": principal.may_write,
        "administer": principal.may_administer,
    }[operation.access]


async def test_no_operation_gives_or_takes_what_is_anothers(app: ASGIApp, parts: Parts, people: list[Who]) -> None:
    before = await tenants.dump(parts)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dni.example") as client:
        for who in people:
            for operation in OPERATIONS:
                for side in who.hidden:
                    for path, query, body in asked_of(operation, side):
                        headers = {"Authorization": f"Bearer {who.token}"}
                        answer = await client.request(operation.method, path, params=query, headers=headers, json=body)
                        where = (who.name, operation.name, path, query, body)
                        is_path = path != tenants.address(PREFIX + operation.path, "own")
                        if not may(operation, who.principal):
                            assert (where, answer.status_code) == (where, 403)
                        elif is_path:
                            assert (where, answer.status_code in (403, 404)) == (where, True), answer.text
                        elif operation.writes and not operation.workflow:
                            assert (where, answer.status_code in (403, 404, 422)) == (where, True), answer.text
                        else:
                            assert (where, answer.status_code in (200, 403, 404, 422)) == (where, True), answer.text
                        said = [*path.split("/"), *query.values(), *_texts(body)]
                        assert (where, who.tells(answer.text, *said)) == (where, "")
    assert await tenants.dump(parts) == before, "and nothing was written"


def _texts(body: Any) -> list[str]:
    return [value for value in (body or {}).values() if isinstance(value, str)]


async def test_no_list_report_or_file_tells_of_another(app: ASGIApp, people: list[Who]) -> None:
    """As they are asked without any filter, in both forms, each page of them."""
    seen: dict[str, set[str]] = {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dni.example") as client:
        for who in people:
            for operation in (one for one in OPERATIONS if one.method == "GET"):
                path, query = tenants.address(PREFIX + operation.path, "own"), QUERIES.get(operation.name, {})
                for form in ("application/json", *(("text/csv",) if operation.is_list else ())):
                    headers = {"Authorization": f"Bearer {who.token}", "Accept": form}
                    answer = await client.get(path, params=query, headers=headers)
                    where = (who.name, path, form, answer.status_code)
                    assert answer.status_code in (200, 403, 404, 422), where
                    assert (where, who.tells(answer.text, *path.split("/"))) == (where, "")
                    if answer.status_code == 200 and tenants.MONEY["own"][0] and "own" in answer.text:
                        seen.setdefault(who.name, set()).add(operation.name)
    for name in ("advertiser", "publisher", "marketer of a campaign"):
        assert {"list_calls", "get_call", "list_postings", "list_tags", "report_attribution"} <= seen[name], name
    assert {"list_statements", "list_disputes", "list_balances"} <= seen["publisher"]


async def test_each_sees_its_own_money_and_no_other(app: ASGIApp, people: list[Who]) -> None:
    """The other way about: what is shown is not shown because nothing is."""
    own = tenants.amounts("own")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dni.example") as client:
        for who in people:
            headers = {"Authorization": f"Bearer {who.token}"}
            text = (await client.get(f"{PREFIX}/calls/call_own", headers=headers)).text
            assert (who.name, own["payout"][0] in text) == (who.name, who.principal.sees_payout)
            assert (who.name, own["revenue"][0] in text) == (who.name, who.principal.sees_revenue)
            full = "+13125550110" in text
            assert (who.name, full) == (who.name, who.principal.role != "publisher")


async def test_no_form_acts_on_what_is_anothers(parts: Parts, people: list[Who], rooms: list[Address]) -> None:
    """Sent as a form of our own page is, by who may send it about his own."""
    before = await tenants.dump(parts)
    for who in people:
        csrf = hidden((await who.person.read("/account")).text)["csrf"]
        for address in (one for one in rooms if one.post and one.access != "own"):
            for side in who.hidden:
                if not tenants.is_of_one(address.path, side):
                    continue
                path = tenants.address(address.path, side)
                everything = {name: value(side) for name, value in NAMES.items() if isinstance(value(side), str)}
                answer = await who.person.send(path, {"csrf": csrf, "sale": "yes", "reason": "x", **everything})
                where = (who.name, path)
                assert (where, answer.status_code in (403, 404)) == (where, True), answer.text
                assert (where, who.tells(answer.text, *path.split("/"), *everything.values())) == (where, "")
    assert await tenants.dump(parts) == before
