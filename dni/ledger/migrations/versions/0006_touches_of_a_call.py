"""the touches before a call are kept with it"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "call_touch",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("visitor_id", sa.Text(), nullable=False),
        sa.Column("tag_id", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("medium", sa.Text(), nullable=True),
        sa.Column("campaign_name", sa.Text(), nullable=True),
        sa.Column("keyword", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("landing_page", sa.Text(), nullable=True),
        sa.Column("referrer", sa.Text(), nullable=True),
        sa.Column("click_ids", sa.JSON(), nullable=True),
        sa.Column("params", sa.JSON(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True, comment="that this visitor made the call; null: not stated"),
        sa.Column("first_touch", sa.Integer(), nullable=False),
        sa.Column("last_touch", sa.Integer(), nullable=False),
        sa.Column("last_non_direct", sa.Integer(), nullable=False),
        sa.Column("linear", sa.Integer(), nullable=False),
        sa.Column("position_based", sa.Integer(), nullable=False),
        sa.Column("time_decay", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_touch_call_id_call")),
        sa.PrimaryKeyConstraint("call_id", "session_id", name=op.f("pk_call_touch")),
    )
    op.create_index("ix_call_touch_visitor_id", "call_touch", ["visitor_id"], unique=False)
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.add_column(sa.Column("touches_kept_ms", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_call_touches_not_kept",
        "call",
        ["started_at_ms"],
        unique=False,
        sqlite_where=sa.text("touches_kept_ms IS NULL"),
        postgresql_where=sa.text("touches_kept_ms IS NULL"),
    )
