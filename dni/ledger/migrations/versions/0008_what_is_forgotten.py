"""what is forgotten, by age or because somebody asked for it"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "retention",
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="of dni/privacy/model.py; one that is not here has its default",
        ),
        sa.Column("days", sa.Integer(), nullable=True, comment="null: kept"),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_retention")),
    )
    op.create_table(
        "forgotten",
        sa.Column("step", sa.Text(), nullable=False, comment="of dni/privacy/forget.py"),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_id", sa.Text(), nullable=False, comment="with until_ms: the last row that was looked at"),
        sa.PrimaryKeyConstraint("step", name=op.f("pk_forgotten")),
    )
    op.create_table(
        "retention_run",
        sa.Column("started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("removed", sa.JSON(), nullable=False, comment="rows by kind"),
        sa.PrimaryKeyConstraint("started_at_ms", name=op.f("pk_retention_run")),
    )
    op.create_table(
        "erasure",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="visitor or caller; not which one"),
        sa.Column("by_id", sa.Text(), nullable=False, comment="whose token it was"),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("removed", sa.JSON(), nullable=False, comment="rows by table"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.add_column(sa.Column("forgot_ms", sa.BigInteger(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "first_time",
                sa.Boolean(),
                nullable=True,
                comment="whether this telephone's first of the campaign; null: its calls tell",
            )
        )
    op.create_index("ix_former_attribution_until_ms", "former_attribution", ["until_ms"], unique=False)
