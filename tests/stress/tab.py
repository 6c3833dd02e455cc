"""A page that runs the tag, by the rules of snippet/src/runPage.ts and on the test's clock: change them together.

Not here, because the tests can do nothing about it: timers that fire late while the reader looks on (a dialog of the
page, a busy processor).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

_FAILED_RETRY_MS = 30_000
_MOST_RETRIES = 10
_SESSION_MS = 1_800_000
NEVER = 1 << 60


class Leased(NamedTuple):
    """What the browser knows of a lease: its id, of which the number and its start are a part."""

    nonce: bytes
    number: str
    started_ms: int
    target: str


class LeaseAnswer(NamedTuple):
    """`protected_ms` 0 and `retry_ms` 0: none. Targets without a lease are left out of `leased`."""

    visitor: bytes
    session: bytes
    beat_ms: int
    leased: dict[str, Leased]
    protected_ms: int
    refused: str
    retry_ms: int


class SignalAnswer(NamedTuple):
    """`beat_ms` 0: nothing said."""

    ended: set[bytes]
    beat_ms: int


class Request(NamedTuple):
    """`kind`: lease, or the type of a signal. `beat_ms`: what the tab goes by. `then` None: nobody hears an answer."""

    tab: "Tab"
    kind: str
    seq: int
    visitor: bytes
    session: bytes
    named: list[Leased]
    beat_ms: int
    then: Callable[[Any], None] | None
    failed: Callable[[], None]


class Store:
    """The cookie: visitor, session, last activity."""

    def __init__(self) -> None:
        self.visitor, self.session, self.active_ms = b"", b"", 0

    def write(self, visitor: bytes, session: bytes, now_ms: int) -> None:
        self.visitor, self.session, self.active_ms = visitor, session, now_ms

    def forget(self) -> None:
        self.visitor = self.session = b""

    def touch(self, now_ms: int) -> tuple[bytes, bytes]:
        session = self.session if now_ms - self.active_ms < _SESSION_MS else b""
        if self.visitor:
            self.write(self.visitor, session, now_ms)
        return self.visitor, session


class Tab:
    """`visible`: as the document says. `asleep`: neither timers nor answers come through. `dark`: the screen is off.

    `click` stands for a paid click in the page's address, 0 for none; `beacons`: the browser has sendBeacon.
    """

    def __init__(
        self,
        page: str,
        store: Store,
        targets: list[str],
        click: int,
        beacons: bool,
        clock: Callable[[], int],
        post: Callable[[Request], None],
    ) -> None:
        self.page, self.targets, self.click = page, targets, click
        self.visible, self.asleep, self.dark, self.closed = True, False, False, False
        self.leased: dict[str, Leased] = {}
        self.visitor = self.session = b""
        self.protected_until = NEVER
        self.timer = NEVER
        self._store, self._beacons, self._clock, self._post = store, beacons, clock, post
        self._seq = self._retries = self._lease_at = self._hold_ms = 0
        self._left_at = -1
        self._beat_ms = 20_000
        self._beat_at = NEVER
        self._active = self._failed = self._refused = False
        self.away = False
        self._unread: list[Callable[[], None]] = []

    @property
    def awake(self) -> bool:
        return not (self.asleep or self.away or self.dark or self.closed)

    def on_screen(self) -> list[Leased]:
        """What a person can read now."""
        seen = self.visible and not (self.away or self.dark or self.closed)
        return list(self.leased.values()) if seen else []

    # What happens to it.

    def sync(self) -> None:
        now = self._clock()
        visible = not self.away and self.visible
        if visible != self._active:
            self._retries = 0
        if now >= self.protected_until:
            self._lease_again(0)
            self.leased = {}
        if not self.leased:
            self._beat_at = self.protected_until = NEVER
        elif visible != self._active:
            if visible:
                self._beat_at = now
            else:
                self._signal("hide")
        self._active = visible
        if visible and now >= self._beat_at:
            self._beat_at = now + self._beat_ms
            if not self._refused:
                self._retries = 0
            self._signal("beat")
        if visible and now >= self._lease_at:
            self._lease()
        due = min(self.protected_until, self._beat_at, self._lease_at) if visible else self.protected_until
        self.timer = max(due, now) if due < NEVER else NEVER

    def turn(self, visible: bool) -> None:
        self.visible = visible
        self.sync()

    def tap(self, target: str) -> None:
        self._signal("tap", [self.leased[target]])

    def leave(self) -> None:
        """Into the back/forward cache; `close` after it for good."""
        self._left_at = self._clock()
        self._signal("leave")
        self.away, self._active = True, False
        self.sync()
        self.asleep = True

    def come_back(self, answers_first: bool) -> None:
        """Out of the back/forward cache."""
        self.asleep = False
        if answers_first:
            self._read()
        self.away = False
        self.sync()
        self._read()

    def wake(self, answers_first: bool) -> None:
        """After sleep: what the timers have in store, and the answers that came meanwhile, in either order."""
        self.asleep = self.dark = False
        if answers_first:
            self._read()
        self.sync()
        self._read()

    def close(self) -> None:
        """Gone without a word, as in a crash."""
        self.closed, self.timer, self.leased = True, NEVER, {}

    def hears(self, word: Callable[[], None]) -> None:
        """An answer, or that there will be none."""
        if self.closed:
            return
        if self.asleep:
            self._unread.append(word)
        else:
            word()

    def _read(self) -> None:
        unread, self._unread = self._unread, []
        for word in unread:
            word()

    # What it does.

    def _signal(self, kind: str, named: list[Leased] | None = None) -> None:
        named = list(self.leased.values()) if named is None else named
        if not named:
            return  # the page that found nothing says so; no number is concerned
        sent, about = self._clock(), self.leased
        parting = kind == "leave"
        self._seq += 1
        seq, told = self._seq, self._beat_ms
        if parting:
            self.protected_until = min(self.protected_until, sent + self._hold_ms)
        else:
            self._store.touch(sent)

        def then(answer: SignalAnswer) -> None:
            # What was said before the page left counts no more.
            if about is self.leased and sent > self._left_at:
                self._hear(sent, told, answer)

        # A tap names one lease, so its answer says nothing of the page's others.
        heard = None if kind == "tap" or (self._beacons and parting) else then
        self._post(Request(self, kind, seq, self.visitor, self.session, named, told, heard, lambda: None))

    def _hear(self, sent: int, told: int, answer: SignalAnswer) -> None:
        self._beat_ms = answer.beat_ms or told
        self._beat_at = sent + self._beat_ms
        self.protected_until = sent + self._beat_ms * 3 // 2 + self._hold_ms
        for target, lease in list(self.leased.items()):
            if lease.nonce in answer.ended:
                del self.leased[target]
                self._lease_again(0)
        self.sync()

    def _lease_again(self, at: int) -> None:
        if self._retries < _MOST_RETRIES:
            self._lease_at = at
        self._retries += 1

    def _lease(self) -> None:
        self._lease_at = NEVER
        sent = self._clock()
        visitor, session = self._store.touch(sent)

        def then(answer: LeaseAnswer) -> None:
            self._failed = False
            if self.away or sent <= self._left_at:
                self._lease_at = 0
                self.sync()
            else:
                self._adopt(answer, sent)

        def failed() -> None:
            self._failed = not self._failed
            if self._failed:
                self._lease_at = self._clock() + _FAILED_RETRY_MS
            self.sync()

        self._seq += 1
        self._post(Request(self, "lease", self._seq, visitor, session, [], 0, then, failed))

    def _adopt(self, answer: LeaseAnswer, sent: int) -> None:
        now = self._clock()
        self.visitor, self.session = answer.visitor, answer.session
        self._store.write(answer.visitor, answer.session, now)
        self._beat_ms = answer.beat_ms
        self._hold_ms = answer.protected_ms - answer.beat_ms * 3 // 2 if answer.leased else 0
        self._beat_at = now + self._beat_ms
        self.protected_until = sent + self._beat_ms * 3 // 2
        self.leased = dict(answer.leased)
        self._refused = bool(answer.refused)
        if answer.retry_ms:
            self._lease_again(now + answer.retry_ms)
        self.sync()
        self._signal("view")
