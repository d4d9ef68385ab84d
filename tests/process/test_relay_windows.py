"""Windows of one hub, each a real process: what they share, and what one of them cannot do to the others."""

import os
import signal
import subprocess
import sys
import time
from contextlib import AsyncExitStack

import pytest
import trio

from mqtt_mcp.mqtt.bridge import open_bridge
from mqtt_mcp.mqtt.client import ConnectOptions, Publication, Subscription
from mqtt_mcp.mqtt.gmqtt_client import GmqttTransport
from testkit.hub_process import hub_process, is_relay

pytestmark = pytest.mark.process


@pytest.fixture
def path(tmp_path):
    return tmp_path / "hub" / "hub.sock"


def process_of(client):
    """The process of a window."""
    assert client.process is not None
    return client.process


async def status_of(client, within_s=5.0):
    with trio.fail_after(within_s):
        return await process_of(client).wait()


async def until(client, happened):
    """Ask the hub what it holds until it is as awaited."""
    with trio.fail_after(10):
        while not happened((await client.call("list_active_connections")).data):  # noqa: ASYNC110 - another process
            await trio.sleep(0.02)


async def opened(client):
    outcome = await client.call("establish_connection")
    assert not outcome.is_error, outcome.text
    return outcome.data["session_id"]


# -- sharing -----------------------------------------------------------------------------------------------------------


@pytest.mark.broker
async def test_windows_share_sessions_and_their_limit(path, mosquitto):
    """One list, one limit of five, and a session that one opened serves another."""
    async with (
        hub_process(path, "--broker", mosquitto.broker.url) as hub,
        hub.window() as one,
        hub.window(era="modern") as two,
        hub.window() as three,
    ):
        assert is_relay(one)
        ids = [await opened(client) for client in (one, two, three, one, two)]
        for client in (one, two, three):
            listed = (await client.call("list_active_connections")).data["sessions"]
            assert [row["session_id"] for row in listed] == ids
        sixth = await three.call("establish_connection")
        assert sixth.text.startswith("session_limit")
        published = await three.call("publish_message", session_id=ids[0], topic="shared/x", payload="1")
        assert published.data["outcome"] == "acknowledged"
        await two.call("close_connection", session_id=ids[0])
        assert len((await one.call("list_active_connections")).data["sessions"]) == 4
        assert one.strays == two.strays == three.strays == []


async def test_ten_windows_opened_at_once_are_all_answered(path):
    """Within 1 s on an idle machine (benchmarks measure that); here within what a loaded one needs."""
    async with hub_process(path) as hub, AsyncExitStack() as stack:
        clients = []

        async def open_one():
            clients.append(await stack.enter_async_context(hub.window(opened=False)))

        for _ in range(10):
            await open_one()
        began_s = time.monotonic()
        async with trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(client.initialize)
        assert time.monotonic() - began_s < 10
        assert all(client.server["serverInfo"]["name"] == "mqtt-mcp" for client in clients)


# -- who harms nobody --------------------------------------------------------------------------------------------------


async def test_a_window_that_sends_rubbish_harms_nobody(path):
    """Not even itself."""
    async with hub_process(path) as hub, hub.window() as good, hub.window(opened=False) as bad:
        for _ in range(20):
            await bad.send_bytes(os.urandom(50_000) + b"\n\n{\n[[[\n")
            assert await good.request("ping") == {}
        assert process_of(bad).returncode is None


async def test_a_window_that_reads_nothing_holds_nobody_up(path):
    """Its pipes, its socket and its queue in the hub are full; the others are answered promptly."""
    request = b'{"jsonrpc":"2.0","id":%d,"method":"tools/list"}\n'
    async with hub_process(path) as hub, hub.window() as good:
        deaf = await trio.lowlevel.open_process(
            [sys.executable, "-m", "mqtt_mcp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "MQTT_MCP_SOCKET": str(path)},
        )
        assert deaf.stdin is not None
        assert deaf.stdout is not None
        try:
            with trio.move_on_after(3) as full:
                for number in range(10_000):
                    await deaf.stdin.send_all(request % number)
            assert full.cancelled_caught  # back-pressure reached the client
            for _ in range(100):
                with trio.fail_after(1):
                    assert await good.request("ping") == {}
        finally:
            deaf.kill()
            await deaf.wait()
            await deaf.stdin.aclose()
            await deaf.stdout.aclose()
        assert await good.request("ping") == {}


@pytest.mark.broker
async def test_a_window_killed_in_the_middle_of_a_watch_leaves_its_session_to_the_others(path, mosquitto):
    """kill -9: the hub goes on, the session is an orphan, and its watch's partial result can be fetched."""
    env = {"MQTT_MCP_ORPHAN_GRACE_S": "60"}
    async with hub_process(path, "--broker", mosquitto.broker.url, env=env) as hub, hub.window() as other:
        async with hub.window() as one:
            session_id = await opened(one)
            await one.start_call("subscribe_and_collect", session_id=session_id, topic_pattern="killed/#", duration=60)
            await until(other, lambda held: bool(held["collections"]))
            process_of(one).kill()
            assert await status_of(one) == -signal.SIGKILL
        await until(other, lambda held: held["sessions"][0]["clients"] == 0)
        (row,) = (await other.call("list_active_connections")).data["sessions"]
        assert row["session_id"] == session_id
        assert row["expires_in_s"] <= 60
        (watch,) = (await other.call("list_active_connections")).data["collections"]
        fetched = await other.call("collection_result", collection_id=watch["collection_id"])
        assert fetched.data["result"]["window"]["ended_by"] == "cancelled"
        taken_over = await other.call("publish_message", session_id=session_id, topic="killed/x", payload="1")
        assert taken_over.data["outcome"] == "acknowledged"


# -- settings of its own -----------------------------------------------------------------------------------------------


async def test_a_window_whose_variables_differ_runs_on_its_own_and_says_so(path, tmp_path):
    """One line with the names and never the values; the assistant gets what its client's settings promise."""
    log = tmp_path / "stderr"
    async with hub_process(path, env={"MQTT_BROKER_URL": "mqtt://127.0.0.1:1"}) as hub:
        env = {"MQTT_BROKER_URL": "mqtt://user:s3cret@127.0.0.1:2", "MQTT_MCP_READ_ONLY": "1"}
        with log.open("wb") as stderr:
            async with hub.window(env=env, stderr=stderr) as client:
                held = (await client.call("list_active_connections")).data
                assert not is_relay(client)
        assert held["publishing"] == "off"
        assert [row["broker"] for row in held["profiles"]] == ["mqtt://127.0.0.1:2"]
        said = log.read_text()
        assert said.count("\n") == 1
        assert f"a hub runs (pid {hub.process.pid})" in said
        assert "MQTT_BROKER_URL, MQTT_MCP_READ_ONLY differ" in said
        assert "s3cret" not in said


async def test_a_window_with_the_same_variables_is_a_relay(path):
    """The usual case: the client's settings were copied from the hub's."""
    env = {"MQTT_BROKER_URL": "mqtt://127.0.0.1:1"}
    async with hub_process(path, env=env) as hub, hub.window(env=env) as client:
        assert is_relay(client)


async def test_a_window_with_flags_is_a_hub_of_its_own(path):
    """They ask for settings that the hub cannot give to one window only; --socket alone is none."""
    async with hub_process(path) as hub:
        async with hub.window("stdio", "--socket", str(path), "--read-only") as client:
            assert (await client.call("list_active_connections")).data["publishing"] == "off"
        async with hub.window("--socket", str(path), env={"MQTT_MCP_SOCKET": "off"}) as client:
            assert is_relay(client)
        async with hub.window("--socket", "off") as client:
            assert not is_relay(client)


async def test_without_a_hub_a_window_is_one(path):
    """The same command line works in both cases."""
    async with hub_process(path) as hub:
        hub.process.terminate()
        assert await hub.ended() == 0
        async with hub.window("--socket", str(path)) as client:
            assert not is_relay(client)
            assert (await client.call("list_active_connections")).data["sessions"] == []


# -- the end of the hub ------------------------------------------------------------------------------------------------


@pytest.mark.broker
async def test_sigterm_ends_windows_then_sessions_politely_and_no_will_fires(path, own_mosquitto, tmp_path):
    """Windows: status 1 and one line. The broker: DISCONNECT, nothing published by our going. The hub: 0 within 5 s."""
    logs = [tmp_path / "one", tmp_path / "two"]
    with logs[0].open("wb") as first, logs[1].open("wb") as second:
        async with (
            open_bridge() as bridge,
            GmqttTransport(bridge).connect(own_mosquitto.broker, ConnectOptions()) as witness,
            hub_process(path, "--broker", own_mosquitto.broker.url) as hub,
            hub.window(stderr=first) as one,
            hub.window(stderr=second) as two,
        ):
            await witness.subscribe([Subscription("#", 1)])
            for client in (one, two):
                await client.call("subscribe_and_collect", session_id=await opened(client), topic_pattern="#", wait_s=1)
            names = [line.split(" as ")[1].split()[0] for line in connections(own_mosquitto)][-2:]
            hub.process.terminate()
            assert await hub.ended(5) == 0
            assert await status_of(one) == await status_of(two) == 1
            assert not path.exists()
            assert hub.said.count("\n") == 1
            with trio.fail_after(5):
                while any(last_word_on(own_mosquitto, name).startswith("New client") for name in names):  # noqa: ASYNC110
                    await trio.sleep(0.02)
            for name in names:
                assert "disconnected" in last_word_on(own_mosquitto, name)  # impolite: "closed its connection"
            # Whatever our going had published would have come before this.
            await witness.publish(Publication("witness", b"", qos=1))
            seen = []
            with trio.fail_after(5):
                while "witness" not in seen:
                    seen += [message.topic for message in await witness.receive_batch()]
            assert [topic for topic in seen if not topic.startswith("mcp-probe/")] == ["witness"]
    assert [log.read_text().count("\n") for log in logs] == [1, 1]
    assert all(log.read_text().startswith("mqtt-mcp: the hub has ended") for log in logs)


def connections(broker):
    return [line for line in broker.log().splitlines() if "New client connected" in line]


def last_word_on(broker, name):
    """The broker's last line about a client's coming or going, without its time."""
    return [line.partition(": ")[2] for line in broker.log().splitlines() if name in line and "connect" in line][-1]


async def test_kill_9_of_the_hub_ends_its_windows_with_1_and_one_line(path, tmp_path):
    """So that their clients start them again, and find the next hub or become one."""
    log = tmp_path / "stderr"
    with log.open("wb") as stderr:
        async with hub_process(path) as hub, hub.window() as one, hub.window(stderr=stderr) as two:
            await one.call("list_active_connections")
            hub.process.kill()
            assert await status_of(one) == await status_of(two) == 1
    assert log.read_text().count("\n") == 1
    async with hub_process(path) as hub, hub.window() as client:
        assert await client.request("ping") == {}
