"""What one line is, and what a reply looks like."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.wire import jsonrpc
from mqtt_mcp.wire.jsonrpc import Answer, Malformed, Notification, Request, parse

MALFORMED = [
    # line, code, id that the reply carries
    (b"nonsense", -32700, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"', -32700, None),
    (b"\xef\xbb\xbf{}", -32700, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', -32700, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","extra":"\xff"}', -32700, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}", -32700, None),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, None),
    (b"[]", -32600, None),
    (b"1", -32600, None),
    (b"null", -32600, None),
    (b'"text"', -32600, None),
    (b"{}", -32600, None),
    (b'{"jsonrpc":"2.0"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":7}', -32600, b"7"),
    (b'{"id":7,"method":"ping"}', -32600, b"7"),
    (b'{"jsonrpc":"1.0","id":7,"method":"ping"}', -32600, b"7"),
    (b'{"jsonrpc":2.0,"id":7,"method":"ping"}', -32600, b"7"),
    (b'{"jsonrpc":"2.0","id":7,"method":5}', -32600, b"7"),
    (b'{"jsonrpc":"2.0","id":7,"method":null}', -32600, b"7"),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":1.0,"method":"ping"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":[],"method":"ping"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":"' + b"x" * 300 + b'","method":"ping"}', -32600, None),
]


@pytest.mark.parametrize(("line", "code", "raw_id"), MALFORMED, ids=lambda value: repr(value)[:60])
def test_a_malformed_line_gets_its_code_and_the_id_when_there_was_a_valid_one(
    line: bytes, code: int, raw_id: bytes | None
) -> None:
    """JSON-RPC 2.0 §5.1; MCP: ids are strings or integers, never null; no batches since 2025-06-18."""
    message = parse(line)

    assert isinstance(message, Malformed)
    assert (message.code, message.raw_id) == (code, raw_id)


@pytest.mark.parametrize(
    ("raw_id", "value"),
    [(b"1", 1), (b"0", 0), (b"-5", -5), (b'"1"', "1"), (b'""', ""), (b'"\\u0061"', "a"), (b"9" * 30, int("9" * 30))],
)
def test_a_request_keeps_its_id_as_it_came(raw_id: bytes, value: int | str) -> None:
    """JSON-RPC 2.0 §5: the reply's id is the same as the request's, type included."""
    message = parse(b'{"jsonrpc":"2.0","id":' + raw_id + b',"method":"m","params":{"a":1},"unknown":[1]}')

    assert isinstance(message, Request)
    assert (message.raw_id, message.id, message.method) == (raw_id, value, "m")
    assert message.params is not None
    assert bytes(message.params) == b'{"a":1}'


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb"\ud83d", b"\\ufffd"),
        (rb"\ude00\ud83d", rb"\ufffd\ufffd"),
        (rb"\ud83d\ude00\ud83d", rb"\ud83d\ude00\ufffd"),
        (rb"\\ud83d\ud83d", rb"\\ud83d\ufffd"),
    ],
)
def test_half_a_character_is_replaced_so_that_the_request_can_be_answered(written: bytes, read: bytes) -> None:
    """Ours: models cut emoji in two; msgspec refuses the line, and an error without id leaves the client waiting."""
    message = parse(b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"' + written + b'"}}')

    assert isinstance(message, Request)
    assert bytes(message.params or b"") == b'{"a":"' + read + b'"}'


@pytest.mark.parametrize("params", [b"", b',"params":null'])
def test_absent_and_null_params_are_the_same(params: bytes) -> None:
    """Ours: several clients send null for what JSON-RPC lets them leave out."""
    message = parse(b'{"jsonrpc":"2.0","id":1,"method":"m"' + params + b"}")

    assert isinstance(message, Request)
    assert message.params is None


def test_a_message_without_id_is_a_notification() -> None:
    """JSON-RPC 2.0 §4.1."""
    assert isinstance(parse(b'{"jsonrpc":"2.0","method":"notifications/initialized"}'), Notification)


@pytest.mark.parametrize(
    "line", [b'{"jsonrpc":"2.0","id":1,"result":{}}', b'{"jsonrpc":"2.0","error":{"code":1,"message":"x"}}']
)
def test_a_reply_nobody_waits_for_is_no_mistake(line: bytes) -> None:
    """Ours: we ask clients nothing, so their replies are ignored instead of refused."""
    assert isinstance(parse(line), Answer)


@given(st.binary(max_size=200))
def test_no_bytes_make_parsing_raise(line: bytes) -> None:
    """Ours: malformed bytes never end the process."""
    parse(line)


def test_replies_are_single_lines_of_json_with_the_id_verbatim() -> None:
    """MCP stdio transport: one message per line, no embedded newlines; no null id in an error."""
    assert jsonrpc.result_line(b'"a"', b"{}") == b'{"jsonrpc":"2.0","id":"a","result":{}}\n'
    assert json.loads(jsonrpc.error_line(None, -32700, "two\nlines")) == {
        "jsonrpc": "2.0",
        "error": {"code": -32700, "message": "two\nlines"},
    }
    assert json.loads(jsonrpc.error_line(b"5", -32022, "m", {"a": 1}))["error"]["data"] == {"a": 1}
    for line in (jsonrpc.error_line(b"5", 1, "two\nlines"), jsonrpc.notification_line("m", {"text": "two\nlines"})):
        assert line.count(b"\n") == 1
        assert line.endswith(b"}\n")


def test_a_word_of_the_client_is_quoted_in_plain_ascii_and_bounded() -> None:
    """Ours: foreign text in our sentences shows neither control characters nor length."""
    assert jsonrpc.quoted("a\x1b[31mb\u202e") == r"'a\x1b[31mb\u202e'"
    assert jsonrpc.quoted("x" * 100) == f"'{'x' * 60}' (cut)"
