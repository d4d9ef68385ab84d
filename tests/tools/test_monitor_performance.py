"""monitor_performance over the in-memory broker, in virtual time."""

import msgspec
import trio

from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.tools._base import Context
from mqtt_mcp.tools.monitor_performance import TOOL, Args
from mqtt_mcp.wire.schema import portable_schema
from testkit.hub import MEMORY, memory_hub, no_progress
from testkit.memory_broker import MemoryBroker


async def monitored(broker, policy=None, **args):
    async with memory_hub(broker, policy=policy) as hub:
        client = hub.client_opened("test")
        session = await hub.open_session(MEMORY, client)
        context = Context(hub=hub, client=client, report_progress=no_progress)
        return await TOOL.run(context, Args(session_id=session.id, **args))


async def ten_a_second(broker):
    while True:
        await trio.sleep(0.1)
        broker.publish("home/power", b'{"w": 5}')


async def test_traffic_and_round_trips_are_measured_side_by_side_and_apart(autojump_clock, nursery):
    """The probe's own 30 messages a second are no traffic."""
    broker = MemoryBroker()
    nursery.start_soon(ten_a_second, broker)
    with trio.fail_after(60):
        result = await monitored(broker, duration=15.0)
    assert result.status == "complete"
    assert 148 <= result.traffic.messages <= 151
    assert result.traffic.rates.messages_per_s_peak in {10, 11}
    assert [t.topic for t in result.traffic.top_by_messages] == ["home/power"]
    assert result.probe.status == "done"
    assert [(a.sent, a.lost) for a in result.probe.qos] == [(117, 0)] * 3
    assert result.observer.ticks > 200
    assert {g.topic_filter for g in result.window.granted} == {"#", "$SYS/#"}


async def test_a_running_watch_gives_what_was_seen_so_far(autojump_clock, nursery):
    """A client's patience is often 60 s; ``wait_s`` ends the call, not the watch."""
    broker = MemoryBroker()
    nursery.start_soon(ten_a_second, broker)
    result = await monitored(broker, duration=30.0, wait_s=5.0)
    assert result.status == "running"
    assert result.probe.status == "running"
    assert 40 <= result.traffic.messages <= 52


async def test_a_lower_qos_than_asked_for_is_told(autojump_clock):
    """SUBACK grants at most the broker's Maximum QoS; the mix of QoS is then not what was published."""
    result = await monitored(MemoryBroker(max_qos=1), duration=10.0, qos=2, probe=False)
    assert any("with QoS 0 instead of 2" in note or "with QoS 1 instead of 2" in note for note in result.notes)
    result = await monitored(MemoryBroker(), duration=10.0, qos=2, probe=False)
    assert not any("instead of" in note for note in result.notes)


async def test_silence_on_a_working_connection_is_told_from_silence_on_a_filtered_one(autojump_clock):
    """A message of our own comes back, or is swallowed as everything else may be."""
    works = await monitored(MemoryBroker(), duration=10.0, probe=False)
    assert any("did come back, so the connection works" in note for note in works.notes)
    swallowed = await monitored(MemoryBroker(deny_publish=["#"]), duration=10.0, probe=False)
    assert any("did not come back either" in note for note in swallowed.notes)


async def test_our_own_inbox_is_looked_at(autojump_clock, nursery):
    """An inbox that fills up means that we are the bottleneck."""
    broker = MemoryBroker()
    nursery.start_soon(ten_a_second, broker)
    result = await monitored(broker, duration=10.0, probe=False)
    assert 0 <= result.observer.inbox_peak < 10
    assert result.observer.inbox_share < 0.01


async def test_a_refused_system_filter_is_only_reported(autojump_clock):
    """$SYS is an extra; EMQX allows it to localhost only."""
    result = await monitored(MemoryBroker(deny_subscribe=["$SYS/#"]), duration=10.0)
    assert [r.topic_filter for r in result.window.refused] == ["$SYS/#"]
    assert result.traffic.broker.status == "absent"
    assert result.status == "complete"


async def test_dropped_messages_of_the_broker_are_a_critical_finding(autojump_clock, nursery):
    """Measured on Mosquitto 2.0.11: 269 of 4,000 messages dropped for a slow subscriber."""
    broker = MemoryBroker()
    broker.publish("$SYS/broker/publish/messages/dropped", b"0", retain=True)
    broker.publish("$SYS/broker/publish/messages/sent", b"0", retain=True)

    async def system():
        for number in range(4):
            await trio.sleep(10.0)
            broker.publish("$SYS/broker/publish/messages/sent", str(number * 3731).encode(), retain=True)
            broker.publish("$SYS/broker/publish/messages/dropped", str(number * 269).encode(), retain=True)

    nursery.start_soon(system)
    result = await monitored(broker, duration=25.0, probe=False)
    assert result.probe.status == "skipped"
    assert (result.findings[0].severity, result.findings[0].code) == ("critical", "broker_dropped")
    assert "269" in result.findings[0].evidence


async def test_a_read_only_configuration_leaves_listening_and_pings(autojump_clock):
    """Nothing is published; the result says why."""
    broker = MemoryBroker()
    result = await monitored(broker, policy=AccessPolicy(read_only=True, read_deny=("$SYS/#",)), duration=10.0)
    assert result.probe.status == "skipped"
    assert broker.counters.publishes == 0
    assert [g.topic_filter for g in result.window.granted] == ["#"]


async def test_the_result_stays_within_its_size_with_many_long_foreign_topics(autojump_clock, nursery):
    """24,000 characters is the budget; topics are foreign text."""
    broker = MemoryBroker()

    async def flood():
        await trio.sleep(2.0)
        for number in range(500):
            broker.publish("x/" + "\x1b[31m\u202e" * 100 + str(number), bytes(number))

    nursery.start_soon(flood)
    result = await monitored(broker, duration=300.0, wait_s=300.0)
    text = msgspec.json.encode(result)
    assert len(text) <= 24_000
    assert "\x1b" not in result.traffic.top_by_bytes[0].topic


def test_arguments_and_result_have_portable_schemas():
    """Unions, tuples and references make several clients lose the whole tool list."""
    assert portable_schema(TOOL.args)["type"] == "object"
    assert portable_schema(TOOL.result)["type"] == "object"
