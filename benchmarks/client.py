"""A stdio MCP client that adds next to nothing to what it times: blocking pipes, time stamps taken at the read.

Speaks the handshake revision 2025-11-25. Not for tests: it does not check what the server sends beyond finding replies.
"""

import os
import select
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec

PROTOCOL = "2025-11-25"
_READ_BYTES = 1 << 20


class Reply(msgspec.Struct, frozen=True):
    """A response and when its last byte was read."""

    message: dict[str, Any]
    at_ns: int
    line_bytes: int


class BenchError(Exception):
    """A measurement could not be made."""


class StdioClient:
    """One server process and the pipe to it; a context manager that ends the process.

    Args:
        command: The server's command line.
        env: Its whole environment.
        cwd: Its working directory.

    Attributes:
        spawned_ns: ``time.perf_counter_ns()`` just before the process was made.
        pid: Its process id.
    """

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], cwd: str) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._last_id = 0
        self._buffer = bytearray()
        self._waiting: dict[int, Reply] = {}
        self.spawned_ns = time.perf_counter_ns()
        self._process = subprocess.Popen(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in = self._process.stdin.fileno()
        self._out = self._process.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the server's input and wait for its end, 5 s at most before it is killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._stderr.close()

    def initialize(self) -> Reply:
        """Shake hands; returns the reply to ``initialize``."""
        reply = self.request(
            "initialize",
            {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "benchmark", "version": "1"}},
            timeout_s=60,
        )
        self.notify("notifications/initialized")
        return reply

    def send(self, method: str, params: Mapping[str, Any] | None = None) -> tuple[int, int]:
        """Send a request; returns its id and the time just before it was written, in ns of ``perf_counter_ns``."""
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method}
        if params is not None:
            message["params"] = params
        return self._last_id, self._write(message)

    def notify(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Send a notification; returns the time just before it was written."""
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        return self._write(message)

    def send_call(self, tool: str, arguments: Mapping[str, Any]) -> tuple[int, int]:
        """Send ``tools/call``; returns as ``send``."""
        return self.send("tools/call", {"name": tool, "arguments": dict(arguments)})

    def wait(self, request_id: int, timeout_s: float) -> Reply:
        """Wait for the reply to a request; others that come meanwhile are kept for their own ``wait``.

        Raises:
            BenchError: It did not come in time or the server ended.
        """
        until_ns = time.perf_counter_ns() + int(timeout_s * 1e9)
        while request_id not in self._waiting:
            left_s = (until_ns - time.perf_counter_ns()) / 1e9
            if left_s <= 0:
                raise BenchError(f"no reply to request {request_id} within {timeout_s:g} s. {self._last_words()}")
            self.receive(left_s)
        return self._waiting.pop(request_id)

    def fileno(self) -> int:
        """Where replies arrive: with it, ``select`` can wait for several clients."""
        return self._out

    def has(self, request_id: int) -> bool:
        """Whether the reply to a request has been received and nobody has waited for it yet."""
        return request_id in self._waiting

    def receive(self, timeout_s: float) -> None:
        """Take what the server sends, once, waiting at most ``timeout_s``.

        Raises:
            BenchError: The server ended.
        """
        if not self._poll.poll(max(0.0, timeout_s * 1000)):
            return
        data = os.read(self._out, _READ_BYTES)
        now_ns = time.perf_counter_ns()
        if not data:
            raise BenchError(f"the server ended. {self._last_words()}")
        searched = len(self._buffer)
        self._buffer += data
        while (end := self._buffer.find(b"\n", searched)) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            searched = 0
            message = msgspec.json.decode(line)
            if "id" in message and "method" not in message:
                self._waiting[message["id"]] = Reply(message, now_ns, len(line))

    def request(self, method: str, params: Mapping[str, Any] | None = None, *, timeout_s: float = 10) -> Reply:
        """Send a request and wait for its reply."""
        request_id, _ = self.send(method, params)
        return self.wait(request_id, timeout_s)

    def round_trip_ms(self, method: str, params: Mapping[str, Any] | None = None) -> float:
        """Milliseconds from writing a request to having read its reply."""
        request_id, sent_ns = self.send(method, params)
        return (self.wait(request_id, 10).at_ns - sent_ns) / 1e6

    def call(self, tool: str, arguments: Mapping[str, Any], *, timeout_s: float = 30) -> dict[str, Any]:
        """Call a tool; returns its structured content. Raises BenchError when the tool reports an error."""
        request_id, _ = self.send_call(tool, arguments)
        return structured(self.wait(request_id, timeout_s))

    def _write(self, message: Mapping[str, Any]) -> int:
        data = memoryview(msgspec.json.encode(message) + b"\n")
        now_ns = time.perf_counter_ns()
        while data:
            data = data[os.write(self._in, data) :]
        return now_ns

    def _last_words(self) -> str:
        self._stderr.seek(0)
        return "stderr: " + self._stderr.read().decode(errors="replace")[-2000:]


def structured(reply: Reply) -> dict[str, Any]:
    """The structured content of a tool's reply.

    Raises:
        BenchError: The call failed.
    """
    result = reply.message.get("result")
    if result is None or result.get("isError"):
        raise BenchError(f"a call failed: {str(reply.message)[:1000]}")
    content: dict[str, Any] = result["structuredContent"]
    return content
