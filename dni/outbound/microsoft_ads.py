"""Microsoft Advertising is told of calls as offline conversions, by the click that led to them. Pure.

The REST form of the Campaign Management API, version 13, as documented until November 2026:

- ApplyOfflineConversions and ApplyOfflineConversionAdjustments, with the objects OfflineConversion,
  OfflineConversionAdjustment and BatchError:
  https://learn.microsoft.com/advertising/campaign-management-service/applyofflineconversions?view=bingads-13
- Codes of errors, 5600 to 5627 of offline conversions:
  https://learn.microsoft.com/advertising/guides/operation-error-codes?view=bingads-13
- Tokens: https://learn.microsoft.com/advertising/guides/authentication-oauth-get-tokens?view=bingads-13, which are
  renewed by https://learn.microsoft.com/entra/identity-platform/refresh-tokens

A conversion is known by click id, time and goal: the same again is ignored. Its time lies in the last 90 days, in UTC.
A goal takes conversions two hours after it was made. There is no field for consent: only visits with consent are sent.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from dni.clock import rfc3339
from dni.outbound.answered import answered
from dni.outbound.click import CLICK_DAYS, DAY_MS, first_real
from dni.outbound.conversion import (
    ADDRESS,
    NOBODYS,
    Restate,
    Row,
    Told,
    Value,
    Valued,
    change_of,
    kept_of,
    read,
    sendable,
    too_old,
    value_of,
    visit_of,
)
from dni.outbound.model import Answer, Endpoint, Grant, Kind, Outgoing, Request, Result, Skip, plain_result

TWO_HOURS_MS = 2 * 3_600_000

GOAL_TOO_NEW = 5615
# Of Microsoft itself: an unknown error, too many calls, and what it could not pass on inside.
PASSING = frozenset({0, 117, 5612})
# Our clock is ahead of theirs.
AHEAD = frozenset({5614, 5622})
# Somebody has to put the account or our settings right: the goal's name, or that the account may not do it.
MENDABLE = frozenset({5606, 5613})

_DIGITS = msgspec.Meta(pattern=r"^[0-9]{1,20}\Z")


class Settings(Valued, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Beside those of every platform:

    customer_id      of the manager account (customer)
    account_id       of the ad account
    conversion_name  of the offline conversion goal, letter by letter
    client_id        of the application that was registered at Microsoft
    base_url, token_url  where Microsoft's service is
    """

    customer_id: Annotated[
        str, _DIGITS, msgspec.Meta(title="Customer id", description="cid in the address of Microsoft Advertising")
    ]
    account_id: Annotated[
        str, _DIGITS, msgspec.Meta(title="Account id", description="aid in the address of Microsoft Advertising")
    ]
    conversion_name: Annotated[
        str,
        msgspec.Meta(
            min_length=1, max_length=100, title="Conversion goal", description="Name of an offline conversion goal"
        ),
    ]
    client_id: Annotated[
        str,
        msgspec.Meta(pattern=r"^[!-~]{1,200}\Z", title="Application id", description="Of the registered application"),
    ]
    base_url: Annotated[str, ADDRESS, msgspec.Meta(title="Address of the API")] = (
        "https://campaign.api.bingads.microsoft.com/CampaignManagement/v13"
    )
    token_url: Annotated[str, ADDRESS, msgspec.Meta(title="Address for tokens")] = (
        "https://login.microsoftonline.com/common/oauth2/v2.0/token"  # noqa: S105
    )


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    developer_token  of the account
    refresh_token    of a user of the account, for the scopes msads.manage and offline_access
    client_secret    null: the application is a native one, which has none
    """

    developer_token: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,100}\Z", title="Developer token")]
    refresh_token: Annotated[
        str,
        msgspec.Meta(pattern=r"^[!-~]{1,5000}\Z", title="Refresh token", description="For the scope msads.manage"),
    ]
    client_secret: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[!-~]{1,200}\Z", title="Client secret", description="Empty for a native application"
            ),
        ]
        | None
    ) = None


def _group(outgoing: Outgoing) -> str:
    return "changes" if outgoing.action == "adjust" else "conversions"


def _check(endpoint: Endpoint, outgoing: Outgoing, now_ms: int) -> Skip | None:
    row = _row(endpoint.settings, outgoing)
    if isinstance(row, Skip):
        return row
    told = read(outgoing)
    if isinstance(told, Told) and now_ms - told.at_ms > CLICK_DAYS * DAY_MS:
        return Skip(f"the call is more than {CLICK_DAYS} days old, and Microsoft takes nothing older")
    return None


def _row(settings: Settings, outgoing: Outgoing) -> Row | Skip:
    told = read(outgoing)
    if isinstance(told, Skip):
        return told
    return _change(settings, told, outgoing) if outgoing.action == "adjust" else _conversion(settings, told)


def _conversion(settings: Settings, told: Told) -> Row | Skip:
    click = first_real(told.call.click_ids, ("msclkid",))
    if click is None:
        if told.visit is None:
            return NOBODYS
        return Skip("the visit came by no click on a Microsoft ad: its address had no msclkid")
    visit = visit_of(settings, told)
    if isinstance(visit, Skip):
        return visit
    value = value_of(settings, told)
    if isinstance(value, Skip):
        return value
    if old := too_old(told):
        return old
    key = {
        "MicrosoftClickId": click[1],
        "ConversionName": settings.conversion_name,
        "ConversionTime": _time(told.at_ms),
    }
    worth = {"ConversionValue": float(value.amount), "ConversionCurrencyCode": value.currency} if value else {}
    return Row(key | worth, kept_of(settings, value, told, key=key))


def _change(settings: Settings, told: Told, outgoing: Outgoing) -> Row | Skip:
    former = outgoing.former or {}
    key = former.get("key")
    if not isinstance(key, dict) or set(key) != {"MicrosoftClickId", "ConversionName", "ConversionTime"}:
        return Skip("it is not known any more by which click and goal the conversion was sent")
    change = change_of(settings, told, former)
    if isinstance(change, Skip):
        return change
    row = key | {"AdjustmentTime": _time(max(outgoing.message.at_ms, told.at_ms))}
    if isinstance(change, Restate):
        value: Value = change.value
        worth = {"AdjustmentValue": float(value.amount), "AdjustmentCurrencyCode": value.currency}
        return Row(row | {"AdjustmentType": "Restate"} | worth, kept_of(settings, value, told, key=key))
    return Row(row | {"AdjustmentType": "Retract"}, kept_of(settings, None, told, key=key, retracted=True))


def _time(ms: int) -> str:
    return rfc3339(ms).removesuffix("+00:00") + "Z"


def _request(endpoint: Endpoint, batch: Sequence[Outgoing], now_ms: int, token: str | None) -> Request:
    settings, secrets = endpoint.settings, endpoint.secrets
    (group,) = {_group(outgoing) for outgoing in batch}
    rows = {outgoing.delivery: sendable(_row(settings, outgoing)) for outgoing in batch}
    name = "OfflineConversionAdjustments" if group == "changes" else "OfflineConversions"
    return Request(
        url=f"{settings.base_url}/{name}/Apply",
        headers={
            "authorization": f"Bearer {token or ''}",
            "content-type": "application/json",
            "customeraccountid": settings.account_id,
            "customerid": settings.customer_id,
            "developertoken": secrets.developer_token,
        },
        body=msgspec.json.encode({name: [row.row for row in rows.values()]}),
        kept={delivery: row.kept for delivery, row in rows.items()},
    )


class _Error(msgspec.Struct, rename="pascal"):
    code: int | None = None
    error_code: str | None = None
    message: str | None = None
    details: str | None = None
    detail: str | None = None
    index: int | None = None


class _Body(msgspec.Struct, rename="pascal"):
    """`partial_errors`: of an answer that is 200. Else `batch_errors` are of rows, and the others of the request."""

    partial_errors: list[_Error | None] | None = None
    batch_errors: list[_Error | None] | None = None
    operation_errors: list[_Error | None] | None = None
    errors: list[_Error | None] | None = None


def _results(_endpoint: Endpoint, batch: Sequence[Outgoing], answer: Answer) -> list[Result]:
    plain = plain_result(answer)
    if answer.status is None or 300 <= answer.status < 400:
        return [plain] * len(batch)
    body = answered(answer.body, _Body)
    if body is None:
        return [Result("again", f"it answered {answer.status}, but not as Microsoft does", plain.after_ms)] * len(batch)
    if plain.state == "delivered":
        return _of_rows(body.partial_errors, len(batch), Result("delivered"))
    if body.batch_errors:
        beside = Result("again", "another conversion in the same request was refused", failed=False)
        return _of_rows(body.batch_errors, len(batch), beside)
    words = "; ".join(_words(one) for one in (body.errors or []) + (body.operation_errors or []) if one)
    why = f"it answered {answer.status}: {words or 'it did not say why'}"[:1_000]
    return [Result("again", why, plain.after_ms)] * len(batch)


def _of_rows(errors: list[_Error | None] | None, rows: int, otherwise: Result) -> list[Result]:
    """What names no row is of all: Microsoft does not say which were taken, and takes none twice."""
    known = [error for error in errors or [] if error is not None]
    by_row = {error.index: _judged(error) for error in reversed(known) if error.index in range(rows)}
    loose = next((_judged(error) for error in known if error.index not in range(rows)), None)
    return [by_row.get(index, loose or otherwise) for index in range(rows)]


def _judged(error: _Error) -> Result:
    why = _words(error)
    if error.code == GOAL_TOO_NEW:
        return Result("again", why, TWO_HOURS_MS, failed=False)
    if error.code in PASSING or error.code in AHEAD:
        return Result("again", why, failed=False)
    # Codes below 1,000 are of who may do what, not of the conversion.
    if error.code is None or error.code in MENDABLE or error.code < 1_000:
        return Result("again", why)
    return Result("dead", why, failed=False)


def _words(error: _Error) -> str:
    parts = [error.error_code, error.message, error.details or error.detail]
    return ": ".join(part for part in parts if part)[:500] or "it did not say why"


def _grant(endpoint: Endpoint) -> Grant:
    secrets = endpoint.secrets
    form = {
        "grant_type": "refresh_token",
        "client_id": endpoint.settings.client_id,
        "refresh_token": secrets.refresh_token,
        "scope": "https://ads.microsoft.com/msads.manage offline_access",
    }
    if secrets.client_secret:
        form["client_secret"] = secrets.client_secret
    return Grant(endpoint.settings.token_url, form, renews="refresh_token")


KIND = Kind(
    name="microsoft_ads",
    label="Microsoft Advertising",
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
        "Requests hold the fields of Microsoft's documented objects, and codes of answers are those of its list of "
        "errors; Microsoft publishes no package that reads the REST form, so nobody else read them. It was never tried "
        "against the live service."
    ),
)
