"""Fixtures of benchmarks: big ledgers, as large as `--sessions` says, kept where `--ledgers` says."""

from collections.abc import Iterator

import pytest

from tests.bench import ledgers
from tests.bench.ledgers import Ready


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def big_ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """A ledger with many sessions and a tenth as many calls, on each engine: a test that takes this runs twice."""
    sessions, kept = request.config.getoption("sessions"), request.config.getoption("ledgers")
    calls = sessions // 10
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
    if request.param == "sqlite":
        yield ledgers.sqlite(kept or tmp_path_factory.mktemp("ledgers"), sessions, calls)
        return
    with ledgers.on_postgres(kept, sessions, calls) as ready:
        yield ready
