"""Storage of accounts: people who sign in with an e-mail address and a password, in a role, within walls."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import RowMapping, Select, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import invitations, signed_in
from dni.access.model import Principal, Role, check_walls
from dni.campaign.model import Id, text
from dni.errors import Conflict, InvalidField
from dni.ids import new_id
from dni.ledger import rows
from dni.ledger.rows import Instant, instant
from dni.ledger.schema import account, invitation

# As browsers check a field for e-mail addresses (https://html.spec.whatwg.org/#valid-e-mail-address), with a dot.
_EMAIL = re.compile(r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9-]{1,63}(\.[a-zA-Z0-9-]{1,63})+")

Email = Annotated[str, msgspec.Meta(min_length=1, max_length=254, examples=["mary@example.com"])]
State = Literal["invited", "active", "disabled"]


class NewAccount(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`campaign` and `publisher` are walls. An advertiser needs the one, a publisher the other, an admin has none.
    `callers`: a publisher that sees its callers' numbers in full. Without a `name` it is the e-mail address."""

    email: Email
    role: Role
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    campaign: Id | None = None
    publisher: Id | None = None
    callers: bool = False

    def __post_init__(self) -> None:
        self.email = _email(self.email)
        self.name = text(self.name.strip() or self.email, "/name")
        check_walls(self.role, self.campaign, self.publisher, "account")


class AccountChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays. `disabled` ends all sign-ins at once, and keeps who has it out."""

    email: Email | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    campaign: Id | UnsetType | None = UNSET
    publisher: Id | UnsetType | None = UNSET
    callers: bool | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.email, str):
            self.email = _email(self.email)
        if isinstance(self.name, str):
            self.name = text(self.name, "/name")


class AccountView(msgspec.Struct):
    """`state`: invited, until a password is chosen for the first time. `invitation`: a link that lets choose a password
    once, until `invitation_ends_at`; told in the answer that makes it only."""

    id: str
    email: str
    name: str
    role: Role
    campaign: str | None
    publisher: str | None
    callers: bool
    state: State
    disabled: bool
    created_at: Instant
    invitation_ends_at: Instant | None
    invitation: str | None = None


async def create(connection: AsyncConnection, now_ms: int, new: NewAccount) -> str:
    """What it names was found before. Raises Conflict `email_taken`."""
    made = new_id("acc", now_ms)
    owners = {"campaign_id": new.campaign, "publisher_id": new.publisher}
    values = {"id": made, "email": new.email, "name": new.name, "role": new.role, "callers": new.callers, **owners}
    with _one_of_each():
        await connection.execute(insert(account).values(**values, created_at_ms=now_ms))
    return made


async def change(connection: AsyncConnection, now_ms: int, wanted: str, to: AccountChange) -> None:
    """Holds from the next request on. Raises NotFound, InvalidField, Conflict."""
    row = await rows.one(connection, select(account).where(account.c.id == wanted), f"account {wanted}")
    given = {name: value for name, value in msgspec.structs.asdict(to).items() if value is not UNSET}
    values: dict[str, Any] = {_COLUMNS.get(name, name): value for name, value in given.items() if name != "disabled"}
    after = {**row, **values}
    check_walls(after["role"], after["campaign_id"], after["publisher_id"], "account")
    if "disabled" in given:
        values["disabled_at_ms"] = (row["disabled_at_ms"] or now_ms) if given["disabled"] else None
    if values:
        with _one_of_each():
            await connection.execute(update(account).where(account.c.id == wanted).values(values))
    if given.get("disabled"):
        await signed_in.end_all(connection, now_ms, wanted)
        await invitations.drop(connection, wanted)


async def forget(connection: AsyncConnection, wanted: str) -> None:
    """The account is gone, with its sign-ins; others name it by its id. Raises NotFound."""
    await rows.one(connection, select(account.c.id).where(account.c.id == wanted), f"account {wanted}")
    await signed_in.forget_all(connection, wanted)
    await invitations.drop(connection, wanted)
    await connection.execute(delete(account).where(account.c.id == wanted))


async def set_password(connection: AsyncConnection, wanted: str, password: str | None) -> None:
    """`password`: hashed; None: there is none until one is chosen."""
    await connection.execute(update(account).where(account.c.id == wanted).values(password=password))


async def one(connection: AsyncConnection, wanted: str) -> AccountView:
    """Raises NotFound."""
    return _view(await rows.one(connection, _with_invitation().where(account.c.id == wanted), f"account {wanted}"))


async def page(
    connection: AsyncConnection, limit: int, cursor: str | None = None
) -> tuple[list[AccountView], str | None]:
    """Newest first."""
    found, after = await rows.page(connection, _with_invitation(), (account.c.id,), limit, cursor)
    return [_view(row) for row in found], after


async def find(connection: AsyncConnection, person: str) -> AccountView:
    """By e-mail address or id, disabled or not. Raises NotFound."""
    this = or_(account.c.id == person, func.lower(account.c.email) == person.strip().lower())
    return _view(await rows.one(connection, _with_invitation().where(this), f"account {person}"))


async def by_email(connection: AsyncConnection, email: str) -> RowMapping | None:
    """The row of a live account, whatever the case of its letters."""
    live = func.lower(account.c.email) == email.lower(), account.c.disabled_at_ms.is_(None)
    return (await connection.execute(select(account).where(*live))).mappings().first()


async def row(connection: AsyncConnection, wanted: str) -> RowMapping | None:
    """Of a live account."""
    live = account.c.id == wanted, account.c.disabled_at_ms.is_(None)
    return (await connection.execute(select(account).where(*live))).mappings().first()


def principal(row: Mapping[Any, Any]) -> Principal:
    owners = row["campaign_id"], row["publisher_id"]
    return Principal(row["id"], row["name"], row["role"], *owners, callers=bool(row["callers"]))


_COLUMNS = {"campaign": "campaign_id", "publisher": "publisher_id"}


def _email(given: str) -> str:
    stripped = given.strip()
    if len(stripped) > 254 or not _EMAIL.fullmatch(stripped):
        raise InvalidField("/email", "an e-mail address, such as mary@example.com")
    return stripped


@contextmanager
def _one_of_each() -> Iterator[None]:
    """Raises Conflict when the e-mail address is another account's."""
    try:
        yield
    except IntegrityError:
        raise Conflict("another account has this e-mail address", code="email_taken") from None


def _with_invitation() -> Select[Any]:
    ends = select(func.max(invitation.c.expires_at_ms)).where(invitation.c.account_id == account.c.id)
    return select(account, ends.scalar_subquery().label("invitation_ends_at_ms"))


def _view(row: RowMapping) -> AccountView:
    state: State = "active" if row["password"] else "invited"
    return AccountView(
        id=row["id"],
        email=row["email"],
        name=row["name"],
        role=row["role"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        callers=bool(row["callers"]),
        state="disabled" if row["disabled_at_ms"] else state,
        disabled=row["disabled_at_ms"] is not None,
        created_at=instant(row["created_at_ms"]) or "",
        invitation_ends_at=instant(row["invitation_ends_at_ms"]),
    )
