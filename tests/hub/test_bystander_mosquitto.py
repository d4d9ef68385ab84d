"""The extras of a watch through gmqtt against mosquitto, in real time."""

from contextlib import asynccontextmanager

import pytest
import trio

from mqtt_mcp.mqtt.bridge import open_bridge
from mqtt_mcp.mqtt.client import ConnectOptions, Publication
from mqtt_mcp.mqtt.gmqtt_client import GmqttTransport
from testkit.hub import Keeping, memory_hub, no_progress, watch_request
from testkit.mosquitto import account, running
from testkit.tcp import only_v311

pytestmark = pytest.mark.broker

CONNECT = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05slow1"
SUBSCRIBE_QOS_1 = b"\x82\x0b\x00\x01\x00\x06slow/#\x01"
BURST = 4_000
INFLIGHT, QUEUED = 20, 1_000
"""What mosquitto 2.0.11 holds for one client by default: max_inflight_messages and max_queued_messages."""


@asynccontextmanager
async def session_on(broker):
    """A hub with one session, and a second connection that publishes."""
    async with open_bridge() as bridge:
        transport = GmqttTransport(bridge)
        async with memory_hub(transport) as hub, transport.connect(broker, ConnectOptions()) as writer:
            client = hub.client_opened("test")
            session = await hub.open_session(broker, client)

            async def watch(accumulator, *filters, wait_s=0.0, **more):
                request = watch_request(accumulator, *filters, **more)
                return await hub.watch(session, request, wait_s=wait_s, client=client, report_progress=no_progress)

            yield watch, writer


def told_dropped(collection):
    found = collection.window().broker_dropped
    return 0 if found is None else found.messages


@pytest.mark.parametrize("v311", [False, True], ids=["5.0", "3.1.1"])
async def test_the_fence_tells_when_all_stored_messages_are_here(broker_folder, v311):
    """500 stored messages in a watch that is shorter than the quiet second which would tell without a fence."""
    with running(broker_folder) as broker, trio.fail_after(20):
        async with only_v311(broker.broker) as old, session_on(old if v311 else broker.broker) as (watch, writer):
            for number in range(500):
                await writer.publish(Publication(f"many/{number}", b"x", 1, retain=True))
            kept = Keeping()
            collection = await watch(kept, "many/#", duration_s=0.95)
            await collection.wait(10)
    window = collection.window()
    assert (window.stored_complete, window.echo) == (True, "back")
    assert len(set(kept.topics)) == kept.messages == 500


async def test_an_access_list_that_swallows_the_fence_leaves_the_watch_alone(mosquitto_accounts):
    """This user may write to ok/# only; mosquitto takes a QoS 0 message to elsewhere and throws it away."""
    with trio.fail_after(20):
        async with session_on(account(mosquitto_accounts.broker)) as (watch, writer):
            kept = Keeping()
            collection = await watch(kept, "ok/#", duration_s=2)
            await writer.publish(Publication("ok/a", b"1", 1))
            await collection.wait(10)
            window = collection.window()
    assert window.stored_complete
    assert window.echo in {"missing", "untried"}
    assert (kept.topics, window.gaps, window.broker_dropped) == (["ok/a"], [], None)


async def test_what_a_slow_subscriber_of_qos_1_loses_is_told_exactly(broker_folder):
    """A client that never acknowledges: mosquitto holds 20 + 1,000 messages for it and drops the rest silently."""
    with running(broker_folder, "allow_anonymous true\nsys_interval 1") as broker, trio.fail_after(50):
        async with session_on(broker.broker) as (watch, writer):
            slow = await trio.open_tcp_stream("127.0.0.1", broker.port)
            await slow.send_all(CONNECT + SUBSCRIBE_QOS_1)
            answers = b""
            while len(answers) < 4 + 5:
                answers += await slow.receive_some(100)
            collection = await watch(Keeping(), "other/#", duration_s=60)
            for number in range(BURST):
                await writer.publish(Publication("slow/x", b"%d" % number, 1))
            expected = BURST - INFLIGHT - QUEUED
            while told_dropped(collection) < expected:  # noqa: ASYNC110 - the broker tells once a second
                await trio.sleep(0.05)
            await slow.aclose()
    assert told_dropped(collection) == expected
