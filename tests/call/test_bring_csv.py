"""Tables of sales as systems and people write them."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.call.bring_csv import NAMES, read
from dni.call.bring_model import Campaign, Click, Reading, Row, Wrong, values
from dni.errors import InvalidField
from dni.money import Money
from dni.sheet import text_of

NOW = 1_790_000_000_000  # 2026-09-21T14:13:20Z
OF = Reading(campaigns={"cmp_1": Campaign("USD", "US"), "cmp_2": Campaign("EUR", "DE")}, now_ms=NOW)
CALLER = "+13125550142"


def rows(text: str, of: Reading = OF, **more: Any) -> list[Row | Wrong]:
    return list(read(text, of, **more))


def told(row: Row | Wrong, currency: str = "USD") -> dict[str, Any]:
    assert isinstance(row, Row), row
    return values(row, currency)


def test_a_table_of_ours() -> None:
    text = (
        'call id,sale,value,lead status,note\ncall_1,yes,125.00,won,"two\nlines, and a comma"\ncall_2,no,,,\n\ncall_3\n'
    )
    first, second, third = rows(text)
    assert told(first) == {
        "sale": True,
        "value": Money(12_500, "USD"),
        "lead_status": "won",
        "note": "two lines, and a comma",
    }
    assert told(second) == {"sale": False}
    assert told(third) == {"sale": True}
    assert [row.row for row in (first, second, third)] == [3, 4, 6]


@pytest.mark.parametrize("name", [name for name, usual in NAMES.items() if usual])
def test_every_name_that_a_column_may_have_is_one_of_its_own(name: str) -> None:
    for usual in NAMES[name]:
        others = {other for other, names in NAMES.items() if usual in names and other != name}
        assert not others, usual


@pytest.mark.parametrize(
    "text",
    [
        "Phone,Close Date,Amount\r\n(312) 555-0142,2026-09-20 10:00,$125.00\r\n",
        "\ufeffMobile Phone\tOrder time\tOrder total\n312.555.0142\t09/20/2026 10:00 AM\tUSD 125.00\n",
        '"Customer phone number";"Date";"Total";"Currency"\n"1 312 555 0142";"2026-09-20T10:00:00Z";"125,00";"USD"\n',
        "from|timestamp|price\n+13125550142|1789898400|125\n",
    ],
)
def test_tables_of_others(text: str) -> None:
    [row] = rows(text)
    assert isinstance(row, Row), row
    assert (row.caller, row.until_ms) == (CALLER, 1_789_898_400_001)
    assert told(row) == {"sale": True, "value": Money(12_500, "USD")}


def test_times_are_those_of_the_zone_and_a_day_is_meant_until_its_end() -> None:
    of = msgspec.structs.replace(OF, timezone="America/New_York")
    times = ("2026-09-20 10:00", "2026-09-20", "9/20/2026", "2026-09-20T10:00Z")
    text = "phone,date\n" + "".join(f"3125550142,{at}\n" for at in times)
    found = [row.until_ms for row in rows(text, of) if isinstance(row, Row)]
    assert found == [1_789_912_800_001, 1_789_963_200_000, 1_789_963_200_000, 1_789_898_400_001]
    [row] = rows("phone,date\n3125550142,20/9/2026\n", msgspec.structs.replace(OF, day_first=True))
    assert isinstance(row, Row)
    assert row.until_ms == 1_789_948_800_000


def test_every_platforms_click_has_a_column() -> None:
    text = "Google Click ID,msclkid,li_fat_id,click id\nCj0KCQ,,,\n,abcdef,,\n,,9f8e7d,\n,,,epik:dj0yJnU\n"
    assert [list(row.clicks) for row in rows(text) if isinstance(row, Row)] == [
        [Click("gclid", "Cj0KCQ")],
        [Click("msclkid", "abcdef")],
        [Click("li_fat_id", "9f8e7d")],
        [Click("epik", "dj0yJnU")],
    ]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1.250,00", Money(125_000, "EUR")),
        ("12,5", Money(1_250, "EUR")),
        ("12,50 €", Money(1_250, "EUR")),
        ("€12,50", Money(1_250, "EUR")),
        ("12.50", Money(1_250, "EUR")),
        ("1250", Money(125_000, "EUR")),
        ("1.250", None),
    ],
)
def test_amounts_of_tables_with_semicolons(text: str, amount: Money | None) -> None:
    [row] = rows(f"call id;value\ncall_1;{text}\n")
    if amount is None:
        assert isinstance(row, Wrong)
        assert row.why.startswith("value: ")
    else:
        assert told(row, "EUR")["value"] == amount


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("call id,sale\ncall_1,perhaps\n", "sale: yes or no"),
        ("call id,value\ncall_1,much\n", "value: an amount such as 12.50"),
        ('call id,value\ncall_1,"12,50"\n', "value: an amount such as"),
        ("call id,campaign\ncall_1,Spring sale\n", "campaign: there is no campaign with the id Spring sale"),
        ("phone,date\n3125550142,soon\n", "at: a date with a time of day"),
        ("phone,date\n3125550142,\n", "at: when the sale was"),
        ("phone,date\n3125550142,2026-02-30\n", "at: day is out of range"),
        ("phone,date\n1.31256E+10,2026-09-20\n", "caller: not a phone number"),
        ("phone,date,within days\n3125550142,2026-09-20,many\n", "within_days: a number of days"),
        ("phone,since,until\n3125550142,2026-09-20,2026-09-21\n", "since: a date with a time of day"),
        ("gclid\nhas blanks\n", "gclid: not a click id"),
        ("call id,note\n,hello\n", "it names no call"),
    ],
)
def test_a_wrong_row_says_what_would_be_right(text: str, why: str) -> None:
    *_, row = rows(text)
    assert isinstance(row, Wrong), row
    assert why in row.why


@pytest.mark.parametrize(
    "text", ["", "\n", "name,amount\nAda,5\n", "phone,amount\n3125550142,5\n", "date,amount\n2026-09-20,5\n"]
)
def test_a_table_that_names_no_calls_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(InvalidField, match="no row could name its call"):
        rows(text)


def test_columns_may_be_named() -> None:
    text = "Reference,Wert\ncall_1,5\n"
    [row] = rows(text, columns={"call": "reference", "value": "wert"})
    assert told(row)["value"] == Money(500, "USD")
    with pytest.raises(InvalidField, match="no column 'Nummer'"):
        rows(text, columns={"call": "Nummer"})


def test_guards_of_our_own_files_are_taken_away() -> None:
    [row] = rows(f"caller,at,note\n'{CALLER},2026-09-20T10:00:00Z,'=1+1\n")
    assert isinstance(row, Row)
    assert (row.caller, told(row)["note"]) == (CALLER, "=1+1")


def test_a_spreadsheet_on_windows_writes_other_bytes() -> None:
    assert text_of("Größe".encode("cp1252")) == "Größe"
    assert text_of("\ufeffGröße".encode()) == "Größe"


@given(st.text(st.sampled_from("call id,;\t|\"'\r\n\0a1.$€-+:/éx"), max_size=120) | st.text(max_size=60))
def test_no_table_breaks_it(text: str) -> None:
    try:
        for row in read(f"call id,phone,date,value,sale,note,gclid\n{text}", OF):
            assert isinstance(row, Row | Wrong)
        for row in read(text, OF):
            assert isinstance(row, Row | Wrong)
    except InvalidField:
        pass
