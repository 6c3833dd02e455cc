"""Google Ads by its APIs: calls as click or call conversions, and what changed of them. Pure.

Click conversions go by the Data Manager API (`google_data_manager.py`), or by the Google Ads API for who is still
let in there; all else by the Google Ads API, as documented in November 2026 for version 26:

- https://developers.google.com/google-ads/api/reference/rpc/v26/ClickConversion, CallConversion, ConversionAdjustment
- Partial failures: https://developers.google.com/google-ads/api/docs/best-practices/partial-failures
- Headers: https://developers.google.com/google-ads/api/rest/auth. The developer token is optional and ignored since
  9 September 2026: https://developers.google.com/google-ads/api/docs/api-policy/developer-token
- Click conversions are taken only of who uploaded some between December 2025 and May 2026; others get
  CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE:
  https://developers.google.com/ads/blog/posts/2026/05/changes-to-offline-click-conversion

A click conversion has one of gclid, gbraid and wbraid. `order_id` is our call's id: Google counts it once however
often it is sent, and knows the conversion by it when its value changes. Of consent only `ad_user_data` may be told
here. A call conversion is known by its caller and its start; changes of it are not taken.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from dni.outbound import google_ads_answer, google_data_manager
from dni.outbound.click import CLICK_DAYS, DAY_MS, first_real
from dni.outbound.conversion import (
    NOBODYS,
    Restate,
    Retract,
    Row,
    Told,
    Value,
    caller_of,
    change_of,
    kept_of,
    read,
    sendable,
    too_old,
    value_of,
    visit_of,
)
from dni.outbound.google_ads_settings import Secrets, Settings
from dni.outbound.model import (
    Answer,
    Endpoint,
    Grant,
    Kind,
    Later,
    Outgoing,
    Request,
    Result,
    Skip,
)

CLICKS = ("gclid", "gbraid", "wbraid")
COOKIE = "_gcl_aw"
# When it was clicked, in seconds. The tag tells 256 characters of a cookie: what is longer may have lost its end.
_COOKIE = re.compile(r"GCL\.([0-9]{10})\.([A-Za-z0-9_-]{20,230})")
ADJUSTABLE_MS = 54 * DAY_MS
"""Google takes no changes of older conversions (CONVERSION_EXPIRED)."""

_LISTS = {
    "clicks": ("uploadClickConversions", "conversions"),
    "calls": ("uploadCallConversions", "conversions"),
    "changes": ("uploadConversionAdjustments", "conversionAdjustments"),
}
"""By group: the method, and what its list is called."""


def _group(outgoing: Outgoing) -> str:
    if outgoing.action == "adjust":
        return "changes"
    told = read(outgoing)
    return "calls" if isinstance(told, Told) and told.call.attribution.method == "static" else "clicks"


def _check(endpoint: Endpoint, outgoing: Outgoing, now_ms: int) -> Skip | Later | None:
    row = _row(endpoint.settings, outgoing)
    if isinstance(row, Skip):
        return row
    told = read(outgoing)
    if outgoing.action == "adjust" and isinstance(told, Told) and now_ms - told.at_ms > ADJUSTABLE_MS:
        return Skip("the conversion is more than 54 days old, and Google takes no change of it any more")
    return None


def _row(settings: Settings, outgoing: Outgoing) -> Row | Skip:
    told = read(outgoing)
    if isinstance(told, Skip):
        return told
    group = _group(outgoing)
    if group == "changes":
        return _change(settings, told, outgoing)
    return _call(settings, told) if group == "calls" else _click(settings, told)


def _click(settings: Settings, told: Told) -> Row | Skip:
    if settings.conversion_action is None:
        return Skip("no conversion action for clicks is set")
    click = first_real(told.call.click_ids, CLICKS) or _earlier(told)
    if click is None:
        if told.visit is None:
            return NOBODYS
        return Skip("the visit came by no click on a Google ad: its address had no gclid, gbraid or wbraid")
    visit = visit_of(settings, told)
    if isinstance(visit, Skip):
        return visit
    value = value_of(settings, told)
    if isinstance(value, Skip):
        return value
    if old := too_old(told):
        return old
    kept = _kept(settings, value, told, settings.conversion_action, via="click")
    if settings.clicks_by == "data_manager":
        return Row(google_data_manager.event(told, click, value), kept)
    row = {
        click[0]: click[1],
        "conversionAction": _action(settings, settings.conversion_action),
        "conversionDateTime": _time(told.at_ms),
        **_worth(value),
        "orderId": told.call.id,
        "consent": {"adUserData": "GRANTED"},
    }
    return Row(row, kept)


def _earlier(told: Told) -> tuple[str, str] | None:
    """The last click of an earlier visit, as Google's own tag keeps it on the page: of 90 days before the call."""
    cookie = told.visit.ids.get(COOKIE) if told.visit else None
    found = _COOKIE.fullmatch(cookie) if isinstance(cookie, str) else None
    if found is None or not 0 <= told.at_ms - int(found[1]) * 1000 <= CLICK_DAYS * DAY_MS:
        return None
    return first_real({"gclid": found[2]}, CLICKS)


def _call(settings: Settings, told: Told) -> Row | Skip:
    if settings.call_conversion_action is None:
        return Skip(
            "the call came by a static number, which no click leads to, and no conversion action for calls is set"
        )
    if (told.call.source or "").lower() != "google":
        return Skip("the number is not of the source google, so no Google ad showed it")
    caller = caller_of(told)
    if isinstance(caller, Skip):
        return caller
    value = value_of(settings, told)
    if isinstance(value, Skip):
        return value
    row = {
        "callerId": caller,
        "callStartDateTime": _time(told.at_ms),
        "conversionAction": _action(settings, settings.call_conversion_action),
        "conversionDateTime": _time(told.at_ms),
        **_worth(value),
    }
    if settings.callers_consent == "granted":
        row["consent"] = {"adUserData": "GRANTED"}
    return Row(row, _kept(settings, value, told, settings.call_conversion_action, via="call"))


def _change(settings: Settings, told: Told, outgoing: Outgoing) -> Row | Skip:
    former = outgoing.former or {}
    if former.get("via") == "call":
        return Skip("Google takes no changes of call conversions")
    if former.get("tried"):
        return Skip("the conversion was only tried out, and not recorded")
    change = change_of(settings, told, former)
    if isinstance(change, Skip):
        return change
    # Of two changes the later time counts; the message's own stays the same over retries.
    at_ms = max(outgoing.message.at_ms, told.at_ms + 1000, _whole(former.get("changed_ms")) + 1000)
    action = former.get("action")
    if not isinstance(action, str):
        return Skip("it is not known any more by which conversion action it was sent")
    row: dict[str, Any] = {
        "orderId": told.call.id,
        "conversionAction": _action(settings, action),
        "adjustmentDateTime": _time(at_ms),
        "adjustmentType": "RETRACTION" if isinstance(change, Retract) else "RESTATEMENT",
    }
    value: Value | None = None
    if isinstance(change, Restate):
        value = change.value
        row["restatementValue"] = {"adjustedValue": float(value.amount), "currencyCode": value.currency}
    kept = _kept(settings, value, told, action, via="click") | {"changed_ms": at_ms}
    return Row(row, kept | {"retracted": True} if isinstance(change, Retract) else kept)


def _request(endpoint: Endpoint, batch: Sequence[Outgoing], now_ms: int, token: str | None) -> Request:
    settings: Settings = endpoint.settings
    (group,) = {_group(outgoing) for outgoing in batch}
    rows = {outgoing.delivery: sendable(_row(settings, outgoing)) for outgoing in batch}
    told = [row.row for row in rows.values()]
    # A test shows whether Google takes it; a conversion of it would be one that never was.
    validate_only = settings.validate_only or any(outgoing.message.type == "test" for outgoing in batch)
    headers = {"authorization": f"Bearer {token or ''}", "content-type": "application/json"}
    if _by_data_manager(settings, batch):
        url = f"{settings.data_manager_url}/v1/events:ingest"
        body = google_data_manager.body(
            told,
            settings.customer_id,
            settings.login_customer_id,
            settings.conversion_action or "",
            validate_only=validate_only,
        )
    else:
        method, name = _LISTS[group]
        url = f"{settings.base_url}/{settings.api_version}/customers/{settings.customer_id}:{method}"
        body = {name: told, "partialFailure": True, "validateOnly": validate_only}
        if endpoint.secrets.developer_token:
            headers["developer-token"] = endpoint.secrets.developer_token
        if settings.login_customer_id:
            headers["login-customer-id"] = settings.login_customer_id
    kept = {delivery: row.kept for delivery, row in rows.items()}
    return Request(url=url, headers=headers, body=msgspec.json.encode(body), kept=kept)


def _by_data_manager(settings: Settings, batch: Sequence[Outgoing]) -> bool:
    return settings.clicks_by == "data_manager" and _group(batch[0]) == "clicks"


def _results(endpoint: Endpoint, batch: Sequence[Outgoing], answer: Answer) -> list[Result]:
    if _by_data_manager(endpoint.settings, batch):
        return google_data_manager.results(batch, answer)
    return google_ads_answer.results(batch, answer)


def _grant(endpoint: Endpoint) -> Grant:
    form = {
        "grant_type": "refresh_token",
        "client_id": endpoint.settings.client_id,
        "client_secret": endpoint.secrets.client_secret,
        "refresh_token": endpoint.secrets.refresh_token,
    }
    return Grant(endpoint.settings.token_url, form)


def _whole(kept: object) -> int:
    return kept if isinstance(kept, int) and 0 <= kept < 10**13 else 0


def _action(settings: Settings, wanted: str) -> str:
    return f"customers/{settings.customer_id}/conversionActions/{wanted}"


def _worth(value: Value | None) -> dict[str, Any]:
    return {"conversionValue": float(value.amount), "currencyCode": value.currency} if value else {}


def _kept(settings: Settings, value: Value | None, told: Told, action: str, *, via: str) -> dict[str, Any]:
    return kept_of(settings, value, told, via=via, action=action, tried=settings.validate_only)


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S+00:00")


KIND = Kind(
    name="google_ads",
    label="Google Ads",
    settings=Settings,
    secrets=Secrets,
    converts=True,
    adjusts=True,
    batch=200,
    group=_group,
    check=_check,
    request=_request,
    results=_results,
    grant=_grant,
    proven=(
        "Every request is read by Google's own packages in the tests, and the codes of answers are those of their "
        "enums (Google Ads API version 26, Data Manager API version 1). It was never tried against the live service. "
        "Google takes click conversions by the Google Ads API only of who sent some by it between December 2025 and "
        "May 2026; Data Manager takes those of everybody, but says only later, in its diagnostics, which found a click."
    ),
)
