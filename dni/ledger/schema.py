"""The ledger's tables. Migrations in `migrations/` must give exactly this; a check compares them.

Design overview
---------------
Configuration (`campaign destination publisher pool tag number carrier token`) is written by the admin API and `dni
apply`; every write raises `revision`, which workers poll to renew the catalog they hold in memory. Rows are never
deleted while something points to them: they get `deleted_at_ms` (or `retired_at_ms`) and leave the catalog.
`tag_version` keeps former settings of a tag, at most 100; `tag_draft` what its next ones change, until it is published;
`tag_script` every script that was handed out by its version: a page may name it for ever.

What happened (`session lease call call_event`) is written by two hands. The recorder turns the Redis streams into
sessions and leases; `recorded` holds the last stream id applied, in the same transaction, so an entry is applied once.
A lease is known by its number and its start: no number is leased twice at one moment. The carrier's door writes
`call_event` (raw, unique by the carrier's own identity of the event) and `call`, which is the fold of its events: it
can be thrown away and computed again. A call carries a copy of its touch and names its session without a foreign key,
because the call may be known before the recorder wrote the session. `call_touch` is a copy of the touches of all
visitors who may have called, from the visits until the call: sessions that led to no call may be forgotten soon.

`chunk chunk_column word` are a copy of sessions and of calls for the reports: what they group by, column by column,
in codes. A chunk holds what began in one stretch of time, once that has settled. Who changes a row there says so in the
same transaction (`dni/ledger/stale.py`); the rows count then, until the chunk is made anew. It names no person.

A row of `session` goes when it is old and led to no call; of older calls and sessions some columns go (`retention`,
`forgotten`, `retention_run`). Who asks for it is erased: the call then has a random text in the place of each id, which
no other row has. `call.first_time` keeps figures of calls whose `caller` is gone. `erasure` tells that it was done.

`decision` is each answer that we gave the carrier of a call, with the way that it took through its campaign's routing;
the same question again gets the same answer. `attempt` is each destination that a call was sent to: caps are counted
from these rows, in the transaction that adds one. `outcome` is what became of a call, told afterwards; rows are only
added, the last one counts.

`pool_hour` is how a pool was used, hour by hour: counted from leases, sessions and calls, for the pool's page, which
would have to read them all. It names no person, and stays when they are forgotten.

`terms` are the versions of what a campaign's calls must be and pay; the one that applied when a call began is its for
ever. `verdict` is what they say of a call now; `call.unsettled_ms` is set in the transaction that changed what it
depends on, until it was judged anew. `adjustment` is what a person put in the verdict's place, `dispute` why somebody
asked for it. Every change of what a call pays adds a `posting`, whose `entry` rows sum to zero; neither is ever changed
or deleted (triggers refuse it), and each posting is on at most one `statement`. `budget` bounds what may be spent,
`hold` is what one call takes of it, `counter` what all calls of a period take: always the sum of its holds.

`outbox` is what happened that others are to be told, a row in the transaction of its cause; `data` is made from the
ledger a moment later, with a `delivery` for each `endpoint` that wants it, and stays the same however often it is sent.
`delivery_attempt` is each try to send one. `endpoint_health` says whether an endpoint answers. `alert` is what an
operator was told of a tag or a pool, from when it began until it was over.

`account` is a person who signs in by e-mail and password, `signed_in` each browser that did, `audit` who changed what.

`refusal` keeps what was turned away at the carrier's door, at most 1,000 rows an account. `idempotency` keeps answers
of creating requests for a day. `secret` holds what all hosts must share. `signin` holds one-time sign-in codes.

Times are integer milliseconds since the Unix epoch and end in `_ms`; money is integer minor units; ids are text,
sortable by age; JSON columns hold small values that are read whole and never searched, but for the
sub-ids in `params` (`sub_id`).
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    literal_column,
    text,
)

# Credit models that need no more than the path; `data_driven` changes with what all visitors do.
KEPT_MODELS = ("first_touch", "last_touch", "last_non_direct", "linear", "position_based", "time_decay")

# Constraint names are fixed, so that a migration can name what it changes on both engines.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _ms(name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable, primary_key=primary_key)


revision = Table(
    "revision",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("value", BigInteger, nullable=False),
    comment="one row: rises with every change of configuration",
)

secret = Table(
    "secret",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    comment="what all hosts must share: the key that seals browser ids and sign-in cookies",
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("destination", Text, nullable=False, comment="E.164: where calls go"),
    Column("timezone", Text, nullable=False, comment="IANA name"),
    Column("currency", Text, nullable=False, comment="ISO 4217"),
    Column("advertiser", Text, comment="whose offer it is, by name; campaigns of one advertiser share it"),
    Column("routing", JSON, nullable=False, server_default="{}", comment="routing.model.Routing: what is no default"),
    _ms("created_at_ms"),
    _ms("deleted_at_ms", nullable=True),
)

destination = Table(
    "destination",
    metadata,
    Column("id", Text, primary_key=True),
    Column("campaign_id", Text, ForeignKey("campaign.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("number", Text, nullable=False, comment="E.164"),
    Column("timezone", Text, comment="IANA name; null: the campaign's"),
    Column("hours", Text, comment="as dni/routing/hours.py reads them; null: always"),
    Column("caps", JSON, nullable=False, server_default="{}", comment="routing.destinations.Caps: what is set"),
    Column("paused", Boolean, nullable=False, server_default=false()),
    _ms("created_at_ms"),
    _ms("deleted_at_ms", nullable=True),
    Index("ix_destination_campaign_id", "campaign_id"),
)

publisher = Table(
    "publisher",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    _ms("created_at_ms"),
    _ms("deleted_at_ms", nullable=True),
)

pool = Table(
    "pool",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("campaign_id", Text, ForeignKey("campaign.id"), comment="null until its first tag claims it"),
    Column("publisher_id", Text, ForeignKey("publisher.id")),
    Column("shared", Boolean, nullable=False, comment="publishers of its campaign may share it"),
    Column("hold_seconds", Integer, nullable=False),
    Column("region_rule", Text, nullable=False, server_default="prefer", comment="prefer or strict"),
    _ms("created_at_ms"),
    _ms("deleted_at_ms", nullable=True),
)

number = Table(
    "number",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False, comment="E.164"),
    Column("pool_id", Text, ForeignKey("pool.id"), comment="set: pooled; null: static"),
    Column("campaign_id", Text, ForeignKey("campaign.id"), comment="static numbers only"),
    Column("publisher_id", Text, ForeignKey("publisher.id")),
    Column("source", Text),
    Column("medium", Text),
    Column("campaign_name", Text),
    Column("keyword", Text),
    Column("region", Text, comment="pooled numbers only: ISO 3166, such as US-CA or US; null: anywhere"),
    _ms("created_at_ms"),
    _ms("placed_at_ms", nullable=True),  # first put in Redis: from then on it may be on a screen
    _ms("retired_at_ms", nullable=True),
    # A carrier may sell a number again, so only a live one is unique.
    Index("uq_number_live", "number", unique=True, sqlite_where=text("retired_at_ms IS NULL"),
          postgresql_where=text("retired_at_ms IS NULL")),
    Index("ix_number_pool_id", "pool_id"),
)  # fmt: skip

tag = Table(
    "tag",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("campaign_id", Text, ForeignKey("campaign.id"), nullable=False),
    Column("publisher_id", Text, ForeignKey("publisher.id")),
    Column("pool_id", Text, ForeignKey("pool.id")),
    Column("origins", JSON, nullable=False),
    Column("targets", JSON, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("params", JSON, nullable=False, comment="query parameters kept beside the usual ones"),
    Column("options", JSON, nullable=False, server_default="{}", comment="catalog.model.Options: what is no default"),
    Column("version", Integer, nullable=False, server_default="1", comment="of its settings"),
    _ms("created_at_ms"),
    _ms("deleted_at_ms", nullable=True),
    UniqueConstraint("key"),
)

tag_version = Table(
    "tag_version",
    metadata,
    Column("tag_id", Text, ForeignKey("tag.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("settings", JSON, nullable=False, comment="fields of TagChange"),
    _ms("replaced_at_ms"),
)

tag_draft = Table(
    "tag_draft",
    metadata,
    Column("tag_id", Text, ForeignKey("tag.id"), primary_key=True),
    Column("change", JSON, nullable=False, comment="fields of TagChange that differ from what is live"),
    Column("token", Text, nullable=False, comment="in clear: it opens a preview and is shown again"),
    _ms("saved_at_ms"),
)

tag_script = Table(
    "tag_script",
    metadata,
    Column("tag_id", Text, ForeignKey("tag.id"), primary_key=True),
    Column("version", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False, comment="gzip"),
    _ms("created_at_ms"),
)

carrier = Table(
    "carrier",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("account_sid", Text, nullable=False),
    Column("auth_token", Text, nullable=False, comment="needed in clear to check signatures; never shown again"),
    Column("default_destination", Text, comment="E.164: where a call to a number that we do not know goes"),
    _ms("created_at_ms"),
    _ms("deleted_at_ms", nullable=True),
)

token = Table(
    "token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("campaign_id", Text, ForeignKey("campaign.id")),
    Column("publisher_id", Text, ForeignKey("publisher.id")),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the token; the token has 256 random bits"),
    _ms("created_at_ms"),
    _ms("revoked_at_ms", nullable=True),
    UniqueConstraint("digest"),
)

signin = Table(
    "signin",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of a one-time code"),
    _ms("expires_at_ms"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("token_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", LargeBinary, nullable=False, comment="SHA-256 of method, path and body"),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _ms("created_at_ms"),
    Index("ix_idempotency_created_at_ms", "created_at_ms"),
)


SOUGHT_CHARACTERS = 200
"""Of a text that calls are found by: PostgreSQL's indexes take no longer ones."""


def sought(column: ColumnElement[str]) -> ColumnElement[str]:
    """What an index has of a text."""
    return func.lower(func.substr(column, literal_column("1"), literal_column(str(SOUGHT_CHARACTERS))))


SUBS = ("sub1", "sub2", "sub3", "sub4", "sub5")
"""Parameters by which publishers tell where of their own traffic a visit comes from."""


def sub_id(table: Table, name: str) -> ColumnElement[str]:
    """One of SUBS, of a table whose rows have a touch."""
    found: ColumnElement[str] = table.c.params[name].as_string().label(name)
    return found


def _touch() -> list[Column[str]]:
    """How a session came; a call carries a copy."""
    names = ("source", "medium", "campaign_name", "keyword", "content", "channel", "landing_page", "referrer")
    return [Column(name, Text) for name in names] + [Column("click_ids", JSON), Column("params", JSON)]


session = Table(
    "session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("visitor_id", Text, nullable=False),
    Column("tag_id", Text, nullable=False),
    Column("campaign_id", Text, nullable=False),
    Column("publisher_id", Text),
    _ms("started_at_ms"),
    _ms("last_seen_ms"),
    Column("page_views", Integer, nullable=False),
    *_touch(),
    Column("title", Text),
    Column("consent", Text, nullable=False),
    Column("language", Text),
    Column("timezone", Text),
    Column("screen", Text, comment="width and height in CSS pixels, such as 1920x1080"),
    Column("device", Text, comment="desktop, phone, tablet or other"),
    Column("browser", Text),
    Column("os", Text),
    Column("country", Text, comment="ISO 3166-1 alpha-2"),
    Column("region", Text, comment="ISO 3166-2, such as US-CA"),
    Column("city", Text),
    Column("ids", JSON, comment="ids of other systems that the page told, such as ga"),
    Column("custom", JSON),
    Column("unleased", Text, comment="why the session got no pooled number, when it asked for one and got none"),
    Index("ix_session_campaign_id_started_at_ms", "campaign_id", "started_at_ms"),
    Index("ix_session_started_at_ms", "started_at_ms"),
    Index("ix_session_visitor_id", "visitor_id"),
)

lease = Table(
    "lease",
    metadata,
    Column("number", Text, primary_key=True),
    _ms("started_at_ms", primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("tag_id", Text, nullable=False),
    Column("campaign_id", Text, nullable=False),
    Column("pool_id", Text, nullable=False),
    Column("target", Text, nullable=False),
    _ms("last_sign_ms"),
    _ms("tapped_at_ms", nullable=True),
    _ms("left_at_ms", nullable=True),
    _ms("ended_at_ms", nullable=True),  # the number went to another session
    Index("ix_lease_session_id", "session_id"),
)

recorded = Table(
    "recorded",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("last_id", Text, nullable=False, comment="stream id of the last entry applied"),
)

call = Table(
    "call",
    metadata,
    Column("id", Text, primary_key=True),
    Column("carrier_id", Text, nullable=False),
    Column("provider_id", Text, nullable=False, comment="the carrier's own id of the call"),
    Column("status", Text, nullable=False),
    _ms("started_at_ms"),
    _ms("answered_at_ms", nullable=True),
    _ms("ended_at_ms", nullable=True),
    Column("duration_s", Integer, comment="first ring to end"),
    Column("talk_s", Integer, comment="connected to the destination"),
    Column("hung_up_by", Text),
    Column("caller", Text, comment="E.164; null: withheld or not a number"),
    Column("tracking_number", Text, nullable=False),
    Column("destination", Text),
    Column("recording_url", Text),
    Column("refusal", Text, comment="why the call was not connected"),
    Column("campaign_id", Text),
    Column("publisher_id", Text),
    Column("tag_id", Text),
    *_touch(),
    Column("session_id", Text),
    Column("visitor_id", Text),
    Column("method", Text, comment="null: attribution is still to be done (Redis was away)"),
    Column("confidence", Float),
    Column("candidates", JSON),
    Column("lessons", JSON(none_as_null=True), comment="what the call teaches of delays; null: nothing"),
    _ms("touches_kept_ms", nullable=True),  # when `call_touch` was written for the present answer
    _ms(
        "forgot_ms", nullable=True
    ),  # when who called was forgotten: what the carrier tells later does not bring it back
    Column("first_time", Boolean, comment="whether this telephone's first of the campaign; null: its calls tell"),
    Column("phase", Text, comment="of the last decision: connecting, menu, voicemail, rejected, over"),
    Column("spoke", Boolean, comment="we took the call ourselves and spoke to the caller; null: no"),
    Column("keys", Text, comment="what the caller pressed, in order"),
    Column("attestation", Text, comment="of STIR/SHAKEN: A, B, C, failed"),
    Column("phone_type", Text, comment="of the caller, where the carrier tells"),
    _ms("given_up_ms", nullable=True),  # when it was closed, because nobody told of its end
    Column("outcome", JSON(none_as_null=True), comment="a copy of the last row of `outcome`"),
    Column("qualified", Boolean, comment="a payout policy matched, or it was adjusted to pay; null: not judged"),
    Column("billable", Boolean, comment="a revenue policy matched, or it was adjusted to bill; null: not judged"),
    Column("payout", BigInteger, comment="in minor units of the campaign's currency; null: not judged"),
    Column("revenue", BigInteger, comment="in minor units of the campaign's currency; null: not judged"),
    Column("held", Boolean, comment="budgets hold something for it, or did; null: no"),
    _ms("unsettled_ms", nullable=True),  # since when its verdict is to be given, or given anew
    UniqueConstraint("carrier_id", "provider_id"),
    Index("ix_call_started_at_ms", "started_at_ms"),
    Index("ix_call_campaign_id_started_at_ms", "campaign_id", "started_at_ms"),
    Index("ix_call_publisher_id_started_at_ms", "publisher_id", "started_at_ms"),
    Index("ix_call_session_id", "session_id"),
    Index("ix_call_status_started_at_ms", "status", "started_at_ms"),
    Index("ix_call_tracking_number_started_at_ms", "tracking_number", "started_at_ms"),
    Index("ix_call_tag_id_started_at_ms", "tag_id", "started_at_ms"),
    Index("ix_call_caller_started_at_ms", "caller", "started_at_ms"),
    Index(
        "ix_call_uncredited",
        "started_at_ms",
        sqlite_where=text("method IS NULL"),
        postgresql_where=text("method IS NULL"),
    ),
    Index(
        "ix_call_touches_not_kept",
        "started_at_ms",
        sqlite_where=text("touches_kept_ms IS NULL"),
        postgresql_where=text("touches_kept_ms IS NULL"),
    ),
    Index(
        "ix_call_unsettled",
        "unsettled_ms",
        sqlite_where=text("unsettled_ms IS NOT NULL"),
        postgresql_where=text("unsettled_ms IS NOT NULL"),
    ),
)

SOUGHT = ("source", "medium", "campaign_name", "keyword")
for _name in SOUGHT:
    Index(f"ix_call_{_name}", sought(call.c[_name]), call.c.started_at_ms)

call_touch = Table(
    "call_touch",
    metadata,
    Column("call_id", Text, ForeignKey("call.id"), primary_key=True),
    Column("session_id", Text, primary_key=True),
    Column("visitor_id", Text, nullable=False),
    Column("tag_id", Text, nullable=False),
    Column("publisher_id", Text),
    _ms("at_ms"),
    *_touch(),
    Column("device", Text),
    Column("region", Text),
    Column("confidence", Float, comment="that this visitor made the call; null: not stated"),
    # Of one call that was this visitor's, by each credit model, in millionths; each sums to a million over his touches.
    *(Column(model, Integer, nullable=False) for model in KEPT_MODELS),
    Index("ix_call_touch_visitor_id", "visitor_id"),
)

former_attribution = Table(
    "former_attribution",
    metadata,
    Column("call_id", Text, ForeignKey("call.id"), primary_key=True),
    _ms("until_ms", primary_key=True),  # when another answer took its place
    Column("session_id", Text),
    Column("visitor_id", Text),
    Column("method", Text, nullable=False),
    Column("confidence", Float),
    Column("candidates", JSON),
    Index("ix_former_attribution_until_ms", "until_ms"),
)

delay_counts = Table(
    "delay_counts",
    metadata,
    Column("pool_id", Text, primary_key=True, comment="empty: of all pools"),
    Column("counts", JSON, nullable=False, comment="soft counts, see dni/attribution/delay.py"),
    Column("version", Integer, nullable=False, comment="of what the counts mean"),
    _ms("until_ms"),
    Column("until_call", Text, nullable=False, comment="with until_ms: the last call that the counts hold"),
)

call_event = Table(
    "call_event",
    metadata,
    Column("id", Text, primary_key=True),
    Column("call_id", Text, ForeignKey("call.id"), nullable=False),
    Column("identity", Text, nullable=False, comment="the carrier's own identity of the event: the same twice is one"),
    Column("kind", Text, nullable=False),
    _ms("at_ms"),  # the carrier's time where it tells one
    _ms("received_at_ms"),
    Column("fields", JSON, nullable=False, comment="every field as the carrier sent it"),
    UniqueConstraint("call_id", "identity"),
)

chunk = Table(
    "chunk",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False, comment="session, call, or path: then its moments are codes"),
    _ms("from_ms"),
    _ms("to_ms"),  # not within
    Column("rows", Integer, nullable=False),
    Column("version", Integer, nullable=False, comment="rises when a row of the stretch changed"),
    Column("sealed", Boolean, nullable=False, comment="the columns are true; else the rows are counted"),
    Column(
        "final", Boolean, nullable=False, comment="rows of the stretch were forgotten for their age: it stays as it is"
    ),
    UniqueConstraint("kind", "from_ms"),
)

chunk_column = Table(
    "chunk_column",
    metadata,
    Column("chunk_id", Integer, ForeignKey("chunk.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("type", Text, nullable=False, comment="of numpy: u1, u2, u4, i8 or f8, little-endian"),
    Column("data", LargeBinary, nullable=False, comment="a value a row"),
)

word = Table(
    "word",
    metadata,
    Column("dimension", Text, primary_key=True),
    Column("code", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False, comment="BLAKE2b-128 of the text: texts are of any length"),
    Column("folded", LargeBinary, nullable=False, comment="the same of the text in lower case (ASCII)"),
    Column("text", Text, comment="null: not set"),
    UniqueConstraint("dimension", "digest"),
    Index("ix_word_dimension_folded", "dimension", "folded"),
)

pool_hour = Table(
    "pool_hour",
    metadata,
    Column("pool_id", Text, ForeignKey("pool.id"), primary_key=True),
    _ms("hour_ms", primary_key=True),  # when the hour began, on the clock of UTC
    Column("begun", Integer, nullable=False, comment="leases that began"),
    Column("peak", Integer, nullable=False, comment="most numbers in use at one moment"),
    Column("busy_ms", BigInteger, nullable=False, comment="of all its numbers together: how long they were in use"),
    Column("exhausted", Integer, nullable=False, comment="sessions that found no free number"),
    Column("no_region", Integer, nullable=False, comment="sessions that found none of their region"),
    Column("visits", Integer, nullable=False, comment="leases that began, and are over"),
    Column("visit_ms", BigInteger, nullable=False, comment="how long these were, together"),
    Column("gaps", JSON, nullable=False, comment="counts by dni/pool/use.py: last sign of a lease to the next one"),
    Column("credited", Integer, nullable=False, comment="calls that were credited to a holder of one of its numbers"),
    Column("stated", Float, nullable=False, comment="sum of their confidences"),
    Column(
        "delays",
        JSON,
        nullable=False,
        comment="counts by dni/pool/use.py: last sign of a lease that is over to its call",
    ),
)

decision = Table(
    "decision",
    metadata,
    Column("id", Text, primary_key=True),
    Column("call_id", Text, ForeignKey("call.id"), nullable=False),
    Column("identity", Text, nullable=False, comment="of the event that asked"),
    _ms("at_ms"),
    Column("phase", Text, nullable=False),
    Column("path", JSON, nullable=False, comment="routing.plan.Passage: steps the call came to, and why"),
    Column("instruction", JSON, nullable=False, comment="telephony.model.Instruction: what was answered"),
    UniqueConstraint("call_id", "identity"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Text, primary_key=True),
    Column("call_id", Text, ForeignKey("call.id"), nullable=False),
    Column("destination_id", Text, ForeignKey("destination.id"), nullable=False),
    Column("number", Text, nullable=False, comment="E.164, as it was then"),
    Column("state", Text, nullable=False, comment="of its leg, a key of call.model.STATES"),
    Column("counted", Boolean, nullable=False, comment="against the caps: it is under way, or was answered"),
    _ms("at_ms"),
    _ms("ended_at_ms", nullable=True),
    Index("ix_attempt_call_id", "call_id"),
    Index("ix_attempt_counted", "destination_id", "at_ms", sqlite_where=text("counted"),
          postgresql_where=text("counted")),
    Index("ix_attempt_under_way", "destination_id", "at_ms", sqlite_where=text("ended_at_ms IS NULL"),
          postgresql_where=text("ended_at_ms IS NULL")),
)  # fmt: skip

outcome = Table(
    "outcome",
    metadata,
    Column("id", Text, primary_key=True),
    Column("call_id", Text, ForeignKey("call.id"), nullable=False),
    _ms("at_ms"),
    Column("sale", Boolean, comment="null: nothing is said of it"),
    Column("value", BigInteger, comment="in minor units of the currency"),
    Column("currency", Text),
    Column("lead_status", Text),
    Column("note", Text),
    Column("by_id", Text, nullable=False, comment="whose token it was"),
    Column("by_name", Text, nullable=False),
    Index("ix_outcome_call_id", "call_id"),
)

terms = Table(
    "terms",
    metadata,
    Column("id", Text, primary_key=True),
    Column("campaign_id", Text, ForeignKey("campaign.id"), nullable=False),
    Column("publisher_id", Text, ForeignKey("publisher.id"), comment="set: in place of the campaign's, for its calls"),
    _ms("from_ms"),  # calls that begin from then on
    Column("settings", JSON(none_as_null=True), comment="qualification.model.Terms: what is no default; null: ended"),
    Column("looks_back_ms", BigInteger, nullable=False, comment="so long before a call it looks for an earlier one"),
    _ms("created_at_ms"),  # of two that apply from the same moment on, the later one counts
    Column("by_id", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Index("ix_terms_campaign_id", "campaign_id", "from_ms"),
)

verdict = Table(
    "verdict",
    metadata,
    Column("call_id", Text, ForeignKey("call.id"), primary_key=True),
    Column("terms_id", Text, ForeignKey("terms.id"), nullable=False),
    _ms("at_ms"),
    Column("told", JSON, nullable=False, comment="qualification.model.Verdict"),
    Column("basis", JSON, nullable=False, comment="qualification.verdicts.Basis: what it was judged by"),
)

adjustment = Table(
    "adjustment",
    metadata,
    Column("id", Text, primary_key=True),
    Column("call_id", Text, ForeignKey("call.id"), nullable=False),
    _ms("at_ms"),
    Column("payout", BigInteger, comment="in minor units; null: as the terms say"),
    Column("revenue", BigInteger, comment="in minor units; null: as the terms say"),
    Column("reason", Text, nullable=False),
    Column("by_id", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Index("ix_adjustment_call_id", "call_id"),
)

dispute = Table(
    "dispute",
    metadata,
    Column("id", Text, primary_key=True),
    Column("call_id", Text, ForeignKey("call.id"), nullable=False),
    # Whose it is: the call may be given to another publisher afterwards.
    Column("campaign_id", Text, ForeignKey("campaign.id"), nullable=False),
    Column("publisher_id", Text, ForeignKey("publisher.id")),
    _ms("at_ms"),
    Column("side", Text, nullable=False, comment="payout or revenue: whose money it is about"),
    Column("reason", Text, nullable=False),
    Column("by_id", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("state", Text, nullable=False, comment="open, granted, denied or withdrawn"),
    _ms("decided_at_ms", nullable=True),
    Column("note", Text),
    Column("decided_by_id", Text),
    Column("decided_by_name", Text),
    Column("adjustment_id", Text, ForeignKey("adjustment.id")),
    # Of a call and a side one is open at a time.
    Index("uq_dispute_open", "call_id", "side", unique=True, sqlite_where=text("state = 'open'"),
          postgresql_where=text("state = 'open'")),
    Index("ix_dispute_call_id", "call_id"),
)  # fmt: skip

posting = Table(
    "posting",
    metadata,
    Column("id", Text, primary_key=True),
    _ms("at_ms"),
    Column("call_id", Text, ForeignKey("call.id"), nullable=False),
    Column("campaign_id", Text, ForeignKey("campaign.id"), nullable=False),
    Column("publisher_id", Text, ForeignKey("publisher.id"), comment="who is paid; null: nobody"),
    Column("currency", Text, nullable=False),
    _ms("call_at_ms"),  # when the call began: of which period it is
    Column("kind", Text, nullable=False, comment="verdict, outcome, correction, dispute or reattribution"),
    Column("reason", Text, nullable=False),
    Column("corrects_id", Text, ForeignKey("posting.id"), comment="the posting before it of the same call"),
    # As its entries say: sums over a million postings are read from the two last indexes alone.
    Column("payout", BigInteger, nullable=False, comment="what it adds to the publisher's, in minor units"),
    Column("revenue", BigInteger, nullable=False, comment="what it adds to the advertiser's, in minor units"),
    # A call's postings are a chain: two that correct the same one would be two answers.
    Index("uq_posting_corrects_id", "corrects_id", unique=True),
    Index("uq_posting_first", "call_id", unique=True, sqlite_where=text("corrects_id IS NULL"),
          postgresql_where=text("corrects_id IS NULL")),
    Index("ix_posting_call_id", "call_id"),
    Index("ix_posting_publisher", "publisher_id", "currency", "call_at_ms", "payout"),
    Index("ix_posting_campaign", "campaign_id", "call_at_ms", "revenue", "payout"),
)  # fmt: skip

entry = Table(
    "entry",
    metadata,
    Column("posting_id", Text, ForeignKey("posting.id"), primary_key=True),
    Column("account", Text, primary_key=True, comment="advertiser_receivable, publisher_payable or margin"),
    Column("amount", BigInteger, nullable=False, comment="minor units; a debit is above zero, a credit below"),
)

statement = Table(
    "statement",
    metadata,
    Column("id", Text, primary_key=True),
    Column("publisher_id", Text, ForeignKey("publisher.id"), nullable=False),
    Column("currency", Text, nullable=False),
    _ms("from_ms"),
    _ms("to_ms"),  # not within
    Column("timezone", Text, nullable=False, comment="IANA name: on whose clock the period is"),
    Column("amount", BigInteger, nullable=False, comment="what is owed, in minor units; below zero: overpaid before"),
    Column("calls", Integer, nullable=False, comment="that it pays for"),
    _ms("closed_at_ms"),
    Column("by_id", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    UniqueConstraint("publisher_id", "currency", "from_ms"),
)

statement_line = Table(
    "statement_line",
    metadata,
    Column("posting_id", Text, ForeignKey("posting.id"), primary_key=True),
    # Lines are taken first, the statement is what they sum to.
    Column("statement_id", Text, ForeignKey("statement.id", deferrable=True, initially="DEFERRED"), nullable=False),
    Index("ix_statement_line_statement_id", "statement_id", "posting_id"),
)

budget = Table(
    "budget",
    metadata,
    Column("id", Text, primary_key=True),
    Column("campaign_id", Text, ForeignKey("campaign.id"), nullable=False),
    Column("publisher_id", Text, ForeignKey("publisher.id"), comment="set: of its calls to the campaign"),
    Column("destination_id", Text, ForeignKey("destination.id"), comment="set: of calls sent there"),
    Column("limits", JSON, nullable=False, comment="qualification.budget.Limits: what is set"),
    _ms("created_at_ms"),
    _ms("deleted_at_ms", nullable=True),
    Index("ix_budget_campaign_id", "campaign_id"),
)

counter = Table(
    "counter",
    metadata,
    Column("budget_id", Text, ForeignKey("budget.id"), primary_key=True),
    Column("period", Text, primary_key=True, comment="concurrent, hour, day, week, month or total"),
    _ms("since_ms", primary_key=True),  # when the period began; 0: of concurrent and total
    Column("calls", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False, comment="minor units"),
)

hold = Table(
    "hold",
    metadata,
    Column("call_id", Text, ForeignKey("call.id"), primary_key=True),
    Column("budget_id", Text, ForeignKey("budget.id"), primary_key=True),
    _ms("at_ms"),  # of which periods it takes
    Column("state", Text, nullable=False, comment="held, over, spent, refused or given_back: qualification/budgets.py"),
    Column("amount", BigInteger, nullable=False, comment="minor units: held at most, then spent"),
    Column("asked", BigInteger, comment="what it was to take when it was judged last"),
    Column("why", Text, comment="which limit left no room for all of it"),
    Index("ix_hold_budget_id", "budget_id", "at_ms"),
)

outbox = Table(
    "outbox",
    metadata,
    # Given while the row of what it tells of is locked, so that of one call it rises in the order of what happened.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, comment="the same however often it is sent"),
    Column("type", Text, nullable=False, comment="of outbound.model.TYPES"),
    _ms("at_ms"),
    Column("subject_id", Text, nullable=False, comment="the call, statement, tag or pool that it tells of"),
    Column("detail", JSON(none_as_null=True), comment="what only the cause knew"),
    _ms("made_ms", nullable=True),  # when its deliveries were made
    Column("campaign_id", Text, comment="null until then, as all that follows"),
    Column("publisher_id", Text),
    Column("data", Text, comment="JSON; null also where nobody wanted it"),
    UniqueConstraint("id"),
    Index("ix_outbox_unmade", "seq", sqlite_where=text("made_ms IS NULL"), postgresql_where=text("made_ms IS NULL")),
    Index("ix_outbox_subject_id", "subject_id"),
    Index("ix_outbox_at_ms", "at_ms"),
    sqlite_autoincrement=True,
)

endpoint = Table(
    "endpoint",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False, comment="a key of outbound.kinds.KINDS"),
    Column("name", Text, nullable=False),
    Column("campaign_id", Text, ForeignKey("campaign.id"), comment="null: of all campaigns"),
    Column("publisher_id", Text, ForeignKey("publisher.id"), comment="null: of all publishers"),
    Column("types", JSON, nullable=False, comment="of outbound.model.TYPES: what it is told"),
    Column("only", JSON, nullable=False, server_default="{}", comment="outbound.model.Only: what is no default"),
    Column("settings", JSON, nullable=False, comment="of its kind"),
    Column("secrets", JSON, nullable=False, comment="of its kind, in clear, for they are sent; never shown again"),
    Column("paused", Boolean, nullable=False, server_default=false()),
    _ms("created_at_ms"),
    _ms("deleted_at_ms", nullable=True),
)

endpoint_health = Table(
    "endpoint_health",
    metadata,
    Column("endpoint_id", Text, ForeignKey("endpoint.id"), primary_key=True),
    Column("failures", Integer, nullable=False, comment="in a row"),
    _ms("failing_since_ms", nullable=True),
    _ms("not_before_ms", nullable=True),  # set: nothing is sent until then, and then one delivery, as a probe
    _ms("delivered_ms", nullable=True),
    _ms("failed_ms", nullable=True),
    Column("why", Text, comment="of the last failure"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Text, primary_key=True),
    Column("endpoint_id", Text, ForeignKey("endpoint.id"), nullable=False),
    Column("message_seq", BigInteger, ForeignKey("outbox.seq"), nullable=False),
    Column("subject_id", Text, nullable=False, comment="of the message"),
    Column("action", Text, nullable=False, comment="tell, convert or adjust: outbound/model.py"),
    Column("state", Text, nullable=False, comment="waiting, delivered, dead or skipped"),
    _ms("at_ms"),  # when it was made
    _ms("due_ms"),  # while it waits: when it is tried next
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease", Text, comment="whose turn it is to send it; null: nobody's"),
    _ms("leased_until_ms", nullable=True),
    _ms("done_ms", nullable=True),
    Column("why", Text, comment="why it was not delivered, or not yet"),
    Column("request", JSON(none_as_null=True), comment="outbound.model.Sent: as it was sent last"),
    Column("kept", JSON(none_as_null=True), comment="what an adjustment of it must know"),
    UniqueConstraint("endpoint_id", "message_seq"),
    Index("ix_delivery_due", "endpoint_id", "due_ms", sqlite_where=text("state = 'waiting'"),
          postgresql_where=text("state = 'waiting'")),
    Index("ix_delivery_in_order", "endpoint_id", "subject_id", "message_seq", sqlite_where=text("state = 'waiting'"),
          postgresql_where=text("state = 'waiting'")),
    # A call is told as a conversion once; what was skipped was not told: something may have been missing still.
    Index("uq_delivery_convert", "endpoint_id", "subject_id", unique=True,
          sqlite_where=text("action = 'convert' AND state <> 'skipped'"),
          postgresql_where=text("action = 'convert' AND state <> 'skipped'")),
    Index("ix_delivery_endpoint_id_id", "endpoint_id", "id"),
    # With its state, that SQLite takes it and not the one above, which it would look through.
    Index("ix_delivery_dead", "endpoint_id", "state", "id", sqlite_where=text("state = 'dead'"),
          postgresql_where=text("state = 'dead'")),
    Index("ix_delivery_subject_id", "subject_id"),
    Index("ix_delivery_message_seq", "message_seq"),
)  # fmt: skip

delivery_attempt = Table(
    "delivery_attempt",
    metadata,
    Column("id", Text, primary_key=True),
    Column("delivery_id", Text, ForeignKey("delivery.id"), nullable=False),
    _ms("at_ms"),
    Column("took_ms", Integer, nullable=False),
    Column("result", Text, nullable=False, comment="delivered, again or dead"),
    Column("status", Integer, comment="of HTTP; null: no answer"),
    Column("why", Text, comment="null: delivered"),
    Column("answer", Text, comment="the beginning of its body"),
    Index("ix_delivery_attempt_delivery_id", "delivery_id"),
)

alert = Table(
    "alert",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False, comment="tag or pool"),
    Column("subject_id", Text, nullable=False),
    Column("says", Text, nullable=False, comment="for people"),
    _ms("since_ms"),
    _ms("over_ms", nullable=True),
    Index("uq_alert_open", "kind", "subject_id", unique=True, sqlite_where=text("over_ms IS NULL"),
          postgresql_where=text("over_ms IS NULL")),
)  # fmt: skip

account = Table(
    "account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, comment="as it was given; found by its lower case"),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("campaign_id", Text, ForeignKey("campaign.id")),
    Column("publisher_id", Text, ForeignKey("publisher.id")),
    Column("callers", Boolean, nullable=False, server_default=false(), comment="a publisher sees callers in full"),
    Column("password", Text, comment="Argon2id, PHC string; null: none was chosen yet"),
    _ms("created_at_ms"),
    _ms("disabled_at_ms", nullable=True),
)
Index("uq_account_email", func.lower(account.c.email), unique=True)

invitation = Table(
    "invitation",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of a one-time code that lets choose a password"),
    Column("account_id", Text, ForeignKey("account.id"), nullable=False),
    _ms("expires_at_ms"),
)

signed_in = Table(
    "signed_in",
    metadata,
    Column("id", Text, primary_key=True),
    Column("principal_id", Text, nullable=False, comment="of an account or a token; admin"),
    Column("browser", Text, nullable=False, comment="as people call it, such as Firefox on Linux"),
    _ms("created_at_ms"),
    _ms("expires_at_ms"),
    _ms("ended_at_ms", nullable=True),
    Index("ix_signed_in_principal_id", "principal_id"),
)

sign_in_try = Table(
    "sign_in_try",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of an e-mail address in lower case, known or not"),
    _ms("since_ms"),
    Column("tries", Integer, nullable=False, comment="with a password, since then, none of them right"),
    Index("ix_sign_in_try_since_ms", "since_ms"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Text, primary_key=True),
    _ms("at_ms"),
    Column("by_id", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("act", Text, nullable=False, comment="the API's name of the operation, such as change_campaign"),
    Column("object_id", Text, comment="what it was done to"),
    Column("told", JSON, nullable=False, comment="access.acts.Told by field, without secrets and callers"),
    Index("ix_audit_object_id", "object_id"),
    Index("ix_audit_by_id", "by_id"),
)

refusal = Table(
    "refusal",
    metadata,
    Column("id", Text, primary_key=True),
    Column("carrier_id", Text, nullable=False),
    _ms("at_ms"),
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("url", Text, nullable=False, comment="the address as we saw it: a wrong public URL shows here"),
    Index("ix_refusal_carrier_id_id", "carrier_id", "id"),
)

retention = Table(
    "retention",
    metadata,
    Column("kind", Text, primary_key=True, comment="of dni/privacy/model.py; one that is not here has its default"),
    Column("days", Integer, comment="null: kept"),
)

forgotten = Table(
    "forgotten",
    metadata,
    Column("step", Text, primary_key=True, comment="of dni/privacy/forget.py"),
    _ms("until_ms"),
    Column("until_id", Text, nullable=False, comment="with until_ms: the last row that was looked at"),
)

retention_run = Table(
    "retention_run",
    metadata,
    _ms("started_at_ms", primary_key=True),
    _ms("ended_at_ms", nullable=True),
    Column("removed", JSON, nullable=False, comment="rows by kind"),
)

erasure = Table(
    "erasure",
    metadata,
    Column("id", Text, primary_key=True),
    _ms("at_ms"),
    Column("kind", Text, nullable=False, comment="visitor or caller; not which one"),
    Column("by_id", Text, nullable=False, comment="whose token it was"),
    Column("by_name", Text, nullable=False),
    Column("removed", JSON, nullable=False, comment="rows by table"),
)
