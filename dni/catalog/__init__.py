"""The configuration as one immutable value that every process holds in memory and renews when the ledger's changes."""
