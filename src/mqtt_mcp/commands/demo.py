"""``mqtt-mcp demo``: everything on this machine with nothing to configure.

Puts the rooms together: embedded broker, simulated home, a hub with its doors as ``serve`` runs it, and a guided tour
through a real window; then stays up until it is told to end. ``--once`` ends after the tour. Owns the order of start
and end, the exit status and the signals.

Exit status: 0 when every tool answered truly, 1 when not, 2 when the demo cannot run here, 130 when interrupted during
the tour.
"""

import argparse
import contextlib
import os
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import requires
from pathlib import Path

import trio

from mqtt_mcp.clients.launches import Launch, here, server_command, ssh
from mqtt_mcp.clients.render import entry, snippet, started
from mqtt_mcp.clients.table import client_named
from mqtt_mcp.commands._daemon import serving
from mqtt_mcp.config import load_config
from mqtt_mcp.demo.broker_process import DemoUnavailable, embedded_broker
from mqtt_mcp.demo.client import ServerFailed
from mqtt_mcp.demo.publisher import publish_home
from mqtt_mcp.demo.terminal import Terminal, printable
from mqtt_mcp.demo.tour import TOOLS, Scene, take_tour
from mqtt_mcp.errors import ToolError
from mqtt_mcp.mqtt.bridge import open_bridge
from mqtt_mcp.mqtt.gmqtt_client import GmqttTransport
from mqtt_mcp.option import ConfigError

OK, FAILED, UNAVAILABLE, INTERRUPTED = 0, 1, 2, 130

PORTS_TRIED = 10
"""For the monitor, from the chosen one on: a demo beside a running hub, or another demo, moves on."""
_PLACEHOLDER_URL = "mqtt://localhost:1883"


def run(argv: Sequence[str]) -> int:
    """Run the command.

    Args:
        argv: The arguments after ``demo``.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="mqtt-mcp demo",
        description="Embedded broker, simulated home and a tour of all tools. Needs nothing but this installation.",
    )
    parser.add_argument("--once", action="store_true", help="end after the tour, with status 0 or 1")
    parser.add_argument("--port", default="8090", metavar="N", help="port of the monitor, or the next that is free")
    chosen = parser.parse_args(argv)
    demo = _Demo(Terminal(), once=chosen.once, port=chosen.port)
    with contextlib.suppress(KeyboardInterrupt):  # before our own way of ending on a signal is in place
        trio.run(demo.show)
    return demo.status


@asynccontextmanager
async def home_scene(port: str) -> AsyncIterator[Scene]:
    """Embedded broker, simulated home and a hub with its doors, for the length of the block.

    Args:
        port: Of the monitor, as on a command line; the next that is free is taken.

    Raises:
        DemoUnavailable: The embedded broker cannot run here.
        ConfigError: No port is free.

    Cancellation: everything is ended.
    """
    # Read from right to left this is the order of the end: the home, the hub, then the broker and the bridge.
    with tempfile.TemporaryDirectory(prefix="mqtt-mcp-demo-") as folder:
        socket_path = str(Path(folder) / "hub" / "hub.sock")
        async with open_bridge() as bridge, embedded_broker(install_command()) as broker:
            config = load_config({"url": broker.url, "port": port}, {"HOME": folder})
            doors = serving(config, socket_path, f"{os.getpid()}\n", ports_tried=PORTS_TRIED)
            async with doors as hub, trio.open_nursery() as home:
                await home.start(publish_home, GmqttTransport(bridge), broker)
                yield Scene(
                    command=server_command(),
                    socket_path=socket_path,
                    broker_url=broker.url,
                    monitor_url=hub.monitor_url,
                )
                home.cancel_scope.cancel()


class _Demo:
    """One run of the demo."""

    def __init__(self, terminal: Terminal, *, once: bool, port: str) -> None:
        self.status = INTERRUPTED
        self._terminal = terminal
        self._once = once
        self._port = port

    async def show(self) -> None:
        """Run until the end of the tour, a signal or a failure; sets ``status``."""
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(self._end_on_signal, nursery.cancel_scope)
                await self._show_all()
                nursery.cancel_scope.cancel()
        except* (DemoUnavailable, ConfigError) as group:
            self._fail(group, UNAVAILABLE)
        except* BrokenPipeError:
            # Nobody reads any more, as in `mqtt-mcp demo | head`; what is still buffered must not complain at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.status = FAILED
        except* (ToolError, ServerFailed, trio.TooSlowError) as group:
            self._fail(group, FAILED)

    async def _end_on_signal(
        self, scope: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            task_status.started()
            async for _ in signals:
                scope.cancel()

    async def _show_all(self) -> None:
        async with home_scene(self._port) as scene:
            await self._guide(scene)

    async def _guide(self, scene: Scene) -> None:
        self._terminal.line(f"A simulated home now lives on an embedded MQTT broker at {scene.broker_url}")
        self._terminal.line(f"Watch what the assistant does: {scene.monitor_url}")
        began_s = time.monotonic()
        score = await take_tour(scene, self._terminal)
        self.status = OK if score.ok else FAILED
        self._conclude(score.passed, score.failed, len(score.answered), time.monotonic() - began_s)
        self._show_snippets(scene)
        if not self._once:
            self._terminal.line()
            self._terminal.line(f"The home goes on at {scene.broker_url}. Ctrl-C ends everything.")
            self._terminal.line(f"The monitor goes on at {scene.monitor_url}")
            await trio.sleep_forever()

    def _conclude(self, passed: int, failed: int, tools: int, seconds: float) -> None:
        self._terminal.title("The result")
        sentence = f"{tools} of {len(TOOLS)} tools answered, {passed} checks passed, {failed} failed, {seconds:.0f} s"
        self._terminal.checked(sentence, ok=self.status == OK)

    def _show_snippets(self, scene: Scene) -> None:
        if not self._once:
            self._terminal.title("Ask your own assistant about this home, while it goes on: into ~/.cursor/mcp.json")
            self._terminal.line(_for_cursor(here(), {"MQTT_MCP_SOCKET": scene.socket_path}))
        self._terminal.title(
            "Use it: paste into ~/.cursor/mcp.json (for other clients: mqtt-mcp setup; put your broker's URL in)"
        )
        self._terminal.line(_for_cursor(here(), {"MQTT_BROKER_URL": _PLACEHOLDER_URL}))
        self._terminal.title("Or start it on another machine where it is installed, over SSH")
        self._terminal.line(_for_cursor(ssh("you@your-server"), {}))

    def _fail(self, group: BaseExceptionGroup[BaseException], status: int) -> None:
        self.status = status
        for error in _leaves(group):
            text = "no answer in time" if isinstance(error, trio.TooSlowError) else str(error)
            if isinstance(error, DemoUnavailable | ConfigError):  # its kind is for programs
                text = f"{error.message} {error.hint}".strip()
            for line in f"mqtt-mcp demo: {text}".splitlines():
                self._terminal.failure(printable(line))


def _for_cursor(launch: Launch, settings: dict[str, str]) -> str:
    """What goes into ``~/.cursor/mcp.json``."""
    cursor = client_named("cursor")
    return snippet(cursor, "mqtt", entry(cursor, started(cursor, launch, settings)))


def install_command() -> str:
    """The shell command that adds the embedded broker to this installation, in the version it was tested with."""
    requirements = requires("bitsperity-mqtt-mcp") or []
    amqtt = next((one.partition(";")[0].strip() for one in requirements if one.startswith("amqtt")), "amqtt")
    return shlex.join([sys.executable, "-m", "pip", "install", amqtt])


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The exceptions inside a group, however deep."""
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves
