import pytest

from dni.access.password_rules import check
from dni.errors import InvalidField

EMAIL, NAME = "mary.miller@example.com", "Mary Miller"


@pytest.mark.parametrize(
    "password",
    ["tree lamp river seven", "xK3!vv92-qLp", "ñandú que vuela alto", "\0 is one more char", "a" * 5 + "bcdefgh" * 35],
)
def test_length_is_what_counts(password: str) -> None:
    check(password, EMAIL, NAME)


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("", "at least 12"),
        ("short words", "at least 12"),
        ("x1y2z3" * 50, "at most 256"),
        ("Password1234", "first that are tried"),
        ("pass-word-1234", "first that are tried"),
        ("QWERTYuiop123", "first that are tried"),
        ("1234 5678 9012", "first that are tried"),
        ("aaaaaaaaaaaaaaa", "first that are tried"),
        ("abababababababab", "first that are tried"),
        ("mary.miller@example.com", "not the e-mail address or the name"),
        ("Mary Miller 2026", "not the e-mail address or the name"),
        ("marymiller1984", "not the e-mail address or the name"),
        ("lone surrogate \ud800", "surrogates"),
    ],
)
def test_what_is_guessed_first_is_refused(password: str, says: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check(password, EMAIL, NAME)
    assert says in refused.value.detail
    assert refused.value.errors[0].path == "/password"


def test_a_name_within_a_long_sentence_is_fine() -> None:
    check("mary miller rides a red horse", EMAIL, NAME)
    check("of a person without a name", "a@example.com", "X")
