"""The simulated home reaches a broker: stored messages first, then on schedule, and it obeys commands."""

import json

import trio
import trio.testing

from mqtt_mcp.demo.home import FAILURE_S, Home
from mqtt_mcp.demo.publisher import publish_home
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import ConnectOptions, Publication, Subscription
from testkit.memory_broker import MemoryBroker

WHERE = Broker(host="memory")


async def test_every_stored_message_is_with_the_broker_when_the_home_has_started(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A tour that begins now must find the home complete."""
    memory = MemoryBroker(protocol="3.1.1")
    with trio.fail_after(1000):
        async with trio.open_nursery() as nursery:
            await nursery.start(publish_home, memory, WHERE)

            assert set(memory.retained) == {one.topic for one in Home(0.0).stored()}
            nursery.cancel_scope.cancel()


async def test_the_home_publishes_what_its_schedule_says(autojump_clock: trio.testing.MockClock) -> None:
    """Nothing is skipped or sent twice in half a minute of virtual time."""
    memory = MemoryBroker(protocol="3.1.1")
    with trio.fail_after(1000):
        async with trio.open_nursery() as nursery:
            await nursery.start(publish_home, memory, WHERE)
            before = len(memory.received)
            await trio.sleep(30.05)

            expected = [timed.publication.topic for timed in Home(0.0).between(0.0, 30.0)]
            sent = [one.topic for one in memory.received[before:]]
            assert sent[: len(expected)] == expected
            assert len(sent) - len(expected) <= 2
            nursery.cancel_scope.cancel()


async def test_the_failing_sensor_is_stored_as_offline_soon_after_the_start(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Whoever asks later finds it stored, with the last weak report beside it."""
    memory = MemoryBroker(protocol="3.1.1")
    with trio.fail_after(1000):
        async with trio.open_nursery() as nursery:
            await nursery.start(publish_home, memory, WHERE)
            await trio.sleep(FAILURE_S + 0.5)

            assert memory.retained["zigbee2mqtt/garden_sensor/availability"].payload == b'{"state":"offline"}'
            last = json.loads(memory.retained["zigbee2mqtt/garden_sensor"].payload)
            assert (last["battery"], last["linkquality"]) == (4, 6)
            nursery.cancel_scope.cancel()


async def test_a_command_is_answered_by_the_device(autojump_clock: trio.testing.MockClock) -> None:
    """The acknowledgement a person sees in the tour comes from the plug, not from the broker alone."""
    memory = MemoryBroker(protocol="3.1.1")
    with trio.fail_after(1000):
        async with trio.open_nursery() as nursery:
            await nursery.start(publish_home, memory, WHERE)
            async with memory.connect(WHERE, ConnectOptions()) as client:
                await client.subscribe([Subscription("zigbee2mqtt/kitchen_plug")])
                await client.publish(Publication("zigbee2mqtt/kitchen_plug/set", b'{"state":"OFF"}', qos=1))

                states = ["ON"]
                while states[-1] == "ON":
                    states += [json.loads(message.payload)["state"] for message in await client.receive_batch()]
            nursery.cancel_scope.cancel()

    assert states[-1] == "OFF"
