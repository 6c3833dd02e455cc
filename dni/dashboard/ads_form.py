"""What a reader wants in a file for Google Ads, as it stands in the page's address. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from dni.dashboard import filters
from dni.outbound.google_ads import CURRENCY, NAME, VALUE, Wish

PATH = "/exports/google-ads"
_DAYS = 30

_USUAL = {
    "template": "clicks",
    "ids": "gclid",
    "name": Wish().name,
    "value": "",
    "currency": "",
    "calls": "answered",
    "talk": "0",
    "confidence": "50",
}
_OWNERS = ("from", "to", "campaign", "publisher")
_RIGHT = {
    "template": (r"clicks|calls", "What: clicks or calls"),
    "ids": (r"gclid|all", "Click ids: gclid or all"),
    "name": (NAME, "Conversion name: it begins with a letter or a digit, has no semicolon and at most 100 characters"),
    "value": (rf"(?:{VALUE})?", "Value: a number such as 25 or 12.50"),
    "currency": (rf"(?:{CURRENCY})?", "Currency: three letters such as USD"),
    "calls": (r"answered|all", "Calls: answered or all"),
    "talk": (r"[0-9]{1,5}", "Talked at least: whole seconds"),
    "confidence": (r"[0-9]{1,2}|100", "Sure at least: 0 to 100 %"),
}


class Asked(msgspec.Struct, frozen=True):
    """`wish` stands for what is right in `values`; `wrong` says what cannot be used, and why."""

    values: dict[str, str]
    wish: Wish
    wrong: tuple[str, ...]

    @property
    def file(self) -> str:
        return f"{PATH}.csv?{urlencode(self.values)}"


def read(query: Mapping[str, str], now_ms: int, zone: ZoneInfo) -> Asked:
    """Where nothing is asked: answered calls of the last 30 days."""
    today = datetime.fromtimestamp(now_ms / 1000, zone).date()
    first = (today - timedelta(days=_DAYS - 1)).isoformat()
    owners = filters.read({name: query.get(name, first if name == "from" else "") for name in _OWNERS})
    told = {name: query.get(name, usual).strip() for name, usual in _USUAL.items()}
    told["currency"] = told["currency"].upper()
    wrong = {name: says for name, (right, says) in _RIGHT.items() if not re.fullmatch(right, told[name])}
    right = {**told, **{name: _USUAL[name] for name in wrong}}
    calls = owners.wanted(zone)
    wish = Wish(
        template="calls" if right["template"] == "calls" else "clicks",
        ids="all" if right["ids"] == "all" else "gclid",
        name=right["name"],
        from_ms=calls.from_ms,
        to_ms=calls.to_ms,
        campaign=calls.campaign,
        publisher=calls.publisher,
        answered=right["calls"] == "answered",
        min_talk_seconds=int(right["talk"]),
        min_confidence=int(right["confidence"]) / 100,
        value=right["value"] or None,
        currency=right["currency"] or None,
    )
    # What stands in a field is shown again as it was written.
    return Asked({**told, **owners.values}, wish, (*owners.wrong, *wrong.values()))
