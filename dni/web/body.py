"""Reading a request's body: bounded, then decoded into a typed value, with the place of what is wrong."""

import re
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope

from dni.errors import BadBody, BodyTooLarge, InvalidField
from dni.sheet import text_of

JSON_LIMIT = 65_536
FORM_LIMIT = 65_536

_MOST_FIELDS = 512
_BOUNDARY = re.compile(r"""\bboundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))""", re.IGNORECASE)
_FIELD_NAME = re.compile(rb"""\bform-data;[^\r\n]*?\bname="([^"]*)\"""", re.IGNORECASE)

T = TypeVar("T")
# msgspec says "Expected `str`, got `int` - at `$.page.url`"; of an object with any keys it does not say which:
# "… - at `key` in `$.regions`", "… - at `$.regions[...][0]`".
_PLACE = re.compile(r" - at (?:`key` in )?`(?P<path>[^`]*?)(?:\[\.\.\.\][^`]*)?`$")


async def read(scope: Scope, receive: Receive, limit: int = JSON_LIMIT) -> bytes:
    """The whole body, or BodyTooLarge as soon as that is known. An upload that breaks off is BadBody."""
    length = dict(scope["headers"]).get(b"content-length")
    if length is not None and length.isdigit() and int(length) > limit:
        raise BodyTooLarge(f"at most {limit} bytes, not {int(length)}")
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadBody("the connection closed before the body was whole")
        body += message.get("body", b"")
        if len(body) > limit:
            raise BodyTooLarge(f"at most {limit} bytes")
        if not message.get("more_body"):
            return body


def decode(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """A JSON body as a value. Raises BadBody for what is no JSON, InvalidField (JSON Pointer) for a wrong shape."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadBody(f"the body is no JSON: {error}") from None
    except RecursionError:
        raise BadBody("the body is nested too deeply") from None


def invalid(error: msgspec.ValidationError) -> InvalidField:
    """msgspec's complaint in our shape: `$.page.url` becomes `/page/url`."""
    text = str(error)
    found = _PLACE.search(text)
    path = "" if not found else re.sub(r"\.|\[", "/", found["path"].removeprefix("$")).replace("]", "")
    return InvalidField(path, text[: found.start()] if found else text)


def multipart(body: bytes, content_type: str) -> dict[str, str]:
    """A form of a page with a file in it (multipart/form-data, RFC 7578): texts by field; a file is its text. Raises
    BadBody."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise BadBody("a form with files names its boundary")
    pieces = (b"\r\n" + body).split(b"\r\n--" + (boundary[1] or boundary[2]).encode())
    if len(pieces) > _MOST_FIELDS + 2 or not pieces[-1].startswith(b"--"):
        raise BadBody("the form is not whole, or has more than 512 fields")
    found: dict[str, str] = {}
    for piece in pieces[1:-1]:
        head, is_there, content = piece.partition(b"\r\n\r\n")
        name = _FIELD_NAME.search(head)
        if not is_there or name is None:
            raise BadBody("a field of the form has no name")
        found[name[1].decode(errors="replace")] = text_of(content)
    return found


def form(body: bytes) -> dict[str, str]:
    """An urlencoded form of a page. Bytes that are not UTF-8 are replaced. Raises BadBody for a flood of fields."""
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise BadBody("a form has at most 512 fields") from None
