"""Row ``flood``: 20,000 messages a second for 3 s into ``subscribe_and_collect``, beside clients that only count.

Two kinds of rounds of our server: one that is left alone, for its CPU time, and one that is pinged every 20 ms. Pings
are due by the clock, whether or not the one before was answered: an answer that is late makes no other look early. A
second server that has nothing to do is pinged in between: what it takes to answer is the machine's part, not ours.
"""

import select
import signal
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from benchmarks.client import BenchError, StdioClient, structured
from benchmarks.processes import cpu_ns
from benchmarks.publisher import TOPICS_PER_ROOT, Flood
from benchmarks.report import Line, at_least, at_most, median, number, percentile
from benchmarks.setting import Setting

ROUNDS = 3
RATE = 20_000
SECONDS = 3.0
MESSAGES = int(RATE * SECONDS)
DURATION_S = 10
PING_EVERY_S = 0.02
LOOK_S = 0.2
PEER_WAIT_S = 30
MAX_RESULT_CHARACTERS = 25_000
MAX_PING_P99_MS = 20.0
FILTER = "flood/#"
PEERS = {"count_gmqtt": "bare gmqtt, only counting", "count_paho": "paho, only counting"}


class Facts(msgspec.Struct):
    """What was seen, over all rounds."""

    counted: list[int] = msgspec.field(default_factory=list)
    characters: list[int] = msgspec.field(default_factory=list)
    ping_ms: list[float] = msgspec.field(default_factory=list)
    idle_ping_ms: list[float] = msgspec.field(default_factory=list)
    cpu_us: list[float] = msgspec.field(default_factory=list)
    reply_cpu_ms: list[float] = msgspec.field(default_factory=list)
    peer_cpu_us: dict[str, list[float]] = msgspec.field(default_factory=dict)


def measure(setting: Setting) -> list[Line]:
    facts = Facts()
    for _ in range(ROUNDS):
        _collect(setting, facts, pinged=False)
        for module in PEERS:
            _count(setting, facts, module)
        _collect(setting, facts, pinged=True)
    return [_counting(facts), _size(facts), _pings(facts), _cost(facts)]


def _flood(setting: Setting) -> Flood:
    return Flood(setting.quiet.port, rate=RATE, seconds=SECONDS, roots=["flood"], cwd=setting.cwd)


def _collect(setting: Setting, facts: Facts, *, pinged: bool) -> None:
    with setting.ours(setting.quiet) as client, setting.ours(setting.quiet) as idle, _flood(setting) as flood:
        session = client.call("establish_connection", {})["session_id"]
        mark = setting.quiet.log.mark()
        call, _ = client.send_call(
            "subscribe_and_collect",
            {"session_id": session, "topic_pattern": FILTER, "duration": DURATION_S, "qos": 0},
        )
        setting.quiet.log.wait(FILTER, after=mark)
        time.sleep(0.1)
        before_ns = cpu_ns(client.pid)
        flood.start()
        if pinged:
            busy_ms, idle_ms = _ping_while(flood, (client, idle))
            facts.ping_ms += busy_ms
            facts.idle_ping_ms += idle_ms
        flood.wait()
        taken_ns = when_still(client.pid)
        reply = client.wait(call, DURATION_S + 10)
        if not pinged:
            facts.cpu_us.append((taken_ns - before_ns) / 1000 / MESSAGES)
            facts.reply_cpu_ms.append((cpu_ns(client.pid) - taken_ns) / 1e6)
        _check(facts, structured(reply), reply.message["result"])


def _check(facts: Facts, result: dict[str, Any], reply: dict[str, Any]) -> None:
    facts.counted.append(result["observed"]["messages"])
    if len(result["topics"]) + result["other_topics"]["topics"] != TOPICS_PER_ROOT:
        raise BenchError(f"the result accounts for other topics than the {TOPICS_PER_ROOT} published")
    text = sum(len(block["text"]) for block in reply["content"])
    facts.characters.append(max(text, len(msgspec.json.encode(result).decode())))


def _ping_while(flood: Flood, clients: Sequence[StdioClient]) -> list[list[float]]:
    """Ping the clients in turn until the flood is over; returns the milliseconds from due to answered of each."""
    pings: list[tuple[StdioClient, int, int]] = []
    began_s = time.perf_counter()
    while not flood.over:
        due_s = began_s + len(pings) * PING_EVERY_S / len(clients)
        while (left_s := due_s - time.perf_counter()) > 0:
            for ready in select.select(clients, (), (), left_s)[0]:
                ready.receive(0)
        client = clients[len(pings) % len(clients)]
        request, _ = client.send("ping")
        pings.append((client, request, int(due_s * 1e9)))
    taken_ms: list[list[float]] = [[] for _ in clients]
    for number_, (client, request, due_ns) in enumerate(pings):
        taken_ms[number_ % len(clients)].append((client.wait(request, 10).at_ns - due_ns) / 1e6)
    return taken_ms


def _count(setting: Setting, facts: Facts, module: str) -> None:
    process = setting.peer(module, str(setting.quiet.port), FILTER, str(MESSAGES))
    if process is None:
        return
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise BenchError(f"{module} did not start")
    with _flood(setting) as flood:
        before_ns = cpu_ns(process.pid)
        flood.start()
        select.select([process.stdout], (), (), PEER_WAIT_S)
        used_ns = cpu_ns(process.pid) - before_ns
        flood.wait()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=10)
    counted = int(output.split()[-1])
    facts.peer_cpu_us.setdefault(module, []).append(used_ns / 1000 / counted)


def when_still(pid: int) -> int:
    """CPU time of a process once it has worked off what it was sent: two looks in a row found next to nothing new."""
    still, before_ns = 0, cpu_ns(pid)
    for _ in range(60):
        time.sleep(LOOK_S)
        now_ns = cpu_ns(pid)
        still = still + 1 if now_ns - before_ns < LOOK_S * 1e9 / 20 else 0
        before_ns = now_ns
        if still == 2:
            break
    return before_ns


def _counting(facts: Facts) -> Line:
    fewest = min(facts.counted)
    return Line(
        row="flood",
        what=f"{RATE:,} msg/s of 100-byte JSON over {TOPICS_PER_ROOT} topics for {SECONDS:g} s, QoS 0: counted",
        bar=f"every one of {MESSAGES:,}",
        measured=f"{fewest:,} (fewest of {len(facts.counted)} rounds)",
        compared_with="",
        verdict=at_least(fewest, MESSAGES, "messages") if fewest <= MESSAGES else "counted too many",
        values={"fewest": fewest, "most": max(facts.counted)},
    )


def _size(facts: Facts) -> Line:
    largest = max(facts.characters)
    return Line(
        row="flood",
        what="… its result",
        bar=f"≤ {MAX_RESULT_CHARACTERS:,} characters",
        measured=f"{largest:,} (largest)",
        compared_with="",
        verdict=at_most(largest, MAX_RESULT_CHARACTERS, "characters"),
        values={"largest_characters": largest},
    )


def _pings(facts: Facts) -> Line:
    value = percentile(facts.ping_ms, 0.99)
    return Line(
        row="flood",
        what="… ping during it, p99",
        bar=f"≤ {MAX_PING_P99_MS:g} ms",
        measured=f"{number(value)} ms (median {number(median(facts.ping_ms))}, worst {number(max(facts.ping_ms))})",
        compared_with=(
            f"an idle server at the same time: p99 {number(percentile(facts.idle_ping_ms, 0.99))} ms "
            f"(median {number(median(facts.idle_ping_ms))}, worst {number(max(facts.idle_ping_ms))})"
        ),
        verdict=at_most(value, MAX_PING_P99_MS, "ms"),
        values={
            "p99_ms": value,
            "median_ms": median(facts.ping_ms),
            "worst_ms": max(facts.ping_ms),
            "idle_p99_ms": percentile(facts.idle_ping_ms, 0.99),
        },
    )


def _cost(facts: Facts) -> Line:
    value = median(facts.cpu_us)
    told = "; ".join(f"{PEERS[module]}: {number(median(some))} µs" for module, some in facts.peer_cpu_us.items())
    return Line(
        row="flood",
        what="… CPU per message",
        bar="report",
        measured=f"{number(value)} µs (and {number(median(facts.reply_cpu_ms))} ms for the rest)",
        compared_with=told,
        verdict="",
        values={"cpu_us": value} | {f"{module}_cpu_us": median(some) for module, some in facts.peer_cpu_us.items()},
    )
