"""What is kept of people, for how long, and how one of them is told of it or erased.

`model` is pure; `retentions` and `traces` store; `forget`, `export`, `erase` are workflows over all rooms.
"""
