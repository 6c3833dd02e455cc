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


def odd_data(visit: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A message's data in which a few things are something else, of the right type or not; or nothing is right."""
    call = _changed(CALL, caller=st.none() | st.text(max_size=70), click_ids=_CLICKS)
    seen = _changed(visit, ids=_IDS, country=st.text(max_size=4), region=st.text(max_size=8), city=st.text())
    likely = st.fixed_dictionaries({"call": call, "visit": seen | st.none(), "campaign": _changed(CAMPAIGN)})
    return likely | st.dictionaries(st.sampled_from(["call", "visit", "campaign", "publisher", "change"]), _ANYTHING)


def _changed(right: dict[str, Any], **probable: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    changed = st.fixed_dictionaries({}, optional=probable)
    broken = st.dictionaries(st.sampled_from(sorted(right)), _ANYTHING, max_size=1)
    return st.builds(lambda some, one: right | some | one, changed, broken)
