"""What accumulators say they hold, against what Python allocated, and whether they let go of it when asked."""

import gc
import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mqtt_mcp.analysis.accumulator import Accumulator
from mqtt_mcp.analysis.devices.debug import DebugAccumulator
from mqtt_mcp.analysis.memory import Names
from mqtt_mcp.analysis.performance.watch import PerformanceAccumulator
from mqtt_mcp.analysis.schema.listening import SchemaAccumulator
from mqtt_mcp.analysis.topics.topic_map import TopicMap
from mqtt_mcp.mqtt.client import Message
from testkit.messages import feed, message, window

FIXED_BYTES = 100_000
"""What is there whatever is heard: empty tables, registers, caches of the interpreter."""

MAKERS: list[Callable[[], Accumulator]] = [DebugAccumulator, SchemaAccumulator, PerformanceAccumulator, TopicMap]


def said(topic: str, value: Any, t_s: float, *, retain: bool = False) -> Message:
    return message(topic, json.dumps(value), t_s=t_s, retain=retain)


def ordinary() -> Iterator[Message]:
    """A home: 100 sensors with four fields, fifteen times."""
    for second in range(15):
        for at in range(100):
            value = {"temperature": 20 + (second * 7 + at) % 100 / 10, "humidity": 40 + second, "state": "ON"}
            yield said(f"zigbee2mqtt/sensor_{at}", {**value, "linkquality": 100 + second}, float(second))
            yield said(f"zigbee2mqtt/sensor_{at}/availability", {"state": "online"}, float(second))


def many_topics() -> Iterator[Message]:
    for at in range(6_000):
        yield said(f"plant/{at:05x}/value", at / 7, at / 1000)


def long_topics() -> Iterator[Message]:
    for at in range(400):
        yield said(f"{at}/{'x' * 20_000}/{at}", {"a": at}, at / 10)


def many_levels() -> Iterator[Message]:
    for at in range(1_000):
        yield said("/".join(f"level{at}word{chr(97 + level)}" for level in range(26)), {"a": at}, at / 10)


def large_payloads() -> Iterator[Message]:
    for at in range(12):
        yield said(f"blob/{at}", {"text": "y" * 200_000, "list": list(range(at, at + 3_000))}, float(at))


def many_fields() -> Iterator[Message]:
    for at in range(40):
        yield said(f"plc/{at % 20}/state", {f"field{key}": key * 1.5 + at for key in range(250)}, float(at))


def ten_thousand_keys() -> Iterator[Message]:
    for at in range(8):
        yield said(f"map/{at % 4}/state", {f"key{at}_{key}": key for key in range(10_000)}, float(at))


def changing_keys() -> Iterator[Message]:
    """Each message has new keys beside a field that could tell structures apart."""
    for at in range(600):
        yield said("one/event", {"type": f"t{at % 3}", **{f"k{at}_{key}": 1 for key in range(20)}}, float(at))


def long_keys() -> Iterator[Message]:
    for at in range(40):
        yield said(f"k/{at}/state", {"q" * 50_000 + str(key): key for key in range(5)}, float(at))


def distinct_values() -> Iterator[Message]:
    for at in range(70 * 25):
        value = {"s": f"{at:08d}-{'z' * 90}", "n": at * 1.37, "m": at * 1000}
        yield said(f"log/{at % 25}/state", value, at / 40)


def discovery() -> Iterator[Message]:
    """Descriptions with long announced topics, each of another device, and addresses and words without end."""
    for at in range(800):
        device = {"ids": [f"id{at}"], "name": f"Device {at}", "mdl": "M"}
        value = {"stat_t": f"d{at}/state", "avty_t": f"d{at}/{'a' * 400}", "cmd_t": f"d{at}/{'c' * 400}", "dev": device}
        yield said(f"homeassistant/sensor/d{at}/config", value, at / 100, retain=True)
        words = {"t": "same", "onln": "O" * 5_000, "ofln": "P" * 5_000}
        yield said(f"tasmota/discovery/{at:012X}{'m' * 1_000}/config", words, at / 100, retain=True)


def logs() -> Iterator[Message]:
    for at in range(2_000):
        yield said(f"app{at % 50}/log", {"level": "error", "message": f"failed {at} {'e' * 400}"}, at / 50)


TRAFFIC = [
    ordinary, many_topics, long_topics, many_levels, large_payloads, many_fields, ten_thousand_keys, changing_keys,
    long_keys, distinct_values, discovery, logs,
]  # fmt: skip


@pytest.fixture(autouse=True)
def warm() -> None:
    """What is allocated once for all (compiled patterns, caches) is no accumulator's."""
    for make in MAKERS:
        feed(make(), [said("a/b", {"time": "2026-01-01T00:00:00Z", "x": 1.5, "s": "word"}, 0.0)])


def fed(make: Callable[[], Accumulator], traffic: Iterator[Message]) -> tuple[Accumulator, int, int]:
    """An accumulator fed under ``tracemalloc``, what was allocated before, and the number of messages."""
    gc.collect()
    tracemalloc.start()
    base_bytes = tracemalloc.get_traced_memory()[0]
    accumulator = make()
    number = 0
    for one in traffic:
        number += 1
        accumulator.add(one, one.received_s)
    return accumulator, base_bytes, number


def allocated(base_bytes: int) -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0] - base_bytes


@pytest.fixture(autouse=True)
def tracing() -> Iterator[None]:
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("traffic", TRAFFIC)
def test_what_is_said_to_be_held_is_what_was_allocated_and_shrinking_frees_it(make, traffic):
    """The contract of accumulators. Measured within 1.4; a factor of 1.7 leaves room for other versions of Python."""
    accumulator, base_bytes, number = fed(make, traffic())
    held = allocated(base_bytes)

    assert accumulator.kept_bytes <= 1.7 * held + FIXED_BYTES
    assert held <= 1.7 * accumulator.kept_bytes + FIXED_BYTES

    target_bytes = accumulator.kept_bytes // 4
    accumulator.shrink(target_bytes)

    assert accumulator.kept_bytes <= target_bytes + FIXED_BYTES
    assert allocated(base_bytes) <= 1.7 * target_bytes + FIXED_BYTES
    tracemalloc.stop()
    assert accumulator.messages == number
    if make is not PerformanceAccumulator:  # which counts stored messages apart
        assert accumulator.result(window(memory_pressure=True)).messages == number


@pytest.mark.parametrize("make", MAKERS)
def test_under_lasting_pressure_a_flood_stays_near_the_target(make):
    """As a session does it: a look at what is held after each batch, and three quarters of the budget when over."""
    accumulator = make()
    budget_bytes = 1_000_000
    traffic = [*many_topics(), *distinct_values(), *many_topics()]
    for at, one in enumerate(traffic):
        accumulator.add(one, at / 100)
        if not at % 50 and accumulator.kept_bytes > budget_bytes:
            accumulator.shrink(budget_bytes * 3 // 4)
            assert accumulator.kept_bytes <= budget_bytes
    assert accumulator.messages == len(traffic)


def test_a_debug_report_tells_what_pressure_let_go():
    """Topics and messages that the findings do not rest on are counted and said."""
    accumulator = DebugAccumulator()
    feed(accumulator, ordinary())
    accumulator.shrink(accumulator.kept_bytes // 2)
    feed(accumulator, [said("zigbee2mqtt/sensor_99", {"temperature": 1}, 31.0)])
    report = accumulator.result(window())

    assert report.messages == 3_001 == report.messages_not_followed + report.messages_of_device
    assert report.topics_seen == pytest.approx(200, rel=0.05)
    assert any("only counted" in note for note in report.notes)


def test_under_pressure_the_wanted_device_is_followed_on():
    """Its topics are the last to go, and new ones of it are still taken."""
    accumulator = DebugAccumulator("sensor_99")
    feed(accumulator, ordinary())
    accumulator.shrink(accumulator.kept_bytes // 10)
    feed(accumulator, [said("zigbee2mqtt/sensor_99/set", {"state": "ON"}, 31.0), said("other/topic", 1, 31.0)])
    report = accumulator.result(window())

    assert report.messages_of_device == 31
    assert [line.messages for line in report.topics].count(15) == 2


def test_a_schema_report_tells_what_pressure_let_go():
    """Every message is in a schema or counted as listed nowhere."""
    accumulator = SchemaAccumulator()
    feed(accumulator, many_levels())
    accumulator.shrink(accumulator.kept_bytes // 8)
    report = accumulator.result(window())

    assert report.messages == 1_000
    assert report.topics_not_profiled == pytest.approx(1_000, rel=0.05)
    assert 0 < report.messages_not_listed < 1_000


def test_a_topic_map_counts_rows_it_let_go_as_stored_and_live():
    """Facts of rows that are gone stay in the sums."""
    topic_map = TopicMap()
    feed(topic_map, [said(f"t/x{chr(97 + at % 26)}{at}", at, 0.0, retain=at % 4 == 0) for at in range(2_000)])
    topic_map.shrink(topic_map.kept_bytes // 4)
    result = topic_map.result(window())

    assert (result.stored_topics, result.live_topics) == (500, 1_500)
    assert result.topics == pytest.approx(2_000, rel=0.05)


def test_names_are_counted_exactly_up_to_the_bound_and_then_about():
    """HyperLogLog: 1.6 % standard error; 6 % is nearly four of them."""
    names = Names(max_exact=1_000)
    for at in range(1_000):
        names.add(f"n{at}")
        names.add(f"n{at}")
    assert (len(names), names.exact) == (1_000, True)
    for at in range(20_000):
        names.add(f"n{at}")
    assert not names.exact
    assert len(names) == pytest.approx(20_000, rel=0.07)
    assert names.held_bytes < 5_000
