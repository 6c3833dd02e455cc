import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.tag import robot_names, robots
from dni.tag.robots import is_robot


def _table(name: str) -> dict[str, str]:
    """What it is -> its user agent."""
    listed: dict[str, str] = {}
    for line in (Path(__file__).parent / name).read_text("utf-8").splitlines():
        what, bar, user_agent = line.partition(" | ")
        if bar:
            assert what not in listed, what
            listed[what] = user_agent
    return listed


ROBOTS = _table("robots.txt")
PEOPLE = _table("people.txt")


def test_the_tables_are_as_long_as_they_should_be() -> None:
    assert len(ROBOTS) >= 120
    assert len(PEOPLE) >= 150


@pytest.mark.parametrize("user_agent", ROBOTS.values(), ids=ROBOTS)
def test_a_robot_is_known(user_agent: str) -> None:
    assert is_robot(user_agent)


@pytest.mark.parametrize("user_agent", PEOPLE.values(), ids=PEOPLE)
def test_a_person_is_let_in(user_agent: str) -> None:
    assert not is_robot(user_agent)


@pytest.mark.parametrize("user_agent", ["", " ", "\0", "\t\n", "-", "🤖"])
def test_who_says_nothing_is_a_robot(user_agent: str) -> None:
    assert is_robot(user_agent)


@given(st.text(max_size=600) | st.binary(max_size=600).map(lambda raw: raw.decode("latin-1")))
def test_whatever_is_sent_gets_an_answer(user_agent: str) -> None:
    assert is_robot(user_agent) is is_robot(user_agent)


@given(st.sampled_from(sorted(PEOPLE.values())))
def test_capitals_change_nothing(user_agent: str) -> None:
    assert not is_robot(user_agent.lower())
    assert not is_robot(user_agent.upper())


# What each pattern could repeat: its own beginnings, over and over, to the longest that is looked at and beyond.
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "-",
        ".",
        "@",
        "a@",
        "a@a-",
        "w.",
        "android 1; ",
        "android 1.1.1",
        "compatible;",
        "compatible; ",
        "bot",
        "é",
        "\0",
    ],
)
def test_no_user_agent_is_slow(piece: str) -> None:
    look = robots._look.__wrapped__
    began = time.perf_counter()
    look((piece * 600)[:512])
    is_robot(piece * 100_000)
    assert time.perf_counter() - began < 0.1  # both take some 0.2 ms


def test_a_sign_behind_the_longest_look_is_not_seen() -> None:
    browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0.0.0 Safari/537.36 "
    assert is_robot(browser + "x" * 300 + " bot")
    assert not is_robot(browser + "x" * 600 + " bot")


def test_each_name_is_one_that_the_words_do_not_know() -> None:
    for name in robot_names.NAMES:
        assert robots._WORD.fullmatch(name), name
        assert not robots._SAYS_SO.search(name), name
