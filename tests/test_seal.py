"""Ids that browsers hold: what was sealed opens, in its own scope, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.seal import LeaseId, Sealer, new_nonce, new_session, new_visitor

SEALER = Sealer(b"a secret of the test, 32 bytes..")
NOW_MS = 1_790_000_000_000


def test_sessions_and_leases_carry_what_they_were_made_of() -> None:
    nonce = new_nonce()
    session = SEALER.open_session("tag_1", SEALER.session("tag_1", new_session(NOW_MS, 7)))
    assert session is not None
    assert (session.started_ms, session.click) == (NOW_MS, 7)
    lease = LeaseId(nonce, "+14155550100", NOW_MS, b"abcd")
    assert SEALER.open_lease("tag_1", SEALER.lease("tag_1", nonce, "+14155550100", NOW_MS, b"abcd")) == lease
    visitor = new_visitor()
    assert SEALER.open_visitor("tag_1", SEALER.visitor("tag_1", visitor)) == visitor


def test_ids_are_of_one_alphabet_and_never_repeat() -> None:
    made = {SEALER.visitor("tag_1", new_visitor()) for _ in range(5_000)}
    made |= {SEALER.session("tag_1", new_session(NOW_MS, 0)) for _ in range(5_000)}
    assert len(made) == 10_000
    assert all(text.replace("-", "").replace("_", "").isalnum() for text in made)


def test_another_tag_secret_or_kind_does_not_open() -> None:
    session = SEALER.session("tag_1", new_session(NOW_MS, 7))
    assert SEALER.open_session("tag_2", session) is None
    assert Sealer(b"another secret of the test......").open_session("tag_1", session) is None
    assert SEALER.open_visitor("tag_1", session) is None
    assert SEALER.open_lease("tag_1", session) is None


@given(st.data())
def test_a_changed_id_is_none(data: st.DataObject) -> None:
    lease = SEALER.lease("tag_1", new_nonce(), "+14155550100", NOW_MS, b"abcd")
    place = data.draw(st.integers(0, len(lease) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_=+/ é"))
    changed = lease[:place] + other + lease[place + 1 :]
    assert (SEALER.open_lease("tag_1", changed) is None) == (changed != lease)


@given(st.one_of(st.none(), st.text(max_size=80)))
def test_no_text_breaks_it(text: str | None) -> None:
    assert SEALER.open_session("tag_1", text) is None


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Sealer(b"short")
