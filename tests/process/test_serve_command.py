"""`mqtt-mcp serve` as a real process: how it starts, whom it refuses, and every way it ends."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from mqtt_mcp import __version__
from testkit.hub_process import COMMAND, hub_process, is_relay

pytestmark = pytest.mark.process


@pytest.fixture
def path(tmp_path):
    return tmp_path / "hub" / "hub.sock"


def serve(*arguments, env=None):
    """Run it to its end, which comes at once because something is wrong."""
    return subprocess.run(
        [*COMMAND, "serve", "--port", "0", *arguments],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


async def test_it_serves_without_any_broker_and_says_so_in_one_line(path):
    """A broker is needed by a tool, not by the hub."""
    async with hub_process(path) as hub:
        assert hub.said.startswith(f"mqtt-mcp {__version__} serves on {path} (pid {hub.process.pid})")
        assert hub.said.count("\n") == 1
        assert stat.S_IMODE(path.parent.lstat().st_mode) == 0o700
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600
        async with hub.window() as client:
            assert client.server["serverInfo"]["name"] == "mqtt-mcp"
            assert (await client.call("list_active_connections")).data["sessions"] == []


WITHOUT_THE_FLAG = """
import sys
from mqtt_mcp.__main__ import main
sys.exit(main(["serve", "--port", "0"]))
"""


async def test_the_socket_is_where_the_environment_says_when_no_flag_does(tmp_path):
    """And by default in the runtime folder of this user."""
    runtime = tmp_path / "run"
    runtime.mkdir(0o700)
    command = [sys.executable, "-c", WITHOUT_THE_FLAG]
    named = tmp_path / "hub" / "a.sock"
    async with hub_process(named, command=command, env={"MQTT_MCP_SOCKET": str(named)}) as hub:
        assert f"serves on {named} " in hub.said
    default = runtime / "mqtt-mcp" / "hub.sock"
    async with hub_process(
        default, command=command, env={"MQTT_MCP_SOCKET": "", "XDG_RUNTIME_DIR": str(runtime)}
    ) as hub:
        assert f"serves on {default} " in hub.said
        async with hub.window(env={"MQTT_MCP_SOCKET": "", "XDG_RUNTIME_DIR": str(runtime)}) as client:
            assert is_relay(client)


async def test_off_means_no_socket(tmp_path):
    """For a hub with the web page only."""
    async with hub_process(Path("off"), env={"XDG_RUNTIME_DIR": str(tmp_path)}) as hub:
        assert "serves without a socket (pid " in hub.said
        assert list(tmp_path.iterdir()) == []
        hub.process.terminate()
        assert await hub.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_it_with_0_and_takes_the_socket_away(path, number):
    """And nothing is said about it."""
    async with hub_process(path) as hub, hub.window() as client:
        await client.call("list_active_connections")
        hub.process.send_signal(number)
        assert await hub.ended() == 0
        assert not path.exists()
        assert hub.said.count("\n") == 1


async def test_a_second_hub_is_refused_with_the_pid_of_the_first(path):
    """One line, status 2; the first goes on."""
    async with hub_process(path) as hub:
        second = await trio.to_thread.run_sync(serve, "--socket", str(path))
        assert second.returncode == 2
        assert f"(pid {hub.process.pid})" in second.stderr.decode()
        assert second.stderr.count(b"\n") == 1
        async with hub.window() as client:
            assert await client.request("ping") == {}


async def test_a_hub_killed_with_kill_9_is_replaced(path):
    """Its socket is stale, its lock went with it."""
    async with hub_process(path) as hub:
        hub.process.kill()
        await hub.ended()
        assert path.exists()
    async with hub_process(path) as hub, hub.window() as client:
        assert f"(pid {hub.process.pid})" in hub.said
        assert await client.request("ping") == {}


@pytest.mark.parametrize(
    ("arguments", "env", "words"),
    [
        (["--nope"], {}, "unrecognized arguments: --nope"),
        (["--socket"], {}, "--socket"),
        ([], {"MQTT_MCP_READ_ONLY": "perhaps"}, "MQTT_MCP_READ_ONLY"),
        (["--socket", "/" + "x" * 200], {}, "bytes"),
        (["--socket", "/nope/nope/hub.sock"], {}, "/nope/nope/hub.sock"),
        (["--socket", "/tmp/hub.sock"], {}, "/tmp/hub.sock"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(arguments, env, words):
    """Nothing is started, nothing is on stdout, no traceback."""
    done = serve(*arguments, env=env)
    assert done.returncode == 2
    assert done.stdout == b""
    assert words in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_file_in_place_of_the_socket_is_left_alone(path):
    """Whoever mistypes --socket loses nothing."""
    path.parent.mkdir(0o700)
    path.write_text("precious")
    assert serve("--socket", str(path)).returncode == 2
    assert path.read_text() == "precious"


def test_its_help_tells_of_the_socket():
    """For people."""
    done = subprocess.run([*COMMAND, "serve", "--help"], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert b"--socket FILE" in done.stdout


HANGING = """
import contextlib, sys, trio
from mqtt_mcp.commands import _daemon, serve
real = _daemon.running_hub
@contextlib.asynccontextmanager
async def hanging(*args, **more):
    async with real(*args, **more) as hub:
        try:
            yield hub
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(60)
_daemon.running_hub = hanging
sys.exit(serve.run(sys.argv[2:]))
"""


async def test_what_hangs_on_the_way_out_is_cut_within_5_s_with_status_1(path):
    """The windows are told at once all the same."""
    async with hub_process(path, command=[sys.executable, "-c", HANGING]) as hub, hub.window() as client:
        hub.process.terminate()
        with trio.fail_after(3):
            await client.ended.wait()
        assert await hub.ended(5) == 1


async def test_requests_that_run_are_cut_by_the_end(path):
    """A broker that accepts and never answers, in the middle of establish_connection."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mqtt://127.0.0.1:{silent.getsockname()[1]}"
        async with hub_process(path, "--broker", url) as hub, hub.window() as client:
            await client.start_call("establish_connection")
            await client.request("ping")
            hub.process.terminate()
            assert await hub.ended(3) == 0
            assert await process_status(client) == 1


async def process_status(client):
    with trio.fail_after(5):
        return await client.process.wait()
