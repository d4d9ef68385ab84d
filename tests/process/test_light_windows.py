"""What a command loads: a window never pays for the web page of another process."""

import subprocess
import sys

import pytest
import trio

from testkit.mcp_client import spawned

pytestmark = pytest.mark.process

WEB = {"quart", "quart_trio", "hypercorn", "prometheus_client", "werkzeug", "flask", "jinja2"}
TELLING = """
import sys, atexit
def tell():
    print(" ".join(sorted({name.split(".")[0] for name in sys.modules})), file=sys.stderr, flush=True)
import mqtt_mcp.__main__ as m
import mqtt_mcp.commands._window as w
served = w.serve_window
def serve(*arguments):
    served(*arguments)
    tell()
w.serve_window = serve
raise SystemExit(m.main(["stdio"]))
"""


async def all_of(stream: trio.abc.ReceiveStream | None) -> bytes:
    """Everything until its end, which comes within 10 s."""
    assert stream is not None
    with trio.fail_after(10):
        return b"".join([data async for data in stream])


async def test_a_window_never_loads_the_web():
    """Also after tools have run: quart and its kin cost 20 MB and 150 ms."""
    async with spawned(
        [sys.executable, "-c", TELLING], stderr=subprocess.PIPE, env={"MQTT_MCP_SOCKET": "off"}
    ) as client:
        outcome = await client.call("list_active_connections")
        assert not outcome.is_error
        await client.finish()
        assert client.process is not None
        loaded = set((await all_of(client.process.stderr)).decode().split())

    assert "trio" in loaded
    assert not loaded & WEB
