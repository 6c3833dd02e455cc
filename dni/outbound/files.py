"""A file of each day's calls, made at night: in a folder of the service's machine, or in a bucket that speaks S3. Pure.

A day is one on the clock of the endpoint's time zone. Its file has the calls that began on it, as the API writes them
as CSV, newest first. The same day has the same name, so a file that is made again takes the place of the former one:
amounts and verdicts are then those of that moment.

S3 as its reference has PutObject, in November 2026: one PUT, at most 5 GB, answered 200.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from dni.api.table import names
from dni.call.views import CallView
from dni.campaign import model
from dni.errors import InvalidField
from dni.outbound import sigv4
from dni.outbound.model import Answer, Endpoint, Kind, Outgoing, Request, Result, Skip, plain_result

CATCH_UP_DAYS = 7
"""So many days are made up for after a time in which nothing ran."""

_FOLDER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
# What S3's documentation calls safe in keys, without what an address or a shell would have to quote.
_PREFIX = re.compile(r"(?!/)[A-Za-z0-9._/-]{0,500}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_ERROR = re.compile(rb"<Code>([^<]{1,100})</Code>(?:\s*<Message>([^<]{1,300})</Message>)?")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the files go, when, and what is in them.

    to          `folder` or `s3`
    folder      of `folder`: the name of a folder under the operator's DNI_EXPORT_DIR
    base_url    of `s3`: https:// and host of the service; empty: Amazon's of the region
    region      of `s3`; others than Amazon mostly take us-east-1
    bucket      of `s3`
    prefix      of `s3`: put in front of the name, such as calls/
    path_style  of `s3`: the bucket stands in the path, not in the host
    hour        from which a day's file is made, on the next day, on the clock of `timezone`: 0 to 23
    timezone    IANA name: when a day begins
    columns     names of columns as the API's CSV of calls has them, in this order; none: all
    """

    to: Annotated[Literal["folder", "s3"], msgspec.Meta(title="Where to", description="A folder here, or a bucket")] = (
        "folder"
    )
    folder: Annotated[
        str, msgspec.Meta(title="Folder", description="Its name under the folder that DNI_EXPORT_DIR names")
    ] = ""
    base_url: Annotated[
        str, msgspec.Meta(title="Address of the S3 service", description="Empty: Amazon's; else https:// and its host")
    ] = ""
    region: Annotated[
        str, msgspec.Meta(title="Region", description="Such as eu-central-1; others than Amazon mostly take us-east-1")
    ] = "us-east-1"
    bucket: Annotated[str, msgspec.Meta(title="Bucket", description="It must exist already")] = ""
    prefix: Annotated[
        str, msgspec.Meta(title="In front of the name", description="Such as calls/ for a folder in the bucket")
    ] = ""
    path_style: Annotated[
        bool,
        msgspec.Meta(title="Bucket in the path", description="MinIO, Ceph and others mostly need it; Amazon does not"),
    ] = False
    hour: Annotated[
        int, msgspec.Meta(title="Hour", description="From when on the day before is written: 0 to 23", ge=0, le=23)
    ] = 3
    timezone: Annotated[
        str, msgspec.Meta(title="Time zone", description="On whose clock days begin, such as America/New_York")
    ] = "UTC"
    columns: Annotated[
        tuple[str, ...],
        msgspec.Meta(title="Columns", description="As the API's CSV of calls names them, one a line; none: all"),
    ] = ()

    def __post_init__(self) -> None:
        model.timezone(self.timezone, "/settings/timezone")
        for place, name in enumerate(self.columns):
            if name not in COLUMNS:
                wrong = f"no column of calls: {name[:40]!r}; {', '.join(COLUMNS)}"
                raise InvalidField(f"/settings/columns/{place}", wrong)
        if self.to == "folder":
            if not _FOLDER.fullmatch(self.folder):
                raise InvalidField("/settings/folder", "letters, digits, - _ and . (not in front), at most 100")
            return
        if not _REGION.fullmatch(self.region):
            raise InvalidField("/settings/region", "such as us-east-1: small letters, digits and -")
        if not _BUCKET.fullmatch(self.bucket):
            raise InvalidField("/settings/bucket", "a bucket's name: 3 to 63 small letters, digits, - and .")
        if "." in self.bucket and not self.path_style:
            right = "no certificate fits a host with this bucket's name: its . needs the bucket in the path"
            raise InvalidField("/settings/path_style", right)
        if not _PREFIX.fullmatch(self.prefix) or ".." in self.prefix or "//" in self.prefix:
            raise InvalidField("/settings/prefix", "letters, digits and - _ . / (not in front, not two), at most 500")
        if self.base_url:
            _check_service(self.base_url)


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of `s3`; it needs to put objects into the bucket, and nothing else.

    access_key  its id
    secret_key  what signs requests
    """

    access_key: Annotated[
        str, msgspec.Meta(title="Access key", description="Of a user who may put objects there, and nothing else")
    ] = ""
    secret_key: Annotated[str, msgspec.Meta(title="Secret key", description="It signs requests and is never sent")] = ""


COLUMNS = names(CallView)
"""Those of the API's CSV of calls."""


def day_of(outgoing: Outgoing, zone: str) -> date:
    """Whose calls are meant: the day of an `export.due`; of another message, such as a test, the day of its time."""
    if outgoing.message.type == "export.due":
        return date.fromisoformat(outgoing.message.data["day"])
    return _local(outgoing.message.at_ms, zone).date()


def due(settings: Settings, created_ms: int, now_ms: int) -> list[date]:
    """The days whose files should be there by now, oldest first: at most `CATCH_UP_DAYS`, and none that was over when
    the endpoint was made."""
    now, created = (_local(ms, settings.timezone) for ms in (now_ms, created_ms))
    last = now.date() - timedelta(days=1 if now.hour >= settings.hour else 2)
    days = (last - timedelta(days=back) for back in reversed(range(CATCH_UP_DAYS)))
    return [day for day in days if day >= created.date()]


def _check_service(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise InvalidField("/settings/base_url", "scheme and host only, such as https://s3.example.com")
    if parts.username or parts.password or parts.fragment:
        raise InvalidField("/settings/base_url", "without a name, a password or a #")


def _check(endpoint: Endpoint, _outgoing: Outgoing, _now_ms: int) -> Skip | None:
    settings: Settings = endpoint.settings
    if settings.to == "s3" and not (endpoint.secrets.access_key and endpoint.secrets.secret_key):
        return Skip("the bucket's access key or secret key is missing: enter both, then send this again")
    return None


def _request(endpoint: Endpoint, outgoing: Sequence[Outgoing], now_ms: int, _token: str | None) -> Request:
    settings: Settings = endpoint.settings
    [one] = outgoing
    kind = "calls" if one.message.type == "export.due" else "test"
    name = f"{kind}-{day_of(one, settings.timezone).isoformat()}.csv"
    headers = {"Content-Type": "text/csv; charset=utf-8"}
    if settings.to == "folder":
        return Request(url=f"file:{settings.folder}/{name}", method="PUT", headers=headers, body=one.gathered)
    url = _object(settings, f"{settings.prefix}{name}")
    keys = sigv4.Keys(endpoint.secrets.access_key, endpoint.secrets.secret_key, settings.region)
    return Request(
        url=url, method="PUT", headers=sigv4.signed("PUT", url, headers, one.gathered, keys, now_ms), body=one.gathered
    )


def _object(settings: Settings, key: str) -> str:
    service = urlsplit(settings.base_url or f"https://s3.{settings.region}.amazonaws.com")
    host, path = service.netloc, f"/{key}"
    if settings.path_style:
        return f"{service.scheme}://{host}/{settings.bucket}{path}"
    return f"{service.scheme}://{settings.bucket}.{host}{path}"


def _results(_endpoint: Endpoint, outgoing: Sequence[Outgoing], answer: Answer) -> list[Result]:
    result = plain_result(answer)
    said = _ERROR.search(answer.body)
    if result.state == "again" and said:
        code, message = said[1].decode(errors="replace"), (said[2] or b"").decode(errors="replace")
        result = msgspec.structs.replace(result, why=f"{result.why}: {code}{'. ' if message else ''}{message}")
    return [result] * len(outgoing)


def _local(ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(zone))


KIND = Kind(
    name="csv",
    label="CSV to a folder or bucket, nightly",
    settings=Settings,
    secrets=Secrets,
    converts=False,
    types=(),
    may_ask=(),
    check=_check,
    request=_request,
    results=_results,
    gathers=True,
    proven="Its signature is held against Amazon's published examples and against botocore, Amazon's own client. It "
    "was not tried against a live S3 service.",
)
