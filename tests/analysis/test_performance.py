"""The performance accumulator: what counts as traffic, exact rates, bounded tables."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.analysis.accumulator import LinkGap, Window
from mqtt_mcp.analysis.performance.traffic import MAX_TOPICS, Traffic
from mqtt_mcp.analysis.performance.watch import PerformanceAccumulator, measured_seconds
from mqtt_mcp.mqtt.client import Message


def message(topic, payload=b"x", **more):
    fields = {"qos": 0, "retain": False, "received_s": 0.0} | more
    return Message(topic=topic, payload=payload, **fields)


def window(elapsed_s, gaps=()):
    return Window(
        started_at_epoch_s=0.0,
        duration_s=elapsed_s,
        elapsed_s=elapsed_s,
        ended_by="duration",
        protocol="5.0",
        stored_complete=True,
        gaps=list(gaps),
    )


def test_rates_leave_out_the_first_second_and_the_peak_is_of_whole_seconds():
    """mqttloader's rule: partial seconds at the head and the tail distort."""
    watch = PerformanceAccumulator()
    for index in range(100):
        watch.add(message("a"), index * 0.1)  # 10/s for 10 s
    for index in range(30):
        watch.add(message("b", b"12345"), 0.5 + index / 1000)  # a burst in the skipped second
    for _ in range(7):
        watch.add(message("c"), 4.5)
    for _ in range(50):
        watch.add(message("d"), 10.2)  # a burst in the last, partial second
    facts = watch.result(window(10.5))
    assert facts.messages == 187
    assert facts.rates.measured_s == 9.5
    assert facts.rates.messages_per_s_mean == pytest.approx((90 + 7 + 50) / 9.5, abs=1e-3)
    assert facts.rates.messages_per_s_peak == 17
    assert facts.series.from_s == 1
    assert facts.series.mean == [10, 10, 10, 17, 10, 10, 10, 10, 10]


def test_stored_system_and_probe_messages_are_counted_apart():
    """Everything received is accounted for exactly once."""
    watch = PerformanceAccumulator(own_prefix="mcp-probe/1/")
    watch.add(message("a", retain=True), 0.0)
    watch.add(message("$SYS/broker/uptime"), 0.0)
    watch.add(message("mcp-probe/1/0"), 0.1)
    watch.add(message("mcp-probe/2/0"), 0.1)
    watch.add(message("a"), 0.2)
    facts = watch.result(window(10.0))
    assert (facts.messages, facts.stored, facts.system, facts.own_probe) == (2, 1, 1, 1)
    assert watch.messages == 5


def test_gaps_sizes_qos_repeats_and_dup_flags_are_what_arrived():
    """One regular topic: burstiness -1, exact gap."""
    watch = PerformanceAccumulator()
    for index in range(20):
        watch.add(
            message("a", b"same" if index < 5 else bytes(100 + index), qos=index % 3, dup=index == 9), index * 0.5
        )
    facts = watch.result(window(10.0))
    (talker,) = facts.top_by_messages
    assert (talker.gap_mean_s, talker.gap_max_s, talker.burstiness, talker.repeats) == (0.5, 0.5, -1.0, 4)
    assert (facts.gaps_ms.p50, facts.gaps_ms.n) == (500.0, 19)
    assert (facts.sizes_bytes.min, facts.sizes_bytes.max) == (4.0, 119.0)
    assert (facts.qos.qos0, facts.qos.qos1, facts.qos.qos2) == (7, 7, 6)
    assert (facts.repeats, facts.dup_flags) == (4, 1)


def test_a_gap_that_was_never_measured_is_absent():
    """One message has no gap, two have no regularity: zero would be a claim."""
    accumulator = PerformanceAccumulator()
    for t_s in (1.0, 2.0):
        accumulator.add(message("twice"), t_s)
    accumulator.add(message("once"), 3.0)
    shown = {t.topic: msgspec.to_builtins(t) for t in accumulator.result(window(10.0)).top_by_messages}

    assert "gap_mean_s" not in shown["once"]
    assert shown["twice"]["gap_mean_s"] == 1.0
    assert "burstiness" not in shown["twice"]


def test_the_99th_percentile_is_shown_from_100_values_on():
    """Below 100 samples p99 is the maximum and would pretend to know more."""
    few, enough = PerformanceAccumulator(), PerformanceAccumulator()
    for index in range(100):
        if index < 99:
            few.add(message("a"), index * 0.1)
        enough.add(message("a"), index * 0.1)
    assert few.result(window(10.0)).sizes_bytes.p99 is not few.result(window(10.0)).sizes_bytes.max
    assert enough.result(window(10.0)).sizes_bytes.p99 == 1.0
    assert not isinstance(few.result(window(10.0)).sizes_bytes.p99, float)


def test_top_talkers_by_bytes_differ_from_those_by_messages():
    """A camera sends few messages and most bytes."""
    watch = PerformanceAccumulator(top=1)
    for index in range(10):
        watch.add(message("sensor"), index * 0.5)
    watch.add(message("camera", bytes(10_000)), 5.0)
    facts = watch.result(window(10.0))
    assert [t.topic for t in facts.top_by_messages] == ["sensor"]
    assert [t.topic for t in facts.top_by_bytes] == ["camera"]
    assert facts.top_by_messages[0].share == pytest.approx(10 / 11, abs=1e-4)


def test_topics_alike_are_taken_together():
    """A fleet's share does not show in single talkers."""
    watch = PerformanceAccumulator()
    for number in range(40):
        watch.add(message(f"fleet/0x00158d0001{number:06x}/gps", b"12"), 2.0)
    watch.add(message("office/door"), 2.0)
    (share,) = watch.result(window(10.0)).top_templates
    assert (share.topics, share.messages, share.bytes) == (40, 40, 80)
    assert share.template.startswith("fleet/")
    assert share.template.endswith("/gps")


def test_a_watch_of_five_minutes_makes_at_most_60_points():
    """The series has a bound whatever the duration."""
    watch = PerformanceAccumulator()
    for second in range(300):
        watch.add(message("a"), second + 0.5)
    series = watch.result(window(300.0)).series
    assert (len(series.mean), series.step_s, set(series.min), set(series.max)) == (60, 5, {1}, {1})


def test_time_without_a_connection_is_not_measured():
    """A rate over seconds that nobody could see would be too low."""
    assert measured_seconds(11.0, [LinkGap(3.0, 5.0), LinkGap(0.5, 1.5), LinkGap(10.5, 99.0)]) == pytest.approx(7.0)
    assert measured_seconds(0.5, []) == 0.0


def test_a_flood_of_new_topics_keeps_the_heavy_ones_and_counts_what_it_let_go():
    """The table has a bound, and a device that invents topics cannot push a real talker out."""
    traffic = Traffic()
    for index in range(3 * MAX_TOPICS):
        traffic.add(message(f"junk/{index}"), index / 1000)
        if index % 10 == 0:
            traffic.add(message("heavy"), index / 1000)
    assert len(traffic.topics) <= MAX_TOPICS
    assert "heavy" in traffic.topics
    assert traffic.messages == traffic.let_go_messages + sum(t.messages for t in traffic.topics.values())
    assert len(traffic.distinct) == 3 * MAX_TOPICS + 1


def test_under_memory_pressure_the_smallest_topics_go_first():
    """``shrink`` is the engine's call when the session's memory is used up; counts stay exact."""
    watch = PerformanceAccumulator()
    for index in range(1_000):
        watch.add(message(f"t/{index}"), 0.0)
    watch.add(message("t/7"), 0.0)
    watch.shrink(20_000)
    assert 0 < watch.kept_bytes <= 20_000
    facts = watch.result(window(10.0))
    assert facts.top_by_messages[0].topic == "t/7"
    assert facts.topics_estimated
    assert facts.messages == 1_001
    assert facts.topics == pytest.approx(1_000, rel=0.08)
    watch.shrink(0)
    assert watch.kept_bytes < 10_000
    assert watch.result(window(10.0)).messages == 1_001


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8), st.binary(max_size=20), st.booleans()), max_size=60))
def test_every_message_is_accounted_for(messages):
    """messages + stored + system + own probe = received, for any topic and payload."""
    watch = PerformanceAccumulator(own_prefix="p")
    for index, (topic, payload, retain) in enumerate(messages):
        watch.add(message(topic, payload, retain=retain), index * 0.3)
    facts = watch.result(window(20.0))
    assert facts.messages + facts.stored + facts.system + facts.own_probe == len(messages) == watch.messages
    watch.progress()


def test_a_top_talker_has_the_percentiles_of_its_gaps():
    """p50 and p95 from 20 gaps on, p99 from 100: below that the maximum says as much."""
    watch = PerformanceAccumulator()
    t_s = 0.0
    for number in range(400):
        t_s += 5.0 if number % 20 == 19 else 0.1
        watch.add(message("busy", b"x"), t_s)
    for number in range(30):
        watch.add(message("some", b"x"), t_s + number)
    watch.add(message("rare", b"x"), t_s + 40)
    busy, some, rare = watch.result(window(t_s + 50)).top_by_messages
    assert busy.gap_p50_s == pytest.approx(0.1, rel=0.02)
    assert busy.gap_p99_s == pytest.approx(5.0, rel=0.02)
    assert some.gap_p95_s == pytest.approx(1.0, rel=0.02)
    assert some.gap_p99_s is msgspec.UNSET
    assert rare.gap_p50_s is msgspec.UNSET
