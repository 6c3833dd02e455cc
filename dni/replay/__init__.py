"""A log of visits and calls, played through the real lease engine on the log's own clock; and logs to play.

`events` and `model` are pure; a rule (`rule_protected`, `rule_fixed`) gives out numbers; `replay` is the workflow.
"""
