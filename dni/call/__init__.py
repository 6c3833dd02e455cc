"""Inbound calls, from first ring to end: what they are, where they are kept, and how none is lost.

`model` is pure; `calls`, `refusals` and `spool` store; `receive`, `progress`, `drain`, `attribute_late` are workflows.
"""
