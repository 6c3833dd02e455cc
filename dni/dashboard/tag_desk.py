"""The forms of a tag: a new one, changes of its settings and rules, which become its draft, and taking it away."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.campaign import campaigns, publishers
from dni.dashboard import forms, rule_form, rule_words, tag_form
from dni.dashboard.desk import Desk, struct
from dni.dashboard.door import Reader, id_of
from dni.dashboard.fields import named
from dni.dashboard.forms import Choice, Sheet
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.dashboard.redraft import Settings, draft_of, live_settings, redraft
from dni.errors import Conflict, InvalidField, NotFound, Unavailable
from dni.parts import Parts
from dni.pool import pools
from dni.tag import tags
from dni.tag.model import Rules, TagChange

# Campaigns, publishers and pools to choose from.
_CHOICES = 500

_TAKES = (
    "Pages that hold its snippet show their own numbers again, within minutes.",
    "Who rings a number that he was shown is put through all the same, and its calls stay in your reports.",
)


class Drafted(msgspec.Struct, frozen=True):
    """A tag and its settings as the draft has them; the live ones without a draft."""

    row: RowMapping
    settings: Settings
    is_draft: bool


class TagDesk:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desk = Desk(parts, pages)

    def addresses(self) -> Sequence[Address]:
        """To stand before the address of one tag, which `new` would be an id for."""
        return (
            Address("/tags/new", self.new, self.create, "write"),
            Address("/tags/{id}/edit", self.edit, self.change, "write"),
            Address("/tags/{id}/delete", self.ask, self.delete, "write"),
            Address("/tags/{id}/rules", self.rules, self.arrange, "write"),
            Address("/tags/{id}/rule", self.rule, self.save_rule, "write"),
        )

    async def new(self, request: Request, reader: Reader) -> Response:
        sheet = await self._new(reader)
        asked = {name: request.query_params.get(name, "") for name in ("campaign", "pool")}
        return self._desk.show(reader, sheet, {**forms.defaults(sheet), **asked})

    async def create(self, request: Request, reader: Reader, sent: Form) -> Response:
        return await self._desk.send(
            request,
            reader,
            await self._new(reader),
            sent,
            lambda view: f"/tags/{view.id}?done=created",
            shape=tag_form.settings,
        )

    async def edit(self, request: Request, reader: Reader) -> Response:
        drafted = await self._drafted(request, reader)
        return self._desk.show(reader, await self._edit(reader, drafted), tag_form.written(drafted.settings))

    async def change(self, request: Request, reader: Reader, sent: Form) -> Response:
        drafted = await self._drafted(request, reader)
        sheet = await self._edit(reader, drafted)
        try:
            change = struct(tag_form.settings(forms.body(sheet, sent)), TagChange)
            differs = await redraft(self._parts, reader.principal, drafted.row["id"], lambda _: change)
        except (InvalidField, Conflict, Unavailable) as error:
            return await self._desk.refuse(reader, sheet, sent, error)
        return _to_tag(drafted, "drafted" if differs else "same")

    async def ask(self, request: Request, reader: Reader) -> Response:
        return self._desk.show(reader, _away(await self._drafted(request, reader)))

    async def delete(self, request: Request, reader: Reader, sent: Form) -> Response:
        drafted = await self._drafted(request, reader)
        gone = "/tags?done=deleted"
        return await self._desk.send(request, reader, _away(drafted), sent, lambda _: gone, wanted=drafted.row["id"])

    async def rules(self, request: Request, reader: Reader) -> Response:
        return self._rules(reader, await self._drafted(request, reader))

    async def arrange(self, request: Request, reader: Reader, sent: Form) -> Response:
        """Moves a rule up or down, or removes it."""
        drafted = await self._drafted(request, reader)
        place = _number(sent.get("place", ""))

        def alter(present: Settings) -> TagChange:
            rule_form.check(present["rules"], sent.get("seen"))
            return struct({"rules": rule_form.moved(present["rules"], sent.get("act", ""), place)}, TagChange)

        try:
            await redraft(self._parts, reader.principal, drafted.row["id"], alter)
        except (InvalidField, Conflict) as error:
            return self._rules(reader, await self._drafted(request, reader), error)
        return RedirectResponse(f"/tags/{drafted.row['id']}/rules", 303)

    async def rule(self, request: Request, reader: Reader) -> Response:
        """The one at `place`, from 0; a new one without."""
        drafted = await self._drafted(request, reader)
        place = _place(request, drafted)
        sheet = await self._rule_sheet(reader, drafted, place)
        written = None if place is None else rule_form.written(drafted.settings["rules"][place])
        return self._desk.show(reader, sheet, written)

    async def save_rule(self, request: Request, reader: Reader, sent: Form) -> Response:
        """A new one comes last: what stands before it wins."""
        drafted = await self._drafted(request, reader)
        place = _place(request, drafted)
        sheet = await self._rule_sheet(reader, drafted, place)
        at = len(drafted.settings["rules"]) if place is None else place

        def alter(present: Settings) -> TagChange:
            rule_form.check(present["rules"], sent.get("seen"))
            after: list[Any] = [*present["rules"]]
            after[at : at + 1] = [made]
            return struct({"rules": after}, TagChange)

        try:
            made = rule_form.rule(forms.body(sheet, sent))
            await redraft(self._parts, reader.principal, drafted.row["id"], alter)
        except InvalidField as error:
            return await self._desk.refuse(reader, sheet, sent, rule_form.of_this_rule(error, at))
        except (Conflict, Unavailable) as error:
            # What he saw stays with the form: sent again it must not meet another rule.
            sheet = msgspec.structs.replace(sheet, kept={"seen": sent.get("seen", "")})
            return await self._desk.refuse(reader, sheet, sent, error)
        return RedirectResponse(f"/tags/{drafted.row['id']}/rules", 303)

    def _rules(self, reader: Reader, drafted: Drafted, error: InvalidField | Conflict | None = None) -> Response:
        names = {pool.id: pool.name for pool in self._parts.catalog.now.pools.values()}
        rules = msgspec.convert(drafted.settings["rules"], Rules)
        own = drafted.settings["pool"]
        return self._pages.render(
            "tag_rules.html",
            status=error.status if error else 200,
            reader=reader,
            tag=drafted.row,
            is_draft=drafted.is_draft,
            rules=[(rule_words.conditions(rule.when), rule_words.use(rule.use, names)) for rule in rules],
            own=names.get(own, own) if own else None,
            seen=rule_form.digest(drafted.settings["rules"]),
            problem=forms.sentence(error.errors[0].message if error.errors else error.detail) if error else None,
        )

    async def _drafted(self, request: Request, reader: Reader) -> Drafted:
        """Raises NotFound."""
        async with self._parts.ledger.read() as connection:
            row = await tags.row(connection, id_of(request, "tag"), reader.principal)
            draft = await draft_of(connection, row["id"])
        change = msgspec.to_builtins(draft.change) if draft else {}
        return Drafted(row, {**live_settings(row), **change}, draft is not None)

    async def _new(self, reader: Reader) -> Sheet:
        async with self._parts.ledger.read() as connection:
            known, _ = await campaigns.page(connection, reader.principal, _CHOICES)
            bringers, _ = await publishers.page(connection, reader.principal, _CHOICES)
            found, _ = await pools.briefs(connection, reader.principal, _CHOICES)
        names = {one.id: one.name for one in known}
        return Sheet(
            operation="create_tag",
            here="tags",
            title="New tag",
            button="Create the tag",
            action="/tags/new",
            back=("/tags", "Tags"),
            fields=tag_form.new(
                named(names), named({one.id: one.name for one in bringers}), tag_form.pool_choices(found, names)
            ),
            notes=("It is live at once, on the pages that hold its snippet. Rules can be added to it afterwards.",),
        )

    async def _edit(self, reader: Reader, drafted: Drafted) -> Sheet:
        row = drafted.row
        return Sheet(
            operation="save_tag_draft",
            here="tags",
            title=f"Edit {row['name']}",
            button="Save as draft",
            action=f"/tags/{row['id']}/edit",
            back=(f"/tags/{row['id']}", row["name"]),
            fields=tag_form.edit(await self._pools(reader, drafted)),
            notes=("Your pages do not change yet: this becomes the tag's draft, which you look at and then publish.",),
        )

    async def _rule_sheet(self, reader: Reader, drafted: Drafted, place: int | None) -> Sheet:
        tag_id = drafted.row["id"]
        return Sheet(
            operation="save_tag_draft",
            here="tags",
            title="New rule" if place is None else f"Rule {place + 1}",
            button="Save in the draft",
            action=f"/tags/{tag_id}/rule" + ("" if place is None else f"?place={place}"),
            back=(f"/tags/{tag_id}/rules", "Rules"),
            fields=rule_form.fields(await self._pools(reader, drafted)),
            notes=("Fill in what must be so; what you leave empty may be anything. Capitals do not matter.",),
            kept={"seen": rule_form.digest(drafted.settings["rules"])},
        )

    async def _pools(self, reader: Reader, drafted: Drafted) -> tuple[Choice, ...]:
        """Those that the tag may use; what it names already is among them, if it is still there."""
        row = drafted.row
        async with self._parts.ledger.read() as connection:
            found, _ = await pools.briefs(connection, reader.principal, _CHOICES)
        usable = [one for one in found if tag_form.may_use(one, row["campaign_id"], row["publisher_id"])]
        known = self._parts.catalog.now.campaigns
        return tag_form.pool_choices(usable, {one.id: one.name for one in known.values()})


def _away(drafted: Drafted) -> Sheet:
    row = drafted.row
    return Sheet(
        operation="delete_tag",
        here="tags",
        title=f"Delete {row['name']}?",
        button="Delete it",
        action=f"/tags/{row['id']}/delete",
        back=(f"/tags/{row['id']}", row["name"]),
        notes=_TAKES,
        takes_away=True,
    )


def _place(request: Request, drafted: Drafted) -> int | None:
    """Of a rule that is there, from 0; None: of none. Raises NotFound."""
    if "place" not in request.query_params:
        return None
    place = _number(request.query_params["place"])
    if not 0 <= place < len(drafted.settings["rules"]):
        raise NotFound("this tag has no such rule any more")
    return place


def _number(text: str) -> int:
    """Of a rule; -1 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1


def _to_tag(drafted: Drafted, done: str) -> Response:
    return RedirectResponse(f"/tags/{drafted.row['id']}?done={done}", 303)
