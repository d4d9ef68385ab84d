"""A paced MQTT publisher, a process of its own: pre-encoded QoS 0 packets from a raw socket, exact in count and rate.

Run as ``python -m benchmarks.publisher PORT RATE SECONDS ROOT [ROOT …]``. Prints ``ready``, waits for a line on its
input, publishes, and prints what it did as JSON. Standard library only. ``Flood`` is its handle for measurements.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, Self

TOPICS_PER_ROOT = 50
PAYLOAD_BYTES = 100
SLOT_S = 0.005
_CONNECT = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04loud"
_PINGREQ, _DISCONNECT = b"\xc0\x00", b"\xe0\x00"


def topic(root: str, number: int) -> str:
    """The topic of the message with this number."""
    return f"{root}/device{number % TOPICS_PER_ROOT:02d}/state"


def payload(number: int) -> bytes:
    """A JSON object of exactly 100 bytes, different for each number."""
    temperature, humidity = 18 + number % 700 / 100, 40 + number % 31
    body = f'{{"seq":{number},"temperature":{temperature:.2f},"humidity":{humidity},"battery":87,"note":"'
    return (body + "x" * (PAYLOAD_BYTES - len(body) - 2) + '"}').encode()


def packet(name: str, content: bytes) -> bytes:
    """A QoS 0 PUBLISH packet of MQTT 3.1.1 (§3.3)."""
    raw = name.encode()
    length = 2 + len(raw) + len(content)
    head = bytes([0x30, length]) if length < 128 else bytes([0x30, length & 0x7F | 0x80, length >> 7])
    return head + len(raw).to_bytes(2, "big") + raw + content


def main(arguments: Sequence[str]) -> None:
    """Publish; see the module."""
    port, rate, seconds, roots = int(arguments[0]), int(arguments[1]), float(arguments[2]), arguments[3:]
    total = int(rate * seconds)
    packets = [packet(topic(roots[n % len(roots)], n // len(roots)), payload(n)) for n in range(total)]
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.sendall(_CONNECT)
        _expect(link, b"\x20\x02\x00\x00")
        print("ready", flush=True)
        sys.stdin.readline()
        began_s, late_s = _publish(link, packets, rate)
        # PINGRESP comes after everything before PINGREQ was read by the broker.
        link.sendall(_PINGREQ)
        _expect(link, b"\xd0\x00")
        took_s = time.perf_counter() - began_s
        link.sendall(_DISCONNECT)
    print(json.dumps({"sent": total, "seconds": took_s, "latest_slot_ms": late_s * 1000}), flush=True)


def _publish(link: socket.socket, packets: Sequence[bytes], rate: int) -> tuple[float, float]:
    """Send in slots of 5 ms; returns when it began and by how much the latest slot came late."""
    began_s = time.perf_counter()
    sent, slot, late_s = 0, 0, 0.0
    while sent < len(packets):
        slot += 1
        due = min(len(packets), int(rate * slot * SLOT_S))
        if due > sent:
            link.sendall(b"".join(packets[sent:due]))
            sent = due
        wait_s = began_s + slot * SLOT_S - time.perf_counter()
        late_s = max(late_s, -wait_s)
        if wait_s > 0:
            time.sleep(wait_s)
    return began_s, late_s


def _expect(link: socket.socket, wanted: bytes) -> None:
    got = b""
    while len(got) < len(wanted):
        data = link.recv(len(wanted) - len(got))
        if not data:
            raise ConnectionError("the broker closed the connection")
        got += data
    if got != wanted:
        raise ConnectionError(f"the broker sent {got!r} where {wanted!r} was due")


class Flood:
    """A publisher process, connected and waiting for ``start``; a context manager that ends it.

    Args:
        port: The broker's.
        rate: Messages a second, over all roots.
        seconds: How long.
        roots: First levels of the topics; messages go round over them.
        cwd: Where ``benchmarks`` can be imported from.
    """

    def __init__(self, port: int, *, rate: int, seconds: float, roots: Sequence[str], cwd: str) -> None:
        command = [sys.executable, "-m", "benchmarks.publisher", str(port), str(rate), str(seconds), *roots]
        self._process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise ConnectionError("the publisher could not connect to the broker")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def start(self) -> None:
        """Begin to publish."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    @property
    def over(self) -> bool:
        """Whether it has published everything and ended."""
        return self._process.poll() is not None

    def wait(self) -> dict[str, Any]:
        """Wait until everything was published and the broker has read it; returns the publisher's account."""
        assert self._process.stdout is not None
        account: dict[str, Any] = json.loads(self._process.stdout.readline())
        self._process.wait()
        return account


if __name__ == "__main__":
    main(sys.argv[1:])
