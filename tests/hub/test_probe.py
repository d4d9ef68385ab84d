"""The round-trip probe over the in-memory broker, in virtual time: exact schedule, loss, refusals."""

import pytest
import trio

from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.probe import MAX_IN_FLIGHT, RoundTripProbe
from mqtt_mcp.mqtt.client import Publication
from testkit.hub import MEMORY, memory_hub
from testkit.memory_broker import MemoryBroker


class DelayingBroker(MemoryBroker):
    """Delivers every publication ``delay_s`` later; drops those whose sequence number is in ``lost``."""

    def __init__(self, nursery, delay_s, lost=(), **more):
        super().__init__(**more)
        self.nursery, self.delay_s, self.lost = nursery, delay_s, lost

    def route(self, publication):
        if int(publication.payload.split()[2]) not in self.lost:
            self.nursery.start_soon(self.later, publication)
        return 1

    async def later(self, publication):
        await trio.sleep(self.delay_s)
        super().route(publication)


async def probed(broker, *, policy=None, duration_s=20.0):
    async with memory_hub(broker) as hub:
        session = await hub.open_session(MEMORY, hub.client_opened("test"))
        probe = RoundTripProbe(policy or AccessPolicy(), duration_s=duration_s)
        await probe.run(session)
        return probe.report()


async def test_round_trips_are_exact_and_the_schedule_waits_for_nobody(autojump_clock, nursery):
    """Answers take 1.5 s, far longer than the schedule's step of 33 ms: an open loop still sends every message."""
    started_s = trio.current_time()
    report = await probed(DelayingBroker(nursery, 1.5, latency_s=0.25))
    assert report.status == "done"
    assert [account.sent for account in report.qos] == [117, 117, 117]
    for account in report.qos:
        assert (account.received, account.lost, account.duplicated, account.reordered) == (117, 0, 0, 0)
        assert account.round_trip_ms.p50 == account.round_trip_ms.p99 == account.round_trip_ms.max == 1500.0
        assert account.send_delay_ms.max == 0.0
    assert [account.ack_ms.max for account in report.qos[1:]] == [250.0, 250.0]
    assert (report.pings, report.ping_ms_min, report.ping_ms_median) == (3, 250.0, 250.0)
    # 3 pings, SUBACK, 359 steps of 1/30 s, the last trip, UNSUBACK
    assert trio.current_time() - started_s == pytest.approx(0.25 * 5 + 359 / 30 + 1.5, abs=0.3)


async def test_what_does_not_come_back_is_lost_after_the_grace(autojump_clock, nursery):
    """Two of each QoS vanish; the warm-up's loss does not count."""
    report = await probed(DelayingBroker(nursery, 0.01, lost={1, 20, 21}))
    assert [(a.sent, a.received, a.lost, a.pending) for a in report.qos] == [(117, 115, 2, 0)] * 3


async def test_a_short_watch_has_too_few_round_trips_for_a_99th_percentile(autojump_clock, nursery):
    """Ten seconds leave 7.5 s of sending: 75 messages per QoS, 72 of them counted."""
    report = await probed(DelayingBroker(nursery, 0.01), duration_s=10.0)
    assert [a.sent for a in report.qos] == [72, 72, 72]
    assert not isinstance(report.qos[0].round_trip_ms.p99, float)


@pytest.mark.parametrize(
    ("policy", "words"),
    [(AccessPolicy(read_only=True), ""), (AccessPolicy(publish_deny=("mcp-probe/#",)), "mcp-probe/#")],
)
async def test_where_publishing_is_not_allowed_only_pings_are_sent(autojump_clock, policy, words):
    """The configuration's word counts for our own messages too."""
    broker = MemoryBroker()
    report = await probed(broker, policy=policy)
    assert report.status == "skipped"
    assert report.reason
    assert words in report.reason
    assert report.pings == 3
    assert broker.counters.publishes == broker.counters.subscribes == 0


async def test_a_refused_publish_is_reported_and_stops_that_qos(autojump_clock):
    """MQTT 5 says 0x87 for QoS 1 and 2; a denied QoS 0 publish vanishes, which shows as loss."""
    report = await probed(MemoryBroker(deny_publish=["mcp-probe/#"]))
    assert [a.status for a in report.qos] == ["ok", "refused", "refused"]
    assert "0x87" in report.qos[1].reason
    assert report.qos[0].lost == report.qos[0].sent == 117


async def test_a_qos_the_broker_does_not_support_is_skipped(autojump_clock):
    """CONNACK Maximum QoS (MQTT 5 §3.2.2.3.4)."""
    report = await probed(MemoryBroker(max_qos=1))
    assert [a.status for a in report.qos] == ["ok", "ok", "skipped"]
    assert report.qos[0].received == report.qos[0].sent == 117


async def test_a_broker_that_stops_answering_does_not_fill_the_memory(autojump_clock):
    """Publishes wait at most ``publish_ack_timeout_s``; more than a bound of them are not started."""
    broker = MemoryBroker()
    broker.silent.add("publish")
    report = await probed(broker)
    assert broker.counters.publishes <= 360
    assert any(a.status == "broken" and str(MAX_IN_FLIGHT) in a.reason for a in report.qos)


async def test_while_the_link_is_away_nothing_is_sent_and_nothing_is_lost(autojump_clock, nursery):
    """``ConnectionLost`` while reconnecting means: nothing was sent."""
    broker = MemoryBroker()

    async def cut():
        await trio.sleep(5.0)
        broker.drop_all()

    nursery.start_soon(cut)
    report = await probed(broker)
    assert all(9 <= a.not_sent <= 12 for a in report.qos)
    assert all(a.lost <= 1 for a in report.qos)


async def test_a_probe_that_is_cut_short_says_so(autojump_clock):
    """The end of the watch cancels its companion; what was sent just before is pending, not lost."""
    async with memory_hub(MemoryBroker()) as hub:
        session = await hub.open_session(MEMORY, hub.client_opened("test"))
        probe = RoundTripProbe(AccessPolicy(), duration_s=20.0)
        with trio.move_on_after(3.0):
            await probe.run(session)
        report = probe.report()
    assert report.status == "stopped"
    assert sum(a.lost for a in report.qos) == 0
    assert report.qos[0].received > 20


async def test_strangers_on_the_probe_topic_are_ignored(autojump_clock, nursery):
    """The payload is foreign text like any other."""
    broker = MemoryBroker()
    async with memory_hub(broker) as hub:
        session = await hub.open_session(MEMORY, hub.client_opened("test"))
        probe = RoundTripProbe(AccessPolicy(), duration_s=10.0)

        async def stranger():
            await trio.sleep(1.0)
            for payload in (
                b"",
                b"\xff",
                b"mcp-probe 0 99999999 ",
                b"mcp-probe 1 00000005",
                b"mcp-probe 0 \xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2",
            ):
                broker.publish(probe.prefix + "0", payload)

        nursery.start_soon(stranger)
        await probe.run(session)
        assert [(a.received, a.duplicated) for a in probe.report().qos] == [(72, 0)] * 3


async def test_a_copy_for_another_subscription_is_no_duplicate(autojump_clock):
    """MQTT 3.1.1 §3.3.5: a broker may send one copy per overlapping subscription, at that one's QoS (amqtt does)."""

    class CopyingBroker(MemoryBroker):
        def route(self, publication):
            super().route(Publication(publication.topic, publication.payload, qos=0))
            return super().route(publication)

    report = await probed(CopyingBroker(protocol="3.1.1"), duration_s=10.0)
    assert [(a.qos, a.received, a.duplicated) for a in report.qos[1:]] == [(1, 72, 0), (2, 72, 0)]
