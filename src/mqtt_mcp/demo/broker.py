"""The embedded broker's own process: ``python -m mqtt_mcp.demo.broker PORT``.

Owns one amqtt broker (MQTT 3.1.1) on loopback, alone in its process because amqtt is asyncio, logs freely and warns.
Says one line on stdout when it accepts connections and ends when its stdin ends, so that it cannot outlive the process
that started it, however that one dies. Does not start itself: ``broker_process.py`` does.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import warnings
from typing import Any

LISTENING = "listening"
"""First word of the readiness line; the port follows."""

EXIT_NO_AMQTT = 3
EXIT_PORT_TAKEN = 4

_MQTT_311 = 4
_SYS_INTERVAL_S = 4
_STOP_S = 1.0


def configuration(port: int) -> dict[str, object]:
    """The configuration of the broker as amqtt wants it.

    Args:
        port: TCP port on loopback, 1 to 65535.

    Returns:
        Anonymous access, ``$SYS`` every few seconds, no file plugins, nothing reachable from other machines.
    """
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}", "max_connections": 50}},
        "plugins": {
            "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
            "amqtt.plugins.sys.broker.BrokerSysPlugin": {"sys_interval": _SYS_INTERVAL_S},
        },
    }


def main(argv: list[str]) -> int:
    """Run the broker until stdin ends, SIGTERM or SIGINT.

    Args:
        argv: One element, the port.

    Returns:
        0 when it was asked to end, 3 when amqtt is not installed, 4 when the port cannot be had, 2 for bad arguments.
    """
    if len(argv) != 1 or not argv[0].isdigit() or not 0 < int(argv[0]) < 65_536:
        sys.stderr.write("usage: python -m mqtt_mcp.demo.broker PORT\n")
        return 2
    port = int(argv[0])
    # Whatever amqtt, transitions or a plugin prints goes to stderr: stdout carries the readiness line only.
    ready_fd = os.dup(1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    try:
        return asyncio.run(_serve(port, ready_fd))
    finally:
        os.close(ready_fd)


async def _serve(port: int, ready_fd: int) -> int:
    try:
        # Heavy and optional: only this process pays for it, and only when the extra `demo` is installed.
        from amqtt.broker import Broker  # noqa: PLC0415 - documented lazy import
        from amqtt.errors import BrokerError  # noqa: PLC0415 - documented lazy import
        from amqtt.mqtt.connect import ConnectPayload  # noqa: PLC0415 - documented lazy import
    except ImportError:
        return EXIT_NO_AMQTT
    _refuse_other_versions(ConnectPayload)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    broker = Broker(configuration(port))
    try:
        await broker.start()
    except BrokerError as error:
        if isinstance(error.__cause__, OSError):
            return EXIT_PORT_TAKEN
        raise
    loop.add_reader(0, _on_stdin, loop, ended)
    os.write(ready_fd, f"{LISTENING} {port}\n".encode())
    await ended.wait()
    # amqtt may wait long for a client that does not read; the process ends anyway.
    with contextlib.suppress(Exception):
        await asyncio.wait_for(broker.shutdown(), _STOP_S)
    return 0


def _refuse_other_versions(payload: Any) -> None:
    """Have an MQTT 5 CONNECT refused at once.

    amqtt 0.12 reads its properties as if they were a 3.1.1 client identifier and waits for bytes that never come,
    instead of the answer 0x01 (MQTT 3.1.1 §3.1.2.2) that lets a client go on with 3.1.1.
    """
    read = payload.from_stream

    async def from_stream(reader: Any, fixed: Any, variable: Any) -> Any:
        if variable is None or variable.proto_level == _MQTT_311:
            return await read(reader, fixed, variable)
        return payload(client_id="refused")

    payload.from_stream = from_stream


def _on_stdin(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    if os.read(0, 4096) == b"":
        loop.remove_reader(0)
        ended.set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
