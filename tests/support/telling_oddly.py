"""Messages with anything in them: what tells of calls must not fail by it."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from dni.outbound.model import Outgoing
from tests.support.telling import CALL, CAMPAIGN

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=300)
_ANYTHING = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
)
_IDS = st.dictionaries(st.sampled_from(["ga", "ga_session", "_fbp", "_fbc", "_ttp", "x"]), _SCALARS)
_CLICKS = st.dictionaries(st.sampled_from(["gclid", "fbclid", "ttclid", "msclkid"]), st.text(max_size=300))


def with_data(told: Outgoing, data: dict[str, Any]) -> Outgoing:
    return msgspec.structs.replace(told, message=msgspec.structs.replace(told.message, data=data))


def odd_texts(visit: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A message's data as there can be one: who made the page, visited it or named a campaign may write anything."""
    text = st.none() | st.text(max_size=300)
    call = dict.fromkeys(("source", "medium", "campaign_name", "keyword", "landing_page", "tracking_number"), text)
    return st.fixed_dictionaries(
        {
            "call": _changed(CALL, caller=st.none(), click_ids=_CLICKS, **call),
            "visit": st.none() | _seen(visit),
            "campaign": _changed(CAMPAIGN, name=st.text(max_size=300)),
            "publisher": st.none() | st.fixed_dictionaries({"id": st.just("pub_1"), "name": st.text(max_size=300)}),
            "change": st.none(),
        }
    )


def odd_data(visit: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A message's data in which a few things are something else, of the right type or not; or nothing is right."""
    call = _broken(_changed(CALL, caller=st.none() | st.text(max_size=70), click_ids=_CLICKS), CALL)
    likely = st.fixed_dictionaries(
        {
            "call": call,
            "visit": st.none() | _broken(_seen(visit), visit),
            "campaign": _broken(st.just(CAMPAIGN), CAMPAIGN),
        }
    )
    return likely | st.dictionaries(st.sampled_from(["call", "visit", "campaign", "publisher", "change"]), _ANYTHING)


def _seen(visit: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return _changed(visit, ids=_IDS, country=st.text(max_size=4), region=st.text(max_size=8), city=st.text())


def _changed(right: dict[str, Any], **probable: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=probable).map(lambda some: right | some)


def _broken(some: st.SearchStrategy[dict[str, Any]], right: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    one = st.dictionaries(st.sampled_from(sorted(right)), _ANYTHING, max_size=1)
    return some | st.builds(lambda good, bad: good | bad, some, one)
