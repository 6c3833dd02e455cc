"""Random conditions, for properties that hold of all of them."""

from decimal import Decimal

from hypothesis import strategies as st

from dni.attribution.area_codes import REGIONS
from dni.qualification.expression import ALWAYS, Expression, Not, Test, all_of, either_of
from dni.qualification.words import EQUAL, ORDERED
from dni.routing.hours import DAYS

COMPARED, LISTED = st.sampled_from((*EQUAL, *ORDERED)), st.sampled_from(("in", "not in"))
PATTERNS = st.sampled_from(
    ("google", "Bing", "", "*", "*oo*", "go*e", "and", "a b", "1\\*", "\\\\", "naïve", '"', "'", "x-1")
)
PLACES = st.sampled_from(sorted(REGIONS)).flatmap(lambda region: st.sampled_from((region, region[3:])))
_TEXTS = ("source", "medium", "channel", "campaign", "keyword", "content", "lead")
HOURS = ("Mo-Fr 09:00-17:00", "Sa,Su 22:00-06:00; PH off", "24/7", "PH 10:00-12:00")

_Values = st.SearchStrategy[str] | st.SearchStrategy[int] | st.SearchStrategy[Decimal]


def _listed(word: str, values: "_Values", name: str = "") -> "st.SearchStrategy[Test]":
    one = st.builds(lambda operator, value: Test(word, operator, (value,), name), st.sampled_from(EQUAL), values)
    some = st.lists(values, min_size=1, max_size=3, unique=True)
    return one | st.builds(lambda operator, found: Test(word, operator, tuple(found), name), LISTED, some)


def _compared(word: str, values: "_Values") -> "st.SearchStrategy[Test]":
    return st.builds(lambda operator, value: Test(word, operator, (value,)), COMPARED, values)


def single() -> "st.SearchStrategy[Test]":
    """One term."""
    return st.one_of(
        _compared("talk", st.integers(0, 200)),
        _compared("duration", st.integers(0, 400)),
        st.sampled_from((Test("answered"), Test("sale"))),
        st.integers(1, 200).map(lambda hours: Test("repeat", values=(hours * 3_600,))),
        _listed("status", st.sampled_from(("completed", "no_answer", "voicemail"))),
        _listed("region", PLACES),
        _listed("country", st.sampled_from(("US", "CA", "GB"))),
        _listed("phone", st.sampled_from(("mobile", "landline"))),
        _listed("key", st.sampled_from(("1", "2", "12", "*", "#"))),
        *(_listed(word, PATTERNS) for word in _TEXTS),
        _listed("publisher", st.sampled_from(("pub_1", "pub_2"))),
        _listed("destination", st.sampled_from(("+14155550100", "+14155550101"))),
        *(_listed("custom", PATTERNS, name) for name in ("plan", "a b", "or")),
        _listed("param", PATTERNS, "sub1"),
        _compared("confidence", st.decimals(0, 100, places=1)),
        _compared("value", st.decimals(0, 200, places=2)),
        st.sampled_from((Test("during", name="business"), *(Test("during", values=(text,)) for text in HOURS))),
        _listed("day", st.sampled_from(DAYS)),
        _compared("hour", st.integers(0, 23)) | _listed("hour", st.integers(0, 23)),
    )


def expressions() -> "st.SearchStrategy[Expression]":
    """Conditions in their plain form; of named hours they know `business`."""

    def wider(inner: "st.SearchStrategy[Expression]") -> "st.SearchStrategy[Expression]":
        some = st.lists(inner, min_size=1, max_size=4)
        return inner.map(Not) | some.map(lambda parts: all_of(*parts)) | some.map(lambda parts: either_of(*parts))

    return st.just(ALWAYS) | st.recursive(single(), wider, max_leaves=12)
