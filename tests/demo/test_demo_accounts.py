"""The tour's checks can fail: each accepts a true answer and refuses what a wrong server would say."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from mqtt_mcp.demo import accounts, accounts_listening
from mqtt_mcp.demo.checks import Check, mentions, payload_values, some

CLIMATE = "zigbee2mqtt/living_room_climate"
PLUG = "zigbee2mqtt/kitchen_plug"
PAYLOAD = '{"temperature":21.4}'

TRUE: dict[
    str, tuple[Callable[[dict[str, Any]], list[str]], Callable[[dict[str, Any]], list[Check]], dict[str, Any]]
] = {
    "diagnosis": (
        accounts_listening.diagnosis,
        accounts_listening.check_diagnosis,
        {
            "ok": True,
            "verdict": "All well.",
            "advice": [],
            "stages": [{"stage": "tcp", "status": "ok", "ms": 1.0}, {"stage": "loopback", "status": "ok", "ms": 2.0}],
        },
    ),
    "connection": (
        accounts.connection,
        lambda data: accounts.check_connection(data, "mqtt://127.0.0.1:1"),
        {
            "session_id": "s",
            "broker": "mqtt://127.0.0.1:1",
            "protocol": "3.1.1",
            "capabilities": {"max_qos": 2, "retain_available": True},
            "expires_in_s": 3600.0,
        },
    ),
    "topics": (
        accounts_listening.topics,
        accounts_listening.check_topics,
        {
            "observed": {"topics": 8, "messages": 9},
            "window": {"elapsed_s": 10.0},
            "conventions": ["tasmota", "zigbee2mqtt"],
            "rows": [
                f"{topic}\t1\t0.1\t0.2\t{'RB' if 'camera' in topic else 'R'}"
                for topic in sorted(accounts_listening.EXPECTED_TOPICS)
            ],
        },
    ),
    "performance": (
        accounts_listening.performance,
        accounts_listening.check_performance,
        {
            "traffic": {
                "rates": {"messages_per_s_mean": 3.4, "messages_per_s_peak": 6},
                "top_by_messages": [{"topic": PLUG}],
            },
            "probe": {
                "qos": [
                    {"qos": qos, "sent": 9, "received": 9, "lost": 0, "round_trip_ms": {"p50": 1.0}} for qos in range(3)
                ]
            },
            "findings": [],
        },
    ),
    "messages": (
        accounts_listening.messages,
        accounts_listening.check_messages,
        {"observed": {"messages": 4}, "messages": [{"topic": CLIMATE, "payload": PAYLOAD}]},
    ),
    "schema": (
        accounts_listening.schema,
        accounts_listening.check_schema,
        {
            "schemas": [
                {
                    "encoding": "json",
                    "messages": 4,
                    "template": CLIMATE,
                    "schema": {
                        "properties": {
                            "temperature": {"type": "number"},
                            "humidity": {"type": "number"},
                            "battery": {"type": "integer"},
                            "last_seen": {"type": "string"},
                        }
                    },
                }
            ]
        },
    ),
    "devices": (
        accounts_listening.devices,
        accounts_listening.check_devices,
        {
            "verdict": '1 of 8 devices are offline: "garden_sensor".',
            "devices": [
                {"name": "garden_sensor", "availability": "offline", "findings": ["battery_low", "link_weak"]},
                {"name": "bridge", "availability": "online", "findings": ["error_log"]},
                {"name": "freezer", "availability": "online"},
                {"name": "garage/camera", "availability": "online"},
                {"name": "kitchen_motion", "availability": "online"},
                {"name": "kitchen_plug", "availability": "online"},
                {"name": "living_room_climate", "availability": "online"},
                {"name": "washing_machine", "availability": "online"},
            ],
        },
    ),
    "device": (
        accounts_listening.device,
        accounts_listening.check_device,
        {
            "verdict": '"garden_sensor" is offline.',
            "availability": "offline",
            "findings": [
                {"code": "device_offline", "severity": "high", "title": "Offline."},
                {"code": "battery_low", "severity": "medium", "title": "The battery is at 4 %.", "value": "4"},
                {"code": "link_weak", "severity": "low", "title": "The radio link is weak."},
                {
                    "code": "error_log",
                    "severity": "high",
                    "title": "Its bridge logged errors.",
                    "messages": ["z2m: Failed to ping 'garden_sensor'"],
                },
            ],
        },
    ),
    "published": (
        accounts.published,
        accounts.check_published,
        {
            "outcome": "acknowledged",
            "detail": "The broker has it.",
            "ack_ms": 1.0,
            "responses": [{"topic": PLUG, "after_ms": 3.0, "payload": '{"state":"OFF"}'}],
        },
    ),
    "started": (accounts.started, accounts.check_started, {"status": "running", "collection_id": "c"}),
    "collected": (
        accounts.collected,
        accounts.check_collected,
        {
            "tool": "subscribe_and_collect",
            "status": "complete",
            "result": {"messages": [{"topic": PLUG, "payload": f'{{"state":"{state}"}}'} for state in ("ON", "OFF")]},
        },
    ),
    "sessions": (
        accounts.sessions,
        lambda data: accounts.check_sessions(data, "s", "http://127.0.0.1:8090/"),
        {
            "sessions": [
                {"session_id": "s", "broker": "b", "state": "connected", "protocol": "3.1.1", "messages_dropped": 0}
            ],
            "collections": [],
            "publishing": "on",
            "monitor": "http://127.0.0.1:8090/",
        },
    ),
    "closed": (
        accounts.closed,
        accounts.check_closed,
        {"closed": True, "messages_received": 3, "collections_ended": 0},
    ),
}

FALSE: list[tuple[str, tuple[str | int, ...], Any]] = [
    ("diagnosis", ("ok",), False),
    ("diagnosis", ("stages", 0, "status"), "fail"),
    ("diagnosis", ("stages", 1, "status"), "skipped"),
    ("connection", ("broker",), "mqtt://elsewhere:1883"),
    ("connection", ("protocol",), "5.0"),
    ("topics", ("rows",), []),
    ("topics", ("rows", 0), "garage/camera/thumbnail\t1\t0\t0\tR"),
    ("topics", ("rows", 1), "zzz\t1\t0\t0\tR"),
    ("topics", ("conventions",), ["tasmota"]),
    ("performance", ("traffic", "rates", "messages_per_s_mean"), 0.0),
    ("performance", ("probe", "qos", 2, "lost"), 1),
    ("performance", ("probe", "qos", 0, "sent"), 0),
    ("performance", ("probe", "qos"), []),
    ("performance", ("findings",), [{"severity": "high", "evidence": "duplicates"}]),
    ("messages", ("messages", 0, "topic"), "other"),
    ("messages", ("messages", 0, "payload"), '{"temperature":327.67}'),
    ("messages", ("messages", 0, "payload"), "{}"),
    ("messages", ("observed", "messages"), 8),
    ("schema", ("schemas", 0, "schema", "properties", "battery", "type"), "string"),
    ("schema", ("schemas", 0, "schema"), {}),
    ("devices", ("verdict",), "All is well."),
    ("devices", ("devices", 0, "availability"), "online"),
    ("devices", ("devices", 0, "findings"), ["battery_low"]),
    ("devices", ("devices", 2, "availability"), "offline"),
    ("devices", ("devices", 2, "findings"), ["silence_gap"]),
    ("device", ("availability",), "online"),
    ("device", ("findings", 0, "code"), "flapping"),
    ("device", ("findings", 1, "value"), "87"),
    ("device", ("findings", 2, "code"), "jitter"),
    ("device", ("findings", 3, "messages"), []),
    ("published", ("outcome",), "sent"),
    ("published", ("responses",), []),
    ("published", ("responses", 0, "payload"), '{"state":"ON"}'),
    ("started", ("status",), "complete"),
    ("started", ("collection_id",), ""),
    ("collected", ("status",), "partial"),
    ("collected", ("result", "messages", 1, "payload"), '{"state":"ON"}'),
    ("sessions", ("sessions",), []),
    ("sessions", ("sessions", 0, "session_id"), "other"),
    ("sessions", ("sessions", 0, "messages_dropped"), 2),
    ("closed", ("closed",), False),
    ("closed", ("messages_received",), 0),
]


@pytest.mark.parametrize("name", TRUE)
def test_a_true_answer_passes_every_check_and_can_be_told(name):
    """What the real server says in the tour, cut down to what is read."""
    account, check, data = TRUE[name]

    assert all(account(data))
    assert [one.sentence for one in check(data) if not one.ok] == []


@pytest.mark.parametrize(("name", "path", "value"), FALSE)
def test_a_false_answer_fails_a_check(name, path, value):
    """One thing wrong in an otherwise true answer must not pass."""
    _, check, data = TRUE[name]
    wrong = copy.deepcopy(data)
    inner: Any = wrong
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value

    assert not all(one.ok for one in check(wrong))


def test_words_are_found_anywhere_in_an_answer():
    """Answers are nested; letters' case does not matter."""
    assert mentions({"a": [{"b": "Device OFFLINE"}]}, "offline", "device")
    assert not mentions({"a": 1}, "offline")


@pytest.mark.parametrize("text", ["", "[1]", "nonsense", "{", "7"])
def test_a_payload_that_is_no_object_has_no_values(text):
    """A payload is any text a device wrote."""
    assert payload_values(text) == {}


def test_a_long_list_says_how_much_is_left_out():
    """A person sees a few lines and knows that there are more."""
    assert some(["a", "b", "c"], 2) == ["a", "b", "… and 1 more"]
    assert some(["a"], 2) == ["a"]
