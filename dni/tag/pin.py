"""Hands out a tag's present script by its version, for pages that check what they load (subresource integrity)."""

from base64 import b64encode
from hashlib import sha384

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.catalog import load
from dni.tag import scripts, tags
from dni.tag.encoded import version
from dni.tag.script import script


class PinnedView(msgspec.Struct):
    """`snippet` is for the page: the script that it names never changes, whatever becomes of the tag."""

    version: str
    integrity: str
    snippet: str


async def pin(connection: AsyncConnection, now_ms: int, wanted: str, base_url: str) -> PinnedView:
    """The same script has the same version. In the transaction of `change.one_change`. Raises NotFound."""
    row = await tags.row(connection, wanted)
    body = script(load.tag(row), base_url)
    await scripts.keep(connection, now_ms, wanted, body)
    integrity = "sha384-" + b64encode(sha384(body).digest()).decode()
    return PinnedView(version(body), integrity, tags.snippet(base_url, f"{row['key']}.{version(body)}", integrity))
