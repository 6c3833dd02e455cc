import asyncio

from dni.access import signins
from dni.ledger.engines import Ledger

NOW = 1_800_000_000_000


async def test_a_code_works_once_for_one_of_many(ledger: Ledger) -> None:
    code = await signins.issue(ledger, NOW)
    answers = await asyncio.gather(*(signins.redeem(ledger, NOW + 1, code) for _ in range(10)))
    assert sorted(answers) == [False] * 9 + [True]


async def test_a_code_runs_out_after_15_minutes(ledger: Ledger) -> None:
    code = await signins.issue(ledger, NOW)
    assert not await signins.redeem(ledger, NOW + signins.VALID_MS, code)
    assert await signins.redeem(ledger, NOW + signins.VALID_MS - 1, code)


async def test_what_is_no_code_is_refused(ledger: Ledger) -> None:
    await signins.issue(ledger, NOW)
    for wrong in ("", "x", "é", "\0", "a" * 1_000_000):
        assert not await signins.redeem(ledger, NOW, wrong)
