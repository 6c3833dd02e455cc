"""Budgets by the admin API and by `dni apply`: written, walled, and read with what is used of them."""

from typing import Any

import pytest
from sqlalchemy import func, select

from dni.api.apply import apply
from dni.errors import UsageError
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.qualification import budgets
from dni.qualification.budget import Hold
from tests.api.conftest import Api

LIMITS = {"calls": {"day": 50, "concurrent": 2}, "money": {"month": 100_000}}
FILE = """
[[campaigns]]
name = "Plumbing"
destination = "+14155550100"

[[destinations]]
name = "North"
campaign = "Plumbing"
number = "+14155550141"

[[publishers]]
name = "Ads"

[[budgets]]
campaign = "Plumbing"
limits = { calls = { day = 50 }, money = { month = 100_000 }, paced = true }

[[budgets]]
campaign = "Plumbing"
publisher = "Ads"
limits = { calls = { day = 5 } }

[[budgets]]
campaign = "Plumbing"
destination = "North"
limits = { calls = { concurrent = 1 } }
"""


@pytest.fixture
async def campaign(api: Api) -> str:
    return await api.campaign()


async def budget(api: Api, campaign: str, **more: Any) -> str:
    made = await api.made("/budgets", {"campaign": campaign, "limits": LIMITS, **more})
    return str(made["id"])


async def destination(api: Api, campaign: str) -> str:
    phone = {"campaign": campaign, "name": "Anna", "number": "+14155550161"}
    return str((await api.made("/destinations", phone))["id"])


async def hold(api: Api, wanted: str, amount: int) -> None:
    """A call of now takes of it."""
    now_ms = api.parts.clock.now_ms()
    async with api.parts.ledger.write() as connection:
        count = (await connection.execute(select(func.count()).select_from(schema.call))).scalar_one()
        call: dict[str, Any] = {
            "id": f"call_{count}",
            "carrier_id": "car_1",
            "provider_id": f"CA{count}",
            "status": "ringing",
        }
        call |= {"started_at_ms": now_ms, "tracking_number": "+14155550120"}
        await connection.execute(schema.call.insert().values(call))
        one = Hold(budget=wanted, amount=amount, at_ms=now_ms, zone="UTC")
        await connection.run_sync(budgets.take, call["id"], [one])


async def test_a_budget_is_made_read_changed_and_deleted(api: Api, campaign: str) -> None:
    made = await api.made("/budgets", {"campaign": campaign, "limits": LIMITS})
    assert made["limits"] == LIMITS
    assert (made["publisher"], made["destination"], made["currency"], made["full"]) == (None, None, "USD", None)
    assert made["used"] == {"calls": {"concurrent": 0, "day": 0}, "money": {"month": 0}}
    await hold(api, made["id"], 2_500)
    seen = (await api.get(f"/budgets/{made['id']}")).json()
    assert seen["used"] == {"calls": {"concurrent": 1, "day": 1}, "money": {"month": 2_500}}
    assert seen["left"] == {"calls": {"concurrent": 1, "day": 49}, "money": {"month": 97_500}}
    lowered = (await api.patch(f"/budgets/{made['id']}", {"limits": {"calls": {"week": 1}}})).json()
    assert (lowered["limits"], lowered["used"]["calls"]) == ({"calls": {"week": 1}}, {"week": 1})
    assert lowered["left"]["calls"] == {"week": 0}
    assert lowered["full"] == "budget week: 1 of 1 calls are used"
    assert (await api.get(f"/budgets?campaign={campaign}")).json()["data"] == [lowered]
    assert (await api.get("/budgets?campaign=cmp_none")).json()["data"] == []
    assert (await api.delete(f"/budgets/{made['id']}")).status_code == 204
    assert (await api.get(f"/budgets/{made['id']}")).status_code == 404
    assert (await api.get("/budgets")).json()["data"] == []
    async with api.parts.ledger.read() as connection:
        kept = await connection.execute(select(func.count()).select_from(schema.hold))
        assert kept.scalar() == 1


async def test_there_is_one_budget_of_each_owner(api: Api, campaign: str) -> None:
    publisher, phone = await api.publisher(), await destination(api, campaign)
    for owner in ({}, {"publisher": publisher}, {"destination": phone}):
        first = await budget(api, campaign, **owner)
        again = await api.post("/budgets", {"campaign": campaign, "limits": LIMITS, **owner})
        assert (again.status_code, again.json()["code"]) == (409, "budget_exists")
        assert first in again.json()["detail"]
        await api.delete(f"/budgets/{first}")
        await budget(api, campaign, **owner)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"campaign": "cmp_none"}, "/campaign"),
        ({"publisher": "pub_none"}, "/publisher"),
        ({"destination": "dst_none"}, "/destination"),
        ({"publisher": "a", "destination": "b"}, "/destination"),
        ({"limits": {}}, "/limits"),
        ({"limits": {"calls": {"day": -1}}}, "/limits/calls/day"),
        ({"limits": {"calls": {"day": 10**10}}}, "/limits/calls/day"),
        ({"limits": {"calls": {"year": 1}}}, "/limits/calls"),
        ({"limits": {"money": {"concurrent": 1}}}, "/limits/money"),
        ({"limits": {"money": {"day": 1.5}}}, "/limits/money/day"),
        ({"limits": {"calls": {"week": 1}, "paced": True}}, "/limits/paced"),
    ],
)
async def test_what_is_wrong_with_a_budget_is_told(api: Api, campaign: str, wrong: dict[str, Any], path: str) -> None:
    answer = await api.post("/budgets", {"campaign": campaign, "limits": LIMITS, **wrong})
    assert answer.status_code == 422, answer.text
    assert [one["path"] for one in answer.json()["errors"]] == [path]


async def test_a_destination_of_another_campaign_is_none(api: Api, campaign: str) -> None:
    foreign = await destination(api, await api.campaign("Other"))
    answer = await api.post("/budgets", {"campaign": campaign, "destination": foreign, "limits": LIMITS})
    assert answer.json()["errors"][0]["path"] == "/destination"


async def test_each_side_sees_what_its_money_is_bounded_by(api: Api, campaign: str) -> None:
    publisher, other = await api.publisher(), await api.publisher("Other")
    phone = await destination(api, campaign)
    all_calls, of_phone = await budget(api, campaign), await budget(api, campaign, destination=phone)
    its, others = await budget(api, campaign, publisher=publisher), await budget(api, campaign, publisher=other)
    foreign = await budget(api, await api.campaign("Foreign"))
    sees = {
        await api.token("publisher", publisher=publisher): {its},
        await api.token("advertiser", campaign=campaign): {all_calls, of_phone},
        await api.token("marketer", campaign=campaign): {all_calls, of_phone, its, others},
        await api.token("marketer"): {all_calls, of_phone, its, others, foreign},
    }
    for token, wanted in sees.items():
        assert {one["id"] for one in (await api.get("/budgets", token=token)).json()["data"]} == wanted
        for one in (all_calls, of_phone, its, others, foreign):
            answer = await api.get(f"/budgets/{one}", token=token)
            assert answer.status_code == (200 if one in wanted else 404)


async def test_what_goes_takes_its_budget_with_it(api: Api, campaign: str) -> None:
    publisher, phone = await api.publisher(), await destination(api, campaign)
    for owner in ({}, {"publisher": publisher}, {"destination": phone}):
        await budget(api, campaign, **owner)

    async def there() -> int:
        return len((await api.get("/budgets")).json()["data"])

    await api.delete(f"/publishers/{publisher}")
    assert await there() == 2
    await api.delete(f"/destinations/{phone}")
    assert await there() == 1
    await api.delete(f"/campaigns/{campaign}")
    assert await there() == 0


async def test_every_process_knows_which_campaigns_have_budgets(api: Api, campaign: str) -> None:
    publisher = await api.publisher()
    made = await budget(api, campaign), await budget(api, campaign, publisher=publisher)
    known = api.parts.catalog.now.budgets
    assert {name: [(one.id, one.publisher) for one in found] for name, found in known.items()} == {
        campaign: [(made[0], None), (made[1], publisher)]
    }
    for one in made:
        await api.delete(f"/budgets/{one}")
    assert api.parts.catalog.now.budgets == {}


async def test_a_new_clock_of_the_campaign_moves_what_is_used_to_its_periods(api: Api, campaign: str) -> None:
    made = await budget(api, campaign)
    await hold(api, made, 700)
    async with api.parts.ledger.read() as connection:
        before = {tuple(row) for row in await connection.execute(select(schema.counter))}
    assert (await api.patch(f"/campaigns/{campaign}", {"timezone": "Asia/Kathmandu"})).status_code == 200
    async with api.parts.ledger.read() as connection:
        after = {tuple(row) for row in await connection.execute(select(schema.counter))}
    assert len(after) == len(before) == 6
    assert len(after & before) == 2, "what is under way, and the total, have no clock"
    assert (await api.get(f"/budgets/{made}")).json()["used"]["money"] == {"month": 700}


async def test_budgets_are_declared_in_a_file(ledger: Ledger) -> None:
    first = [one for one in await apply(ledger, FILE, 1) if one.kind == "budget"]
    names = ["Plumbing", "Plumbing / Ads", "Plumbing / North"]
    assert [(one.name, one.action) for one in first] == [(name, "create") for name in names]
    assert {one.action for one in await apply(ledger, FILE, 2)} == {"unchanged"}
    changed = [one for one in await apply(ledger, FILE.replace("day = 5 ", "day = 6 "), 3) if one.action != "unchanged"]
    assert [(one.kind, one.name, one.action) for one in changed] == [("budget", "Plumbing / Ads", "update")]
    assert changed[0].details == ('limits: {"calls":{"day":5}} -> {"calls":{"day":6}}',)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ('campaign = "Nowhere"\nlimits = { calls = { day = 1 } }', "budgets[3].campaign: there is no campaign"),
        ("limits = { calls = { day = 1 } }", "budgets[3]"),
        (
            'campaign = "Plumbing"\npublisher = "Ads"',
            "budgets[3]: the budget of 'Plumbing / Ads' is budgets[1] already",
        ),
        ('campaign = "Plumbing"\npublisher = "Ads"\ndestination = "North"\nlimits = {}', "budgets[3].destination"),
    ],
)
async def test_a_mistake_in_the_file_is_told_with_its_place(ledger: Ledger, wrong: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        await apply(ledger, f"{FILE}\n[[budgets]]\n{wrong}\n", 1)
    assert told in error.value.detail
