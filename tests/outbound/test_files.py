"""Files of days: which are due, where each goes, and what an answer means."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.errors import InvalidField
from dni.outbound.files import CATCH_UP_DAYS, KIND, Secrets, Settings, due
from dni.outbound.model import Answer, Endpoint, Message, Outgoing, Skip
from dni.outbound.sigv4 import Keys
from tests.outbound.test_sigv4 import by_botocore

S3: dict[str, Any] = {"to": "s3", "bucket": "acme-calls"}
KEYS = Secrets(access_key="AKIAIOSFODNN7EXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def endpoint(secrets: Secrets = KEYS, **settings: Any) -> Endpoint:
    return Endpoint(id="end_1", kind="csv", name="Nightly", settings=Settings(**settings), secrets=secrets)


def asked(day: str = "2026-11-30", body: bytes = b"id\r\n", **message: Any) -> Outgoing:
    given: dict[str, Any] = {
        "type": "export.due",
        "data": {"endpoint": "end_1", "day": day},
        "at_ms": ms("2026-12-01T03:00Z"),
    }
    made = Message(seq=1, id="msg_1", subject=f"end_1.{day}", **(given | message))
    return Outgoing(delivery="del_1", message=made, gathered=body)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (S3, "https://acme-calls.s3.us-east-1.amazonaws.com/calls-2026-11-30.csv"),
        (
            S3 | {"region": "eu-central-1", "prefix": "dni/calls/"},
            "https://acme-calls.s3.eu-central-1.amazonaws.com/dni/calls/calls-2026-11-30.csv",
        ),
        (
            S3 | {"base_url": "https://minio.example:9000", "path_style": True, "prefix": "a/"},
            "https://minio.example:9000/acme-calls/a/calls-2026-11-30.csv",
        ),
        (
            S3 | {"base_url": "https://storage.example/", "bucket": "a.b", "path_style": True},
            "https://storage.example/a.b/calls-2026-11-30.csv",
        ),
        ({"folder": "warehouse"}, "file:warehouse/calls-2026-11-30.csv"),
    ],
)
def test_where_a_file_goes(settings: dict[str, Any], url: str) -> None:
    request = KIND.request(endpoint(**settings), [asked()], ms("2026-12-01T03:00Z"), None)
    assert (request.method, request.url, request.body) == ("PUT", url, b"id\r\n")
    assert request.headers["Content-Type"] == "text/csv; charset=utf-8"


def test_a_bucket_gets_a_request_that_its_owner_would_sign_so() -> None:
    now_ms = ms("2026-12-01T03:00:05Z")
    request = KIND.request(endpoint(**S3), [asked(body=b"id\r\ncall_1\r\n")], now_ms, None)
    headers = {"Content-Type": request.headers["Content-Type"]}
    keys = Keys(KEYS.access_key, KEYS.secret_key, "us-east-1")
    theirs = by_botocore("PUT", request.url, headers, request.body, keys, now_ms)
    assert request.headers["Authorization"].replace(" ", "") == theirs.replace(" ", "")
    assert KEYS.secret_key not in str(request)


def test_a_test_has_a_name_of_its_own_and_is_of_today() -> None:
    at_ms = ms("2026-12-01T23:30Z")
    outgoing = asked(type="test", data={"call": {}}, at_ms=at_ms)
    request = KIND.request(endpoint(folder="x", timezone="Asia/Tokyo"), [outgoing], at_ms, None)
    assert request.url == "file:x/test-2026-12-02.csv"


def test_without_keys_nothing_is_sent_and_it_is_said_why() -> None:
    said = KIND.check(endpoint(Secrets(access_key="A"), **S3), asked(), 0)
    assert isinstance(said, Skip)
    assert "secret key" in said.why
    assert KIND.check(endpoint(**S3), asked(), 0) is None
    assert KIND.check(endpoint(Secrets(), folder="x"), asked(), 0) is None


@pytest.mark.parametrize(
    ("answer", "state", "why"),
    [
        (Answer(status=200), "delivered", None),
        (Answer(status=201, body=b"12 bytes"), "delivered", None),
        (
            Answer(
                status=403,
                body=b'<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code><Message>The request signature '
                b"we calculated does not match.</Message></Error>",
            ),
            "again",
            "it answered 403: SignatureDoesNotMatch. The request signature we calculated does not match.",
        ),
        (
            Answer(status=404, body=b"<Error><Code>NoSuchBucket</Code></Error>"),
            "again",
            "it answered 404: NoSuchBucket",
        ),
        (Answer(status=503, headers={"retry-after": "7"}), "again", "it answered 503"),
        (Answer(why="the file cannot be written: No space left on device"), "again", "No space left"),
    ],
)
def test_what_an_answer_means(answer: Answer, state: str, why: str | None) -> None:
    [result] = KIND.results(endpoint(**S3), [asked()], answer)
    assert result.state == state
    assert (result.why is None) if why is None else why in (result.why or "")


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"folder": ""}, "folder"),
        ({"folder": ".."}, "folder"),
        ({"folder": "a/b"}, "folder"),
        ({"folder": ".hidden"}, "folder"),
        ({"folder": "a\0"}, "folder"),
        ({"to": "s3"}, "bucket"),
        (S3 | {"bucket": "Acme"}, "bucket"),
        (S3 | {"bucket": "acme/calls"}, "bucket"),
        (S3 | {"bucket": "acme.calls"}, "path_style"),
        (S3 | {"region": "us east"}, "region"),
        (S3 | {"prefix": "/calls"}, "prefix"),
        (S3 | {"prefix": "a/../b"}, "prefix"),
        (S3 | {"prefix": "a?b"}, "prefix"),
        (S3 | {"base_url": "s3.example.com"}, "base_url"),
        (S3 | {"base_url": "ftp://s3.example.com"}, "base_url"),
        (S3 | {"base_url": "https://s3.example.com/path"}, "base_url"),
        (S3 | {"base_url": "https://key:secret@s3.example.com"}, "base_url"),
        ({"folder": "a", "timezone": "Mars/Base"}, "timezone"),
        ({"folder": "a", "columns": ("id", "caler")}, "columns/1"),
    ],
)
def test_what_cannot_be_is_refused_by_name(settings: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidField) as refused:
        Settings(**settings)
    assert refused.value.errors[0].path == f"/settings/{path}"


def test_an_hour_that_no_day_has_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$.hour"):
        msgspec.convert({"folder": "a", "hour": 24}, Settings)


@pytest.mark.parametrize(
    ("zone", "hour", "created", "now", "days"),
    [
        # Made today: nothing yet. From tomorrow's hour on there is today's.
        ("UTC", 3, "2026-11-30T15:00Z", "2026-11-30T23:59Z", []),
        ("UTC", 3, "2026-11-30T15:00Z", "2026-12-01T02:59Z", []),
        ("UTC", 3, "2026-11-30T15:00Z", "2026-12-01T03:00Z", [30]),
        ("UTC", 0, "2026-11-30T15:00Z", "2026-12-01T00:00Z", [30]),
        # A day is one of the zone's: this one was made on the 29th there.
        ("America/New_York", 3, "2026-11-30T03:00Z", "2026-11-30T08:00Z", [29]),
        ("America/New_York", 3, "2026-11-30T03:00Z", "2026-11-30T07:59Z", []),
        # Nothing ran for a while.
        ("UTC", 3, "2026-10-01T00:00Z", "2026-11-30T12:00Z", [23, 24, 25, 26, 27, 28, 29]),
        # Clocks go back: the day has 25 hours, and the hour comes twice.
        ("America/New_York", 1, "2026-10-31T12:00-04:00", "2026-11-01T01:30-04:00", [31]),
    ],
)
def test_which_days_are_due(zone: str, hour: int, created: str, now: str, days: list[int]) -> None:
    settings = Settings(folder="x", timezone=zone, hour=hour)
    assert [day.day for day in due(settings, ms(created), ms(now))] == days


@given(
    zone=st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]),
    hour=st.integers(0, 23),
    created=st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
    after_ms=st.integers(0, 40 * 86_400_000),
)
def test_a_day_is_due_when_it_is_over_and_never_twice(zone: str, hour: int, created: datetime, after_ms: int) -> None:
    created_ms = round(created.replace(tzinfo=UTC).timestamp() * 1000)
    now_ms = created_ms + after_ms
    today = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(zone)).date()
    days = due(Settings(folder="x", timezone=zone, hour=hour), created_ms, now_ms)
    assert days == sorted(set(days))
    assert len(days) <= CATCH_UP_DAYS
    assert all(day < today for day in days)
    assert not days or days[-1] >= date.fromordinal(today.toordinal() - 2)
