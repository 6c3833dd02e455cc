"""Query parameters as a typed value. Unknown, repeated and unreadable ones are refused by name."""

import re
from typing import Annotated, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec

from dni.api.model import ListQuery, Query
from dni.campaign.model import moment_ms
from dni.errors import FieldError, InvalidField
from dni.outbound.google_ads import CURRENCY, NAME, VALUE, Ids, Template
from dni.outbound.model import State, Type
from dni.report.model import Model
from dni.web.body import invalid

_MOST, _LONGEST = 50, 1_000
# A + that was not encoded arrives as a blank; in front of an offset nothing else can be meant.
_LOST_PLUS = re.compile(r"(?<=\d) (?=\d\d:\d\d$)")

T = TypeVar("T", bound=Query)
When = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]


class CallQuery(ListQuery, kw_only=True):
    from_: When | None = msgspec.field(default=None, name="from")
    to: When | None = None
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    keyword: str | None = None
    publisher: str | None = None
    tag: str | None = None
    status: str | None = None
    qualified: bool | None = None
    sub1: str | None = None
    sub2: str | None = None
    sub3: str | None = None
    sub4: str | None = None
    sub5: str | None = None
    min_confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    q: str | None = None


class SessionQuery(ListQuery, kw_only=True):
    from_: When | None = msgspec.field(default=None, name="from")
    to: When | None = None
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    keyword: str | None = None
    publisher: str | None = None
    tag: str | None = None
    visitor: str | None = None


class DeliveryQuery(ListQuery, kw_only=True):
    from_: When | None = msgspec.field(default=None, name="from")
    to: When | None = None
    endpoint: str | None = None
    state: State | None = None
    type: Type | None = None
    call: str | None = None


class ReportQuery(Query, kw_only=True):
    """Without `from`, the 30 days before `to`; without `to`, until now."""

    group_by: Annotated[str, msgspec.Meta(examples=["source,campaign_name,keyword"])] = "source"
    model: Model = "last_touch"
    from_: When | None = msgspec.field(default=None, name="from")
    to: When | None = None
    campaign: str | None = None
    publisher: str | None = None
    tag: str | None = None
    source: str | None = None
    medium: str | None = None
    campaign_name: str | None = None
    keyword: str | None = None
    content: str | None = None
    channel: str | None = None
    landing_page: str | None = None
    device: str | None = None
    region: str | None = None
    sub1: str | None = None
    sub2: str | None = None
    sub3: str | None = None
    sub4: str | None = None
    sub5: str | None = None
    number: str | None = None
    first_time: bool | None = None
    currency: Annotated[str, msgspec.Meta(pattern=CURRENCY)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 500


class GoogleAdsQuery(Query, kw_only=True):
    """See `dni.outbound.google_ads.Wish`. `timezone`: the one that the file's times are written in."""

    template: Template = "clicks"
    ids: Ids = "gclid"
    name: Annotated[str, msgspec.Meta(pattern=NAME)] = "Phone call"
    from_: When | None = msgspec.field(default=None, name="from")
    to: When | None = None
    campaign: str | None = None
    publisher: str | None = None
    answered: bool = True
    min_talk_seconds: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 0
    min_confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    value: Annotated[str, msgspec.Meta(pattern=VALUE)] | None = None
    currency: Annotated[str, msgspec.Meta(pattern=CURRENCY)] | None = None
    timezone: str = "UTC"
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 500
    cursor: str | None = None


class TermsQuery(Query, kw_only=True):
    """`publisher`: what it has in place of the campaign's terms."""

    publisher: str | None = None


class EndQuery(Query, kw_only=True):
    """`from`: calls that begin from then on; without it, from now on."""

    publisher: str | None = None
    from_: When | None = msgspec.field(default=None, name="from")


class PostingQuery(ListQuery, kw_only=True):
    from_: When | None = msgspec.field(default=None, name="from")
    to: When | None = None
    campaign: str | None = None
    publisher: str | None = None
    call: str | None = None


class PersonQuery(Query, kw_only=True):
    """One of them."""

    visitor: str | None = None
    session: str | None = None
    caller: str | None = None


class AuditQuery(ListQuery, kw_only=True):
    """`object`, `by`: ids. `act`: an operation's name."""

    object: str | None = None
    by: str | None = None
    act: str | None = None
    from_: When | None = msgspec.field(default=None, name="from")
    to: When | None = None


class NumberQuery(ListQuery, kw_only=True):
    kind: Literal["static", "pooled"] | None = None
    pool: str | None = None
    campaign: str | None = None


class DestinationQuery(ListQuery, kw_only=True):
    campaign: str | None = None


class BudgetQuery(ListQuery, kw_only=True):
    campaign: str | None = None
    publisher: str | None = None


class TagQuery(ListQuery, kw_only=True):
    campaign: str | None = None
    publisher: str | None = None


def read(query_string: bytes, kind: type[T]) -> T:
    """Raises InvalidField with the parameter's name as path. An empty value is as none."""
    try:
        pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST)
    except ValueError:
        raise InvalidField("", f"at most {_MOST} query parameters") from None
    values: dict[str, str] = {}
    for name, value in pairs:
        wrong = _wrong(name, value, values)
        if wrong:
            raise InvalidField(f"/{name[:80]!r}" if not name.isprintable() else f"/{name[:80]}", wrong)
        values[name] = _LOST_PLUS.sub("+", value)
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    unknown = [FieldError(f"/{name[:80]}", "no such query parameter here") for name in values if name not in known]
    if unknown:
        raise InvalidField(unknown[0].path, f"{unknown[0].message}: {', '.join(sorted(known)) or 'none'}", *unknown[1:])
    try:
        return msgspec.convert({name: value for name, value in values.items() if value}, kind, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error) from None


def span_ms(
    query: CallQuery | SessionQuery | ReportQuery | GoogleAdsQuery | PostingQuery | AuditQuery | DeliveryQuery,
) -> tuple[int | None, int | None]:
    """`from` and `to` in ms. Raises InvalidField."""
    return _ms("from", query.from_), _ms("to", query.to)


def _ms(name: str, text: str | None) -> int | None:
    return None if text is None else moment_ms(text, f"/{name}")


def _wrong(name: str, value: str, before: dict[str, str]) -> str | None:
    if name in before:
        return "given twice"
    if len(value) > _LONGEST:
        return f"at most {_LONGEST} characters"
    if not (name + value).isprintable() and any(
        ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 for char in name + value
    ):
        return "no control characters"
    return None
