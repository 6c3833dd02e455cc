"""Google Ads by its API: calls as click or call conversions, and what changed of them. Pure.

As documented in November 2026 for version 26:

- https://developers.google.com/google-ads/api/reference/rpc/v26/ClickConversion, CallConversion, ConversionAdjustment
- Partial failures: https://developers.google.com/google-ads/api/docs/best-practices/partial-failures
- Headers: https://developers.google.com/google-ads/api/rest/auth. The developer token is optional and ignored since
  9 September 2026: https://developers.google.com/google-ads/api/docs/api-policy/developer-token
- Click conversions are taken only of who uploaded some between December 2025 and May 2026; others get
  CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE and go by the Data Manager API:
  https://developers.google.com/ads/blog/posts/2026/05/changes-to-offline-click-conversion

A click conversion has one of gclid, gbraid and wbraid. `order_id` is our call's id: Google counts it once however
often it is sent, and knows the conversion by it when its value changes. Of consent only `ad_user_data` may be told
here. A call conversion is known by its caller and its start; changes of it are not taken.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec.structs import force_setattr

from dni.errors import InvalidField
from dni.outbound import google_ads_answer
from dni.outbound.click import DAY_MS, first_real
from dni.outbound.conversion import (
    ADDRESS,
    Restate,
    Retract,
    Told,
    Value,
    Valued,
    caller_of,
    change_of,
    kept_of,
    read,
    too_old,
    value_of,
    visit_of,
)
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
ADJUSTABLE_MS = 54 * DAY_MS
"""Google takes no changes of older conversions (CONVERSION_EXPIRED)."""

_DIGITS = msgspec.Meta(pattern=r"^[0-9]{1,20}\Z")


class Settings(Valued, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    customer_id             of the account whose conversion actions these are, with or without hyphens
    login_customer_id       of the manager account by which it is reached; null: none is needed
    conversion_action       id of an action of the type "import from clicks"; null: no click conversions
    call_conversion_action  id of an action of the type "import from calls", for calls to static numbers of the source
                            google, which an ad shows itself; null: none are sent
    callers_consent         what such callers agreed to, who never saw a page; `unspecified`: nothing is said of it
    validate_only           Google checks what is sent and records nothing
    api_version, base_url, token_url  where Google's service is
    and those of `Valued`
    """

    customer_id: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[0-9-]{8,14}\Z",
            title="Customer id",
            description="Of the Google Ads account, such as 123-456-7890",
        ),
    ]
    login_customer_id: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[0-9-]{8,14}\Z",
                title="Manager account",
                description="Customer id of the manager account, where the account is reached by one",
            ),
        ]
        | None
    ) = None
    conversion_action: (
        Annotated[
            str,
            _DIGITS,
            msgspec.Meta(title="Conversion action for clicks", description="Its id: ctId in the action's address"),
        ]
        | None
    ) = None
    call_conversion_action: (
        Annotated[
            str,
            _DIGITS,
            msgspec.Meta(
                title="Conversion action for calls",
                description="Its id: for static numbers of the source google, which an ad shows itself",
            ),
        ]
        | None
    ) = None
    callers_consent: Annotated[
        Literal["granted", "unspecified"],
        msgspec.Meta(title="Callers' consent", description="What callers of such numbers agreed to"),
    ] = "unspecified"
    client_id: Annotated[
        str,
        msgspec.Meta(
            min_length=1, max_length=200, title="OAuth client id", description="Ends in apps.googleusercontent.com"
        ),
    ]
    validate_only: Annotated[
        bool, msgspec.Meta(title="Only try out", description="Google checks what is sent and records nothing")
    ] = False
    api_version: Annotated[
        str, msgspec.Meta(pattern=r"^v[0-9]{1,3}\Z", title="API version", description="Google ends each after a year")
    ] = "v26"
    base_url: Annotated[str, ADDRESS, msgspec.Meta(title="Address of the API")] = "https://googleads.googleapis.com"
    token_url: Annotated[str, ADDRESS, msgspec.Meta(title="Address for tokens")] = "https://oauth2.googleapis.com/token"  # noqa: S105

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.conversion_action is None and self.call_conversion_action is None:
            raise InvalidField("/settings/conversion_action", "a conversion action is needed, for clicks or for calls")
        force_setattr(self, "customer_id", self.customer_id.replace("-", ""))
        force_setattr(self, "login_customer_id", (self.login_customer_id or "").replace("-", "") or None)


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    client_secret    of the OAuth client
    refresh_token    of a user of the account, for the scope https://www.googleapis.com/auth/adwords
    developer_token  null: none; the API ignores it since September 2026
    """

    client_secret: Annotated[str, msgspec.Meta(min_length=1, max_length=200, title="OAuth client secret")]
    refresh_token: Annotated[
        str, msgspec.Meta(min_length=1, max_length=2_000, title="Refresh token", description="For the scope adwords")
    ]
    developer_token: (
        Annotated[
            str, msgspec.Meta(max_length=100, title="Developer token", description="Not needed since September 2026")
        ]
        | None
    ) = None


class _Row(msgspec.Struct, frozen=True):
    """Of one message: as Google is told of it, and what a later change must know."""

    row: dict[str, Any]
    kept: dict[str, Any]


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


def _row(settings: Settings, outgoing: Outgoing) -> _Row | Skip:
    told = read(outgoing)
    if isinstance(told, Skip):
        return told
    group = _group(outgoing)
    if group == "changes":
        return _change(settings, told, outgoing)
    return _call(settings, told) if group == "calls" else _click(settings, told)


def _click(settings: Settings, told: Told) -> _Row | Skip:
    if settings.conversion_action is None:
        return Skip("no conversion action for clicks is set")
    click = first_real(told.call.click_ids, CLICKS)
    if click is None:
        return Skip("the visit came by no click on a Google ad: its address had no gclid, gbraid or wbraid")
    visit = visit_of(settings, told)
    if isinstance(visit, Skip):
        return visit
    value = value_of(settings, told)
    if isinstance(value, Skip):
        return value
    if old := too_old(told):
        return old
    row = {
        click[0]: click[1],
        "conversionAction": _action(settings, settings.conversion_action),
        "conversionDateTime": _time(told.at_ms),
        **_worth(value),
        "orderId": told.call.id,
        "consent": {"adUserData": "GRANTED"},
    }
    return _Row(row, _kept(settings, value, told, settings.conversion_action, via="click"))


def _call(settings: Settings, told: Told) -> _Row | Skip:
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
    return _Row(row, _kept(settings, value, told, settings.call_conversion_action, via="call"))


def _change(settings: Settings, told: Told, outgoing: Outgoing) -> _Row | Skip:
    former = outgoing.former or {}
    if former.get("via") != "click":
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
    return _Row(row, kept | {"retracted": True} if isinstance(change, Retract) else kept)


def _request(endpoint: Endpoint, batch: Sequence[Outgoing], now_ms: int, token: str | None) -> Request:
    settings, secrets = endpoint.settings, endpoint.secrets
    method, name = _LISTS[_group(batch[0])]
    rows = {outgoing.delivery: _sendable(_row(settings, outgoing)) for outgoing in batch}
    headers = {"authorization": f"Bearer {token or ''}", "content-type": "application/json"}
    if secrets.developer_token:
        headers["developer-token"] = secrets.developer_token
    if settings.login_customer_id:
        headers["login-customer-id"] = settings.login_customer_id
    body = {name: [row.row for row in rows.values()], "partialFailure": True, "validateOnly": settings.validate_only}
    return Request(
        url=f"{settings.base_url}/{settings.api_version}/customers/{settings.customer_id}:{method}",
        headers=headers,
        body=msgspec.json.encode(body),
        kept={delivery: row.kept for delivery, row in rows.items()},
    )


def _results(_endpoint: Endpoint, batch: Sequence[Outgoing], answer: Answer) -> list[Result]:
    return google_ads_answer.results(batch, answer)


def _grant(endpoint: Endpoint) -> Grant:
    form = {
        "grant_type": "refresh_token",
        "client_id": endpoint.settings.client_id,
        "client_secret": endpoint.secrets.client_secret,
        "refresh_token": endpoint.secrets.refresh_token,
    }
    return Grant(endpoint.settings.token_url, form)


def _sendable(row: _Row | Skip) -> _Row:
    if isinstance(row, Skip):
        raise ValueError(f"what `check` refuses is not sent: {row.why}")
    return row


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
        "Every request is read by Google's own package google-ads (version 26 of the API) in the tests, and the codes "
        "of answers are those of its enums. It was never tried against the live service. Since 15 June 2026 Google "
        "takes click conversions by this API only of developers who sent some between December 2025 and May 2026: "
        "all others use Google Data Manager."
    ),
)
