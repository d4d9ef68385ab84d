"""Rows ``start``: CPU until ``initialize`` is answered, memory after ``tools/list``, and the price of a round trip.

Every server is started afresh in each round; the order turns, so that a slow moment of the machine meets all.
"""

import msgspec

from benchmarks.processes import cpu_ns, rss_mib
from benchmarks.report import Line, at_most, both, median, number, percentile
from benchmarks.setting import FASTMCP, FASTMCP_SDK, FLOOR, OURS, Setting

ROUNDS = 7
ROUND_TRIPS = 200
MAX_START_CPU_MS = 120.0
MAX_SHARE_OF_FASTMCP = 0.25
MAX_RSS_MIB = 32.0
MAX_LIST_MS = 0.25
MAX_PING_MS = 0.15


class Facts(msgspec.Struct):
    """What was seen of one server, over all rounds."""

    cpu_ms: list[float] = msgspec.field(default_factory=list)
    wall_ms: list[float] = msgspec.field(default_factory=list)
    rss_mib: list[float] = msgspec.field(default_factory=list)
    list_ms: list[float] = msgspec.field(default_factory=list)
    ping_ms: list[float] = msgspec.field(default_factory=list)


def measure(setting: Setting) -> list[Line]:
    servers = list(setting.servers())
    facts = {name: Facts() for name in servers}
    for name in servers:  # byte code and disk cache
        _observe(setting, name, Facts(), round_trips=1)
    for turn in range(ROUNDS):
        for place in range(len(servers)):
            name = servers[(place + turn) % len(servers)]
            _observe(setting, name, facts[name], round_trips=ROUND_TRIPS)
    ours = facts.pop(OURS)
    return [_cpu(ours, facts), _memory(ours, facts), _listing(ours, facts), _ping(ours, facts)]


def _observe(setting: Setting, name: str, facts: Facts, *, round_trips: int) -> None:
    with setting.start(name, setting.quiet) as client:
        answered_ns = client.initialize().at_ns
        facts.cpu_ms.append(cpu_ns(client.pid) / 1e6)
        facts.wall_ms.append((answered_ns - client.spawned_ns) / 1e6)
        client.request("tools/list")
        facts.rss_mib.append(rss_mib(client.pid))
        facts.list_ms += [client.round_trip_ms("tools/list") for _ in range(round_trips)]
        facts.ping_ms += [client.round_trip_ms("ping") for _ in range(round_trips)]


def _cpu(ours: Facts, others: dict[str, Facts]) -> Line:
    cpu_ms = median(ours.cpu_ms)
    verdict = at_most(cpu_ms, MAX_START_CPU_MS, "ms")
    values = {"cpu_ms": cpu_ms, "best_cpu_ms": min(ours.cpu_ms), "wall_ms": median(ours.wall_ms)}
    told = []
    for name in (FASTMCP_SDK, FASTMCP):
        if name not in others:
            told.append(f"{name}: not installed")
            continue
        theirs_ms = median(others[name].cpu_ms)
        share = cpu_ms / theirs_ms
        told.append(
            f"{name}: {theirs_ms:.0f} ms ({median(others[name].wall_ms):.0f} ms wall), ours is {share:.2f} of it"
        )
        values[f"share_of_{name}"] = share
        verdict = both(verdict, at_most(share, MAX_SHARE_OF_FASTMCP, f"of {name}"))
    told.append(f"{FLOOR}: {median(others[FLOOR].cpu_ms):.0f} ms")
    return Line(
        row="start",
        what="CPU from spawn to the initialize reply",
        bar=f"≤ {MAX_START_CPU_MS:.0f} ms and ≤ 1/4 of FastMCP",
        measured=f"{cpu_ms:.0f} ms (best {min(ours.cpu_ms):.0f}; wall {median(ours.wall_ms):.0f})",
        compared_with="; ".join(told),
        verdict=verdict,
        values=values,
    )


def _memory(ours: Facts, others: dict[str, Facts]) -> Line:
    value = median(ours.rss_mib)
    return Line(
        row="start",
        what="memory after tools/list",
        bar=f"≤ {MAX_RSS_MIB:.0f} MiB RSS",
        measured=f"{value:.1f} MiB",
        compared_with="; ".join(f"{name}: {median(f.rss_mib):.1f} MiB" for name, f in others.items()),
        verdict=at_most(value, MAX_RSS_MIB, "MiB"),
        values={"rss_mib": value},
    )


def _listing(ours: Facts, others: dict[str, Facts]) -> Line:
    return _trip("tools/list", MAX_LIST_MS, ours.list_ms, {name: f.list_ms for name, f in others.items()})


def _ping(ours: Facts, others: dict[str, Facts]) -> Line:
    return _trip("ping", MAX_PING_MS, ours.ping_ms, {name: f.ping_ms for name, f in others.items()})


def _trip(method: str, limit_ms: float, ours: list[float], others: dict[str, list[float]]) -> Line:
    value = median(ours)
    return Line(
        row="start",
        what=f"{method} round trip, median / p99",
        bar=f"≤ {limit_ms:g} ms median",
        measured=_median_and_p99(ours),
        compared_with="; ".join(f"{name}: {_median_and_p99(trips)}" for name, trips in others.items()),
        verdict=at_most(value, limit_ms, "ms"),
        values={"median_ms": value, "p99_ms": percentile(ours, 0.99)},
    )


def _median_and_p99(trips_ms: list[float]) -> str:
    return f"{number(median(trips_ms))} / {number(percentile(trips_ms, 0.99))} ms"
