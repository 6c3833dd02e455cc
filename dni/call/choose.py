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
    """Asked in the transaction that keeps the answer, in whatever thread that is.

    is_late        the carrier will get memory's answer, if the transaction is not done first
    is_on_disk     the event is safe with memory's answer
    is_committing  the transaction is about to be kept with the ledger's answer
    Of the last two each is set before the other is read: so never is one answer kept and another one given.
    """

    def __init__(self, route: Route, memory: Decision) -> None:
        self._route = route
        self._memory = memory
        self.is_late = False
        self.is_on_disk = False
        self.is_committing = False

    def stands(self, decision: Decision | None) -> bool:
        """Whether the transaction may be kept: not with a place taken for a call that is sent elsewhere."""
        if decision is self._memory:
            return True
        self.is_committing = True
        if self.is_on_disk:
            self.is_committing = False
        return self.is_committing

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
