"""Hostile input on the wire: each gets the right kind of error, and the next request is served as if nothing had been.

Codes: JSON-RPC 2.0 §5.1, MCP 2026-07-28 ("basic", "versioning").
"""

import json

import pytest
import trio

from mqtt_mcp.commands._application import HubApplication
from testkit.hub import memory_hub
from testkit.mcp_client import connected
from testkit.memory_broker import MemoryBroker

PARSE, REQUEST, METHOD, PARAMS, VERSION = -32700, -32600, -32601, -32602, -32022
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def rpc(method: object, params: object = ..., request_id: object = 77, **more: object) -> bytes:
    message: dict[str, object] = {"jsonrpc": "2.0", "id": request_id, "method": method, **more}
    if params is not ...:
        message["params"] = params
    return json.dumps(message).encode()


def call(name: object, arguments: object = ..., **more: object) -> bytes:
    params: dict[str, object] = {"name": name, **more}
    if arguments is not ...:
        params["arguments"] = arguments
    return rpc("tools/call", params)


LINES: list[tuple[str, bytes, int | None]] = [
    # what, the line, the error code (None: no reply at all)
    ("not json", b"hello", PARSE),
    ("half an object", b'{"jsonrpc": "2.0", "id": 1', PARSE),
    ("a nul byte", b"\x00", PARSE),
    ("invalid utf-8", b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', PARSE),
    ("invalid utf-8 in skipped members", b'{"jsonrpc":"2.0","id":1,"method":"ping","x":"\xc3\x28"}', PARSE),
    ("a lone surrogate", b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}', METHOD),
    ("deep nesting of a batch", b"[" * 100_000, REQUEST),
    ("deep nesting of a batch, closed", b"[" * 50_000 + b"]" * 50_000, REQUEST),
    (
        "deep nesting in params",
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b'{"":' * 700_000 + b"1" + b"}" * 700_001,
        PARSE,
    ),
    ("a byte order mark", b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}', PARSE),
    ("a batch", b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', REQUEST),
    ("an empty batch", b"[]", REQUEST),
    ("a number", b"42", REQUEST),
    ("a string", b'"ping"', REQUEST),
    ("null", b"null", REQUEST),
    ("an empty object", b"{}", REQUEST),
    ("the wrong version", b'{"jsonrpc":"1.0","id":1,"method":"ping"}', REQUEST),
    ("no version", b'{"id":1,"method":"ping"}', REQUEST),
    ("a null id", rpc("ping", request_id=None), REQUEST),
    ("a fractional id", rpc("ping", request_id=1.5), REQUEST),
    ("a boolean id", rpc("ping", request_id=True), REQUEST),
    ("an object as id", rpc("ping", request_id={"a": 1}), REQUEST),
    ("a number as method", rpc(5), REQUEST),
    ("null as method", rpc(None), REQUEST),
    ("an unknown method", rpc("tools/destroy"), METHOD),
    ("an empty method", rpc(""), METHOD),
    ("a very long method", rpc("x" * 100_000), METHOD),
    ("params as a list", rpc("tools/list", [1]), PARAMS),
    ("params as a string", rpc("tools/list", "x"), PARAMS),
    ("an invalid cursor", rpc("tools/list", {"cursor": "nonsense"}), PARAMS),
    ("initialize without version", rpc("initialize", {}), PARAMS),
    ("a call without name", rpc("tools/call", {}), PARAMS),
    ("a call of a number", call(5), PARAMS),
    ("an unknown tool", call("format_disk", {}), PARAMS),
    ("a tool name with markup", call("<script>alert(1)</script>", {}), PARAMS),
    ("arguments as a list", call("list_active_connections", [1]), PARAMS),
    ("arguments as a string", call("list_active_connections", "{}"), PARAMS),
    (
        "a modern request of an unknown version",
        rpc("tools/list", {"_meta": {**MODERN, "io.modelcontextprotocol/protocolVersion": "2031-01-01"}}),
        VERSION,
    ),
    (
        "a modern request without capabilities",
        rpc("tools/list", {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}),
        PARAMS,
    ),
    ("a modern ping", rpc("ping", {"_meta": MODERN}), METHOD),
    ("discover without its envelope", rpc("server/discover"), PARAMS),
    ("a _meta that is a list", rpc("tools/list", {"_meta": [1]}), PARAMS),
    ("a response to nothing", b'{"jsonrpc":"2.0","id":9,"result":{}}', None),
    ("an error to nothing", b'{"jsonrpc":"2.0","id":9,"error":{"code":1,"message":"x"}}', None),
    ("an unknown notification", b'{"jsonrpc":"2.0","method":"notifications/nonsense"}', None),
    ("a cancel of nothing", b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":4711}}', None),
    ("a cancel without params", b'{"jsonrpc":"2.0","method":"notifications/cancelled"}', None),
    (
        "a cancel with nonsense",
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{"a":[]}}}',
        None,
    ),
    ("a blank line", b"   \t  ", None),
    ("a line of 5 MiB", b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * 5 * 1024 * 1024 + b'"}', REQUEST),
]


@pytest.mark.parametrize(
    ("line", "code"), [(line, code) for _, line, code in LINES], ids=[what for what, _, _ in LINES]
)
async def test_a_hostile_line_gets_its_error_and_the_next_request_is_served(autojump_clock, line, code):
    """Malformed bytes never end the process and never touch other requests."""
    async with memory_hub(MemoryBroker()) as hub, connected(HubApplication(hub)) as client:
        await client.send_bytes(line + b"\n")
        assert await client.request("ping") == {}
        errors = [message["error"]["code"] for message in client.strays if "error" in message]
        assert errors == ([] if code is None else [code])
        assert all(message.get("id") is not None for message in client.strays if "id" in message)
        assert len(json.dumps(client.strays)) < 2000, "a reply must not echo a flood"


async def test_a_flood_of_rubbish_neither_floods_back_nor_stops_the_service(autojump_clock):
    """Replies to lines without an id are rate-limited; requests in between are all answered."""
    async with memory_hub(MemoryBroker()) as hub, connected(HubApplication(hub)) as client:
        for _ in range(20):
            await client.send_bytes(b"rubbish\n" * 500)
            assert await client.request("ping") == {}
        assert len(client.strays) < 200


async def test_a_duplicate_id_is_refused_and_the_first_call_goes_on(autojump_clock):
    """JSON-RPC: an id must not be used again while its request runs."""
    async with memory_hub(MemoryBroker()) as hub, connected(HubApplication(hub)) as client:
        opened = await client.call("establish_connection")
        arguments = {
            "name": "subscribe_and_collect",
            "arguments": {"session_id": opened.data["session_id"], "topic_pattern": "#", "duration": 10},
        }
        first = await client.start("tools/call", arguments, request_id="same")
        await trio.sleep(1)
        await client.send({"jsonrpc": "2.0", "id": "same", "method": "tools/list"})
        # The refusal arrives under the id of the first, so the client takes it for its reply; the service lives on.
        with pytest.raises(Exception, match="still running"):
            await first.result()
        assert await client.request("ping") == {}
        await trio.sleep(20)
        (late,) = client.strays
        assert late["id"] == "same"
        assert late["result"]["structuredContent"]["status"] == "complete"
