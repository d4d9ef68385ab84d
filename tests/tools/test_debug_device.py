"""debug_device through the wire, the hub and the in-memory broker, in virtual time."""

import pytest
import trio

from testkit.memory_broker import MemoryBroker
from testkit.product import product


@pytest.fixture
async def broker():
    broker = MemoryBroker()
    broker.publish("zigbee2mqtt/bridge/state", b'{"state":"online"}', retain=True)
    broker.publish("zigbee2mqtt/heater/availability", b'{"state":"offline"}', retain=True)
    broker.publish("tele/plug/LWT", b"Online", retain=True)
    return broker


async def test_which_device_is_offline_is_answered_from_stored_messages(autojump_clock, broker):
    """The user's question, on a broker nobody prepared."""
    async with product(broker) as house:
        start_s = trio.current_time()
        result = await house.call("debug_device", duration=10)

    assert trio.current_time() == start_s + 10
    assert result["status"] == "complete"
    assert not any("last_live_s" in one for one in result["devices"])
    assert '1 of 3 devices is offline: "heater"' in result["verdict"]
    assert [(one["name"], one["availability"]) for one in result["devices"]] == [
        ("heater", "offline"),
        ("bridge", "online"),
        ("plug", "online"),
    ]


async def test_one_device_is_debugged_with_findings_and_checks(autojump_clock, broker):
    """Retained first, then live."""
    async with product(broker) as house, trio.open_nursery() as nursery:

        async def revive():
            await trio.sleep(5)
            broker.publish("zigbee2mqtt/heater/availability", b'{"state":"online"}', retain=True)

        nursery.start_soon(revive)
        result = await house.call("debug_device", device="Heater", duration=10)

    assert result["availability"] == "online"
    assert result["identity"][0]["ecosystem"] == "zigbee2mqtt"
    assert [moment["what"] for moment in result["timeline"]] == ["offline", "online"]
    assert result["checks"]["flapping"] == "pass"


async def test_a_long_watch_returns_early_and_goes_on(autojump_clock, broker):
    """wait_s and collection_result, as for every listening tool."""
    async with product(broker) as house:
        first = await house.call("debug_device", device="heater", duration=60, wait_s=2)
        assert first["status"] == "running"
        assert first["availability"] == "offline"
        rest = await house.client.call("collection_result", collection_id=first["collection_id"], wait_s=100)

    assert rest.data["status"] == "complete"
    assert rest.data["result"]["checks"]["device_offline"] == "fail"


async def test_an_unknown_device_lists_near_names(autojump_clock, broker):
    """Not an error: the answer says what to try."""
    async with product(broker) as house:
        result = await house.call("debug_device", device="heatr", duration=10)

    assert [one["name"] for one in result["candidates"]] == ["heater"]
    assert "No single device was found" in result["verdict"]
