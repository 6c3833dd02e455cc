"""Principals: who asks, in which role, and what rows that lets him see. Pure."""

from typing import Literal, get_args

import msgspec

from dni.errors import InvalidField

Role = Literal["admin", "marketer", "advertiser", "publisher"]
ROLES: tuple[Role, ...] = get_args(Role)


class Principal(msgspec.Struct, frozen=True):
    """`campaign` and `publisher` are walls: rows of another one do not exist for this principal.

    admin and marketer may have none; an advertiser always has a campaign, a publisher always a publisher.
    `callers`: a publisher that sees its callers' numbers in full.
    """

    id: str
    name: str
    role: Role
    campaign: str | None = None
    publisher: str | None = None
    callers: bool = False

    def reaches(self, campaign: str | None, publisher: str | None) -> bool:
        """Whether a call or visit of these exists for this principal; `walls.calls` says the same as SQL."""
        return self.campaign in (None, campaign) and self.publisher in (None, publisher)

    @property
    def may_write(self) -> bool:
        """Configuration is changed by admins, and by marketers inside no walls."""
        return self.role == "admin" or (self.role == "marketer" and not self.campaign and not self.publisher)

    @property
    def may_tell(self) -> bool:
        """What became of a call is told by who took it, not by who is paid for it."""
        return self.role != "publisher" and not self.publisher

    @property
    def may_dispute(self) -> bool:
        """What a call pays is disputed by whose money it is, or by who decides it, in their name."""
        return self.role in ("publisher", "advertiser") or self.may_write

    @property
    def may_weigh(self) -> bool:
        """What calls pay is held against what they bring by who may see both."""
        return self.sees_payout and self.sees_revenue

    @property
    def may_administer(self) -> bool:
        """Carriers and tokens hold secrets: admins only."""
        return self.role == "admin"

    @property
    def sees_callers(self) -> bool:
        """Caller numbers are personal: a publisher sees them masked, unless it was allowed to see them."""
        return self.role != "publisher" or self.callers

    @property
    def sees_payout(self) -> bool:
        """What publishers are paid is not the advertiser's to know."""
        return self.role != "advertiser"

    @property
    def sees_revenue(self) -> bool:
        """What the advertiser pays is not a publisher's to know."""
        return self.role != "publisher" and not self.publisher


COMMAND_LINE = Principal(id="command_line", name="command line", role="admin")
"""Who acts in a terminal on the service's own machine."""


def check_walls(role: Role, campaign: str | None, publisher: str | None, what: str) -> None:
    """`what` has the role: a token, an account. Raises InvalidField where its walls do not fit the role."""
    if role == "admin" and (campaign or publisher):
        raise InvalidField("/role", "an admin has no walls: leave out `campaign` and `publisher`, or choose marketer")
    if role == "advertiser" and not campaign:
        raise InvalidField("/campaign", f"an advertiser's {what} names its campaign")
    if role == "publisher" and not publisher:
        raise InvalidField("/publisher", f"a publisher's {what} names its publisher")
