"""`mqtt-mcp` as a real process: how it starts, what its streams hold, and every way it ends."""

import os
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio

from testkit.mcp_client import McpClient, spawned

pytestmark = pytest.mark.process

COMMAND = [sys.executable, "-m", "mqtt_mcp"]
CONNACK_V5 = b"\x20\x03\x00\x00\x00"
DISCONNECT = 0xE0


class ScriptedBroker:
    """Accepts connections, says CONNACK (unless told not to) and keeps what clients send; never speaks again."""

    def __init__(self, *, connack: bool = True, reads: bool = True) -> None:
        self.connack = connack
        self.reads = reads
        self.received: list[bytearray] = []
        self.connected = trio.Event()
        self.gone = trio.Event()
        self.url = ""

    async def serve(self, stream: trio.SocketStream) -> None:
        data = bytearray(await stream.receive_some(4096))
        self.received.append(data)
        if self.connack:
            await stream.send_all(CONNACK_V5)
        self.connected.set()
        if not self.reads:
            await trio.sleep_forever()
        try:
            while chunk := await stream.receive_some(4096):
                data += chunk
        except trio.BrokenResourceError:
            data += b"(reset)"
        self.gone.set()


@asynccontextmanager
async def scripted(**how):
    """A scripted broker on a free loopback port."""
    broker = ScriptedBroker(**how)
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, broker.serve, 0, host="127.0.0.1"))
        broker.url = f"mqtt://127.0.0.1:{listener.socket.getsockname()[1]}"
        yield broker
        nursery.cancel_scope.cancel()


def process_of(client: McpClient) -> trio.Process:
    """The subprocess behind a spawned client."""
    assert client.process is not None
    return client.process


async def ended_within(process: trio.Process, seconds: float) -> int:
    """Wait for the exit and return its status; the margin is for the loaded machine, not for the program."""
    with trio.fail_after(seconds + 1.0):
        return await process.wait()


@pytest.mark.parametrize("session", [False, True])
async def test_the_end_of_the_input_ends_it_with_0_and_disconnects_politely(session):
    """Issue: exit 0 within 1 s of EOF, every session with DISCONNECT (MQTT 5 §3.14)."""
    async with scripted() as broker, spawned(COMMAND, env={"MQTT_BROKER_URL": broker.url}) as client:
        if session:
            assert not (await client.call("establish_connection")).is_error
        await client.finish()
        assert await ended_within(process_of(client), 1.0) == 0
        if session:
            with trio.fail_after(5):
                await broker.gone.wait()
            assert broker.received[0][-2] == DISCONNECT or broker.received[0][-4] == DISCONNECT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_it_with_0_and_disconnects_politely(number):
    """Issue: SIGTERM, SIGINT and SIGHUP are orderly ends."""
    async with scripted() as broker, spawned(COMMAND, env={"MQTT_BROKER_URL": broker.url}) as client:
        assert not (await client.call("establish_connection")).is_error
        process_of(client).send_signal(number)
        assert await ended_within(process_of(client), 1.0) == 0
        with trio.fail_after(5):
            await broker.gone.wait()
        assert broker.received[0][-2] == DISCONNECT or broker.received[0][-4] == DISCONNECT


async def test_a_closed_output_ends_it_with_0():
    """EPIPE: the client has gone without closing our input."""
    process = await trio.lowlevel.open_process(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        await process.stdin.send_all(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        with trio.fail_after(20):
            await process.stdout.receive_some(4096)
        await process.stdout.aclose()
        await process.stdin.send_all(b'{"jsonrpc":"2.0","id":2,"method":"ping"}\n')
        assert await ended_within(process, 1.0) == 0
    finally:
        process.kill()


async def test_a_call_that_hangs_does_not_hold_it_up():
    """A broker that accepts and never answers, in the middle of establish_connection: 2 s at most."""
    async with scripted(connack=False) as broker, spawned(COMMAND, env={"MQTT_BROKER_URL": broker.url}) as client:
        await client.start_call("establish_connection")
        with trio.fail_after(20):
            await broker.connected.wait()
        await client.finish()
        assert await ended_within(process_of(client), 2.0) == 0


async def test_a_peer_that_does_not_read_does_not_hold_it_up():
    """DISCONNECT cannot be delivered to a peer that reads nothing: 2 s at most."""
    async with scripted(reads=False) as broker, spawned(COMMAND, env={"MQTT_BROKER_URL": broker.url}) as client:
        opened = await client.call("establish_connection")
        session_id = opened.data["session_id"]
        for _ in range(12):  # more than the buffers of both sockets hold
            await client.start_call("publish_message", session_id=session_id, topic="a", payload="x" * 900_000)
        await client.request("ping")
        await client.finish()
        assert await ended_within(process_of(client), 2.0) == 0


BLOCKED = """
import time, mqtt_mcp.commands._application as a
async def blocked(self, args, report_progress):
    print("blocked now", flush=True)
    time.sleep(60)
a.HubCall.run = blocked
from mqtt_mcp.__main__ import main
raise SystemExit(main([]))
"""


@pytest.mark.parametrize("how", ["end of input", "signal"])
async def test_even_a_blocked_event_loop_ends_in_two_seconds(how):
    """Whatever hangs includes our own trio thread: a tool that blocks it is a defect, an orphan a worse one."""
    async with spawned([sys.executable, "-c", BLOCKED], stderr=subprocess.PIPE) as client:
        process = process_of(client)
        await client.start_call("list_active_connections")
        assert process.stderr is not None
        with trio.fail_after(20):
            while b"blocked now" not in await process.stderr.receive_some(4096):
                pass
        if how == "signal":
            process.send_signal(signal.SIGTERM)
        else:
            assert process.stdin is not None
            await process.stdin.aclose()
        assert await ended_within(process, 2.0) == 0


HANGING_EXIT = """
import contextlib, trio
from mqtt_mcp.commands import _window, stdio
real = _window.running_hub
@contextlib.asynccontextmanager
async def hanging(config):
    async with real(config) as hub:
        try:
            yield hub
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(60)
_window.running_hub = hanging
raise SystemExit(stdio.run([]))
"""


async def test_the_watchdog_ends_what_hangs_on_the_way_out():
    """Issue: 2 s at most, whatever hangs: here a clean-up that never returns."""
    async with spawned([sys.executable, "-c", HANGING_EXIT]) as client:
        started = trio.current_time()
        await client.finish()
        assert await ended_within(process_of(client), 2.0) == 0
        assert 1.0 < trio.current_time() - started < 3.0


STRAY = """
import os, mqtt_mcp.commands._application as a
real = a.available_tools
def noisy(policy):
    print("a stray print", flush=True)
    os.system("echo a stray child")
    return real(policy)
a.available_tools = noisy
from mqtt_mcp.__main__ import main
raise SystemExit(main([]))
"""


async def test_a_stray_print_lands_on_stderr(tmp_path):
    """Architecture §6: nothing but JSON-RPC on stdout; the client fails on anything else."""
    log = tmp_path / "stderr"
    with log.open("wb") as stderr:
        async with spawned([sys.executable, "-c", STRAY], stderr=stderr) as client:
            listed = await client.request("tools/list")
            assert client.strays == []

    assert len(listed["tools"]) >= 5
    assert "a stray print" in log.read_text()
    assert "a stray child" in log.read_text()


@pytest.mark.broker
async def test_two_windows_work_side_by_side(mosquitto):
    """Each window is a client of its own: other client id, own sessions, the end of one leaves the other."""
    env = {"MQTT_BROKER_URL": f"mqtt://127.0.0.1:{mosquitto.port}"}
    async with spawned(COMMAND, env=env) as one, spawned(COMMAND, env=env, era="modern") as two:
        first = await one.call("establish_connection")
        second = await two.call("establish_connection")
        assert first.data["client_id"] != second.data["client_id"]
        await one.finish()
        published = await two.call(
            "publish_message", session_id=second.data["session_id"], topic="windows/two", payload="x"
        )
        assert published.data["outcome"] == "acknowledged"


@pytest.mark.parametrize(
    ("arguments", "env", "words"),
    [
        ([], {"MQTT_MCP_READ_ONLY": "perhaps"}, "MQTT_MCP_READ_ONLY"),
        (["--config", "/nope.toml"], {}, "--config"),
        (["--nope"], {}, "unrecognized arguments: --nope"),
        (["--password", "s3cret"], {}, "unrecognized arguments"),
        (["nope"], {}, "no command 'nope'"),
        (["call", "nope"], {}, "no tool 'nope'"),
        (["call", "publish_message", "topic"], {"MQTT_BROKER_URL": "mqtt://127.0.0.1:1"}, "not key=value"),
        (["call", "publish_message", "topic=a"], {"MQTT_BROKER_URL": "mqtt://127.0.0.1:1"}, "payload"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments, env, words):
    """Nothing is started, nothing is on stdout, no traceback."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == b""
    text = done.stderr.decode()
    assert words in text
    assert text.count("\n") == 1
    assert "Traceback" not in text


def test_without_an_input_it_says_so():
    """A service manager may start us with stdin closed."""
    done = subprocess.run(
        ["sh", "-c", f'exec "{sys.executable}" -m mqtt_mcp <&-'], capture_output=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["call", "--help"], ["stdio", "--help"], ["call"]])
def test_help_goes_to_stdout_and_ends_with_0(arguments):
    """For people."""
    done = subprocess.run(
        [*COMMAND, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
    )

    assert done.returncode == 0
    assert done.stderr == b""
    assert done.stdout


@pytest.mark.broker
def test_call_opens_a_session_for_the_time_of_the_call(mosquitto):
    """`mqtt-mcp call` is the whole product in one line of a shell."""
    done = subprocess.run(
        [*COMMAND, "call", "publish_message", "topic=call/x", "payload=hello", "qos=2", "retain=true",
         "user_properties=a=1", "user_properties=b=2", "--broker", f"mqtt://127.0.0.1:{mosquitto.port}", "--json"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert re.search(r'"outcome": "acknowledged"', done.stdout.decode())
    assert done.stderr == b""


def test_call_tells_a_failure_in_one_line_and_status_1():
    """The tool's own error, with its hint."""
    done = subprocess.run(
        [*COMMAND, "call", "publish_message", "topic=a", "payload=x", "--broker", "mqtt://127.0.0.1:1"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert b"127.0.0.1:1" in done.stderr
    assert done.stderr.count(b"\n") == 1
