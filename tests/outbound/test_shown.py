from dni.outbound import shown
from dni.outbound.model import Answer, Request


def test_secrets_are_dots_in_address_and_body_however_they_are_written() -> None:
    made = Request(
        url="https://example.com/?key=a%2Fb%3D", method="PUT", body=b"key a/b= and c", hidden=("a/b=", "", "c")
    )
    told = shown.request(made)
    assert told.method == "PUT"
    assert told.url == "https://example.••••om/?key=••••"
    assert told.body == "key •••• and ••••"


def test_headers_are_not_kept() -> None:
    told = shown.request(Request(url="https://example.com", headers={"authorization": "Bearer x"}))
    assert "Bearer" not in str(told)


def test_a_long_body_is_cut() -> None:
    told = shown.request(Request(url="https://example.com", body="é".encode() * 100_000))
    assert len(told.body) == shown.BODY
    assert told.body.endswith("é…")


def test_the_beginning_of_an_answer_is_text_without_control_characters() -> None:
    assert shown.answer(Answer(status=200, body=b"a\x00b\x1b[31m\tc\n\xff")) == "ab[31m\tc\n�"
    assert shown.answer(Answer(status=200, body=b"x" * 65_536)) == "x" * (shown.ANSWER - 1) + "…"
    assert shown.answer(Answer(status=200, body="😀".encode() * 3_000)) == "😀" * (shown.ANSWER - 1) + "…"
    assert shown.answer(Answer(status=204)) is None
    assert shown.answer(Answer(status=200, body=b"your key was hush-hush"), ["hush-hush"]) == "your key was ••••"
