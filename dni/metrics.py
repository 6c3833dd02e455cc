"""Every Prometheus metric that we count, in one place. Labels hold bounded sets only: no number, visitor or keyword."""

import os
from functools import lru_cache

from prometheus_client import Counter, Histogram, values

if values.ValueClass is not values.MutexValue:
    # The library asks for the process id at every count, in case of a fork; our processes never fork.
    _PID = os.getpid()
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: _PID)  # type: ignore[no-untyped-call]

_LEASES = Counter("dni_leases", "Answers to targets of page views", ["kind", "reason"])
_SIGNALS = Counter("dni_signals", "Signals from pages", ["type"])
PAGES = Counter("dni_pages", "First reports of pages, by what the tag found", ["result"])
REFUSALS = Counter("dni_refusals", "Requests refused, by door and reason", ["door", "reason"])
CALLS = Counter("dni_calls", "Inbound calls answered with an instruction", ["carrier", "outcome"])
SPOOLED = Counter("dni_calls_spooled", "Call events kept on disk because the ledger was away", [])
RECORDED = Counter("dni_recorded", "Stream entries written to the ledger", [])
# Found once and kept: the page path counts for every target.
leases = lru_cache(256)(_LEASES.labels)
signals = lru_cache(16)(_SIGNALS.labels)
CALL_ANSWER_S = Histogram("dni_call_answer_seconds", "Time to answer the carrier", ["carrier"])
