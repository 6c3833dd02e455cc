"""calls are found by what brought them"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_NAMES = ("source", "medium", "campaign_name", "keyword")


def upgrade() -> None:
    for name in _NAMES:
        op.create_index(f"ix_call_{name}", "call", [sa.text(f"lower(substr({name}, 1, 200))"), "started_at_ms"])
    op.create_index("ix_call_status_started_at_ms", "call", ["status", "started_at_ms"])
    op.create_index("ix_call_tracking_number_started_at_ms", "call", ["tracking_number", "started_at_ms"])
    op.create_index("ix_call_tag_id_started_at_ms", "call", ["tag_id", "started_at_ms"])
