"""The relay as a real process between a client and a hub that the test plays: bytes, bounds, and every end."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio

from mqtt_mcp.wire import relay, socket_path
from mqtt_mcp.wire.unix import taken_socket

COMMAND = [sys.executable, "-m", "mqtt_mcp"]
MIB = 1024 * 1024

BRIEF = """
import sys
from mqtt_mcp.wire import relay
relay._LAST_REPLIES_S = 0.5
sys.exit(relay.serve_as_relay(sys.argv[-1]))
"""
"""A relay that waits half a second for the hub's last replies."""


class Window:
    """A relay that has connected.

    Attributes:
        process: The relay.
        hub: The test's end of its connection.
    """

    def __init__(self, process, hub):
        self.process = process
        self.hub = hub

    async def say(self, data):
        await self.process.stdin.send_all(data)

    async def close_input(self):
        await self.process.stdin.aclose()

    async def ended(self, within_s=1.0):
        with trio.fail_after(within_s + 1.0):
            return await self.process.wait()

    async def stderr(self):
        with trio.fail_after(5):
            return (await everything(self.process.stderr)).decode()


async def everything(stream: trio.abc.ReceiveStream) -> bytes:
    received = bytearray()
    async for data in stream:
        received += data
    return bytes(received)


async def exactly(stream: trio.abc.ReceiveStream, length: int) -> bytes:
    received = bytearray()
    with trio.fail_after(60):
        while len(received) < length:
            data = await stream.receive_some(min(65536, length - len(received)))
            assert data, f"the stream ended after {len(received)} of {length} bytes"
            received += data
    return bytes(received)


@pytest.fixture(autouse=True)
def _keep_the_signals(monkeypatch):
    """What is called in this process must not take its signals over."""
    monkeypatch.setattr(relay, "_exit_at_once_on_signals", lambda: None)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "hub" / "hub.sock")


@pytest.fixture
def listener(path):
    with taken_socket(path, "4711 salt\nMQTT_BROKER_URL -\n") as sock:
        yield sock


@asynccontextmanager
async def window(listener, *, command=None, env=None, **streams):
    """A window on ``listener``; ends with the block."""
    path = listener.getsockname()
    process = await trio.lowlevel.open_process(
        command or [*COMMAND, "stdio", "--socket", path],
        **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
        env={**os.environ, **(env or {})},
    )
    arrivals = trio.socket.from_stdlib_socket(listener.dup())
    try:
        with trio.fail_after(60):  # the whole of a test
            accepted, _ = await arrivals.accept()
            async with trio.SocketStream(accepted) as hub:
                yield Window(process, hub)
    finally:
        arrivals.close()
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


# -- bytes -------------------------------------------------------------------------------------------------------------


@pytest.mark.process
async def test_ten_megabytes_of_anything_arrive_unchanged_in_both_directions_at_once(listener):
    """A relay understands nothing of what it copies."""
    there, back = random.Random(1).randbytes(10 * MIB), random.Random(2).randbytes(10 * MIB)
    got = {}

    async def receive(name, stream, length):
        got[name] = await exactly(stream, length)

    async with window(listener) as one:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one.say, there)
            nursery.start_soon(one.hub.send_all, back)
            nursery.start_soon(receive, "hub", one.hub, len(there))
            nursery.start_soon(receive, "client", one.process.stdout, len(back))
        assert got == {"hub": there, "client": back}


@pytest.mark.process
async def test_single_bytes_arrive_as_they_come(listener):
    """Nothing is held back until more comes."""
    async with window(listener) as one:
        for number in range(500):
            byte = bytes([number % 256])
            await one.say(byte)
            assert await exactly(one.hub, 1) == byte
            await one.hub.send_all(byte)
            assert await exactly(one.process.stdout, 1) == byte


@pytest.mark.process
async def test_a_client_that_reads_nothing_stops_the_hub_and_not_the_memory_and_gets_all_later(listener):
    """Back-pressure: a chunk on its way, and what the pipes hold; RSS at most 16 MiB."""
    data = random.Random(3).randbytes(20 * MIB)
    async with window(listener) as one, trio.open_nursery() as nursery:
        sent = trio.Event()

        async def send():
            await one.hub.send_all(data)
            sent.set()

        nursery.start_soon(send)
        await one.say(b"x")
        assert await exactly(one.hub, 1) == b"x"  # the other direction goes on
        assert not sent.is_set()
        assert await exactly(one.process.stdout, len(data)) == data
        assert peak_rss_mib(one.process.pid) <= 16


@pytest.mark.process
async def test_a_hub_that_reads_nothing_stops_the_client_and_not_the_replies(listener):
    """Back-pressure the other way."""
    data = random.Random(4).randbytes(20 * MIB)
    async with window(listener) as one, trio.open_nursery() as nursery:
        nursery.start_soon(one.say, data)
        await one.hub.send_all(b"reply")
        assert await exactly(one.process.stdout, 5) == b"reply"
        assert await exactly(one.hub, len(data)) == data
        assert peak_rss_mib(one.process.pid) <= 16


def peak_rss_mib(pid):
    (kib,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(kib) / 1024


@pytest.mark.process
async def test_files_and_the_null_device_can_be_standard_streams(listener, tmp_path):
    """As in ``mqtt-mcp < requests > replies``."""
    requests, replies = tmp_path / "requests", tmp_path / "replies"
    requests.write_bytes(b"question\n" * 20_000)
    with requests.open("rb") as stdin, replies.open("wb") as stdout:
        async with window(listener, stdin=stdin, stdout=stdout) as one:
            with trio.fail_after(10):
                assert await everything(one.hub) == requests.read_bytes()
            await one.hub.send_all(b"answer\n" * 20_000)
            await one.hub.aclose()
            assert await one.ended() == 0
    assert replies.read_bytes() == b"answer\n" * 20_000
    async with window(listener, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as one:
        with trio.fail_after(10):
            assert await everything(one.hub) == b""
        await one.hub.aclose()
        assert await one.ended() == 0


@pytest.mark.process
async def test_a_socket_can_be_both_standard_streams(listener):
    """Some clients give a pair of sockets in place of pipes."""
    ours, theirs = trio.socket.socketpair()
    with ours:
        async with window(listener, stdin=theirs.fileno(), stdout=theirs.fileno()) as one:
            theirs.close()
            await ours.send(b"question")
            assert await exactly(one.hub, 8) == b"question"
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one.hub.send_all, b"answer" * 100_000)
                assert await exactly(trio.SocketStream(ours), 600_000) == b"answer" * 100_000
            ours.shutdown(trio.socket.SHUT_WR)
            with trio.fail_after(5):
                assert await everything(one.hub) == b""
            await one.hub.aclose()
            assert await one.ended() == 0


@pytest.mark.process
async def test_the_shared_streams_stay_blocking_even_after_kill_9(listener):
    """Others may share the open file: a shell, or the client itself."""
    read_end, write_end = os.pipe()
    try:
        async with window(listener, stdin=read_end) as one:
            os.write(write_end, b"x")
            assert await exactly(one.hub, 1) == b"x"
            one.process.kill()
            assert await one.ended() == -signal.SIGKILL
            assert os.get_blocking(read_end)
    finally:
        os.close(read_end)
        os.close(write_end)


# -- ends --------------------------------------------------------------------------------------------------------------


@pytest.mark.process
async def test_the_end_of_the_input_lets_the_last_replies_out_and_ends_with_0(listener):
    """The hub is told by the end of the stream, and has the last word."""
    async with window(listener) as one:
        await one.say(b"question")
        await one.close_input()
        with trio.fail_after(5):
            assert await everything(one.hub) == b"question"
        await one.hub.send_all(b"last words" * 10_000)
        await one.hub.aclose()
        with trio.fail_after(5):
            assert await everything(one.process.stdout) == b"last words" * 10_000
        assert await one.ended() == 0
        assert await one.stderr() == ""


@pytest.mark.process
@pytest.mark.parametrize("talking", [False, True])
async def test_a_hub_that_does_not_end_is_left_after_a_bounded_time(listener, talking):
    """The client has gone: whether the hub hangs or cannot stop, the window ends."""
    command = [sys.executable, "-c", BRIEF, listener.getsockname()]
    async with window(listener, command=command) as one, trio.open_nursery() as nursery:

        async def talk():
            try:
                while True:
                    await one.hub.send_all(b"and another thing\n")
            except trio.BrokenResourceError:
                pass

        async def listen():
            await everything(one.process.stdout)

        if talking:
            nursery.start_soon(talk)
            nursery.start_soon(listen)
        await one.close_input()
        assert await one.ended() == 0


@pytest.mark.process
async def test_a_client_that_dies_while_the_hub_hangs_leaves_no_window_behind(listener):
    """What it said cannot be passed on, so the end of the input is never read."""
    command = [sys.executable, "-c", BRIEF, listener.getsockname()]
    # With an output that cannot break, so that it does not tell.
    async with window(listener, command=command, stdout=subprocess.DEVNULL) as one:
        with trio.move_on_after(0.5):  # more than goes in: this is how it becomes stuck
            await one.say(b"x" * MIB)
        await one.close_input()
        assert await one.ended() == 0


@pytest.mark.process
async def test_the_end_of_the_hub_is_status_1_and_one_line_after_all_it_said(listener):
    """So that the client starts the window again."""
    async with window(listener) as one:
        await one.hub.send_all(b"said before" * 5_000)
        await one.hub.aclose()
        assert await everything(one.process.stdout) == b"said before" * 5_000
        assert await one.ended() == 1
        said = await one.stderr()
        assert said.count("\n") == 1
        assert said.startswith("mqtt-mcp: the hub has ended")


@pytest.mark.process
async def test_a_hub_that_dies_with_requests_unread_is_status_1_too(listener):
    """A reset connection is an end like any other."""
    async with window(listener) as one:
        await one.say(b"x" * 50_000)
        await one.hub.send_all(b"said before")
        assert await exactly(one.process.stdout, 11) == b"said before"
        await one.hub.aclose()
        assert await one.ended() == 1
        assert (await one.stderr()).count("\n") == 1


@pytest.mark.process
@pytest.mark.parametrize("pending", [b"", b"x" * MIB])
async def test_a_closed_output_ends_it_with_0_at_once(listener, pending):
    """EPIPE: nobody reads any more, whether or not there is something to write."""
    async with window(listener) as one, trio.open_nursery() as nursery:

        async def send():
            with suppress(trio.BrokenResourceError):
                await one.hub.send_all(pending)

        nursery.start_soon(send)
        if pending:
            await exactly(one.process.stdout, 1)
        await one.process.stdout.aclose()
        assert await one.ended() == 0
        assert await one.stderr() == ""


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("stuck", [False, True])
async def test_a_signal_ends_it_with_0_at_once(listener, number, stuck):
    """Also while the client takes nothing."""
    async with window(listener) as one, trio.open_nursery() as nursery:

        async def send():
            with suppress(trio.BrokenResourceError):
                await one.hub.send_all(b"x" * MIB)

        if stuck:
            nursery.start_soon(send)
            await exactly(one.process.stdout, 1)
        else:
            await one.say(b"x")
            await exactly(one.hub, 1)
        one.process.send_signal(number)
        assert await one.ended() == 0


# -- what it costs -----------------------------------------------------------------------------------------------------

HEAVY = {"trio", "msgspec", "asyncio", "ssl", "socket", "signal", "enum", "re", "typing", "logging", "argparse", "json"}


@pytest.mark.process
@pytest.mark.parametrize("env", [{}, {"MQTT_BROKER_URL": "mqtt://a"}])
async def test_a_window_loads_nothing_heavy(listener, path, env, tmp_path):
    """A client waits for every import; hashing loads OpenSSL and is paid for only where variables are compared."""
    inherited = {name for name in os.environ if name.startswith("MQTT_")}
    note = socket_path.make_note(["MQTT_BROKER_URL"], sorted(inherited), {"MQTT_BROKER_URL": "mqtt://a"})
    await trio.Path(socket_path.note_path(path)).write_text(note)
    log = tmp_path / "imports"
    command = [sys.executable, "-X", "importtime", *COMMAND[1:], "--socket", path]
    unset = dict.fromkeys(inherited, "")
    with log.open("wb") as stderr:
        async with window(listener, command=command, stderr=stderr, env={**unset, **env}) as one:
            await one.say(b"x")
            await exactly(one.hub, 1)
            await one.close_input()
            await one.hub.aclose()
            assert await one.ended() == 0
    loaded = {line.rpartition("|")[2].strip() for line in log.read_text().splitlines()}
    assert {"mqtt_mcp.wire.relay", "select"} <= loaded
    assert loaded & HEAVY == set()
    assert ("hashlib" in loaded) == bool(env)


# -- whom it trusts ----------------------------------------------------------------------------------------------------


def test_without_a_hub_there_is_no_relay(path, tmp_path):
    """No folder, no socket, nobody behind the socket, no socket at all: this process has to be a hub."""
    assert relay.serve_as_relay(path) is None
    (tmp_path / "hub").mkdir(0o700)
    assert relay.serve_as_relay(path) is None
    with taken_socket(path, "1 x\n") as sock:
        sock.close()
        assert relay.serve_as_relay(path) is None
    Path(path).write_text("a file")
    assert relay.serve_as_relay(path) is None
    assert relay.serve_as_relay("/" + "x" * 200) is None


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_folder_in_which_others_may_write_is_not_trusted(listener, path, capsys, mode):
    """Somebody else's program could stand where the hub was."""
    Path(path).parent.chmod(mode)
    assert relay.serve_as_relay(path) is None
    said = capsys.readouterr().err
    assert "other users may write" in said
    assert said.count("\n") == 1


def test_a_socket_of_another_user_is_not_trusted(listener, path, capsys, monkeypatch):
    """Neither by its file nor by its process."""
    monkeypatch.setattr(socket_path, "is_trusted", lambda _uid: False)
    assert relay.serve_as_relay(path) is None
    assert "belongs to another user" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr(relay, "peer", lambda _hub: (1, 4242))
    assert relay.serve_as_relay(path) is None
    assert "is served by another user" in capsys.readouterr().err


def test_a_hub_that_takes_nobody_is_not_waited_for_for_long(path, capsys, monkeypatch):
    """Its queue is full, as when it was stopped: the client gets a hub of its own, and is told."""
    monkeypatch.setattr(relay, "_BUSY_TRIES", 2)
    Path(path).parent.mkdir(0o700)
    with ExitStack() as stack:
        stopped = stack.enter_context(socket.socket(socket.AF_UNIX))
        stopped.bind(path)
        stopped.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
            waiting.setblocking(False)
            waiting.connect_ex(path)
        assert relay.serve_as_relay(path) is None
    assert "takes no window at the moment" in capsys.readouterr().err
