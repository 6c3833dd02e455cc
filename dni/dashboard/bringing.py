"""Which publishers bring a campaign its calls: those of its tags and of its static numbers."""

from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access.model import Principal
from dni.campaign import publishers
from dni.pool import numbers
from dni.pool.numbers import NumberFilter
from dni.tag import tags
from dni.tag.tags import TagFilter

_MANY = 500


async def publishers_of(connection: AsyncConnection, principal: Principal, campaign: str) -> dict[str, str]:
    """Names by id, in the order of the names."""
    placed, _ = await tags.page(connection, principal, "", _MANY, only=TagFilter(campaign=campaign))
    static = NumberFilter(kind="static", campaign=campaign)
    bound, _ = await numbers.page(connection, principal, _MANY, only=static)
    called = {one.id: one.name for one in (await publishers.page(connection, principal, _MANY))[0]}
    bring = {one for one in (*(tag.publisher for tag in placed), *(each.publisher for each in bound)) if one}
    return {one: called[one] for one in sorted(bring & called.keys(), key=lambda one: called[one].casefold())}
