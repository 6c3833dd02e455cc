"""Days of made-up traffic in the ledger, as the recorder and the carrier's door would have written them."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dni.access.model import Principal
from dni.clock import SystemClock
from dni.demo.data import ensure_demo
from dni.demo.fill import fill
from dni.errors import UsageError
from dni.ledger import schema
from dni.ledger.migrate import migrate
from dni.parts import Parts
from dni.report.attribution import attribution
from dni.report.model import ReportFilter
from dni.settings import Settings

ADMIN = Principal("tok", "", "admin")
DAY_MS = 86_400_000


@pytest.fixture
async def demo(tmp_path: Path, redis_url: str) -> Parts:
    parts = Parts(Settings(data_dir=tmp_path, redis_url=redis_url, admin_token="t" * 32))
    await migrate(parts.ledger)
    await parts.catalog.refresh()
    await ensure_demo(parts)
    return parts


async def test_days_of_traffic(demo: Parts) -> None:
    shares: list[float] = []
    filled = await fill(demo.settings, 2, 1, shares.append)
    assert filled.visits > 150
    assert filled.calls > 5
    assert shares == sorted(shares)
    assert 0.9 < shares[-1] <= 1
    now_ms = SystemClock().now_ms()
    only = ReportFilter(from_ms=now_ms - 2 * DAY_MS - 60_000, to_ms=now_ms + 60_000)
    [whole] = await attribution(demo.ledger, ADMIN, only, (), "linear", 1)
    assert whole.sessions == whole.leased == filled.visits
    assert whole.calls == filled.calls
    assert 0 < whole.answered <= filled.calls
    assert whole.qualified
    assert whole.payout is not None
    assert whole.payout.amount >= whole.qualified * 2_500
    async with demo.ledger.read() as connection:
        owed = select(func.sum(schema.entry.c.amount)).where(schema.entry.c.account == "publisher_payable")
        assert (await connection.execute(owed)).scalar_one() == -whole.payout.amount
        waiting = select(func.count()).where(schema.call.c.unsettled_ms.is_not(None))
        assert (await connection.execute(waiting)).scalar_one() == 0
    subs = {row.sub1 for row in await attribution(demo.ledger, ADMIN, only, ("sub1",), "linear", 9)}
    assert subs == {None, "north-bay", "east-bay", "city"}
    rows = await attribution(demo.ledger, ADMIN, only, ("source", "medium"), "last_touch", 100)
    assert {("google", "cpc"), ("google", "organic"), ("(direct)", "(none)")} <= {
        (one.source, one.medium) for one in rows
    }
    async with demo.ledger.read() as connection:
        kept = (await connection.execute(select(func.count()).select_from(schema.call_touch))).scalar_one()
        streams = (await connection.execute(select(func.count()).select_from(schema.recorded))).scalar_one()
        begun = select(func.sum(schema.pool_hour.c.begun), func.sum(schema.pool_hour.c.credited))
        in_pools, credited = (await connection.execute(begun)).one()
    assert kept > 0
    assert filled.visits * 0.9 < in_pools <= filled.visits, "but those of the hour that is not over"
    assert 0 < credited <= filled.calls
    assert streams == 0, "the streams were of a server that is gone"
    with pytest.raises(UsageError, match="has visits of earlier days already"):
        await fill(demo.settings, 2, 1, shares.append)
    await demo.ledger.close()


async def test_without_a_demo(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, admin_token="t" * 32)
    parts = Parts(Settings(data_dir=tmp_path, redis_url="unix:///nowhere", admin_token="t" * 32))
    await migrate(parts.ledger)
    await parts.ledger.close()
    with pytest.raises(UsageError, match="no demo here"):
        await fill(settings, 1, 1, lambda _: None)


def test_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dni", "demo", "fill", "--days", "1", "--data-dir", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
