"""columns of sessions and calls for the reports"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "chunk",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="session, call, or path: then its moments are codes"),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="rises when a row of the stretch changed"),
        sa.Column("sealed", sa.Boolean(), nullable=False, comment="the columns are true; else the rows are counted"),
        sa.Column(
            "final",
            sa.Boolean(),
            nullable=False,
            comment="rows of the stretch were forgotten for their age: it stays as it is",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chunk")),
        sa.UniqueConstraint("kind", "from_ms", name=op.f("uq_chunk_kind_from_ms")),
    )
    op.create_table(
        "chunk_column",
        sa.Column("chunk_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False, comment="of numpy: u1, u2, u4, i8 or f8, little-endian"),
        sa.Column("data", sa.LargeBinary(), nullable=False, comment="a value a row"),
        sa.ForeignKeyConstraint(["chunk_id"], ["chunk.id"], name=op.f("fk_chunk_column_chunk_id_chunk")),
        sa.PrimaryKeyConstraint("chunk_id", "name", name=op.f("pk_chunk_column")),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Compressing codes gains little and costs more than it saves to read.
        op.execute("ALTER TABLE chunk_column ALTER COLUMN data SET STORAGE EXTERNAL")
    op.create_table(
        "word",
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column(
            "digest", sa.LargeBinary(), nullable=False, comment="BLAKE2b-128 of the text: texts are of any length"
        ),
        sa.Column("folded", sa.LargeBinary(), nullable=False, comment="the same of the text in lower case (ASCII)"),
        sa.Column("text", sa.Text(), nullable=True, comment="null: not set"),
        sa.PrimaryKeyConstraint("dimension", "code", name=op.f("pk_word")),
        sa.UniqueConstraint("dimension", "digest", name=op.f("uq_word_dimension_digest")),
    )
    op.create_index("ix_word_dimension_folded", "word", ["dimension", "folded"], unique=False)
