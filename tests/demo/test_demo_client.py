"""The tour's MCP client against small scripted servers: what a server may do wrong is told, never waited for."""

import os
import sys

import pytest
import trio

from mqtt_mcp.demo.client import ServerFailed, open_client

HANDSHAKE = """
import json, sys
def say(**message): print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
def hear(): return json.loads(sys.stdin.readline())
say(id=hear()["id"], result={"protocolVersion": "2025-06-18", "serverInfo": {"name": "fake"}, "capabilities": {}})
hear()
say(id=hear()["id"], result={"tools": [{"name": "echo"}]})
"""


def server(body: str) -> list[str]:
    """The command line of a server that shakes hands and then does what ``body`` says."""
    return [sys.executable, "-c", HANDSHAKE + body]


@pytest.mark.process
async def test_a_call_hands_progress_over_and_returns_structured_content() -> None:
    """Progress carries the caller's token and precedes the result (MCP 2025-06-18, Progress)."""
    body = """
request = hear()
token = request["params"]["_meta"]["progressToken"]
say(method="notifications/progress", params={"progressToken": token, "progress": 1, "total": 10, "message": "one"})
say(id=request["id"], result={"content": [{"type": "text", "text": "t"}], "structuredContent": {"n": 1}})
sys.stdin.read()
"""
    seen: list[tuple[float, float, str]] = []
    with trio.fail_after(20):
        async with open_client(server(body), os.environ) as client:
            answer = await client.call("echo", {}, lambda *facts: seen.append(facts))

    assert client.tools == [{"name": "echo"}]
    assert client.server_info == {"name": "fake"}
    assert (answer.data, answer.text, answer.is_error) == ({"n": 1}, "t", False)
    assert seen == [(1.0, 10.0, "one")]


@pytest.mark.process
async def test_answers_out_of_order_reach_their_own_callers() -> None:
    """JSON-RPC 2.0 §6: a server may answer in any order."""
    body = """
first, second = hear(), hear()
for request in (second, first):
    say(id=request["id"], result={"content": [], "structuredContent": request["params"]["arguments"]})
sys.stdin.read()
"""
    results: dict[int, object] = {}
    with trio.fail_after(20):
        async with open_client(server(body), os.environ) as client, trio.open_nursery() as nursery:

            async def ask(number: int) -> None:
                results[number] = (await client.call("echo", {"number": number})).data

            nursery.start_soon(ask, 1)
            nursery.start_soon(ask, 2)

    assert results == {1: {"number": 1}, 2: {"number": 2}}


@pytest.mark.process
async def test_a_server_that_prints_is_caught_with_what_it_printed() -> None:
    """MCP stdio: nothing but messages on stdout; the tour must notice a violation, not hang."""
    body = """
hear()
print("debug: hello", flush=True)
sys.stdin.read()
"""
    with trio.fail_after(20):
        with pytest.raises(ServerFailed) as raised:
            async with open_client(server(body), os.environ) as client:
                await client.call("echo", {})

    assert "debug: hello" in str(raised.value)


@pytest.mark.process
async def test_a_server_that_dies_is_reported_with_the_end_of_its_stderr() -> None:
    """Whoever runs the demo must see why the server could not start."""
    command = [sys.executable, "-c", "import sys; sys.exit('no such configuration')"]
    with trio.fail_after(20):
        with pytest.raises(ServerFailed) as raised:
            async with open_client(command, os.environ):
                pass

    assert "no such configuration" in str(raised.value)
