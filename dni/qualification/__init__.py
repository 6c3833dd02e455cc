"""Which calls count, and what they pay: terms of a campaign, the language they are written in, verdicts, duplicates,
budgets. What becomes of a verdict in money is kept in `payout`."""
