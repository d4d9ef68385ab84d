"""Whatever arrives: a client error or a closed connection, never a failure of ours, and the next one is served."""

import pytest
import trio

from mqtt_mcp.monitor.access import Access
from mqtt_mcp.monitor.limits import Limits
from testkit.monitor import PATIENCE_S, act, ask, connect, running, talk

HOST = b"Host: localhost\r\n"
END = b"\r\n"


def get(target, headers=HOST):
    return b"GET " + target + b" HTTP/1.1\r\n" + headers + END


def post(headers, body=b""):
    return b"POST /api/v1/collections/c-1/cancel HTTP/1.1\r\nX-MQTT-MCP: 1\r\n" + HOST + headers + END + body


BAD = {
    "garbage": b"\x00\x01\x02\xff\xfe" * 50 + b"\r\n\r\n",
    "text": b"hello\r\n\r\n",
    "JSON-RPC": b'{"jsonrpc":"2.0","id":1,"method":"ping"}\r\n\r\n',
    "a TLS hello": bytes.fromhex("16030100c8010000c403035a") + b"\x00" * 190 + b"\r\n\r\n",
    "an MQTT CONNECT": b"\x10\x0c\x00\x04MQTT\x04\x02\x00<\x00\x00\r\n\r\n",
    "no Host": get(b"/", b""),
    "two Hosts": get(b"/", HOST + b"Host: evil.example\r\n"),
    "a query without a path": get(b"?a=1"),
    "an absolute target": get(b"http://evil.example/"),
    "an authority as target": b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + END,
    "an asterisk": b"OPTIONS * HTTP/1.1\r\n" + HOST + END,
    "a fragment as target": get(b"#token"),
    "two slashes": get(b"//evil.example/%2e%2e"),
    "raw bytes in the target": get(b"/\xff\xfe"),
    "NUL in the target": get(b"/\x00"),
    "NUL in a header": get(b"/", HOST + b"X-A: a\x00b\r\n"),
    "an encoded NUL": get(b"/%00"),
    "invalid UTF-8": get(b"/static/%ff%fe"),
    "a folded header": get(b"/nothing", HOST + b"X-A: a\r\n b\r\n"),
    "a space before the colon": get(b"/", HOST + b"X-A : a\r\n"),
    "a header without a colon": get(b"/", HOST + b"X-A\r\n"),
    "a bare CR": get(b"/", HOST + b"X-A: a\rb\r\n"),
    "a target of 20 kB": get(b"/" + b"a" * 20_000),
    "a header of 20 kB": get(b"/", HOST + b"X-A: " + b"a" * 20_000 + END),
    "thousands of headers": get(b"/", HOST + b"a: b\r\n" * 5_000),
    "HTTP/3.7": b"GET / HTTP/3.7\r\n" + HOST + END,
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 20,
    "a websocket": get(b"/api/v1/events", HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\n"
                       b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
    "half a websocket": get(b"/", HOST + b"Connection: upgrade\r\nUpgrade: WebSocket\r\n"),
    "traversal": get(b"/static/../../../../etc/passwd"),
    "encoded traversal": get(b"/static/%2e%2e/%2e%2e/etc/passwd"),
    "doubly encoded traversal": get(b"/static/%252e%252e%252fetc%252fpasswd"),
    "traversal with backslashes": get(b"/static/..%5c..%5cetc%5cpasswd"),
    "an absolute path below static": get(b"/static//etc/passwd"),
    "an overlong encoding": get(b"/static/%c0%ae%c0%ae/"),
    "a body that is announced too long": post(b"Content-Length: 70000\r\n"),
    "a length without end": post(b"Content-Length: " + b"9" * 30 + END),
    "a negative length": post(b"Content-Length: -1\r\n"),
    "a length that is no number": post(b"Content-Length: ten\r\n"),
    "two lengths": post(b"Content-Length: 1\r\nContent-Length: 2\r\n", b"ab"),
    "a length and chunks": post(b"Content-Length: 70000\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "an unknown encoding": post(b"Transfer-Encoding: gzip\r\n"),
    "chunks that are none": post(b"Transfer-Encoding: chunked\r\n", b"zz\r\n"),
    "too much in chunks": post(b"Transfer-Encoding: chunked\r\n", b"8000\r\n" + b"a" * 0x8000 + b"\r\n" +
                               b"8001\r\n" + b"a" * 0x8001 + b"\r\n0\r\n\r\n"),
    "TRACE": b"TRACE / HTTP/1.1\r\n" + HOST + END,
    "an unknown method": b"BREW / HTTP/1.1\r\n" + HOST + END,
    "a long method": b"A" * 15_000 + b" / HTTP/1.1\r\n" + HOST + END,
}  # fmt: skip


@pytest.mark.parametrize("request_bytes", BAD.values(), ids=BAD.keys())
async def test_bad_input_is_refused_and_the_next_request_is_answered(request_bytes):
    async with running() as server:
        async with await connect(server.port) as client:
            await client.stream.send_all(request_bytes)
            await client.stream.send_eof()
            with trio.fail_after(PATIENCE_S):
                answer = await client.rest()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:200]
        assert b"root:" not in answer
        assert (await ask(server.port, "/healthz")).status == 200


async def test_a_request_that_never_ends_its_header_is_closed():
    async with running(limits=Limits(keep_alive_s=0.3)) as server, await connect(server.port) as client:
        async with trio.open_nursery() as nursery:

            async def drip():
                try:
                    for byte in get(b"/", HOST + b"X-A: " + b"a" * 1000):
                        await client.stream.send_all(bytes([byte]))
                        await trio.sleep(0.02)
                except trio.BrokenResourceError:
                    pass

            nursery.start_soon(drip)
            with trio.fail_after(2):
                assert await client.rest() == b""
            nursery.cancel_scope.cancel()
        assert (await ask(server.port, "/healthz")).status == 200


async def test_a_body_that_never_ends_is_given_up():
    async with running(limits=Limits(body_timeout_s=0.2)) as server:
        answer = await act(server.port, "/api/v1/collections/c-1/cancel", "POST", Content_Length="10")
        assert (answer.status, answer.is_problem) == (408, True)
        assert server.hub.acted == []


async def test_a_body_that_is_too_long_is_a_problem_and_changes_nothing():
    async with running() as server:
        answer = await act(server.port, "/api/v1/collections/c-1/cancel", "POST", Content_Length="65537")
        assert (answer.status, answer.is_problem) == (413, True)
        assert server.hub.acted == []


class SlowNames(trio.abc.HostnameResolver):
    """A name service that takes its time and knows nothing."""

    async def getaddrinfo(self, *_args):
        await trio.sleep(0.2)
        raise OSError("no such name")

    async def getnameinfo(self, sockaddr, flags):
        raise NotImplementedError


@pytest.mark.parametrize("access", [Access(), Access(trusted_proxy="app_proxy")], ids=["answered", "refused"])
async def test_a_body_without_end_that_nobody_reads_ends_with_the_answer(access):
    """Even when it has filled every queue before the answer is written: here the refusal waits for a name."""
    trio.socket.set_custom_hostname_resolver(SlowNames())
    head = b"GET /api/v1/status HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + END
    async with running(access) as server, await connect(server.port) as client:
        await client.stream.send_all(head + b"1\r\na\r\n" * 10_000)
        with trio.fail_after(PATIENCE_S):
            assert (await client.rest()).startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 403 "))


async def test_a_body_without_end_under_an_event_stream_costs_no_memory_and_ends_with_it():
    head = b"GET /api/v1/events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + END
    async with running() as server, await connect(server.port) as client:
        await client.stream.send_all(head)
        assert (await client.head()).status == 200
        for _ in range(100):
            await client.stream.send_all(b"8000\r\n" + b"a" * 0x8000 + b"\r\n")
        assert await server.shut_down() < 2.5


async def test_pipelined_requests_are_answered_in_order():
    async with running() as server, await connect(server.port) as client:
        await client.stream.send_all(get(b"/healthz") + get(b"/nothing") + get(b"/readyz"))
        answers = []
        for _ in range(3):
            answer = await client.head()
            await client._body(answer)
            answers.append(answer.status)
        assert answers == [200, 404, 200]


@pytest.mark.parametrize("more", [b"x", get(b"/healthz"), b"x" * 100_000], ids=["a byte", "a request", "a lot"])
async def test_what_follows_the_last_request_is_not_read_and_keeps_nothing_open(more):
    async with running(limits=Limits(max_connections=1)) as server:
        request = get(b"/healthz", HOST + b"Connection: close\r\n")
        for _ in range(5):
            # The limit of one connection shows that the one before has really ended.
            await eventually_served(server.port)
            await talk(server.port, request + more)


async def eventually_served(port):
    with trio.fail_after(PATIENCE_S):
        while not (await talk(port, get(b"/healthz", HOST + b"Connection: close\r\n"))).startswith(b"HTTP/1.1 200"):
            pass


async def test_a_client_that_resets_in_the_middle_disturbs_nobody():
    async with running() as server:
        for _ in range(20):
            async with await connect(server.port) as client:
                client.stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                await client.send("/api/v1/snapshot")
        assert (await ask(server.port, "/healthz")).status == 200


async def test_no_answer_repeats_what_was_sent_as_markup():
    async with running() as server:
        answer = await talk(server.port, get(b"/<script>alert(1)</script>", HOST + b"Connection: close\r\n"))
        assert b"content-type: application/problem+json" in answer.lower()
        assert b"x-content-type-options: nosniff" in answer.lower()
