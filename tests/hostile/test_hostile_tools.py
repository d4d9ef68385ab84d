"""Hostile arguments: each gets an error a model can act on, other sessions and calls are untouched.

Bad arguments are tool errors, not protocol errors (MCP 2025-11-25, SEP-1303).
"""

import pytest
import trio

from testkit.memory_broker import MemoryBroker
from testkit.product import product

SESSION = object()  # stands for the open session's id
PASSWORD = "hunter2-secret"

CASES: list[tuple[str, str, dict[str, object], str, str]] = [
    # what, tool, arguments, kind of error, what the text must name
    ("no session", "list_topics", {}, "bad_argument", "session_id"),
    (
        "an unknown session",
        "list_topics",
        {"session_id": "00000000-0000-4000-8000-000000000000"},
        "session_unknown",
        "establish_connection",
    ),
    (
        "a session id that is no id",
        "list_topics",
        {"session_id": "../../etc/passwd"},
        "session_unknown",
        "establish_connection",
    ),
    ("an empty session id", "close_connection", {"session_id": ""}, "", "session"),
    ("a number as session", "close_connection", {"session_id": 5}, "bad_argument", "session_id"),
    ("an unknown argument", "list_topics", {"session_id": SESSION, "paterns": "#"}, "bad_argument", "pattern"),
    ("a duration below the limit", "list_topics", {"session_id": SESSION, "duration": 9}, "bad_argument", "10"),
    ("a duration above the limit", "list_topics", {"session_id": SESSION, "duration": 301}, "bad_argument", "300"),
    ("a duration in words", "list_topics", {"session_id": SESSION, "duration": "long"}, "bad_argument", "duration"),
    (
        "a huge duration",
        "subscribe_and_collect",
        {"session_id": SESSION, "topic_pattern": "#", "duration": 1e308},
        "bad_argument",
        "300",
    ),
    ("a negative wait", "list_topics", {"session_id": SESSION, "wait_s": -1}, "bad_argument", "wait_s"),
    (
        "no message wanted",
        "subscribe_and_collect",
        {"session_id": SESSION, "topic_pattern": "#", "max_messages": 0},
        "bad_argument",
        "max_messages",
    ),
    (
        "too many messages wanted",
        "subscribe_and_collect",
        {"session_id": SESSION, "topic_pattern": "#", "max_messages": 501},
        "bad_argument",
        "500",
    ),
    (
        "half a message wanted",
        "subscribe_and_collect",
        {"session_id": SESSION, "topic_pattern": "#", "max_messages": 1.5},
        "bad_argument",
        "max_messages",
    ),
    (
        "a qos of 3",
        "subscribe_and_collect",
        {"session_id": SESSION, "topic_pattern": "#", "qos": 3},
        "bad_argument",
        "qos",
    ),
    ("no filter", "subscribe_and_collect", {"session_id": SESSION}, "bad_argument", "topic_pattern"),
    ("an empty filter", "subscribe_and_collect", {"session_id": SESSION, "topic_pattern": ""}, "", "topic"),
    (
        "# in the middle",
        "subscribe_and_collect",
        {"session_id": SESSION, "topic_pattern": "a/#/b"},
        "topic_invalid",
        "#",
    ),
    ("# with company", "list_topics", {"session_id": SESSION, "pattern": "a/b#"}, "topic_invalid", "#"),
    ("+ with company", "get_topic_schema", {"session_id": SESSION, "topic_pattern": "a/b+/c"}, "topic_invalid", "+"),
    (
        "a filter with NUL",
        "subscribe_and_collect",
        {"session_id": SESSION, "topic_pattern": "a\x00b"},
        "topic_invalid",
        "U+0000",
    ),
    (
        "a filter of 65,536 bytes",
        "subscribe_and_collect",
        {"session_id": SESSION, "topic_pattern": "a" * 65_536},
        "",
        "65",
    ),
    (
        "a shared subscription",
        "subscribe_and_collect",
        {"session_id": SESSION, "topic_pattern": "$share/g/#"},
        "topic_invalid",
        "share",
    ),
    (
        "a topic with +",
        "publish_message",
        {"session_id": SESSION, "topic": "a/+/b", "payload": "1"},
        "topic_invalid",
        "+",
    ),
    ("a topic with #", "publish_message", {"session_id": SESSION, "topic": "#", "payload": "1"}, "topic_invalid", "#"),
    ("an empty topic", "publish_message", {"session_id": SESSION, "topic": "", "payload": "1"}, "", "topic"),
    (
        "a topic with NUL",
        "publish_message",
        {"session_id": SESSION, "topic": "a\x00", "payload": "1"},
        "topic_invalid",
        "U+0000",
    ),
    (
        "a topic of 65,536 bytes",
        "publish_message",
        {"session_id": SESSION, "topic": "ä" * 32_768, "payload": "1"},
        "",
        "65",
    ),
    (
        "a topic of the broker",
        "publish_message",
        {"session_id": SESSION, "topic": "$SYS/broker/version", "payload": "1"},
        "not_allowed_here",
        "$",
    ),
    (
        "a payload that is no string",
        "publish_message",
        {"session_id": SESSION, "topic": "a", "payload": {"state": "ON"}},
        "bad_argument",
        "payload",
    ),
    (
        "a payload that is a list",
        "publish_message",
        {"session_id": SESSION, "topic": "a", "payload": [1]},
        "bad_argument",
        "payload",
    ),
    (
        "a payload of 2 MiB",
        "publish_message",
        {"session_id": SESSION, "topic": "a", "payload": "x" * 2 * 1024 * 1024},
        "payload_too_large",
        "1,048,576",
    ),
    (
        "odd hex",
        "publish_message",
        {"session_id": SESSION, "topic": "a", "payload": "abc", "payload_encoding": "hex"},
        "bad_argument",
        "hex",
    ),
    (
        "broken base64",
        "publish_message",
        {"session_id": SESSION, "topic": "a", "payload": "%%%", "payload_encoding": "base64"},
        "bad_argument",
        "base64",
    ),
    (
        "an unknown encoding",
        "publish_message",
        {"session_id": SESSION, "topic": "a", "payload": "x", "payload_encoding": "rot13"},
        "bad_argument",
        "base64",
    ),
    (
        "retain in words",
        "publish_message",
        {"session_id": SESSION, "topic": "a", "payload": "x", "retain": "maybe"},
        "bad_argument",
        "retain",
    ),
    (
        "clearing without saying so",
        "publish_message",
        {"session_id": SESSION, "topic": "a", "payload": "", "retain": True},
        "bad_argument",
        "allow_clear",
    ),
    (
        "a user property without =",
        "publish_message",
        {"session_id": SESSION, "topic": "a", "payload": "x", "user_properties": ["novalue"]},
        "bad_argument",
        "user_properties",
    ),
    (
        "a response topic with wildcards",
        "publish_message",
        {"session_id": SESSION, "topic": "a", "payload": "x", "response_topic": "b/#"},
        "topic_invalid",
        "#",
    ),
    (
        "confirmation on a broken filter",
        "publish_message",
        {"session_id": SESSION, "topic": "a", "payload": "x", "confirm_topic": "b/#/c"},
        "topic_invalid",
        "#",
    ),
    (
        "an unknown collection",
        "collection_result",
        {"collection_id": "nope"},
        "collection_unknown",
        "list_active_connections",
    ),
    ("an unknown profile", "establish_connection", {"profile": "moon"}, "", "memory"),
    ("profile and url", "establish_connection", {"profile": "memory", "url": "mqtt://x"}, "bad_argument", "profile"),
    ("a url of another protocol", "establish_connection", {"url": "http://example.org"}, "", "mqtt"),
    ("a websocket url", "establish_connection", {"url": "ws://example.org:9001"}, "", "WebSocket"),
    ("a url without host", "establish_connection", {"url": "mqtt://:1883"}, "", "host"),
    ("a url with an impossible port", "establish_connection", {"url": "mqtt://example.org:99999"}, "", "port"),
    (
        "a broken url with a password",
        "establish_connection",
        {"url": f"mqtt://user:{PASSWORD}@example.org:port"},
        "",
        "port",
    ),
    ("a password without url", "establish_connection", {"password": PASSWORD}, "", "url"),
    (
        "an empty device with a filter that is none",
        "debug_device",
        {"session_id": SESSION, "device": "x", "pattern": "##"},
        "topic_invalid",
        "#",
    ),
    ("a very long device name", "debug_device", {"session_id": SESSION, "device": "x" * 100_000}, "", "device"),
]


@pytest.mark.parametrize(
    ("tool", "arguments", "kind", "names"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
async def test_a_hostile_argument_gets_an_error_a_model_can_act_on(autojump_clock, tool, arguments, kind, names):
    """The error has a kind, names what is wrong, is short, echoes no secret; the session is as it was."""
    broker = MemoryBroker()
    async with product(broker) as p:
        given = {name: p.session_id if value is SESSION else value for name, value in arguments.items()}
        start_s = trio.current_time()
        outcome = await p.client.call(tool, **given)
        assert outcome.is_error, outcome.text
        assert trio.current_time() == start_s, "refused at once, before anything is waited for"
        assert outcome.text.startswith(kind)
        assert names.lower() in outcome.text.lower()
        assert len(outcome.text) < 1500
        assert PASSWORD not in outcome.text
        assert "Traceback" not in outcome.text
        assert broker.received == []
        sessions = (await p.client.call("list_active_connections")).data["sessions"]
        assert [s["session_id"] for s in sessions] == [p.session_id]
        assert sessions[0]["state"] == "connected"


async def test_hostile_calls_do_not_touch_a_running_watch(autojump_clock):
    """A collection counts on while every hostile call of the table is refused beside it."""
    broker = MemoryBroker()
    async with product(broker) as p:
        watch = await p.client.start_call(
            "subscribe_and_collect", session_id=p.session_id, topic_pattern="#", duration=60
        )
        await trio.sleep(1)
        for number, (_, tool, arguments, _, _) in enumerate(CASES):
            given = {name: p.session_id if value is SESSION else value for name, value in arguments.items()}
            assert (await p.client.call(tool, **given)).is_error
            broker.publish(f"good/{number % 3}", b"%d" % number)
        outcome = await watch.outcome()
        assert not outcome.is_error, outcome.text
        assert outcome.data["observed"]["messages"] == len(CASES)
        assert p.client.strays == []
