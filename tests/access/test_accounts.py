"""Accounts from the invitation to the end: passwords, sign-ins, what ends them, and what is forgotten."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from argon2 import PasswordHasher
from sqlalchemy import insert, select, update

from dni.access import accounts, audit, enter, invitations, invite, signed_in
from dni.access.accounts import AccountChange, AccountView, NewAccount
from dni.access.audit import AuditFilter
from dni.access.authenticate import ADMIN
from dni.access.model import Principal
from dni.clock import SettableClock
from dni.errors import Conflict, InvalidField, NotFound, TooManyTries
from dni.ledger import schema
from dni.parts import Parts
from tests.support.world import add

PASSWORD, OTHER = "tree lamp river seven", "stone cloud violin nine"
BASE = "https://calls.example.com"


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    await add(parts)
    return parts


def advance(parts: Parts, ms: int) -> int:
    assert isinstance(parts.clock, SettableClock)
    parts.clock.advance(ms)
    return parts.clock.now_ms()


async def made(parts: Parts, email: str = "mary@example.com", **fields: object) -> AccountView:
    new = NewAccount(email=email, **{"role": "publisher", "publisher": "pub_1", **fields})  # type: ignore[arg-type]
    async with parts.ledger.write() as connection:
        return await invite.create(connection, parts.clock.now_ms(), new, BASE)


def code_of(view: AccountView) -> str:
    assert view.invitation
    assert view.invitation.startswith(f"{BASE}/invitation?")
    return parse_qs(urlsplit(view.invitation).query)["code"][0]


async def begin(parts: Parts, principal: str, browser: str = "Firefox on Linux", until_ms: int = 2**50) -> str:
    async with parts.ledger.write() as connection:
        return await signed_in.begin(connection, parts.clock.now_ms(), principal, browser, until_ms)


async def holder(parts: Parts, sign_in: str) -> Principal | None:
    async with parts.ledger.read() as connection:
        return await signed_in.holder(connection, parts.clock.now_ms(), sign_in, ADMIN)


async def test_from_the_invitation_to_a_sign_in(parts: Parts) -> None:
    view = await made(parts, name=" Mary ", callers=True)
    assert (view.name, view.state) == ("Mary", "invited")
    assert await enter.by_password(parts, "mary@example.com", "") is None, "nobody signs in before a password is chosen"
    who = await enter.choose_password(parts, code_of(view), PASSWORD)
    assert who == Principal(view.id, "Mary", "publisher", None, "pub_1", callers=True)
    assert await enter.by_password(parts, " MARY@example.com", PASSWORD) == who
    assert await enter.by_password(parts, "mary@example.com", OTHER) is None
    assert await enter.by_password(parts, "john@example.com", PASSWORD) is None
    async with parts.ledger.read() as connection:
        assert (await accounts.one(connection, view.id)).state == "active"
        row = (await connection.execute(select(schema.account))).mappings().one()
        assert row["password"].startswith("$argon2id$")
        assert PASSWORD not in str(dict(row))


async def test_an_invitation_works_once_for_one_of_many(parts: Parts) -> None:
    code = code_of(await made(parts))
    found = await asyncio.gather(
        *(enter.choose_password(parts, code, f"{PASSWORD} {n}") for n in range(5)), return_exceptions=True
    )
    assert sum(isinstance(one, Principal) for one in found) == 1
    assert sum(isinstance(one, NotFound) for one in found) == 4


async def test_an_invitation_runs_out_after_a_week_and_is_replaced_by_the_next(parts: Parts) -> None:
    view = await made(parts)
    async with parts.ledger.write() as connection:
        newer = await invite.reset(connection, parts.clock.now_ms(), view.id, BASE)
    with pytest.raises(NotFound):
        await enter.invited(parts, code_of(view))
    advance(parts, invitations.VALID_MS - 1)
    assert (await enter.invited(parts, code_of(newer)))["id"] == view.id
    advance(parts, 1)
    for code in (code_of(newer), "", "x", "é", "a" * 100_000):
        with pytest.raises(NotFound):
            await enter.choose_password(parts, code, PASSWORD)


async def test_a_weak_password_leaves_the_invitation_good(parts: Parts) -> None:
    code = code_of(await made(parts))
    with pytest.raises(InvalidField):
        await enter.choose_password(parts, code, "Password1234")
    await enter.choose_password(parts, code, PASSWORD)


async def test_one_address_is_one_account(parts: Parts) -> None:
    await made(parts)
    john = await made(parts, "john@example.com")
    with pytest.raises(Conflict, match="another account"):
        await made(parts, "Mary@Example.COM")
    with pytest.raises(Conflict):
        async with parts.ledger.write() as connection:
            await accounts.change(connection, 0, john.id, AccountChange(email="MARY@example.com"))
    racing = await asyncio.gather(*(made(parts, "race@example.com") for _ in range(8)), return_exceptions=True)
    assert [type(one) for one in racing].count(AccountView) == 1
    assert [type(one) for one in racing].count(Conflict) == 7


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/email", {"email": "no address"}),
        ("/email", {"email": "a@b"}),
        ("/email", {"email": "a@exa mple.com"}),
        ("/email", {"email": "a@example.com\nBcc: x@y.zz"}),
        ("/email", {"email": "x" * 60 + "@" + ("y" * 60 + ".") * 4 + "com"}),
        ("/name", {"name": "two\nlines"}),
        ("/role", {"role": "admin"}),
        ("/campaign", {"role": "advertiser"}),
        ("/publisher", {"publisher": None}),
    ],
)
def test_what_is_no_account_is_told_by_its_field(path: str, fields: dict[str, object]) -> None:
    with pytest.raises(InvalidField) as refused:
        NewAccount(**{"email": "a@example.com", "role": "publisher", "publisher": "pub_1", **fields})  # type: ignore[arg-type]
    assert refused.value.errors[0].path == path


async def test_walls_must_be_there_and_fit_the_role_after_a_change_too(parts: Parts) -> None:
    with pytest.raises(InvalidField, match="/publisher"):
        await made(parts, publisher="pub_nobody")
    view = await made(parts)
    async with parts.ledger.write() as connection:
        for change in (
            AccountChange(role="advertiser"),
            AccountChange(publisher=None),
            AccountChange(campaign="cmp_nobody"),
        ):
            with pytest.raises(InvalidField):
                await invite.change(connection, 0, view.id, change)
        await invite.change(connection, 0, view.id, AccountChange(role="advertiser", publisher=None, campaign="cmp_1"))
    sign_in = await begin(parts, view.id)
    assert await holder(parts, sign_in) == Principal(view.id, "mary@example.com", "advertiser", "cmp_1")


async def test_a_change_of_role_holds_for_who_is_signed_in(parts: Parts) -> None:
    view = await made(parts)
    sign_in = await begin(parts, view.id)
    before = await holder(parts, sign_in)
    assert before
    assert not before.sees_callers
    async with parts.ledger.write() as connection:
        await invite.change(connection, 0, view.id, AccountChange(callers=True))
    after = await holder(parts, sign_in)
    assert after
    assert after.sees_callers


async def test_who_is_disabled_is_out_at_once_and_comes_back_with_his_password(parts: Parts) -> None:
    view = await made(parts)
    await enter.choose_password(parts, code_of(view), PASSWORD)
    sign_in = await begin(parts, view.id)
    async with parts.ledger.write() as connection:
        newer = await invite.reset(connection, parts.clock.now_ms(), view.id, BASE)
    assert await holder(parts, sign_in) is None, "a new link ends sign-ins"
    assert await enter.by_password(parts, view.email, PASSWORD) is None, "and the password"
    await enter.choose_password(parts, code_of(newer), OTHER)
    sign_in = await begin(parts, view.id)
    async with parts.ledger.write() as connection:
        await invite.change(connection, parts.clock.now_ms(), view.id, AccountChange(disabled=True))
    assert await holder(parts, sign_in) is None
    assert await enter.by_password(parts, view.email, OTHER) is None
    async with parts.ledger.write() as connection:
        assert (await accounts.one(connection, view.id)).state == "disabled"
        with pytest.raises(Conflict, match="disabled"):
            await invite.reset(connection, parts.clock.now_ms(), view.id, BASE)
        await invite.change(connection, parts.clock.now_ms(), view.id, AccountChange(disabled=False))
    assert await holder(parts, sign_in) is None, "what ended stays so"
    assert await enter.by_password(parts, view.email, OTHER)


async def test_ten_wrong_passwords_in_a_quarter_of_an_hour_whoever_asks(parts: Parts) -> None:
    view = await made(parts)
    await enter.choose_password(parts, code_of(view), PASSWORD)
    for email in (view.email, "nobody@example.com"):
        for _ in range(10):
            assert await enter.by_password(parts, email, OTHER) is None
        with pytest.raises(TooManyTries) as refused:
            await enter.by_password(parts, email, PASSWORD)
        assert refused.value.retry_after_s == 900
    advance(parts, 15 * 60_000)
    assert await enter.by_password(parts, view.email, PASSWORD)
    for _ in range(9):
        await enter.by_password(parts, view.email, OTHER)
    assert await enter.by_password(parts, view.email, PASSWORD), "the right one forgives"
    assert await enter.by_password(parts, view.email, OTHER) is None


async def test_a_password_of_old_parameters_is_hashed_anew_when_it_is_used(parts: Parts) -> None:
    view = await made(parts)
    old = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    async with parts.ledger.write() as connection:
        await connection.execute(update(schema.account).values(password=old))
    assert await enter.by_password(parts, view.email, OTHER) is None
    assert await enter.by_password(parts, view.email, PASSWORD)
    async with parts.ledger.read() as connection:
        now = (await connection.execute(select(schema.account.c.password))).scalar_one()
    assert "m=65536,t=3,p=4" in now
    assert await enter.by_password(parts, view.email, PASSWORD)


async def test_changing_the_password_ends_every_other_sign_in(parts: Parts) -> None:
    view = await made(parts)
    who = await enter.choose_password(parts, code_of(view), PASSWORD)
    this, other = await begin(parts, who.id), await begin(parts, who.id)
    for present, password, path in (
        (OTHER, "another long one here", "/present"),
        ("x" * 10_000, "another long one here", "/present"),
        (PASSWORD, PASSWORD, "/password"),
        (PASSWORD, "Password1234", "/password"),
    ):
        with pytest.raises(InvalidField) as refused:
            await enter.change_password(parts, who, present, password, this)
        assert refused.value.errors[0].path == path
    assert await holder(parts, other)
    await enter.change_password(parts, who, PASSWORD, OTHER, this)
    assert await holder(parts, this)
    assert await holder(parts, other) is None
    assert await enter.by_password(parts, view.email, OTHER)
    with pytest.raises(NotFound):
        await enter.change_password(parts, ADMIN, PASSWORD, OTHER, this)


async def test_sign_ins_are_listed_ended_and_forgotten(parts: Parts) -> None:
    view, stranger = await made(parts), await made(parts, "john@example.com")
    now_ms = parts.clock.now_ms()
    first = await begin(parts, view.id, "Safari on iOS", now_ms + 10)
    advance(parts, 5)
    second = await begin(parts, view.id, until_ms=now_ms + 1_000)
    foreign = await begin(parts, stranger.id)
    async with parts.ledger.write() as connection:
        found = await signed_in.live(connection, now_ms + 5, view.id)
        assert [(one.id, one.browser) for one in found] == [(second, "Firefox on Linux"), (first, "Safari on iOS")]
        for wanted in (foreign, "sgn_guess", ""):
            with pytest.raises(NotFound):
                await signed_in.end(connection, now_ms, view.id, wanted)
        assert [one.id for one in await signed_in.live(connection, now_ms + 10, view.id)] == [second]
        assert await signed_in.end_all(connection, now_ms + 6, view.id, but=second) == 1
        await signed_in.end(connection, now_ms + 7, view.id, second)
        assert await signed_in.live(connection, now_ms + 7, view.id) == []
        await signed_in.forget(connection, now_ms + 31 * 86_400_000)
        left = (await connection.execute(select(schema.signed_in.c.id))).scalars().all()
    assert left == [foreign]
    assert await holder(parts, foreign)


async def test_a_deleted_account_is_forgotten_by_name_wherever_it_acted(parts: Parts) -> None:
    view = await made(parts, name="Mary Miller")
    who = await enter.choose_password(parts, code_of(view), PASSWORD)
    await begin(parts, who.id)
    ended = {"started_at_ms": 1, "tracking_number": "+12025550100"}
    call = {"id": "call_1", "carrier_id": "car_1", "provider_id": "CA1", "status": "completed", **ended}
    by = {"by_id": who.id, "by_name": who.name}
    async with parts.ledger.write() as connection:
        await connection.execute(insert(schema.call).values(call))
        await connection.execute(insert(schema.outcome).values(id="out_1", call_id="call_1", at_ms=1, **by))
        await connection.execute(
            insert(schema.dispute).values(
                id="dsp_1",
                call_id="call_1",
                campaign_id="cmp_1",
                at_ms=1,
                side="payout",
                reason="short",
                state="denied",
                decided_by_id=who.id,
                decided_by_name=who.name,
                **by,
            )
        )
        await audit.note(connection, 2, ADMIN, "create_account", view.id, [])
        await invite.delete(connection, view.id)
    async with parts.ledger.read() as connection:
        everything = ""
        for table in schema.metadata.sorted_tables:
            everything += repr((await connection.execute(table.select())).all())
        found, _ = await audit.page(connection, AuditFilter(by=who.id), 10)
        with pytest.raises(NotFound):
            await accounts.one(connection, view.id)
    for hidden in ("Mary Miller", "mary@example.com", "argon2"):
        assert hidden not in everything
    assert [(one.act, one.by_name) for one in found] == [("change_password", "deleted account")]
    assert (await made(parts, "mary@example.com")).id, "the address is free again"


async def test_a_wrong_password_is_an_act_of_nobody_on_the_account(parts: Parts) -> None:
    view = await made(parts)
    await enter.note_failure(parts, "MARY@example.com")
    await enter.note_failure(parts, "unknown@example.com")
    async with parts.ledger.read() as connection:
        found, _ = await audit.page(connection, AuditFilter(act="sign_in_failed"), 10)
    assert [(one.object, one.by_name, one.changes) for one in found] == [(view.id, "nobody", [])]
