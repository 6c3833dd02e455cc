"""pay-per-call: terms, verdicts, the journal, statements, budgets; who signs in, and who changed what"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ADDED_ONLY = ("posting", "entry", "statement", "statement_line")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False, comment="the API's name of the operation, such as change_campaign"),
        sa.Column("object_id", sa.Text(), nullable=True, comment="what it was done to"),
        sa.Column("told", sa.JSON(), nullable=False, comment="access.acts.Told by field, without secrets and callers"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_object_id", "audit", ["object_id"], unique=False)
    op.create_index("ix_audit_by_id", "audit", ["by_id"], unique=False)
    op.create_table(
        "signed_in",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("principal_id", sa.Text(), nullable=False, comment="of an account or a token; admin"),
        sa.Column("browser", sa.Text(), nullable=False, comment="as people call it, such as Firefox on Linux"),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signed_in")),
    )
    op.create_index("ix_signed_in_principal_id", "signed_in", ["principal_id"], unique=False)
    op.create_table(
        "sign_in_try",
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of an e-mail address in lower case, known or not",
        ),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False, comment="with a password, since then, none of them right"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in_try")),
    )
    op.create_index("ix_sign_in_try_since_ms", "sign_in_try", ["since_ms"], unique=False)
    op.create_table(
        "account",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False, comment="as it was given; found by its lower case"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=True),
        sa.Column("publisher_id", sa.Text(), nullable=True),
        sa.Column(
            "callers",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="a publisher sees callers in full",
        ),
        sa.Column("password", sa.Text(), nullable=True, comment="Argon2id, PHC string; null: none was chosen yet"),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_account_campaign_id")),
        sa.ForeignKeyConstraint(["publisher_id"], ["publisher.id"], name=op.f("fk_account_publisher_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
    )
    op.create_table(
        "adjustment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("payout", sa.BigInteger(), nullable=True, comment="in minor units; null: as the terms say"),
        sa.Column("revenue", sa.BigInteger(), nullable=True, comment="in minor units; null: as the terms say"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_adjustment_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjustment")),
    )
    op.create_index("ix_adjustment_call_id", "adjustment", ["call_id"], unique=False)
    op.create_table(
        "posting",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=True, comment="who is paid; null: nobody"),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("call_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="verdict, outcome, correction, dispute or reattribution"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("corrects_id", sa.Text(), nullable=True, comment="the posting before it of the same call"),
        sa.Column("payout", sa.BigInteger(), nullable=False, comment="what it adds to the publisher's, in minor units"),
        sa.Column(
            "revenue", sa.BigInteger(), nullable=False, comment="what it adds to the advertiser's, in minor units"
        ),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_posting_call_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_posting_campaign_id")),
        sa.ForeignKeyConstraint(["corrects_id"], ["posting.id"], name=op.f("fk_posting_corrects_id")),
        sa.ForeignKeyConstraint(["publisher_id"], ["publisher.id"], name=op.f("fk_posting_publisher_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
    )
    op.create_index("ix_posting_call_id", "posting", ["call_id"], unique=False)
    op.create_index("ix_posting_campaign", "posting", ["campaign_id", "call_at_ms", "revenue", "payout"], unique=False)
    op.create_index(
        "ix_posting_publisher", "posting", ["publisher_id", "currency", "call_at_ms", "payout"], unique=False
    )
    op.create_index("uq_posting_corrects_id", "posting", ["corrects_id"], unique=True)
    op.create_index(
        "uq_posting_first",
        "posting",
        ["call_id"],
        unique=True,
        sqlite_where=sa.text("corrects_id IS NULL"),
        postgresql_where=sa.text("corrects_id IS NULL"),
    )
    op.create_table(
        "statement",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False, comment="IANA name: on whose clock the period is"),
        sa.Column(
            "amount",
            sa.BigInteger(),
            nullable=False,
            comment="what is owed, in minor units; below zero: overpaid before",
        ),
        sa.Column("calls", sa.Integer(), nullable=False, comment="that it pays for"),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["publisher_id"], ["publisher.id"], name=op.f("fk_statement_publisher_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement")),
        sa.UniqueConstraint(
            "publisher_id", "currency", "from_ms", name=op.f("uq_statement_publisher_id_currency_from_ms")
        ),
    )
    op.create_table(
        "terms",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=True, comment="set: in place of the campaign's, for its calls"),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column(
            "settings",
            sa.JSON(none_as_null=True),
            nullable=True,
            comment="qualification.model.Terms: what is no default; null: ended",
        ),
        sa.Column(
            "looks_back_ms",
            sa.BigInteger(),
            nullable=False,
            comment="so long before a call it looks for an earlier one",
        ),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_terms_campaign_id")),
        sa.ForeignKeyConstraint(["publisher_id"], ["publisher.id"], name=op.f("fk_terms_publisher_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terms")),
    )
    op.create_index("ix_terms_campaign_id", "terms", ["campaign_id", "from_ms"], unique=False)
    op.create_table(
        "budget",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=True, comment="set: of its calls to the campaign"),
        sa.Column("destination_id", sa.Text(), nullable=True, comment="set: of calls sent there"),
        sa.Column("limits", sa.JSON(), nullable=False, comment="qualification.budget.Limits: what is set"),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_budget_campaign_id")),
        sa.ForeignKeyConstraint(["destination_id"], ["destination.id"], name=op.f("fk_budget_destination_id")),
        sa.ForeignKeyConstraint(["publisher_id"], ["publisher.id"], name=op.f("fk_budget_publisher_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget")),
    )
    op.create_index("ix_budget_campaign_id", "budget", ["campaign_id"], unique=False)
    op.create_table(
        "dispute",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False, comment="payout or revenue: whose money it is about"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="open, granted, denied or withdrawn"),
        sa.Column("decided_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("decided_by_id", sa.Text(), nullable=True),
        sa.Column("decided_by_name", sa.Text(), nullable=True),
        sa.Column("adjustment_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["adjustment_id"], ["adjustment.id"], name=op.f("fk_dispute_adjustment_id")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_dispute_call_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_dispute_campaign_id")),
        sa.ForeignKeyConstraint(["publisher_id"], ["publisher.id"], name=op.f("fk_dispute_publisher_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
    )
    op.create_index("ix_dispute_call_id", "dispute", ["call_id"], unique=False)
    op.create_index(
        "uq_dispute_open",
        "dispute",
        ["call_id", "side"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "entry",
        sa.Column("posting_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False, comment="advertiser_receivable, publisher_payable or margin"),
        sa.Column(
            "amount", sa.BigInteger(), nullable=False, comment="minor units; a debit is above zero, a credit below"
        ),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_entry_posting_id")),
        sa.PrimaryKeyConstraint("posting_id", "account", name=op.f("pk_entry")),
    )
    op.create_table(
        "invitation",
        sa.Column(
            "digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of a one-time code that lets choose a password"
        ),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_invitation_account_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_invitation")),
    )
    op.create_table(
        "statement_line",
        sa.Column("posting_id", sa.Text(), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_statement_line_posting_id")),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statement.id"],
            name=op.f("fk_statement_line_statement_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("posting_id", name=op.f("pk_statement_line")),
    )
    op.create_index("ix_statement_line_statement_id", "statement_line", ["statement_id", "posting_id"], unique=False)
    op.create_table(
        "verdict",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("terms_id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False, comment="qualification.model.Verdict"),
        sa.Column("basis", sa.JSON(), nullable=False, comment="qualification.verdicts.Basis: what it was judged by"),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_verdict_call_id")),
        sa.ForeignKeyConstraint(["terms_id"], ["terms.id"], name=op.f("fk_verdict_terms_id")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_verdict")),
    )
    op.create_table(
        "counter",
        sa.Column("budget_id", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False, comment="concurrent, hour, day, week, month or total"),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="minor units"),
        sa.ForeignKeyConstraint(["budget_id"], ["budget.id"], name=op.f("fk_counter_budget_id")),
        sa.PrimaryKeyConstraint("budget_id", "period", "since_ms", name=op.f("pk_counter")),
    )
    op.create_table(
        "hold",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("budget_id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="held, over, spent, refused or given_back: qualification/budgets.py",
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="minor units: held at most, then spent"),
        sa.Column("asked", sa.BigInteger(), nullable=True, comment="what it was to take when it was judged last"),
        sa.Column("why", sa.Text(), nullable=True, comment="which limit left no room for all of it"),
        sa.ForeignKeyConstraint(["budget_id"], ["budget.id"], name=op.f("fk_hold_budget_id")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_hold_call_id")),
        sa.PrimaryKeyConstraint("call_id", "budget_id", name=op.f("pk_hold")),
    )
    op.create_index("ix_hold_budget_id", "hold", ["budget_id", "at_ms"], unique=False)
    op.add_column(
        "call",
        sa.Column(
            "qualified",
            sa.Boolean(),
            nullable=True,
            comment="a payout policy matched, or it was adjusted to pay; null: not judged",
        ),
    )
    op.add_column(
        "call",
        sa.Column(
            "billable",
            sa.Boolean(),
            nullable=True,
            comment="a revenue policy matched, or it was adjusted to bill; null: not judged",
        ),
    )
    op.add_column(
        "call",
        sa.Column(
            "payout",
            sa.BigInteger(),
            nullable=True,
            comment="in minor units of the campaign's currency; null: not judged",
        ),
    )
    op.add_column(
        "call",
        sa.Column(
            "revenue",
            sa.BigInteger(),
            nullable=True,
            comment="in minor units of the campaign's currency; null: not judged",
        ),
    )
    op.add_column(
        "call",
        sa.Column("held", sa.Boolean(), nullable=True, comment="budgets hold something for it, or did; null: no"),
    )
    op.add_column("call", sa.Column("unsettled_ms", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_call_unsettled",
        "call",
        ["unsettled_ms"],
        unique=False,
        sqlite_where=sa.text("unsettled_ms IS NOT NULL"),
        postgresql_where=sa.text("unsettled_ms IS NOT NULL"),
    )
    op.add_column(
        "campaign",
        sa.Column(
            "advertiser",
            sa.Text(),
            nullable=True,
            comment="whose offer it is, by name; campaigns of one advertiser share it",
        ),
    )
    op.create_index("uq_account_email", "account", [sa.text("lower(email)")], unique=True)

    for table in _ADDED_ONLY:
        _forbid_changes(table)


def _forbid_changes(table: str) -> None:
    """Rows of the journal are added, never changed or deleted, whoever asks."""
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only()"
    )
