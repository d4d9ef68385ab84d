"""`mqtt-mcp health`: one line and one exit status for whatever is, or is not, behind the monitor's port."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import trio

from mqtt_mcp.__main__ import main
from mqtt_mcp.commands import health
from testkit.hub_process import COMMAND, hub_process

ALIVE = b'HTTP/1.1 200 \r\ncontent-type: application/json\r\n\r\n{"status":"ok"}'


@contextmanager
def answering(answer: bytes | None, host: str = "127.0.0.1") -> Iterator[tuple[int, list[bytes]]]:
    """One connection's worth of a server: its port and what it was asked. None: it never answers."""
    asked: list[bytes] = []
    over = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(4096))
                if answer is None:
                    over.wait(10)
                else:
                    connection.sendall(answer)

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], asked
        finally:
            over.set()
            # Closing alone does not wake a thread that accepts.
            with suppress(OSError):
                socket.create_connection(server.getsockname()[:2], 1).close()
            thread.join(10)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path):
    """Only what a test says counts."""
    for name in ("MQTT_MCP_CONFIG", "MQTT_MCP_MONITOR_HOST", "MQTT_MCP_MONITOR_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.mark.parametrize(("listening", "configured"), [("127.0.0.1", "0.0.0.0"), ("::1", "::"), ("::1", "[::1]")])
def test_it_asks_this_machine_whatever_address_is_listened_on(listening, configured, capsys):
    """A container listens on every address, and none of these can be asked; `localhost` is a name that is allowed."""
    with answering(ALIVE, listening) as (port, asked):
        assert main(["health", "--host", configured, "--port", str(port)]) == 0

    assert asked[0].startswith(b"GET /healthz HTTP/1.1\r\nHost: localhost:%d\r\n" % port)
    said = capsys.readouterr()
    assert said.out.startswith("healthy: ")
    assert said.out.count("\n") == 1
    assert said.err == ""


@pytest.mark.parametrize("source", ["environment", "file"])
def test_it_reads_the_configuration_that_serve_reads(source, monkeypatch, tmp_path, capsys):
    """The check of an image has no arguments: environment and file must do."""
    with answering(ALIVE) as (port, _):
        if source == "environment":
            monkeypatch.setenv("MQTT_MCP_MONITOR_PORT", str(port))
        else:
            (tmp_path / "mqtt-mcp").mkdir()
            (tmp_path / "mqtt-mcp" / "mqtt-mcp.toml").write_text(f"[monitor]\nport = {port}\n")
        assert main(["health"]) == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 503 \r\n\r\n{}", "status 503"),
        (b"HTTP/1.1 200 \r\n\r\n<html>", "another program has the port"),
        (b'HTTP/1.1 200 \r\n\r\n{"status":"stopping"}', "another program has the port"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (b"", "not HTTP"),
        (b"x" * 100_000, "not HTTP"),
    ],
    ids=["a status", "a page", "another state", "another protocol", "nothing", "a lot"],
)
def test_what_is_not_a_living_monitor_is_said_in_one_line(answer, words, capsys):
    """Status 1 and the reason, which the container's runtime keeps in its log."""
    with answering(answer) as (port, _):
        assert main(["health", "--port", str(port)]) == 1

    said = capsys.readouterr()
    assert words in said.err
    assert said.err.startswith(f"mqtt-mcp: not healthy: 127.0.0.1:{port} ")
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_nothing_that_listens_is_said_as_such(capsys):
    """The common case: serve has ended, or has another port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert main(["health", "--port", str(port)]) == 1
    assert "nothing that listens" in capsys.readouterr().err


def test_silence_is_bounded(monkeypatch):
    """Three seconds by default; a hub that hangs is not healthy."""
    assert health.TIMEOUT_S == 3.0
    with answering(None) as (port, _), pytest.raises(health.Unhealthy, match=r"within 0\.1 s"):
        health.ask("127.0.0.1", port, 0.1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--port", "0"], "any free port"), (["--port", "x"], "whole number"), (["--config", "/nope"], "/nope")],
)
def test_a_wrong_configuration_has_a_status_of_its_own(arguments, words, capsys):
    """Status 2, as for every command."""
    assert main(["health", *arguments]) == 2

    said = capsys.readouterr()
    assert words in said.err
    assert said.err.count("\n") == 1


def test_it_loads_neither_trio_nor_the_web():
    """It is started every half minute, on small machines."""
    code = "import sys, mqtt_mcp.commands.health; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20).stdout

    heavy = {"trio", "asyncio", "ssl", "argparse", "http.client", "urllib.request", "gmqtt", "quart", "hypercorn"}
    assert not heavy & set(loaded.split())


@pytest.mark.process
async def test_a_real_hub_is_healthy_while_it_runs(tmp_path):
    """What the image's HEALTHCHECK asks."""
    async with hub_process(tmp_path / "hub" / "hub.sock") as hub:
        port = hub.said.rstrip().rstrip("/").rpartition(":")[2]

        def ask() -> subprocess.CompletedProcess[str]:
            command = [*COMMAND, "health", "--port", port]
            return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

        alive = await trio.to_thread.run_sync(ask)
        hub.process.terminate()
        assert await hub.ended() == 0
        gone = await trio.to_thread.run_sync(ask)

    assert (alive.returncode, alive.stderr) == (0, "")
    assert (gone.returncode, gone.stdout) == (1, "")
