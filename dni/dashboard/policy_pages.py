"""What the form of one policy answers: the policy in the draft, or the form again. Pure."""

from collections.abc import Mapping

import msgspec

from dni.campaign.campaigns import CampaignView
from dni.dashboard import condition_rows, forms, policy_form, terms_draft, terms_words
from dni.dashboard.forms import Field, Sheet
from dni.dashboard.policy_form import Marked, Mode
from dni.dashboard.terms_draft import BASE, Draft
from dni.errors import InvalidField
from dni.qualification import language
from dni.qualification.expression import written
from dni.qualification.language import Unreadable
from dni.qualification.model import MOST_BONUSES, Policy

VOCABULARY = condition_rows.vocabulary()

_NO_LINES = "this cannot be shown as lines, because of its or, brackets, or a not around several terms"


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The form. `what`: `payout:0`, where the policy stands; `marked`: the place in the text that is wrong."""

    title: str
    about: str
    what: str
    mode: Mode
    count: int
    fields: tuple[Field, ...]
    written: Mapping[str, str]
    error: InvalidField | None = None
    marked: Marked | None = None

    @property
    def anchor(self) -> str:
        """Where the page of the terms shows it."""
        return self.what.replace(":", "-")

    @property
    def has_room(self) -> bool:
        return self.count < condition_rows.MOST


def answer(
    act: str, side: str, place: str, draft: Draft, sent: Mapping[str, str], campaign: CampaignView
) -> Page | Draft:
    """After `add`, `edit`, `keep`, `row`, `text` or `rows`. Raises InvalidField for a policy that cannot be there."""
    its = draft.side(side)
    if act == "add":
        place = BASE if place == BASE else terms_draft.next_place(its)
    present = terms_draft.at(its, place)
    if present is None and place != BASE and place != terms_draft.next_place(its):
        raise InvalidField("", "there is no such policy")
    if len(its.bonuses) >= MOST_BONUSES and place == str(MOST_BONUSES):
        raise InvalidField("", f"at most {MOST_BONUSES} bonuses")
    made = _Pages(side, place, frozenset(draft.hours), campaign.currency)
    if act in ("add", "edit"):
        return made.begin(present, terms_draft.fresh_name(its, place))
    mode: Mode = "text" if sent.get("mode") == "text" else "rows"
    if act == "row":
        return made.again(sent, mode, more=1)
    try:
        if act == "text":
            return made.as_text(sent, mode)
        if act == "rows":
            return made.as_rows(sent, mode)
        policy = made.policy(sent, mode)
        after = terms_draft.put(draft, side, place, policy)
        terms_draft.check(after, side, place)
        return after
    except InvalidField as error:
        return made.again(sent, mode, error=error)


class _Pages:
    def __init__(self, side: str, place: str, hours: frozenset[str], currency: str) -> None:
        self._side, self._place, self._hours, self._currency = side, place, hours, currency

    def begin(self, present: Policy | None, name: str) -> Page:
        if present is None:
            lines = [condition_rows.Row("talk", ">=", "90s")] if self._place == BASE else []
            told = {"name": name, "unit": self._currency}
            return self._page("rows", {**told, **condition_rows.typed(lines)}, len(lines))
        told = policy_form.written(present, self._currency)
        found = condition_rows.shown(present.when, self._hours)
        if found is None:
            return self._page("text", {**told, "when": present.when})
        return self._page("rows", {**told, **condition_rows.typed(found)}, len(found))

    def again(self, sent: Mapping[str, str], mode: Mode, more: int = 0, error: InvalidField | None = None) -> Page:
        count = min(len(condition_rows.sent(sent)) + more, condition_rows.MOST)
        return self._page(mode, sent, count, error=error, spare=0)

    def as_text(self, sent: Mapping[str, str], mode: Mode) -> Page:
        """Raises InvalidField for lines that are not right."""
        if mode == "text":
            return self.again(sent, mode)
        when = written(condition_rows.condition(condition_rows.sent(sent), self._hours))
        return self._page("text", {**sent, "when": when})

    def as_rows(self, sent: Mapping[str, str], mode: Mode) -> Page:
        """Raises InvalidField for a text that is not right, or that cannot be lines."""
        if mode == "rows":
            return self.again(sent, mode)
        found = condition_rows.rows(language.parse(_when(sent), "/when", self._hours))
        if found is None:
            raise InvalidField("/when", _NO_LINES)
        return self._page("rows", {**sent, **condition_rows.typed(found)}, len(found))

    def policy(self, sent: Mapping[str, str], mode: Mode) -> Policy:
        """Raises InvalidField, with all that is wrong beside each other."""
        if mode == "rows":
            lines = condition_rows.sent(sent)
            fields = policy_form.fields(mode, len(lines), self._currency)
            body = forms.body(_sheet(fields), sent)
            when = written(condition_rows.condition(lines, self._hours))
        else:
            body = forms.body(_sheet(policy_form.fields(mode, 0, self._currency)), sent)
            when = _when(sent)
            language.parse(when, "/when", self._hours)
        return policy_form.policy(body, when, self._currency)

    def _page(
        self,
        mode: Mode,
        told: Mapping[str, str],
        count: int = 0,
        *,
        error: InvalidField | None = None,
        spare: int = condition_rows.SPARE,
    ) -> Page:
        side = terms_words.SIDES[self._side]
        count = min(max(count + spare, 1), condition_rows.MOST) if mode == "rows" else 0
        kind = terms_words.kind(self._place)
        marked = policy_form.marked(_when(told), error.at, error.until) if isinstance(error, Unreadable) else None
        return Page(
            title=f"{side.short.capitalize()}: {kind} policy"
            if kind == "base"
            else f"{side.short.capitalize()}: bonus",
            about=terms_words.ABOUT[kind],
            what=f"{self._side}:{self._place}",
            mode=mode,
            count=count,
            fields=policy_form.fields(mode, count, self._currency),
            written=told,
            error=error,
            marked=marked,
        )


def _when(told: Mapping[str, str]) -> str:
    """As it will be kept: with our line ends."""
    return "\n".join(told.get("when", "").strip().splitlines())


def _sheet(fields: tuple[Field, ...]) -> Sheet:
    return Sheet(operation="", here="", title="", button="", action="", back=("", ""), fields=fields)
