"""Where a run takes place: interpreters, environment, brokers, and how the measured processes are started."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.brokers import Broker, mosquitto
from benchmarks.client import StdioClient

ROOT = Path(__file__).resolve().parents[1]
OURS = "mqtt-mcp"
FASTMCP_SDK = "FastMCP of mcp 1.30.0"
FASTMCP = "fastmcp 4"
FLOOR = "a bare stdlib loop"


class Setting:
    """What all rows share.

    Attributes:
        quiet: A broker that logs only subscriptions coming and going, for rows with much traffic.
        verbose: A broker that logs every packet.
        cwd: Working directory of everything started.
    """

    def __init__(self, quiet: Broker, verbose: Broker, home: str) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self.cwd = str(ROOT)
        self._home = home

    def servers(self) -> dict[str, list[str]]:
        """Command lines of our server and of those it is compared with, as far as they are installed."""
        commands = {
            OURS: [sys.executable, "-m", "mqtt_mcp"],
            FLOOR: [sys.executable, "-m", "benchmarks.peers.floor"],
        }
        for name, folder, module in (
            (FASTMCP_SDK, ".venv-sdk1", "mcp.server.fastmcp"),
            (FASTMCP, ".venv-bench", "fastmcp"),
        ):
            python = ROOT / folder / "bin" / "python"
            if python.exists():
                commands[name] = [str(python), "-m", "benchmarks.peers.fastmcp_server", module]
        return commands

    def start(self, server: str, broker: Broker) -> StdioClient:
        """Start a server on a broker; the handshake is the caller's."""
        return StdioClient(self.servers()[server], env=self.environment(broker), cwd=self.cwd)

    def environment(self, broker: Broker) -> dict[str, str]:
        """What a server on a broker gets, ours or another."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": self._home,
            "MQTT_BROKER_URL": broker.url,
            # Not the hub that happens to run on this machine; that there is none is found out as everywhere.
            "MQTT_MCP_SOCKET": f"{self._home}/mqtt-mcp/hub.sock",
            "BENCHMARK_PORT": str(broker.port),
            "FASTMCP_SHOW_SERVER_BANNER": "false",
            "FASTMCP_CHECK_FOR_UPDATES": "off",
        }

    def window(self, socket: str, broker: Broker | None = None) -> StdioClient:
        """Start a window of the hub that listens at ``socket``; with ``broker``, the hub's, in its variables."""
        env = self.environment(broker or self.quiet) | {"MQTT_MCP_SOCKET": socket}
        if broker is None:
            del env["MQTT_BROKER_URL"]
        return StdioClient(self.servers()[OURS], env=env, cwd=self.cwd)

    def ours(self, broker: Broker) -> StdioClient:
        """Start our server on a broker and shake hands."""
        client = self.start(OURS, broker)
        client.initialize()
        return client

    def peer(self, module: str, *arguments: str) -> subprocess.Popen[str] | None:
        """Start ``benchmarks.peers.<module>``, its output piped; None when its interpreter is not there."""
        python = ROOT / ".venv-bench" / "bin" / "python"
        if not python.exists():
            return None
        command = [str(python), "-m", f"benchmarks.peers.{module}", *arguments]
        return subprocess.Popen(command, cwd=self.cwd, stdout=subprocess.PIPE, text=True)


@contextlib.contextmanager
def prepared() -> Iterator[Setting]:
    """Brokers up, an empty home folder: no configuration of this machine's user takes part."""
    with (
        tempfile.TemporaryDirectory() as home,
        mosquitto("subscribe", "unsubscribe") as quiet,
        mosquitto("subscribe", "unsubscribe", "debug") as verbose,
    ):
        yield Setting(quiet, verbose, home)
