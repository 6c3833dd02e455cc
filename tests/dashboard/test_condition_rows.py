"""A condition as lines of a form: the same meaning there and back, and what cannot be lines stays text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.dashboard import condition_rows
from dni.dashboard.condition_rows import ABOUT, OPERATORS, Row
from dni.errors import InvalidField
from dni.qualification import language
from dni.qualification.expression import ALWAYS, written
from dni.qualification.words import WORDS

HOURS = frozenset({"business"})

AS_LINES = {
    "": [],
    "talk >= 90s": [Row("talk", ">=", "90s")],
    "answered and not sale": [Row("answered", "yes"), Row("sale", "no")],
    "region in (CA, NV) and not repeat(30d) and during(business)": [
        Row("region", "in", "CA, NV"),
        Row("repeat", "no", "30d"),
        Row("during", "yes", "business"),
    ],
    'channel = "Paid Search"': [Row("channel", "=", "Paid Search")],
    'custom(plan) not in (gold, "not, really")': [Row("custom", "not in", 'plan = gold, "not, really"')],
    "param(sub1) = 4711": [Row("param", "=", "sub1 = 4711")],
    'custom("a plan") = x': [Row("custom", "=", '"a plan" = x')],
    'during("Mo-Fr 09:00-17:00")': [Row("during", "yes", "Mo-Fr 09:00-17:00")],
    "confidence >= 80%": [Row("confidence", ">=", "80%")],
    'source = "or"': [Row("source", "=", "or")],
    'source = "a \\" b"': [Row("source", "=", '"a \\" b"')],
    'keyword != "*free stuff*"': [Row("keyword", "!=", "*free stuff*")],
}
NO_LINES = ("talk >= 90s or sale", "not (answered and sale)", "not talk >= 90s", "not not answered", "(a")


@pytest.mark.parametrize("when", AS_LINES)
def test_what_is_joined_by_and_can_be_lines(when: str) -> None:
    typed = condition_rows.shown(when, HOURS)
    assert typed == AS_LINES[when]
    assert condition_rows.condition(typed, HOURS) == language.parse(when, hours=HOURS)


@pytest.mark.parametrize("when", NO_LINES)
def test_what_has_or_brackets_or_a_wide_not_stays_text(when: str) -> None:
    assert condition_rows.shown(when, HOURS) is None


def test_every_word_is_offered_with_each_way_to_compare_it() -> None:
    assert ABOUT.keys() == WORDS.keys()
    assert {op for word in WORDS.values() for op in word.kind.operators} | {"yes", "no"} == OPERATORS.keys()
    for name, word in WORDS.items():
        typed = condition_rows.shown(word.example, HOURS)
        assert typed is not None, name
        assert condition_rows.condition(typed, HOURS) == language.parse(word.example, hours=HOURS)


def test_people_write_values_without_quotes() -> None:
    typed = [Row("channel", "in", "Paid Search, Paid Social"), Row("custom", "=", "my plan = all of it"), Row("")]
    found = condition_rows.condition(typed, HOURS)
    assert written(found) == 'channel in ("Paid Search", "Paid Social") and custom("my plan") = "all of it"'


def test_lines_without_a_word_and_a_value_are_left_out() -> None:
    assert condition_rows.condition([Row("", "=", ""), Row("")], HOURS) == ALWAYS


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (Row("", "=", "CA"), "choose what is asked"),
        (Row("nothing", "=", "CA"), "choose what is asked"),
        (Row("talk", "in", "90s"), "Talk time is compared by “is”"),
        (Row("talk", ">=", "long"), "'long' does not fit talk"),
        (Row("talk", ">=", ""), "a value, as in talk >= 90s"),
        (Row("answered", "=", ""), "choose “is so”"),
        (Row("answered", "yes", "x"), "has no value"),
        (Row("repeat", "no", ""), "a value, as in repeat(30d)"),
        (Row("during", "yes", "lunch"), "no hours are called 'lunch'"),
        (Row("during", "yes", "Mo-Xx 09:00"), "is no span of time"),
        (Row("repeat", "no", "30d) or (sale"), "one condition a line"),
        (Row("custom", "=", "gold"), "name = value"),
        (Row("region", "in", ","), "does not fit region"),
        (Row("region", "=", "CA or sale"), "'CA or sale' does not fit region"),
        (Row("region", "=", "CA) or (sale"), "does not fit region"),
    ],
)
def test_an_error_names_its_line(row: Row, says: str) -> None:
    with pytest.raises(InvalidField) as caught:
        condition_rows.condition([Row("answered", "yes"), row], HOURS)
    assert caught.value.errors[0].path == "/row/1/value"
    assert says in caught.value.errors[0].message


typed_rows = st.builds(
    Row,
    st.sampled_from(["", *WORDS]),
    st.sampled_from(["", *OPERATORS]),
    st.text(st.characters(codec="utf-8"), max_size=30)
    | st.sampled_from(["90s", "CA, NV", "30d", "30d) or (sale", "80%", "a = b"]),
)


@given(st.lists(typed_rows, max_size=4))
def test_whatever_is_typed_is_refused_or_means_the_same_there_and_back(typed: list[Row]) -> None:
    try:
        found = condition_rows.condition(typed, HOURS)
    except InvalidField:
        return
    text = written(found)
    assert language.parse(text, hours=HOURS) == found
    again = condition_rows.shown(text, HOURS)
    assert again is not None
    assert condition_rows.condition(again, HOURS) == found
