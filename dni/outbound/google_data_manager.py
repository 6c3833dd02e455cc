"""Click conversions by Google's Data Manager API, the way that Google takes new ones since June 2026. Pure.

As documented in November 2026:

- https://developers.google.com/data-manager/api/devguides/events/google-ads/offline/send-events
- https://developers.google.com/data-manager/api/devguides/events/google-ads/offline/upgrade/field-mappings
- https://developers.google.com/data-manager/api/devguides/concepts/understand-errors: one event that is wrong refuses
  the whole request, and the answer names it. What is taken is looked at later: an event whose click nobody knows is
  no error here, but a figure under Google's diagnostics, by the `requestId` of the answer.

The same `transactionId` counts once. Changes are not taken here; the Google Ads API knows it as the `order_id`.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from dni.clock import rfc3339
from dni.outbound.answered import answered
from dni.outbound.conversion import Told, Value
from dni.outbound.model import Answer, Outgoing, Result, plain_result

# Somebody has to put the account or our settings right; the event is as good as any other.
MENDABLE = frozenset(
    {
        "PERMISSION_DENIED",
        "NOT_FOUND",
        "INVALID_DESTINATION",
        "INVALID_CONVERSION_ACTION_ID",
        "INVALID_CONVERSION_ACTION_TYPE",
        "NOT_ALLOWLISTED",
        "TERMS_AND_CONDITIONS_NOT_SIGNED",
        "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH",
        "INTERNAL_ERROR",
        "DEADLINE_EXCEEDED",
        "RESOURCE_EXHAUSTED",
    }
)
"""Of `google.ads.datamanager.v1.ErrorReason`."""

_EVENT = re.compile(r"events\[(\d{1,5})\]")


def event(told: Told, click: tuple[str, str], value: Value | None) -> dict[str, Any]:
    worth = {"conversionValue": float(value.amount), "currency": value.currency} if value else {}
    return {
        "eventTimestamp": rfc3339(told.at_ms),
        "transactionId": told.call.id,
        "eventSource": "PHONE",
        "adIdentifiers": {click[0]: click[1]},
        **worth,
        "consent": {"adUserData": "CONSENT_GRANTED"},
    }


def body(
    events: Sequence[dict[str, Any]], customer: str, login: str | None, action: str, *, validate_only: bool
) -> dict[str, Any]:
    destination: dict[str, Any] = {"operatingAccount": _account(customer), "productDestinationId": action}
    if login:
        destination["loginAccount"] = _account(login)
    return {"destinations": [destination], "events": list(events), "validateOnly": validate_only}


def _account(customer: str) -> dict[str, str]:
    return {"accountType": "GOOGLE_ADS", "accountId": customer}


class _Violation(msgspec.Struct):
    field: str = ""
    description: str = ""
    reason: str = ""

    @property
    def row(self) -> int | None:
        found = _EVENT.search(self.field)
        return int(found[1]) if found else None


class _Detail(msgspec.Struct, rename="camel"):
    field_violations: list[_Violation] = []


class _Error(msgspec.Struct):
    message: str = ""
    details: list[_Detail] = []


class _Body(msgspec.Struct):
    error: _Error | None = None


def results(batch: Sequence[Outgoing], answer: Answer) -> list[Result]:
    plain = plain_result(answer)
    if answer.status is None or 300 <= answer.status < 400:
        return [plain] * len(batch)
    told = answered(answer.body, _Body)
    if told is None:
        why = f"it answered {answer.status}, but not as Google's Data Manager does"
        return [Result("again", why, plain.after_ms)] * len(batch)
    if plain.state == "delivered":
        return [plain] * len(batch)
    error = told.error or _Error()
    violations = [one for detail in error.details for one in detail.field_violations]
    wrong = {one.row: one for one in reversed(violations) if one.reason not in MENDABLE}
    if answer.status == 400 and any(row in range(len(batch)) for row in wrong):
        beside = Result("again", "another conversion in the same request was refused", failed=False)
        return [
            Result("dead", _words(wrong[row]), failed=False) if row in wrong else beside for row in range(len(batch))
        ]
    words = "; ".join(_words(one) for one in violations) or error.message or "it did not say why"
    return [Result("again", f"it answered {answer.status}: {words}"[:1_000], plain.after_ms)] * len(batch)


def _words(one: _Violation) -> str:
    return ": ".join(part for part in (one.reason, one.field, one.description) if part)[:500] or "it did not say why"
