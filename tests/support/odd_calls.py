"""Calls that can be, but for a field that may hold anything, and what may have been kept of them."""

from typing import Any

from hypothesis import strategies as st

from dni.clock import rfc3339
from tests.support.telling import AT_MS, CALL, CAMPAIGN, GCLID, VISIT


def odd_calls() -> st.SearchStrategy[dict[str, Any]]:
    """Fields of a call, and `visit`, `campaign`, `former`: of a kind that can be, but for one that may be anything."""
    sums = st.builds(lambda amount, unit: {"amount": amount, "currency": unit}, _AMOUNTS, st.sampled_from(_UNITS))
    times = st.integers(AT_MS - 200 * 86_400_000, AT_MS + 200 * 86_400_000).map(rfc3339)
    can_be = st.fixed_dictionaries(
        {},
        optional={
            "started_at": times,
            "caller": st.none() | st.from_regex(r"\+[1-9][0-9]{3,16}", fullmatch=True),
            "source": st.sampled_from(["google", "bing", None]),
            "click_ids": st.dictionaries(st.sampled_from(_CLICKS), st.text(max_size=30) | st.just(GCLID)),
            "outcome": st.none() | st.builds(lambda value: {"sale": True, "value": value}, sums),
            "payout": st.none() | sums,
            "revenue": st.none() | sums,
            "qualification": st.none() | st.builds(lambda counts: {"qualified": counts}, st.booleans()),
            "attribution": st.just(CALL["attribution"] | {"method": "static", "confidence": None}),
            "visit": st.none() | st.builds(lambda at: VISIT | {"started_at": at}, times),
            "campaign": st.none() | st.just(CAMPAIGN | {"currency": "EUR"}),
            "former": st.fixed_dictionaries(
                {"via": st.sampled_from(["click", "click", "call"]), "action": st.just("111")},
                optional=dict.fromkeys(_KEPT, _anything()),
            ),
        },
    )
    odd = st.dictionaries(st.sampled_from(_FIELDS), _anything(), max_size=1)
    return st.builds(lambda fields, other: fields | other, can_be, odd)


def _anything() -> st.SearchStrategy[Any]:
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(_TEXTS)
    return st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=3),
        max_leaves=5,
    )


_AMOUNTS = st.integers(-1000, 10**9) | st.integers()
_FIELDS = (
    *("id", "started_at", "caller", "source", "click_ids", "outcome", "payout", "revenue", "qualification"),
    *("attribution", "visit", "campaign", "former"),
)
_NAMES = ("started_at", "consent", "ids", "session", "method", "confidence", "amount", "currency", "qualified", "gclid")
_TEXTS = (GCLID, "USD", "static", "granted", "call_2", "2026-11-30T15:00:00+00:00", "9999-12-31T23:59:59-12:00")
_UNITS = ("USD", "JPY", "KWD", "usd", "XXX")
_CLICKS = ("gclid", "gbraid", "wbraid", "msclkid", "fbclid", "ttclid")
_KEPT = ("value", "currency", "qualified", "retracted", "tried", "by", "changed_ms")
