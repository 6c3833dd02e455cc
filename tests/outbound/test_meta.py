"""Meta: the event of a call, field by field and as Meta's own package makes it; what is not sent of it and why."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.normalize import Normalize
from facebook_business.adobjects.serverside.user_data import UserData
from hypothesis import given
from hypothesis import strategies as st

from dni.errors import InvalidField
from dni.outbound.meta import KIND, Secrets, Settings, city, phone
from dni.outbound.model import Answer, Endpoint, Outgoing, Request, Result, Skip
from dni.outbound.person import hashed
from tests.support.telling import AT_MS, CALL, VISIT, outgoing
from tests.support.telling_oddly import odd_data, with_data

DAY_MS = 86_400_000
SECRETS = Secrets(access_token="EAAB/token|1")
FBCLID = "IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2ofrHyiLjcbCRxTDMgk"
VISIT_MS = AT_MS - 300_000
FBC = f"fb.1.1796050000000.{FBCLID}"
FBP = "fb.1.1558571054389.1098115397"
SEEN = VISIT | {"region": "US-IL", "city": "Chicago", "ids": {"_fbp": FBP, "_fbc": FBC}}
CLICKED: dict[str, Any] = {"click_ids": {"fbclid": FBCLID}}
STATIC: dict[str, Any] = {"attribution": {"session": None, "visitor": None, "method": "static", "confidence": None}}


def endpoint(**settings: Any) -> Endpoint:
    made = msgspec.convert({"dataset_id": "1234567890"} | settings, Settings)
    return Endpoint(id="end_1", kind="meta", name="Meta", settings=made, secrets=SECRETS)


def sent(of: Endpoint, told: Outgoing, now_ms: int = AT_MS + 200_000) -> Request:
    assert KIND.check(of, told, now_ms) is None
    return KIND.request(of, [told], now_ms, None)


def event_of(of: Endpoint, told: Outgoing, now_ms: int = AT_MS + 200_000) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(sent(of, told, now_ms).body)["data"][0]
    return found


def user_of(told: Outgoing, **settings: Any) -> dict[str, Any]:
    found: dict[str, Any] = event_of(endpoint(**settings), told)["user_data"]
    return found


def test_an_event_as_the_documentation_has_it() -> None:
    """`using-the-api`: POST /{version}/{dataset}/events?access_token=…, `data[]` with `event_name`, `event_time` in
    seconds, `event_id`, `action_source`, `user_data` (hashes in lists, `fbc` and `fbp` as they are), `custom_data`."""
    request = sent(endpoint(), outgoing(visit=SEEN, **CLICKED))
    assert request.method == "POST"
    assert request.headers == {"content-type": "application/json"}
    assert request.url.startswith("https://graph.facebook.com/v25.0/1234567890/events?access_token=")
    assert parse_qs(urlsplit(request.url).query) == {"access_token": [SECRETS.access_token]}
    assert msgspec.json.decode(request.body) == {
        "data": [
            {
                "event_name": "Lead",
                "event_time": AT_MS // 1000,
                "event_id": "call_1",
                "action_source": "phone_call",
                "user_data": {
                    "ph": [hashed("13125550142")],
                    "external_id": [hashed("vis_1")],
                    "country": [hashed("us")],
                    "st": [hashed("il")],
                    "ct": [hashed("chicago")],
                    "fbc": FBC,
                    "fbp": FBP,
                },
                "custom_data": {"value": 45.0, "currency": "USD", "order_id": "call_1"},
            }
        ]
    }


def test_hashes_are_those_of_the_documentation() -> None:
    """`customer-information-parameters`, each with its example."""
    assert phone("(650)555-1212") == "6505551212"
    assert hashed(phone("+1 (650) 555-1212")) == "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"
    assert hashed("us") == "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"
    assert [city(name) for name in ("Paris", "London", "New York")] == ["paris", "london", "newyork"]


def test_an_event_is_what_metas_own_package_makes_of_the_call() -> None:
    user = UserData(
        phone=CALL["caller"],
        external_id=hashed("vis_1"),
        country_code="US",
        state="IL",
        city="Chicago",
        fbc=FBC,
        fbp=FBP,
    )
    theirs = Event(
        event_name="Lead",
        event_time=AT_MS // 1000,
        event_id="call_1",
        action_source=ActionSource.PHONE_CALL,
        user_data=user,
        custom_data=CustomData(value=45.0, currency="USD", order_id="call_1"),
        data_processing_options=["LDU"],
        data_processing_options_country=0,
        data_processing_options_state=0,
    ).normalize()
    ours = event_of(endpoint(limited_data_use=True), outgoing(visit=SEEN, **CLICKED))
    # The package writes it in lower case, the documentation either way.
    ours["custom_data"]["currency"] = ours["custom_data"]["currency"].lower()
    assert ours == theirs


def dressed(digits: list[str], between: list[str]) -> str:
    """As people write it: a plus, and anything of " -()" between the digits."""
    return "+" + "".join(digit + gap for digit, gap in zip(digits, between, strict=False))


@given(
    st.sampled_from(["1", "7", "44", "49", "81", "353", "971"]),
    st.from_regex(r"[1-9][0-9]{1,2}55501[0-9]{2}", fullmatch=True),
    st.lists(st.text(" -()", max_size=2), min_size=15, max_size=15),
)
def test_numbers_are_hashed_as_metas_package_does(country: str, number: str, between: list[str]) -> None:
    written = dressed(list(country + number), between)
    assert hashed(phone(written)) == Normalize.normalize("ph", written, True)
    assert phone(written) == country + number


@given(st.text(st.characters(categories=["L"], max_codepoint=0x24F) | st.sampled_from(" .-()0123456789"), min_size=1))
def test_places_are_written_as_metas_package_does(name: str) -> None:
    # What it takes for a hash that somebody made before is no place. Some capitals lower to two characters, of which
    # the second is no letter: the documentation says to leave out what is none.
    theirs = Normalize.normalize("ct", name, False) if not Normalize.is_already_hashed(name.strip().lower()) else None
    if theirs is not None and all(c.isalpha() for c in theirs):
        assert city(name) == theirs


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Coeur d'Alene", "coeurdalene"),
        ("Saint-Étienne", "saintétienne"),
        ("St. Louis", "stlouis"),
        ("東京", "東京"),
        ("29 Palms", "palms"),
    ],
)
def test_places_have_neither_punctuation_nor_spaces(name: str, written: str) -> None:
    assert city(name) == written


@pytest.mark.parametrize(
    ("place", "known"),
    [
        ({"country": "US", "region": "US-CA", "city": "Los Angeles"}, {"country", "st", "ct"}),
        ({"country": "DE", "region": "DE-BY", "city": "München"}, {"country", "ct"}),
        ({"country": None, "region": None, "city": None}, set()),
        ({"country": "Germany", "region": "Bayern", "city": "---"}, set()),
    ],
)
def test_a_place_is_told_where_meta_knows_how_to_write_it(place: dict[str, Any], known: set[str]) -> None:
    assert user_of(outgoing(visit=SEEN | place)).keys() & {"country", "st", "ct"} == known


@pytest.mark.parametrize(
    ("cookie", "click", "told"),
    [
        (FBC, FBCLID, FBC),
        (FBC, None, FBC),
        (None, FBCLID, f"fb.1.{VISIT_MS}.{FBCLID}"),
        (None, None, None),
        # The cookie holds the click of an earlier visit.
        ("fb.1.1790000000000.AnEarlierClick", FBCLID, f"fb.1.{VISIT_MS}.{FBCLID}"),
        # Meta's parameter builder adds to it.
        (f"{FBC}.AQIBAQAA", FBCLID, f"{FBC}.AQIBAQAA"),
        # As much as the tag tells of a cookie: its end may be missing.
        ("fb.1.1790000000000." + "x" * 237, None, None),
        ("fb.1.1790000000000." + "x" * 237, FBCLID, f"fb.1.{VISIT_MS}.{FBCLID}"),
        ("not a cookie of theirs", None, None),
        (7, None, None),
    ],
)
def test_the_click_id_is_the_cookie_or_made_from_the_landing_page(
    cookie: object, click: str | None, told: str | None
) -> None:
    visit = SEEN | {"ids": {"_fbc": cookie}}
    assert user_of(outgoing(visit=visit, click_ids={"fbclid": click} if click else {})).get("fbc") == told


def test_of_a_static_numbers_caller_the_hashed_number_alone_is_told() -> None:
    told = outgoing(visit=None, **STATIC, **CLICKED)
    assert user_of(told, callers_consented=True) == {"ph": [hashed("13125550142")]}


def test_who_withheld_his_number_is_known_by_the_click() -> None:
    assert user_of(outgoing(visit=SEEN, caller=None)).keys() >= {"fbc", "fbp", "external_id"}


def test_the_callers_number_and_the_visitors_id_are_told_hashed_alone() -> None:
    body = sent(endpoint(), outgoing(visit=SEEN, **CLICKED)).body.decode()
    assert CALL["caller"].lstrip("+") not in body
    assert "vis_1" not in body


def test_tries_are_marked_so() -> None:
    request = sent(endpoint(test_event_code="TEST123"), outgoing(visit=SEEN, kind="test"))
    assert msgspec.json.decode(request.body)["test_event_code"] == "TEST123"


def test_the_token_can_be_hidden() -> None:
    request = sent(endpoint(), outgoing(visit=SEEN))
    shown = request.url
    for hidden in request.hidden:
        shown = shown.replace(hidden, "•")
    assert shown.endswith("?access_token=•")


@pytest.mark.parametrize(
    ("settings", "visit", "call", "now_ms", "why"),
    [
        ({}, None, {}, AT_MS, "the call is credited to no visit"),
        ({}, None, STATIC, AT_MS, "a static number was called, so no visit's consent is known"),
        ({}, SEEN | {"consent": "denied"}, {}, AT_MS, "the visitor said no"),
        ({"callers_consented": True}, SEEN | {"consent": "denied"}, {}, AT_MS, "the visitor said no"),
        ({}, SEEN | {"consent": "unknown"}, {}, AT_MS, "the page told no consent"),
        ({}, SEEN, {}, AT_MS + 7 * DAY_MS + 1, "the call is more than 7 days old"),
        ({}, SEEN, {"revenue": None}, AT_MS, "the call has no revenue"),
        ({"event": "Purchase", "value": "none"}, SEEN, {}, AT_MS, "Meta takes no Purchase without a value"),
        ({}, VISIT, {"caller": None}, AT_MS, "nothing that Meta could know the caller by"),
        ({}, VISIT, {"caller": "anonymous"}, AT_MS, "nothing that Meta could know the caller by"),
        ({}, SEEN, {"id": None}, AT_MS, "the message tells of no call"),
        ({}, SEEN, {"kind": "test"}, AT_MS, "a test would count as an event: set a test code first"),
    ],
)
def test_what_is_not_sent_says_why(
    settings: dict[str, Any], visit: dict[str, Any] | None, call: dict[str, Any], now_ms: int, why: str
) -> None:
    found = KIND.check(endpoint(**settings), outgoing(visit=visit, **call), now_ms)
    assert isinstance(found, Skip)
    assert found.why.startswith(why)


def test_7_days_are_not_too_old() -> None:
    assert KIND.check(endpoint(), outgoing(visit=SEEN), AT_MS + 7 * DAY_MS) is None


@given(odd_data(SEEN), st.integers(0, 2**43))
def test_odd_data_is_skipped_or_sent(data: dict[str, Any], now_ms: int) -> None:
    told = with_data(outgoing(visit=SEEN), data)
    if KIND.check(endpoint(), told, now_ms) is None:
        assert KIND.request(endpoint(), [told], now_ms, None).body.decode()


def error(code: int, subcode: int = 0, **more: Any) -> bytes:
    told = {"message": "Bad", "type": "OAuthException", "code": code, "error_subcode": subcode, "fbtrace_id": "A1"}
    return msgspec.json.encode({"error": told | more})


TOKEN = "Meta says: Bad (code {}). Enter an access token that may send events to this dataset"


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Answer(status=200, body=b'{"events_received":1,"messages":[],"fbtrace_id":"A1"}'), Result("delivered")),
        (
            Answer(status=200, body=b'{"events_received":0}'),
            Result("again", "it answered, but not that it received the event: see the answer"),
        ),
        (
            Answer(status=200, body=b"<html>"),
            Result("again", "it answered, but not that it received the event: see the answer"),
        ),
        (Answer(status=400, body=error(190)), Result("again", TOKEN.format(190))),
        (Answer(status=403, body=error(200)), Result("again", TOKEN.format(200))),
        (
            Answer(status=400, body=error(190, error_user_msg=f"Malformed access token {SECRETS.access_token}")),
            Result("again", TOKEN.format(190).replace("Bad", "Malformed access token •••")),
        ),
        (Answer(status=400, body=error(100, 33)), Result("again", "Meta says: Bad (code 100)")),
        (
            Answer(status=400, body=error(100, 2_804_003, error_user_msg="Too old")),
            Result("dead", "Meta says: Too old (code 100)", failed=False),
        ),
        (
            Answer(status=400, body=error(100, 2_804_003, is_transient=True)),
            Result("again", "Meta says: Bad (code 100)"),
        ),
        (Answer(status=400, body=error(4)), Result("again", "Meta says: Bad (code 4)", 60_000)),
        (
            Answer(status=429, body=error(17), headers={"retry-after": "300"}),
            Result("again", "Meta says: Bad (code 17)", 300_000),
        ),
        (Answer(status=503, body=b"busy"), Result("again", "it answered 503")),
        (Answer(why="no answer within 15 s"), Result("again", "no answer within 15 s")),
    ],
)
def test_an_answer_is_read(answer: Answer, result: Result) -> None:
    assert KIND.results(endpoint(), [outgoing()], answer) == [result]


@given(st.none() | st.integers(100, 599), st.binary() | st.builds(error, st.integers(), st.integers()))
def test_no_answer_makes_it_fail(status: int | None, body: bytes) -> None:
    assert len(KIND.results(endpoint(), [outgoing()], Answer(status=status, body=body))) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"dataset_id": "abc"},
        {"dataset_id": "123/../me"},
        {"event": ""},
        {"event": "x" * 51},
        {"version": "25"},
        {"test_event_code": "a b"},
        {"base_url": "graph.facebook.com"},
        {"value": "fixed"},
        {"nonsense": 1},
    ],
)
def test_other_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises((InvalidField, msgspec.ValidationError)):
        endpoint(**settings)
