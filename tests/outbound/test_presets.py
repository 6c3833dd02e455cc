"""Each network's postback as its documentation shows it, field by field, and its answers."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from dni.errors import InvalidField
from dni.outbound import templates
from dni.outbound.macros import facts_of
from dni.outbound.model import Answer, Result
from dni.outbound.presets import PRESETS, Platform, judged
from tests.support.told_call import message

BY_PLATFORM = {preset.platform: preset for preset in PRESETS}


def sent(platform: Platform, **filled_in: str) -> tuple[str, dict[str, str]]:
    """Scheme, host and path, and the parameters."""
    template = BY_PLATFORM[platform].url
    for name, value in filled_in.items():
        template = template.replace(f"<{name.replace('_', ' ')}>", value)
    made = urlsplit(templates.filled_url(templates.url(template), facts_of(message())) or "")
    return f"{made.scheme}://{made.netloc}{made.path}", dict(parse_qsl(made.query, strict_parsing=True))


def test_tune() -> None:
    """http://examplenetwork.go2cloud.org/aff_lsr?offer_id=26&transaction_id=1027c887059b47bc69c699f45466b9"""
    at, parameters = sent("tune", DOMAIN="examplenetwork.go2cloud.org", OFFER_ID="26")
    assert at == "https://examplenetwork.go2cloud.org/aff_lsr"
    assert parameters == {
        "offer_id": "26",
        "transaction_id": "1027c887059b47bc69c699f45466b9",
        "amount": "12.50",
        "adv_sub": "call_1",
    }


def test_cake() -> None:
    """https://{CAKEDomain}/p.ashx?o=xx&e=xx&r=#s2#"""
    at, parameters = sent("cake", DOMAIN="cake.example.com", OFFER_ID="12", EVENT_ID="34")
    assert at == "https://cake.example.com/p.ashx"
    assert parameters == {
        "o": "12",
        "e": "34",
        "f": "pb",
        "r": "1027c887059b47bc69c699f45466b9",
        "t": "call_1",
    }


def test_everflow() -> None:
    """`nid` and `transaction_id` are required, `amount` and `order_id` may be told."""
    at, parameters = sent("everflow", DOMAIN="trk.example.com", NETWORK_ID="7")
    assert at == "https://trk.example.com/"
    assert parameters == {
        "nid": "7",
        "transaction_id": "1027c887059b47bc69c699f45466b9",
        "amount": "12.50",
        "order_id": "call_1",
    }


def test_voluum() -> None:
    """https://track.radantus.com/postback?cid={}&payout={}&txid={}&currency={}&et={}"""
    at, parameters = sent("voluum", DOMAIN="track.example.com")
    assert at == "https://track.example.com/postback"
    assert parameters == {
        "cid": "1027c887059b47bc69c699f45466b9",
        "payout": "12.50",
        "currency": "USD",
        "txid": "call_1",
    }


def test_redtrack() -> None:
    """http://your.dedicated.tracking.domain.com/postback?clickid={affiliate_network_parameter}"""
    at, parameters = sent("redtrack", DOMAIN="rt.example.com", CONVERSION_TYPE="Call")
    assert at == "https://rt.example.com/postback"
    assert parameters == {
        "clickid": "1027c887059b47bc69c699f45466b9",
        "sum": "12.50",
        "type": "Call",
        "rdtk_event_id": "call_1",
    }


@pytest.mark.parametrize("platform", BY_PLATFORM)
def test_a_preset_is_refused_until_it_is_filled_in_and_asks_for_the_click(platform: Platform) -> None:
    preset = BY_PLATFORM[platform]
    with pytest.raises(InvalidField, match="put your own value in the place of <DOMAIN>"):
        templates.url(preset.url)
    read = templates.url(re.sub("<[^<>]*>", "x", preset.url))
    assert [use.name for use in read.uses if use.required] == ["sub1"]
    assert preset.documentation.startswith("https://")
    assert preset.says


def answered(platform: Platform, body: str, attempts: int = 0, status: int = 200) -> Result:
    return judged(platform, Answer(status=status, body=body.encode()), attempts)


def test_tune_says_in_the_body_whether_it_took_it() -> None:
    assert answered("tune", "success=true;") == Result("delivered")
    refused = answered("tune", "success=false; err_msg=Invalid Trans. ID #1027c887059b47b.;")
    assert refused == Result("dead", "TUNE refused it: Invalid Trans. ID #1027c887059b47b.", failed=False)
    assert answered("tune", "success=false;").why == "TUNE refused it: success=false;"


def test_a_duplicate_after_a_lost_answer_is_what_was_wanted() -> None:
    body = "success=false; err_msg=Duplicate conversion;"
    assert answered("tune", body).state == "dead"
    assert answered("tune", body, attempts=1) == Result("delivered")


def test_a_page_in_the_place_of_tunes_answer_is_no_success() -> None:
    found = answered("tune", "<html>This domain is parked</html>")
    assert found.state == "again"
    assert "is the domain that of your TUNE account?" in (found.why or "")


def test_cake_may_refuse_in_xml() -> None:
    said = "<?xml version='1.0'?><result><code>{0}</code><msg>{1}</msg></result>"
    assert answered("cake", said.format(0, "SUCCESS")) == Result("delivered")
    assert answered("cake", "SUCCESS") == Result("delivered")
    refused = answered("cake", said.format(1, "Invalid request id"))
    assert refused == Result("dead", "CAKE refused it: Invalid request id", failed=False)


@pytest.mark.parametrize("platform", BY_PLATFORM)
def test_an_error_of_the_server_is_tried_again(platform: Platform) -> None:
    assert answered(platform, "success=true;", status=503).state == "again"
    assert judged(platform, Answer(why="no answer within 15 s"), 0) == Result("again", "no answer within 15 s")


def test_every_preset_is_told_to_people() -> None:
    told = (Path(__file__).parents[2] / "docs" / "postbacks.md").read_text()
    for preset in PRESETS:
        assert f"| {preset.label} | `{preset.url}` |" in told
        assert preset.documentation in told
