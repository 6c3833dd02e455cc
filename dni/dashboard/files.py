"""Files that a reader downloads. Every one is made here, so that all are safe and whole in the same way."""

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

# Excel reads a file that does not begin so in the machine's old code page, not as UTF-8; other programs skip it.
_FOR_EXCEL = "\ufeff"


async def download(name: str, parts: AsyncIterator[str], *, for_people: bool = True) -> Response:
    """A CSV file, sent while it is made: memory holds one part of it, and who goes away ends the making.

    name         ASCII letters, digits, `-` and `.`: the file's name on the reader's disk
    parts        at least one, of whole lines of `dni.cells`. What is refused while the first is made is told as a
                 page; a failure later breaks the connection, so that half a file never looks whole
    for_people   begins with a byte order mark; a program that reads the file may want none
    """
    first = await anext(parts)

    async def whole() -> AsyncIterator[str]:
        yield (_FOR_EXCEL if for_people else "") + first
        async for part in parts:
            yield part

    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(whole(), media_type="text/csv; charset=utf-8", headers=headers)
