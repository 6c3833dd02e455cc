"""What endpoints there can be, and their settings as values. Pure."""

from typing import Any, TypeVar

import msgspec

from dni.errors import FieldError, InvalidField
from dni.outbound import files, ga4, google_ads_api, hubspot, meta, microsoft_ads, postback, salesforce, tiktok, webhook
from dni.outbound.model import Kind
from dni.web.body import invalid

_ALL: tuple[Kind, ...] = (
    webhook.KIND,
    postback.KIND,
    google_ads_api.KIND,
    microsoft_ads.KIND,
    ga4.KIND,
    meta.KIND,
    tiktok.KIND,
    hubspot.KIND,
    salesforce.KIND,
    files.KIND,
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}

T = TypeVar("T")


def read(struct: type[T], given: dict[str, Any], path: str) -> T:
    """A kind's settings or secrets. Raises InvalidField below `path`: /settings or /secrets."""
    try:
        return msgspec.convert(given, struct)
    except msgspec.ValidationError as error:
        wrong = invalid(error).errors
        told = [FieldError(path + one.path, one.message) for one in wrong]
        raise InvalidField(told[0].path, told[0].message, *told[1:]) from None
