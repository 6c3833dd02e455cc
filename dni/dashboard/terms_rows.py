"""Terms as their page lists them: policies of each side, versions, whose terms there are. Pure."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from dni.access.model import Principal
from dni.campaign.campaigns import CampaignView
from dni.dashboard import forms, moments, terms_draft, terms_words, words
from dni.dashboard.forms import Field
from dni.dashboard.terms_draft import BASE, Draft
from dni.dashboard.terms_words import SideWords
from dni.dashboard.words import Badge
from dni.qualification.model import MOST_BONUSES
from dni.qualification.terms import TermsView


class PolicyRow(msgspec.Struct, frozen=True, kw_only=True):
    """`place`: its number among the bonuses, or `base`. `problem`: empty where it is right. `up`, `down`: it moves."""

    place: str
    name: str
    kind: str
    pays: str
    when: str
    problem: str
    up: bool
    down: bool


class SideRows(msgspec.Struct, frozen=True):
    """`picked`: which of several that hold is taken."""

    told: SideWords
    pick: Field
    picked: str
    policies: list[PolicyRow]
    has_base: bool
    has_room: bool


class VersionRow(msgspec.Struct, frozen=True):
    """`since`: from which moment on; `address` where the editor begins from it, empty for who cannot."""

    since: str
    badge: Badge | None
    saved: str
    by: str
    sum: str
    address: str


class Whose(msgspec.Struct, frozen=True):
    name: str
    address: str
    is_now: bool
    is_own: bool


def address(campaign: str, publisher: str | None, **more: str) -> str:
    asked = {**({"publisher": publisher} if publisher else {}), **more}
    return f"/campaigns/{campaign}/terms" + (f"?{urlencode(asked)}" if asked else "")


def sides(draft: Draft, currency: str, seen: Sequence[str]) -> list[SideRows]:
    problems = terms_draft.problems(draft)
    found = []
    for name in seen:
        side = draft.side(name)
        rows = []
        for place, policy in terms_draft.placed(side):
            error = problems.get((name, place))
            rows.append(
                PolicyRow(
                    place=place,
                    name=policy.name,
                    kind=terms_words.kind(place),
                    pays=terms_words.pays(policy, currency),
                    when=policy.when,
                    problem=forms.sentence(error.message) if error else "",
                    up=place not in (BASE, "0"),
                    down=place not in (BASE, str(len(side.bonuses) - 1)),
                )
            )
        pick = terms_draft.PICKS[name]
        picked = next((one.label for one in pick.choices if one.value == draft.typed[pick.name]), "")
        has_room = len(side.bonuses) < MOST_BONUSES
        found.append(SideRows(terms_words.SIDES[name], pick, picked, rows, side.base is not None, has_room))
    return found


def overrides(campaign: str, names: Mapping[str, str], own: frozenset[str], now: str | None) -> list[Whose]:
    """Empty where no publisher could have terms of its own."""
    each = [Whose(name, address(campaign, one), one == now, one in own) for one, name in names.items()]
    return [Whose("All publishers", address(campaign, None), now is None, False), *each] if each else []


def versions(
    found: Sequence[TermsView],
    now: TermsView | None,
    campaign: CampaignView,
    seen: tuple[str, ...],
    zone: ZoneInfo,
    now_ms: int,
    principal: Principal,
) -> list[VersionRow]:
    rows = []
    for one in found:
        from_ms = moments.ms(one.from_)
        badge = Badge("to come", "live") if from_ms > now_ms else Badge("applies", "good") if one is now else None
        told = terms_words.summary(one.terms, campaign.currency, seen) if one.terms else "the campaign's terms again"
        rows.append(
            VersionRow(
                since=f"From {words.moment(from_ms, zone, now_ms)}",
                badge=badge,
                saved=words.moment(moments.ms(one.created_at), zone, now_ms),
                by=one.by or "",
                sum=forms.sentence(told),
                address=address(campaign.id, one.publisher, version=one.id or "")
                if principal.may_write and one.terms and one is not now
                else "",
            )
        )
    return rows
