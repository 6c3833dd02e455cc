"""What a process holds of the columns between reports, within bounds; and the words that are codes of codes."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.engines import Ledger
from dni.report import chunks, words
from dni.report.chunks import Chunk
from dni.report.columns import PATH, Column, Columns

_BYTES = 160 * 1024 * 1024

_codes = msgspec.json.Decoder(list[int]).decode
_owner = msgspec.json.Decoder(tuple[str | None, str | None, str | None]).decode

Owner = tuple[str | None, str | None, str | None]


class Held:
    """Of one ledger. Everything here is true for ever: columns of a chunk's version, and what a code means."""

    def __init__(self) -> None:
        self._columns: OrderedDict[tuple[int, int, str], Column] = OrderedDict()
        self._bytes = 0
        self._paths = np.zeros((1, len(PATH)), np.int64)
        self._path_last = 0
        self._owners: dict[int, Owner] = {}

    async def columns(
        self, connection: AsyncConnection, of: Sequence[Chunk], names: Collection[str]
    ) -> dict[int, Columns]:
        """Of sealed chunks, by their id."""
        found: dict[int, Columns] = {}
        for each in of:
            keys = [(each.id, each.version, name) for name in names]
            if all(key in self._columns for key in keys):
                found[each.id] = {key[2]: self._used(key) for key in keys}
        missing = {each.id: each.version for each in of if each.id not in found}
        read = await chunks.columns(connection, list(missing), names)
        for of_id, columns in read.items():
            for name, column in columns.items():
                self._hold((of_id, missing[of_id], name), column)
        found |= read
        self._forget()
        return found

    async def paths(self, connection: AsyncConnection, fresh: dict[int, Any]) -> Column:
        """By code of a path the codes of PATH, one row each. `fresh`: words that nobody keeps."""
        new = await words.after(connection, "path", self._path_last)
        if new:
            last = new[-1][0]
            grown = np.zeros((last + 1, len(PATH)), np.int64)
            grown[: len(self._paths)] = self._paths
            grown[[code for code, _ in new]] = [_codes(text) for _, text in new]
            self._paths, self._path_last = grown, last
        if not fresh:
            return self._paths
        whole = np.zeros((max(fresh) + 1, len(PATH)), np.int64)
        whole[: len(self._paths)] = self._paths
        for code, text in fresh.items():
            whole[code] = _codes(text)
        return whole

    async def owners(self, connection: AsyncConnection, fresh: dict[int, Any]) -> dict[int, Owner]:
        """Campaign, publisher and tag of each code of an owner."""
        for code, text in await words.after(connection, "owner", max(self._owners, default=0)):
            self._owners[code] = _owner(text)
        return self._owners | {code: _owner(text) for code, text in fresh.items()}

    def _used(self, key: tuple[int, int, str]) -> Column:
        self._columns.move_to_end(key)
        return self._columns[key]

    def _hold(self, key: tuple[int, int, str], column: Column) -> None:
        if key not in self._columns:
            self._columns[key] = column
            self._bytes += column.nbytes

    def _forget(self) -> None:
        while self._bytes > _BYTES:
            _, column = self._columns.popitem(last=False)
            self._bytes -= column.nbytes


_held: WeakKeyDictionary[Ledger, Held] = WeakKeyDictionary()


def held(ledger: Ledger) -> Held:
    return _held.setdefault(ledger, Held())
