"""Whatever arrives, the next ping is answered: hostile lines one by one, and arbitrary bytes."""

import json
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from mqtt_mcp.wire.limits import WireLimits
from mqtt_mcp.wire.server import serve_client
from testkit.mcp_client import connected
from testkit.toy_application import ToyApplication

PING = b'{"jsonrpc":"2.0","id":"the ping","method":"ping"}\n'
PONG = {"jsonrpc": "2.0", "id": "the ping", "result": {}}


def call(arguments: bytes, rest: bytes = b"") -> bytes:
    return (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":' + arguments + rest + b"}}"
    )


def request(method: bytes, params: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"method":"' + method + b'","params":' + params + b"}"


def cancellation(request_id: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":' + request_id + b"}}"


def versioned(version: bytes) -> bytes:
    return request(b"tools/list", b'{"_meta":{"io.modelcontextprotocol/protocolVersion":' + version + b"}}")


HOSTILE = [
    # name, line, code of the error reply; "tool" for an isError result, "ok" for a result, None for silence
    ("text", b"hello", -32700),
    ("an HTTP request", b"GET / HTTP/1.1", -32700),
    ("a header of another framing", b"Content-Length: 52", -32700),
    ("bytes that are no UTF-8", b"\xff\xfe\x00\x01", -32700),
    ("a byte order mark", b"\xef\xbb\xbf" + PING.strip(), -32700),
    ("a null byte", b"\x00", -32700),
    ("single quotes", b"{'jsonrpc':'2.0'}", -32700),
    ("a trailing comma", b'{"jsonrpc":"2.0","id":1,"method":"ping",}', -32700),
    ("two messages on a line", PING.strip() + PING.strip(), -32700),
    ("an escape that ends nowhere", b'{"jsonrpc":"2.0","id":1,"method":"\\', -32700),
    ("deep lists", b"[" * 200_000, -32600),
    ("deep objects", b'{"a":' * 100_000, -32700),
    ("deep params", request(b"ping", b'{"a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}"), -32700),
    # How deep JSON may be is Python's to say: 1,000 levels up to 3.11, 10,000 in 3.13, some 260,000 in 3.14,
    # which goes by the stack. Both sides of it are met here.
    ("deep arguments", call(b'{"text":' + b"[" * 900 + b"]" * 900 + b"}"), "tool"),
    ("deep unknown arguments", call(b'{"text":"x","deep":' + b'{"a":' * 900 + b"1" + b"}" * 901), "tool"),
    ("a batch", b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
    ("an empty batch", b"[]", -32600),
    ("a number", b"5", -32600),
    ("an empty object", b"{}", -32600),
    ("no version", b'{"id":1,"method":"ping"}', -32600),
    ("an older version", b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
    ("no method", b'{"jsonrpc":"2.0","id":1}', -32600),
    ("a method that is a number", b'{"jsonrpc":"2.0","id":1,"method":1}', -32600),
    ("a method that is an object", b'{"jsonrpc":"2.0","id":1,"method":{}}', -32600),
    ("an id that is null", b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
    ("an id that is a list", b'{"jsonrpc":"2.0","id":[1],"method":"ping"}', -32600),
    ("an id that is a fraction", b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
    ("an id of a megabyte", b'{"jsonrpc":"2.0","id":"' + b"x" * 1_000_000 + b'","method":"ping"}', -32600),
    ("an unknown method", b'{"jsonrpc":"2.0","id":1,"method":"tools/kall"}', -32601),
    ("an empty method", b'{"jsonrpc":"2.0","id":1,"method":""}', -32601),
    ("a method of a megabyte", b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * 1_000_000 + b'"}', -32601),
    ("a method with an escape", b'{"jsonrpc":"2.0","id":1,"method":"\\u001b[2J"}', -32601),
    ("params that are a list", b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[1]}', -32602),
    ("params that are text", b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":"x"}', -32602),
    ("_meta that is a list", b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":[]}}', -32602),
    ("a cursor of somebody else", b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}', -32602),
    ("a call without params", b'{"jsonrpc":"2.0","id":1,"method":"tools/call"}', -32602),
    ("a call without name", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}', -32602),
    ("a call of an unknown tool", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}', -32602),
    ("a tool named by a number", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":1}}', -32602),
    ("a tool like a path", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"../echo"}}', -32602),
    ("arguments that are a list", call(b"[]"), -32602),
    ("arguments that are text", call(b'"{}"'), -32602),
    ("a token that is an object", call(b'{"text":"a"}', b',"_meta":{"progressToken":{}}'), -32602),
    ("an unknown argument", call(b'{"text":"a","__proto__":{}}'), "tool"),
    ("no argument", call(b"{}"), "tool"),
    ("an argument of another type", call(b'{"text":{"a":1}}'), "tool"),
    ("a number out of range", call(b'{"text":"a","times":1000000000000}'), "tool"),
    ("a number beyond every range", call(b'{"text":"a","times":1e400}'), "tool"),
    ("a huge integer", call(b'{"text":"a","times":' + b"9" * 5000 + b"}"), "tool"),
    ("text over its length", call(b'{"text":"' + b"x" * 2000 + b'"}'), "tool"),
    ("half a character of the upper planes", call(b'{"text":"\\ud83d"}'), "ok"),
    ("ten thousand arguments", call(b"{" + b",".join(b'"k%d":1' % n for n in range(10_000)) + b"}"), "tool"),
    ("control characters in an argument", call(b'{"text":"\\u0000\\u001b[2J\\u202e"}'), "ok"),
    ("an argument given twice", call(b'{"text":"a","text":"b"}'), "ok"),
    ("a revision that is not spoken", versioned(b'"1999-01-01"'), -32022),
    ("half an envelope", versioned(b'"2026-07-28"'), -32602),
    ("discovery without envelope", b'{"jsonrpc":"2.0","id":1,"method":"server/discover"}', -32602),
    ("initialize without anything", b'{"jsonrpc":"2.0","id":1,"method":"initialize"}', -32602),
    ("initialize with a number", request(b"initialize", b'{"protocolVersion":1}'), -32602),
    ("a reply to nothing", b'{"jsonrpc":"2.0","id":1,"result":{}}', None),
    ("an error to nothing", b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}', None),
    ("an unknown notification", b'{"jsonrpc":"2.0","method":"notifications/x","params":[]}', None),
    ("a cancellation of everything", cancellation(b'"*"'), None),
    ("a cancellation of an object", cancellation(b"{}"), None),
    ("blank space", b" \t\r", None),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), [pytest.param(line, code, id=name) for name, line, code in HOSTILE])
async def test_a_hostile_line_gets_its_own_reply_and_nothing_else_is_touched(
    line: bytes, expected: int | str | None, autojump_clock: Any
) -> None:
    """Ours, by the codes of JSON-RPC 2.0 and MCP: at most one reply, and a call beside it is not disturbed."""
    application = ToyApplication()
    async with connected(application) as client:
        running = await client.start("tools/call", {"name": "wait", "arguments": {"seconds": 5}}, request_id="beside")
        await client.send_bytes(line + b"\n")
        assert await client.request("ping") == {}
        assert (await running.outcome()).data == {"waited": 5}

    if expected is None:
        assert client.strays == []
        return
    (reply,) = client.strays
    if isinstance(expected, int):
        assert reply["error"]["code"] == expected
        assert len(json.dumps(reply)) < 1000
    else:
        assert reply["result"].get("isError", False) == (expected == "tool")
        assert len(json.dumps(reply)) < 2000
    assert reply.get("id", 1) == 1


def test_the_table_is_long_enough() -> None:
    """Ours: at least sixty hostile inputs."""
    assert len(HOSTILE) >= 60


members = [b'"jsonrpc":"2.0"', b'"id":1', b'"method":"tools/call"', b'"params":{', b'"name":"echo"', b'"arguments":']
signs = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\u", b"\n", b"\r", b"\xff", b"1e999", b"null", b'"_meta":{']
fragments = st.sampled_from([*members, *signs])
noise = st.lists(st.binary(max_size=60) | fragments, max_size=30).map(b"".join)


@settings(deadline=None, max_examples=150)
@given(noise)
def test_after_any_bytes_the_next_ping_is_answered(data: bytes) -> None:
    """Ours: malformed bytes never end the process."""

    async def main() -> list[Any]:
        ours, theirs = trio.testing.memory_stream_pair()
        await ours.send_all(data + b"\n" + PING)
        await ours.send_eof()
        await serve_client(theirs, ToyApplication(), limits=WireLimits(max_line_bytes=500))
        await theirs.aclose()
        received = b""
        while chunk := await ours.receive_some():
            received += chunk
        return [json.loads(line) for line in received.splitlines()]

    assert PONG in trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
