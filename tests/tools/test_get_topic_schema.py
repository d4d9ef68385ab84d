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


async def test_asyncapi_is_one_document(autojump_clock, broker):
    """format=asyncapi; the schemas are inside."""
    async with product(broker) as house, trio.open_nursery() as nursery:
        nursery.start_soon(readings, broker, 8)
        result = await house.call("get_topic_schema", topic_pattern="house/#", duration=10, format="asyncapi")

    assert result["schemas"] == []
    assert result["asyncapi"]["asyncapi"] == "3.1.0"
    (channel,) = result["asyncapi"]["channels"].values()
    assert channel["address"] == "house/kitchen/climate"
    assert channel["messages"]["json"]["payload"]["required"] == ["ok", "password", "t"]
    assert "geheim" not in json.dumps(result)


@pytest.mark.parametrize("output", ["json_schema", "asyncapi", "summary"])
async def test_a_whole_result_keeps_within_its_characters_and_is_the_same_again(autojump_clock, output):
    """analysis.md section 0.2: at most 24,000 characters, whatever is published; the same messages, the same result."""
    results = []
    for _ in range(2):
        broker = MemoryBroker()
        async with product(broker) as house, trio.open_nursery() as nursery:
            nursery.start_soon(busy_plant, broker)
            results.append(await house.call("get_topic_schema", topic_pattern="#", duration=10, format=output))

    assert len(json.dumps(results[0], ensure_ascii=False, separators=(",", ":"))) <= 24_000
    assert results[0]["messages"] == 300
    shown = ("schemas", "asyncapi", "not_shown", "notes")
    assert [results[0][name] for name in shown] == [results[1][name] for name in shown]


async def busy_plant(broker: MemoryBroker) -> None:
    """Sixty kinds of topics with twenty long-named fields each."""
    for turn in range(5):
        await trio.sleep(1)
        for kind in range(60):
            words = f"{'abcdefghij'[kind % 10] * 5}/{'klmnop'[kind // 10] * 7}"
            value = {f"{words}_quantity_{chr(97 + at % 26)}{chr(97 + at // 26)}": at * 1.5 + turn for at in range(20)}
            broker.publish(f"plant/{words}/state", json.dumps(value).encode())


async def test_nothing_seen_is_said_and_not_an_error(autojump_clock, broker):
    """An empty watch is a result with a note."""
    async with product(broker) as house:
        result = await house.call("get_topic_schema", topic_pattern="nowhere/#", duration=10)

    assert result["schemas"] == []
    assert any("Nothing arrived" in note for note in result["notes"])
