"""The whole product as a process, on a real mosquitto, in real time."""

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from mqtt_mcp.mqtt.bridge import open_bridge
from mqtt_mcp.mqtt.client import ConnectOptions, MqttClient, Publication
from mqtt_mcp.mqtt.gmqtt_client import GmqttTransport
from testkit.mcp_client import McpClient, spawned
from testkit.mosquitto import Mosquitto

pytestmark = [pytest.mark.broker, pytest.mark.process]
SERVER = [sys.executable, "-m", "mqtt_mcp"]


@asynccontextmanager
async def window(broker: Mosquitto, **arguments: object) -> AsyncIterator[tuple[McpClient, str]]:
    """One client window with an open session on ``broker``."""
    async with spawned(SERVER, env={"MQTT_BROKER_URL": broker.broker.url}, timeout_s=60, **arguments) as client:  # type: ignore[arg-type]
        opened = await client.call("establish_connection")
        assert not opened.is_error, opened.text
        yield client, opened.data["session_id"]


@asynccontextmanager
async def device(broker: Mosquitto) -> AsyncIterator[MqttClient]:
    """A device that publishes to ``broker``."""
    async with open_bridge() as bridge, GmqttTransport(bridge).connect(broker.broker, ConnectOptions()) as client:
        yield client


async def until(client: McpClient, happened: Callable[[dict[str, Any]], bool]) -> None:
    """Ask the server what it holds until it is as awaited."""
    with trio.fail_after(10):
        while not happened((await client.call("list_active_connections")).data):  # noqa: ASYNC110 - another process
            await trio.sleep(0.02)


def collecting(held: dict[str, Any]) -> bool:
    return bool(held.get("collections"))


def state_is(state: str) -> Callable[[dict[str, Any]], bool]:
    return lambda held: bool(held["sessions"][0]["state"] == state)


async def test_a_broker_killed_in_mid_collection_comes_back_and_nothing_else_is_lost(own_mosquitto):
    """kill -9 of the broker: reconnection, subscriptions restored, the gap told, the watch ends as it should."""
    async with window(own_mosquitto) as (client, session_id):
        watch = await client.start_call(
            "subscribe_and_collect", True, session_id=session_id, topic_pattern="cut/#", duration=12
        )
        await until(client, collecting)
        async with device(own_mosquitto) as sensor:
            for number in range(5):
                await sensor.publish(Publication("cut/before", b"%d" % number, qos=1))
            own_mosquitto.kill()
        await until(client, state_is("reconnecting"))
        own_mosquitto.start()
        await until(client, state_is("connected"))
        async with device(own_mosquitto) as sensor:
            for number in range(7):
                await sensor.publish(Publication("cut/after", b"%d" % number, qos=1))
        outcome = await watch.outcome()
        assert not outcome.is_error, outcome.text
        counts = {row["topic"]: row["messages"] for row in outcome.data["topics"]}
        assert counts == {"cut/before": 5, "cut/after": 7}
        assert outcome.data["window"]["ended_by"] == "duration"
        assert len(outcome.data["window"]["gaps"]) == 1
        progress = [p["progress"] for p in watch.progress]
        assert progress == sorted(set(progress))
        assert client.strays == []


async def test_a_broker_that_stays_away_leaves_the_partial_result(own_mosquitto):
    """Three tries after 1, 2 and 4 s; then ended_by disconnected, and the session says why."""
    async with window(own_mosquitto) as (client, session_id):
        watch = await client.start_call(
            "subscribe_and_collect", session_id=session_id, topic_pattern="#", duration=60, wait_s=60
        )
        await until(client, collecting)
        async with device(own_mosquitto) as sensor:
            await sensor.publish(Publication("last/words", b"bye", qos=1))
        started_s = trio.current_time()
        own_mosquitto.kill()
        outcome = await watch.outcome()
        assert 6.9 < trio.current_time() - started_s < 12
        assert outcome.data["window"]["ended_by"] == "disconnected"
        assert outcome.data["status"] == "partial"
        assert [row["topic"] for row in outcome.data["topics"]] == ["last/words"]
        again = await client.call("list_topics", session_id=session_id)
        assert again.is_error
        assert again.text.startswith("session_expired")


async def test_two_windows_do_not_disturb_each_other(mosquitto):
    """Random client ids: nobody kicks the other out; what one publishes the other collects."""
    async with window(mosquitto) as (one, session_one), window(mosquitto, era="modern") as (two, session_two):
        watch = await two.start_call(
            "subscribe_and_collect", session_id=session_two, topic_pattern="windows/#", duration=10, qos=2
        )
        await until(two, collecting)
        for qos in (0, 1, 2):
            said = await one.call(
                "publish_message", session_id=session_one, topic=f"windows/{qos}", payload='{"on": true}', qos=qos
            )
            assert said.data["outcome"] == ("acknowledged" if qos else "sent"), said.text
        outcome = await watch.outcome()
        assert sorted((m["topic"], m["qos"]) for m in outcome.data["messages"]) == [
            ("windows/0", 0), ("windows/1", 1), ("windows/2", 2),
        ]  # fmt: skip
        for client in (one, two):
            assert (await client.call("list_active_connections")).data["sessions"][0]["state"] == "connected"
            assert client.strays == []


async def test_stdout_holds_only_json_under_load(mosquitto):
    """20 concurrent calls over a flood: every line the client read was a JSON-RPC message (it fails on others)."""
    async with window(mosquitto) as (client, session_id), device(mosquitto) as sensor, trio.open_nursery() as nursery:
        flood = trio.CancelScope()

        async def publish() -> None:
            with flood:
                for number in range(1_000_000):
                    await sensor.publish(Publication(f"load/{number % 50}", json.dumps({"n": number}).encode()))

        nursery.start_soon(publish)
        calls = [
            await client.start_call("list_topics", True, session_id=session_id, pattern=f"load/{n}", duration=10)
            for n in range(19)
        ]
        for _ in range(300):
            assert await client.request("ping") == {}
        for call in calls:
            outcome = await call.outcome()
            assert not outcome.is_error, outcome.text
            assert outcome.data["observed"]["messages"] > 0
        flood.cancel()
        assert client.strays == []


async def test_a_cancelled_collection_is_silent_and_its_partial_result_can_be_fetched(mosquitto):
    """MCP: no reply after a cancellation; the handle is in the list of collections."""
    async with window(mosquitto) as (client, session_id), device(mosquitto) as sensor:
        watch = await client.start_call(
            "subscribe_and_collect", True, session_id=session_id, topic_pattern="cancel/#", duration=60
        )
        await until(client, collecting)
        await sensor.publish(Publication("cancel/a", b"1", qos=1))
        await until(client, lambda held: bool(held["collections"][0]["messages"] == 1))
        await client.cancel(watch)
        (row,) = (await client.call("list_active_connections")).data["collections"]
        fetched = await client.call("collection_result", collection_id=row["collection_id"])
        assert fetched.data["result"]["window"]["ended_by"] == "cancelled"
        assert fetched.data["result"]["observed"]["messages"] == 1
        assert client.strays == []
