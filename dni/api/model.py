"""What an operation of the admin API is, and what a request comes to before it runs. Pure values."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import msgspec

from dni.access.model import Principal
from dni.errors import FieldError, Forbidden
from dni.ledger.engines import Ledger
from dni.live.connection import Live
from dni.pool.keys import Keys
from dni.web.body import JSON_LIMIT

Access = Literal["read", "tell", "dispute", "weigh", "connect", "write", "administer"]


class Query(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """No query parameters."""


class ListQuery(Query, kw_only=True):
    """Of every list. `cursor` is `next` of the page before."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    cursor: str | None = None


class Problem(msgspec.Struct):
    """RFC 9457 problem details. `code` is the one reason code, also in the header DNI-Reason."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One request, understood. `base_url` is scheme and host of this service as the world reaches it. `allowed`:
    addresses that may be sent to although they are none of the public internet, as DNI_OUTBOUND_ALLOW has them."""

    ledger: Ledger
    live: Live
    keys: Keys
    principal: Principal
    now_ms: int
    base_url: str
    allowed: str = ""
    id: str = ""
    query: Any = None
    body: Any = None


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one address under /api/v1.

    run          reads: `run(ask)`, writes: `run(connection, ask)` in one transaction. Lists give (views, cursor)
    answer       type of what it gives, of one entry for a list; None: 204, no content
    whole        what the body leaves out is gone, else it stays
    before       reads, in the write's transaction, what it is about to change: the audit log tells what was
    workflow     `run(parts, ask)` instead: it has transactions of its own, and done twice it is done once
    configures   the write changes what pages and calls are served from
    settles      what calls pay may change by it; that is settled before the answer, as far as it can be at once
    secret       a field that is told once and kept out of the answer stored for an Idempotency-Key
    csv          writes a list whose CSV has a form of its own: `csv(query, views)`
    raw          media types besides JSON that a body may have: it is given as it is, as bytes
    within       types that the document has to tell beside those of `body` and `answer`: what these hold unread
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    name: str
    summary: str
    room: str
    run: Callable[..., Awaitable[Any]]
    access: Access = "read"
    answer: Any = None
    status: int = 200
    body: Any = None
    body_limit: int = JSON_LIMIT
    query: type[Query] = Query
    is_list: bool = False
    workflow: bool = False
    configures: bool = True
    settles: bool = False
    secret: str | None = None
    before: Callable[..., Awaitable[Any]] | None = None
    whole: bool = False
    csv: Callable[[Any, list[Any]], str] | None = None
    raw: tuple[str, ...] = ()
    within: tuple[Any, ...] = ()

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    def check(self, principal: Principal) -> None:
        """Raises Forbidden for a principal who may not ask this at all."""
        if self.access == "write" and not principal.may_write:
            raise Forbidden(f"as {principal.role} you may read here, not change")
        if self.access == "tell" and not principal.may_tell:
            raise Forbidden("what became of a call is for its advertiser to tell")
        if self.access == "dispute" and not principal.may_dispute:
            raise Forbidden("what a call pays is disputed by its publisher or its advertiser")
        if self.access == "weigh" and not principal.may_weigh:
            raise Forbidden("what terms would pay and bring is for those who may see both")
        if self.access == "connect" and not principal.may_write:
            raise Forbidden("what leaves for other systems is for admins, and for marketers without walls")
        if self.access == "administer" and not principal.may_administer:
            raise Forbidden(f"this is for admins; you are {principal.role}")
