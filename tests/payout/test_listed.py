"""Rows of lists as carriers, call trackers and networks write them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.clock import from_rfc3339
from dni.errors import BadArgument
from dni.payout import listed, listed_values
from dni.payout.listed import Listed, Unreadable

EAST = "America/New_York"

EXPORTS = {
    "a carrier": (
        "Call SID,From,To,Start Time,Duration,Price",
        "CA1,+13125550142,+14155550100,2026-11-22 18:37:55 UTC,95,-0.0130",
    ),
    "a call tracker": (
        "customer_phone_number,tracking_phone_number,start_time,duration,value",
        '(312) 555-0142,(415) 555-0100,"11/22/2026 01:37:55 PM",1:35,900',
    ),
    "a network": (
        "Inbound Call Id;Dialed #;Caller ID;Call Date;Duration;Conversion Amount;Payout Amount",
        "CA1;14155550100;13125550142;2026-11-22T13:37:55-05:00;00:01:35;$20.00;12.50",
    ),
    "a marketplace": (
        "complete_call_id,calling_phone_number,promo_number,start_time_local,connect_duration",
        "CA1,312-555-0142,415-555-0100,2026-11-22 1:37:55 PM,95",
    ),
    "our own": (
        "id,started_at,caller,tracking_number,talk_seconds,duration,payout.amount,payout.currency",
        "CA1,2026-11-22T18:37:55.000+00:00,+13125550142,+14155550100,90,95,1250,USD",
    ),
}


def read(head: str, row: str, zone: str = EAST, **given: str) -> Listed:
    mark = ";" if ";" in head else ","
    cells = [cell.strip('"') for cell in row.split(mark)]
    return listed.row(cells, 2, listed.columns(head.split(mark), given), zone)


@pytest.mark.parametrize("name", EXPORTS)
def test_usual_exports_are_understood_by_their_headings(name: str) -> None:
    row = read(*EXPORTS[name])
    assert (row.number, row.caller) == ("+14155550100", "+13125550142")
    assert row.at_ms == from_rfc3339("2026-11-22T18:37:55+00:00")
    assert (row.talk_s or row.duration_s) in (95, 90)
    assert row.id == (None if name == "a call tracker" else "CA1")
    assert row.payout == ("12.50" if name == "a network" else None), "and what a carrier charges is no payout"
    assert row.revenue == ("20.00" if name == "a network" else None)


def test_headings_may_be_said() -> None:
    row = read("When,Line,Paid", "2026-11-22 13:37:55,+14155550100,3", time="when", number="Line", payout="Paid")
    assert (row.at_ms, row.payout) == (from_rfc3339("2026-11-22T18:37:55+00:00"), "3")
    with pytest.raises(BadArgument, match="no column 'Nowhere'"):
        read("When,Line", "x,y", time="Nowhere")


def test_a_list_that_tells_no_call_is_refused_with_its_headings() -> None:
    with pytest.raises(BadArgument, match="its columns are Name, Amount"):
        listed.columns(["Name", "Amount"], {})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T18:37:55Z", "2026-11-22T18:37:55+00:00"),
        ("2026-11-22 13:37:55", "2026-11-22T18:37:55+00:00"),
        ("2026-11-22 13:37:55 PST", "2026-11-22T21:37:55+00:00"),
        ("2026-11-22 13:37", "2026-11-22T18:37:00+00:00"),
        ("2026-11-22 12:00 AM", "2026-11-22T05:00:00+00:00"),
        ("11/22/2026 12:15 PM", "2026-11-22T17:15:00+00:00"),
        ("11/2/2026, 1:15:30 pm", "2026-11-02T18:15:30+00:00"),
        ("Sun, 22 Nov 2026 18:37:55 +0000", "2026-11-22T18:37:55+00:00"),
        ("1795372675", "2026-11-22T18:37:55+00:00"),
        ("1795372675123", "2026-11-22T18:37:55.123+00:00"),
    ],
)
def test_times_in_the_usual_forms(text: str, moment: str) -> None:
    assert listed_values.moment_ms(text, EAST, day_first=False) == from_rfc3339(moment)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-22", "22/11/2026 10:00", "11/22/2026 13:00 PM", "11/22/2026 0:30 AM", "13:37", "soon"),
        *("2026-02-30 10:00:00", "2026-11-22 25:00", "1969-12-31 10:00:00", "99999999999999"),
        # Clocks go back, and forward.
        *("2026-11-01 01:30:00", "2026-03-08 02:30:00"),
    ],
)
def test_what_is_no_moment_or_two_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as|twice|after 1970"):
        listed_values.moment_ms(text, EAST, day_first=False)


def test_the_day_may_come_first() -> None:
    assert listed_values.moment_ms("02/11/2026 10:00", "UTC", day_first=True) == from_rfc3339("2026-11-02T10:00:00Z")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("95", 95), ("95.4", 95), ("1:35", 95), ("0:01:35", 95), ("1m 35s", 95), ("2 min", 120), ("1h", 3600), ("0", 0)],
)
def test_durations(text: str, seconds: int) -> None:
    assert listed_values.seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        *(
            ("12.50", "12.50"),
            ("$1,250.00", "1250.00"),
            ("US$5", "5"),
            ("-3", "-3"),
            ("(3.10)", "-3.10"),
            ("$-3", "-3"),
        ),
        *(("12.50 USD", "USD 12.50"), ("EUR12", "EUR 12"), ("0", "0")),
    ],
)
def test_amounts(text: str, amount: str) -> None:
    assert listed_values.amount(text) == amount


@pytest.mark.parametrize("text", ["12,50", "1.250,00", "1,25,000", "twelve", "12.5.0", "NaN", "1e5", "٣"])
def test_an_amount_that_may_be_another_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as 12\.50"):
        listed_values.amount(text)


def test_who_withheld_or_is_hidden_is_nobody() -> None:
    for text in ("", "anonymous", "Restricted", "+1312555••••", "312-555-XXXX", "sip:bob"):
        assert listed_values.caller_of(text) is None


def test_a_row_that_cannot_be_read_names_its_column() -> None:
    head = "call id,tracking number,start time,duration,payout"
    for row, column in (
        ("CA1,12,2026-11-22 13:37:55,1,1", "tracking number"),
        ("CA1,4155550100,never,1,1", "start time"),
        ("CA1,4155550100,2026-11-22 13:37:55,long,1", "duration"),
        ("CA1,4155550100,2026-11-22 13:37:55,1,much", "payout"),
        (",4155550100,,1,1", "call id"),
    ):
        with pytest.raises(Unreadable) as told:
            read(head, row)
        assert told.value.column == column


def test_a_guard_against_formulas_is_taken_off() -> None:
    assert read("call id,duration", "'=CA1,1").id == "=CA1"


@given(st.lists(st.text(max_size=30), max_size=8))
def test_no_row_makes_it_fail(cells: list[str]) -> None:
    of = listed.columns(["call id", "to", "from", "start time", "duration", "talk time", "payout", "revenue"], {})
    with suppress(Unreadable):
        listed.row(cells, 1, of, EAST)
