"""Carrier accounts: whose calls we accept, and the addresses to enter at the carrier. Their secrets never come out."""

import re
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import RowMapping, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.campaign import model
from dni.campaign.model import Name, Phone
from dni.clock import rfc3339
from dni.errors import InvalidField
from dni.ids import new_id
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import carrier, refusal
from dni.phone import e164
from dni.telephony import accounts
from dni.telephony.accounts import KINDS

Account = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9_.-]+$")]
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

_SECRET = re.compile(r"[!-~]+")  # what fits into a header; a pasted blank or line break is a mistake


class NewCarrier(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`account_sid` and `auth_token`: what a carrier of that kind calls so, see dni/telephony/accounts.py.

    default_destination  where a call to a number that we do not know is connected
    """

    kind: Annotated[str, msgspec.Meta(examples=list(KINDS))]
    name: Name
    account_sid: Account | None = None
    auth_token: Secret
    default_destination: Phone | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidField("/kind", f"one of {', '.join(KINDS)}; other carriers are not served yet")
        self.name = model.text(self.name, "/name")
        self.auth_token = _secret(self.auth_token)
        self.account_sid = self.account_sid or KINDS[self.kind].default_account
        if self.account_sid is None:
            raise InvalidField("/account_sid", f"the {KINDS[self.kind].account} is missing")
        accounts.check(self.kind, self.account_sid, self.auth_token)
        if self.default_destination is not None:
            self.default_destination = e164(self.default_destination, "/default_destination")


class CarrierChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays."""

    name: Name | UnsetType = UNSET
    account_sid: Account | UnsetType = UNSET
    auth_token: Secret | UnsetType = UNSET
    default_destination: Phone | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        if self.name is not UNSET:
            self.name = model.text(self.name, "/name")
        if self.auth_token is not UNSET:
            self.auth_token = _secret(self.auth_token)
        if isinstance(self.default_destination, str):
            self.default_destination = e164(self.default_destination, "/default_destination")


class CarrierView(msgspec.Struct):
    """`inbound_url` is the number's voice webhook, `status_url` its status callback."""

    id: str
    kind: str
    name: str
    account_sid: str
    default_destination: str | None
    inbound_url: str
    status_url: str
    created_at: Instant


class RefusalView(msgspec.Struct):
    """A request turned away at the carrier's door. `url` is the address as we saw it: signatures cover it."""

    id: str
    at: Instant
    code: str
    detail: str
    url: str


async def create(connection: AsyncConnection, now_ms: int, new: NewCarrier) -> str:
    """The id of the new account."""
    made = new_id("car", now_ms)
    values = msgspec.structs.asdict(new)
    await connection.execute(insert(carrier).values(id=made, created_at_ms=now_ms, **values))
    return made


async def change(connection: AsyncConnection, wanted: str, values: dict[str, Any]) -> None:
    """Writes these columns; the account is known to be live. Raises InvalidField for what cannot be its kind's."""
    if values:
        kind = (await connection.execute(select(carrier.c.kind).where(carrier.c.id == wanted))).scalar_one()
        accounts.check(kind, values.get("account_sid"), values.get("auth_token"))
        await connection.execute(update(carrier).where(carrier.c.id == wanted).values(**values))


async def delete(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await connection.execute(update(carrier).where(carrier.c.id == wanted).values(deleted_at_ms=now_ms))


async def one(connection: AsyncConnection, base_url: str, wanted: str) -> CarrierView:
    """Raises NotFound. `base_url` is scheme and host of this service as carriers reach it."""
    query = _live().where(carrier.c.id == wanted)
    return _view(await rows.one(connection, query, f"carrier {wanted}"), base_url)


async def page(
    connection: AsyncConnection, base_url: str, limit: int, cursor: str | None = None
) -> tuple[list[CarrierView], str | None]:
    """Newest first."""
    found, after = await rows.page(connection, _live(), (carrier.c.id,), limit, cursor)
    return [_view(row, base_url) for row in found], after


async def refusals(
    connection: AsyncConnection, wanted: str, limit: int, cursor: str | None = None
) -> tuple[list[RefusalView], str | None]:
    """What was turned away for an account, newest first. Raises NotFound."""
    await rows.one(connection, _live().where(carrier.c.id == wanted), f"carrier {wanted}")
    query = select(refusal).where(refusal.c.carrier_id == wanted)
    found, after = await rows.page(connection, query, (refusal.c.id,), limit, cursor)
    return [
        RefusalView(row["id"], rfc3339(row["at_ms"]), row["code"], row["detail"], row["url"]) for row in found
    ], after


async def secret_is(connection: AsyncConnection, wanted: str, auth_token: str) -> bool:
    """Whether an account has this secret: so that a declaration of the same one changes nothing."""
    query = select(carrier.c.auth_token).where(carrier.c.id == wanted)
    return bool((await connection.execute(query)).scalar_one() == auth_token)


def _secret(value: str) -> str:
    if not _SECRET.fullmatch(value.strip()):
        raise InvalidField("/auth_token", "printable ASCII without blanks, as the carrier shows it")
    return value.strip()


def _live() -> Select[Any]:
    return select(carrier).where(carrier.c.deleted_at_ms.is_(None))


def _view(row: RowMapping, base_url: str) -> CarrierView:
    door = f"{base_url}/voice/{row['kind']}/{row['id']}"
    return CarrierView(
        id=row["id"],
        kind=row["kind"],
        name=row["name"],
        account_sid=row["account_sid"],
        default_destination=row["default_destination"],
        inbound_url=f"{door}/inbound",
        status_url=f"{door}/status",
        created_at=rfc3339(row["created_at_ms"]),
    )
