"""Who called, of several calls at once, on each engine."""

from dni.call import callers
from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard.samples import CALLER, NUMBERS, call, insert_rows
from tests.support.world import add


async def test_of_calls_that_are_there(parts: Parts) -> None:
    await add(parts)
    await insert_rows(parts, schema.call, call("call_1", 1000), call("call_2", 2000, caller=None), call("call_3", 3000))
    async with parts.ledger.read() as connection:
        assert await callers.of_calls(connection, ["call_1", "call_2", "call_gone"]) == {
            "call_1": (CALLER, NUMBERS[0]),
            "call_2": (None, NUMBERS[0]),
        }
        assert await callers.of_calls(connection, ()) == {}
