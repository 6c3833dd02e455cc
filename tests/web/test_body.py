"""Forms with a file in them, read back as browsers write them, and whatever else comes."""

import contextlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.errors import BadBody
from dni.web.body import multipart

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\ufeff"), max_size=30)


@given(
    fields=st.dictionaries(st.from_regex(r"[a-z_]{1,10}", fullmatch=True), _TEXT, max_size=4),
    content=st.lists(_TEXT, max_size=5).map("\r\n".join),
    name=st.text(max_size=20),
)
def test_fields_and_a_file_are_read_back(fields: dict[str, str], content: str, name: str) -> None:
    fields.pop("file", None)
    sent = httpx.Request("POST", "http://dni.example", data=fields, files={"file": (name or "x", content.encode())})
    sent.read()
    assert multipart(sent.content, sent.headers["content-type"]) == {**fields, "file": content}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"--x\r\n\r\n--x--", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1', "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; filename="a"\r\n\r\n1\r\n--x--', "multipart/form-data; boundary=x"),
        (b"--x\r\nno end of a head\r\n--x--", "multipart/form-data; boundary=x"),
        (b"\r\n--x".join([b""] * 600) + b"--", "multipart/form-data; boundary=x"),
    ],
)
def test_what_is_no_such_form_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(BadBody):
        multipart(body, kind)


@given(
    st.binary(max_size=200), st.sampled_from(["multipart/form-data; boundary=x", 'multipart/form-data; boundary="x"'])
)
def test_nothing_breaks_it(body: bytes, kind: str) -> None:
    for sent in (body, b"--x\r\n" + body + b"\r\n--x--"):
        with contextlib.suppress(BadBody):
            multipart(sent, kind)
