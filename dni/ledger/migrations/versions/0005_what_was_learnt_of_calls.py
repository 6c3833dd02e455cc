"""what was learnt of calls, and their former attributions"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "former_attribution",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("visitor_id", sa.Text(), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("candidates", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_former_attribution_call_id_call")),
        sa.PrimaryKeyConstraint("call_id", "until_ms", name=op.f("pk_former_attribution")),
    )
    op.create_table(
        "delay_counts",
        sa.Column("pool_id", sa.Text(), nullable=False, comment="empty: of all pools"),
        sa.Column("counts", sa.JSON(), nullable=False, comment="soft counts, see dni/attribution/delay.py"),
        sa.Column("version", sa.Integer(), nullable=False, comment="of what the counts mean"),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_call", sa.Text(), nullable=False, comment="with until_ms: the last call that the counts hold"),
        sa.PrimaryKeyConstraint("pool_id", name=op.f("pk_delay_counts")),
    )
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("lessons", sa.JSON(), nullable=True, comment="what the call teaches of delays; null: nothing")
        )
    op.create_index("ix_call_caller_started_at_ms", "call", ["caller", "started_at_ms"], unique=False)
