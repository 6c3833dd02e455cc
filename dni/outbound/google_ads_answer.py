"""What Google Ads' API answers, row by row: which conversion is recorded, which comes again, which never can be. Pure.

Errors of rows stand in `partialFailureError.details[].errors[]`, each with a code of an enum, Google's words and the
row's place; an answer that is no 200 has the same under `error`. Names and meanings of the codes are those of
https://developers.google.com/google-ads/api/reference/rpc/v26/ConversionUploadErrorEnum.ConversionUploadError and
ConversionAdjustmentUploadErrorEnum.ConversionAdjustmentUploadError, November 2026.
"""

from collections.abc import Sequence

import msgspec

from dni.outbound.answered import answered
from dni.outbound.model import Answer, Outgoing, Result, plain_result

SIX_HOURS_MS = 6 * 3_600_000

TOO_RECENT = frozenset({"TOO_RECENT_EVENT", "TOO_RECENT_CALL", "TOO_RECENT_CONVERSION_ACTION", "TOO_RECENT_CONVERSION"})
"""Again after six hours, as Google says."""
NOT_FOUND = frozenset({"EVENT_NOT_FOUND", "CALL_NOT_FOUND", "CLICK_NOT_FOUND", "CONVERSION_NOT_FOUND"})
"""It may be known in some hours, or never: looked for again a few times."""
LOOKED_FOR = 4
DONE = frozenset(
    {
        "ORDER_ID_ALREADY_IN_USE",
        "CLICK_CONVERSION_ALREADY_EXISTS",
        "CALL_CONVERSION_ALREADY_EXISTS",
        "CONVERSION_ALREADY_RETRACTED",
        "RESTATEMENT_ALREADY_EXISTS",
        "MORE_RECENT_RESTATEMENT_FOUND",
    }
)
"""It was sent before, and its answer was lost."""
TWICE_IN_REQUEST = frozenset(
    {
        "DUPLICATE_ORDER_ID",
        "DUPLICATE_CLICK_CONVERSION_IN_REQUEST",
        "DUPLICATE_CALL_CONVERSION_IN_REQUEST",
        "DUPLICATE_ADJUSTMENT_IN_REQUEST",
    }
)
"""In a request of its own it is taken."""
MENDABLE = frozenset(
    {
        "NO_CONVERSION_ACTION_FOUND",
        "INVALID_CONVERSION_ACTION_TYPE",
        "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS",
        "UNAUTHORIZED_CUSTOMER",
        "EXTERNAL_ATTRIBUTION_DATA_NOT_SET_FOR_EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION",
        "ORDER_ID_NOT_PERMITTED_FOR_EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION",
    }
)
"""Somebody has to put the account or our settings right."""
# Of whatever kind the request was: Google is busy or broken, or we are not let in.
_PASSING = ("internalError", "databaseError", "quotaError")
_NOT_LET_IN = ("authenticationError", "authorizationError", "notAllowlistedError", "headerError")
_MOVED = (
    "; since June 2026 Google takes click conversions by this API only of who sent some before: "
    "let them go by Data Manager instead"
)


class _Element(msgspec.Struct, rename="camel"):
    field_name: str = ""
    index: int | None = None


class _Location(msgspec.Struct, rename="camel"):
    field_path_elements: list[_Element] = []


class _Error(msgspec.Struct, rename="camel"):
    error_code: dict[str, str] = {}
    message: str = ""
    location: _Location | None = None

    @property
    def row(self) -> int | None:
        """Which conversion it is about; None: not told, so about the request."""
        elements = self.location.field_path_elements if self.location else []
        return next((element.index for element in elements if element.index is not None), None)


class _Detail(msgspec.Struct):
    errors: list[_Error] = []


class _Status(msgspec.Struct):
    message: str = ""
    details: list[_Detail] = []

    @property
    def errors(self) -> list[_Error]:
        return [error for detail in self.details for error in detail.errors]


class _Body(msgspec.Struct, rename="camel"):
    error: _Status | None = None
    partial_failure_error: _Status | None = None
    results: list[dict[str, msgspec.Raw]] = []


def results(batch: Sequence[Outgoing], answer: Answer) -> list[Result]:
    plain = plain_result(answer)
    if answer.status is None or 300 <= answer.status < 400:
        return [plain] * len(batch)
    body = answered(answer.body, _Body)
    if body is None:
        why = f"it answered {answer.status}, but not as Google Ads does"
        return [Result("again", why, plain.after_ms)] * len(batch)
    if plain.state == "delivered":
        return _of_rows(batch, body.partial_failure_error, body.results)
    return _refused(batch, answer.status, body.error or _Status(), plain.after_ms)


def _of_rows(
    batch: Sequence[Outgoing], failure: _Status | None, recorded: list[dict[str, msgspec.Raw]]
) -> list[Result]:
    """A row that has no error, but whose result is empty while something failed, failed too."""
    errors = failure.errors if failure else []
    said = failure.message if failure else ""
    found = []
    for index, outgoing in enumerate(batch):
        own = [_judged(error, outgoing) for error in errors if error.row == index]
        if own:
            found.append(_gravest(own))
        elif failure is not None and not any(error.row in range(len(batch)) for error in errors):
            found.append(Result("again", said or "Google did not say why it failed"))
        elif failure is not None and index < len(recorded) and not recorded[index]:
            found.append(Result("again", said, failed=False))
        else:
            found.append(Result("delivered"))
    return found


def _refused(batch: Sequence[Outgoing], status: int, error: _Status, after_ms: int) -> list[Result]:
    """Nothing of the request was taken. Rows that are named are to blame, else the endpoint is."""
    errors = error.errors
    if status == 400 and any(one.row in range(len(batch)) for one in errors):
        beside = Result("again", "another conversion in the same request was refused", failed=False)
        own = [[_judged(one, outgoing) for one in errors if one.row == index] for index, outgoing in enumerate(batch)]
        return [_gravest(found) if found else beside for found in own]
    words = "; ".join(_words(one) for one in errors) or error.message or "it did not say why"
    return [Result("again", f"it answered {status}: {words}"[:1_000], after_ms)] * len(batch)


def _judged(error: _Error, outgoing: Outgoing) -> Result:
    area, name = next(iter(error.error_code.items()), ("", ""))
    why = _words(error)
    if name in DONE:
        return Result("delivered")
    if name in TOO_RECENT:
        return Result("again", why, SIX_HOURS_MS, failed=False)
    if name in NOT_FOUND and outgoing.attempts < LOOKED_FOR:
        return Result("again", why, SIX_HOURS_MS, failed=False)
    if name in TWICE_IN_REQUEST or area in _PASSING:
        return Result("again", why, failed=False)
    if name in MENDABLE or area in _NOT_LET_IN or not area:
        return Result("again", why)
    return Result("dead", why, failed=False)


def _words(error: _Error) -> str:
    name = next(iter(error.error_code.values()), "")
    text = ": ".join(part for part in (name, error.message) if part) or "it did not say why"
    return text[:500] + (_MOVED if name == "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE" else "")


def _gravest(found: Sequence[Result]) -> Result:
    return max(found, key=lambda one: ("delivered", "again", "dead").index(one.state))
