"""Everything together: ``mqtt-mcp serve`` on a real mosquitto, an MCP client, and the page in a browser."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.visiting import light, show
from testkit.mosquitto import Mosquitto

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.process]

COMMAND = [sys.executable, "-m", "mqtt_mcp"]
READY_S = 30.0
MARKUP = '<img src=x onerror="window.__pwned=1">'


class Window:
    """An MCP client that does one thing after the other."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._id = 0
        hello = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": f"Cursor {MARKUP}", "version": "1"},
        }
        self.answer(self.ask("initialize", hello))
        self._send({"method": "notifications/initialized"})

    def call(self, tool: str, **arguments: Any) -> Any:
        """Call a tool; its structured result."""
        return self.answer(self.start(tool, **arguments))["structuredContent"]

    def start(self, tool: str, **arguments: Any) -> int:
        """Call a tool without waiting; the number of the request."""
        return self.ask("tools/call", {"name": tool, "arguments": arguments})

    def ask(self, method: str, params: dict[str, Any]) -> int:
        """Send a request."""
        self._id += 1
        self._send({"id": self._id, "method": method, "params": params})
        return self._id

    def answer(self, number: int) -> Any:
        """Wait for an answer; the process is killed when it takes too long, and that ends the wait."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if said.get("id") == number and "method" not in said:
                return said["result"]
        raise AssertionError("mqtt-mcp ended")

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._process.stdin.flush()


@contextmanager
def started(*arguments: str, **how: Any) -> "Iterator[subprocess.Popen[str]]":
    """A process, killed a minute later at the latest."""
    with subprocess.Popen([*COMMAND, *arguments], text=True, **how) as process:
        timer = threading.Timer(60, process.kill)
        timer.start()
        try:
            yield process
        finally:
            timer.cancel()
            process.kill()


@pytest.fixture
def hub(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[tuple[str, dict[str, str]]]:
    """A running hub: the page's address, and the environment of a window that finds it."""
    env = {**os.environ, "MQTT_MCP_SOCKET": str(tmp_path / "hub.sock")}
    arguments = ["serve", "--port", "0", "--socket", env["MQTT_MCP_SOCKET"]]
    # Only the hub knows the broker: a window with settings of its own would run on its own.
    with started(
        *arguments,
        env={**env, "MQTT_BROKER_URL": mosquitto.broker.url},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        url = ""
        for line in process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                url = found.group()
                break
        assert url, "the hub does not say where its page is"
        # What it writes later must not fill the pipe.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield url, env


@pytest.fixture
def window(hub) -> Iterator[Window]:
    """An MCP client of the hub."""
    _, env = hub
    with started(env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        yield Window(process)


def test_what_an_assistant_does_is_seen_as_it_happens(page: Page, hub, window: Window):
    url, _ = hub
    page.goto(url)
    expect(light(page)).to_have_text("live")
    expect(page.get_by_text("No session yet.")).to_be_visible()

    session_id = window.call("establish_connection")["session_id"]
    expect(page.locator(".facts")).to_contain_text("Cursor <img")
    sessions = page.get_by_role("table", name="Sessions")
    expect(sessions).to_contain_text("connected")
    expect(sessions.get_by_role("button", name=session_id[:8], exact=True)).to_be_visible()

    watch = window.start("subscribe_and_collect", session_id=session_id, topic_pattern="seen/#", duration=50)
    expect(page.get_by_role("table", name="Collections")).to_contain_text("running")
    expect(sessions).to_contain_text("held by a running collection")
    said = window.call("publish_message", session_id=session_id, topic=f"seen/{MARKUP}", payload=MARKUP, qos=1)
    assert said["outcome"] == "acknowledged"

    show(page, "calls")
    row = page.locator("tbody tr", has_text="publish_message")
    expect(row).to_contain_text("ok")
    expect(page.locator("tbody tr", has_text="subscribe_and_collect")).to_contain_text("running")
    show(page, "published")
    expect(page.locator("tbody tr")).to_contain_text(["acknowledged"])
    page.locator("tbody tr").get_by_role("button", name=re.compile("^call")).click()
    expect(page.locator("tr.details").get_by_role("listitem")).to_contain_text(["acknowledged"])
    show(page, "topics")
    expect(page.locator(".leaf", has_text="<img").last).to_contain_text("1 messages")
    show(page, "logs")

    show(page, "overview")
    page.get_by_role("button", name="Cancel this collection").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel collection").click()
    expect(page.get_by_role("table", name="Collections")).to_contain_text("cancelled")
    result = window.answer(watch)["structuredContent"]
    assert result["window"]["ended_by"] == "cancelled"

    page.get_by_role("button", name=f"Close session {session_id[:8]}").click()
    page.get_by_role("dialog").get_by_role("button", name="Close session").click()
    expect(page.get_by_text("No session yet.")).to_be_visible()
    assert page.evaluate("window.__pwned") is None
