"""publish_message: gates, outcomes and answers, through the wire, on a broker in memory."""

import pytest
import trio

from mqtt_mcp.commands._application import HubApplication
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.mqtt.client import Properties, Publication
from mqtt_mcp.mqtt.errors import TimedOut, Unreachable
from mqtt_mcp.settings import DEFAULTS
from mqtt_mcp.tools._publish_warnings import publish_warnings
from testkit.hub import Keeping, memory_hub, no_progress, watch_request
from testkit.mcp_client import connected
from testkit.memory_broker import MemoryBroker, MemoryClient
from testkit.product import product


async def test_an_acknowledged_publish_that_nobody_receives_says_so(autojump_clock):
    """MQTT 5 §3.4.2.1: 0x10 is success, and the commonest sign of a wrong topic."""
    broker = MemoryBroker(latency_s=0.02)
    async with product(broker) as p:
        result = await p.call("publish_message", topic="home/lamp/set", payload='{"state":"ON"}')

    assert result["outcome"] == "acknowledged"
    assert result["reason_code"] == 16
    assert result["meaning"] == "no matching subscribers"
    assert "nobody received it" in result["detail"]
    assert result["ack_ms"] == pytest.approx(20, abs=1)
    assert broker.received == [Publication("home/lamp/set", b'{"state":"ON"}', 1)]


@pytest.mark.parametrize(("qos", "outcome"), [(0, "sent"), (1, "acknowledged"), (2, "acknowledged")])
async def test_only_an_acknowledgement_makes_it_acknowledged(autojump_clock, qos, outcome):
    """QoS 0 is never acknowledged."""
    async with product(MemoryBroker()) as p:
        result = await p.call("publish_message", topic="a", payload="x", qos=qos)

    assert result["outcome"] == outcome
    assert ("ack_ms" in result) is (qos > 0)


async def test_without_an_acknowledgement_in_time_the_outcome_is_unknown_not_failed(autojump_clock):
    """Architecture, deadlines: publish_ack_timeout_s 10."""
    broker = MemoryBroker()
    async with product(broker) as p:
        broker.silent.add("publish")
        started = trio.current_time()
        result = await p.call("publish_message", topic="a", payload="x")
        took = trio.current_time() - started

    assert result["outcome"] == "unknown"
    assert "PUBACK" in result["detail"]
    assert took == pytest.approx(10, abs=0.1)


async def test_a_publish_that_never_left_is_not_sent(autojump_clock, monkeypatch):
    """A full window or a peer that does not read: the adapter knows that nothing was written."""

    async def stuck(_client, _publication):
        raise TimedOut("Nothing was sent: the broker acknowledges nothing for 10 s.", stage="window", seconds=10)

    async with product(MemoryBroker()) as p:
        monkeypatch.setattr(MemoryClient, "publish", stuck)
        result = await p.call("publish_message", topic="a", payload="x")

    assert result["outcome"] == "not_sent"


async def test_while_reconnecting_nothing_is_sent_and_the_outcome_says_so(autojump_clock):
    """Decisions, publishing: not_sent."""
    broker = MemoryBroker()
    async with product(broker) as p:
        broker.refuse.append(Unreachable("memory.test:1883: Connection refused."))
        broker.drop_all()
        await trio.sleep(0.5)
        result = await p.call("publish_message", topic="a", payload="x")

    assert result["outcome"] == "not_sent"
    assert broker.received == []


async def test_a_connection_lost_before_the_acknowledgement_leaves_it_unknown(autojump_clock, nursery):
    """The broker may have had it."""
    broker = MemoryBroker(latency_s=1.0)
    async with product(broker) as p:
        pending = await p.client.start_call("publish_message", session_id=p.session_id, topic="a", payload="x")
        await trio.sleep(0.5)
        broker.drop_all()
        result = (await pending.outcome()).data

    assert result["outcome"] == "unknown"
    assert "look before publishing again" in result["detail"]


async def test_a_refusal_by_the_access_list_is_an_error_of_its_kind(autojump_clock):
    """PUBACK 0x87."""
    async with product(MemoryBroker(deny_publish=["secret/#"])) as p:
        outcome = await p.client.call("publish_message", session_id=p.session_id, topic="secret/x", payload="x")

    assert outcome.is_error
    assert "not_authorized" in outcome.text


@pytest.mark.parametrize(
    ("encoding", "payload", "sent"),
    [("text", "grün", "grün".encode()), ("hex", "00 ff0A", b"\x00\xff\n"), ("base64", "AP8=", b"\x00\xff")],
)
async def test_payloads_may_be_text_hex_or_base64(autojump_clock, encoding, payload, sent):
    """Binary payloads have to be possible."""
    broker = MemoryBroker()
    async with product(broker) as p:
        await p.call("publish_message", topic="a", payload=payload, payload_encoding=encoding)

    assert broker.received[0].payload == sent


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"topic": "a/+/b", "payload": "x"}, ["topic_invalid", "'+'", "character 3"]),
        ({"topic": "", "payload": "x"}, ["topic_invalid", "empty"]),
        ({"topic": "a\x00b", "payload": "x"}, ["topic_invalid", "U+0000"]),
        ({"topic": "x" * 65_536, "payload": "x"}, ["topic_invalid", "65,536"]),
        ({"topic": "$SYS/x", "payload": "x"}, ["not_allowed_here", "$"]),
        ({"topic": "a", "payload": "zz", "payload_encoding": "hex"}, ["bad_argument", "hex"]),
        ({"topic": "a", "payload": "?", "payload_encoding": "base64"}, ["bad_argument", "base64"]),
        ({"topic": "a", "payload": "x", "payload_encoding": "gzip"}, ["bad_argument", "payload_encoding"]),
        ({"topic": "a", "payload": "x", "qos": 3}, ["bad_argument", "qos"]),
        ({"topic": "a", "payload": {"on": True}}, ["bad_argument", "payload"]),
        ({"topic": "a", "payload": "x" * 101}, ["payload_too_large", "101 bytes", "100"]),
        ({"topic": "a", "payload": "", "retain": True}, ["bad_argument", "allow_clear"]),
        ({"topic": "a", "payload": "x", "user_properties": ["nonsense"]}, ["bad_argument", "key=value"]),
        ({"topic": "a", "payload": "x", "response_topic": "a/#"}, ["topic_invalid", "'#'"]),
        ({"topic": "a", "payload": "x", "confirm_topic": "a/#/b"}, ["topic_invalid", "'#'"]),
        ({"topic": "a", "payload": "x", "confirm_topic": "hidden/x"}, ["not_allowed_here", "hidden/#"]),
        ({"topic": "a", "payload": "x", "confirm_topic": "denied"}, ["not_authorized", "Nothing was published"]),
        ({"topic": "locked/door", "payload": "x"}, ["not_allowed_here", "locked/#"]),
        ({"topic": "a", "payload": "x", "qos": 2}, ["qos_not_supported"]),
    ],
)
async def test_what_may_not_be_published_is_refused_before_anything_is_sent(autojump_clock, arguments, words):
    """One row for each refusal."""
    broker = MemoryBroker(deny_subscribe=["denied"], max_qos=1)
    async with product(
        broker,
        policy=AccessPolicy(publish_deny=("locked/#",), read_deny=("hidden/#",)),
        settings=type(DEFAULTS)(max_publish_bytes=100),
    ) as p:
        outcome = await p.client.call("publish_message", session_id=p.session_id, **arguments)

    assert outcome.is_error, outcome.data
    for word in words:
        assert word in outcome.text
    assert broker.received == []


async def test_a_stored_message_is_deleted_when_that_is_said_out_loud(autojump_clock):
    """An empty retained payload deletes (MQTT 5 §3.3.1.3)."""
    broker = MemoryBroker()
    broker.publish("a", b"old", retain=True)
    async with product(broker) as p:
        result = await p.call("publish_message", topic="a", payload="", retain=True, allow_clear=True)

    assert broker.retained == {}
    assert "stored message is deleted" in result["detail"]


async def test_properties_go_out_on_mqtt_5_and_are_owned_up_to_on_3_1_1(autojump_clock):
    """MQTT 3.1.1 has none."""
    arguments = {
        "topic": "a",
        "payload": "{}",
        "content_type": "application/json",
        "response_topic": "a/answer",
        "user_properties": ["source=assistant", "k=a=b"],
        "message_expiry_s": 60,
    }
    new, old = MemoryBroker(), MemoryBroker(protocol="3.1.1")
    async with product(new) as p:
        await p.call("publish_message", **arguments)
    async with product(old) as p:
        result = await p.call("publish_message", **arguments)

    assert new.received[0].properties == Properties(
        content_type="application/json",
        response_topic="a/answer",
        message_expiry_s=60,
        user_properties=(("source", "assistant"), ("k", "a=b")),
    )
    assert "no properties" in result["warnings"][0]
    assert "reason_code" not in result


async def lamp(broker, nursery):
    """A device: answers a set 100 ms later on its state topic, twice."""
    seen = 0
    while True:
        await trio.sleep(0.01)
        for publication in broker.received[seen:]:
            seen += 1
            if publication.topic == "home/lamp/set":
                await trio.sleep(0.1)
                broker.publish("home/lamp", b'{"state":"ON"}')
                broker.publish("home/lamp", b'{"state":"ON","brightness":10}')


async def test_the_answer_of_the_device_is_seen_in_the_same_call(autojump_clock, nursery):
    """Zigbee2MQTT's set → state; stored messages are old and no answer; the wait ends soon after the answer."""
    broker = MemoryBroker()
    broker.publish("home/lamp", b'{"state":"OFF"}', retain=True)
    nursery.start_soon(lamp, broker, nursery)
    async with product(broker) as p:
        started = trio.current_time()
        result = await p.call(
            "publish_message", topic="home/lamp/set", payload="ON", confirm_topic="home/#", confirm_seconds=30
        )
        took = trio.current_time() - started
        assert broker.sessions[0].subscriptions == {}

    own, first, second = result["responses"]
    assert own["own"] is True
    assert first["topic"] == "home/lamp"
    assert first["payload"] == '{"state":"ON"}'
    assert first["format"] == "json"
    assert first["after_ms"] == pytest.approx(110, abs=15)
    assert "brightness" in second["payload"]
    assert result["confirmation"].startswith("2 messages came on confirm_topic, the first after")
    assert took < 2


async def test_no_answer_is_told_after_the_time_given(autojump_clock):
    """The device may be off."""
    async with product(MemoryBroker()) as p:
        started = trio.current_time()
        result = await p.call("publish_message", topic="a", payload="x", confirm_topic="b", confirm_seconds=3)
        took = trio.current_time() - started

    assert "responses" not in result
    assert "Nothing came on confirm_topic within 3 s" in result["confirmation"]
    assert took == pytest.approx(3, abs=0.01)


async def test_at_most_ten_answers_are_kept(autojump_clock, nursery):
    """Bounded, whatever a device sends."""
    broker = MemoryBroker()

    async def chatter() -> None:
        while True:
            await trio.sleep(0.05)
            broker.publish("b", b"x" * 5000)

    nursery.start_soon(chatter)
    async with product(broker) as p:
        result = await p.call("publish_message", topic="a", payload="x", confirm_topic="b", confirm_seconds=30)

    assert len(result["responses"]) == 10
    assert all(response["cut"] for response in result["responses"])
    assert len(str(result)) < 24_000


async def test_a_confirmation_takes_nothing_from_a_running_collection(autojump_clock, nursery):
    """Two listeners of one session both see every message."""
    broker = MemoryBroker()
    nursery.start_soon(lamp, broker, nursery)
    keeping = Keeping()
    async with product(broker) as p:
        client = p.hub.client_opened("test")
        session = p.hub.session(p.session_id, client)
        await p.hub.watch(
            session,
            watch_request(keeping, "home/#", duration_s=60),
            wait_s=0,
            client=client,
            report_progress=no_progress,
        )
        await p.call("publish_message", topic="home/lamp/set", payload="ON", confirm_topic="home/lamp")

    assert keeping.topics == ["home/lamp/set", "home/lamp", "home/lamp"]


async def test_read_only_takes_the_tool_away(autojump_clock):
    """Decisions, publishing: --read-only removes the tool."""
    async with (
        memory_hub(MemoryBroker(), policy=AccessPolicy(read_only=True)) as hub,
        connected(HubApplication(hub)) as client,
    ):
        tools = await client.request("tools/list")

    assert "publish_message" not in [tool["name"] for tool in tools["tools"]]


@pytest.mark.parametrize(
    ("topic", "payload", "retain", "words"),
    [
        ("home/lamp/set", b"ON", True, "executed again"),
        ("zigbee2mqtt/lamp/set/state", b"ON", True, "executed again"),
        ("cmnd/plug/POWER", b"ON", True, "executed again"),
        ("/a", b"x", False, "slash"),
        ("a/", b"x", False, "slash"),
        ("a//b", b"x", False, "empty level"),
        ("homeassistant/light/x/config", b"{}", True, "entity"),
        ("spBv1.0/g/NCMD/node", b"{}", False, "protobuf"),
        ("zigbee2mqtt/bridge/request/permit_join", b"{}", False, "administer"),
        ("a", b'{"a":', False, "not valid JSON"),
    ],
)
def test_surprising_messages_are_warned_about(topic, payload, retain, words):
    """analysis.md §7, guard rails."""
    (warning,) = publish_warnings(Publication(topic, payload, 1, retain), protocol="5.0")

    assert words in warning


@pytest.mark.parametrize("topic", ["home/lamp/state", "a", "grün/ß"])
def test_ordinary_messages_are_not(topic):
    """A warning on everything is a warning on nothing."""
    assert publish_warnings(Publication(topic, b'{"a":1}', 1, retain=True), protocol="5.0") == []
