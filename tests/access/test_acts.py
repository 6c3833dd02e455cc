import msgspec
import pytest

from dni.access.acts import Told, told
from dni.api.model import Operation
from dni.api.operations import OPERATIONS


class Body(msgspec.Struct, kw_only=True):
    name: str | msgspec.UnsetType = msgspec.UNSET
    hold_seconds: int | msgspec.UnsetType | None = msgspec.UNSET
    auth_token: str | msgspec.UnsetType = msgspec.UNSET
    caller: str | msgspec.UnsetType = msgspec.UNSET
    numbers: list[str] | msgspec.UnsetType = msgspec.UNSET
    steps: list[dict[str, object]] | msgspec.UnsetType = msgspec.UNSET


def test_a_new_thing_is_told_by_what_was_given() -> None:
    assert told(Body(name="A", hold_seconds=None)) == [Told("name", None, "A")]


def test_a_change_tells_what_was_and_leaves_out_what_stays() -> None:
    before = {"name": "A", "hold_seconds": 120, "other": 1}
    after = {"name": "B", "hold_seconds": 120, "other": 2}
    assert told(Body(name=" B ", hold_seconds=120), before, after) == [Told("name", "A", "B")]
    assert told(Body(hold_seconds=None), before, {**after, "hold_seconds": None}) == [Told("hold_seconds", 120, None)]


def test_what_a_whole_leaves_out_is_gone() -> None:
    assert told({"a": 1}, {"a": 1, "b": 2}, {"a": 1}, whole=True) == [Told("b", 2, None)]


def test_what_is_deleted_tells_what_it_was() -> None:
    assert told(None, {"name": "A", "id": "x", "gone": None}) == [Told("name", "A", None), Told("id", "x", None)]


def test_a_secret_and_who_calls_are_in_no_place_of_it() -> None:
    body = Body(auth_token="hunter2", caller="+12125550142", steps=[{"note": "rude", "caller": "+12125550143", "n": 1}])
    found = msgspec.json.encode(told(body, {"auth_token": "hunter1", "caller": "+12125550144"}, {})).decode()
    for hidden in ("hunter", "+1212", "rude"):
        assert hidden not in found
    assert told(Body(auth_token="x")) == [Told("auth_token", None, "(secret)")]
    assert told(Body(auth_token="x"), {"name": "A"}, {"name": "A"}) == [Told("auth_token", None, "(secret)")]


def test_what_is_long_is_told_by_its_length() -> None:
    many = [f"+1415555{n:04}" for n in range(10_000)]
    [found] = told(Body(numbers=many), {"numbers": many[:2]}, {"numbers": many})
    assert found == Told("numbers", many[:2], "(10,000 of them)")
    [name] = told(Body(name="x" * 5_000))
    assert len(str(name.after)) < 600
    assert len(told({f"f{n}": n + 1 for n in range(500)})) == 40


_SOUNDS_SECRET = ("secret", "password", "token", "credential", "private", "key")
# These sound so and are none: a digit that a caller presses, a word that was searched for.
_HARMLESS = {"keys", "keyword", "keywords"}


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.body is not None], ids=lambda one: one.name)
def test_no_operation_takes_a_secret_that_would_be_told(operation: Operation) -> None:
    """A field that a new operation takes fails here when it sounds like a secret and acts.py does not know it."""
    _, components = msgspec.json.schema_components([operation.body])
    names = {name for schema in components.values() for name in schema.get("properties", {})}
    for name in names - _HARMLESS:
        if any(word in name for word in _SOUNDS_SECRET):
            assert told({name: "hunter2"}) == [Told(name, None, "(secret)")], name
