"""Brings together what a report counts: sealed chunks, and the rows of whatever is not copied yet."""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from math import prod
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access.model import Principal
from dni.ledger.engines import Ledger
from dni.ledger.schema import campaign
from dni.ledger.stale import Kind
from dni.report import chunks, facts, words, zones
from dni.report.amounts import figures, is_judged, parts
from dni.report.columns import (
    ALONE,
    MONEY,
    OWNER,
    PATH,
    QUARTER_MS,
    Column,
    Columns,
    Fact,
    columns,
    path_word,
    texts,
)
from dni.report.count import Block, Counted, Dimension, count
from dni.report.held import Held, Owner, Paths, held
from dni.report.model import OF_CALL, OF_TIME, ReportFilter
from dni.report.path_groups import PathGroups, grouped
from dni.report.words import Words, fold

_DAY_MS = 86_400_000
# Rows that are read at once where nothing is copied.
_SLICE = 50_000

Values = Callable[[AsyncConnection, Column], Any]


class Part(msgspec.Struct, frozen=True):
    """Columns of one chunk, or of rows that are in none."""

    kind: Kind
    from_ms: int
    to_ms: int
    rows: int
    columns: Columns


class Gathered:
    def __init__(
        self,
        held: Held,
        only: ReportFilter,
        names: tuple[str, ...],
        model: str,
        before_ms: int | None,
        principal: Principal,
    ) -> None:
        self.held = held
        self.parts: list[Part] = []
        self.words = Words()
        self.paths = Paths(np.zeros((len(PATH), 1), np.int32), np.zeros((len(PATH), 0), np.int32))
        self.owners: dict[int, Owner] = {}
        self.zones: dict[str | None, str] = {}
        self.currencies: dict[str, str] = {}
        """Of campaigns that may be in the report."""
        self.currency = ""
        """Of the amounts, once it is counted; `others`: those that judged calls have beside it."""
        self.others: list[str] = []
        self.codes: dict[str, list[int]] = {}
        """Of each text that is asked for."""
        self._used: Column | None = None
        self._grouped: PathGroups | None = None
        self._only, self._names, self._model, self._principal = only, names, model, principal
        self.from_ms, self.to_ms = only.from_ms if before_ms is None else before_ms, only.to_ms

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """A report of what only calls have counts no sessions."""
        alone = bool(set(self._names) & set(OF_CALL)) or self._only.of_calls_alone
        return ("call",) if alone else ("session", "call")

    def columns(self, kind: Kind, part: bool) -> set[str]:
        """Those that are needed; `part`: not all of the chunk is within the time that is asked for."""
        asked = {*self._names, *self._only.texts}
        wanted = {name for name in (*ALONE, "number") if name in asked}
        wanted |= {"path"} if asked & set(PATH) else set()
        wanted |= {"quarter"} if asked & set(OF_TIME) else set()
        wanted |= {"owner"} if self._needs_owner() else set()
        wanted |= {"at"} if part else set()
        if kind == "session":
            return wanted | {"leased"}
        return wanted | {"credited", "first", "answered", "duration", "talk", "stated", self._model, *MONEY}

    def splits(self, from_ms: int, to_ms: int) -> bool:
        """Whether a stretch lies in one period only in part."""
        return any(from_ms < edge < to_ms for edge in (self.from_ms, self._only.from_ms, self.to_ms))

    def _needs_owner(self) -> bool:
        only, who = self._only, self._principal
        walls = (only.campaign, only.publisher, only.tag, who.campaign, who.publisher)
        by_zone = bool({*self._names} & set(OF_TIME)) and len(set(self.zones.values())) > 1
        by_currency = len(self._known_currencies) > 1
        return bool({*self._names} & set(OWNER)) or any(walls) or by_zone or by_currency

    def count(self) -> Counted:
        blocks = self._in_one_currency([block for part in self.parts for block in self._blocks(part)])
        return count(blocks, [self._dimension(name) for name in self._dimensions()], self._model)

    @cached_property
    def _known_currencies(self) -> list[str]:
        return sorted({*self.currencies.values(), *filter(None, [self._only.currency])})

    def _in_one_currency(self, blocks: Sequence[Block]) -> Sequence[Block]:
        """Amounts of the currency that is asked for, else of that of the most judged calls."""
        known = self._known_currencies
        if len(known) < 2:
            self.currency = next(iter(known), "")
            return [_with_figures(block, None) for block in blocks]
        place = np.full(max(self.owners, default=0) + 1, len(known))
        for code, owner in self.owners.items():
            if owner[0] in self.currencies:
                place[code] = known.index(self.currencies[owner[0]])
        judged = np.zeros(len(known) + 1, np.int64)
        for block in blocks:
            if block.kind == "call":
                owners = block.columns["owner"][is_judged(block.columns["verdict"])]
                judged += np.bincount(place[owners], minlength=len(judged))
        most = max(range(len(known)), key=lambda at: judged[at])
        self.currency = self._only.currency or known[most]
        self.others = [each for at, each in enumerate(known) if judged[at] and each != self.currency]
        ours = place == known.index(self.currency)
        return [_with_figures(block, ours) for block in blocks]

    def _blocks(self, part: Part) -> Sequence[Block]:
        """The rows that are asked for, apart by period."""
        which = self._which(part)
        if part.kind == "call":
            part = self._divided(part)
        if not self.splits(part.from_ms, part.to_ms):
            period = 0 if part.from_ms >= self._only.from_ms else 1
            return [_block(part, period, which)]
        at = part.columns["at"]
        edge = self._only.from_ms - part.from_ms
        now = (at >= max(edge, 0)) & (at < max(self.to_ms - part.from_ms, 0))
        before = (at >= max(self.from_ms - part.from_ms, 0)) & (at < max(edge, 0))
        return [
            _block(part, period, rows if which is None else rows & which) for period, rows in ((0, now), (1, before))
        ]

    def _divided(self, part: Part) -> Part:
        """With each call's amounts as its touches have them: while all of these are still together."""
        of = part.columns
        if not of["verdict"].any():
            return part
        his = of[self._model].astype(np.int64) * of["credited"]
        divided = {name: parts(of[name], his) for name in ("payout", "revenue")}
        return msgspec.structs.replace(part, columns=of | divided)

    def _which(self, part: Part) -> Column | None:
        """Rows that the filters and the reader's walls let through; None: all."""
        found: Column | None = None

        def hold(rows: Column) -> None:
            nonlocal found
            found = rows if found is None else found & rows

        of = part.columns
        if (paths := self._paths_asked) is not None:
            hold(paths[of["path"]])
        for name in (*ALONE, "number"):
            if name in self.codes:
                hold(np.isin(of[name], self.codes[name]))
        if (owners := self._owners_asked) is not None:
            hold(owners[of["owner"]])
        if self._only.first_time is not None:
            hold(of["first"] == self._only.first_time)
        return found

    @cached_property
    def _paths_asked(self) -> Column | None:
        asked = [name for name in PATH if name in self.codes]
        if not asked:
            return None
        used, found = self._paths_used(), np.zeros(self.paths.many, bool)
        found[used] = np.logical_and.reduce([np.isin(self.paths.of(used, name), self.codes[name]) for name in asked])
        return found

    def _paths_used(self) -> Column:
        """Codes of the paths that occur in what was gathered."""
        if self._used is None:
            if sum(part.rows for part in self.parts) > self.paths.many:
                self._used = np.arange(self.paths.many)  # nearly all: to look costs more
            else:
                seen = np.zeros(self.paths.many, bool)
                for part in self.parts:
                    seen[part.columns["path"]] = True
                self._used = np.flatnonzero(seen)
        return self._used

    @cached_property
    def _owners_asked(self) -> Column | None:
        only, who = self._only, self._principal
        wanted = [(0, only.campaign), (1, only.publisher), (2, only.tag), (0, who.campaign), (1, who.publisher)]
        wanted = [(at, of) for at, of in wanted if of]
        if not wanted:
            return None
        found = np.zeros(max(self.owners, default=0) + 1, bool)
        for code, owner in self.owners.items():
            found[code] = all(owner[at] == of for at, of in wanted)
        return found

    def _dimensions(self) -> list[tuple[str, ...]]:
        """Those of a path are told as one, and so are those of an owner: few of all combinations occur."""
        together = [tuple(name for name in self._names if name in group) for group in (PATH, OWNER, OF_TIME)]
        alone = [(name,) for name in self._names if not any(name in group for group in (PATH, OWNER, OF_TIME))]
        return [names for names in (*together, *alone) if names]

    def _dimension(self, names: tuple[str, ...]) -> Dimension:
        if names[0] in PATH:
            groups = self._path_groups(names)
            return Dimension(groups.many, lambda block: groups.numbers[block.columns["path"]])
        if names[0] in OWNER:
            told, where = self._owner_labels(names), self._owners_of(names)
            return Dimension(len(where), lambda block: told[block.columns["owner"]])
        if names[0] in OF_TIME:
            return self._time_labels(names)
        if names[0] == "first_time":
            return Dimension(2, lambda block: block.columns["first"])
        name = names[0]
        many = 1 + max((int(part.columns[name].max(initial=0)) for part in self.parts), default=0)
        return Dimension(many, lambda block: block.columns[name])

    def _path_groups(self, names: tuple[str, ...]) -> PathGroups:
        if self._grouped is None:
            self._grouped = self.held.path_groups(names, self.paths, sum(part.rows for part in self.parts))
        if self._grouped is None:
            used = self._paths_used()
            of_used = grouped([self.paths.of(used, name) for name in names])
            numbers = np.zeros(self.paths.many, np.int32)
            numbers[used] = of_used.numbers
            self._grouped = PathGroups(numbers, of_used.told, of_used.steps)
        return self._grouped

    def _owners_of(self, names: tuple[str, ...]) -> list[tuple[str | None, ...]]:
        at = [OWNER.index(name) for name in names]
        return list(dict.fromkeys(tuple(owner[n] for n in at) for owner in self.owners.values())) or [()]

    def _owner_labels(self, names: tuple[str, ...]) -> Column:
        at, where = [OWNER.index(name) for name in names], {of: n for n, of in enumerate(self._owners_of(names))}
        found = np.zeros(max(self.owners, default=0) + 1, np.int64)
        for code, owner in self.owners.items():
            found[code] = where[tuple(owner[n] for n in at)]
        return found

    def _time_labels(self, names: tuple[str, ...]) -> Dimension:
        known = sorted(set(self.zones.values()))
        zone_of = np.zeros(max(self.owners, default=0) + 1, np.int64)
        for code, owner in self.owners.items():
            zone_of[code] = known.index(self.zones.get(owner[0], "UTC"))
        many = [self._time_most(name) for name in names]

        def labels(block: Block) -> Column:
            quarter = block.columns["quarter"]
            wide = int(quarter.max(initial=0)) + 1
            of = np.zeros((len(known), wide), np.int64)
            for at, zone in enumerate(known):
                for name, most in zip(names, many, strict=True):
                    told = zones.label(name, block.from_ms // QUARTER_MS, wide, zone)
                    of[at] = of[at] * most + told - self._time_base(name)
            if len(known) > 1:
                quarter = (zone_of * wide)[block.columns["owner"]] + quarter
            found: Column = of.ravel()[quarter]
            return found

        return Dimension(prod(many), labels)

    def _time_base(self, name: str) -> int:
        return self.from_ms // _DAY_MS - 1 if name == "day" else 0

    def _time_most(self, name: str) -> int:
        return self.to_ms // _DAY_MS + 2 - self._time_base("day") if name == "day" else 24

    def _times(self, names: tuple[str, ...], labels: Column) -> dict[str, list[Any]]:
        told: dict[str, list[Any]] = {}
        for name in reversed(names):
            most, base = self._time_most(name), self._time_base(name)
            told[name] = [zones.told(name, int(n) + base) for n in labels % most]
            labels = labels // most
        return told

    async def values(self, connection: AsyncConnection, counted: Counted, groups: Column) -> list[tuple[object, ...]]:
        """What groups are called, in the order of the names that were asked for."""
        labels = counted.labels(groups)
        told: dict[str, list[Any]] = {}
        for names, of in zip(self._dimensions(), labels, strict=True):
            if names[0] in PATH:
                codes = self._path_groups(names).told[:, of]
                told |= {name: await self._texts(connection, name, codes[at]) for at, name in enumerate(names)}
            elif names[0] in OWNER:
                where = self._owners_of(names)
                told |= {name: [where[n][at] for n in of] for at, name in enumerate(names)}
            elif names[0] in OF_TIME:
                told |= self._times(names, of)
            elif names[0] == "first_time":
                told["first_time"] = [bool(n) for n in of]
            else:
                told[names[0]] = await self._texts(connection, names[0], of)
        return list(zip(*(told[name] for name in self._names), strict=True)) if self._names else [()] * len(groups)

    async def _texts(self, connection: AsyncConnection, name: str, codes: Column) -> list[str | None]:
        known = await words.texts_of(connection, name, (int(code) for code in codes))
        known |= self.words.fresh.get(name, {})
        return [known[int(code)] for code in codes]


async def gather(
    connection: AsyncConnection,
    ledger: Ledger,
    principal: Principal,
    only: ReportFilter,
    names: tuple[str, ...],
    model: str,
    before_ms: int | None,
) -> Gathered:
    """Needs a snapshot: what is copied and what is not must be of one moment."""
    gathered = Gathered(held(ledger), only, names, model, before_ms, principal)
    found = (await connection.execute(select(campaign.c.id, campaign.c.timezone, campaign.c.currency))).all()
    gathered.zones = {None: "UTC", **{of: zone for of, zone, _ in found}}
    walls = {only.campaign, principal.campaign} - {None}
    gathered.currencies = {of: currency for of, _, currency in found if walls <= {of}}
    for kind in gathered.kinds:
        gathered.parts += await _parts(connection, ledger, gathered, kind)
    fresh = gathered.words.fresh
    gathered.paths = await gathered.held.paths(connection, fresh.get("path", {}))
    gathered.owners = await gathered.held.owners(connection, fresh.get("owner", {}))
    for name, text in only.texts.items():
        new = [code for code, each in fresh.get(name, {}).items() if each is not None and fold(each) == fold(text)]
        gathered.codes[name] = await words.alike(connection, name, text) + new
    return gathered


async def _parts(connection: AsyncConnection, ledger: Ledger, gathered: Gathered, kind: Kind) -> list[Part]:
    known = await chunks.within(connection, kind, gathered.from_ms, gathered.to_ms)
    sealed = [each for each in known if each.sealed]
    found: list[Part] = []
    for part in (False, True):
        some = [each for each in sealed if each.rows and gathered.splits(each.from_ms, each.to_ms) is part]
        names = gathered.columns(kind, part)
        read = await gathered.held.columns(connection, some, names)
        for copy in some:
            columns = read[copy.id]
            if lacking := names - columns.keys():  # sealed before there was such a column
                if not copy.final and not lacking <= set(MONEY):
                    sealed.remove(copy)
                    continue
                columns = columns | await _unknown(connection, gathered.words, lacking, copy.rows)
            found.append(Part(kind, copy.from_ms, copy.to_ms, copy.rows, columns))
    at_ms = gathered.from_ms
    for each in [*sealed, None]:
        until_ms = gathered.to_ms if each is None else min(each.from_ms, gathered.to_ms)
        found += await _uncopied(connection, gathered, kind, at_ms, until_ms)
        at_ms = max(at_ms, until_ms if each is None else each.to_ms)
    return found


async def _unknown(connection: AsyncConnection, known: Words, names: set[str], rows: int) -> Columns:
    """Columns in which nothing is known of any row."""
    nothing = {name: np.zeros(rows, np.uint8) for name in names if name in MONEY}
    others = names - nothing.keys()
    await known.find(connection, {name: [None] for name in others})
    return nothing | {name: np.full(rows, known.codes[name][None]) for name in others}


async def _uncopied(
    connection: AsyncConnection, gathered: Gathered, kind: Kind, from_ms: int, to_ms: int
) -> list[Part]:
    found = []
    while from_ms < to_ms:
        edge = await facts.edge(connection, kind, from_ms, _SLICE)
        until_ms = to_ms if edge is None else min(to_ms, max(edge, from_ms + 1))
        rows = await facts.facts(connection, kind, from_ms, until_ms)
        if rows:
            made = await coded(connection, gathered.words, rows, from_ms)
            found.append(Part(kind, from_ms, until_ms, len(rows), made))
        from_ms = until_ms
    return found


async def coded(connection: AsyncConnection, known: Words, rows: Sequence[Fact], from_ms: int) -> Columns:
    """The rows as columns; `known` has a code for every text of them then."""
    wanted: dict[str, Collection[str | None]] = dict(texts(rows))
    await known.find(connection, wanted)
    paths = {path: path_word(path, known.codes) for path in {row.path for row in rows}}
    await known.find(connection, {"path": set(paths.values())})
    return columns(rows, known.codes, paths, from_ms)


def _block(part: Part, period: int, rows: Column | None) -> Block:
    if rows is None:
        return Block(part.kind, period, part.from_ms, part.columns, part.rows)
    kept = {name: column[rows] for name, column in part.columns.items()}
    return Block(part.kind, period, part.from_ms, kept, int(np.count_nonzero(rows)))


def _with_figures(block: Block, ours: Column | None) -> Block:
    """`ours`: by the code of an owner, whether the report's currency is his."""
    if block.kind != "call":
        return block
    of = block.columns
    counts = None if ours is None else ours[of["owner"]]
    return msgspec.structs.replace(block, columns=of | figures(of, counts))
