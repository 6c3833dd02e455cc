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
from dni.report.path_groups import PathGroups, extended, grouped

_BYTES = 160 * 1024 * 1024
_GROUPS_BYTES = 64 * 1024 * 1024
# All paths are grouped where this share of them may occur in a report; and anew when so many are behind the last time.
_WORTH_IT, _GROWN = 0.25, 0.1

_codes = msgspec.json.Decoder(list[int]).decode
_owner = msgspec.json.Decoder(tuple[str | None, str | None, str | None]).decode

Owner = tuple[str | None, str | None, str | None]


class Paths(msgspec.Struct, frozen=True):
    """What each code of a path stands for: the codes of PATH, a row for each. `fresh` goes on behind `kept`."""

    kept: Column
    fresh: Column

    @property
    def many(self) -> int:
        return int(self.kept.shape[1] + self.fresh.shape[1])

    def of(self, codes: Column, name: str) -> Column:
        at, many = PATH.index(name), self.kept.shape[1]
        kept: Column = self.kept[at]
        if not self.fresh.shape[1] and len(codes) == many:  # of all of them
            return kept
        found: Column = kept[np.minimum(codes, many - 1)]
        is_fresh = codes >= many
        found[is_fresh] = self.fresh[at][codes[is_fresh] - many]
        return found


class Held:
    """Of one ledger. Everything here is true for ever: columns of a chunk's version, and what a code means."""

    def __init__(self) -> None:
        self._columns: OrderedDict[tuple[int, int, str], Column] = OrderedDict()
        self._bytes = 0
        self._paths = np.zeros((len(PATH), 1), np.int32)
        self._owners: dict[int, Owner] = {}
        self._groups: OrderedDict[tuple[str, ...], PathGroups] = OrderedDict()

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

    async def paths(self, connection: AsyncConnection, fresh: dict[int, Any]) -> Paths:
        """`fresh`: words that nobody keeps, with the codes behind those that are kept."""
        known = self._paths.shape[1]
        new = await chunks.within(connection, "path", known, 1 << 31)
        if new:
            grown = np.zeros((len(PATH), new[-1].to_ms), np.int32)
            grown[:, :known] = self._paths
            for of, columns in (await chunks.columns(connection, [each.id for each in new])).items():
                each = next(one for one in new if one.id == of)
                for at, name in enumerate(PATH):
                    grown[at, each.from_ms : each.to_ms] = columns[name]
            self._paths = grown
        if not fresh:
            return Paths(self._paths, np.zeros((len(PATH), 0), np.int32))
        # Another report may have read later codes than this one knows of.
        told = np.array([_codes(text) for text in fresh.values()], np.int32).T
        return Paths(self._paths[:, : min(fresh)], told)

    def path_groups(self, names: tuple[str, ...], paths: Paths, rows: int) -> PathGroups | None:
        """How all paths are grouped by `names`; None where it would not be worth it for so many rows."""
        known, kept = self._groups.get(names), paths.kept.shape[1]
        if known is None or len(known.numbers) < kept * (1 - _GROWN):
            if rows < paths.many * _WORTH_IT:
                return None
            known = grouped([paths.kept[PATH.index(name)] for name in names])
            self._groups[names] = known
            while len(self._groups) > 1 and sum(each.bytes for each in self._groups.values()) > _GROUPS_BYTES:
                self._groups.popitem(last=False)
        if len(known.numbers) > kept:  # another report has read later ones
            known = known.first(kept)
        later = np.arange(len(known.numbers), paths.many)
        return extended(known, [paths.of(later, name) for name in names]) if len(later) else known

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
