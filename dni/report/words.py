"""Storage of the words that codes stand for. They are only added to: a code means the same for ever."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.bulk import Many
from dni.ledger.engines import Ledger
from dni.ledger.schema import word

_AT_ONCE = 2_000
_COLUMNS = ("dimension", "code", "digest", "folded", "text")

Text = str | None
Found = dict[str, dict[Text, int]]


class Words:
    """The codes of some texts, by dimension; what is new has a code too, from the next free one on.

    Who only reads forgets the new ones afterwards; who writes keeps them (`keeping`), alone at it.
    """

    def __init__(self) -> None:
        self.codes: Found = {}
        self.fresh: dict[str, dict[int, Text]] = {}
        self._next: dict[str, int] = {}

    async def find(self, connection: AsyncConnection, texts: Mapping[str, Collection[Text]]) -> None:
        for dimension, wanted in texts.items():
            known = self.codes.setdefault(dimension, {})
            missing = [text for text in wanted if text not in known]
            by_digest = {digest(text): text for text in missing}
            for some in _some(list(by_digest)):
                asked = select(word.c.digest, word.c.code).where(word.c.dimension == dimension, word.c.digest.in_(some))
                for found, code in await connection.execute(asked):
                    known[by_digest[bytes(found)]] = code
            new = [text for text in missing if text not in known]
            if new:
                await self._number(connection, dimension, new)

    async def _number(self, connection: AsyncConnection, dimension: str, new: list[Text]) -> None:
        if dimension not in self._next:
            last = select(func.max(word.c.code)).where(word.c.dimension == dimension)
            self._next[dimension] = ((await connection.execute(last)).scalar() or 0) + 1
        for text in new:
            code = self._next[dimension]
            self._next[dimension] = code + 1
            self.codes[dimension][text] = code
            self.fresh.setdefault(dimension, {})[code] = text

    def batches(self, most: int) -> list[tuple[str, dict[int, Text]]]:
        """The new ones, by dimension, to be kept: in the order of their codes, at most `most` at once."""
        return [
            (dimension, dict(some))
            for dimension, fresh in self.fresh.items()
            for some in _some(list(fresh.items()), most)
        ]


def keeping(ledger: Ledger) -> Many:
    """Adds words, told as `rows`."""
    return ledger.many(ledger.insert(word), _COLUMNS)


def rows(dimension: str, some: Mapping[int, Text]) -> list[tuple[Any, ...]]:
    return [(dimension, code, digest(text), folded(text), text) for code, text in some.items()]


async def texts_of(connection: AsyncConnection, dimension: str, codes: Iterable[int]) -> dict[int, Text]:
    """What codes stand for; those that nobody kept are left out."""
    found: dict[int, Text] = {}
    for some in _some(sorted(set(codes))):
        asked = select(word.c.code, word.c.text).where(word.c.dimension == dimension, word.c.code.in_(some))
        found |= {row[0]: row[1] for row in await connection.execute(asked)}
    return found


async def after(connection: AsyncConnection, dimension: str, code: int) -> list[tuple[int, str]]:
    """Codes above `code` with their words, in order."""
    asked = select(word.c.code, word.c.text).where(word.c.dimension == dimension, word.c.code > code)
    return [(row[0], row[1]) for row in await connection.execute(asked.order_by(word.c.code))]


async def alike(connection: AsyncConnection, dimension: str, text: str) -> list[int]:
    """Codes of the words that are this text, whatever the case of ASCII letters."""
    asked = select(word.c.code).where(word.c.dimension == dimension, word.c.folded == folded(text))
    return list((await connection.execute(asked)).scalars())


def digest(text: Text) -> bytes:
    return blake2b(b"" if text is None else b"=" + text.encode(), digest_size=16).digest()


def folded(text: Text) -> bytes:
    return digest(None if text is None else fold(text))


def fold(text: str) -> str:
    """ASCII letters in lower case: what both engines agree on."""
    return "".join(char.lower() if char.isascii() else char for char in text)


def _some(values: Sequence[Any], most: int = _AT_ONCE) -> Iterable[Sequence[Any]]:
    return (values[at : at + most] for at in range(0, len(values), most))
