"""What the MQTT port promises, on both implementations and both protocol versions.

Provenance: MQTT 5 and 3.1.1, and the docstrings of ``mqtt/client.py``. The in-memory broker mirrors mosquitto 2.0.11
where the standard leaves a choice; this suite is what keeps it honest.
"""

import uuid
from collections import Counter
from typing import Any

import pytest
import trio

from mqtt_mcp.mqtt.client import Message, MqttClient, Properties, Publication, Subscription
from mqtt_mcp.mqtt.errors import (
    ConnectionLost,
    CredentialsRefused,
    NotAuthorized,
    PayloadTooLarge,
    QosNotSupported,
    Rejected,
    RetainNotSupported,
    TopicInvalid,
)
from testkit import mosquitto as kit

World = Any


@pytest.fixture
def base() -> str:
    """A topic level of this test alone: the brokers are shared."""
    return uuid.uuid4().hex[:8]


async def receive(client: MqttClient, count: int) -> list[Message]:
    got: list[Message] = []
    with trio.fail_after(10):
        while len(got) < count:
            got += await client.receive_batch()
    return got


async def receive_until(client: MqttClient, topic: str) -> list[Message]:
    got: list[Message] = []
    with trio.fail_after(10):
        while not any(m.topic == topic for m in got):
            got += await client.receive_batch()
    return got


async def test_granted_qos_comes_back_per_filter_in_order(world: World, clock: object, base: str) -> None:
    """SUBACK has one code per filter in order (MQTT-3.8.4-6), at most the broker's Maximum QoS where it has one."""
    filters = [Subscription(f"{base}/{qos}", qos, identifier) for qos, identifier in ((2, 3), (0, 0), (1, 3), (2, 1))]
    async with world.connect() as client:
        assert await client.subscribe(filters) == [2, 0, 1, 2]
    async with world.connect("limited") as client:
        assert await client.subscribe(filters) == [1, 0, 1, 1]


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize(
    "payload", [b"", b"text", bytes(range(256)), b"x" * 70_000], ids=["empty", "text", "bytes", "70k"]
)
async def test_a_message_arrives_once_as_it_was_sent(
    world: World, clock: object, base: str, qos: int, payload: bytes
) -> None:
    """Payloads are opaque bytes (MQTT 5 §3.3.3); QoS of the delivery is min(published, subscribed) (§3.8.4)."""
    async with world.connect() as reader, world.connect() as writer:
        await reader.subscribe([Subscription(f"{base}/#", 1)])
        await writer.publish(Publication(f"{base}/a", payload, qos))
        await writer.publish(Publication(f"{base}/end", b"", qos))
        first, last = await receive(reader, 2)
    assert (first.topic, first.payload, first.qos) == (f"{base}/a", payload, min(qos, 1))
    assert not first.retain
    assert not first.dup
    assert last.topic == f"{base}/end"


async def test_stored_messages_come_with_retain_and_again_on_each_subscribe(
    world: World, clock: object, base: str
) -> None:
    """Retain is 1 only for what was stored before (MQTT-3.3.1-8, -12); subscribing again repeats it (MQTT-3.8.4-3)."""
    async with world.connect() as client:
        await client.publish(Publication(f"{base}/r", b"stored", 1, retain=True))
        await client.subscribe([Subscription(f"{base}/r", 1)])
        (stored,) = await receive(client, 1)
        await client.publish(Publication(f"{base}/r", b"live", 1, retain=True))
        (live,) = await receive(client, 1)
        await client.subscribe([Subscription(f"{base}/r", 1)])
        (again,) = await receive(client, 1)
        await client.publish(Publication(f"{base}/r", b"", 1, retain=True))
        (cleared,) = await receive(client, 1)
        await client.subscribe([Subscription(f"{base}/r", 1)])
        await client.publish(Publication(f"{base}/r", b"only this", 1))
        after = await receive(client, 1)
    assert [(m.payload, m.retain) for m in (stored, live, again, cleared)] == [
        (b"stored", True),
        (b"live", False),
        (b"live", True),
        (b"", False),
    ]
    assert [m.payload for m in after] == [b"only this"]


async def test_retain_as_published_shows_what_the_publisher_set(world: World, clock: object, base: str) -> None:
    """With the option live messages keep their flag (MQTT-3.3.1-12); 3.1.1 knows no option and clears it."""
    async with world.connect() as writer, world.connect() as observer, world.connect() as plain:
        await observer.subscribe([Subscription(f"{base}/#", 1, retain_as_published=True)])
        await plain.subscribe([Subscription(f"{base}/#", 1)])
        await writer.publish(Publication(f"{base}/kept", b"", 1, retain=True))
        await writer.publish(Publication(f"{base}/not", b"", 1))
        seen, cleared = await receive(observer, 2), await receive(plain, 2)
    assert [m.retain for m in seen] == [world.v5, False]
    assert [m.retain for m in cleared] == [False, False]


@pytest.mark.parametrize("handling", [0, 1, 2])
async def test_retain_handling_says_when_stored_messages_are_sent(
    world: World, clock: object, base: str, handling: int
) -> None:
    """0 with each SUBSCRIBE, 1 with the first only, 2 never (MQTT 5 §3.8.3.1); 3.1.1 always sends them."""
    async with world.connect() as client:
        await client.publish(Publication(f"{base}/r", b"stored", 1, retain=True))
        for end in ("one", "two"):
            await client.subscribe(
                [Subscription(f"{base}/r", 1, retain_handling=handling), Subscription(f"{base}/{end}")]
            )
            await client.publish(Publication(f"{base}/{end}", b"", 1))
        got = await receive_until(client, f"{base}/two")
        await client.publish(Publication(f"{base}/r", b"", 1, retain=True))
    expected = {0: 2, 1: 1, 2: 0}[handling] if world.v5 else 2
    assert sum(m.payload == b"stored" for m in got) == expected


async def test_an_unknown_retain_handling_is_refused_before_anything_is_sent(world: World, clock: object) -> None:
    """3 is a protocol error (MQTT 5 §3.8.3.1): the broker would close the connection."""
    async with world.connect() as client:
        with pytest.raises(Rejected):
            await client.subscribe([Subscription("a", retain_handling=3)])
        assert await client.ping() >= 0


async def test_overlapping_filters_deliver_as_mosquitto_does(world: World, clock: object, base: str) -> None:
    """MQTT 5 §3.3.4 allows one copy per subscription, each with its identifier; 3.1.1 clients get one copy."""
    async with world.connect() as client:
        await client.subscribe(
            [Subscription(f"{base}/#", 0, 1), Subscription(f"{base}/+", 2, 2), Subscription(f"{base}/x", 1, 3)]
        )
        await client.publish(Publication(f"{base}/x", b"1", 1))
        got = await receive(client, 3 if world.v5 else 1)
        await client.publish(Publication(f"{base}/deeper/x", b"end", 1))
        (end,) = await receive(client, 1)
    if world.v5:
        assert sorted((m.subscription_ids, m.qos) for m in got) == [((1,), 0), ((2,), 1), ((3,), 1)]
    else:
        assert [m.subscription_ids for m in got] == [()]
    assert end.topic == f"{base}/deeper/x"


async def test_nothing_arrives_after_unsubscribing(world: World, clock: object, base: str) -> None:
    """UNSUBACK means that no new message is sent for the filter (MQTT-3.10.4-2)."""
    async with world.connect() as client:
        await client.subscribe([Subscription(f"{base}/a"), Subscription(f"{base}/b")])
        await client.unsubscribe([f"{base}/a"])
        await client.publish(Publication(f"{base}/a", b"", 1))
        await client.publish(Publication(f"{base}/b", b"", 1))
        assert [m.topic for m in await receive(client, 1)] == [f"{base}/b"]


async def test_topics_and_filters_of_any_language_work(world: World, clock: object, base: str) -> None:
    """Lengths are counted in bytes, not characters: gmqtt's own str path corrupts UNSUBSCRIBE and client ids."""
    async with world.connect(client_id=f"gerät-{base}") as client:
        assert await client.subscribe([Subscription(f"{base}/küche/+/温度", 1), Subscription(f"{base}/ok", 1)]) == [
            1,
            1,
        ]
        await client.publish(Publication(f"{base}/küche/ofen/温度", "21 °C".encode(), 1))
        (message,) = await receive(client, 1)
        await client.unsubscribe([f"{base}/küche/+/温度"])
        await client.publish(Publication(f"{base}/küche/ofen/温度", b"", 1))
        await client.publish(Publication(f"{base}/ok", b"", 1))
        assert [m.topic for m in await receive(client, 1)] == [f"{base}/ok"]
    assert message.topic == f"{base}/küche/ofen/温度"
    assert client.client_id == f"gerät-{base}"


async def test_a_wildcard_does_not_show_the_brokers_own_topics(world: World, clock: object, base: str) -> None:
    """A filter that begins with a wildcard does not match $-topics (MQTT-4.7.2-1); naming them does."""
    async with world.connect() as client:
        await client.subscribe([Subscription("#"), Subscription("+/broker/version")])
        await client.publish(Publication(base, b"", 1))
        assert not [m.topic for m in await receive_until(client, base) if m.topic.startswith("$")]
        await client.subscribe([Subscription("$SYS/broker/version")])
        await receive_until(client, "$SYS/broker/version")


async def test_acknowledgements_are_honest(world: World, clock: object, base: str) -> None:
    """``acknowledged`` only for PUBACK and PUBCOMP; MQTT 5 tells when nobody subscribes (0x10, §3.4.2.1)."""
    nobody = 0x10 if world.v5 else 0
    async with world.connect() as client:
        assert not (await client.publish(Publication(f"{base}/n", b"", 0))).acknowledged
        for qos in (1, 2):
            receipt = await client.publish(Publication(f"{base}/n", b"", qos))
            assert receipt.acknowledged
            # mosquitto tells it for QoS 1 in PUBACK, for QoS 2 in PUBREC only.
            assert receipt.reason_code in ({nobody} if qos == 1 else {nobody, 0})
        await client.subscribe([Subscription(f"{base}/n", 0)])
        receipt = await client.publish(Publication(f"{base}/n", b"", 1))
    assert (receipt.acknowledged, receipt.reason_code) == (True, 0)
    assert receipt.ack_s >= 0


async def test_properties_travel_on_mqtt_5_and_are_left_out_on_3_1_1(world: World, clock: object, base: str) -> None:
    """PUBLISH properties (MQTT 5 §3.3.2.3) come out as they went in; MQTT 3.1.1 has none."""
    properties = Properties(
        content_type="application/json; charset=utf-8",
        payload_format_utf8=True,
        response_topic="antwort/ä",
        correlation_data=b"\x00\xff",
        message_expiry_s=3600,
        user_properties=(("k", "v"), ("k", "w"), ("", "")),
    )
    async with world.connect() as client:
        await client.subscribe([Subscription(f"{base}/p", 2, 200)])
        await client.publish(Publication(f"{base}/p", b"{}", 1, properties=properties))
        await client.publish(Publication(f"{base}/p", b"{}", 1))
        full, bare = await receive(client, 2)
    assert full.properties == (properties if world.v5 else None)
    assert bare.properties is None
    assert full.subscription_ids == bare.subscription_ids == ((200,) if world.v5 else ())


@pytest.mark.parametrize("topic", ["", "a/#", "a/+/b", "a\0b", "x" * 65_536, "\ud800"])
async def test_a_bad_topic_is_refused_before_anything_is_sent(world: World, clock: object, topic: str) -> None:
    """Brokers answer such a packet by closing the connection; it must still be there afterwards."""
    async with world.connect() as client:
        with pytest.raises(TopicInvalid):
            await client.publish(Publication(topic, b"", 1))
        assert await client.ping() >= 0


@pytest.mark.parametrize("topic_filter", ["", "a/#/b", "a#", "+a", "$share/g/a", "a\0b"])
async def test_a_bad_filter_is_refused_before_anything_is_sent(
    world: World, clock: object, base: str, topic_filter: str
) -> None:
    """None of the filters of the call is subscribed, and the connection stays."""
    async with world.connect() as client:
        with pytest.raises(TopicInvalid):
            await client.subscribe([Subscription(f"{base}/ok"), Subscription(topic_filter)])
        with pytest.raises(TopicInvalid):
            await client.unsubscribe([topic_filter])
        assert (await client.publish(Publication(f"{base}/ok", b"", 1))).reason_code == (0x10 if world.v5 else 0)


async def test_limits_of_the_broker_are_met_before_sending(world: World, clock: object, base: str) -> None:
    """Maximum QoS, Retain Available and Maximum Packet Size of CONNACK (MQTT 5 §3.2.2.3); 3.1.1 brokers do not tell."""
    async with world.connect("limited") as client:
        if not world.v5:
            assert {"max_qos", "retain_available", "max_packet_bytes"} <= client.capabilities.defaulted
            return
        assert (client.capabilities.max_qos, client.capabilities.retain_available) == (1, False)
        with pytest.raises(QosNotSupported):
            await client.publish(Publication(base, b"", 2))
        with pytest.raises(RetainNotSupported):
            await client.publish(Publication(base, b"", 1, retain=True))
        assert (await client.publish(Publication(base, b"", 1))).acknowledged
    async with world.connect("accounts") as client:
        assert client.capabilities.max_packet_bytes == 5000
        overhead = 1 + 2 + 2 + len("ok/x") + 2 + 1
        with pytest.raises(PayloadTooLarge) as error:
            await client.publish(Publication("ok/x", b"x" * (5001 - overhead), 1))
        assert "5,001" in error.value.message
        assert "5,000" in error.value.message
        assert (await client.publish(Publication("ok/x", b"x" * (5000 - overhead), 1))).acknowledged


async def test_a_refused_login_tells_nothing(world: World, clock: object) -> None:
    """One generic failure, without user name, password or which of them was wrong."""
    with pytest.raises(CredentialsRefused) as error:
        async with world.connect("accounts", password="wrong-word"):
            pytest.fail("logged in with a wrong password")
    assert kit.USERNAME not in str(error.value)
    assert "wrong-word" not in str(error.value)


@pytest.mark.parametrize("qos", [1, 2])
async def test_a_denied_publish_is_told_where_the_protocol_can(world: World, clock: object, qos: int) -> None:
    """PUBACK and PUBREC carry 0x87 on MQTT 5; a 3.1.1 broker acknowledges and throws away."""
    async with world.connect("accounts") as client:
        if world.v5:
            with pytest.raises(NotAuthorized) as error:
                await client.publish(Publication("denied/x", b"", qos))
            assert error.value.reason_code == 0x87
        else:
            assert (await client.publish(Publication("denied/x", b"", qos))).acknowledged
        assert (await client.publish(Publication("ok/x", b"", qos))).acknowledged


async def test_order_is_kept_and_nothing_is_lost_in_a_burst(world: World, clock: object, base: str) -> None:
    """Messages of one topic and QoS arrive in order (MQTT-4.6.0-6), each once."""
    async with world.connect() as reader, world.connect() as writer:
        await reader.subscribe([Subscription(f"{base}/#", 1)])
        for number in range(500):
            await writer.publish(Publication(f"{base}/t", b"%d" % number, 1))
        got = await receive(reader, 500)
    assert [int(m.payload) for m in got] == list(range(500))


async def test_many_publishes_at_once_stay_inside_the_brokers_window(world: World, clock: object, base: str) -> None:
    """mosquitto allows 20 unacknowledged (Receive Maximum); 200 tasks must neither exceed that nor fail."""
    receipts = []
    async with world.connect() as client:
        await client.subscribe([Subscription(f"{base}/#", 0)])

        async def publish(number: int) -> None:
            receipts.append(await client.publish(Publication(f"{base}/t", b"%d" % number, 1 + number % 2)))

        async with trio.open_nursery() as nursery:
            for number in range(200):
                nursery.start_soon(publish, number)
        got = await receive(client, 200)
    assert all(r.acknowledged for r in receipts)
    assert Counter(int(m.payload) for m in got) == Counter(range(200))


async def test_received_s_is_on_trios_clock(world: World, clock: object, base: str) -> None:
    """``Message.received_s`` lies between the publish and now, on ``trio.current_time()``."""
    async with world.connect() as client:
        await client.subscribe([Subscription(base)])
        await trio.sleep(0.01)
        before_s = trio.current_time()
        await client.publish(Publication(base, b"", 1))
        (message,) = await receive(client, 1)
        assert before_s <= message.received_s <= trio.current_time()


async def test_a_full_inbox_counts_exactly_what_it_lets_go(world: World, clock: object, base: str) -> None:
    """Seen = handed out + dropped, for QoS 0 (docstring of ``MqttClient.dropped``)."""
    async with world.connect(inbox_messages=50) as reader, world.connect() as writer:
        await reader.subscribe([Subscription(f"{base}/#", 0)])
        for number in range(300):
            await writer.publish(Publication(f"{base}/t", b"%d" % number, 0))
        await reader.subscribe([Subscription(f"{base}/none", 0)])  # its SUBACK comes after what was sent before
        await writer.publish(Publication(f"{base}/end", b"", 1))
        await reader.ping()
        got = await receive(reader, 50)
        assert len(got) + reader.dropped >= 300
        assert reader.dropped >= 200
        assert [int(m.payload) for m in got[:50]] == list(range(50))


async def test_waiting_counts_what_was_not_handed_out(world: World, clock: object, base: str) -> None:
    """Seen = handed out + waiting, for whoever asks whether we are the bottleneck."""
    async with world.connect() as client:
        await client.subscribe([Subscription(f"{base}/#", 1)])
        for number in range(5):
            await client.publish(Publication(f"{base}/t", b"%d" % number, 1))
        await client.ping()  # what the broker sent before is here
        assert client.waiting == 5
        assert len(await client.receive_batch()) == 5
        assert client.waiting == 0


async def test_qos_1_is_not_dropped_when_the_inbox_is_full(world: World, clock: object, base: str) -> None:
    """For QoS 1 and 2 we stop reading instead, and go on when there is room."""
    async with world.connect(inbox_messages=40, inbox_pause_messages=20) as reader, world.connect() as writer:
        await reader.subscribe([Subscription(f"{base}/#", 1)])
        for number in range(400):
            await writer.publish(Publication(f"{base}/t", b"%d" % number, 1))
        got = await receive(reader, 400)
        assert [int(m.payload) for m in got] == list(range(400))
        assert reader.dropped == 0
        assert await reader.ping() >= 0


async def test_a_lost_connection_wakes_everybody_after_the_last_message(world: World, clock: object, base: str) -> None:
    """``receive_batch`` hands out what had arrived, then raises; so does everything else, at once and afterwards."""
    async with world.connect("doomed") as client:
        await client.subscribe([Subscription(base, 1)])
        await client.publish(Publication(base, b"last words", 1))
        await client.ping()
        lost = []

        async def listen() -> None:
            got = await receive(client, 1)
            assert got[0].payload == b"last words"
            try:
                await client.receive_batch()
            except ConnectionLost as error:
                lost.append(error)

        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(listen)
                await world.kill()
        for call in (
            client.receive_batch,
            client.ping,
            lambda: client.publish(Publication(base, b"", 0)),
            lambda: client.publish(Publication(base, b"", 1)),
            lambda: client.subscribe([Subscription(base)]),
            lambda: client.unsubscribe([base]),
        ):
            with pytest.raises(ConnectionLost):
                await call()
        assert len(lost) == 1


async def test_a_cancelled_receive_loses_nothing(world: World, clock: object, base: str) -> None:
    """Cancellation contract of ``receive_batch``."""
    async with world.connect() as client:
        await client.subscribe([Subscription(base, 1)])
        got: list[Message] = []
        for number in range(100):
            await client.publish(Publication(base, b"%d" % number, 1))
            with trio.CancelScope() as scope:
                scope.cancel()
                got += await client.receive_batch()
        got += await receive(client, 100 - len(got))
    assert [int(m.payload) for m in got] == list(range(100))


async def test_a_cancelled_subscribe_does_not_take_an_older_one_away(world: World, clock: object, base: str) -> None:
    """The clean-up of a cancelled SUBSCRIBE spares filters that were granted before."""
    async with world.connect() as client:
        await client.subscribe([Subscription(f"{base}/a", 1)])
        with trio.CancelScope() as scope:
            scope.cancel()
            await client.subscribe([Subscription(f"{base}/a", 1), Subscription(f"{base}/b", 1)])
        await client.ping()
        await client.publish(Publication(f"{base}/b", b"", 1))
        await client.publish(Publication(f"{base}/a", b"", 1))
        assert [m.topic for m in await receive_until(client, f"{base}/a")] == [f"{base}/a"]


async def test_client_ids_are_unique_unless_given(world: World, clock: object, base: str) -> None:
    """A random client id per connection: two of ours never throw each other out (MQTT-3.1.4-3)."""
    async with world.connect() as one, world.connect() as two:
        assert one.client_id
        assert two.client_id
        assert one.client_id != two.client_id
        assert await one.ping() >= 0
        assert await two.ping() >= 0


async def test_capabilities_name_the_protocol_and_what_was_not_told(world: World, clock: object) -> None:
    """CONNACK is kept; on 3.1.1 everything else is the protocol's default."""
    async with world.connect() as client:
        assert client.capabilities.protocol == world.protocol
        if not world.v5:
            assert "max_qos" in client.capabilities.defaulted
            assert not client.capabilities.subscription_identifiers
