"""How fast the accumulators alone are on one core, and how much memory they take. The broker's share is another row."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.analysis.exam import Part, fed, window
from benchmarks.labelled.catalogue import SCENARIOS
from benchmarks.report import Line, at_least, at_most, number
from mqtt_mcp.analysis.accumulator import Window
from mqtt_mcp.analysis.devices.debug import DebugAccumulator
from mqtt_mcp.analysis.performance.watch import PerformanceAccumulator
from mqtt_mcp.analysis.sample.sampling import Sampler
from mqtt_mcp.analysis.schema.listening import SchemaAccumulator
from mqtt_mcp.analysis.topics.topic_map import TopicMap
from mqtt_mcp.mqtt.client import Message

MESSAGES, TOPICS = 1_000_000, 100_000
_PARSED_PER_S, _COUNTED_PER_S, _GROWTH_MIB, _SELECTION_MS = 20_000, 50_000, 64, 150
_ROUNDS = 3
ACCUMULATORS: dict[
    str, Callable[[], Sampler | TopicMap | SchemaAccumulator | DebugAccumulator | PerformanceAccumulator]
] = {
    "subscribe_and_collect": Sampler,
    "list_topics": TopicMap,
    "get_topic_schema": SchemaAccumulator,
    "debug_device": DebugAccumulator,
    "monitor_performance": PerformanceAccumulator,
}


def _reading(number_of: int) -> bytes:
    """170 bytes of JSON whose numbers wander."""
    text = (
        f'{{"temperature":{20 + number_of % 47 / 10:.2f},"humidity":{45 + number_of % 13},"battery":87,'
        f'"linkquality":{100 + number_of % 60},"voltage":{2900 + number_of % 9},"state":"ON",'
        f'"last_seen":"2026-09-21T13:33:{number_of % 60:02d}.000Z","pad":"'
    )
    return (text + "x" * (168 - len(text)) + '"}').encode()


def parsed(count: int = 60_000, topics: int = 500) -> tuple[float, float]:
    """Messages per second when each is looked into, and the share that really was.

    Each topic speaks eight times per second of its own time, below the budget of looks.
    """
    step = 1 / (8 * topics)
    messages = [
        Message(f"home/{i % topics:03d}/state", _reading(i), 0, retain=False, received_s=i * step) for i in range(count)
    ]
    best, coverage = 0.0, 0.0
    for _ in range(_ROUNDS):
        sampler = Sampler(duration_s=count * step)
        began = time.process_time()
        for message in messages:
            sampler.add(message, message.received_s)
        best = max(best, count / (time.process_time() - began))
        coverage = sampler.result(_window(count * step)).observed.parse_coverage
    return best, coverage


def counted(count: int = 200_000, topics: int = 20) -> tuple[float, float]:
    """Messages per second of topics whose budget of looks is used up, and the share that was looked into anyway."""
    payload = _reading(1)
    names = [f"home/{i:03d}/state" for i in range(topics)]
    messages = [Message(names[i % topics], payload, 0, retain=False, received_s=i / 60_000) for i in range(count)]
    best, coverage = 0.0, 0.0
    for _ in range(_ROUNDS):
        sampler = Sampler(duration_s=count / 60_000)
        began = time.process_time()
        for message in messages:
            sampler.add(message, message.received_s)
        best = max(best, count / (time.process_time() - began))
        coverage = sampler.result(_window(count / 60_000)).observed.parse_coverage
    return best, coverage


def selection_ms() -> float:
    """Milliseconds from a full pool of 500 to the result with 50 of them, the median of nine."""
    trace = SCENARIOS["factory"].trace(101)
    sampler = fed(Sampler(max_messages=500, duration_s=trace.duration_s), trace.messages)
    watch = window(trace)
    took = []
    for _ in range(9):
        began = time.perf_counter()
        sampler.result(watch)
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


def _window(elapsed_s: float) -> Window:
    return Window(
        started_at_epoch_s=0.0,
        duration_s=elapsed_s,
        elapsed_s=elapsed_s,
        ended_by="duration",
        protocol="5.0",
        stored_complete=True,
    )


def _resident_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("there is no VmRSS in /proc/self/status")


def _flood() -> Iterable[Message]:
    for i in range(MESSAGES):
        topic = f"fleet/{i % TOPICS:06d}/state"
        yield Message(topic, _reading(i), 0, retain=False, received_s=i / 50_000)


def growth_mib(name: str) -> float:
    """How much this process grows by a million messages on a hundred thousand topics; run in a process of its own."""
    accumulator = ACCUMULATORS[name]()
    for i in range(100):  # the code itself is not what grows
        accumulator.add(Message("warm/up", _reading(i), 0, retain=False, received_s=0.0), 0.0)
    accumulator = ACCUMULATORS[name]()
    before = _resident_mib()
    for message in _flood():
        accumulator.add(message, message.received_s)
    return _resident_mib() - before


def measure() -> Part:
    """All of it.

    Raises:
        OSError, ValueError: It cannot be measured here.
    """
    speed, coverage = parsed()
    fast, looked_at = counted()
    chosen_ms = selection_ms()
    growth = {name: _grown_elsewhere(name) for name in ACCUMULATORS}
    largest = max(growth, key=lambda name: growth[name])
    lines = [
        _line("speed: parsing all, 170 B", ">= 20,000/s", f"{number(speed)}/s, {coverage:.1%} parsed",
              at_least(speed, _PARSED_PER_S, "/s") if coverage == 1.0 else "not all was parsed", speed),
        _line("speed: counting", ">= 50,000/s", f"{number(fast)}/s, {looked_at:.1%} parsed",
              at_least(fast, _COUNTED_PER_S, "/s"), fast),
        _line("speed: 50 from a full pool", "<= 150 ms", f"{number(chosen_ms)} ms",
              at_most(chosen_ms, _SELECTION_MS, "ms"), chosen_ms),
        _line("memory: 1 M messages, 100,000 topics", "<= 64 MiB", f"{number(growth[largest])} MiB ({largest})",
              at_most(growth[largest], _GROWTH_MIB, "MiB"), growth[largest]),
    ]  # fmt: skip
    table = "| tool | MiB grown |\n| --- | --- |\n" + "\n".join(f"| {n} | {mib:.1f} |" for n, mib in growth.items())
    return Part(lines, [table], [], {"growth_mib": growth})


def _grown_elsewhere(name: str) -> float:
    code = f"from benchmarks.analysis.speed import growth_mib; print(growth_mib({name!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise OSError(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout)


def _line(what: str, bar: str, measured: str, verdict: str, value: float) -> Line:
    return Line(
        row="speed", what=what, bar=bar, measured=measured, compared_with="", verdict=verdict, values={"value": value}
    )
