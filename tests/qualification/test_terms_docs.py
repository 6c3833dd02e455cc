"""docs/terms.md tells the language as it is."""

import re
from pathlib import Path

import msgspec
import pytest

from dni.qualification.language import Unreadable, parse
from dni.qualification.model import Terms
from dni.qualification.words import WORDS

TOLD = (Path(__file__).parents[2] / "docs" / "terms.md").read_text()
_EXAMPLES = re.findall(r"\| `([^|]*)` \|$", TOLD.partition("## Words")[2].partition("## Grammar")[0], re.MULTILINE)


def test_every_word_is_told() -> None:
    table = TOLD.partition("## Words")[2].partition("## Grammar")[0]
    for name in WORDS:
        assert re.search(rf"\| [^|]*`{name}[`(]", table), name


def test_its_examples_are_read() -> None:
    assert len(_EXAMPLES) >= 20
    for example in _EXAMPLES:
        parse(example)


def test_its_terms_are_right() -> None:
    [text] = re.findall(r"```json\n(.*?)```", TOLD, re.DOTALL)
    terms = msgspec.json.decode(text, type=Terms)
    assert terms.payout.pick == "best"


@pytest.mark.parametrize("wrong", ["regoin = CA", "confidence >= 0.8", "talk > 5\nand answered sale"])
def test_its_errors_are_what_is_said(wrong: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(wrong)
    assert caught.value.errors[0].message in TOLD
