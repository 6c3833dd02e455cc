"""Money that calls made: the append-only journal, corrections and disputes, balances, statements, reconciliation."""
