"""The demo as a person runs it: a real process with a real broker, a real home and a real server."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

DEMO = [sys.executable, "-m", "mqtt_mcp", "demo"]
WALL_S = 75.0


def children_of(pid: int) -> set[int]:
    """The process ids whose parent is ``pid`` (Linux: /proc)."""
    return {int(one) for task in Path(f"/proc/{pid}/task").glob("*/children") for one in task.read_text().split()}


@pytest.fixture(scope="module")
def tours():
    """Both ways to run the demo, side by side because each takes a while: (``--once`` ended, the other stays up)."""
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as staying:
        try:
            began_s = time.monotonic()
            once = subprocess.run([*DEMO, "--once"], capture_output=True, text=True, timeout=120, check=False)
            yield once, time.monotonic() - began_s, staying
        finally:
            staying.kill()


def test_once_asks_every_tool_and_ends_with_0_because_every_answer_was_true(tours):
    """README's first command: status 0 only when every check on the content held."""
    done, seconds, _ = tours

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert "11 of 11 tools answered" in done.stdout
    assert "Which device is offline, and why?" in done.stdout
    assert "garden_sensor" in done.stdout
    assert "✗" not in done.stdout
    assert "\x1b" not in done.stdout, "no colours where nobody looks"
    assert done.stderr == ""
    assert seconds < WALL_S
    snippet = done.stdout[done.stdout.index('{\n  "mcpServers"') :]
    assert json.JSONDecoder().raw_decode(snippet)[0]["mcpServers"]["mqtt"]["command"]


def test_without_once_the_home_stays_until_ctrl_c(tours):
    """After the tour a person can point a client at the home; Ctrl-C ends it with the tour's status within 2 s."""
    _, _, staying = tours
    assert staying.stdout is not None
    assert staying.stderr is not None
    address = ""
    for line in staying.stdout:
        if "Ctrl-C ends everything" in line:
            address = line.split("mqtt://")[1].split(". ")[0]
            break
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=5):
        pass  # somebody listens
    began_s = time.monotonic()
    staying.send_signal(signal.SIGINT)
    _, errors = staying.communicate(timeout=10)

    assert staying.returncode == 0
    assert errors == ""
    assert time.monotonic() - began_s < 2.0
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, int(port)), timeout=5)


def test_a_missing_embedded_broker_is_one_line_and_status_2(tmp_path: Path):
    """The extra `demo` is optional; a module that fails to import stands for its absence."""
    (tmp_path / "amqtt").mkdir()
    (tmp_path / "amqtt" / "__init__.py").write_text("raise ImportError")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}

    done = subprocess.run([*DEMO, "--once"], capture_output=True, text=True, timeout=30, check=False, env=environment)

    assert done.returncode == 2
    (line,) = done.stdout.strip().splitlines()
    assert "pip install 'amqtt" in line
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_within_two_seconds_and_leaves_no_process(number: signal.Signals):
    """Ctrl-C in the middle of the tour: server, home and broker go in order."""
    with subprocess.Popen([*DEMO, "--once"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        for line in demo.stdout:
            if "You ask: Connect" in line:
                break
        children = children_of(demo.pid)
        began_s = time.monotonic()
        demo.send_signal(number)
        _, errors = demo.communicate(timeout=10)
        seconds = time.monotonic() - began_s

    assert demo.returncode == 130
    assert errors == ""
    assert seconds < 2.0
    assert len(children) == 2, "broker and server"
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_a_reader_that_goes_away_ends_the_demo_without_a_traceback():
    """`mqtt-mcp demo | head`: nobody is left to read, so everything ends."""
    with subprocess.Popen([*DEMO, "--once"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        demo.stdout.readline()
        demo.stdout.close()
        errors = demo.stderr.read()

        assert demo.wait(timeout=30) == 1
    assert errors == ""
