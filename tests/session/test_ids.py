"""Ids of other systems from a page's cookies."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.session.ids import read

GA = "123456789.1700000000"

CASES: list[tuple[str, dict[str, Any] | None, dict[str, Any]]] = [
    ("nothing", None, {}),
    ("the client", {"_ga": f"GA1.1.{GA}"}, {"ga": GA}),
    ("of a subdomain", {"_ga": f"GA1.3.{GA}"}, {"ga": GA}),
    ("of a path", {"_ga": f"GA1.2-2.{GA}"}, {"ga": GA}),
    ("the page told the client itself", {"ga": "9.9", "_ga": f"GA1.2.{GA}"}, {"ga": "9.9"}),
    ("a session", {"_ga_X1": "GS1.1.1700000000.5.1.1700000100.0.0.0"}, {"ga_session": "1700000000"}),
    ("a session and no counts", {"_ga_X1": "GS1.2.1700000000"}, {"ga_session": "1700000000"}),
    ("the newer form", {"_ga_X1": "GS2.1.s1700000000$o5$g1$t1700000100$j60$l0$h0"}, {"ga_session": "1700000000"}),
    ("its fields in another order", {"_ga_X1": "GS2.1.o5$g1$s1700000000$t9"}, {"ga_session": "1700000000"}),
    ("encoded", {"_ga_X1": "GS2.1.s1700000000%24o5%24g1"}, {"ga_session": "1700000000"}),
    (
        "the latest session of several streams",
        {"_ga_X1": "GS1.1.1700000000.1", "_ga_X2": "GS2.1.s1700000009$o1", "_ga_X3": "GS1.1.999.1"},
        {"ga_session": "1700000009"},
    ),
    ("the page told the session itself", {"_ga_X1": "GS1.1.1700000000.5", "ga_session": "7"}, {"ga_session": "7"}),
    (
        "others stay",
        {"_fbp": "fb.1.1.2", "_fbc": "fb.1.2.IwAR", "_gcl_aw": "GCL.17.x", "_gid": "GA1.1.5.6", "crm": 7, "vip": True},
        {"_fbp": "fb.1.1.2", "_fbc": "fb.1.2.IwAR", "_gcl_aw": "GCL.17.x", "_gid": "GA1.1.5.6", "crm": 7, "vip": True},
    ),
    ("what cannot be read stays", {"_ga": "GA9", "_ga_X1": "GS3.1.5"}, {"_ga": "GA9", "_ga_X1": "GS3.1.5"}),
    ("no text", {"_ga": 5, "_ga_X1": None}, {"_ga": 5, "_ga_X1": None}),
    ("other digits", {"_ga": "GA1.1.١٢٣.١٢٣"}, {"_ga": "GA1.1.١٢٣.١٢٣"}),
    ("more behind it", {"_ga": f"GA1.1.{GA}.<script>"}, {"_ga": f"GA1.1.{GA}.<script>"}),
]


@pytest.mark.parametrize(("told", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_ids_of_cookies(told: dict[str, Any] | None, expected: dict[str, Any]) -> None:
    assert read(told) == expected


names = st.sampled_from(["_ga", "_ga_X", "ga", "ga_session", "_fbp"]) | st.text(max_size=64)
cookies = st.from_regex(r"(GA1|GS1|GS2)\.[0-9$.s%o-]{0,200}") | st.text(max_size=256) | st.integers() | st.none()


@given(st.dictionaries(names, cookies, max_size=20))
def test_whatever_a_page_tells_nothing_raises_and_again_changes_nothing(told: dict[str, Any]) -> None:
    found = read(told)
    assert read(found) == found
    assert len(found) <= len(told)
