"""Columns of calls' rows are what a check looks at in each row's facts."""

from datetime import date
from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dni.qualification.columns import CallColumns, Place
from dni.qualification.facts_of import COLUMNS, facts_of
from dni.qualification.model import Policy, Side, Terms
from dni.qualification.quick import SOLD, Quick

_WORDS = (
    *(
        "talk > 5",
        "duration > 5",
        "answered",
        "status = busy",
        "region = CA",
        "country = US",
        "phone = voip",
        "key = 1",
    ),
    *("source = a", "medium = a", "channel = a", "campaign = a", "keyword = a", "content = a", "publisher = pub_1"),
    *("destination = +14155550100", "custom(plan) = a", "param(sub1) = a", "confidence > 5%", "sale", "value > 5"),
    *("lead = a", "day = Mo", "hour = 5", 'during("Mo-Fr 09:00-17:00")'),
)
_TERMS = Terms(payout=Side(base=Policy(name="p", when=" and ".join(_WORDS), percent=5)), min_confidence=0)
_PLACES = st.builds(
    Place,
    timezone=st.sampled_from(("UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca")),
    holidays=st.sampled_from((frozenset[date](), frozenset({date(2026, 11, 26), date(2026, 12, 25)}))),
    currency=st.sampled_from(("USD", "JPY")),
)
_TEXTS = st.none() | st.sampled_from(("a", "b", ""))


def _rows() -> st.SearchStrategy[dict[str, Any]]:
    outcomes = st.fixed_dictionaries(
        {
            "sale": st.sampled_from((None, True, False)),
            "value": st.none() | st.just({"amount": 500, "currency": "USD"}),
            "lead_status": _TEXTS,
        }
    )
    known: dict[str, Any] = {
        "id": st.just("call_1"),
        "status": st.sampled_from(("completed", "rejected", "busy")),
        "started_at_ms": st.integers(1_700_000_000_000, 1_900_000_000_000),
        "answered_at_ms": st.none() | st.integers(1, 9),
        "talk_s": st.none() | st.integers(0, 9),
        "duration_s": st.none() | st.integers(0, 9),
        "caller": st.none() | st.sampled_from(("+14155550100", "+442079460000", "+18005550100", "+16475550100")),
        "keys": st.none() | st.sampled_from(("1", "2")),
        "params": st.none() | st.dictionaries(st.just("sub1"), st.sampled_from(("a", 5))),
        "custom": st.none() | st.dictionaries(st.just("plan"), st.sampled_from(("a", 5, True, None))),
        "method": st.none() | st.sampled_from(("static", "current")),
        "confidence": st.none() | st.floats(0, 1),
        "outcome": st.none() | outcomes,
    }
    return st.fixed_dictionaries({name: known.get(name, _TEXTS) for name in (*COLUMNS, "custom")})


@given(_PLACES, st.lists(st.lists(_rows(), min_size=1, max_size=4), min_size=1, max_size=3))
def test_a_column_is_what_is_looked_at(place: Place, batches: list[list[dict[str, Any]]]) -> None:
    quick = Quick(_TERMS)
    columns = CallColumns(quick, place)
    assert len(quick.looks) == len(_WORDS) - 2, "day, hour and during look at the same"
    for rows in batches:
        as_text = [
            {
                name: msgspec.json.encode(value).decode() if isinstance(value, dict) else value
                for name, value in row.items()
            }
            for row in rows
        ]
        found = columns.of({name: [row[name] for row in as_text] for name in columns.needed}, len(rows))
        for place_of, row in enumerate(rows):
            facts = facts_of(row, **msgspec.structs.asdict(place), custom=row["custom"])
            for about, look in quick.looks.items():
                column, expected = found[about], look(facts)
                told = column.values[column.codes[place_of]]
                if about == "moment":
                    assert f"{told.local:%a %H:%M}" == f"{expected.local:%a %H:%M}"
                    assert (told.local.date() in told.holidays) == (expected.local.date() in expected.holidays)
                else:
                    assert told == expected, about
            column = found[SOLD]
            assert column.values[column.codes[place_of]] == (facts.sale, facts.value)
            assert column.codes.dtype == np.int32
