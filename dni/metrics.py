"""Every Prometheus metric that we count, in one place. Labels hold bounded sets only: no number, visitor or keyword."""

import asyncio
import os
from collections import defaultdict

from prometheus_client import Counter, Gauge, Histogram, values

if values.ValueClass is not values.MutexValue:
    # The library asks for the process id at every count, in case of a fork; our processes never fork.
    _PID = os.getpid()
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: _PID)  # type: ignore[no-untyped-call]

_LEASES = Counter("dni_leases", "Answers to targets of page views", ["kind", "reason"])
_SIGNALS = Counter("dni_signals", "Signals from pages", ["type"])
_PAGES = Counter("dni_pages", "Reports of pages, by what the tag found", ["result"])
REFUSALS = Counter("dni_refusals", "Requests refused, by door and reason", ["door", "reason"])
CALLS = Counter("dni_calls", "Inbound calls answered with an instruction", ["carrier", "outcome"])
SPOOLED = Counter("dni_calls_spooled", "Call events kept on disk because the ledger was away", [])
RECORDED = Counter("dni_recorded", "Stream entries written to the ledger", [])
DELIVERIES = Counter("dni_deliveries", "Messages to endpoints, by what became of a try", ["kind", "state"])
WAITING = Gauge(
    "dni_deliveries_waiting", "Messages that wait to be sent, counted up to 10,001", multiprocess_mode="mostrecent"
)


class _Tally:
    """Counts of the page path. A count in the file that all processes share costs a microsecond, so they are brought
    there once a second."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._counted: dict[tuple[str, ...], int] = defaultdict(int)

    def add(self, *labels: str) -> None:
        self._counted[labels] += 1

    def bring(self) -> None:
        counted, self._counted = self._counted, defaultdict(int)
        for labels, count in counted.items():
            self._counter.labels(*labels).inc(count)


leases, signals, pages = _Tally(_LEASES), _Tally(_SIGNALS), _Tally(_PAGES)


def bring_all() -> None:
    for tally in (leases, signals, pages):
        tally.bring()


async def keep_bringing() -> None:
    """A worker's duty, until cancelled."""
    try:
        while True:
            await asyncio.sleep(1)
            bring_all()
    finally:
        bring_all()


CALL_ANSWER_S = Histogram("dni_call_answer_seconds", "Time to answer the carrier", ["carrier"])
