"""options, drafts, versions and pinned scripts of tags"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("tag", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "options",
                sa.JSON(),
                server_default="{}",
                nullable=False,
                comment="catalog.model.Options: what is no default",
            )
        )
        batch_op.add_column(
            sa.Column("version", sa.Integer(), server_default="1", nullable=False, comment="of its settings")
        )
    op.create_table(
        "tag_version",
        sa.Column("tag_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False, comment="fields of TagChange"),
        sa.Column("replaced_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_version_tag_id")),
        sa.PrimaryKeyConstraint("tag_id", "version", name=op.f("pk_tag_version")),
    )
    op.create_table(
        "tag_draft",
        sa.Column("tag_id", sa.Text(), nullable=False),
        sa.Column("change", sa.JSON(), nullable=False, comment="fields of TagChange that differ from what is live"),
        sa.Column("token", sa.Text(), nullable=False, comment="in clear: it opens a preview and is shown again"),
        sa.Column("saved_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_draft_tag_id")),
        sa.PrimaryKeyConstraint("tag_id", name=op.f("pk_tag_draft")),
    )
    op.create_table(
        "tag_script",
        sa.Column("tag_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="gzip"),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_script_tag_id")),
        sa.PrimaryKeyConstraint("tag_id", "version", name=op.f("pk_tag_script")),
    )
