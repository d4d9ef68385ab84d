"""A mosquitto of our own on a free loopback port, and the lines it logs, stamped when they arrive.

Needs mosquitto 2 on the machine. The process ends with the ``with`` block.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.client import BenchError

# Nothing may be dropped by the broker: what is missing at the end was lost by who subscribed.
_CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
max_inflight_messages 0
log_dest stderr
log_timestamp false
{log_types}
"""


class BrokerLog:
    """The log of a broker: lines with the time of their arrival, in ns of ``time.perf_counter_ns``."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, str]] = []
        self._arrived = threading.Condition()

    def mark(self) -> int:
        """The place in the log now, for ``wait``."""
        return len(self._lines)

    def wait(self, word: str, *, after: int, count: int = 1, timeout_s: float = 5) -> list[int]:
        """Wait for lines with ``word`` in them that came after the mark; returns their times.

        Raises:
            BenchError: Fewer than ``count`` came in time.
        """
        until_s = time.monotonic() + timeout_s
        with self._arrived:
            while True:
                found = [at_ns for at_ns, line in self._lines[after:] if word in line]
                if len(found) >= count:
                    return found
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    raise BenchError(f"mosquitto did not log {word!r} {count} times within {timeout_s:g} s")
                self._arrived.wait(left_s)

    def read(self, stream: int) -> None:
        """Take lines until the stream ends: the body of the reading thread."""
        rest = b""
        while data := os.read(stream, 65536):
            now_ns = time.perf_counter_ns()
            *lines, rest = (rest + data).split(b"\n")
            with self._arrived:
                self._lines += [(now_ns, line.decode(errors="replace")) for line in lines]
                self._arrived.notify_all()


class Broker:
    """A running mosquitto."""

    def __init__(self, port: int, log: BrokerLog) -> None:
        self.port = port
        self.log = log

    @property
    def url(self) -> str:
        """Its address."""
        return f"mqtt://127.0.0.1:{self.port}"


@contextlib.contextmanager
def mosquitto(*log_types: str) -> Iterator[Broker]:
    """Run a mosquitto while the block runs.

    Args:
        log_types: What it logs, as in mosquitto.conf(5): ``subscribe``, ``unsubscribe``, ``debug`` …
    """
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    program = shutil.which("mosquitto", path=search)
    if program is None:
        raise BenchError("mosquitto is not installed on this machine")
    port = _free_port()
    wanted = "\n".join(f"log_type {one}" for one in (log_types or ("error",)))
    log = BrokerLog()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "mosquitto.conf"
        config.write_text(_CONFIG.format(port=port, log_types=wanted), encoding="ascii")
        process = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert process.stderr is not None
        reader = threading.Thread(target=log.read, args=(process.stderr.fileno(),), daemon=True)
        reader.start()
        try:
            _wait_for(port)
            yield Broker(port, log)
        finally:
            process.terminate()
            process.wait()
            reader.join()
            process.stderr.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise BenchError("mosquitto did not open its port within 5 s")
