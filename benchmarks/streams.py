"""Readers of the monitor's event stream, a process of its own: many that follow, some that never read.

Run as ``python -m benchmarks.streams PORT LIVE STALLED``. Prints ``ready`` once every live one follows, reads until a
line comes on its input, and prints what it saw as JSON. Latencies are from the record's own time stamp to the moment
the bytes were read. Standard library only.
"""

import json
import re
import select
import socket
import sys
import time
from collections.abc import Callable, Sequence

TIMED_EVERY = 10
_RUNNING = b'"status":"running"'
_BEGAN = re.compile(rb'event: call\ndata: [^\n]*?"at_epoch_s":([0-9.]+)[^\n]*"status":"running"')


def main(arguments: Sequence[str]) -> None:
    """Follow; see the module."""
    port, live, stalled = (int(argument) for argument in arguments)
    stuck = [_follower(port) for _ in range(stalled)]
    links = [_follower(port) for _ in range(live)]
    readers = {link.fileno(): _Reader(link, timed=number % TIMED_EVERY == 0) for number, link in enumerate(links)}
    poll = select.epoll()
    for fd in readers:
        poll.register(fd, select.EPOLLIN)
    poll.register(0, select.EPOLLIN)
    _read_until(poll, readers, lambda: all(reader.follows for reader in readers.values()))
    print("ready", flush=True)
    _read_until(poll, readers, lambda: False)
    latencies = sorted(ms for reader in readers.values() for ms in reader.latencies_ms)
    counts = [reader.calls for reader in readers.values()]
    print(
        json.dumps(
            {
                "timed": len(latencies),
                "fewest": min(counts),
                "most": max(counts),
                "bytes": sum(reader.bytes_read for reader in readers.values()),
                "ended": sum(reader.ended for reader in readers.values()),
                "p50_ms": latencies[len(latencies) // 2],
                "p99_ms": latencies[int(len(latencies) * 0.99)],
                "worst_ms": latencies[-1],
                "stalled": len(stuck),
            }
        ),
        flush=True,
    )


class _Reader:
    """One that follows.

    Args:
        link: Its connection.
        timed: Whether it times what it reads; that costs so much more than counting that only some do, lest the readers
            are what is measured.
    """

    def __init__(self, link: socket.socket, *, timed: bool) -> None:
        self.follows = False
        self.ended = False
        self.bytes_read = 0
        self.calls = 0
        self.latencies_ms: list[float] = []
        self._link = link
        self._timed = timed
        self._buffer = b""

    def read(self) -> None:
        """Take what is there."""
        data = self._link.recv(1 << 20)
        now_s = time.time()
        self.ended = self.ended or not data
        self.bytes_read += len(data)
        data = self._buffer + data
        if self._timed:
            end = data.rfind(b"\n\n") + 2
            found = [(now_s - float(match[1])) * 1000 for match in _BEGAN.finditer(data, 0, end)]
            self.latencies_ms += found
            self.calls += len(found)
            self._buffer = data[end:]
        else:
            self.calls += data.count(_RUNNING)
            self._buffer = data[-len(_RUNNING) + 1 :]
        self.follows = self.follows or b"retry:" in data


def _follower(port: int) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", port))
    link.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
    return link


def _read_until(poll: select.epoll, readers: dict[int, _Reader], done: Callable[[], bool]) -> None:
    while not done():
        for fd, _ in poll.poll(10):
            if fd == 0:
                return
            readers[fd].read()
            if readers[fd].ended:
                poll.unregister(fd)


if __name__ == "__main__":
    main(sys.argv[1:])
