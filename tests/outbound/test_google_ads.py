"""Google Ads' templates, row by row."""

import csv
import io
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.cells import guarded
from dni.outbound.google_ads import KINDS, Click, Conversion, Wish, click_of, csv_of, told

ZONE = ZoneInfo("America/New_York")
GCLID = "Cj0KCQiA-9wBhDvARIsAAnyVMZ0gk_8wcB"
CLICK = Click("gclid", GCLID)
AT_MS = 1_790_000_000_000  # 2026-09-21T14:13:20Z


def one(wish: Wish, at_ms: int = AT_MS, click: Click | None = CLICK) -> Conversion:
    return told(wish, "call_1", at_ms, "USD", click, None if click else "+13125550142")


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def test_a_click_as_the_template_wants_it() -> None:
    wish = Wish(name="Call from the site", value="12.50")
    assert csv_of(wish, ZONE, [one(wish)]) == (
        "Parameters:TimeZone=America/New_York\r\n"
        "Google Click ID,Conversion Name,Conversion Time,Conversion Value,Conversion Currency,"
        "Order ID,Ad User Data,Ad Personalization\r\n"
        f"{GCLID},Call from the site,2026-09-21 10:13:20-0400,12.50,USD,call_1,Granted,\r\n"
    )


def test_each_kind_of_click_id_has_its_column() -> None:
    wish = Wish(ids="all")
    found = [one(wish, click=Click(kind, f"{kind}-{GCLID}")) for kind in KINDS["all"]]
    _, head, *rows = rows_of(csv_of(wish, ZONE, found))
    assert head[:4] == ["Google Click ID", "GBRAID", "WBRAID", "Conversion Name"]
    assert [row[:3] for row in rows] == [
        [f"gclid-{GCLID}", "", ""],
        ["", f"gbraid-{GCLID}", ""],
        ["", "", f"wbraid-{GCLID}"],
    ]
    assert {len(row) for row in rows} == {len(head)}


def test_a_call_as_the_template_wants_it() -> None:
    wish = Wish(template="calls", value="3", currency="EUR")
    _, head, row = rows_of(csv_of(wish, ZONE, [one(wish, click=None)]))
    assert dict(zip(head, row, strict=True)) == {
        "Caller's Phone Number": "+13125550142",
        "Call Start Time": "2026-09-21 10:13:20-0400",
        "Conversion Name": "Phone call",
        "Conversion Time": "2026-09-21 10:13:20-0400",
        "Conversion Value": "3",
        "Conversion Currency": "EUR",
    }


def test_without_a_value_google_takes_its_own() -> None:
    wish = Wish(currency="EUR")
    assert rows_of(csv_of(wish, ZONE, [one(wish)]))[2][3:5] == ["", ""]


def test_utc_is_written_as_google_writes_it() -> None:
    assert csv_of(Wish(), ZoneInfo("UTC"), []).startswith("Parameters:TimeZone=+0000\r\n")


def test_the_hour_that_an_autumn_night_has_twice_is_two_hours() -> None:
    first = 1_793_510_400_000  # 2026-11-01T05:20:00Z
    wish = Wish()
    times = [rows_of(csv_of(wish, ZONE, [one(wish, first + n * 3_600_000)]))[2][2] for n in (0, 1)]
    assert times == ["2026-11-01 01:20:00-0400", "2026-11-01 01:20:00-0500"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "TeSter-123",
        "=1+1",
        "-" + GCLID,
        GCLID + "=",
        GCLID + " ",
        GCLID + "\n",
        "x" * 513,
        "é" * 30,
        "＝" * 30,
    ],
)
def test_what_cannot_be_a_click_id_is_none(text: str) -> None:
    assert click_of({"gclid": text}, "all") is None


def test_of_several_click_ids_googles_oldest_kind_is_told() -> None:
    several = {"fbclid": GCLID, "wbraid": "w" * 30, "gbraid": "b" * 30, "gclid": GCLID}
    assert click_of(several, "all") == click_of(several, "gclid") == Click("gclid", GCLID)
    assert click_of({**several, "gclid": "x"}, "all") == Click("gbraid", "b" * 30)
    assert click_of({**several, "gclid": "x"}, "gclid") is None
    assert click_of(None, "all") is None


@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9=+@_-]{18,40}", fullmatch=True))
def test_whatever_a_page_says_its_click_is_no_cell_of_the_file_is_a_formula(text: str) -> None:
    wish = Wish(ids="all")
    click = click_of({"gclid": text}, "all")
    if click:
        row = rows_of(csv_of(wish, ZONE, [one(wish, click=click)], header=False))[0]
        assert row[0] == text
        assert row == [guarded(cell, first=True) for cell in row]
