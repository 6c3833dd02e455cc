"""The routing editor: a draft that travels in its form, steps of every kind, the box that tries a call, saving."""

import re
from html import unescape
from typing import Any

import msgspec
import pytest

from dni.access.tokens import NewToken
from dni.dashboard import condition_form, forms, routing_draft, routing_words, step_form
from dni.dashboard.routing_words import KINDS, Names
from dni.parts import Parts
from dni.routing.model import Condition, Routing, Step
from tests.dashboard import routed
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, text
from tests.dashboard.test_tag_desk import shown

PAGE = "/campaigns/cmp_1/routing"
NAMES = Names(
    destinations={"dst_anna": "Anna", "dst_bob": "Bob", "dst_long": "Cy"},
    publishers={"pub_1": "Ads"},
    menus={"language": {"1": "English", "2": "Spanish", "*": ""}},
)


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    await routed.fill(parts)
    return parts


class Editor:
    """A person at the page, who presses its buttons: what stands in the form goes along."""

    def __init__(self, person: Person, path: str = PAGE) -> None:
        self.person, self.path = person, path
        self.page = ""
        self.status = 0

    async def open(self) -> "Editor":
        answer = await self.person.read(self.path)
        self.page, self.status = answer.text, answer.status_code
        return self

    async def press(self, act: str, **fields: str) -> "Editor":
        answer = await self.person.send(self.path, {**self.form, **fields, "act": act})
        self.page, self.status = answer.text, answer.status_code
        if answer.status_code == 303:
            self.page = (await self.person.read(answer.headers["location"])).text
        return self

    @property
    def form(self) -> dict[str, str]:
        hidden = re.findall(r'type="hidden" name="([\w/-]+)" value="([^"]*)"', self.page)
        typed = {**{name: value for name, value in hidden if name != "csrf"}, **shown(self.page)}
        ticked = re.findall(r'type="checkbox" id="\S+" name="(\S+)" value="on" checked', self.page)
        csrf = re.findall(r'name="csrf" value="([^"]*)"', self.page)[-1]
        return {name: unescape(value) for name, value in (typed | dict.fromkeys(ticked, "on") | {"csrf": csrf}).items()}

    @property
    def says(self) -> str:
        return text(self.page)


@pytest.fixture
async def editor(admin: Person, parts: Parts) -> Editor:
    return await Editor(admin).open()


def live(parts: Parts, campaign: str = "cmp_1") -> Routing:
    return parts.catalog.now.campaigns[campaign].routing


def ids(parts: Parts, campaign: str = "cmp_1") -> list[str]:
    return [step.id for step in live(parts, campaign).steps]


async def test_each_step_says_what_it_does_and_when(editor: Editor) -> None:
    for words in (
        "1 Reject nuisance When the telephone rang more than 5 times within 10 minutes Gives a busy tone",
        "2 Voicemail closed Not when it is within Mo-Fr 09:00-17:00; PH off Says “We are closed. Please",
        "3 Menu language Says “For English press 1. Para español oprima 2.” and waits for a key: 1 English, 2 Spanish",
        "4 Connect spanish When 2 (Spanish) was pressed in “language” Rings Anna, 25 s",
        "Rings Anna (75%) or Bob (25%) by chance, then <b>The call centre</b>",
        "Then (415) 555-0199 rings",
    ):
        assert words in editor.says, editor.says
    assert "Not saved" not in editor.says


async def test_nothing_is_live_before_it_is_saved(editor: Editor, parts: Parts) -> None:
    before = live(parts)
    await editor.press("down:3")
    await editor.press("remove:0")
    assert "Not saved: calls still go the former way." in editor.says
    assert live(parts) == before
    await editor.press("save")
    assert "Saved: calls go this way from now on." in editor.says
    assert ids(parts) == ["closed", "language", "buyers", "spanish"]
    assert live(parts).blocked == ("+14155550166",)


async def test_sent_twice_it_is_saved_once(editor: Editor, parts: Parts) -> None:
    await editor.press("remove:0")
    form = {**editor.form, "act": "save"}
    for _ in range(2):
        assert (await editor.person.send(PAGE, form)).status_code == 303
    assert ids(parts)[0] == "closed"


async def test_who_saved_meanwhile_wins(editor: Editor, parts: Parts) -> None:
    await editor.press("remove:0", holidays="2026-12-25\n2027-01-01")
    await routed.live(parts, {"steps": []})
    await editor.press("save")
    assert editor.status == 409
    assert "Somebody changed this routing meanwhile" in editor.says
    assert "See it as it is now" in editor.says
    assert "2027-01-01" in editor.page, "what was typed stays"
    assert live(parts) == Routing()


NEW: dict[str, dict[str, str]] = {
    "say": {"prompt/text": "Hello.\r\nWelcome."},
    "menu": {"prompt/text": "Press 1.", "keys": "1 = Sales\n* : Again\n# = ", "timeout_s": "7", "repeats": "0"},
    "connect": {
        "destinations/dst_bob/priority": "1",
        "destinations/dst_anna/priority": "2",
        "destinations/dst_anna/weight": "5",
        "order": "all",
        "ring_s": "40",
        "whisper/text": "A call for sales.",
        "record": "on",
    },
    "voicemail": {"prompt/text": "", "prompt/audio": "https://www.example.com/a.mp3", "longest_s": "60"},
    "message": {"prompt/text": "Hola", "prompt/language": "es-MX"},
    "reject": {"reason": "busy"},
}


async def test_a_step_of_every_kind_is_added(editor: Editor, parts: Parts) -> None:
    for place, (kind, fields) in enumerate(NEW.items(), 5):
        await editor.press(f"add:{kind}")
        assert KINDS[kind][1] in editor.says
        await editor.press(f"keep:{place}", **fields)
        assert editor.status == 200, editor.says
    await editor.press("save")
    made = {step.id: msgspec.to_builtins(step) for step in live(parts).steps[5:]}
    assert list(made) == ["say", "menu", "connect", "voicemail", "message", "reject"]
    assert made["say"]["prompt"] == {"text": "Hello.\nWelcome."}
    assert made["menu"] == {
        "do": "menu",
        "id": "menu",
        "prompt": {"text": "Press 1."},
        "keys": {"1": "Sales", "*": "Again", "#": ""},
        "timeout_s": 7,
        "repeats": 0,
    }
    assert made["connect"]["destinations"] == (
        {"destination": "dst_anna", "priority": 2, "weight": 5},
        {"destination": "dst_bob"},
    )
    assert (made["connect"]["order"], made["connect"]["ring_s"], made["connect"]["record"]) == ("all", 40, True)
    assert made["connect"]["whisper"] == {"text": "A call for sales."}
    assert made["voicemail"]["prompt"] == {"audio": "https://www.example.com/a.mp3"}
    assert made["message"]["prompt"] == {"text": "Hola", "language": "es-MX"}
    assert made["reject"]["reason"] == "busy"


EVERYTHING: dict[str, Any] = {
    "hours": "Mo-Fr 09:00-17:00",
    "holiday": False,
    "regions": ["US-CA", "US-NV"],
    "countries": ["US"],
    "phone_types": ["mobile", "voip"],
    "first_time": True,
    "within_days": 30,
    "anonymous": False,
    "blocked": False,
    "more_than": {"calls": 3, "minutes": 60},
    "sources": ["google", "bing, too"],
    "mediums": ["cpc"],
    "channels": ["Paid Search"],
    "campaign_names": ["spring"],
    "keywords": ["a=b"],
    "publishers": ["pub_1"],
    "custom": {"plan": "gold=1"},
    "keys": {"language": ["1", "*", ""]},
    "available": ["dst_anna", "dst_bob"],
    "within_budget": False,
    "share": 0.125,
}


def test_every_condition_comes_back_as_it_was_written() -> None:
    told = msgspec.convert(EVERYTHING, Condition)
    assert set(EVERYTHING) == set(Condition.__struct_fields__), "no condition is missing here"
    for prefix in ("when", "unless"):
        groups = condition_form.groups(prefix, NAMES, told)
        fields = tuple(field for group in groups for field in group.fields)
        written = condition_form.written(prefix, told)
        assert set(written) <= {field.name for field in fields}
        sheet = forms.Sheet(operation="", here="", title="", button="", action="", back=("", ""), fields=fields)
        made = condition_form.condition(prefix, forms.body(sheet, written)[prefix])
        assert msgspec.convert(made, Condition) == told
        assert condition_form.condition(prefix, forms.body(sheet, {}).get(prefix, {})) == {}


def test_every_condition_has_a_sentence() -> None:
    told = routing_words.conditions(msgspec.convert(EVERYTHING, Condition), NAMES)
    assert " and ".join(told) == (
        "it is within Mo-Fr 09:00-17:00 and the day is no holiday and the caller's region is US-CA or US-NV and the "
        "caller's country is US and the telephone is mobile or internet telephony and the telephone did not ring "
        "before within 30 days and the caller's number is known and the caller is not on the block list and the "
        "telephone rang more than 3 times within 60 minutes and the source is “google” or “bing, too” and the medium "
        "is “cpc” and the channel is “Paid Search” and the campaign name is “spring” and the keyword is “a=b” and the "
        "publisher is Ads and the page told plan = “gold=1” and 1 (English), * or nothing was pressed in “language” "
        "and Anna or Bob takes calls and the budget is full and chance picks it, 12.5% of calls"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_comes_back_as_it_was_written(kind: str) -> None:
    plain: dict[str, dict[str, Any]] = {
        "say": {"prompt": {"text": "Hello"}},
        "menu": {"prompt": {"audio": "https://a.example/x.mp3"}, "keys": {"1": "A", "#": ""}, "repeats": 3},
        "connect": {
            "destinations": [{"destination": "dst_bob", "weight": 2}, {"destination": "dst_anna", "priority": 3}],
            "order": "round_robin",
            "whisper": {"text": "Hi", "language": "de-DE"},
        },
        "voicemail": {"prompt": {"text": "Speak"}, "longest_s": 30},
        "message": {"prompt": {"text": "Bye"}},
        "reject": {"reason": "busy"},
    }
    step = msgspec.convert({"do": kind, "id": "it", **plain[kind], "unless": EVERYTHING}, Step)
    phones = {"dst_anna": routed.ANNA, "dst_bob": routed.BOB}
    fields = tuple(f for part in step_form.parts(kind, NAMES, phones, step) for f in part.fields)
    sheet = forms.Sheet(operation="", here="", title="", button="", action="", back=("", ""), fields=fields)
    assert step_form.step(kind, forms.body(sheet, step_form.written(step)), step) == step


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("say", {}, "Text, read aloud : A text to be read aloud, or the address of an audio file: one of both."),
        ("say", {"id": "Say!", "prompt/text": "x"}, "Name of the step : 1 to 32 of a-z"),
        ("say", {"id": "language", "prompt/text": "x"}, "Language is the name of an earlier step."),
        ("say", {"id": "", "prompt/text": "x"}, "Name of the step : Fill this in."),
        ("say", {"prompt/audio": "http://x"}, "Audio file : An address that begins with https://"),
        ("say", {"prompt/text": "x", "prompt/language": "?"}, "Its language : A language such as en-US"),
        ("menu", {"prompt/text": "x", "keys": ""}, "Keys : Fill this in."),
        ("menu", {"prompt/text": "x", "keys": "1 = a\n\n1 = b"}, "Line 3: 1 stands in an earlier line."),
        ("menu", {"prompt/text": "x", "keys": "x = a"}, "Line 1: a key and what it stands for"),
        ("menu", {"prompt/text": "x", "keys": "1", "timeout_s": "1"}, "Waits for a key : At least 5."),
        ("connect", {}, "Give a turn to at least one destination"),
        ("connect", {"destinations/dst_bob/priority": "x"}, "Turn : A whole number, in digits."),
        ("connect", {"destinations/dst_bob/priority": "1", "ring_s": "1"}, "Each rings for : At least 5."),
        ("connect", {"destinations/dst_bob/priority": "1", "when/hours": "9 to 5"}, "Hours :"),
        ("reject", {"when/regions": "california"}, "Regions : As ISO 3166 writes it, such as US-CA."),
        ("reject", {"when/within_days": "3"}, "The telephone : Choose one: the days belong to it."),
        ("reject", {"unless/more_than/calls": "3"}, "Within : Fill this in too."),
        ("reject", {"unless/share": "lots"}, "Share of calls, by chance : A percentage from 0 to 100"),
        ("reject", {"when/custom": "gold"}, "Line 1: name=value, such as plan=gold"),
    ],
)
async def test_what_is_wrong_with_a_step_stands_beside_its_field(
    editor: Editor, parts: Parts, kind: str, fields: dict[str, str], words: str
) -> None:
    before = live(parts)
    await editor.press(f"add:{kind}")
    await editor.press("keep:5", **fields)
    assert editor.status == 422
    assert words in editor.says, editor.says
    await editor.press("back")
    assert "Not saved" not in editor.says
    assert live(parts) == before


async def test_a_step_that_was_only_looked_at_stays_the_same(editor: Editor) -> None:
    for place in range(5):
        await editor.press(f"edit:{place}")
        await editor.press(f"keep:{place}")
    assert "Not saved" not in editor.says


async def test_a_menu_that_gets_another_name_keeps_it_in_later_steps(editor: Editor, parts: Parts) -> None:
    await editor.press("edit:2")
    await editor.press("keep:2", id="tongue")
    await editor.press("save")
    assert live(parts).steps[3].when.keys == {"tongue": ("2",)}


async def test_a_step_that_looks_at_what_is_gone_is_marked_and_not_saved(editor: Editor, parts: Parts) -> None:
    before = live(parts)
    await editor.press("remove:2")
    assert "Not right yet: No menu before this step has the id 'language'." in editor.says
    await editor.press("save")
    assert editor.status == 422
    assert "A step is not right yet: look at those in red." in editor.says
    await editor.press("try")
    assert editor.status == 422
    assert live(parts) == before
    await editor.press("edit:2")
    assert "2 (is gone)" in editor.says
    await editor.press("keep:2", **{"when/keys/language/2": ""})
    await editor.press("save")
    assert ids(parts) == ["nuisance", "closed", "spanish", "buyers"]


async def test_lists_are_read_a_line_each(editor: Editor, parts: Parts) -> None:
    await editor.press("save", holidays="2026-12-25\n\nChristmas", blocked="(415) 555-0166")
    assert editor.status == 422
    assert "Line 3: a day, written as 2026-12-25." in editor.says
    await editor.press("save", holidays="2027-01-01\n2026-12-25", blocked="nobody")
    assert "Line 1: not a phone number" in editor.says
    await editor.press("save", blocked="(415) 555-0167\n+1 415 555 0167")
    assert [str(day) for day in live(parts).holidays] == ["2026-12-25", "2027-01-01"]
    assert live(parts).blocked == ("+14155550167",)


async def test_a_call_is_tried_with_what_stands_there(editor: Editor, parts: Parts) -> None:
    before = live(parts)
    asked = {"try/at": "2026-11-23T10:00", "try/caller": "(312) 555-0142", "try/keys/language": "2"}
    await editor.press("try", **asked)
    assert "What would happen The caller is asked Heard: “ For English press 1." in editor.says
    assert "A phone rings: Anna, (415) 555-0131" in editor.says
    assert "2 · Voicemail “closed” passed over It is Mon 10:00, within Mo-Fr 09:00-17:00; PH off." in editor.says
    assert editor.form["try/caller"] == "(312) 555-0142", "the box keeps what was asked"

    await editor.press("try", **{"try/unanswered/dst_anna": "on"})
    assert "5 · Connect “buyers” passed over Bob is paused." in editor.says
    assert "The end taken The end of the plan: rings the campaign's own destination." in editor.says

    await editor.press("remove:2", **{"try/keys/language": "2"})
    await editor.press("remove:2")
    await editor.press("try", **{"try/at": "2026-12-25T10:00"})
    assert "The caller leaves a message" in editor.says, "of the draft, on its holidays"
    assert "2 · Voicemail “closed” taken It is Fri 10:00, outside Mo-Fr 09:00-17:00; PH off." in editor.says
    assert live(parts) == before


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"try/at": "soon"}, "When : A day and an hour, such as 2026-11-22T18:37."),
        ({"try/caller": "12"}, "Caller : Not a phone number"),
        ({"try/custom": "gold"}, "Line 1: name=value"),
        ({"blocked": "x"}, "Block list"),
    ],
)
async def test_what_is_wrong_with_a_call_stands_beside_its_field(
    editor: Editor, fields: dict[str, str], words: str
) -> None:
    await editor.press("try", **fields)
    assert editor.status == 422
    assert words in editor.says


async def test_without_steps_it_says_what_happens_and_offers_a_beginning(admin: Person, parts: Parts) -> None:
    await routed.live(parts, {"steps": []})
    editor = await Editor(admin).open()
    assert "There are none, so every call rings (415) 555-0199 at once." in editor.says
    for name, expected in (("hours", ["closed"]), ("menu", ["menu", "sales", "service"]), ("buyers", ["buyers"])):
        await editor.open()
        await editor.press(f"start:{name}")
        await editor.press("save")
        assert ids(parts) == expected
        await editor.open()
        for _ in expected:
            await editor.press("remove:0")
        await editor.press("save")
        assert ids(parts) == []

    other = await Editor(admin, "/campaigns/cmp_2/routing").open()
    assert other.says.count("Needs 2 destinations first") == 2
    await other.press("start:menu")
    assert "There are none" in other.says, "nobody can be rung there"
    await other.press("add:connect")
    assert "This campaign has no destination yet" in other.says


async def test_what_is_never_reached_is_said(editor: Editor) -> None:
    await editor.press("edit:1")
    await editor.press("keep:1", **{"unless/hours": ""})
    assert "It ends every call, so the steps below are never reached." in editor.says


async def test_an_advertiser_reads_and_tries_and_changes_nothing(stranger: Person, parts: Parts) -> None:
    before = live(parts)
    reader = await stranger.signed_in(await token(parts, NewToken(role="advertiser", campaign="cmp_1")))
    editor = await Editor(reader).open()
    assert "1 Reject nuisance" in editor.says
    for words in ("Remove", "Save", "Add a step"):
        assert words not in editor.says
    await editor.press("try", **{"try/at": "2026-11-23T10:00"})
    assert "The caller is asked" in editor.says
    answer = await reader.send(PAGE, {**editor.form, "act": "save", "holidays": ""})
    assert answer.status_code == 403
    assert live(parts) == before
    assert (await reader.read("/campaigns/cmp_2/routing")).status_code == 404


async def test_publishers_do_not_see_it(publisher: Person, parts: Parts) -> None:
    assert (await publisher.read(PAGE)).status_code == 403
    assert (await publisher.send(PAGE, {"act": "try"})).status_code == 403


@pytest.mark.parametrize(
    "fields",
    [
        {"act": "up:0"},
        {"act": "down:99"},
        {"act": "remove:-1"},
        {"act": "edit:9"},
        {"act": "add:nothing"},
        {"act": "keep:9", "kind": "say"},
        {"act": "keep:5", "kind": "nothing"},
        {"act": "save", "steps": "nonsense"},
        {"act": "save", "steps": "[{}]"},
        {"act": "save", "steps": '[{"do":"say","id":"a/b","prompt":{"text":"x"}}]'},
        {"act": "try", "steps": "[" * 5_000},
        {"act": "edit:0", "steps": '[{"do":"reject","id":"a","when":{"publishers":["a/b"],"keys":{"m":["\\u0000"]}}}]'},
    ],
)
async def test_what_no_form_sends_is_refused_and_changes_nothing(
    editor: Editor, parts: Parts, fields: dict[str, str]
) -> None:
    before = live(parts)
    answer = await editor.person.send(PAGE, {**editor.form, **fields})
    assert answer.status_code in (200, 400, 422)
    assert live(parts) == before


def test_a_problem_of_one_step_hides_none_of_another() -> None:
    steps = msgspec.convert(
        [
            {"do": "menu", "id": "m", "prompt": {}, "keys": {"1": "A"}},
            {"do": "say", "id": "m", "prompt": {"text": "x"}},
            {"do": "connect", "id": "c", "destinations": [], "when": {"keys": {"m": ["1"]}}},
            {"do": "reject", "id": "r", "when": {"keys": {"m": ["2"]}}},
        ],
        tuple[Step, ...],
    )
    assert {place: error.path for place, error in routing_draft.problems(steps).items()} == {
        0: "/prompt",
        1: "/id",
        2: "/destinations",
        3: "/when/keys/m/0",
    }
