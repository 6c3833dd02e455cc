"""What to answer a carrier: by all that the ledger knows, else by what memory knows. A rule that fails drops nobody."""

import logging
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from dni.routing import facts
from dni.routing.decision import Decision, Route, connected, decide

log = logging.getLogger("dni.call")


def from_memory(route: Route) -> Decision:
    """Never raises: where the plan fails, the call goes to the campaign's own destination."""
    try:
        return decide(route, route.blind())
    except Exception:
        log.exception("the routing of campaign %s fails; its calls go to its own destination", route.campaign.id)
        return connected(route.campaign.destination, route.urls)


class Chooser:
    """Asked in the transaction that keeps the answer. `is_late`: the carrier has got memory's answer meanwhile;
    `is_on_disk`: and the event is safe with it."""

    def __init__(self, route: Route, memory: Decision) -> None:
        self._route = route
        self._memory = memory
        self.is_late = False
        self.is_on_disk = False

    def stands(self, decision: Decision | None) -> bool:
        """Whether the transaction may be kept: not with a place taken for a call that was sent elsewhere."""
        return decision is self._memory or not (self.is_late and self.is_on_disk)

    def __call__(self, connection: Connection, row: Mapping[str, Any]) -> Decision:
        """Raises what the ledger does."""
        if self.is_late:
            return self._memory
        try:
            route = self._as_it_is(row)
            return decide(route, facts.known(connection, route, row))
        except SQLAlchemyError:
            raise
        except Exception:
            log.exception("the routing of campaign %s fails; memory answers", self._route.campaign.id)
            return self._memory

    def _as_it_is(self, row: Mapping[str, Any]) -> Route:
        """The route with what the call's row knows better."""
        route = self._route
        if route.heard is None:
            return route
        heard = replace(route.heard, gone=route.heard.gone or row["ended_at_ms"] is not None)
        return replace(route, heard=heard, began_ms=row["started_at_ms"], caller=row["caller"])
