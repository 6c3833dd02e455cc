"""Rows of a big made-up ledger, a chunk at a time: the same for the same size and seed. Pure.

All that is drawn by chance is drawn at once, in columns; ids follow from a row's place. So any chunk can be made by
itself, and a row costs a few microseconds.
"""

from binascii import b2a_base64
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt

from dni.attribution.credit import Step, credit, in_millionths
from dni.call.touches import LEAST_CONFIDENCE, MOST_TOUCHES
from dni.ledger.schema import KEPT_MODELS
from tests.bench import big_world as world
from tests.support.world import DESTINATION, TARGET

Ints = npt.NDArray[Any]
Rows = list[tuple[Any, ...]]

DAY_MS = 86_400_000
_TOUCH = (
    *("source", "medium", "campaign_name", "keyword", "content", "channel", "landing_page", "referrer"),
    *("click_ids", "params"),
)
SESSION = (
    *("id", "visitor_id", "tag_id", "campaign_id", "publisher_id", "started_at_ms", "last_seen_ms", "page_views"),
    *_TOUCH,
    *("title", "consent", "language", "timezone", "screen", "device", "browser", "os", "country", "region", "city"),
    *("ids", "custom", "unleased"),
)
LEASE = (
    *("number", "started_at_ms", "session_id", "tag_id", "campaign_id", "pool_id", "target", "last_sign_ms"),
    *("tapped_at_ms", "left_at_ms", "ended_at_ms"),
)
CALL = (
    *("id", "carrier_id", "provider_id", "status", "started_at_ms", "answered_at_ms", "ended_at_ms", "duration_s"),
    *("talk_s", "caller", "tracking_number", "destination", "campaign_id", "publisher_id", "tag_id"),
    *_TOUCH,
    *("session_id", "visitor_id", "method", "confidence", "candidates", "touches_kept_ms"),
)
CALL_EVENT = ("id", "call_id", "identity", "kind", "at_ms", "received_at_ms", "fields")
CALL_TOUCH = (
    *("call_id", "session_id", "visitor_id", "tag_id", "publisher_id", "at_ms"),
    *_TOUCH,
    *("device", "region", "confidence"),
    *KEPT_MODELS,
)

# Local hours from midnight on, and weekdays from Monday on.
_HOURS = (2, 1, 1, 1, 1, 2, 4, 8, 12, 15, 16, 16, 14, 14, 15, 15, 14, 13, 12, 11, 10, 8, 6, 4)
_WEEKDAYS = (1.15, 1.1, 1.05, 1.0, 1.0, 0.7, 0.6)
_RETURNING, _UNLEASED, _TAPS = 0.30, 0.03, 0.12
_NOBODYS, _STATIC, _UNSURE, _WITHHELD, _REPEATED = 0.06, 0.05, 0.10, 0.05, 0.12
_METHODS = ("tap", "current", "recent", "returning", "static", "none")
_METHOD_SHARES = (0.25, 0.45, 0.25, 0.05)
_DELAY_S = (40.0, 150.0, 10_800.0, 172_800.0)
_SURE = (0.97, 0.9, 0.7, 0.6)
_STATUSES = (
    ("completed", 78.0),
    ("no_answer", 11.0),
    ("canceled", 5.0),
    ("busy", 3.0),
    ("failed", 1.5),
    ("rejected", 1.5),
)
_GOING_ON_MS = 90_000
_NONE = 65_535
_WHOLE = (1_000_000,) * len(KEPT_MODELS)


class Size(msgspec.Struct, frozen=True):
    """`until_ms`: nothing began then or later. `days` before it the first visits came."""

    sessions: int
    calls: int
    until_ms: int
    days: int = 365
    seed: int = 1


class BigRows:
    """`sessions` and `calls` of a chunk give rows of the tables that they fill, by the columns above."""

    def __init__(self, size: Size) -> None:
        if size.calls * 2 > size.sessions:
            raise ValueError("at most one call for two sessions")
        self.size = size
        self._start_ms = size.until_ms - size.days * DAY_MS
        self._chance = np.random.default_rng(size.seed)
        self._draw_sessions()
        self._draw_visitors()
        self._draw_calls()

    # Sessions

    def _draw_sessions(self) -> None:
        count, chance = self.size.sessions, self._chance
        weights = [1 / (at + 10) for at in range(world.TAGS)]
        tags = self._drawn(weights, count, np.uint8)
        at_ms = self._moments(tags)
        order = np.argsort(at_ms, kind="stable")
        self._at_ms, self._tag = at_ms[order], tags[order]
        self._pair = self._drawn([came.weight for came in world.PAIRS], count, np.uint8)
        paid = np.array([came.searched for came in world.PAIRS])[self._pair]
        named = np.array([bool(came.click) or came.medium in ("email", "affiliate", "sms") for came in world.PAIRS])
        is_named = named[self._pair]
        ranks = 1 / np.arange(1, len(world.keywords()) + 1)
        words = self._drawn(ranks, count, np.uint16)
        self._keyword = np.where(paid & (chance.random(count) < 0.95), words, _NONE).astype(np.uint16)
        names = self._drawn(1 / np.arange(8, len(world.CAMPAIGN_NAMES) + 8), count, np.uint16)
        self._name = np.where(is_named, names, _NONE).astype(np.uint16)
        contents = self._drawn(1 / np.arange(4, len(world.CONTENTS) + 4), count, np.uint16)
        self._content = np.where(is_named & (chance.random(count) < 0.6), contents, _NONE).astype(np.uint16)
        self._page = self._drawn(1 / np.arange(1, len(world.PATHS) + 1), count, np.uint8)
        self._device = self._drawn([world.DEVICE_WEIGHTS[one[0]] for one in world.DEVICES], count, np.uint8)
        # Places in the order of REGIONS, the cities of one beside each other; some addresses are nowhere.
        places = np.repeat(1 / np.arange(3, len(world.REGIONS) + 3), len(world.CITIES))
        self._place = self._drawn([*places, places.sum() * 0.03], count, np.uint8)
        self._language = self._drawn([weight for _, weight in world.LANGUAGES], count, np.uint8)
        self._views = np.minimum(chance.geometric(0.45, count), 40).astype(np.uint8)
        self._stay_s = np.minimum(chance.exponential(150, count) + 2, 7200).astype(np.uint16)
        unleased = chance.random(count) < _UNLEASED
        self._unleased = np.where(unleased, chance.integers(1, len(world.UNLEASED) + 1, count), 0).astype(np.uint8)
        self._lease(chance.random(count) < 0.6)

    def _lease(self, left: Ints) -> None:
        """Each pool's numbers go round; a lease ends when its number comes to the next session."""
        count = self.size.sessions
        self._left = left
        self._number = self._tag.astype(np.uint16) * world.POOL_SIZE
        self._ended_ms = np.zeros(count, np.int64)
        for tag in range(world.TAGS):
            held = np.flatnonzero((self._tag == tag) & (self._unleased == 0))
            self._number[held] = tag * world.POOL_SIZE + np.arange(len(held)) % world.POOL_SIZE
            self._ended_ms[held[: -world.POOL_SIZE]] = self._at_ms[held[world.POOL_SIZE :]]

    def _draw_visitors(self) -> None:
        """Who comes again came to the same tag not long before."""
        count, chance = self.size.sessions, self._chance
        order = np.argsort(self._tag, kind="stable")  # by tag, then by time
        tags = self._tag[order]
        first = np.searchsorted(tags, np.arange(world.TAGS))[tags]
        places = np.arange(count)
        back = 1 + chance.exponential(200, count).astype(np.int64)
        comes_again = (chance.random(count) < _RETURNING) & (places - back >= first)
        parents = np.where(comes_again, places - back, places)
        while (parents[parents] != parents).any():
            parents = parents[parents]
        self._visitor = np.empty(count, np.uint32)
        self._visitor[order] = order[parents]  # the first session of each
        # In the order of visitors and of their visits.
        keys = self._visit_key(self._visitor, self._at_ms)
        self._by_visitor = np.argsort(keys, kind="stable").astype(np.uint32)
        self._visit_keys = keys[self._by_visitor]

    def _visit_key(self, visitors: Ints, at_ms: Ints) -> Ints:
        keys: Ints = (visitors.astype(np.int64) << 37) | (at_ms - self._start_ms)
        return keys

    # Calls

    def _draw_calls(self) -> None:
        count, chance, until_ms = self.size.calls, self._chance, self.size.until_ms
        nobodys, statics = round(count * _NOBODYS), round(count * _STATIC)
        credited = count - nobodys - statics
        callers = self._callers(credited)
        methods = self._drawn(_METHOD_SHARES, credited, np.uint8)
        methods[(methods == 0) & (self._device[callers] >= 9)] = 1  # nobody taps a number on a desk
        delay_ms = (chance.exponential(1.0, credited) * np.array(_DELAY_S)[methods] * 1000).astype(np.int64) + 3_000
        room_ms = until_ms - self._at_ms[callers]
        at_ms = self._at_ms[callers] + np.where(
            delay_ms < room_ms, delay_ms, (room_ms * chance.random(credited)).astype(np.int64)
        )
        others = chance.integers(0, self.size.sessions, nobodys + statics)
        fixed = chance.integers(0, world.STATICS, statics)
        every_ms = np.concatenate((at_ms, self._at_ms[others]))
        order = np.argsort(every_ms, kind="stable")
        self._call_ms = every_ms[order]
        self._method = np.concatenate((methods, np.repeat(np.uint8(5), nobodys), np.repeat(np.uint8(4), statics)))[
            order
        ]
        # Of a static number's call its number, else the session: the credited one, or one that held the number.
        self._of = np.concatenate((callers, others[:nobodys], fixed))[order].astype(np.int64)
        sure = np.array([*_SURE, 1, 0])[self._method] * (0.8 + 0.2 * chance.random(count))
        self._sure = np.round(sure, 4)
        unsure = (self._method < 4) & (chance.random(count) < _UNSURE)
        self._other = np.where(unsure, self._neighbours(), -1)
        self._other_sure = np.round((1 - self._sure) * (0.2 + 0.7 * chance.random(count)), 4)
        self._status = self._drawn([weight for _, weight in _STATUSES], count, np.uint8)
        self._ring_s = np.minimum(chance.exponential(9, count) + 2, 60).astype(np.uint16)
        self._talk_s = np.minimum(chance.lognormal(4.6, 1.1, count), 7200).astype(np.uint16) + 1
        self._draw_telephones()

    def _callers(self, count: int) -> Ints:
        """Sessions that call, each at most once: those of some sources more willingly (Efraimidis, Spirakis 2006)."""
        keys = self._chance.exponential(1.0, self.size.sessions)
        keys /= np.array([came.calls for came in world.PAIRS])[self._pair]
        keys[self._unleased > 0] = np.inf
        return np.argpartition(keys, count)[:count]

    def _neighbours(self) -> Ints:
        """For each call a session shortly before its own, of the same tag and another visitor; -1: there is none."""
        of = np.where(self._method < 4, self._of, 0)
        order = np.argsort(self._tag, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        near = order[np.maximum(place[of] - self._chance.integers(1, 8, len(of)), 0)]
        is_one = (self._tag[near] == self._tag[of]) & (self._unleased[near] == 0)
        return np.where(is_one & (self._visitor[near] != self._visitor[of]), near, -1)

    def _draw_telephones(self) -> None:
        """Of each campaign: a new one, or one that called it before; -1 withheld."""
        count, chance = self.size.calls, self._chance
        withheld = chance.random(count) < _WITHHELD
        again = chance.random(count) < _REPEATED
        which = chance.random(count)
        owners = np.where(
            self._method == 4,
            self._of % world.CAMPAIGNS,
            self._tag[np.where(self._method == 4, 0, self._of)] % world.CAMPAIGNS,
        )
        self._telephone = np.full(count, -1, np.int32)
        for at in range(world.CAMPAIGNS):
            its = np.flatnonzero((owners == at) & ~withheld)
            fresh = ~again[its]
            known = np.cumsum(fresh)
            at_number = np.where(fresh, known - 1, (which[its] * known).astype(np.int64))
            # Another order for each campaign; 7,919 is a prime that does not divide their number.
            self._telephone[its] = (at_number * 7_919 + at * 3_313) % len(world.CALLERS)

    # Chunks

    def sessions(self, begin: int, end: int) -> tuple[Rows, Rows]:
        """Rows of `session` and of `lease`."""
        rows = np.arange(begin, min(end, self.size.sessions))
        touch = self._touches(rows)
        ids, tags = touch.ids, self._tag[rows]
        at_ms, stay_ms = self._at_ms[rows], self._stay_s[rows].astype(np.int64) * 1000
        seen_ms = at_ms + stay_ms
        screens, browsers, systems = (_texts([one[n] for one in world.DEVICES]) for n in (3, 1, 2))
        device, place = self._device[rows], self._place[rows]
        cities = _texts([city for _ in world.REGIONS for city in world.CITIES] + [None])
        countries = _texts([region[0] for region in world.REGIONS for _ in world.CITIES] + [None])
        zones = _texts(world.ZONES)[tags % world.CAMPAIGNS % len(world.ZONES)].tolist()
        chance = _mixed(rows, 5)
        consent = np.where(chance % 20 == 0, "unknown", "granted").tolist()
        cookies = [f'{{"ga":"{one % 2_000_000_000}.{one >> 34}"}}' if one % 5 < 2 else None for one in chance.tolist()]
        columns: list[list[Any]] = [
            ids,
            touch.visitors,
            touch.tags,
            _texts([world.campaign(at % world.CAMPAIGNS) for at in range(world.TAGS)])[tags].tolist(),
            touch.publishers,
            touch.at_ms,
            seen_ms.tolist(),
            self._views[rows].tolist(),
            *touch.columns,
            _texts([f"{path.strip('/').title() or 'Home'} | Us" for path in world.PATHS])[self._page[rows]].tolist(),
            consent,
            _texts([language for language, _ in world.LANGUAGES])[self._language[rows]].tolist(),
            zones,
            screens[device].tolist(),
            touch.devices,
            browsers[device].tolist(),
            systems[device].tolist(),
            countries[place].tolist(),
            touch.regions,
            cities[place].tolist(),
            cookies,
            [None] * len(rows),
            _texts([None, *world.UNLEASED])[self._unleased[rows]].tolist(),
        ]  # fmt: skip
        return list(zip(*columns, strict=True)), self._leases(rows, touch, seen_ms, chance)

    def _leases(self, rows: Ints, touch: "_Touches", seen_ms: Ints, chance: Ints) -> Rows:
        held = np.flatnonzero(self._unleased[rows] == 0)
        its, tags = rows[held], self._tag[rows[held]]
        at_ms, seen_ms, ended_ms = self._at_ms[its], seen_ms[held], self._ended_ms[its]
        on_phone = self._device[its] < 9
        tapped = on_phone & (chance[held] % 1000 < 1000 * _TAPS)
        columns: list[list[Any]] = [
            _texts(world.POOLED)[self._number[its]].tolist(),
            at_ms.tolist(),
            [touch.ids[at] for at in held.tolist()],
            [touch.tags[at] for at in held.tolist()],
            _texts([world.campaign(at % world.CAMPAIGNS) for at in range(world.TAGS)])[tags].tolist(),
            _texts([world.pool(at) for at in range(world.TAGS)])[tags].tolist(),
            [TARGET] * len(held),
            seen_ms.tolist(),
            _or_none(seen_ms - (seen_ms - at_ms) // 3, tapped),
            _or_none(seen_ms, self._left[its]),
            _or_none(ended_ms, ended_ms > 0),
        ]
        return list(zip(*columns, strict=True))

    def calls(self, begin: int, end: int) -> tuple[Rows, Rows, Rows]:
        """Rows of `call`, `call_event` and `call_touch`."""
        calls = range(begin, min(end, self.size.calls))
        at = np.arange(calls.start, calls.stop)
        credited = np.flatnonzero(self._method[at] < 4)
        own = self._touches(self._of[at[credited]])
        own_rows = dict(
            zip(credited.tolist(), zip(own.ids, own.visitors, own.tags, *own.columns, strict=True), strict=True)
        )
        others = np.flatnonzero(self._other[at] >= 0)
        other_ids = dict(zip(others.tolist(), self._touches(self._other[at[others]]).ids, strict=True))
        call_rows, event_rows = [], []
        for place, which in enumerate(calls):
            row, fields = self._call(which, own_rows.get(place), other_ids.get(place))
            call_rows.append(row)
            event = (f"evt_{which:012}", row[0], "inbound", "inbound", row[4], row[4] + 40, fields)
            event_rows.append(event)
        return call_rows, event_rows, self._call_touches(at, [row[0] for row in call_rows])

    def _call(self, which: int, own: tuple[Any, ...] | None, other: str | None) -> tuple[tuple[Any, ...], str]:
        method, of, at_ms = int(self._method[which]), int(self._of[which]), int(self._call_ms[which])
        call_id, provider_id = f"call_{at_ms:013}{which:09}", f"CA{which:032x}"
        if method == 4:
            owner, partner, number = of % world.CAMPAIGNS, of % world.PUBLISHERS, world.STATIC[of]
            came = world.static_source(of)
            touch: tuple[Any, ...] = (came.source, came.medium, *(None,) * 3, came.channel, *(None,) * 4)
        else:
            tag = int(self._tag[of])
            owner, partner, number = tag % world.CAMPAIGNS, tag % world.PUBLISHERS, world.POOLED[self._number[of]]
            touch = (None,) * len(_TOUCH)
        session = visitor = tag_id = candidates = confidence = None
        if own:
            session, visitor, tag_id, *rest = own
            touch, confidence = tuple(rest), float(self._sure[which])
            candidates = f'[{{"session":"{session}","confidence":{confidence},"why":"has the number"}}'
            if other:
                p = float(self._other_sure[which])
                candidates += f',{{"session":"{other}","confidence":{p},"why":"had the number before"}}'
            candidates += "]"
        telephone = int(self._telephone[which])
        caller = world.CALLERS[telephone] if telephone >= 0 else None
        row = (
            *(call_id, "car_1", provider_id),
            *self._course(which, at_ms),
            *(caller, number, DESTINATION, world.campaign(owner), world.publisher(partner), tag_id),
            *touch,
            *(session, visitor, _METHODS[method], confidence, candidates, at_ms + 900_000),
        )
        fields = (
            f'{{"CallSid":"{provider_id}","From":"{caller or "anonymous"}","To":"{number}","CallStatus":"ringing"}}'
        )
        return row, fields

    def _course(self, which: int, at_ms: int) -> tuple[Any, ...]:
        """status, started, answered, ended, duration, talk."""
        status = _STATUSES[int(self._status[which])][0]
        ring, talk = int(self._ring_s[which]), int(self._talk_s[which])
        answered_ms = at_ms + ring * 1000
        if at_ms > self.size.until_ms - _GOING_ON_MS:
            return "in_progress", at_ms, answered_ms, None, None, None
        if status == "completed":
            return status, at_ms, answered_ms, answered_ms + talk * 1000, ring + talk, talk
        ring = 0 if status == "rejected" else ring
        return status, at_ms, None, at_ms + ring * 1000, ring, 0

    def _call_touches(self, at: Ints, ids: list[str]) -> Rows:
        """Of the visits until the call, by whom it is credited to and by the other who may have called."""
        mine = at[self._method[at] < 4]
        his = mine[(self._other[mine] >= 0) & (self._other_sure[mine] >= LEAST_CONFIDENCE)]
        which = np.concatenate((mine, his))
        sessions = np.concatenate((self._of[mine], self._other[his]))
        sure = np.concatenate((self._sure[mine], self._other_sure[his])).tolist()
        visitors = self._visitor[sessions]
        begins = np.searchsorted(self._visit_keys, visitors.astype(np.int64) << 37)
        ends = np.searchsorted(self._visit_keys, self._visit_key(visitors, self._call_ms[which]), side="right")
        paths = [self._path(*one) for one in zip(begins.tolist(), ends.tolist(), strict=True)]
        touch = self._touches(np.concatenate(paths) if paths else np.arange(0))
        fields = list(
            zip(touch.ids, touch.visitors, touch.tags, touch.publishers, touch.at_ms, *touch.columns, touch.devices,
                touch.regions, strict=True)
        )  # fmt: skip
        channels = touch.columns[_TOUCH.index("channel")]
        rows: Rows = []
        place = 0
        for call, path, p in zip((which - at[0]).tolist(), paths, sure, strict=True):
            upto = place + len(path)
            shares = _shares(touch.at_ms[place:upto], channels[place:upto])
            rows += [(ids[call], *field, p, *share) for field, share in zip(fields[place:upto], shares, strict=True)]
            place = upto
        return rows

    def _path(self, begin: int, end: int) -> Ints:
        path = self._by_visitor[begin:end]
        return path if len(path) <= MOST_TOUCHES else np.concatenate((path[:1], path[1 - MOST_TOUCHES :]))

    def _touches(self, rows: Ints) -> "_Touches":
        """How these sessions came."""
        tags, pairs, at_ms = self._tag[rows], self._pair[rows], self._at_ms[rows]
        queries = _texts([_query(came) for came in world.PAIRS])[pairs].tolist()
        opens = _texts([f'{{"{came.click}":"' if came.click else None for came in world.PAIRS])[pairs].tolist()
        clicks = _base64(_noise(rows, 3, 18))
        bases = _texts([world.site(at) + path for at in range(world.CAMPAIGNS) for path in world.PATHS])
        pages = bases[tags.astype(np.int64) % world.CAMPAIGNS * len(world.PATHS) + self._page[rows]].tolist()
        paid = np.array([bool(came.click) for came in world.PAIRS])[pairs]
        session_ids = np.concatenate(
            (
                at_ms.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:],
                np.where(paid, _mixed(rows, 3), 0).astype(">u4").view(np.uint8).reshape(-1, 4),
                _noise(rows, 1, 17),
            ),
            axis=1,
        )
        regions = _texts([region for _, region in world.REGIONS for _ in world.CITIES] + [None])
        return _Touches(
            ids=_base64(session_ids),
            visitors=_base64(_noise(self._visitor[rows], 2, 21)),
            tags=_texts([world.tag(at) for at in range(world.TAGS)])[tags].tolist(),
            publishers=_texts([world.publisher(at % world.PUBLISHERS) for at in range(world.TAGS)])[tags].tolist(),
            at_ms=at_ms.tolist(),
            devices=_texts([one[0] for one in world.DEVICES])[self._device[rows]].tolist(),
            regions=regions[self._place[rows]].tolist(),
            columns=[
                _texts([came.source for came in world.PAIRS])[pairs].tolist(),
                _texts([came.medium for came in world.PAIRS])[pairs].tolist(),
                _named(world.CAMPAIGN_NAMES, self._name[rows]),
                _named(world.keywords(), self._keyword[rows]),
                _named(world.CONTENTS, self._content[rows]),
                _texts([came.channel for came in world.PAIRS])[pairs].tolist(),
                [page + query + click if query else page
                 for page, query, click in zip(pages, queries, clicks, strict=True)],
                _texts([came.referrer for came in world.PAIRS])[pairs].tolist(),
                [f'{begin}{click}"}}' if begin else None for begin, click in zip(opens, clicks, strict=True)],
                [None] * len(rows),
            ],
        )  # fmt: skip

    # Chance

    def _drawn(self, weights: Any, count: int, kind: Any) -> Ints:
        """`count` places of the weights."""
        upto = np.cumsum(np.asarray(weights, float))
        places: Ints = np.searchsorted(upto, self._chance.random(count) * upto[-1], side="right").astype(kind)
        return places

    def _moments(self, tags: Ints) -> Ints:
        """When sessions of these tags begin: by hours and weekdays of their campaign's zone, a little more each day."""
        size, chance = self.size, self._chance
        first = datetime.fromtimestamp(self._start_ms / 1000, UTC)
        days = np.arange(size.days)
        weights = np.array(_WEEKDAYS)[(first.weekday() + days) % 7] * (0.8 + 0.4 * days / size.days)
        day = self._drawn(weights, size.sessions, np.int64)
        hour = self._drawn(_HOURS, size.sessions, np.int64) - first.hour
        local_ms = day * DAY_MS + hour * 3_600_000 + chance.integers(0, 3_600_000, size.sessions)
        offsets = [datetime.fromtimestamp(size.until_ms / 1000, ZoneInfo(zone)).utcoffset() for zone in world.ZONES]
        shift = np.array([int(one.total_seconds() * 1000) for one in offsets if one is not None])
        utc_ms = local_ms - shift[tags % world.CAMPAIGNS % len(world.ZONES)]
        moments: Ints = self._start_ms + utc_ms % (size.days * DAY_MS)
        return moments


class _Touches(msgspec.Struct, frozen=True):
    """Columns, as lists. `columns`: those of `_TOUCH`."""

    ids: list[str]
    visitors: list[str]
    tags: list[str]
    publishers: list[str]
    at_ms: list[int]
    devices: list[str]
    regions: list[str | None]
    columns: list[list[Any]]


def _query(came: world.Came) -> str:
    return f"?utm_source={came.source}&utm_medium={came.medium}&{came.click}=" if came.click else ""


def _shares(at_ms: list[int], channels: list[str]) -> list[tuple[int, ...]]:
    """What each touch of a path is given by each kept model."""
    if len(at_ms) == 1:
        return [_WHOLE]
    steps = [Step(*one) for one in zip(at_ms, channels, strict=True)]
    return list(zip(*(in_millionths(credit(model, steps)) for model in KEPT_MODELS), strict=True))


def _texts(values: Any) -> Ints:
    texts: Ints = np.array(values, dtype=object)
    return texts


def _named(names: tuple[str, ...], places: Ints) -> list[Any]:
    texts = _texts([*names, None])
    found: list[Any] = texts[np.where(places == _NONE, len(names), places)].tolist()
    return found


def _or_none(values: Ints, told: Ints) -> list[int | None]:
    return [value if has else None for value, has in zip(values.tolist(), told.tolist(), strict=True)]


def _mixed(values: Ints, salt: int) -> Ints:
    """64 bits that look like chance, of a number and a salt (SplitMix64's finalizer)."""
    with np.errstate(over="ignore"):
        x = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(
            salt * 0x632BE59BD9B4E019 & (2**64 - 1)
        )
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: Ints = x ^ (x >> np.uint64(31))
        return mixed


def _noise(values: Ints, salt: int, width: int) -> Ints:
    """A row of `width` bytes for each number."""
    parts = [_mixed(values, salt + 16 * n).view(np.uint8).reshape(-1, 8) for n in range((width + 7) // 8)]
    return np.concatenate(parts, axis=1)[:, :width]


_URLSAFE = bytes.maketrans(b"+/", b"-_")


def _base64(rows: Ints) -> list[str]:
    """Each row as text; its width is a multiple of three, so that all can be written at once."""
    width = rows.shape[1] // 3 * 4
    text = b2a_base64(np.ascontiguousarray(rows).tobytes(), newline=False).translate(_URLSAFE).decode()
    return [text[at : at + width] for at in range(0, len(text), width)]
