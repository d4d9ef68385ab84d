"""get_topic_schema through the wire, the hub and the in-memory broker, in virtual time."""

import json

import pytest
import trio

from testkit.memory_broker import MemoryBroker
from testkit.product import product


@pytest.fixture
async def broker():
    return MemoryBroker()


async def readings(broker: MemoryBroker, count: int) -> None:
    for at in range(count):
        await trio.sleep(1)
        broker.publish("house/kitchen/climate", json.dumps({"t": 20.5 + at, "ok": True, "password": "geheim"}).encode())


async def test_a_json_schema_comes_back_as_an_object(autojump_clock, broker):
    """JSON Schema 2020-12 inside a portable result; private values are never shown."""
    async with product(broker) as house, trio.open_nursery() as nursery:
        nursery.start_soon(readings, broker, 8)
        result = await house.call("get_topic_schema", topic_pattern="house/#", duration=10, strict=True)

    (one,) = result["schemas"]
    assert one["template"] == "house/kitchen/climate"
    assert one["schema"]["required"] == ["ok", "password", "t"]
    assert (one["schema"]["properties"]["t"]["minimum"], one["schema"]["properties"]["t"]["maximum"]) == (20.5, 27.5)
    assert "geheim" not in json.dumps(result)
    assert (result["messages"], one["confidence"]) == (8, "medium")


async def test_a_summary_has_one_line_per_field(autojump_clock, broker):
    """format=summary."""
    async with product(broker) as house, trio.open_nursery() as nursery:
        nursery.start_soon(readings, broker, 8)
        result = await house.call("get_topic_schema", topic_pattern="house/#", duration=10, format="summary")

    assert result["schemas"][0]["fields"] == [
        "ok  boolean  always",
        "password  string  always  private",
        "t  number  always  20.5 … 27.5",
    ]
    assert "schema" not in result["schemas"][0]


async def test_nothing_seen_is_said_and_not_an_error(autojump_clock, broker):
    """An empty watch is a result with a note."""
    async with product(broker) as house:
        result = await house.call("get_topic_schema", topic_pattern="nowhere/#", duration=10)

    assert result["schemas"] == []
    assert any("Nothing arrived" in note for note in result["notes"])
