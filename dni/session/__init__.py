"""How a visitor came and when his visits begin and end: touches, sessions, devices and places.

All but `recorder`, `search`, `sessions` and `geo` are pure. `recorder` turns the stream into rows.
"""
