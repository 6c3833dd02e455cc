"""The lease engine in plain Python, for one pool: who holds which number, and until when it is protected at least.

It knows no limits of memory: every page of a lease, every call. Where the engine has to be careful instead, because it
forgot a page or call, or because a visitor's older session may still show the number, `exact` is false: it may protect
longer.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

TIGHT_MS, ROOMY_MS = 20_000, 120_000
HIDDEN_MS = 300_000
TAP_MS = 600_000
CALL_MS = 4 * 3_600_000
IDLE_MS = 1_800_000
ADDRESS_MS = 60_000
ADDRESS_LEAST = 5
PAGES_KEPT, CALLS_KEPT = 8, 4
NO_TARGET = bytes(4)


def shown(beat_ms: int, hold_ms: int) -> int:
    return beat_ms * 3 // 2 + hold_ms


def longest(hold_ms: int) -> int:
    return max(HIDDEN_MS, shown(ROOMY_MS, hold_ms))


@dataclass
class Record:
    """A number's last lease. `pages`: of each the last sequence number and whether it left."""

    nonce: bytes
    session: bytes
    holding: bytes
    started_ms: int
    sign_ms: int
    until_ms: int
    floor_ms: int
    """Until when pages of an older session of this visitor may show it, or 0."""
    vague: bool = False
    """A word came late, of a page that goes on: it may count as a sign of life."""
    signalled: bool = False
    tapped_ms: int = 0
    pages: dict[str, tuple[int, bool]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        return not (self.floor_ms or self.vague) and len(self.pages) <= PAGES_KEPT and len(self.calls) <= CALLS_KEPT

    def protected_ms(self) -> int:
        tap = self.tapped_ms + TAP_MS if self.tapped_ms else 0
        return max(self.until_ms, tap, *self.calls.values(), 0)

    def says(self, page: str, seq: int, left: bool) -> bool:
        """False for what was said before the last word of this page."""
        last, gone = self.pages.get(page, (0, False))
        if seq < last:
            self.vague = self.vague or not gone
            return False
        self.pages[page] = seq, left
        return True


class Wanted(NamedTuple):
    holding: bytes
    nonce: bytes


class Got(NamedTuple):
    outcome: str
    number: str
    nonce: bytes
    wait_ms: int


class Sign(NamedTuple):
    kind: str
    number: str
    nonce: bytes
    started_ms: int
    holding: bytes


class Plain:
    """`scores`: until when each number of the pool is protected; after every act the real one's take their place."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.missing = True
        self.recovering_until = 0
        self.scores: dict[str, int] = {}
        self.records: dict[str, Record] = {}
        self.held: dict[bytes, str] = {}
        self.unsure: set[str] = set()
        """Numbers that the act may have protected for longer than `scores` says."""
        self._begun: dict[int, list[int]] = {}

    def current(self, number: str, nonce: bytes) -> bool:
        record = self.records.get(number)
        return record is not None and record.nonce == nonce

    def place(self, now: int, run: str, hold_ms: int, fresh: list[str], known: list[str], retired: list[str]) -> None:
        if self.missing:
            self.run = run
        self._look(now, run, hold_ms)
        lost = False
        for numbers, till in ((fresh, 0), (known, now + longest(hold_ms))):
            for number in numbers:
                if number in self.scores:
                    continue
                lost = lost or (self.missing and till > 0)
                record = self.records.get(number)
                self.scores[number] = max(till, record.protected_ms() if record else 0)
        for number in retired:
            if self.scores.pop(number, None) is not None and number in self.records:
                record = self.records[number]
                self.held.pop(record.holding, None)
                record.holding = record.holding[:12] + NO_TARGET
        if lost:
            self.recovering_until = now + longest(hold_ms)
        self.missing = False

    def lose(self) -> None:
        """Everything is gone."""
        self.missing = True
        self.recovering_until = 0
        self.scores, self.records, self.held = {}, {}, {}

    def acquire(
        self,
        now: int,
        run: str,
        hold_ms: int,
        beat_ms: int,
        brought: bytes,
        new_session: bytes,
        may_go_on: bool,
        page: str,
        seq: int,
        address: int,
        wanted: list[Wanted],
        was_limited: list[bool],
    ) -> tuple[bool, list[Got]]:
        """`beat_ms` is the real one's: what slack it saw is its own affair. So is `was_limited`, where it may be."""
        self._look(now, run, hold_ms)
        seen = active = False
        mine = []
        for want in wanted:
            number = self.held.get(want.holding)
            if number and self._recovering(now) and self.scores.get(number, 0) <= now:
                number = None
            mine.append(number)
            if number and self.records[number].session == brought:
                seen, active = True, active or now - self.records[number].sign_ms <= IDLE_MS
        fresh = not brought or (seen and not active) or (not seen and not may_go_on)
        session = new_session if fresh else brought
        got = []
        for want, held, limited in zip(wanted, mine, was_limited, strict=True):
            number = held if self.held.get(want.holding) == held else None  # else another target was just given it
            got.append(self._lease(now, hold_ms, beat_ms, session, page, seq, address, want, number, limited))
        return fresh, got

    def _lease(
        self,
        now: int,
        hold_ms: int,
        beat_ms: int,
        session: bytes,
        page: str,
        seq: int,
        address: int,
        want: Wanted,
        number: str | None,
        limited: bool,
    ) -> Got:
        if number:
            record = self.records[number]
            if record.session == session:
                return self._go_on(now, hold_ms, beat_ms, page, seq, number)
            self._begin(now, beat_ms, session, page, seq, number, want, record)
            return Got("new", number, want.nonce, 0)
        if self._recovering(now):
            return Got("recovering", "", b"", self.recovering_until - now)
        if not self.scores:
            return Got("exhausted", "", b"", ROOMY_MS)
        score, number = min((score, number) for number, score in self.scores.items())
        if score > now:
            return Got("exhausted", "", b"", score - now)
        begun = self._begun.setdefault(address, [])
        recent = [at for at in begun if now - ADDRESS_MS < at]
        if limited:
            assert len(recent) >= ADDRESS_LEAST, "an address is limited that has hardly any lease"
            return Got("rate_limited", "", b"", recent[0] + ADDRESS_MS - now)
        begun.append(now)
        if former := self.records.get(number):
            self.held.pop(former.holding, None)
        self._begin(now, beat_ms, session, page, seq, number, want, None)
        return Got("new", number, want.nonce, 0)

    def _go_on(self, now: int, hold_ms: int, beat_ms: int, page: str, seq: int, number: str) -> Got:
        record = self.records[number]
        record.sign_ms = now
        record.pages[page] = max(seq, record.pages.get(page, (0, False))[0]), False
        record.until_ms = max(record.until_ms, now + shown(beat_ms, hold_ms if record.signalled else 0))
        self._keep(number)
        return Got("same", number, record.nonce, 0)

    def _begin(
        self,
        now: int,
        beat_ms: int,
        session: bytes,
        page: str,
        seq: int,
        number: str,
        want: Wanted,
        superseded: Record | None,
    ) -> None:
        floor = superseded.until_ms if superseded else 0
        until = max(now + shown(beat_ms, 0), floor)
        record = Record(want.nonce, session, want.holding, now, now, until, floor)
        if superseded:
            record.calls |= superseded.calls
            record.pages |= superseded.pages  # they may show it still; who asks anew and leaves has left
        record.pages[page] = seq, False
        self.records[number] = record
        self.held[want.holding] = number
        self._keep(number)

    def signal(
        self,
        now: int,
        run: str,
        hold_ms: int,
        beat_ms: int,
        session: bytes,
        page: str,
        seq: int,
        signs: list[Sign],
    ) -> set[bytes]:
        """The nonces that ended."""
        if not self.missing:
            self._look(now, run, hold_ms)
        ended = set()
        for sign in signs:
            if not self.current(sign.number, sign.nonce) and not self._taken_back(now, session, sign):
                ended.add(sign.nonce)
                continue
            record = self.records[sign.number]
            if record.says(page, seq, sign.kind == "leave"):
                _hear(now, hold_ms, beat_ms, record, sign.kind)
            self._keep(sign.number)
        return ended

    def _taken_back(self, now: int, session: bytes, sign: Sign) -> bool:
        former = self.records.get(sign.number)
        if not session or not self._recovering(now) or sign.number not in self.scores:
            return False
        if former:
            if former.started_ms >= sign.started_ms:
                return False
            self.held.pop(former.holding, None)
        self.held[sign.holding] = sign.number
        self.records[sign.number] = Record(sign.nonce, session, sign.holding, sign.started_ms, now, now, 0)
        return True

    def ring(self, now: int, number: str, call: str) -> bool:
        """Whether somebody holds or held it."""
        record = self.records.get(number)
        if record is None:
            return False
        if call not in record.calls:
            record.calls[call] = now + CALL_MS
            self._keep(number)
        return True

    def hang_up(self, number: str, call: str, until_ms: int) -> None:
        record = self.records.get(number)
        if record and call in record.calls:
            record.calls[call] = min(record.calls[call], until_ms)
            self._keep(number)

    def _keep(self, number: str) -> None:
        if number not in self.scores:
            return
        record = self.records[number]
        self.scores[number] = record.protected_ms()
        if not record.exact:
            self.unsure.add(number)

    def _look(self, now: int, run: str, hold_ms: int) -> None:
        if run != self.run:
            self.run, self.recovering_until = run, now + longest(hold_ms)

    def _recovering(self, now: int) -> bool:
        return self.recovering_until > now


def _hear(now: int, hold_ms: int, beat_ms: int, record: Record, kind: str) -> None:
    record.signalled, record.sign_ms = True, max(record.sign_ms, now)
    if kind == "tap":
        record.tapped_ms = max(record.tapped_ms, now)
    if kind == "leave":
        if all(left for _, left in record.pages.values()):
            record.until_ms = now + hold_ms
        return
    still = shown(beat_ms, hold_ms)
    record.until_ms = max(record.until_ms, now + (max(still, HIDDEN_MS) if kind == "hide" else still))
