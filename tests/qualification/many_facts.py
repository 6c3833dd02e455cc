"""Random facts of calls, for properties that hold of all of them."""

from datetime import date, timedelta

from hypothesis import strategies as st

from dni.attribution.area_codes import REGIONS
from dni.qualification.model import Facts

BEGAN_MS = 1_795_000_000_000
_HOUR_MS = 3_600_000
_TEXTS = st.sampled_from(("google", "bing", "Google", "", "a b", "1*", "10", "x-1", "naïve", "and"))
_TOUCH = ("source", "medium", "channel", "campaign_name", "keyword", "content")
_ZONES = ("UTC", "America/New_York", "Australia/Lord_Howe")
_HOLIDAYS = frozenset(date(2026, 11, 18) + timedelta(days=3 * n) for n in range(10))


def _or_none(strategy: "st.SearchStrategy[str]") -> "st.SearchStrategy[str | None]":
    return st.none() | strategy


def facts(
    timezone: str | None = None, holidays: frozenset[date] | None = None, currency: str | None = None
) -> "st.SearchStrategy[Facts]":
    """What is given is the same in all of them."""
    began = st.integers(BEGAN_MS, BEGAN_MS + 30 * 24 * _HOUR_MS)
    fields = st.dictionaries(st.sampled_from(("plan", "a b", "or")), _TEXTS, max_size=2)
    return began.flatmap(
        lambda began_ms: st.builds(
            Facts,
            began_ms=st.just(began_ms),
            timezone=st.sampled_from(_ZONES) if timezone is None else st.just(timezone),
            holidays=st.sampled_from((frozenset[date](), _HOLIDAYS)) if holidays is None else st.just(holidays),
            status=st.sampled_from(("completed", "no_answer", "voicemail", "busy")),
            answered=st.booleans(),
            talk_s=st.integers(0, 200),
            duration_s=st.integers(0, 400),
            region=_or_none(st.sampled_from(sorted(REGIONS))),
            country=_or_none(st.sampled_from(("US", "CA", "GB"))),
            phone_type=_or_none(st.sampled_from(("mobile", "landline"))),
            keys=_or_none(st.text("12*#", min_size=1, max_size=3)),
            **{name: _or_none(_TEXTS) for name in _TOUCH},
            publisher=_or_none(st.sampled_from(("pub_1", "pub_2"))),
            destination=_or_none(st.sampled_from(("+14155550100", "+14155550101"))),
            custom=st.none() | fields,
            params=st.none() | st.dictionaries(st.just("sub1"), _TEXTS),
            confidence=st.none() | st.floats(0, 1) | st.sampled_from((0.8, 0.57)),
            shared_pool=st.booleans(),
            last_ms=st.sampled_from((None, 0)) | st.integers(0, 250 * _HOUR_MS).map(lambda ago: began_ms - ago),
            sale=st.sampled_from((None, False, True)),
            value=st.none() | st.integers(0, 20_000),
            lead_status=_or_none(_TEXTS),
            currency=st.sampled_from(("USD", "JPY", "KWD")) if currency is None else st.just(currency),
        )
    )
