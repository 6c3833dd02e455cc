"""where calls go: routing, destinations, what was decided for a call, and its outcome"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "destination",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False, comment="E.164"),
        sa.Column("timezone", sa.Text(), nullable=True, comment="IANA name; null: the campaign's"),
        sa.Column("hours", sa.Text(), nullable=True, comment="as dni/routing/hours.py reads them; null: always"),
        sa.Column(
            "caps",
            sa.JSON(),
            nullable=False,
            server_default="{}",
            comment="routing.destinations.Caps: what is set",
        ),
        sa.Column("paused", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_destination_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destination")),
    )
    op.create_index("ix_destination_campaign_id", "destination", ["campaign_id"], unique=False)
    op.create_table(
        "decision",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False, comment="of the event that asked"),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("path", sa.JSON(), nullable=False, comment="routing.plan.Passage: steps the call came to, and why"),
        sa.Column("instruction", sa.JSON(), nullable=False, comment="telephony.model.Instruction: what was answered"),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_decision_call_id_call")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("call_id", "identity", name=op.f("uq_decision_call_id_identity")),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("destination_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False, comment="E.164, as it was then"),
        sa.Column("state", sa.Text(), nullable=False, comment="of its leg, a key of call.model.STATES"),
        sa.Column(
            "counted", sa.Boolean(), nullable=False, comment="against the caps: it is under way, or was answered"
        ),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_attempt_call_id_call")),
        sa.ForeignKeyConstraint(
            ["destination_id"], ["destination.id"], name=op.f("fk_attempt_destination_id_destination")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index("ix_attempt_call_id", "attempt", ["call_id"], unique=False)
    for name, where in (("counted", "counted"), ("under_way", "ended_at_ms IS NULL")):
        op.create_index(
            f"ix_attempt_{name}",
            "attempt",
            ["destination_id", "at_ms"],
            unique=False,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    op.create_table(
        "outcome",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("sale", sa.Boolean(), nullable=True, comment="null: nothing is said of it"),
        sa.Column("value", sa.BigInteger(), nullable=True, comment="in minor units of the currency"),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("lead_status", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("by_id", sa.Text(), nullable=False, comment="whose token it was"),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_outcome_call_id_call")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome")),
    )
    op.create_index("ix_outcome_call_id", "outcome", ["call_id"], unique=False)
    op.add_column(
        "campaign",
        sa.Column(
            "routing",
            sa.JSON(),
            nullable=False,
            server_default="{}",
            comment="routing.model.Routing: what is no default",
        ),
    )
    for column in (
        sa.Column(
            "phase",
            sa.Text(),
            nullable=True,
            comment="of the last decision: connecting, menu, voicemail, rejected, over",
        ),
        sa.Column(
            "spoke",
            sa.Boolean(),
            nullable=True,
            comment="we took the call ourselves and spoke to the caller; null: no",
        ),
        sa.Column("keys", sa.Text(), nullable=True, comment="what the caller pressed, in order"),
        sa.Column("attestation", sa.Text(), nullable=True, comment="of STIR/SHAKEN: A, B, C, failed"),
        sa.Column("phone_type", sa.Text(), nullable=True, comment="of the caller, where the carrier tells"),
        sa.Column("given_up_ms", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.JSON(), nullable=True, comment="a copy of the last row of `outcome`"),
    ):
        op.add_column("call", column)
