"""Every operation of the table, asked by every role: what is not its own is not there, not even by a guess."""

from typing import Any

import pytest

from dni.access.model import ROLES, Principal, Role
from dni.api.model import Operation
from dni.api.operations import OPERATIONS
from dni.ledger import schema
from tests.api.conftest import Api, a_page

HIDDEN = (
    "list_destinations",
    "get_destination",
    "get_routing",
    "try_routing",
    "list_call_decisions",
    "list_budgets",  # of the campaign: its own is in test_budgets.py
    "get_budget",
)
SINCE = "1970-01-01T00:00:00Z"
LIMITS = {"limits": {"calls": {"day": 5}}}


# What within its walls is nothing that it sees: of the other side, or of all campaigns of a publisher.
_STATEMENTS = ("list_statements", "get_statement", "list_statement_lines")
NOT_THEIRS = {
    "advertiser": (*_STATEMENTS, "list_balances", "list_disputes", "get_dispute"),
    "publisher": (*HIDDEN, "list_billed"),
    "publisher of one campaign": (*HIDDEN, *_STATEMENTS, "list_billed"),
    "marketer of one campaign": _STATEMENTS,
}
NAMES = {"reports": ("campaign", "publisher", "tag"), "balances": ("publisher", "campaign")}


class World:
    """Two campaigns of two publishers, each with one of everything. `own` and `foreign` map a room to an id."""

    own: dict[str, str]
    foreign: dict[str, str]


async def _tenant(api: Api, n: int) -> dict[str, str]:
    campaign = await api.campaign(f"Campaign {n}")
    publisher = await api.publisher(f"Publisher {n}")
    pool = await api.pool([f"+1415555010{n}"])
    tag = await api.tag(campaign, pool, publisher)
    number = await api.made(
        "/numbers", {"number": f"+1415555011{n}", "campaign": campaign, "publisher": publisher, "source": "print"}
    )
    owners = {"campaign_id": campaign, "publisher_id": publisher, "tag_id": tag}
    session = {"id": f"ses{n}", "visitor_id": f"vis{n}", "started_at_ms": n, "last_seen_ms": n, "page_views": 1}
    clicked = {"click_ids": {"gclid": f"Cj0KCQ-{n}-{'x' * 20}"}}
    call = {"id": f"call_{n}", "carrier_id": "car_1", "provider_id": f"CA{n}", "status": "completed"}
    ring = {"started_at_ms": n, "tracking_number": f"+1415555010{n}", "caller": f"+1212555010{n}"}
    sessions = ("ses1", "ses2")
    candidates = [{"session": one, "confidence": 0.5, "why": "held it"} for one in sessions]
    async with api.parts.ledger.write() as connection:
        await connection.execute(schema.session.insert().values(**session, **owners, **clicked, consent="granted"))
        heard = {"session_id": f"ses{n}", "candidates": candidates, "method": "lease", "answered_at_ms": n, **clicked}
        heard |= {"confidence": 0.5}
        await connection.execute(schema.call.insert().values(**call, **ring, **owners, **heard))
        event = {"id": f"evt{n}", "call_id": f"call_{n}", "identity": "1", "kind": "inbound", "at_ms": n}
        said = {"received_at_ms": n, "fields": {"From": f"+1212555010{n}"}}
        await connection.execute(schema.call_event.insert().values(**event, **said))
    rooms = ("campaigns", "publishers", "pools", "tags", "numbers", "sessions", "calls")
    return dict(zip(rooms, (campaign, publisher, pool, tag, number["id"], f"ses{n}", f"call_{n}"), strict=True))


@pytest.fixture
async def world(api: Api) -> World:
    made = World()
    made.own, made.foreign = await _tenant(api, 1), await _tenant(api, 2)
    for of in (made.own, made.foreign):
        carrier = {"kind": "twilio", "name": "C", "account_sid": "AC1", "auth_token": "x"}
        of["carriers"] = (await api.made("/carriers", carrier))["id"]
        of["tokens"] = (await api.made("/tokens", {"role": "marketer"}))["id"]
        person = {"email": f"{of['publishers']}@example.com", "role": "publisher", "publisher": of["publishers"]}
        of["accounts"] = (await api.made("/accounts", person))["id"]
        phone = {"campaign": of["campaigns"], "name": "Shop", "number": "+14155550180"}
        of["destinations"] = (await api.made("/destinations", phone))["id"]
        hook = {"name": "W", "url": "https://example.com/calls", "campaign": of["campaigns"]}
        of["webhooks"] = (await api.made("/webhooks", hook))["id"]
        to = {"kind": "postback", "name": "P", "settings": {"url": "https://example.com/calls"}}
        of["integrations"] = (await api.made("/integrations", to))["id"]
        of["deliveries"] = await _delivery(api, of)
        of["budgets"] = (await api.made("/budgets", {"campaign": of["campaigns"], **LIMITS}))["id"]
        await api.ask("PUT", f"/tags/{of['tags']}/draft", json={"params": ["store"]})
        of.update(await _earned(api, of))
    return made


async def _earned(api: Api, of: dict[str, str]) -> dict[str, str]:
    """A verdict and a posting of its call, a dispute about it, and the statement that it is on."""
    wanted = of["calls"]
    terms = {
        "id": f"trm_{wanted}",
        "campaign_id": of["campaigns"],
        "from_ms": 0,
        "looks_back_ms": 0,
        "created_at_ms": 0,
    }
    settings = {"payout": {"base": {"name": "Base", "amount": 3}}}
    async with api.parts.ledger.write() as connection:
        await connection.execute(schema.terms.insert().values(**terms, settings=settings, by_id="x", by_name="x"))
    paid, billed = ({"amount": amount, "currency": "USD"} for amount in (5, 9))
    told = await api.post(f"/calls/{wanted}/correction", {"payout": paid, "revenue": billed, "reason": "x"})
    assert told.status_code == 200, told.text
    [posting] = (await api.get(f"/postings?call={wanted}")).json()["data"]
    opened = await api.made("/disputes", {"call": wanted, "side": "payout", "reason": "x"})
    closed = await api.made("/statements", {"publisher": of["publishers"], "to": "1970-01-02"})
    return {"postings": posting["id"], "disputes": opened["id"], "statements": closed["id"]}


async def _delivery(api: Api, of: dict[str, str]) -> str:
    """Of its call, for its webhook."""
    made, told = f"dlv_{of['calls']}", {"subject_id": of["calls"], "at_ms": 0}
    async with api.parts.ledger.write() as connection:
        message = schema.outbox.insert().values(id=f"msg_{of['calls']}", type="call.completed", **told)
        seq = (await connection.execute(message.returning(schema.outbox.c.seq))).scalar_one()
        row = {"id": made, "endpoint_id": of["webhooks"], "message_seq": seq, "action": "tell", "state": "dead"}
        await connection.execute(schema.delivery.insert().values(**row, **told, due_ms=0))
    return made


async def _walled(api: Api, world: World) -> dict[str, tuple[Role, str]]:
    campaign, publisher = world.own["campaigns"], world.own["publishers"]
    both = {"campaign": campaign, "publisher": publisher}
    return {
        "advertiser": ("advertiser", await api.token("advertiser", campaign=campaign)),
        "publisher": ("publisher", await api.token("publisher", publisher=publisher)),
        "publisher of one campaign": ("publisher", await api.token("publisher", **both)),
        "marketer of one campaign": ("marketer", await api.token("marketer", campaign=campaign)),
    }


def _body(operation: Operation, world: World) -> dict[str, Any] | None:
    if operation.body is None:
        return None
    if operation.name == "roll_back_tag":
        return {"version": 1}
    if operation.name == "change_budget":
        return LIMITS
    campaign = world.own["campaigns"]
    new: dict[str, dict[str, Any]] = {
        "campaigns": {"name": "N", "destination": "+14155550150"},
        "publishers": {"name": "N"},
        "pools": {"name": "N"},
        "tags": {"name": "N", "campaign": campaign, **a_page()},
        "numbers": {"number": "+14155550151", "campaign": campaign},
        "carriers": {"kind": "twilio", "name": "N", "account_sid": "AC2", "auth_token": "x"},
        "tokens": {"role": "admin"},
        "accounts": {"email": "new@example.com", "role": "admin"},
        "privacy": {"caller": "+12125550177"},
        "budgets": {"campaign": campaign, "publisher": world.own["publishers"], **LIMITS},
        "destinations": {"campaign": campaign, "name": "N", "number": "+14155550152"},
        "webhooks": {"name": "N", "url": "https://example.com/calls"},
        "integrations": {"kind": "postback", "name": "N", "settings": {"url": "https://example.com/calls"}},
    }
    told: dict[str, dict[str, Any]] = {
        "check_condition": {"text": "answered"},
        "put_terms": {"terms": {}},
        "try_terms": {"terms": {}},
        "open_dispute": {"call": world.own["calls"], "reason": "x", "side": "revenue"},
        "decide_dispute": {"state": "denied", "note": "x"},
        "correct_call": {"payout": None, "reason": "x"},
        "close_statement": {"publisher": world.own["publishers"], "to": "1970-01-03"},
        "tell_outcome": {"sale": True},
        "tell_outcome_of": {"sale": True, "caller": "+12125550101", "since": SINCE, "until": "1970-01-02T00:00:00Z"},
        "bring_conversions": {"conversions": [{"call": world.own["calls"], "sale": True}]},
        "send_webhook": {"since": SINCE},
        "send_integration": {"since": SINCE},
        "preview_integration": {"kind": "postback", "settings": {"url": "https://example.com/calls"}},
    }
    if operation.name in told:
        return told[operation.name]
    return new[operation.room] if operation.status == 201 or operation.name == "erase_person" else {}


async def test_nobody_does_anything_without_a_token(api: Api, world: World) -> None:
    for operation in OPERATIONS:
        path = "/api/v1" + operation.path.format(id=world.own.get(operation.room))
        answer = await api.client.request(operation.method, path, json=_body(operation, world))
        assert (operation.name, answer.status_code) == (operation.name, 401)


async def test_every_operation_by_every_walled_role(api: Api, world: World) -> None:
    for who, (role, token) in (await _walled(api, world)).items():
        principal = Principal("x", "x", role, "walled")
        for operation in OPERATIONS:
            may = operation.access == "read" or (operation.access == "tell" and role != "publisher")
            may |= operation.access == "dispute" and role in ("publisher", "advertiser")
            may |= operation.access == "weigh" and role == "marketer"
            assert may <= (not principal.may_write), "walls never write"
            is_hidden = operation.name in NOT_THEIRS[who]
            for side in ("own", "foreign"):
                path = operation.path.format(id=getattr(world, side).get(operation.room))
                if operation.name == "report_attribution":
                    path += "?group_by=campaign,publisher,tag&from=1970-01-01T00:00:00Z"
                more = {} if operation.body is None else {"json": _body(operation, world)}
                answer = await api.ask(operation.method, path, token=token, **more)
                where = (who, operation.name, side)
                if not may:
                    assert (where, answer.status_code) == (where, 403)
                elif is_hidden:
                    assert (where, answer.status_code in (403, 404) or answer.json()["data"] == []) == (where, True)
                elif operation.name == "check_condition":
                    assert (where, answer.status_code) == (where, 200)
                elif operation.name == "open_dispute":
                    once = 201 if side == "own" else 409
                    assert (where, answer.status_code) == (where, once if role == "advertiser" else 422)
                elif operation.name == "withdraw_dispute":
                    # It was not opened by who asks.
                    seen = role == "publisher" and side == "own"
                    assert (where, answer.status_code) == (where, 403 if seen else 404)
                elif operation.name in ("tell_outcome_of", "bring_conversions"):
                    assert (where, world.own["calls"] in answer.text) == (where, True), answer.text
                elif "{id}" in operation.path:
                    assert (where, answer.status_code) == (where, 200 if side == "own" else 404)
                else:
                    names = NAMES.get(operation.room, ("id",))
                    ids = {row[name] for row in answer.json()["data"] for name in names if name in row}
                    assert (where, ids & set(world.own.values())) != (where, set())
                    foreign = ids & set(world.foreign.values())
                    assert (where, foreign) == (where, set())


@pytest.mark.parametrize("role", ROLES)
async def test_only_admins_administer_and_only_two_roles_write(api: Api, world: World, role: Role) -> None:
    walls = {"campaign": world.own["campaigns"]} if role == "advertiser" else {}
    walls |= {"publisher": world.own["publishers"]} if role == "publisher" else {}
    token = await api.token(role, **walls)
    may = {
        "read": True,
        "tell": role != "publisher",
        "dispute": True,
        "weigh": role in ("admin", "marketer"),
        "connect": role in ("admin", "marketer"),
        "write": role in ("admin", "marketer"),
        "administer": role == "admin",
    }
    for operation in sorted(OPERATIONS, key=lambda o: ("GET", "POST", "PUT", "PATCH", "DELETE").index(o.method)):
        # Reads and creations only succeed; changes are tried on what nobody has.
        wanted = world.own.get(operation.room) if operation.method == "GET" else "nobody"
        more = {} if operation.body is None else {"json": _body(operation, world)}
        if operation.name == "export_person":
            more = {"params": {"caller": "+12125550177"}}
        if operation.name == "preview_statement":
            more = {"params": {"publisher": world.own["publishers"], "to": "1970-01-03"}}
        answer = await api.ask(operation.method, operation.path.format(id=wanted), token=token, **more)
        fine: tuple[int, ...] = (404,) if operation.writes and "{id}" in operation.path else (200, 201)
        if operation.name in NOT_THEIRS.get(role, ()):
            fine = (200, 403, 404)
        if operation.name in ("open_dispute", "close_statement"):
            # Only an advertiser has this side; all that there is was stated before.
            fine = (201,) if operation.access == "dispute" and role != "publisher" else (409, 422)
        where = (role, operation.name)
        assert (where, answer.status_code in (fine if may[operation.access] else (403,))) == (where, True)


async def test_a_publisher_sees_callers_masked_and_cannot_search_by_them(api: Api, world: World) -> None:
    token = await api.token("publisher", publisher=world.own["publishers"])
    call = (await api.get("/calls/call_1", token=token)).json()
    assert call["caller"] == "+1212555••••"
    assert (await api.get("/calls/call_1/events", token=token)).json()["data"][0]["fields"] == {}
    assert (await api.get("/calls?q=2125550101", token=token)).json()["data"] == []
    assert "2125550101" not in (await api.get("/calls", token=token, headers={"Accept": "text/csv"})).text
    assert [c["session"] for c in call["attribution"]["candidates"]] == ["ses1"], "not the neighbour's session"
    advertiser = await api.token("advertiser", campaign=world.own["campaigns"])
    seen = (await api.get("/calls?q=2125550101", token=advertiser)).json()["data"]
    assert [one["caller"] for one in seen] == ["+12125550101"]
    assert (await api.get("/calls/call_1/events", token=advertiser)).json()["data"][0]["fields"]["From"]


async def test_filters_cannot_reach_over_a_wall(api: Api, world: World) -> None:
    token = await api.token("advertiser", campaign=world.own["campaigns"])
    for path in ("/calls", "/sessions"):
        answer = await api.get(f"{path}?campaign={world.foreign['campaigns']}", token=token)
        assert answer.json()["data"] == []
    answer = await api.get(f"/numbers?pool={world.foreign['pools']}", token=token)
    assert answer.json()["data"] == []


async def test_a_shared_pool_is_seen_by_each_publisher_that_uses_it(api: Api, world: World) -> None:
    campaign = await api.campaign("Shared")
    pool = await api.pool(["+14155550120"], shared=True)
    await api.tag(campaign, pool, world.own["publishers"])
    await api.tag(campaign, pool, world.foreign["publishers"])
    for side in (world.own, world.foreign):
        token = await api.token("publisher", publisher=side["publishers"])
        assert (await api.get(f"/pools/{pool}", token=token)).status_code == 200
        listed = (await api.get(f"/numbers?pool={pool}", token=token)).json()["data"]
        assert [row["number"] for row in listed] == ["+14155550120"]
