"""Scripts as browsers fetch them, kept in memory: made and compressed once for each content."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path

from dni.catalog.model import Tag
from dni.errors import NotFound
from dni.parts import Parts
from dni.tag import scripts
from dni.tag.encoded import Encoded, encoded
from dni.tag.script import script

_STATIC = Path(__file__).parents[2] / "static"
# Some 20 KB each. The address that a request names is part of a key, so strangers can make new ones.
_KEPT = 1_000


class Delivery:
    def __init__(self, parts: Parts, static: Path = _STATIC) -> None:
        self._parts, self._static = parts, static
        self._kept: OrderedDict[Hashable, tuple[object, Encoded]] = OrderedDict()

    async def script(self, tag: Tag, endpoint: str, preview: str | None = None) -> Encoded:
        """The tag's script, which speaks to `endpoint`. `tag` is one of the catalog, or a draft of it by a token."""
        key = (tag.id, endpoint, preview)
        made_of, found = self._kept.get(key, (None, None))
        if found is None or made_of is not tag:
            body = script(tag, endpoint, preview)
            if found is None or found.bodies["identity"] != body:
                found = await asyncio.to_thread(encoded, body)
        return self._keep(key, tag, found)

    async def pinned(self, tag: Tag, version: str) -> Encoded:
        """What was handed out by this version. Raises NotFound, Unavailable."""
        if (tag.id, version) not in self._parts.catalog.now.pinned:  # the ledger is not asked for every guess
            raise NotFound(f"version {version[:32]!r} of this tag was never handed out; pin it, then copy the snippet")
        _, found = self._kept.get((tag.id, version), (None, None))
        if found is None:
            async with self._parts.ledger.read() as connection:
                body = await scripts.body(connection, tag.id, version)
            found = await asyncio.to_thread(encoded, body)
        return self._keep((tag.id, version), None, found)

    async def file(self, name: str) -> Encoded:
        """A script that the tag loads when it is needed. Raises NotFound."""
        _, found = self._kept.get(name, (None, None))
        if found is None:
            found = await asyncio.to_thread(self._read, name)
        return self._keep(name, None, found)

    def _read(self, name: str) -> Encoded:
        try:
            return encoded((self._static / name).read_bytes())
        except FileNotFoundError:
            raise NotFound(f"this installation has no {name}") from None

    def _keep(self, key: Hashable, made_of: object, found: Encoded) -> Encoded:
        self._kept[key] = made_of, found
        self._kept.move_to_end(key)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found
