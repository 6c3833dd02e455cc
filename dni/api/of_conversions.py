"""What the admin API does with sales that come back: it finds the calls that led to them, and tells their outcome."""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from dni.access.model import Principal
from dni.api.model import Ask, Operation, Query
from dni.call import bring_csv, bring_model
from dni.call.bring import bring, in_turns, reading
from dni.call.bring_model import MOST_DAYS, MOST_ROWS, ConversionsReport, NewConversion, Row, Wrong
from dni.campaign import model
from dni.errors import InvalidField
from dni.parts import Parts
from dni.qualification.settle import settle_since
from dni.sheet import text_of

CSV_LIMIT = 8 * 1024 * 1024
_CSV = "text/csv"


class ConversionsQuery(Query, kw_only=True):
    """`campaign`, `within_days`: of rows that tell none. `timezone`, `day_first`: of times in a CSV that tell none, and
    whether 3/11/2026 is in November."""

    dry_run: bool = False
    campaign: str | None = None
    timezone: str = "UTC"
    day_first: bool = False
    within_days: Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)] | None = None


class NewConversions(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Each is read by itself: one that is wrong does not stop the others."""

    conversions: Annotated[
        list[msgspec.Raw],
        msgspec.Meta(max_length=MOST_ROWS, extra_json_schema={"items": {"$ref": "#/components/schemas/NewConversion"}}),
    ]
    dry_run: bool = False


async def bring_conversions(parts: Parts, ask: Ask) -> ConversionsReport:
    return await brought(parts, ask.principal, ask.now_ms, ask.query, ask.body)


async def brought(
    parts: Parts, principal: Principal, now_ms: int, query: ConversionsQuery, body: NewConversions | bytes
) -> ConversionsReport:
    """`body`: bytes are a table. Raises InvalidField, Unavailable."""
    of = await reading(
        parts.ledger,
        principal,
        now_ms,
        campaign=query.campaign,
        timezone=model.timezone(query.timezone),
        day_first=query.day_first,
        within_days=query.within_days,
    )
    dry_run = query.dry_run
    told: Iterable[Row | Wrong]
    if isinstance(body, bytes):
        told = bring_csv.read(text_of(body), of)
    else:
        dry_run |= body.dry_run
        told = (bring_model.read_json(n, raw, of) for n, raw in enumerate(body.conversions, 1))
    rows = await in_turns(told)
    if len(rows) > MOST_ROWS:
        raise InvalidField("", f"at most {MOST_ROWS:,} rows at once: `dni conversions` takes longer tables")
    report = await bring(parts.ledger, principal, of, rows, dry_run=dry_run)
    if report.matched and not dry_run:
        await settle_since(parts, now_ms)
    return report


OPERATIONS = (
    Operation(
        method="POST",
        path="/conversions",
        name="bring_conversions",
        summary="Bring sales back to the calls that led to them, as JSON or CSV. The same again changes nothing",
        room="calls",
        access="tell",
        run=bring_conversions,
        body=NewConversions,
        body_limit=CSV_LIMIT,
        raw=(_CSV,),
        within=(NewConversion,),
        answer=ConversionsReport,
        query=ConversionsQuery,
        workflow=True,
    ),
)
