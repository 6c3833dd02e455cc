"""how pools are used, hour by hour"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "pool_hour",
        sa.Column("pool_id", sa.Text(), nullable=False),
        sa.Column("hour_ms", sa.BigInteger(), nullable=False),
        sa.Column("begun", sa.Integer(), nullable=False, comment="leases that began"),
        sa.Column("peak", sa.Integer(), nullable=False, comment="most numbers in use at one moment"),
        sa.Column(
            "busy_ms",
            sa.BigInteger(),
            nullable=False,
            comment="of all its numbers together: how long they were in use",
        ),
        sa.Column("exhausted", sa.Integer(), nullable=False, comment="sessions that found no free number"),
        sa.Column("no_region", sa.Integer(), nullable=False, comment="sessions that found none of their region"),
        sa.Column("visits", sa.Integer(), nullable=False, comment="leases that began, and are over"),
        sa.Column("visit_ms", sa.BigInteger(), nullable=False, comment="how long these were, together"),
        sa.Column(
            "gaps",
            sa.JSON(),
            nullable=False,
            comment="counts by dni/pool/use.py: last sign of a lease to the next one",
        ),
        sa.Column(
            "credited",
            sa.Integer(),
            nullable=False,
            comment="calls that were credited to a holder of one of its numbers",
        ),
        sa.Column("stated", sa.Float(), nullable=False, comment="sum of their confidences"),
        sa.Column(
            "delays",
            sa.JSON(),
            nullable=False,
            comment="counts by dni/pool/use.py: last sign of a lease that is over to its call",
        ),
        sa.ForeignKeyConstraint(["pool_id"], ["pool.id"], name=op.f("fk_pool_hour_pool_id_pool")),
        sa.PrimaryKeyConstraint("pool_id", "hour_ms", name=op.f("pk_pool_hour")),
    )
