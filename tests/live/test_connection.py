import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from dni.errors import Unavailable, UsageError
from dni.live.connection import Live, Node, RedisError
from tests.live.conftest import Connect
from tests.support import tls, valkey
from tests.support.server import Server
from tests.support.until import until

# The page's limit for its original number.
PAGE_LIMIT_S = 0.3


@pytest.fixture(scope="session", params=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Workers run on uvloop, the parent on asyncio's own loop: their transports differ."""
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


@pytest.fixture
def socket_url() -> Iterator[str]:
    with valkey.running() as url:
        yield url


async def redis_away(asked: "asyncio.Future[Any]") -> None:
    with pytest.raises(Unavailable) as refusal:
        await asked
    assert refusal.value.code == "redis_away"


async def up(live: Live) -> None:
    await until(lambda: live.is_up, "connected", 5)


async def down(live: Live) -> None:
    await until(lambda: not live.is_up, "the loss is noticed", 1)


async def test_thousands_at_once_each_get_their_own_answer(connect: Connect, server: Server) -> None:
    node = (await connect(f"redis://{server.place}")).node("s0")

    async def asker(name: int) -> None:
        for turn in range(50):
            # Sizes differ, so that answers are cut anywhere between two reads.
            text = f"{name}-{turn}-{'x' * (name * turn % 1999)}"
            assert await node.send("ECHO", text) == text.encode()

    await asyncio.gather(*(asker(name) for name in range(400)))


async def test_who_goes_away_takes_nobody_elses_answer(connect: Connect, server: Server) -> None:
    node = (await connect(f"redis://{server.place}")).node("s0")

    async def asker(name: int) -> None:
        assert await node.send("ECHO", name) == str(name).encode()

    tasks = [asyncio.create_task(asker(name)) for name in range(3000)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(answer is None or isinstance(answer, asyncio.CancelledError) for answer in answers)
    assert sum(answer is None for answer in answers) == 1500


async def test_commands_of_one_turn_leave_together(connect: Connect, server: Server) -> None:
    """The server reads them as one: the first of them is answered after the last was sent."""
    node = (await connect(f"redis://{server.place}")).node("s0")
    before = int(server.info("stats")["total_reads_processed"])
    await asyncio.gather(*(node.send("ECHO", n) for n in range(100)))
    assert int(server.info("stats")["total_reads_processed"]) - before <= 5  # ours 1, those of `info` itself


async def test_a_refusal_is_the_servers_own_words(connect: Connect, server: Server) -> None:
    node = (await connect(f"redis://{server.place}")).node("s0")
    with pytest.raises(RedisError, match=r"^ERR unknown command"):
        await node.send("NONSENSE")
    assert await node.send("PING") == b"PONG"


async def test_a_killed_server_is_told_at_once_and_found_again(connect: Connect, server: Server) -> None:
    live = await connect(f"redis://{server.place}")
    node = live.node("s0")
    run_id = node.run_id
    server.freeze()  # so that all of them are surely under way
    asked = [node.send("ECHO", n) for n in range(100)]
    await asyncio.sleep(0)
    server.kill()
    began = time.monotonic()
    for one in asked:
        await redis_away(one)
    assert time.monotonic() - began < PAGE_LIMIT_S
    assert not live.is_up
    with pytest.raises(Unavailable):
        node.send("PING")
    server.start()
    await up(live)
    assert live.node("s0") is node
    assert node.run_id not in ("", run_id)
    assert await node.send("PING") == b"PONG"


async def test_a_hung_server_is_told_in_time_under_load(connect: Connect, server: Server) -> None:
    live = await connect(f"redis://{server.place}")
    node = live.node("s0")
    slowest, answered, stop = 0.0, 0, False

    async def asker() -> None:
        nonlocal slowest, answered
        while not stop:
            began = time.monotonic()
            try:
                await node.send("PING")
                answered += 1
            except Unavailable:
                await asyncio.sleep(0.001)
            slowest = max(slowest, time.monotonic() - began)

    askers = [asyncio.create_task(asker()) for _ in range(20)]
    await until(lambda: answered > 1000, "traffic")
    server.freeze()
    await down(live)
    server.thaw()
    began = time.monotonic()
    await up(live)
    assert time.monotonic() - began < 1
    before = answered
    await until(lambda: answered > before + 100, "traffic again")
    stop = True
    await asyncio.gather(*askers)
    assert slowest < PAGE_LIMIT_S


async def test_a_hung_server_is_told_in_time_to_a_lonely_command(connect: Connect, server: Server) -> None:
    live = await connect(f"redis://{server.place}")
    server.freeze()
    began = time.monotonic()
    await redis_away(live.node("s0").send("PING"))
    assert time.monotonic() - began < PAGE_LIMIT_S
    server.thaw()
    await up(live)


async def test_a_late_answer_never_meets_another_question(connect: Connect, server: Server) -> None:
    live = await connect(f"redis://{server.place}")
    for turn in range(3):
        server.freeze()
        old = [live.node("s0").send("ECHO", f"old {turn} {n}") for n in range(50)]
        for one in old:
            await redis_away(one)
        server.thaw()  # it now answers what it had read
        await up(live)
        for n in range(50):
            assert await live.node("s0").send("ECHO", f"new {turn} {n}") == f"new {turn} {n}".encode()


async def test_a_server_that_comes_later_is_found(connect: Connect, server: Server) -> None:
    server.kill()
    live = await connect(f"redis://{server.place}", wait=False)
    with pytest.raises(Unavailable) as refusal:
        live.node("s0").send("PING")
    assert refusal.value.code == "redis_away"
    server.start()
    await up(live)


async def test_on_connect_runs_at_every_connection(connect: Connect, server: Server) -> None:
    live = await connect(f"redis://{server.place}", (("SET", "greeted", "yes"),))
    assert server.ask("GET", "greeted") == b"yes"
    server.kill()
    await down(live)
    server.start()
    await up(live)
    assert server.ask("GET", "greeted") == b"yes"


async def test_standalone_is_one_node_for_every_shard(connect: Connect, server: Server) -> None:
    live = await connect(f"redis://{server.place}/3")
    assert live.nodes(["s0", "s1", "sf"]) == {live.node("s0"): ["s0", "s1", "sf"]}
    assert live.node("s0").run_id == server.info("server")["run_id"]
    await live.node("s0").send("SET", "k", "v")
    assert server.info("keyspace")["db3"].startswith("keys=1,")
    await live.refresh()
    assert live.is_up


async def test_unix_socket(connect: Connect, socket_url: str) -> None:
    live = await connect(f"{socket_url}?db=2")
    assert await live.node("s0").send("PING") == b"PONG"


async def test_password_and_user(connect: Connect, server: Server) -> None:
    secret = "p@ss:w/rd?#%"
    server.ask("ACL", "SETUSER", "jane", "on", f">{secret}", "~*", "+@all")
    server.ask("CONFIG", "SET", "requirepass", "only a password")
    one = await connect(f"redis://jane:{quote(secret, safe='')}@{server.place}")
    assert await one.node("s0").send("ACL", "WHOAMI") == b"jane"
    two = await connect(f"redis://:only%20a%20password@{server.place}")
    assert await two.node("s0").send("ACL", "WHOAMI") == b"default"


async def test_a_wrong_password_is_told_in_the_log_and_not_repeated(
    connect: Connect, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.ask("CONFIG", "SET", "requirepass", "right")
    live = await connect(f"redis://:hush@{server.place}", wait=False)
    await until(lambda: "WRONGPASS" in caplog.text, "it is told")
    assert not live.is_up
    assert "hush" not in caplog.text
    server.kill()
    server.start()  # its password was never in a file
    server.ask("CONFIG", "SET", "requirepass", "hush")
    await up(live)


async def test_tls_with_an_authority_of_ones_own(connect: Connect, server: Server, tmp_path: Path) -> None:
    file, key = tls.certificate(tmp_path)
    async with tls.in_front_of(server.port, file, key) as port:
        live = await connect(f"rediss://127.0.0.1:{port}?ssl_ca_certs={file}")
        node = live.node("s0")
        big = "x" * 300_000
        assert await asyncio.gather(*(node.send("ECHO", big) for _ in range(10))) == [big.encode()] * 10
        server.kill()
        await down(live)
        server.start()
        await up(live)
        await live.close()


async def test_tls_refuses_a_stranger(
    connect: Connect, server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, key = tls.certificate(tmp_path)
    async with tls.in_front_of(server.port, file, key) as port:
        live = await connect(f"rediss://127.0.0.1:{port}", wait=False)
        await until(lambda: "self-signed certificate" in caplog.text, "it is told")
        wrong_name = await connect(f"rediss://localhost:{port}?ssl_ca_certs={file}", wait=False)
        await until(lambda: "Hostname mismatch" in caplog.text, "it is told")
        assert not live.is_up
        assert not wrong_name.is_up
        unchecked = await connect(f"rediss://localhost:{port}?ssl_ca_certs={file}&ssl_check_hostname=false")
        assert unchecked.is_up
        for one in (live, wrong_name, unchecked):
            await one.close()


def test_a_certificate_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(UsageError, match="certificates"):
            Live(f"rediss://h?ssl_ca_certs={tmp_path / name}")


async def test_a_server_that_talks_nonsense_is_left(connect: Connect, server: Server) -> None:
    """Another program has taken the port; when the right one is back it is found."""
    live = await connect(f"redis://{server.place}")
    node = live.node("s0")
    server.kill()
    seen = 0

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with suppress(OSError):
            await reader.read()
        writer.close()

    other = await asyncio.start_server(nonsense, "127.0.0.1", server.port)
    await until(lambda: seen >= 2, "tried again", 5)
    assert not live.is_up
    other.close()
    server.start()
    await up(live)
    assert isinstance(node, Node)
    assert await node.send("PING") == b"PONG"
