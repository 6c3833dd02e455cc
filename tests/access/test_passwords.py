import asyncio
import threading
import time

from argon2 import PasswordHasher

from dni.access import passwords
from dni.errors import Unavailable

RIGHT = "tree lamp river seven"


async def test_the_right_password_is_right_and_no_other() -> None:
    known = await passwords.hashed(RIGHT)
    assert known.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.hashed(RIGHT) != known, "salted"
    assert await passwords.verify(RIGHT, known) == "right"
    for wrong in ("", RIGHT + " ", RIGHT.upper(), "x" * 4_096):
        assert await passwords.verify(wrong, known) == "wrong"


async def test_a_hash_of_other_parameters_is_told() -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(RIGHT)
    assert await passwords.verify(RIGHT, old) == "right_but_old"
    assert await passwords.verify("another one here", old) == "wrong"


async def test_nobodys_password_is_wrong_and_what_is_no_hash_too() -> None:
    assert await passwords.verify("the password of nobody", None) == "wrong"
    assert await passwords.verify(RIGHT, "no hash") == "wrong"


async def test_an_unknown_account_takes_as_long() -> None:
    known = await passwords.hashed(RIGHT)
    await passwords.verify(RIGHT, None)
    best = {}
    for what, of in (("known", known), ("unknown", None)):
        times = []
        for _ in range(5):
            began = time.perf_counter()
            await passwords.verify("wrong password", of)
            times.append(time.perf_counter() - began)
        best[what] = min(times)
    assert best["unknown"] > 0.4 * best["known"], "no answer without the work"


async def test_the_event_loop_goes_on_meanwhile_and_a_crowd_is_turned_away() -> None:
    known = await passwords.hashed(RIGHT)
    looks = 0

    async def look() -> None:
        nonlocal looks
        while True:
            await asyncio.sleep(0)
            looks += 1

    looking = asyncio.create_task(look())
    found = await asyncio.gather(*(passwords.verify(RIGHT, known) for _ in range(60)), return_exceptions=True)
    looking.cancel()
    assert looks > 100
    refused = [one for one in found if isinstance(one, Unavailable)]
    assert [one.code for one in refused] == ["sign_in_busy"] * 20
    assert found.count("right") == 40
    assert await passwords.verify(RIGHT, known) == "right", "and nobody waits any more"


async def test_no_more_than_two_are_looked_at_at_a_time() -> None:
    known = await passwords.hashed(RIGHT)
    await asyncio.gather(*(passwords.verify(RIGHT, known) for _ in range(6)))
    assert len([thread for thread in threading.enumerate() if thread.name.startswith("password")]) == 2
