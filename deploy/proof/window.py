"""What prove-container talks with: a small MCP client on a process's standard streams, and a mosquitto with a password.

Owns both and every bound on waiting. Knows nothing about what is proved. Standard library only.
"""

import json
import os
import secrets
import selectors
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, ClassVar

from proof.engine import Failed

REPLY_BOUND_S = 60.0
_PATH = "/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin:/opt/homebrew/bin:/opt/homebrew/sbin"


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Window:
    """One `mqtt-mcp` and the client it talks to.

    Args:
        command: What starts it.
    """

    _all: ClassVar["list[Window]"] = []

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._all.append(self)
        self._buffer = b""
        self._replies: dict[int, dict[str, Any]] = {}
        self._number = 0

    def initialize(self) -> dict[str, Any]:
        """The handshake; returns what the server says about itself."""
        result = self.request("initialize", protocolVersion="2025-11-25", capabilities={},
                              clientInfo={"name": "prove-container", "version": "1"})  # fmt: skip
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return result

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask and wait for the result."""
        return self._result(self._ask(method, params))

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and wait for its structured content."""
        return self.result(self.request_call(tool, **arguments))

    def request_call(self, tool: str, **arguments: Any) -> int:
        """Call a tool without waiting; `result` does."""
        return self._ask("tools/call", {"name": tool, "arguments": arguments})

    def result(self, number: int) -> dict[str, Any]:
        """The structured content of a call."""
        result = self._result(number)
        if result.get("isError"):
            raise Failed(f"a tool answered: {str(result['content'])[:500]}")
        content: dict[str, Any] = result["structuredContent"]
        return content

    def close_input(self) -> None:
        """The end of its input: what is left of a client that has gone."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    @classmethod
    def kill_all(cls) -> None:
        """Leave none behind."""
        for window in cls._all:
            window.process.kill()
            window.process.wait(10)

    def _ask(self, method: str, params: dict[str, Any]) -> int:
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        return self._number

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def _result(self, number: int) -> dict[str, Any]:
        assert self.process.stdout is not None
        end_s = time.monotonic() + REPLY_BOUND_S
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while number not in self._replies:
                if not selector.select(max(0.0, end_s - time.monotonic())):
                    raise Failed(f"no reply within {REPLY_BOUND_S:g} s")
                data = os.read(self.process.stdout.fileno(), 65536)
                if not data:
                    raise Failed("the window has ended instead of answering")
                *lines, self._buffer = (self._buffer + data).split(b"\n")
                for line in lines:
                    # Anything but JSON on standard output is a failure by itself.
                    message = json.loads(line)
                    if "id" in message and "method" not in message:
                        self._replies[message["id"]] = message
        reply = self._replies.pop(number)
        if "error" in reply:
            raise Failed(f"an error: {reply['error']}")
        result: dict[str, Any] = reply["result"]
        return result


class Broker:
    """A mosquitto on a free loopback port, with one account.

    Args:
        folder: Where its files go.
    """

    def __init__(self, folder: Path) -> None:
        self.port, self.username, self.password = free_port(), "proof", secrets.token_hex(16)
        self.password_file = folder / "mqtt_password"
        self.password_file.write_text(self.password + "\n")
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._accounts = folder / "accounts"
        self._accounts.write_text(f"{self.username}:{self.password}\n")
        subprocess.run([self._tool("mosquitto_passwd"), "-U", str(self._accounts)], check=True, timeout=30)

    def start(self) -> None:
        """Start it and wait until it listens."""
        config = self._folder / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        config.write_text(f"{user}listener {self.port} 127.0.0.1\nallow_anonymous false\n"
                          f"password_file {self._accounts}\nconnection_messages true\nlog_type all\n")  # fmt: skip
        with (self._folder / "mosquitto.log").open("wb") as log:
            self._process = subprocess.Popen([self._tool("mosquitto"), "-c", str(config)], stdout=log, stderr=log)
        end_s = time.monotonic() + 10
        # Knocking at its port would leave a line of a connection that broke off.
        while time.monotonic() < end_s:
            if " running\n" in self.log():
                return
            time.sleep(0.05)
        raise Failed(f"mosquitto does not start: {self.log()[-300:]}")

    def log(self) -> str:
        """What it wrote."""
        return (self._folder / "mosquitto.log").read_text(errors="replace")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    @staticmethod
    def _tool(name: str) -> str:
        path = shutil.which(name) or shutil.which(name, path=_PATH)
        if path is None:
            raise Failed(f"not installed: {name} (Debian: mosquitto)")
        return path
