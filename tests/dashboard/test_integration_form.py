"""The form of an integration: made of its kind, its body is the API's, and what the API refuses stands at its field."""

from typing import Any

import msgspec
import pytest

from dni.dashboard import forms, integration_form
from dni.dashboard.forms import Sheet
from dni.dashboard.integration_form import Form
from dni.dashboard.integration_words import EVENTS, SAYS, TRIED, shelves
from dni.errors import FieldError, InvalidField
from dni.outbound.kinds import KINDS
from dni.outbound.model import Only

CAMPAIGNS, PUBLISHERS = {"cmp_1": "Bay Plumbing"}, {"pub_1": "Bay Ads"}
PRESENT: dict[str, Any] = {
    "name": "Ours",
    "events": ["call.qualified"],
    "campaign": "cmp_9",
    "publisher": None,
    "only": {"qualified": True, "answered": False, "min_talk_seconds": 60, "min_confidence": 0.25},
    "settings": {},
    "secrets_set": [],
}


def form(kind: str, present: dict[str, Any] | None = None) -> Form:
    return integration_form.form(KINDS[kind], CAMPAIGNS, PUBLISHERS, present)


def sheet(shown: Form) -> Sheet:
    return Sheet(operation="", here="", title="", button="", action="", back=("/", ""), fields=shown.fields)


def body(kind: str, sent: dict[str, str], present: dict[str, Any] | None = None) -> dict[str, Any]:
    return integration_form.body(KINDS[kind], forms.body(sheet(form(kind, present)), sent))


def blank(kind: str, **more: str) -> dict[str, str]:
    return {**integration_form.blank(KINDS[kind], form(kind)), **more}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_form_whose_fields_say_what_they_are(kind: str) -> None:
    shown = form(kind)
    names = [one.name for one in shown.fields]
    assert len(names) == len(set(names))
    for one in shown.own:
        assert one.help or one.kind in ("select", "checkbox", "secret"), (
            f"{kind}: {one.name} has no line that explains it"
        )
    for setting in KINDS[kind].settings.__struct_fields__:
        assert any(setting in (name.rpartition("/")[2], name.partition("/")[0]) for name in names), setting


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_offered_once_and_says_what_it_does(kind: str) -> None:
    assert [one.name for _, kinds in shelves() for one in kinds].count(kind) == 1
    assert SAYS.get(kind), f"integration_words.SAYS has no line for {kind}"
    assert TRIED.get(kind), f"integration_words.TRIED has no line for {kind}"
    assert set(KINDS[kind].may_ask) <= set(EVENTS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_that_was_only_opened_changes_nothing(kind: str) -> None:
    """What a kind has by default is sent back as it is, and what it needs is asked for."""
    its = KINDS[kind]
    shown = form(kind)
    needed = {one.name: "x" for one in shown.own if one.empty == "wrong" and one.kind != "select"}
    made = body(kind, blank(kind, **needed))
    own = made if kind == "webhook" else made["settings"]
    for field in msgspec.structs.fields(its.settings):
        if not field.required and field.name in own:
            default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
            assert msgspec.json.encode(own[field.name]) == msgspec.json.encode(default), field.name
    assert made.get("events", []) == list(its.types)
    assert made.get("only", {}) == {}


def test_events_are_those_that_are_ticked() -> None:
    sent = {"name": "x", "url": "https://a.example", "role": "staff", "events/outcome.recorded": "on"}
    assert body("webhook", sent)["events"] == ["outcome.recorded"]


def test_a_webhook_has_its_settings_by_their_names_and_no_secret() -> None:
    made = body(
        "webhook", blank("webhook", url=" https://a.example/x ", **{"fields/call.id": "on", "fields/visit": "on"})
    )
    assert (made["url"], made["fields"], made["role"]) == ("https://a.example/x", ["call.id", "visit"], "staff")
    assert not {"settings", "secrets"} & made.keys()


def test_which_calls() -> None:
    sent = blank("webhook", url="https://a.example", campaign="cmp_1")
    sent |= {"only/qualified": "yes", "only/answered": "no", "only/min_talk_seconds": "60", "only/min_confidence": "25"}
    made = body("webhook", sent)
    assert (made["campaign"], made["publisher"]) == ("cmp_1", None)
    assert msgspec.convert(made["only"], Only) == Only(
        qualified=True, answered=False, min_talk_seconds=60, min_confidence=0.25
    )


@pytest.mark.parametrize("share", ["-1", "101", "many", "nan"])
def test_a_share_that_is_none_is_told(share: str) -> None:
    with pytest.raises(InvalidField) as refused:
        body("webhook", blank("webhook", url="https://a.example", **{"only/min_confidence": share}))
    assert refused.value.errors[0].path == "/only/min_confidence"


def test_what_is_changed_is_written_as_it_is() -> None:
    present = {**PRESENT, "settings": {"url": "https://a.example", "fields": ["call.id"], "role": "publisher"}}
    written = integration_form.written(KINDS["webhook"], present)
    made = body("webhook", written, present)
    assert made == {
        "name": "Ours",
        "url": "https://a.example",
        "fields": ["call.id"],
        "role": "publisher",
        "events": ["call.qualified"],
        "campaign": "cmp_9",
        "publisher": None,
        "only": PRESENT["only"],
    }


def test_a_campaign_that_is_gone_stays_chosen() -> None:
    chosen = next(one for one in form("webhook", PRESENT).which if one.name == "campaign")
    assert [each.value for each in chosen.choices] == ["cmp_1", "cmp_9"]


def test_a_secret_that_is_left_empty_stays() -> None:
    secret = next(iter(KINDS["ga4"].secrets.__struct_fields__))
    present = {**PRESENT, "settings": {"measurement_id": "G-A1B2C3D4E5"}, "secrets_set": [secret]}
    field = next(one for one in form("ga4", present).own if one.kind == "secret")
    assert "It is set; leave this empty to keep it." in field.help
    written = integration_form.written(KINDS["ga4"], present)
    assert "secrets" not in body("ga4", written, present)
    assert body("ga4", {**written, field.name: "new-one"}, present)["secrets"] == {secret: "new-one"}


def test_a_setting_that_is_emptied_is_taken_away() -> None:
    """A change leaves what it does not name, so it is named as null."""
    present = {**PRESENT, "settings": {"to": "s3", "bucket": "calls", "prefix": "dni/"}}
    written = integration_form.written(KINDS["csv"], present)
    made = body("csv", {**written, "settings/prefix": ""}, present)
    assert (made["settings"]["bucket"], made["settings"]["prefix"]) == ("calls", None)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/events", "events/call.started"),
        ("/events/0", "events/call.started"),
        ("/fields/0", "fields/call"),
        ("/settings/url", "url"),
        ("/url", "url"),
        ("/only/min_talk_seconds", "only/min_talk_seconds"),
    ],
)
def test_an_error_stands_at_its_field(path: str, field: str) -> None:
    found = integration_form.wrong(sheet(form("webhook")), {}, InvalidField(path, "not like this"))
    assert found.fields == {field: ("Not like this.",)}


def test_several_errors_stand_each_at_its_own() -> None:
    error = InvalidField("/settings/measurement_id", "a", FieldError("/secrets/api_secret", "b"))
    assert set(integration_form.wrong(sheet(form("ga4")), {}, error).fields) == {
        "settings/measurement_id",
        "secrets/api_secret",
    }
