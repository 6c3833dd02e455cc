"""The whole service on a real Cluster that loses a primary under load: who is served when, and what is known after."""

import asyncio
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import select, update

from dni.call.attribute_late import credit_pending
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.live.cluster import slot
from dni.live.node import Greeting, Node
from dni.parts import Parts
from dni.pool.keys import SHARDS, Keys
from dni.pool.place import place
from tests.session.test_recorder import record_all
from tests.stress import cluster_visitors as visitors
from tests.stress.cluster_visitors import Asked, Shown, Traffic
from tests.support import cluster, service
from tests.support.carrier import Carrier, advance, dialled, door, rows, visit
from tests.support.cluster import Cluster
from tests.support.server import Server
from tests.support.service import Service
from tests.support.until import until
from tests.support.world import DESTINATION, TARGET, add, declare

pytestmark = pytest.mark.stress

KEYS = Keys()
# Two on each third of the slots, which is a primary's at first.
SUFFIXES = ("1", "5", "3", "7", "2", "4")
CAMPAIGNS = [f"cmp_{suffix}" for suffix in SUFFIXES]
POOL_SIZE, HOLD_S = 12, 1
JUST_S = 0.25
"""What was answered so shortly before the primary was lost may not have reached its replica."""
LONGEST_PROTECTION_MS = 300_000
"""Of a hold of 1 s: what a hidden tab may show (lua/record.lua, `longest`)."""
NODE_TIMEOUT_S = 1.0
RECOVERY_S = 5 * NODE_TIMEOUT_S
"""Node timeout until it is suspected, some more until a majority agrees and has elected, and a learning client."""
ANSWER_WITHIN_S = 2.0
"""Of a call, and of another primary's page: what a busy machine makes of 300 ms. Who waits for Redis is refused."""


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The workers' loop."""
    return "asyncio", {"use_uvloop": True}


class Case(msgspec.Struct):
    """`wait`: replicas that must have a write before the answer. `cut`: the replica gets nothing at last."""

    name: str
    frozen: bool = False
    wait: int = 0
    cut: bool = False


CASES = [
    Case("killed"),
    Case("killed with its replica behind", cut=True),
    Case("killed, wait=1", wait=1),
    Case("frozen", frozen=True),
]


class World(msgspec.Struct):
    servers: Cluster
    service: Service
    ledger: Ledger


@asynccontextmanager
async def world(folder: Path, database_url: str, wait: int) -> AsyncIterator[World]:
    data_dir = folder / "service"
    ledger = Ledger(database_url)
    await migrate(ledger)
    for turn, suffix in enumerate(SUFFIXES):
        await declare(ledger, pool_size=POOL_SIZE, suffix=suffix, first=turn * POOL_SIZE)
    async with ledger.write() as connection:
        await connection.execute(update(schema.pool).values(hold_seconds=HOLD_S))
    with cluster.running(node_timeout_ms=round(NODE_TIMEOUT_S * 1000)) as servers:
        for server in servers.servers:
            server.ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
        url = servers.url + (f"?wait={wait}" if wait else "")
        env = {"DNI_REDIS_URL": url, "DNI_DATABASE_URL": database_url}
        with service.running(data_dir, workers=2, env=env) as running:
            yield World(servers, running, ledger)
    await ledger.close()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_a_primary_is_lost_under_load(case: Case, tmp_path: Path, sqlite_url: str) -> None:
    async with world(tmp_path, sqlite_url, case.wait) as here:
        victim = here.servers.primary(slot(KEYS.shard(CAMPAIGNS[0])))
        heir = replica_of(here.servers, victim)
        hit = [one for one in CAMPAIGNS if here.servers.primary(slot(KEYS.shard(one))) is victim]
        others = [one for one in CAMPAIGNS if one not in hit]
        assert len({here.servers.primary(slot(KEYS.shard(one))).port for one in CAMPAIGNS}) == 3
        async with visitors.on(here.service, CAMPAIGNS) as traffic:
            await until(lambda: all_served(traffic, CAMPAIGNS, 0, 20), "a steady load", 20)
            cut_s = time.monotonic()
            if case.cut:
                cut_off(heir)
                await until(lambda: all_served(traffic, hit, cut_s, 4), "its replica is behind", 10)
            lost_s = time.monotonic()
            (victim.freeze if case.frozen else victim.kill)()
            gone_s = time.monotonic()
            known = await leases_known(heir, hit)
            await until(lambda: heir.info("replication")["role"] == "master", "the replica took over", 10)
            promoted_s = time.monotonic()
            await until(lambda: all_served(traffic, hit, promoted_s, 5, refused=5), "every campaign is served", 15)
            await asyncio.to_thread(victim.thaw if case.frozen else victim.start)
            await until(lambda: in_step(victim), "the former primary follows its heir", 20)
            back_s = time.monotonic()
            await until(lambda: all_served(traffic, CAMPAIGNS, back_s, 2), "nothing is the matter", 10)
        report = Report(case, traffic, hit, others, lost_s, gone_s, promoted_s, back_s)
        await until(lambda: all_recorded(here.servers), "the recorder has caught up", 20)
        report.show()
        report.check_service()
        lost = report.lost(known)
        report.check_leases(lost)
        await check_ledger(here.ledger, report, lost, (cut_s if case.cut else lost_s) - JUST_S)
        await check_recovering(heir, hit, report.wall_ms(gone_s))
        await check_calls(here, traffic, lost)
        log = here.service.log.read_text()
        assert "Traceback" not in log, log[-6000:]


async def test_a_primary_without_an_heir_keeps_nobody_else_waiting(tmp_path: Path, sqlite_url: str) -> None:
    async with world(tmp_path, sqlite_url, 0) as here:
        victim = here.servers.primary(slot(KEYS.shard(CAMPAIGNS[0])))
        of = {one: here.servers.primary(slot(KEYS.shard(one))) for one in CAMPAIGNS}
        alive = [one for one in SHARDS if here.servers.primary(slot(one)) is not victim]
        others = [one for one in CAMPAIGNS if of[one] is not victim]
        replica_of(here.servers, victim).kill()
        async with visitors.on(here.service, CAMPAIGNS) as traffic:
            await until(lambda: all_served(traffic, CAMPAIGNS, 0, 5), "a steady load", 20)
            victim.kill()
            gone_s = time.monotonic()
            await until(lambda: all_served(traffic, others, gone_s, 20), "the others are served", 20)
            async with httpx.AsyncClient(base_url=here.service.url, trust_env=False) as http:
                ready = await http.get("/readyz")
        servers = {shard: here.servers.primary(slot(shard)) for shard in alive}
        await until(
            lambda: all(servers[shard].ask("XLEN", KEYS.events(shard)) == 0 for shard in alive),
            "what the other primaries know is recorded",
            5,
        )
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        assert ready.json()["parts"]["redis"].startswith("partly away: ")
        assert [one for one in traffic.asked if one.campaign in others and is_refusal(one.outcome)] == []
        hit = Counter(one.outcome for one in traffic.asked if one.campaign not in others and one.sent_s > gone_s)
        assert hit.keys() == {"redis_away", "503 redis_away", "connect"}
        assert {one.outcome for one in traffic.answered("call", CAMPAIGNS)} == {"connect"}
        async with here.ledger.read() as connection:
            recorded = set((await connection.execute(select(schema.session.c.id))).scalars())
        told = {one.session for one in traffic.answered("lease", others)}
        assert told - recorded == set()
        assert await asyncio.to_thread(here.service.stop) == 0


class Report:
    """What the traffic of one failure comes to. Times of the failure are monotonic seconds."""

    def __init__(
        self,
        case: Case,
        traffic: Traffic,
        hit: list[str],
        others: list[str],
        lost_s: float,
        gone_s: float,
        promoted_s: float,
        back_s: float,
    ) -> None:
        self.case, self.traffic, self.hit, self.others = case, traffic, hit, others
        self.lost_s, self.gone_s, self.promoted_s, self.back_s = lost_s, gone_s, promoted_s, back_s
        self._wall_ms = time.time_ns() // 1_000_000 - round(time.monotonic() * 1000)  # noqa: TID251
        self.refused = [one for one in traffic.asked if is_refusal(one.outcome)]
        self.served_s = max((one.answered_s for one in self.refused if one.campaign in hit), default=gone_s)

    def wall_ms(self, moment_s: float) -> int:
        return round(moment_s * 1000) + self._wall_ms

    def show(self) -> None:
        asked = Counter((one.what, one.outcome.split(" {")[0]) for one in self.traffic.asked)
        refused = Counter((one.what, one.outcome, one.campaign in self.hit) for one in self.refused)
        say(
            f"\n{self.case.name}: the replica took over after {self.promoted_s - self.gone_s:.2f} s, every campaign was"
        )
        say(f"  served again after {self.served_s - self.gone_s:.2f} s; refused meanwhile {sum(refused.values())} of")
        say(f"  {len(self.traffic.asked)}: {dict(refused)}")
        say(f"  answers {dict(asked)}")
        for what in ("call", "lease"):
            say(f"  slowest answer to a {what}: {self.slowest_s(what, self.hit):.3f} s,")
            say(f"    of campaigns that have another primary {self.slowest_s(what, self.others):.3f} s")

    def slowest_s(self, what: str, campaigns: list[str]) -> float:
        return max(one.answered_s - one.sent_s for one in self.traffic.answered(what, campaigns))

    def check_service(self) -> None:
        assert self.served_s - self.gone_s < RECOVERY_S
        # Their visitors ask all the while: none refused, none kept waiting is not interrupted.
        assert [one for one in self.refused if one.campaign in self.others] == []
        assert self.slowest_s("lease", self.others) < ANSWER_WITHIN_S
        assert [one for one in self.refused if one.answered_s < self.lost_s or one.sent_s > self.back_s] == []
        # The page is given its original number, with the reason; only a signal may be refused.
        refusals = {(one.what, one.outcome) for one in self.refused}
        assert refusals <= {("lease", "redis_away"), ("signal", "503 redis_away")}
        calls = list(self.traffic.answered("call", CAMPAIGNS))
        assert {one.campaign for one in calls} == set(CAMPAIGNS)
        assert [one for one in calls if one.outcome != "connect"] == []
        assert self.slowest_s("call", CAMPAIGNS) < ANSWER_WITHIN_S

    def lost(self, known: dict[str, set[bytes]]) -> list[Shown]:
        """Leases that pages were told of and that the heir does not know, `known` being what it knows of each number.

        Only the last three of a number, as it keeps four former ones.
        """
        of_number: dict[str, list[Shown]] = defaultdict(list)
        for one in sorted(self.traffic.shown, key=lambda one: one.issued_ms):
            same = of_number[one.number]
            if one.campaign in self.hit and one.sent_s <= self.gone_s and one.nonce not in {s.nonce for s in same}:
                same.append(one)
        lost = [one for number, told in of_number.items() for one in told[-3:] if one.nonce not in known[number]]
        total = sum(len(told) for told in of_number.values())
        say(f"  leases: {total} acknowledged by the lost primary, {len(lost)} of them unknown to its heir")
        return lost

    def check_leases(self, lost: list[Shown]) -> None:
        """Invariant 1, and that no lost lease's number is anybody else's while he may show it."""
        if self.case.cut:
            assert lost, "the replica was to be behind"
        if self.case.wait:
            assert lost == []
        twice = shown_twice(self.traffic.shown)
        again = handed_on(self.traffic.shown)
        say(f"  shown intervals {len(self.traffic.shown)}, numbers shown to two at once: {len(twice)}")
        say(f"  handed on to another {len(again)} times, the soonest {min(again):.2f} s after the former could show it")
        ended = Counter(one.campaign in self.hit for one in self.traffic.answered("ended", CAMPAIGNS))
        say(f"  leases that signals were told to have ended: {dict(ended)}")
        assert twice == []
        new = [
            one
            for one in self.traffic.shown
            if one.campaign in self.hit and self.wall_ms(self.gone_s) + 50 < one.issued_ms
        ]
        assert new == [], "a pool that may have forgotten leases gives no number that was free"


def is_refusal(outcome: str) -> bool:
    return outcome not in ("pool", "heard", "connect", "recovering", "exhausted", "beat", "hide", "view")


def shown_twice(shown: list[Shown]) -> list[tuple[Shown, Shown]]:
    """Pairs of different sessions with one number at one moment."""
    found = []
    of_number = defaultdict(list)
    for one in shown:
        of_number[one.number].append(one)
    for same in of_number.values():
        same.sort(key=lambda one: one.told_s)
        for at, one in enumerate(same):
            later = (other for other in same[at + 1 :] if other.told_s < one.until_s)
            found += [(one, other) for other in later if other.session != one.session]
    return found


def handed_on(shown: list[Shown]) -> list[float]:
    """Seconds from the end of a session's interval to the next session's on that number."""
    in_order = sorted(shown, key=lambda one: (one.number, one.told_s))
    pairs = [(one, other) for one, other in pairwise(in_order) if one.number == other.number]
    return [other.told_s - one.until_s for one, other in pairs if one.session != other.session]


def all_served(traffic: Traffic, campaigns: list[str], since_s: float, views: int, refused: int = 0) -> bool:
    """On each of them `views` page views had a number since then, and `refused` ones of newcomers had not."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for one in traffic.answered("lease", campaigns, since_s):
        found[one.campaign][one.outcome] += 1
    return all(found[one]["pool"] >= views and found[one]["recovering"] >= refused for one in campaigns)


async def leases_known(heir: Server, campaigns: list[str]) -> dict[str, set[bytes]]:
    """Of each number the leases, by nonce, that a replica knows whose primary is gone: nothing more comes to it."""
    node = Node(Greeting((("READONLY",),)))
    await node.join(("127.0.0.1", heir.port))
    known: dict[str, set[bytes]] = defaultdict(set)
    before = -1
    while (offset := int(heir.info("replication")["slave_repl_offset"])) != before:
        before = offset
        await asyncio.sleep(0.05)
    for campaign in campaigns:
        flat = await node.send("HGETALL", KEYS.leases(campaign, f"pool_{campaign.removeprefix('cmp_')}"))
        for name, raw in zip(flat[::2], flat[1::2], strict=True):
            if number := re.fullmatch(rb"(\+\d+)(/\d)?", name):  # else the pool's state, or who was given which
                known[number[1].decode()].add(raw[:9])
    node.leave()
    return known


async def check_recovering(heir: Server, campaigns: list[str], gone_ms: int) -> None:
    """Each pool that had another primary gives no free number for the longest time that a screen can show one."""
    node = Node(Greeting())
    await node.join(("127.0.0.1", heir.port))
    for campaign in campaigns:
        state = await node.send("HGET", KEYS.leases(campaign, f"pool_{campaign.removeprefix('cmp_')}"), "state")
        assert state[:40].decode() == node.run_id
        assert int.from_bytes(state[40:46], "big") >= gone_ms + LONGEST_PROTECTION_MS
    node.leave()


async def check_ledger(ledger: Ledger, report: Report, lost: list[Shown], may_be_lost_s: float) -> None:
    """Whatever Redis did not lose is there once: sessions, their page views, leases."""
    async with ledger.read() as connection:
        sessions = {row.id: row for row in await connection.execute(select(schema.session))}
        leases = {(row.number, row.started_at_ms): row for row in await connection.execute(select(schema.lease))}
    traffic = report.traffic

    def may_be_lost(one: Asked | Shown) -> bool:
        """Its event was written by the lost primary in its last moments; the recorder may or may not have read it."""
        answered_s = one.answered_s if isinstance(one, Asked) else one.told_s
        return one.campaign in report.hit and answered_s >= may_be_lost_s and one.sent_s <= report.gone_s

    seen: dict[str, list[Asked]] = defaultdict(list)
    for one in traffic.answered("lease", CAMPAIGNS):
        if one.session and one.outcome != "redis_away":
            seen[one.session].append(one)
    missing = {session for session in seen if session not in sessions}
    began = {one.session: one for one in reversed(traffic.shown)}
    say(f"  ledger: {len(sessions)} sessions, {len(leases)} leases; {len(missing)} of {len(seen)} sessions missing")
    assert [seen[one] for one in missing if not all(map(may_be_lost, seen[one]))] == []
    untold = [one for one in traffic.shown if (one.number, one.issued_ms) not in leases]
    gone = {one.nonce for one in untold}
    say(f"  {len(gone)} of {len({one.nonce for one in traffic.shown})} leases missing, {len(lost)} were lost by Redis")
    first = {one.nonce: one for one in reversed(traffic.shown)}
    assert [one for one in gone if not may_be_lost(first[one])] == []
    if report.case.wait:
        assert (missing, gone) == (set(), set())
    both = [one for one in lost if (one.number, one.issued_ms) in leases]
    say(f"  {len(both)} leases that Redis lost are in the ledger all the same")
    for session, asked in seen.items():
        if session in sessions:
            sure = sum(not may_be_lost(one) for one in asked)
            views = sessions[session].page_views
            assert sure <= views <= traffic.views[session], f"{session} of {began.get(session)}: {views} of {asked}"


async def check_calls(here: World, traffic: Traffic, lost: list[Shown]) -> None:
    """Each is kept, and credited to whoever showed its number; also those that rang while Redis was away."""
    lost_nonces = {one.nonce for one in lost}

    async def calls() -> dict[str, Any]:
        async with here.ledger.read() as connection:
            return {row.provider_id: row for row in await connection.execute(select(schema.call))}

    async def credited() -> bool:
        return all(row.method for row in (await calls()).values())

    await until(credited, "all calls are credited", 20)
    kept = await calls()
    assert kept.keys() == traffic.callees.keys()
    wrong = [
        (shown, kept[call].session_id)
        for call, shown in traffic.callees.items()
        if kept[call].session_id != shown.session and shown.nonce not in lost_nonces
    ]
    say(f"  {len(kept)} calls kept, {len(wrong)} credited to another than who showed the number: {wrong}")
    assert wrong == []


def all_recorded(servers: Cluster) -> bool:
    return all(servers.primary(slot(shard)).ask("XLEN", KEYS.events(shard)) == 0 for shard in SHARDS)


def cut_off(replica: Server) -> None:
    """Its link to the primary breaks and does not come back: the password that it says is none."""
    replica.ask("CONFIG", "SET", "masterauth", "wrong")
    replica.ask("CLIENT", "KILL", "TYPE", "master")


def in_step(server: Server) -> bool:
    try:
        return server.info("replication").get("master_link_status") == "up"
    except OSError:
        return False


def replica_of(servers: Cluster, primary: Server) -> Server:
    return next(s for s in servers.servers if s.info("replication").get("master_port") == str(primary.port))


def say(words: str) -> None:
    print(words)  # noqa: T201  figures are what this file is run for


@asynccontextmanager
async def lost_by_its_heir(parts: Parts) -> AsyncIterator[None]:
    """What the block writes to the pool is lost, as the server that takes over did not have it yet."""
    node = parts.live.node("s0")
    keys = (parts.keys.pool("cmp_1", "pool_1"), parts.keys.leases("cmp_1", "pool_1"))
    had = {key: await node.send("DUMP", key) for key in keys}
    yield
    for key, value in had.items():
        await node.send("RESTORE", key, 0, value, "REPLACE")
    node.run_id = "a" * 40


class Twice(msgspec.Struct):
    """Two sessions whose leases of one number Redis and ledger know differently; `number` rang for neither yet."""

    parts: Parts
    number: str
    lost: str
    present: str


@pytest.fixture
async def twice(sqlite_parts: Parts) -> Twice:
    """The first session's lease reached the ledger, but not the server that took over; then another was given it."""
    parts = sqlite_parts
    await add(parts, pool_size=1)
    async with lost_by_its_heir(parts):
        lost = await visit(parts)
        await record_all(parts)
    refused = (await visit(parts))["numbers"][TARGET]
    assert (refused["reason"], refused["retry_ms"]) == ("recovering", 60_000)
    advance(parts, LONGEST_PROTECTION_MS - 1)
    assert (await visit(parts))["numbers"][TARGET]["reason"] == "recovering"
    advance(parts, 1)
    present = await visit(parts)
    assert present["number"] == lost["number"]
    await record_all(parts)
    return Twice(parts, lost["number"], lost["session"], present["session"])


async def test_the_ledger_shows_both_intervals_of_a_number_whose_lease_was_lost(twice: Twice) -> None:
    [call] = await called(twice)
    async with twice.parts.ledger.read() as connection:
        leases = (
            (await connection.execute(select(schema.lease).order_by(schema.lease.c.started_at_ms))).mappings().all()
        )
    assert [(row["number"], row["session_id"]) for row in leases] == [
        (twice.number, twice.lost),
        (twice.number, twice.present),
    ]
    assert all(row["started_at_ms"] <= call["started_at_ms"] for row in leases)
    assert call["session_id"] == twice.present


async def test_a_call_has_the_lost_session_among_its_candidates(twice: Twice) -> None:
    [call] = await called(twice)
    assert [one["session"] for one in call["candidates"]] == [twice.present, twice.lost]


async def test_a_server_that_comes_back_soon_is_not_trusted_by_a_pool_that_nobody_asked_meanwhile(
    sqlite_parts: Parts,
) -> None:
    """It was cut off, not stopped, so it has its run id still; but what it had not passed on was taken from it."""
    parts = sqlite_parts
    await add(parts, pool_size=1)
    node = parts.live.node("s0")
    run_id = node.run_id
    await visit(parts)
    advance(parts, 600_000)
    async with lost_by_its_heir(parts):
        lost = await visit(parts)
    await place(parts)  # as the parent does when another server answers
    node.run_id = run_id
    await place(parts)
    other = (await visit(parts))["numbers"][TARGET]
    assert other["number"] != lost["number"], "it is on a screen"


async def called(twice: Twice) -> list[dict[str, Any]]:
    """Somebody dials the number, and the parent has credited what was to be credited late."""
    advance(twice.parts, 1_000)
    assert dialled(await Carrier(door(twice.parts)).inbound(twice.number)) == DESTINATION
    await credit_pending(twice.parts)
    return await rows(twice.parts, schema.call)
