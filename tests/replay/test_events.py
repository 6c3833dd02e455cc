"""The reader of logs: what it takes, what it refuses, and that nothing gets past it as a traceback."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dni.replay.events import LONGEST_LINE, BadLog, Beat, Call, Leave, Log, Tap, Visit

VISIT = (
    b'{"t":1,"type":"visit","visitor":"v","session":"s","source":"google","medium":"cpc","region":"US-CA","device":"x"}'
)
BEAT = b'{"t":2,"type":"beat","session":"s"}'


def test_every_kind_of_line_is_read() -> None:
    log = Log()
    lines = [
        VISIT,
        BEAT + b"\n",
        b'{"t":2,"type":"tap","session":"s"}\r\n',
        b'{"t":3,"type":"leave","session":"s"}',
        b'{"t":3,"type":"call","call":"c1","caller":"+12125550142","session":"s"}',
        b'{"t":4,"type":"call","call":"c2","caller":null,"slot":7}',
    ]
    assert [log.read(line) for line in lines] == [
        Visit(1, "v", "s", "google", "cpc", "US-CA", "x"),
        Beat(2, "s"),
        Tap(2, "s"),
        Leave(3, "s"),
        Call(3, "c1", "+12125550142", session="s"),
        Call(4, "c2", None, slot=7),
    ]
    assert (log.line, log.strangers) == (6, 0)


def test_what_is_not_known_of_a_visit_may_be_left_out_and_more_may_be_said() -> None:
    log = Log()
    assert log.read(b'{"t":0,"type":"visit","visitor":"v","session":"s","keyword":"plumber"}') == Visit(0, "v", "s")
    assert log.read(b'{"t":0,"type":"visit","visitor":"w","session":"t","region":null}') == Visit(0, "w", "t")


def test_a_session_that_never_visited_is_counted() -> None:
    log = Log()
    log.read(BEAT)
    log.read(b'{"t":3,"type":"call","call":"c1","caller":"x","session":"other"}')
    log.read(b'{"t":3,"type":"call","call":"c2","caller":"x","slot":0}')
    assert log.strangers == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"", "it is empty; expected a JSON object"),
        (b"\n", "it is empty"),
        (b"{", "not JSON"),
        (b"visit", "not JSON"),
        (b'\xef\xbb\xbf{"t":2}', "not JSON"),
        (BEAT + b" {}", "not JSON"),
        (b'{"t":2,"type":"beat","session":"\xff"}', "not UTF-8"),
        (b'{"t":2,"type":"beat","session":"s","x":' + b"[" * 5000, "nested too deeply"),
        (b" " * LONGEST_LINE + BEAT, "longer than 65,536 bytes"),
        (b"[]", 'an object with "t" and "type"'),
        (b"null", "one of visit, beat, leave, tap, call"),
        (b'{"t":2}', "one of visit, beat, leave, tap, call"),
        (b'{"t":2,"type":"hide","session":"s"}', "one of visit, beat, leave, tap, call"),
        (b'{"t":2,"type":"a\\nb","session":"s"}', "one of visit, beat, leave, tap, call"),
        (b'{"type":"beat","session":"s"}', "missing required field `t`; expected {"),
        (b'{"t":2,"type":"beat"}', "missing required field `session`; expected {"),
        (b'{"t":2,"type":"visit","session":"s"}', "missing required field `visitor`; expected {"),
        (b'{"t":2,"type":"call","call":"c","session":"s"}', "missing required field `caller`"),
        (b'{"t":"2","type":"beat","session":"s"}', "Expected `int`, got `str` - at `$.t`"),
        (b'{"t":2.5,"type":"beat","session":"s"}', "Expected `int`, got `float` - at `$.t`"),
        (b'{"t":-2,"type":"beat","session":"s"}', "Expected `int` >= 0 - at `$.t`"),
        (b'{"t":999999999999999999999,"type":"beat","session":"s"}', "<= 253402300799999 - at `$.t`"),
        (b'{"t":2,"type":"beat","session":""}', "at `$.session`"),
        (b'{"t":2,"type":"visit","visitor":"v","session":"x","region":"California"}', "at `$.region`"),
        (b'{"t":2,"type":"call","call":"c","caller":"x"}', 'either "session" or "slot"'),
        (b'{"t":2,"type":"call","call":"c","caller":"x","session":"s","slot":1}', 'either "session" or "slot"'),
        (b'{"t":2,"type":"call","call":"c","caller":"x","slot":-1}', "at `$.slot`"),
        (b'{"t":0,"type":"beat","session":"s"}', "its time 0 is before the line above, 1; expected time order"),
        (b'{"t":2,"type":"visit","visitor":"w","session":"s"}', "expected one visitor a session"),
        (b'{"t":2,"type":"call","call":"c0","caller":"x","slot":1}', "expected an id of its own"),
    ],
)
def test_a_line_that_is_not_right_is_named_with_what_was_expected(line: bytes, told: str) -> None:
    log = Log()
    log.read(VISIT)
    log.read(b'{"t":1,"type":"call","call":"c0","caller":"x","slot":1}')
    with pytest.raises(BadLog) as refused:
        log.read(line)
    assert refused.value.detail.startswith("line 3: ")
    assert told.removeprefix("an object") in refused.value.detail
    assert "xpected" in refused.value.detail


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(["t", "type", "visitor", "session", "call", "caller", "slot", "region", "source"])
kinds = st.sampled_from(["visit", "beat", "leave", "tap", "call"])
nearly = st.fixed_dictionaries({}, optional={"type": kinds | values, "t": st.integers(0, 9) | values}).flatmap(
    lambda known: st.dictionaries(names, values, max_size=5).map(lambda more: {**more, **known})
)


@given(st.lists(st.binary(max_size=60) | nearly.map(msgspec.json.encode), max_size=6))
@example([b'{"t":1,"type":"beat","session":"\\ud800"}'])
@example([b'{"t":1,"type":"\\ud800","session":"s"}'])
@example([b'{"type":' + b"[" * 3000])
@example([b"\x00"])
def test_any_bytes_are_read_or_refused_in_one_line(lines: list[bytes]) -> None:
    log = Log()
    for count, line in enumerate(lines, 1):
        told = refusal(log, line)
        if told is not None:
            assert told.startswith(f"line {count}: ")
            assert len(told.splitlines()) == 1
            assert len(told) < 400


def refusal(log: Log, line: bytes) -> str | None:
    try:
        msgspec.json.encode(log.read(line)).decode()
    except BadLog as error:
        return error.detail
    return None
