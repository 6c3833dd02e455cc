"""Whether a user agent is a robot. Cached: the look takes half a millisecond, and browsers repeat themselves."""

from functools import lru_cache

import user_agents

_LONGEST = 512


def is_robot(user_agent: str) -> bool:
    return _look(user_agent[:_LONGEST])


@lru_cache(20_000)
def _look(user_agent: str) -> bool:
    return bool(user_agents.parse(user_agent).is_bot)
