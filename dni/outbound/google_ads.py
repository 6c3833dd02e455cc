"""Google Ads' files for conversions that happened elsewhere: which calls go into them, and how they are written. Pure.

Two templates of Google's help, as they stood in October 2026: "Import conversions from ad clicks into Google Ads using
files" (https://support.google.com/google-ads/answer/7014069), and that for phone calls, whose meaning is told by
https://developers.google.com/google-ads/api/docs/conversions/upload-calls:

- A first row `Parameters:TimeZone=America/New_York`, then the names of columns, then a row a conversion.
- Times as `yyyy-MM-dd HH:mm:ss` and an offset, `-0500`; the offset counts before the row's zone, so the hour that an
  autumn night has twice is no guess. An offset with a colon is refused.
- Consent is `Granted` or `Denied`. Conversions without it are not counted.
- The same Order ID is counted once, however often it is uploaded: it is our call's id.

The click template has one column for click ids. Those of clicks on Apple's devices have columns of their own (GBRAID,
WBRAID), which uploads by Google's Data Manager know: each row has one of the three.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from dni.cells import line
from dni.clock import rfc3339
from dni.outbound.click import first_real

Template = Literal["clicks", "calls"]
Ids = Literal["gclid", "all"]
Kind = Literal["gclid", "gbraid", "wbraid"]
KINDS: dict[Ids, tuple[Kind, ...]] = {"gclid": ("gclid",), "all": ("gclid", "gbraid", "wbraid")}
"""By what a file may hold; a visit with several has the first of them."""
_COLUMNS: dict[Kind, str] = {"gclid": "Google Click ID", "gbraid": "GBRAID", "wbraid": "WBRAID"}
_CONVERSION = ("Conversion Name", "Conversion Time", "Conversion Value", "Conversion Currency")
_CONSENT = ("Ad User Data", "Ad Personalization")

# It begins with a letter or digit and cannot begin a cell inside, so it is never changed: Google compares it exactly.
NAME = r"^\w[^;\x00-\x1f\x7f]{0,99}$"
VALUE = r"^[0-9]{1,9}(\.[0-9]{1,3})?$"
CURRENCY = r"^[A-Z]{3}$"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of a file must be, and what a conversion is called and worth.

    template          `clicks`: calls of visitors who clicked an ad. `calls`: calls to static numbers of the source
                      google, which an ad shows itself
    ids               of which kinds of click ids: `gclid` or `all`
    from_ms, to_ms    when they rang: `from_ms` is within, `to_ms` is not; None: any time
    answered          only those that were connected
    min_talk_seconds  that were talked so long at least
    min_confidence    that are credited to their visitor with at least this probability; of clicks alone
    value, currency   of each conversion, as decimals and ISO 4217; without a value Google takes the conversion action's
                      own, without a currency it is the campaign's
    """

    template: Template = "clicks"
    ids: Ids = "gclid"
    name: Annotated[str, msgspec.Meta(pattern=NAME)] = "Phone call"
    from_ms: int | None = None
    to_ms: int | None = None
    campaign: str | None = None
    publisher: str | None = None
    answered: bool = True
    min_talk_seconds: int = 0
    min_confidence: float = 0.5
    value: Annotated[str, msgspec.Meta(pattern=VALUE)] | None = None
    currency: Annotated[str, msgspec.Meta(pattern=CURRENCY)] | None = None


class Click(msgspec.Struct, frozen=True):
    kind: Kind
    id: str


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """A call as Google is told of it: by the `click` that led to it or, where an ad shows the number, by its `caller`.

    `id`: the call's. `at`: its first ring. `value`, `currency`: null where Google is to take its own.
    """

    id: str
    at: Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
    click: Click | None
    caller: str | None
    name: str
    value: str | None
    currency: str | None


def click_of(click_ids: Mapping[str, str] | None, ids: Ids) -> Click | None:
    """The Google click among a touch's click ids; None where there is none that can be real."""
    found = first_real(click_ids, KINDS[ids])
    return Click(*found) if found else None


def told(wish: Wish, call: str, at_ms: int, currency: str, click: Click | None, caller: str | None) -> Conversion:
    """`currency`: the campaign's."""
    return Conversion(
        id=call,
        at=rfc3339(at_ms),
        click=click,
        caller=caller,
        name=wish.name,
        value=wish.value,
        currency=wish.currency or currency if wish.value else None,
    )


def csv_of(wish: Wish, zone: ZoneInfo, found: Iterable[Conversion], *, header: bool = True) -> str:
    """The file, or with `header` false a further part of it."""
    # Google's list of zones has places; what is none of them is told as an offset.
    named = zone.key if "/" in zone.key and not zone.key.startswith("Etc/") else "+0000"
    head = line([f"Parameters:TimeZone={named}"]) + line(_head(wish)) if header else ""
    return head + "".join(line(_row(wish, zone, one)) for one in found)


def _head(wish: Wish) -> tuple[str, ...]:
    if wish.template == "calls":
        return ("Caller's Phone Number", "Call Start Time", *_CONVERSION)
    return (*(_COLUMNS[kind] for kind in KINDS[wish.ids]), *_CONVERSION, "Order ID", *_CONSENT)


def _row(wish: Wish, zone: ZoneInfo, one: Conversion) -> tuple[str, ...]:
    at = datetime.fromisoformat(one.at).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S%z")
    conversion = (one.name, at, one.value or "", one.currency or "")
    if one.click is None:
        return (one.caller or "", at, *conversion)
    clicks = (one.click.id if one.click.kind == kind else "" for kind in KINDS[wish.ids])
    # Only who consented is here. The tag's consent is to storing and measuring (TCF purposes 1 and 7), which is what
    # Google's first column asks about; of personalised ads nobody asked, so nothing is said.
    return (*clicks, *conversion, one.id, "Granted", "")
