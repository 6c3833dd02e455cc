import pytest
from hypothesis import given, strategies

from dni.campaign import model
from dni.campaign.campaigns import CampaignChange, NewCampaign
from dni.errors import InvalidField
from dni.phone import e164


@pytest.mark.parametrize("wrong", ["", "   ", "a\0b", "a\nb", "a\ud800b", "a\u2028b", "x" * 201])
def test_texts_that_no_screen_or_ledger_takes_are_refused(wrong: str) -> None:
    with pytest.raises(InvalidField) as refused:
        model.text(wrong, "/name")
    assert refused.value.errors[0].path == "/name"


@pytest.mark.parametrize("right", ["Plumbing", "Ünïcode 漢字 👩‍🔧", "no\u00a0break", "x" * 200])
def test_texts_of_every_script_are_taken(right: str) -> None:
    assert model.text(f" {right} ", "/name") == right


def test_every_wrong_and_repeated_number_is_told_by_its_place() -> None:
    with pytest.raises(InvalidField) as refused:
        model.phones(["+14155550100", "junk", "(415) 555-0101", "415-555-0100", "\0"], "/numbers")
    assert [error.path for error in refused.value.errors] == ["/numbers/1", "/numbers/3", "/numbers/4"]
    assert refused.value.code == "invalid_number"


def test_numbers_keep_their_order_and_come_out_in_e164() -> None:
    assert model.phones(["(415) 555-0109", "+1 415 555 0101"], "/x") == ["+14155550109", "+14155550101"]


@given(strategies.from_regex(model._NANP, fullmatch=True))
def test_a_usual_way_to_write_a_number_means_what_the_parser_says(written: str) -> None:
    assert model.phones([written], "/x") == [e164(written)]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/destination", {"name": "A", "destination": "12"}),
        ("/timezone", {"name": "A", "destination": "+14155550100", "timezone": "../etc/passwd"}),
        ("/currency", {"name": "A", "destination": "+14155550100", "currency": "dollars"}),
        ("/name", {"name": "\t", "destination": "+14155550100"}),
    ],
)
def test_a_campaign_that_exists_is_right(path: str, fields: dict[str, str]) -> None:
    with pytest.raises(InvalidField) as refused:
        NewCampaign(**fields)
    assert refused.value.errors[0].path == path


def test_a_change_is_normalised_too() -> None:
    assert CampaignChange(destination="(415) 555-0100").destination == "+14155550100"
