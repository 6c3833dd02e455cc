import asyncio

import pytest
from sqlalchemy import func, select

from dni.access import tries
from dni.errors import TooManyTries
from dni.ledger.engines import Ledger
from dni.ledger.schema import sign_in_try

NOW = 1_800_000_000_000
MARY = "mary@example.com"


async def take(ledger: Ledger, now_ms: int, email: str = MARY) -> int | None:
    """Seconds to wait; None: it may be tried."""
    try:
        async with ledger.write() as connection:
            await tries.take(ledger, connection, now_ms, email)
    except TooManyTries as error:
        return error.retry_after_s
    return None


async def test_ten_of_many_who_try_at_once_may(ledger: Ledger) -> None:
    found = await asyncio.gather(*(take(ledger, NOW) for _ in range(30)))
    assert found.count(None) == 10
    assert set(found) == {None, 15 * 60}


async def test_it_is_never_for_long_however_often_somebody_tries(ledger: Ledger) -> None:
    for n in range(10):
        assert await take(ledger, NOW + n) is None
    for n in range(10, 890):
        if n % 40 == 0:
            assert await take(ledger, NOW + n * 1_000) == 900 - n
    assert await take(ledger, NOW + tries.WINDOW_MS) is None
    assert await take(ledger, NOW + tries.WINDOW_MS + 1) is None


async def test_addresses_are_counted_apart_whatever_their_letters(ledger: Ledger) -> None:
    for n in range(10):
        assert await take(ledger, NOW, (MARY, " Mary@Example.com ")[n % 2]) is None
    assert await take(ledger, NOW, "MARY@EXAMPLE.COM") == 900
    assert await take(ledger, NOW, "john@example.com") is None


async def test_the_right_password_forgives(ledger: Ledger) -> None:
    for _ in range(10):
        await take(ledger, NOW)
    async with ledger.write() as connection:
        await tries.forgive(connection, MARY.upper())
    assert await take(ledger, NOW) is None


async def test_nothing_is_kept_for_longer_than_it_counts(ledger: Ledger) -> None:
    for n in range(50):
        await take(ledger, NOW, f"{n}@example.com")
    await take(ledger, NOW + tries.WINDOW_MS)
    async with ledger.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(sign_in_try))).scalar_one() == 1


@pytest.mark.parametrize("email", ["", "x" * 10_000, "\ud800", "é@example.com"])
async def test_what_is_no_address_is_counted_too(ledger: Ledger, email: str) -> None:
    assert await take(ledger, NOW, email) is None
