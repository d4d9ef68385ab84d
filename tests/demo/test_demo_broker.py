"""The embedded broker's process starts, accepts and never stays behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from mqtt_mcp.demo import broker_process
from mqtt_mcp.demo.broker import main
from mqtt_mcp.demo.broker_process import DemoUnavailable, embedded_broker, free_port

CONNECT_311 = bytes([0x10, 14]) + b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x02ab"


@pytest.mark.process
async def test_the_broker_accepts_when_the_block_begins_and_has_gone_when_it_ends() -> None:
    """Readiness is told by the child, not guessed: CONNECT is answered at once (MQTT 3.1.1 §3.2)."""
    with trio.fail_after(20):
        async with embedded_broker("pip install x") as broker:
            stream = await trio.open_tcp_stream(broker.host, broker.port)
            await stream.send_all(CONNECT_311)
            assert await stream.receive_some(4) == b"\x20\x02\x00\x00"
            await stream.aclose()
        with pytest.raises(OSError, match=r"."):
            await trio.open_tcp_stream(broker.host, broker.port)


@pytest.mark.process
async def test_mqtt_5_is_refused_at_once_so_that_a_client_can_go_on_with_3_1_1() -> None:
    """0x01, unacceptable protocol version (MQTT 3.1.1 §3.2.2.3); amqtt itself would wait for more bytes for ever."""
    properties = b"\x05\x27\x01\x00\x00\x00"
    connect = bytes([0x10, 20]) + b"\x00\x04MQTT\x05\x02\x00\x3c" + properties + b"\x00\x02ab"
    with trio.fail_after(20):
        async with embedded_broker("") as broker, await trio.open_tcp_stream(broker.host, broker.port) as stream:
            await stream.send_all(connect)
            assert await stream.receive_some(16) == b"\x20\x02\x00\x01"
            assert await stream.receive_some(16) == b""


@pytest.mark.process
async def test_the_broker_ends_when_its_parent_is_gone() -> None:
    """kill -9 of the demo closes the child's stdin; nothing may be left running."""
    child = await trio.lowlevel.open_process(
        [sys.executable, "-m", "mqtt_mcp.demo.broker", str(free_port())], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with trio.fail_after(20):
        assert child.stdout is not None
        assert child.stdin is not None
        assert (await child.stdout.receive_some(64)).startswith(b"listening ")
        await child.stdin.aclose()
        assert await child.wait() == 0
        await child.stdout.aclose()


@pytest.mark.process
async def test_a_terminated_broker_ends_politely() -> None:
    """SIGTERM as any service."""
    child = await trio.lowlevel.open_process(
        [sys.executable, "-m", "mqtt_mcp.demo.broker", str(free_port())], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with trio.fail_after(20):
        assert child.stdout is not None
        assert child.stdin is not None
        await child.stdout.receive_some(64)
        os.kill(child.pid, signal.SIGTERM)
        assert await child.wait() == 0
        await child.stdin.aclose()
        await child.stdout.aclose()


@pytest.mark.process
async def test_a_missing_amqtt_is_one_line_with_the_command_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The extra `demo` is optional: a module that fails to import stands for its absence."""
    (tmp_path / "amqtt").mkdir()
    (tmp_path / "amqtt" / "__init__.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with trio.fail_after(20):
        with pytest.raises(DemoUnavailable) as raised:
            async with embedded_broker("pip install this"):
                pass

    assert "amqtt" in raised.value.message
    assert raised.value.hint == "Run: pip install this"


@pytest.mark.process
async def test_a_port_that_was_taken_meanwhile_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between choosing and binding somebody else may come first."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    taken = listeners[0].socket.getsockname()[1]
    ports = iter([taken, free_port()])
    monkeypatch.setattr(broker_process, "free_port", lambda: next(ports))

    async with listeners[0]:
        with trio.fail_after(20):
            async with embedded_broker("") as broker:
                assert broker.port != taken


@pytest.mark.parametrize("argv", [[], ["x"], ["0"], ["70000"], ["1", "2"]])
def test_bad_arguments_are_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is started for a port that cannot be one."""
    assert main(argv) == 2
    assert "usage" in capsys.readouterr().err
