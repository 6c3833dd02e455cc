"""Numbers, pools and the lease engine. Redis holds what is live; the ledger which numbers there are."""
