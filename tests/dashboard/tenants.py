"""Three tenants with one of everything: `own`, a `neighbour` publisher in the same campaign, and a `stranger`.

What belongs to one holds its name in each id, name and text, so that a page which shows it is caught by a look at it.
"""

from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

import msgspec
from sqlalchemy import insert, update

from dni.access import enter, invite, tokens
from dni.access.accounts import NewAccount
from dni.access.model import Principal
from dni.access.tokens import NewToken
from dni.clock import rfc3339
from dni.ledger import schema
from dni.outbound import signing
from dni.parts import Parts
from dni.qualification.model import PolicyVerdict, SideVerdict, Term, Verdict
from tests.dashboard import samples
from tests.support.world import DESTINATION, START_MS, add

SIDES = ("own", "neighbour", "stranger")
HIDDEN = {"publisher": ("neighbour", "stranger"), "advertiser": ("stranger",), "marketer": ("stranger",)}
"""By role, when it has walls: whose things do not exist for it."""

_IDS = {
    "accounts": "acc_{}",
    "budgets": "bud_{}",
    "calls": "call_{}",
    "campaigns": "cmp_{}",
    "carriers": "car_{}",
    "destinations": "dst_{}",
    "deliveries": "dlv_{}",
    "disputes": "dsp_{}",
    "integrations": "end_{}",
    "numbers": "static_{}",
    "pools": "pool_{}",
    "publishers": "pub_{}",
    "sessions": "ses_{}",
    "statements": "sta_{}",
    "tags": "tag_{}",
    "tokens": "tok_{}",
    "visitors": "vis_{}",
    "webhooks": "end_{}",
}


# What a call of a side pays and what its advertiser is billed, in minor units: no other figure of these tests has these
# digits, so a page or an answer that tells one is caught by a look at it.
MONEY = {"own": (41_259, 69_137), "neighbour": (54_177, 86_313), "stranger": (35_209, 97_411)}


def amounts(side: str) -> dict[str, tuple[str, str]]:
    """Of a side: payout, revenue and margin, as the API and as pages write them."""
    payout, revenue = MONEY[side]
    sums = {"payout": payout, "revenue": revenue, "margin": revenue - payout}
    return {name: (str(amount), f"{amount / 100:.2f}") for name, amount in sums.items()}


def tells(principal: Principal, text: str, *said: str) -> str:
    """The first place where `text` tells what is not the principal's to know: a name, an id, a telephone or an amount
    of another side, or of his own side's money what is the other's. But for what was `said` in the question itself."""
    sides = HIDDEN[principal.role] if principal.campaign or principal.publisher else ()
    hidden = [*sides, *(f"{stem}{SIDES.index(side)}" for side in sides for stem in _NUMBERS)]
    hidden += [amount for side in sides for both in amounts(side).values() for amount in both]
    own = amounts("own")
    for name, is_his in (
        ("payout", principal.sees_payout),
        ("revenue", principal.sees_revenue),
        ("margin", principal.sees_payout and principal.sees_revenue),
    ):
        hidden += [] if is_his else own[name]
    written = {each for words in said for each in (words, quote(words), quote_plus(words), quote(words, safe=""))}
    for words in sorted(written - {""}, key=len, reverse=True):
        text = text.replace(words, "") if any(wanted in words for wanted in hidden) else text
    for wanted in hidden:
        if (at := text.find(wanted)) >= 0:
            return f"{wanted}: {text[max(0, at - 60) : at + 40]}"
    return ""


# Callers and static numbers, but for their last digit, which is the side's: as the API writes them, and as pages do.
_NUMBERS = ("+1312555011", "+1415555012", "(312) 555-011", "(415) 555-012")


def known(path: str) -> bool:
    return all(noun in _IDS for noun in _nouns(path))


def address(path: str, side: str) -> str:
    """An address of one thing, such as `/calls/{id}`, with the id of that side's."""
    nouns = _nouns(path)
    for segment, noun in zip([part for part in path.split("/") if part.startswith("{")], nouns, strict=True):
        path = path.replace(segment, _IDS[noun].format(side), 1)
    return path


def is_of_one(path: str, side: str) -> bool:
    """Whether an address is about one thing of that side's. The neighbour has no campaign of its own."""
    return "{" in path and not (side == "neighbour" and "/campaigns/" in path)


def is_nobodys(path: str, principal: Principal) -> bool:
    """Whether even its own does not exist for the principal: a statement is of all campaigns, an advertiser knows
    nothing of what publishers dispute."""
    if "/statements/" in path:
        return bool(principal.campaign) or not principal.sees_payout
    return "/disputes/" in path and not principal.sees_payout


async def fill(parts: Parts) -> None:
    await add(parts, pool_size=2, suffix="own")
    await add(parts, pool_size=2, suffix="stranger", first=100)
    at = {"created_at_ms": START_MS}
    await samples.insert_rows(parts, schema.publisher, {"id": "pub_neighbour", "name": "Publisher neighbour", **at})
    pool = {"id": "pool_neighbour", "name": "Pool neighbour", "campaign_id": "cmp_own", "publisher_id": "pub_neighbour"}
    await samples.insert_rows(parts, schema.pool, {**pool, "shared": False, "hold_seconds": 120, **at})
    number = {"id": "num_neighbour_000000", "number": "+12045550100", "pool_id": "pool_neighbour"}
    await samples.insert_rows(parts, schema.number, {**number, **at})
    tag = {"id": "tag_neighbour", "key": "keyneighbour", "name": "Tag neighbour", "pool_id": "pool_neighbour"}
    owners = {"campaign_id": "cmp_own", "publisher_id": "pub_neighbour"}
    page = {"origins": ["https://neighbour.example"], "targets": [DESTINATION], "rules": [], "params": []}
    await samples.insert_rows(parts, schema.tag, {**tag, **owners, **page, **at})
    for n, side in enumerate(("own", "stranger")):
        phone = {"id": f"dst_{side}", "name": f"Buyer {side}", "number": f"+1415555013{n}", "caps": {}, "paused": False}
        await samples.insert_rows(parts, schema.destination, {**phone, "campaign_id": f"cmp_{side}", **at})
    await parts.catalog.refresh()
    for n, side in enumerate(SIDES):
        await _happened(parts, n, side)


async def _happened(parts: Parts, n: int, side: str) -> None:
    """A visit, its call, and who may read of them by token."""
    owners = {
        "tag_id": f"tag_{side}",
        "campaign_id": "cmp_stranger" if side == "stranger" else "cmp_own",
        "publisher_id": f"pub_{side}",
    }
    touch = {name: f"{name} of {side}" for name in ("medium", "campaign_name", "keyword", "content")}
    touch |= {"source": f"src_{side}", "landing_page": f"https://{side}.example/", "channel": f"channel of {side}"}
    came: dict[str, Any] = {**owners, **touch, "click_ids": {"gclid": f"Cj0KCQ-of-{side}-{'x' * 20}"}}
    visitor = {"visitor_id": f"vis_{side}"}
    hour = samples.HOUR
    await samples.insert_rows(parts, schema.session, samples.session(f"ses_{side}", hour, **came, **visitor))
    shown = {"tag_id": f"tag_{side}", "campaign_id": owners["campaign_id"], "pool_id": f"pool_{side}"}
    number = {"number": ("+12025550100", "+12045550100", "+12035550100")[n]}
    static = {"id": f"static_{side}", "number": f"+1415555012{n}", "source": f"src_{side}", "created_at_ms": START_MS}
    bound = {name: owners[name] for name in ("campaign_id", "publisher_id")}
    await samples.insert_rows(parts, schema.number, {**static, **bound})
    await samples.insert_rows(parts, schema.lease, samples.lease(f"ses_{side}", hour, **shown, **number))
    told = {"candidates": [samples.candidate(f"ses_{one}", 0.3, "held it now") for one in SIDES[:2]]}
    if side == "stranger":
        told = {"candidates": [samples.candidate("ses_stranger", 0.9, "held it now")]}
    credited = {"session_id": f"ses_{side}", "confidence": 0.9, "tracking_number": number["number"], **visitor, **told}
    caller = {"caller": f"+1312555011{n}", "carrier_id": f"car_{'own' if side == 'neighbour' else side}"}
    await samples.insert_rows(
        parts, schema.call, samples.call(f"call_{side}", hour - 4 * samples.MINUTE, **came, **credited, **caller)
    )
    await samples.insert_rows(parts, schema.call_event, samples.event(f"call_{side}", hour, "inbound", Caller=side))
    await _earned(parts, side, bound)
    await _told(parts, n, side, bound)
    async with parts.ledger.write() as connection:
        token = {"id": f"tok_{side}", "name": f"Token of {side}", "role": "marketer", "digest": side.encode()}
        await connection.execute(insert(schema.token).values(**token, created_at_ms=START_MS))
        person = {"id": f"acc_{side}", "name": f"Person of {side}", "email": f"{side}@example.com", "role": "publisher"}
        await connection.execute(
            insert(schema.account).values(**person, publisher_id=f"pub_{side}", created_at_ms=START_MS)
        )


async def _earned(parts: Parts, side: str, owners: dict[str, Any]) -> None:
    """What its call pays, a statement, a dispute and a budget."""
    by = {"by_id": f"tok_{side}", "by_name": f"Person of {side}"}
    at = START_MS - 2 * samples.HOUR
    payout, revenue = MONEY[side]
    policies = {"payout": (f"Pays {side}", payout), "revenue": (f"Bills {side}", revenue)}
    terms = {name: {"base": {"name": policy, "amount": amount}} for name, (policy, amount) in policies.items()}
    version = {"id": f"trm_{side}", **owners, "from_ms": 0, "settings": terms, "looks_back_ms": 0, "created_at_ms": at}
    await samples.insert_rows(parts, schema.terms, {**version, **by})
    verdict = Verdict(
        **{
            name: SideVerdict(policy, amount, (PolicyVerdict(policy, True, amount, (Term("answered", True, "yes"),)),))
            for name, (policy, amount) in policies.items()
        }
    )
    judged = {"call_id": f"call_{side}", "terms_id": f"trm_{side}", "at_ms": at}
    basis = {"began_ms": at, "campaign": owners["campaign_id"]}
    await samples.insert_rows(parts, schema.verdict, {**judged, "told": msgspec.to_builtins(verdict), "basis": basis})
    async with parts.ledger.write() as connection:
        paid = {"qualified": True, "billable": True, "payout": payout, "revenue": revenue}
        await connection.execute(update(schema.call).where(schema.call.c.id == f"call_{side}").values(paid))
    posting = {"id": f"pst_{side}", "at_ms": at, "call_id": f"call_{side}", "call_at_ms": at, "currency": "USD"}
    posting |= {"kind": "verdict", "reason": f"payout: Pays {side}", "payout": payout, "revenue": revenue}
    await samples.insert_rows(parts, schema.posting, {**posting, **owners})
    statement = {"id": f"sta_{side}", "publisher_id": owners["publisher_id"], "currency": "USD", "timezone": "UTC"}
    period = {"from_ms": 0, "to_ms": START_MS - samples.HOUR, "amount": payout, "calls": 1, "closed_at_ms": START_MS}
    await samples.insert_rows(parts, schema.statement, {**statement, **period, **by})
    line = {"posting_id": f"pst_{side}", "statement_id": f"sta_{side}"}
    await samples.insert_rows(parts, schema.statement_line, line)
    dispute = {"id": f"dsp_{side}", "call_id": f"call_{side}", "at_ms": at, "side": "payout", "state": "open"}
    await samples.insert_rows(parts, schema.dispute, {**dispute, "reason": f"Said by {side}", **owners, **by})
    limits = {"limits": {"calls": {"day": 50}}, "created_at_ms": at, "destination_id": None}
    await samples.insert_rows(parts, schema.budget, {"id": f"bud_{side}", **owners, **limits})


async def _told(parts: Parts, n: int, side: str, owners: dict[str, Any]) -> None:
    """A webhook of its own, and what was sent there of its call."""
    webhook: dict[str, Any] = {
        "id": f"end_{side}",
        "kind": "webhook",
        "name": f"Webhook of {side}",
        "types": ["call.qualified"],
    }
    webhook |= {"settings": {"url": f"https://{side}.example/", "fields": None, "role": "staff"}, "only": {}}
    secret = {"secrets": {"secret": signing.secret_of(side.encode() * 8)}, "paused": False, "created_at_ms": START_MS}
    await samples.insert_rows(parts, schema.endpoint, {**webhook, **secret, **owners})
    seq = 1_000_000 + n  # beyond what the ledger gives itself
    message = {"seq": seq, "id": f"msg_{side}", "type": "call.qualified", "subject_id": f"call_{side}", **owners}
    told = {"at_ms": START_MS, "made_ms": START_MS, "data": f'{{"call":{{"id":"call_{side}"}}}}'}
    await samples.insert_rows(parts, schema.outbox, {**message, **told})
    sent = {"id": f"dlv_{side}", "endpoint_id": f"end_{side}", "message_seq": seq, "subject_id": f"call_{side}"}
    state = {"action": "tell", "state": "delivered", "at_ms": START_MS, "due_ms": START_MS, "attempts": 1}
    await samples.insert_rows(parts, schema.delivery, {**sent, **state})


async def token(parts: Parts, new: NewToken) -> str:
    async with parts.ledger.write() as connection:
        made = await tokens.create(connection, parts.clock.now_ms(), new)
    assert made.token
    return made.token


async def account(parts: Parts, new: NewAccount, password: str) -> Principal:
    """With a password that was chosen by its invitation."""
    async with parts.ledger.write() as connection:
        made = await invite.create(connection, parts.clock.now_ms(), new, "")
    code = parse_qs(urlsplit(made.invitation or "").query)["code"][0]
    return await enter.choose_password(parts, code, password)


async def dump(parts: Parts) -> dict[str, list[str]]:
    """Every row of the ledger, as a text that differs when anything does."""
    async with parts.ledger.read() as connection:
        return {
            table.name: sorted(map(repr, (await connection.execute(table.select())).all()))
            for table in schema.metadata.sorted_tables
        }


def lately() -> str:
    """`from` of an API's address: all of this has happened since."""
    return rfc3339(START_MS - 2 * samples.HOUR)


def _nouns(path: str) -> list[str]:
    segments = path.split("/")
    return [before for before, part in pairwise(segments) if part.startswith("{")]
