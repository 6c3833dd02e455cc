"""`dni apply`: makes the configuration what a TOML file declares. A second run of the same file changes nothing.

The file names things by name, a number by itself. What it leaves out stays; nothing is deleted because the file does
not name it, but a pool's `numbers` are its whole list. All in one transaction: a file with a mistake changes nothing.
"""

import re
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import acts, audit
from dni.access.acts import Told
from dni.access.authenticate import ADMIN
from dni.access.model import COMMAND_LINE, Principal
from dni.api import apply_terms, of_outbound
from dni.api.routing_names import steps_with_ids
from dni.campaign import campaigns, declare, publishers
from dni.campaign.campaigns import CampaignChange, NewCampaign
from dni.campaign.change import one_change
from dni.campaign.publishers import NewPublisher, PublisherChange
from dni.errors import Conflict, InvalidField, UsageError
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.outbound import declare as outbound
from dni.outbound import endpoints
from dni.outbound.entered import IntegrationChange, NewIntegration, NewWebhook, WebhookChange
from dni.phone import e164
from dni.pool import numbers, pools
from dni.pool.numbers import NewNumber, NumberChange
from dni.pool.pools import NewPool, PoolChange
from dni.qualification import limits
from dni.qualification.limits import BudgetChange, NewBudget
from dni.routing import destinations
from dni.routing.destinations import DestinationChange, NewDestination
from dni.routing.model import Routing, checked
from dni.tag import tags
from dni.tag.model import NewTag, TagChange
from dni.telephony import carriers
from dni.telephony.carriers import CarrierChange, NewCarrier
from dni.web.body import invalid


class Change(msgspec.Struct, frozen=True):
    """One entry of the file. `details` say what changes, without secrets; empty when nothing does."""

    action: Literal["create", "update", "unchanged"]
    kind: str
    name: str
    details: tuple[str, ...] = ()


class _Section(msgspec.Struct, frozen=True):
    """`names`: fields that hold the name of a row of another table. `fixed`: what an update cannot change. `later`:
    fields that are set after all sections. `hidden`: fields that are never shown; those of `needed` a new one must
    have. `same`: whether it has a value of these, or of another field that is more than what is read of it. `among`:
    which rows of the table these are."""

    kind: str
    table: Table
    key: str
    new: Any
    change: Any
    create: Callable[..., Awaitable[str]]
    update: Callable[..., Awaitable[None]]
    now: Callable[[AsyncConnection, str], Awaitable[Any]]
    names: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    same: Mapping[str, Callable[[AsyncConnection, str, Any], Awaitable[bool]]] = {}
    among: ColumnElement[bool] | None = None


# In this order an entry names only what is there or comes before it.
_SECTIONS = {
    "campaigns": _Section(
        "campaign",
        schema.campaign,
        "name",
        NewCampaign,
        CampaignChange,
        declare.campaign,
        declare.change_campaign,
        lambda c, wanted: campaigns.one(c, ADMIN, wanted),
        fixed=("currency",),
        later=("routing", *apply_terms.NAMES),
    ),
    "destinations": _Section(
        "destination",
        schema.destination,
        "name",
        NewDestination,
        DestinationChange,
        declare.destination,
        declare.change_destination,
        lambda c, wanted: destinations.one(c, ADMIN, wanted),
        names=("campaign",),
        fixed=("campaign",),
    ),
    "publishers": _Section(
        "publisher",
        schema.publisher,
        "name",
        NewPublisher,
        PublisherChange,
        declare.publisher,
        declare.change_publisher,
        lambda c, wanted: publishers.one(c, ADMIN, wanted),
    ),
    "pools": _Section(
        "pool",
        schema.pool,
        "name",
        NewPool,
        PoolChange,
        declare.pool,
        declare.change_pool,
        lambda c, wanted: pools.one(c, ADMIN, wanted),
    ),
    "numbers": _Section(
        "number",
        schema.number,
        "number",
        NewNumber,
        NumberChange,
        declare.number,
        declare.change_number,
        lambda c, wanted: numbers.one(c, ADMIN, wanted),
        names=("campaign", "publisher"),
        fixed=("campaign",),
    ),
    "carriers": _Section(
        "carrier",
        schema.carrier,
        "name",
        NewCarrier,
        CarrierChange,
        declare.carrier,
        declare.change_carrier,
        lambda c, wanted: carriers.one(c, "", wanted),
        fixed=("kind",),
        hidden=("auth_token",),
        same={"auth_token": carriers.secret_is},
    ),
    "tags": _Section(
        "tag",
        schema.tag,
        "name",
        NewTag,
        TagChange,
        declare.tag,
        declare.change_tag,
        lambda c, wanted: tags.one(c, ADMIN, "", wanted),
        names=("campaign", "publisher", "pool"),
        fixed=("campaign", "publisher"),
    ),
    "webhooks": _Section(
        "webhook",
        schema.endpoint,
        "name",
        NewWebhook,
        WebhookChange,
        outbound.create_webhook,
        outbound.change_webhook,
        of_outbound.webhook,
        names=("campaign", "publisher"),
        hidden=("secret",),
        needed=("secret",),
        same={"secret": outbound.has_secret},
        among=schema.endpoint.c.kind.in_(outbound.WEBHOOKS),
    ),
    "integrations": _Section(
        "integration",
        schema.endpoint,
        "name",
        NewIntegration,
        IntegrationChange,
        outbound.new_integration,
        outbound.change_integration,
        endpoints.one,
        names=("campaign", "publisher"),
        fixed=("kind",),
        hidden=("secrets",),
        same={"settings": endpoints.has_settings, "secrets": endpoints.has_secrets},
        among=schema.endpoint.c.kind.in_(outbound.INTEGRATIONS),
    ),
}


# Come last, each known by what it is of.
_BUDGETS = "budgets"


async def apply(
    ledger: Ledger, toml_text: str, now_ms: int, *, dry_run: bool = False, by: Principal = COMMAND_LINE
) -> list[Change]:
    """What changes, in the order in which it is done; with `dry_run` nothing is written.

    Raises UsageError naming the place, such as `tags[0].origins[1]`; nothing is written then. A running service takes
    the change up by itself within 0.4 s.
    """
    file = _read(toml_text)
    entries = _entries(file)
    budgets = _listed(file, _BUDGETS)
    done: list[Change] = []
    try:
        async with one_change(ledger) as connection:
            hand = _Hand(connection, now_ms, by)
            for place, section, entry in entries:
                plain = {name: value for name, value in entry.items() if name not in section.later}
                done.append(await _one(hand, place, section, plain))
            # Steps and terms name destinations and publishers, which come after the campaigns.
            for place, section, entry in entries:
                if "routing" in section.later and "routing" in entry:
                    done.append(await _route(hand, place, section, entry))
                if section.later and entry.keys() & set(apply_terms.NAMES):
                    done += await _terms(hand, place, section, entry)
            seen: dict[str, str] = {}
            for place, entry in budgets:
                done.append(await _budget(hand, place, entry, seen))
            if dry_run or all(change.action == "unchanged" for change in done):
                raise _NothingToKeep
    except _NothingToKeep:
        pass
    return done


class _NothingToKeep(Exception):
    pass


def _read(toml_text: str) -> dict[str, Any]:
    try:
        file = tomllib.loads(toml_text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the file is no TOML: {error}") from None
    known = (*_SECTIONS, _BUDGETS)
    for name in file:
        if name not in known:
            raise UsageError(f"{name}: no such section; there are {', '.join(known)}")
    return file


def _listed(file: dict[str, Any], name: str) -> list[tuple[str, dict[str, Any]]]:
    """The entries of a section, each with its place."""
    listed = file.get(name, [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise UsageError(f"{name}: write each entry under [[{name}]]")
    return [(f"{name}[{index}]", entry) for index, entry in enumerate(listed)]


def _entries(file: dict[str, Any]) -> list[tuple[str, _Section, dict[str, Any]]]:
    entries = []
    for name, section in _SECTIONS.items():
        seen: dict[str, str] = {}
        for place, entry in _listed(file, name):
            key = _key(section, entry, place)
            if first := seen.get(key):
                raise UsageError(f"{place}.{section.key}: {key!r} is {first} already")
            seen[key] = place
            entries.append((place, section, entry))
    return entries


def _key(section: _Section, entry: dict[str, Any], place: str) -> str:
    key = entry.get(section.key)
    if not isinstance(key, str) or not key.strip():
        raise UsageError(f"{place}.{section.key}: is missing, and names the entry")
    if section.table is schema.number:
        try:
            return e164(key, "/number")
        except InvalidField as error:
            raise UsageError(f"{place}.number: {error.errors[0].message}") from None
    return key.strip()


class _Hand(msgspec.Struct, frozen=True):
    """Who writes, in one transaction, and leaves a note of each act."""

    connection: AsyncConnection
    now_ms: int
    by: Principal

    async def note(self, act: str, object_id: str, told: list[Told]) -> None:
        await audit.note(self.connection, self.now_ms, self.by, act, object_id, told)


async def _one(hand: _Hand, place: str, section: _Section, entry: dict[str, Any]) -> Change:
    connection = hand.connection
    key = _key(section, entry, place)
    try:
        named = await _with_ids(connection, section, entry)
        wanted = await _id(connection, section.table, section.key, key, f"/{section.key}", section.among)
        if wanted is None:
            new = _struct(named, section.new)
            for field in section.needed:
                if getattr(new, field) is None:
                    raise InvalidField(f"/{field}", "is missing: one that is made here would be told nobody")
            made = await section.create(connection, hand.now_ms, new)
            await hand.note(f"create_{section.kind}", made, acts.told(new))
            return Change("create", section.kind, key, _told(entry, (section.key, *section.hidden)))
        return await _update(hand, section, wanted, key, named)
    except (InvalidField, Conflict) as error:
        places = [f"{_toml(place, e.path)}: {e.message}" for e in error.errors] or [f"{place}: {error.detail}"]
        raise UsageError("; ".join(places), code=error.code) from None


async def _update(hand: _Hand, section: _Section, wanted: str, key: str, named: dict[str, Any]) -> Change:
    connection = hand.connection
    now = await section.now(connection, wanted)
    for field in section.fixed:
        if field in named and named[field] != getattr(now, field):
            raise InvalidField(f"/{field}", f"{section.kind} {key!r} is there with another one, which cannot change")
    may = {field.encode_name for field in msgspec.structs.fields(section.change)}
    kept = {*section.fixed, section.key}
    given = {name: value for name, value in named.items() if name in may or name not in kept}
    change = _struct(given, section.change)
    details: list[str] = []
    for field in given:
        if field == section.key:
            continue
        after = getattr(change, field)
        if (same := section.same.get(field)) is not None:
            if not await same(connection, wanted, after):
                details.append(f"{field}: {'other ones' if field.endswith('s') else 'another one'}")
        elif (before := getattr(now, field)) != after:
            details.append(_difference(field, before, after))
    if not details:
        return Change("unchanged", section.kind, key)
    await section.update(connection, hand.now_ms, wanted, change)
    await hand.note(f"change_{section.kind}", wanted, acts.told(change, now, await section.now(connection, wanted)))
    return Change("update", section.kind, key, tuple(details))


async def _route(hand: _Hand, place: str, section: _Section, entry: dict[str, Any]) -> Change:
    """The routing of a campaign that is there by now, its steps with ids in the places of names."""
    connection = hand.connection
    key = _key(section, entry, place)
    try:
        wanted = await _known(connection, section.table, key, "/name")
        named = await steps_with_ids(connection, wanted, entry["routing"])
        told = checked(_struct(named, Routing))
        now = await campaigns.routing(connection, ADMIN, wanted)
        if told == now:
            return Change("unchanged", "routing", key)
        await declare.routing(connection, wanted, told)
        await hand.note("put_routing", wanted, acts.told(told, now, told, whole=True))
    except (InvalidField, Conflict) as error:
        where = f"{place}.routing"
        places = [f"{_toml(where, e.path)}: {e.message}" for e in error.errors] or [f"{where}: {error.detail}"]
        raise UsageError("; ".join(places), code=error.code) from None
    action: Literal["create", "update"] = "update" if now.steps else "create"
    return Change(action, "routing", key, (f"steps: {len(told.steps)} of them",))


async def _terms(hand: _Hand, place: str, section: _Section, entry: dict[str, Any]) -> list[Change]:
    """Terms of a campaign and of its publishers, for calls that begin from now on."""
    connection = hand.connection
    key = _key(section, entry, place)
    done: list[Change] = []
    try:
        wanted = await _known(connection, section.table, key, "/name")
        for one in apply_terms.declared(entry):
            publisher, name = None, key
            if one.publisher is not None:
                publisher = await _known(connection, schema.publisher, one.publisher, f"{one.path}/publisher")
                name = f"{key}, {one.publisher}"
            before, is_changed = await apply_terms.changed(
                connection, hand.by, hand.now_ms, wanted, publisher, one.terms
            )
            if is_changed:
                await hand.note("put_terms", wanted, acts.told(one.terms, before, one.terms, whole=True))
            action: Literal["create", "update"] = "update" if before else "create"
            told = apply_terms.details(one.terms)
            done.append(Change(action, "terms", name, told) if is_changed else Change("unchanged", "terms", name))
    except (InvalidField, Conflict) as error:
        places = [f"{_toml(place, e.path)}: {e.message}" for e in error.errors] or [f"{place}: {error.detail}"]
        raise UsageError("; ".join(places), code=error.code) from None
    return done


async def _budget(hand: _Hand, place: str, entry: dict[str, Any], seen: dict[str, str]) -> Change:
    """A budget has no name: there is one of a campaign, of a publisher in it, of a destination."""
    connection, now_ms = hand.connection, hand.now_ms
    tables = {"campaign": schema.campaign, "publisher": schema.publisher, "destination": schema.destination}
    called = [entry[field].strip() for field in tables if isinstance(entry.get(field), str)]
    label = " / ".join(called)
    if first := seen.get(label):
        raise UsageError(f"{place}: the budget of {label!r} is {first} already")
    seen[label] = place
    named = dict(entry)
    try:
        for field, table in tables.items():
            if isinstance(entry.get(field), str):
                named[field] = await _known(connection, table, entry[field], f"/{field}")
        told = _struct(named, NewBudget)
        wanted = await limits.of_owner(connection, told.campaign, told.publisher, told.destination)
        if wanted is None:
            made = await declare.budget(connection, now_ms, told)
            await hand.note("create_budget", made, acts.told(told))
            return Change("create", "budget", label, (f"limits: {_short(told.limits)}",))
        now = (await limits.one(connection, ADMIN, wanted, now_ms)).limits
        if now == told.limits:
            return Change("unchanged", "budget", label)
        change = BudgetChange(limits=told.limits)
        await declare.change_budget(connection, now_ms, wanted, change)
        await hand.note("change_budget", wanted, acts.told(change, {"limits": now}, {"limits": told.limits}))
        return Change("update", "budget", label, (_difference("limits", now, told.limits),))
    except (InvalidField, Conflict) as error:
        places = [f"{_toml(place, e.path)}: {e.message}" for e in error.errors] or [f"{place}: {error.detail}"]
        raise UsageError("; ".join(places), code=error.code) from None


def _difference(field: str, before: Any, after: Any) -> str:
    if field == "numbers":
        joined, gone = len(set(after) - set(before)), len(set(before) - set(after))
        return f"numbers: {joined} added, {gone} retired"
    return f"{field}: {_short(before)} -> {_short(after)}"


def _told(entry: dict[str, Any], hidden: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"{field}: {len(value)} of them" if field == "numbers" else f"{field}: {_short(value)}"
        for field, value in entry.items()
        if field not in hidden
    )


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else f"{text[:79]}…"


def _struct(values: dict[str, Any], kind: Any) -> Any:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise invalid(error) from None


async def _with_ids(connection: AsyncConnection, section: _Section, entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with ids in the places of names, also in the rules of a tag."""
    named = dict(entry)
    tables = {"campaign": schema.campaign, "publisher": schema.publisher, "pool": schema.pool}
    for field in section.names:
        if isinstance(named.get(field), str):
            named[field] = await _known(connection, tables[field], named[field], f"/{field}")
    rules = named.get("rules")
    if section.table is schema.tag and isinstance(rules, list):
        named["rules"] = [await _rule(connection, rule, f"/rules/{n}/use/pool") for n, rule in enumerate(rules)]
    return named


async def _rule(connection: AsyncConnection, rule: Any, path: str) -> Any:
    use = rule.get("use") if isinstance(rule, dict) else None
    if not isinstance(use, dict) or not isinstance(use.get("pool"), str):
        return rule
    return {**rule, "use": {**use, "pool": await _known(connection, schema.pool, use["pool"], path)}}


async def _known(connection: AsyncConnection, table: Table, name: str, path: str) -> str:
    wanted = await _id(connection, table, "name", name.strip(), path)
    if wanted is None:
        raise InvalidField(path, f"there is no {table.name} named {name!r}, neither in this file nor in the ledger")
    return wanted


async def _id(
    connection: AsyncConnection, table: Table, key: str, value: str, path: str, among: ColumnElement[bool] | None = None
) -> str | None:
    if "\0" in value:
        raise InvalidField(path, "no control characters")
    gone = table.c.retired_at_ms if table is schema.number else table.c.deleted_at_ms
    query = select(table.c.id).where(table.c[key] == value, gone.is_(None)).limit(2)
    if table is schema.number:  # a pooled one is declared in its pool
        query = query.where(table.c.pool_id.is_(None))
    if among is not None:
        query = query.where(among)
    found = (await connection.execute(query)).scalars().all()
    if len(found) > 1:
        raise InvalidField(
            path, f"there are several {table.name}s named {value!r} ({', '.join(found)}): rename all but one"
        )
    return found[0] if found else None


def _toml(place: str, pointer: str) -> str:
    """`tags[0].origins[1]` for `tags[0]` and `/origins/1`."""
    return place + re.sub(r"/([^/]+)", lambda part: f"[{part[1]}]" if part[1].isdecimal() else f".{part[1]}", pointer)
