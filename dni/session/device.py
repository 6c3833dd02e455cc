"""What kind of device a user agent tells of. Belongs to the recorder: a look takes half a millisecond."""

from functools import lru_cache

import msgspec


class Device(msgspec.Struct, frozen=True):
    """`kind`: desktop, phone, tablet or other. Names without versions: reports group by them."""

    kind: str
    browser: str | None
    os: str | None


@lru_cache(20_000)
def device(user_agent: str) -> Device:
    import user_agents  # 0.15 s, mostly of compiling: not while the service starts

    parsed = user_agents.parse(user_agent)
    kind = "tablet" if parsed.is_tablet else "phone" if parsed.is_mobile else "desktop" if parsed.is_pc else "other"
    return Device(kind, _known(parsed.browser.family), _known(parsed.os.family))


def _known(family: str) -> str | None:
    return None if family == "Other" else family
