"""The page where a table of sales is brought in: what would come of it is shown first, then the same is done."""

from collections.abc import Mapping, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dni.api.of_conversions import CSV_LIMIT, ConversionsQuery, brought
from dni.call.bring_model import CALLER_DAYS, CLICK_DAYS, STATES, ConversionResult, ConversionsReport, State
from dni.dashboard import forms
from dni.dashboard.door import Reader
from dni.dashboard.forms import Choice, Field, Sheet, Wrong
from dni.dashboard.owners import Owners, owners_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.dashboard.words import Badge
from dni.errors import DniError, InvalidField, Unavailable
from dni.parts import Parts
from dni.web.body import invalid

PATH = "/conversions"
_SHOWN = 200
_FIELDS = ("campaign", "timezone", "within_days", "day_first")
# What a person has to look at comes first.
_IN_ORDER: tuple[State, ...] = ("wrong", "ambiguous", "not_matched", "matched", "known")
_BADGES = {
    "matched": Badge("Found", "good"),
    "known": Badge("Known", "calm"),
    "not_matched": Badge("No call", "warn"),
    "ambiguous": Badge("Not clear", "warn"),
    "wrong": Badge("Wrong", "bad"),
}
_NOTHING = "Choose a file, or paste the table, its first line with the names of the columns."


class BringIn:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return (Address(PATH, self.ask, self.bring, "tell", limit=CSV_LIMIT + 65_536),)

    async def ask(self, _request: Request, reader: Reader) -> Response:
        owners = await owners_of(self._parts, reader.principal)
        return self._show(reader, owners, {"timezone": owners.zone.key})

    async def bring(self, _request: Request, reader: Reader, sent: Form) -> Response:
        """Of what was sent once, nothing is done yet; the page that says what would come of it sends it again."""
        owners, is_sure = await owners_of(self._parts, reader.principal), sent.get("sure") == "1"
        table = sent.get("file", "").strip("\r\n") or sent.get("table", "").strip("\r\n")
        kept = {**sent, "table": table}
        try:
            if not table.strip():
                raise InvalidField("", _NOTHING)
            now_ms, query = self._parts.clock.now_ms(), _query(sent, dry_run=not is_sure)
            report = await brought(self._parts, reader.principal, now_ms, query, table.encode())
        except (InvalidField, Unavailable) as error:
            return self._show(reader, owners, kept, error=error)
        return self._show(reader, owners, kept, report)

    def _show(
        self,
        reader: Reader,
        owners: Owners,
        written: Mapping[str, str],
        report: ConversionsReport | None = None,
        error: DniError | None = None,
    ) -> Response:
        sheet = Sheet(
            operation="bring_conversions",
            here="calls",
            title="Bring in sales",
            button="See what would come of it",
            action=PATH,
            back=("/calls", "Calls"),
            fields=_fields(owners),
        )
        response = self._pages.render(
            "bring_in.html",
            status=error.status if error else 200,
            reader=reader,
            sheet=sheet,
            written=written,
            wrong=forms.wrong(sheet, written, error) if error else Wrong(),
            report=report,
            counts=[(_BADGES[state], getattr(report, state, 0), meaning) for state, meaning in STATES.items()],
            rows=_first(report.conversions) if report else [],
            badges=_BADGES,
            kept={name: written.get(name, "") for name in (*_FIELDS, "table")},
        )
        if error is not None:
            response.headers["DNI-Reason"] = error.code
        return response


def _query(sent: Form, *, dry_run: bool) -> ConversionsQuery:
    """Raises InvalidField."""
    given = {name: text for name in _FIELDS if (text := sent.get(name, "").strip())}
    told = {**given, "dry_run": dry_run, "day_first": bool(given.get("day_first"))}
    try:
        return msgspec.convert(told, ConversionsQuery, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error) from None


def _first(rows: Sequence[ConversionResult]) -> list[ConversionResult]:
    return sorted(rows, key=lambda one: (_IN_ORDER.index(one.state), one.row))[:_SHOWN]


def _fields(owners: Owners) -> tuple[Field, ...]:
    campaign = Field(
        name="campaign",
        label="Campaign",
        kind="select",
        choices=tuple(Choice(name, label) for name, label in owners.campaigns.items()),
        empty="null",
        placeholder="Any, or as each row says",
        help="Only calls to it are meant, and telephones are written as in its country.",
    )
    return (
        *((campaign,) if len(owners.campaigns) > 1 else ()),
        Field(
            name="within_days",
            label="How long before the sale the call may have begun",
            kind="number",
            unit="days",
            empty="null",
            placeholder=str(CALLER_DAYS),
            help=f"{CALLER_DAYS} if nothing is said, {CLICK_DAYS} where the row names a click.",
        ),
        Field(
            name="timezone",
            label="Time zone of times that tell none",
            placeholder="America/New_York",
            help="A day without a time is meant until its end.",
        ),
        Field(name="day_first", label="Days come first: 3/11/2026 is in November", kind="checkbox"),
    )
