"""The bench of all pages is too long for every day; here, that it knows every page and every reading operation."""

from tests.bench import addresses
from tests.bench.big_rows import DAY_MS, Size


def test_every_address_of_the_bench_can_be_asked() -> None:
    size = Size(sessions=1_000, calls=100, until_ms=20_000 * DAY_MS, days=365, seed=1)
    ids = {"calls": "call_1", "sessions": "session_1"}
    pages, operations = addresses.of_pages(size, ids), addresses.of_api(size, ids)
    assert {"/overview", "/calls", "/sources"} & {path.partition("?")[0] for path in pages}
    assert {"/campaigns/cmp_00/routing", "/destinations/dst_00/edit", "/calls/call_1/outcome"} <= set(pages)
    assert not [path for path in (*pages, *operations) if "{" in path]
