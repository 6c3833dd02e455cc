"""outbound: what happened that others are to be told, to whom, and each try to tell it; alerts"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="tag or pool"),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False, comment="for people"),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("over_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index(
        "uq_alert_open",
        "alert",
        ["kind", "subject_id"],
        unique=True,
        sqlite_where=sa.text("over_ms IS NULL"),
        postgresql_where=sa.text("over_ms IS NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False, comment="the same however often it is sent"),
        sa.Column("type", sa.Text(), nullable=False, comment="of outbound.model.TYPES"),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False, comment="the call, statement, tag or pool that it tells of"),
        sa.Column("detail", sa.JSON(none_as_null=True), nullable=True, comment="what only the cause knew"),
        sa.Column("made_ms", sa.BigInteger(), nullable=True),
        sa.Column("campaign_id", sa.Text(), nullable=True, comment="null until then, as all that follows"),
        sa.Column("publisher_id", sa.Text(), nullable=True),
        sa.Column("data", sa.Text(), nullable=True, comment="JSON; null also where nobody wanted it"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
        sa.UniqueConstraint("id", name=op.f("uq_outbox_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_at_ms", "outbox", ["at_ms"], unique=False)
    op.create_index("ix_outbox_subject_id", "outbox", ["subject_id"], unique=False)
    op.create_index(
        "ix_outbox_unmade",
        "outbox",
        ["seq"],
        unique=False,
        sqlite_where=sa.text("made_ms IS NULL"),
        postgresql_where=sa.text("made_ms IS NULL"),
    )
    op.create_table(
        "endpoint",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="a key of outbound.kinds.KINDS"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=True, comment="null: of all campaigns"),
        sa.Column("publisher_id", sa.Text(), nullable=True, comment="null: of all publishers"),
        sa.Column("types", sa.JSON(), nullable=False, comment="of outbound.model.TYPES: what it is told"),
        sa.Column(
            "only", sa.JSON(), server_default="{}", nullable=False, comment="outbound.model.Only: what is no default"
        ),
        sa.Column("settings", sa.JSON(), nullable=False, comment="of its kind"),
        sa.Column(
            "secrets", sa.JSON(), nullable=False, comment="of its kind, in clear, for they are sent; never shown again"
        ),
        sa.Column("paused", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_endpoint_campaign_id")),
        sa.ForeignKeyConstraint(["publisher_id"], ["publisher.id"], name=op.f("fk_endpoint_publisher_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoint")),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("message_seq", sa.BigInteger(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False, comment="of the message"),
        sa.Column("action", sa.Text(), nullable=False, comment="tell, convert or adjust: outbound/model.py"),
        sa.Column("state", sa.Text(), nullable=False, comment="waiting, delivered, dead or skipped"),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease", sa.Text(), nullable=True, comment="whose turn it is to send it; null: nobody's"),
        sa.Column("leased_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("done_ms", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True, comment="why it was not delivered, or not yet"),
        sa.Column(
            "request", sa.JSON(none_as_null=True), nullable=True, comment="outbound.model.Sent: as it was sent last"
        ),
        sa.Column("kept", sa.JSON(none_as_null=True), nullable=True, comment="what an adjustment of it must know"),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name=op.f("fk_delivery_endpoint_id")),
        sa.ForeignKeyConstraint(["message_seq"], ["outbox.seq"], name=op.f("fk_delivery_message_seq")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("endpoint_id", "message_seq", name=op.f("uq_delivery_endpoint_id_message_seq")),
    )
    op.create_index(
        "ix_delivery_dead",
        "delivery",
        ["endpoint_id", "state", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["endpoint_id", "due_ms"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_delivery_endpoint_id_id", "delivery", ["endpoint_id", "id"], unique=False)
    op.create_index(
        "ix_delivery_in_order",
        "delivery",
        ["endpoint_id", "subject_id", "message_seq"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_delivery_message_seq", "delivery", ["message_seq"], unique=False)
    op.create_index("ix_delivery_subject_id", "delivery", ["subject_id"], unique=False)
    op.create_index(
        "uq_delivery_convert",
        "delivery",
        ["endpoint_id", "subject_id"],
        unique=True,
        sqlite_where=sa.text("action = 'convert' AND state <> 'skipped'"),
        postgresql_where=sa.text("action = 'convert' AND state <> 'skipped'"),
    )
    op.create_table(
        "endpoint_health",
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("failing_since_ms", sa.BigInteger(), nullable=True),
        sa.Column("not_before_ms", sa.BigInteger(), nullable=True),
        sa.Column("delivered_ms", sa.BigInteger(), nullable=True),
        sa.Column("failed_ms", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True, comment="of the last failure"),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name=op.f("fk_endpoint_health_endpoint_id")),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("pk_endpoint_health")),
    )
    op.create_table(
        "delivery_attempt",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False, comment="delivered, again or dead"),
        sa.Column("status", sa.Integer(), nullable=True, comment="of HTTP; null: no answer"),
        sa.Column("why", sa.Text(), nullable=True, comment="null: delivered"),
        sa.Column("answer", sa.Text(), nullable=True, comment="the beginning of its body"),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_attempt_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempt")),
    )
    op.create_index("ix_delivery_attempt_delivery_id", "delivery_attempt", ["delivery_id"], unique=False)
