"""How a visitor came and when his visits begin and end: touches, sessions, devices and places.

`model`, `touch`, `channels`, `click_ids` and `params` are pure. `recorder` turns the stream into rows.
"""
