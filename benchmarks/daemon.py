"""``mqtt-mcp serve`` for measurements: started, its addresses known, ended."""

import contextlib
import json
import select
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.client import BenchError
from benchmarks.setting import OURS, Setting

READY_S = 20
END_S = 10


class Daemon:
    """A running hub.

    Attributes:
        socket: Path of its Unix socket.
        port: Port of its monitor.
        url: Address of its monitor.
        pid: Its process id.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", socket: str, url: str) -> None:
        self.socket = socket
        self.url = url
        self.port = int(url.rstrip("/").rpartition(":")[2])
        self.pid = process.pid
        self._process = process

    def get(self, path: str) -> Any:
        """What the REST interface answers."""
        with urllib.request.urlopen(self.url + path, timeout=10) as reply:
            return json.load(reply)

    def ended_within_s(self) -> float:
        """Ask it to end; seconds until it has."""
        began_s = time.monotonic()
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            raise BenchError(f"serve did not end within {END_S} s") from None
        return time.monotonic() - began_s


@contextlib.contextmanager
def running_daemon(setting: Setting) -> Iterator[Daemon]:
    """A hub on a socket and a port of its own, with the quiet broker as its default."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "hub" / "hub.sock")
        process = subprocess.Popen(
            [*setting.servers()[OURS], "serve", "--port", "0", "--socket", path],
            env=setting.environment(setting.quiet),
            cwd=setting.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        with process.stderr:
            try:
                ready = select.select([process.stderr], [], [], READY_S)[0]
                said = process.stderr.readline().decode() if ready else ""
                if "monitor: http" not in said:
                    raise BenchError(f"the hub is not ready: {said}")
                yield Daemon(process, path, said.split("monitor: ")[1].strip())
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait(END_S)
