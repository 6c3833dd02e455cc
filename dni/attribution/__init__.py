"""From a call to the session that made it: `model` and `match` are pure, `attribute` is the workflow."""
