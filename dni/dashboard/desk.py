"""Where forms are answered: what is sent becomes a request of the API's operation, which runs as if the API had it."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.api import idempotency
from dni.api.idempotency import Stored
from dni.api.model import Ask, Operation
from dni.api.operations import OPERATIONS
from dni.api.write import write
from dni.dashboard import forms
from dni.dashboard.door import Reader
from dni.dashboard.forms import Field, Sheet, Wrong
from dni.dashboard.page import Access, Address, Form
from dni.dashboard.pages import Pages
from dni.errors import Conflict, DniError, FieldError, InvalidField, Unavailable
from dni.parts import Parts
from dni.web.base_url import base_url
from dni.web.body import FORM_LIMIT, invalid

T = TypeVar("T")
Shape = Callable[[dict[str, Any]], dict[str, Any]]

_BY_NAME = {operation.name: operation for operation in OPERATIONS}


class Desk:
    """`more`: operations that only these pages have, beside the API's."""

    def __init__(self, parts: Parts, pages: Pages, more: Sequence[Operation] = ()) -> None:
        self._parts = parts
        self._pages = pages
        self._operations = {**_BY_NAME, **{operation.name: operation for operation in more}}

    def show(self, reader: Reader, sheet: Sheet, written: Mapping[str, str] | None = None) -> Response:
        return self._page(reader, sheet, forms.defaults(sheet) if written is None else written)

    async def send(
        self,
        request: Request,
        reader: Reader,
        sheet: Sheet,
        sent: Form,
        done: Callable[[Any], str | Response],
        *,
        wanted: str = "",
        shape: Shape = dict,
    ) -> Response:
        """Runs the sheet's operation, about `wanted` where it names one, then goes where `done` says.

        `shape` makes the operation's body of what the fields say, where that is not the same.

        What the API refuses is shown on the form, which keeps what was typed. A form that creates is done once: sent
        again it leads to what it made before.
        """
        try:
            value = await self.run(request, reader, sheet, sent, wanted=wanted, shape=shape)
        except (InvalidField, Conflict, Unavailable) as error:
            return await self.refuse(reader, sheet, sent, error)
        where = done(value)
        return where if isinstance(where, Response) else RedirectResponse(where, 303)

    async def refuse(self, reader: Reader, sheet: Sheet, sent: Form, error: DniError) -> Response:
        """The form with what was typed, and what is wrong with it."""
        again = error.code != "idempotency_mismatch"
        wrong = await _beside(sheet, sent, forms.wrong, sheet, sent, error)
        response = self._page(reader, sheet, sent, error.status, wrong, sent.get("once") if again else None)
        response.headers["DNI-Reason"] = error.code
        if isinstance(error, Unavailable):
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response

    async def run(
        self,
        request: Request,
        reader: Reader,
        sheet: Sheet,
        sent: Form,
        *,
        wanted: str = "",
        shape: Shape = dict,
        query: Any = None,
    ) -> Any:
        """What the operation answers; `query`: of one that takes some. Raises what it raises."""
        operation = self._operations[sheet.operation]
        operation.check(reader.principal)
        body = shape(await _beside(sheet, sent, forms.body, sheet, sent))
        ask = Ask(
            ledger=self._parts.ledger,
            live=self._parts.live,
            keys=self._parts.keys,
            principal=reader.principal,
            now_ms=self._parts.clock.now_ms(),
            base_url=base_url(request.scope, request.headers, self._parts.settings),
            allowed=self._parts.settings.outbound_allow,
            id=wanted,
            query=query,
            body=None if operation.body is None else await _beside(sheet, sent, _body, body, operation),
        )
        if operation.workflow:
            return await operation.run(self._parts, ask)
        key = f"form-{sent['once']}" if operation.status == 201 and sent.get("once") else None
        same = idempotency.digest(operation.method, operation.path, msgspec.json.encode(body))
        value = await write(self._parts, operation, ask, idempotency.key_of(key), same)
        return msgspec.json.decode(value.body, type=operation.answer) if isinstance(value, Stored) else value

    def _page(
        self,
        reader: Reader,
        sheet: Sheet,
        written: Mapping[str, str],
        status: int = 200,
        wrong: Wrong | None = None,
        once: str | None = None,
    ) -> Response:
        return self._pages.render(
            "form.html",
            status=status,
            reader=reader,
            sheet=sheet,
            written=written,
            wrong=wrong or Wrong(),
            once=once or secrets.token_urlsafe(12),
            creates=self._operations[sheet.operation].status == 201,
        )


class Noun(msgspec.Struct, frozen=True, kw_only=True):
    """What the forms of a collection need to know of it.

    noun     as the API's operations say it; `called`: as people do, when that is something else
    path     of its pages; the list is at `home`: address and words
    new      fields of the form that creates one, under `intro`; `edit`: of the one that changes it, None: nothing can
    one      the thing that the address names, as the API shows it; raises NotFound
    name     of a thing, for headings
    takes    what happens when one is taken away
    made     where a new one leads, when that is not its own page
    """

    noun: str
    called: str = ""
    here: str
    path: str
    home: tuple[str, str]
    new: Callable[[Reader], Awaitable[Sequence[Field]]]
    one: Callable[[Request, Reader], Awaitable[Any]]
    name: Callable[[Any], str]
    takes: tuple[str, ...]
    intro: tuple[str, ...] = ()
    edit: Callable[[Reader, Any], Awaitable[Sequence[Field]]] | None = None
    away: Literal["delete", "retire", "revoke"] = "delete"
    made: Callable[[Reader, Any], str | Response] | None = None
    access: Access = "write"
    limit: int = FORM_LIMIT


class Desks:
    """The three forms of a collection: a new one, changes of one, and taking one away, which asks first."""

    def __init__(self, parts: Parts, pages: Pages, noun: Noun) -> None:
        self._desk = Desk(parts, pages)
        self._noun = noun

    def addresses(self) -> tuple[Address, ...]:
        """To stand before the address of one thing, which `new` would be an id for."""
        noun, one = self._noun, f"{self._noun.path}/{{id}}"
        found = [
            Address(f"{noun.path}/new", self.new, self.create, noun.access, noun.limit),
            Address(f"{one}/{noun.away}", self.ask, self.take, noun.access),
        ]
        if noun.edit:
            found.append(Address(f"{one}/edit", self.edit, self.change, noun.access, noun.limit))
        return tuple(found)

    async def new(self, _request: Request, reader: Reader) -> Response:
        return self._desk.show(reader, await self._new(reader))

    async def create(self, request: Request, reader: Reader, sent: Form) -> Response:
        noun = self._noun

        def made(view: Any) -> str | Response:
            return noun.made(reader, view) if noun.made else f"{noun.path}/{view.id}?done=created"

        return await self._desk.send(request, reader, await self._new(reader), sent, made)

    async def edit(self, request: Request, reader: Reader) -> Response:
        view = await self._noun.one(request, reader)
        sheet = await self._edit(reader, view)
        return self._desk.show(reader, sheet, forms.written(sheet.fields, view))

    async def change(self, request: Request, reader: Reader, sent: Form) -> Response:
        view = await self._noun.one(request, reader)
        back = f"{self._noun.path}/{view.id}?done=changed"
        return await self._desk.send(
            request, reader, await self._edit(reader, view), sent, lambda _: back, wanted=view.id
        )

    async def ask(self, request: Request, reader: Reader) -> Response:
        return self._desk.show(reader, self._away(await self._noun.one(request, reader)))

    async def take(self, request: Request, reader: Reader, sent: Form) -> Response:
        view = await self._noun.one(request, reader)
        gone = f"{self._noun.home[0]}?done={self._noun.away}d"
        return await self._desk.send(request, reader, self._away(view), sent, lambda _: gone, wanted=view.id)

    async def _new(self, reader: Reader) -> Sheet:
        noun = self._noun
        return Sheet(
            operation=f"create_{noun.noun}",
            here=noun.here,
            title=f"New {noun.called or noun.noun}",
            button=f"Create the {noun.noun}",
            action=f"{noun.path}/new",
            back=noun.home,
            fields=tuple(await noun.new(reader)),
            notes=noun.intro,
        )

    async def _edit(self, reader: Reader, view: Any) -> Sheet:
        noun = self._noun
        assert noun.edit is not None
        return Sheet(
            operation=f"change_{noun.noun}",
            here=noun.here,
            title=f"Edit {noun.name(view)}",
            button="Save",
            action=f"{noun.path}/{view.id}/edit",
            back=(f"{noun.path}/{view.id}", noun.name(view)),
            fields=tuple(await noun.edit(reader, view)),
        )

    def _away(self, view: Any) -> Sheet:
        noun = self._noun
        one = (f"{noun.path}/{view.id}", noun.name(view)) if noun.edit else noun.home
        return Sheet(
            operation=f"delete_{noun.noun}",
            here=noun.here,
            title=f"{noun.away.capitalize()} {noun.name(view)}?",
            button=f"{noun.away.capitalize()} it",
            action=f"{noun.path}/{view.id}/{noun.away}",
            back=one,
            notes=noun.takes,
            takes_away=True,
        )


def done(request: Request, noun: str) -> str | None:
    """What was done just before this page was opened, for who came from one of the forms."""
    what = request.query_params.get("done")
    return f"{noun} {what}." if what in ("created", "changed", "deleted", "retired", "revoked") else None


async def _beside(sheet: Sheet, sent: Form, act: Callable[..., Any], *arguments: Any) -> Any:
    """Long lists are read beside the event loop."""
    if sum(len(sent.get(field.name, "")) for field in sheet.fields) > FORM_LIMIT:
        return await asyncio.to_thread(act, *arguments)
    return act(*arguments)


def _body(values: dict[str, Any], operation: Operation) -> Any:
    """The operation's body. Raises InvalidField with every field that is wrong by itself, not the first alone."""
    try:
        return struct(values, operation.body)
    except InvalidField as error:
        first = error
    # A change may leave fields out, so each can be tried alone.
    change = _BY_NAME.get(operation.name.replace("create_", "change_"), operation)
    more = [] if change.method != "PATCH" else [*_wrong_alone(values, change.body, first)]
    head, *rest = [*first.errors, *more]
    raise InvalidField(head.path, head.message, *rest, code=first.code)


def _wrong_alone(values: dict[str, Any], kind: Any, first: InvalidField) -> Iterator[FieldError]:
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        if name in values and not any(f"{error.path}/".startswith(f"/{name}/") for error in first.errors):
            try:
                struct({name: values[name]}, kind)
            except InvalidField as error:
                yield from error.errors


def struct(values: Any, kind: type[T]) -> T:
    """The request's form. Raises InvalidField."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
