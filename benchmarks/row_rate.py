"""Row ``rate``: 20,000, 30,000 and 50,000 messages a second for 3 s, end to end through the bridge, beside bare gmqtt.

Both listening tools count every message, or say how many they lost and who was the limit: the publisher and the broker
(what was sent in time), we (``observer_dropped``), or nobody. The CPU time of each side is that of its whole process,
threads included, from the first message until it has worked off the last one.
"""

import select
import signal
import subprocess
import sys
from typing import Any

import msgspec

from benchmarks.client import BenchError, structured
from benchmarks.processes import cpu_ns
from benchmarks.publisher import Flood
from benchmarks.report import Line, both, median, number
from benchmarks.row_flood import when_still
from benchmarks.setting import Setting

RATES = (20_000, 30_000, 50_000)
SECONDS = 3.0
ROUNDS = 3
DURATION_S = 15
WAIT_S = 30
FILTER = "rate/#"
TOOLS: dict[str, dict[str, Any]] = {
    "monitor_performance": {"pattern": FILTER, "probe": False},
    "subscribe_and_collect": {"topic_pattern": FILTER},
}
BARE = "bare gmqtt, only counting"


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One flood into one listener.

    Attributes:
        counted: Messages it counted.
        lost: Messages it says it lost itself.
        dropped: Messages that the broker says it dropped meanwhile.
        cpu_us: CPU time it took per message.
        took_s: Seconds in which publisher and broker moved what was meant for ``SECONDS``.
    """

    counted: int
    lost: int
    dropped: int
    cpu_us: float
    took_s: float


def measure(setting: Setting) -> list[Line]:
    lines = []
    for rate in RATES:
        rounds: dict[str, list[Round]] = {}
        for _ in range(ROUNDS):
            for tool, arguments in TOOLS.items():
                rounds.setdefault(tool, []).append(_ours(setting, rate, tool, arguments))
            rounds.setdefault(BARE, []).append(_bare(setting, rate))
        lines += [_line(rate, tool, rounds) for tool in TOOLS]
    return lines


def _flood(setting: Setting, rate: int) -> Flood:
    return Flood(setting.quiet.port, rate=rate, seconds=SECONDS, roots=["rate"], cwd=setting.cwd)


def _ours(setting: Setting, rate: int, tool: str, arguments: dict[str, Any]) -> Round:
    with setting.ours(setting.quiet) as client, _flood(setting, rate) as flood:
        session = client.call("establish_connection", {})["session_id"]
        mark = setting.quiet.log.mark()
        call, _ = client.send_call(tool, {"session_id": session, "duration": DURATION_S, "qos": 0, **arguments})
        setting.quiet.log.wait(FILTER, after=mark)
        before_ns = when_still(client.pid)
        flood.start()
        took_s = flood.wait()["seconds"]
        used_ns = when_still(client.pid) - before_ns
        result = structured(client.wait(call, DURATION_S + 10))
        counted = result["observed" if "observed" in result else "traffic"]["messages"]
        lost = result["window"].get("observer_dropped", 0)
        dropped = result["window"].get("broker_dropped", {}).get("messages", 0)
    if took_s > DURATION_S - 2:
        raise BenchError(f"publisher and broker took {took_s:.0f} s for {SECONDS:g} s of {rate:,} msg/s: too busy here")
    return Round(counted=counted, lost=lost, dropped=dropped, cpu_us=used_ns / 1000 / (rate * SECONDS), took_s=took_s)


def _bare(setting: Setting, rate: int) -> Round:
    expected = int(rate * SECONDS)
    command = [sys.executable, "-m", "benchmarks.peers.count_gmqtt", str(setting.quiet.port), FILTER, str(expected)]
    process = subprocess.Popen(command, cwd=setting.cwd, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise BenchError("bare gmqtt did not start")
    with _flood(setting, rate) as flood:
        before_ns = cpu_ns(process.pid)
        flood.start()
        took_s = flood.wait()["seconds"]
        select.select([process.stdout], (), (), WAIT_S)
        used_ns = cpu_ns(process.pid) - before_ns
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=10)
    return Round(counted=int(output.split()[-1]), lost=0, dropped=0, cpu_us=used_ns / 1000 / expected, took_s=took_s)


def _line(rate: int, tool: str, rounds: dict[str, list[Round]]) -> Line:
    ours, bare = rounds[tool], rounds[BARE]
    expected = int(rate * SECONDS)
    fewest, lost = min(one.counted for one in ours), max(one.lost for one in ours)
    ours_us, bare_us = (median([one.cpu_us for one in some]) for some in (ours, bare))
    slowest_s = max(one.took_s for one in ours)
    exact = "ok" if all(one.counted == expected for one in ours) else f"short by {expected - fewest:,} messages"
    accounted = all(one.counted + one.lost + one.dropped >= expected >= one.counted + one.lost for one in ours)
    return Line(
        row="rate",
        what=f"{rate:,} msg/s for {SECONDS:g} s into {tool}: counted, CPU per message",
        bar=f"every one of {expected:,}",
        measured=(
            f"{fewest:,} (fewest of {len(ours)} rounds; {lost:,} said to be lost here), {number(ours_us)} µs per "
            f"message: {number(ours_us * rate / 1e4)} % of a core; the limit: {_limit(ours, rate)}"
        ),
        compared_with=f"{BARE}: {min(one.counted for one in bare):,}, {number(bare_us)} µs",
        verdict=both(exact, "ok" if accounted else "a loss that was not told"),
        values={
            "fewest": fewest,
            "lost": lost,
            "cpu_us": ours_us,
            "bare_cpu_us": bare_us,
            "sent_in_s": slowest_s,
        },
    )


def _limit(ours: list[Round], rate: int) -> str:
    if any(one.lost for one in ours):
        return "we ourselves"
    slowest_s = max(one.took_s for one in ours)
    if slowest_s > SECONDS * 1.05:
        return f"publisher and broker ({rate * SECONDS / slowest_s:,.0f} msg/s at worst)"
    return "not reached"
