"""Carriers: their accounts, wire formats and signatures. No business rule: raw requests in, domain values out."""
