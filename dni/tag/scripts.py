"""Scripts that were handed out by their version: a page that names one gets these very bytes, for ever."""

import gzip

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.errors import NotFound
from dni.ledger.schema import tag_script
from dni.tag.encoded import version, zipped


async def keep(connection: AsyncConnection, now_ms: int, tag_id: str, body: bytes) -> None:
    """Once. In the transaction of `change.one_change`, so no other does the same beside it."""
    this = {"tag_id": tag_id, "version": version(body)}
    kept = select(tag_script.c.version).filter_by(**this)
    if (await connection.execute(kept)).first() is None:
        await connection.execute(insert(tag_script).values(**this, body=zipped(body), created_at_ms=now_ms))


async def body(connection: AsyncConnection, tag_id: str, version: str) -> bytes:
    """Raises NotFound."""
    query = select(tag_script.c.body).filter_by(tag_id=tag_id, version=version)
    found = (await connection.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"version {version!r} of this tag was never handed out")
    return gzip.decompress(found)
