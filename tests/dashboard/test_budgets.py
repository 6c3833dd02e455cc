"""Budgets on pages: what is used and left, and the forms of one."""

import pytest

from dni.access.authenticate import ADMIN
from dni.dashboard import budget_form
from dni.errors import InvalidField
from dni.parts import Parts
from dni.qualification import limits
from dni.qualification.budget import Limits, OfCalls, OfMoney
from dni.qualification.limits import BudgetFilter, BudgetView
from tests.dashboard import priced, routed
from tests.dashboard.people import Person, text
from tests.dashboard.test_payouts import fill_in, says

PAGE = "/campaigns/cmp_1/budgets"


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    await routed.fill(parts)
    await priced.fill(parts)
    return parts


async def budgets(parts: Parts) -> dict[tuple[str | None, str | None], BudgetView]:
    """By publisher and destination."""
    async with parts.ledger.read() as connection:
        only = BudgetFilter(campaign="cmp_1")
        found, _ = await limits.page(connection, ADMIN, parts.clock.now_ms(), 50, only=only)
    return {(one.publisher, one.destination): one for one in found}


async def test_each_limit_says_what_is_used_and_left(admin: Person, parts: Parts) -> None:
    page = await says(admin, PAGE)
    assert "The whole campaign" in page
    assert "Calls at once 0 of 5 now, 5 left" in page
    assert "USD a month 0.00 of 20,000.00 this month, 20,000.00 left" in page
    assert "The day's limits are spread over the day" in page
    assert "Publisher 1 publisher used up" in page
    assert "Calls a day 0 of 0 today, 0 left" in page
    assert "The whole campaign" in await says(admin, "/campaigns/cmp_1")


async def test_a_budget_is_made_changed_and_deleted(admin: Person, parts: Parts) -> None:
    fields = {"owner": "destination:dst_anna", "limits/calls/concurrent": "2", "limits/money/day": "1,500.50"}
    page = await fill_in(admin, f"{PAGE}/new", **fields)
    assert "Budget created." in text(page.text)
    assert "Anna destination" in text(page.text)
    made = (await budgets(parts))[None, "dst_anna"]
    assert made.limits == Limits(calls=OfCalls(concurrent=2), money=OfMoney(day=150_050))
    form = await admin.read(f"/budgets/{made.id}/edit")
    assert 'value="1,500.50"' in form.text
    page = await fill_in(admin, f"/budgets/{made.id}/edit", **{"limits/calls/day": "9", "limits/paced": "on"})
    assert "Budget changed" in text(page.text)
    assert (await budgets(parts))[None, "dst_anna"].limits == Limits(calls=OfCalls(day=9), paced=True)
    page = await fill_in(admin, f"/budgets/{made.id}/delete")
    assert "Budget deleted." in text(page.text)
    assert (None, "dst_anna") not in await budgets(parts)


async def test_what_is_wrong_stands_beside_its_field(admin: Person, parts: Parts) -> None:
    nothing = await fill_in(admin, f"{PAGE}/new", owner="destination:dst_anna")
    assert nothing.status_code == 422
    assert "Name a limit" in text(nothing.text)
    twice = await fill_in(admin, f"{PAGE}/new", owner="campaign", **{"limits/calls/day": "1"})
    assert twice.status_code == 409
    for name, value in (("limits/calls/day", "many"), ("limits/money/day", "-1"), ("limits/money/day", "1.005")):
        wrong = await fill_in(admin, f"{PAGE}/new", owner="destination:dst_bob", **{name: value})
        assert "A day : " in text(wrong.text), (name, value)
    assert len(await budgets(parts)) == 2


async def test_a_publisher_sees_its_own_and_changes_nothing(publisher: Person, parts: Parts) -> None:
    page = await says(publisher, PAGE)
    assert "Publisher 1" in page
    assert "The whole campaign" not in page
    assert "New budget" not in page
    assert (await publisher.read(f"{PAGE}/new")).status_code == 403


def test_limits_are_written_and_read_alike() -> None:
    every = Limits(
        calls=OfCalls(concurrent=1, hour=2, day=3, week=4, month=5, total=6),
        money=OfMoney(hour=100, day=250, week=1, month=10**9, total=0),
        paced=True,
    )
    from dni.dashboard import forms
    from dni.dashboard.forms import Sheet

    fields = budget_form.fields("USD", is_payout=True)
    sheet = Sheet(operation="", here="", title="", button="", action="", back=("", ""), fields=fields)
    body = forms.body(sheet, budget_form.written(every, "USD"))
    import msgspec

    assert msgspec.convert(budget_form.settings(body, "USD")["limits"], Limits) == every
    with pytest.raises(InvalidField):
        budget_form.settings({"limits": {"money": {"day": "x"}}}, "USD")
