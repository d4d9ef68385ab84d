"""Rows ``windows``: what a further window costs that shares the hub of ``mqtt-mcp serve``.

CPU from spawn to the reply to ``initialize`` and resident memory, of the window's own process; and ten windows at once.
The FastMCP servers have no such thing: there a further window is a further server.
"""

import contextlib

import msgspec

from benchmarks.client import PROTOCOL, StdioClient
from benchmarks.daemon import running_daemon
from benchmarks.processes import cpu_ns, rss_mib
from benchmarks.report import Line, at_most, both, median, number, percentile
from benchmarks.setting import FASTMCP, FASTMCP_SDK, Setting

ROUNDS = 7
ROUND_TRIPS = 200
AT_ONCE = 10
MAX_START_CPU_MS = 60.0
MAX_SHARE_OF_FASTMCP = 1 / 6
MAX_RSS_MIB = 16.0
MAX_ALL_ANSWERED_S = 1.0
OPENING = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "benchmark", "version": "1"}}


class Facts(msgspec.Struct):
    """What was seen of one kind of window, over all rounds."""

    cpu_ms: list[float] = msgspec.field(default_factory=list)
    rss_mib: list[float] = msgspec.field(default_factory=list)
    ping_ms: list[float] = msgspec.field(default_factory=list)


def measure(setting: Setting) -> list[Line]:
    with running_daemon(setting) as daemon:
        socket = daemon.socket
        _observe(setting.window(socket), Facts())  # byte code and disk cache
        bare, configured = Facts(), Facts()
        theirs = {name: Facts() for name in (FASTMCP_SDK, FASTMCP) if name in setting.servers()}
        for name in theirs:
            _observe(setting.start(name, setting.quiet), Facts())
        for _ in range(ROUNDS):
            _observe(setting.window(socket), bare)
            _observe(setting.window(socket, setting.quiet), configured)
            for name, spent in theirs.items():
                _observe(setting.start(name, setting.quiet), spent)
        answered_s = [_all_answered_s(setting, socket) for _ in range(ROUNDS)]
    return [
        _cpu("of a running hub", bare, theirs),
        _cpu("that compares its MQTT_BROKER_URL with the hub's", configured, theirs),
        _memory(bare, configured),
        _ping(bare),
        _at_once(answered_s),
    ]


def _observe(client: StdioClient, facts: Facts) -> None:
    with client:
        client.initialize()
        facts.cpu_ms.append(cpu_ns(client.pid) / 1e6)
        client.request("tools/list")
        facts.rss_mib.append(rss_mib(client.pid))
        facts.ping_ms += [client.round_trip_ms("ping") for _ in range(ROUND_TRIPS)]


def _all_answered_s(setting: Setting, socket: str) -> float:
    """Seconds from the first spawn until each of ten windows has the reply to ``initialize``."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(setting.window(socket)) for _ in range(AT_ONCE)]
        asked = [client.send("initialize", OPENING)[0] for client in clients]
        replies = [client.wait(request, 30) for client, request in zip(clients, asked, strict=True)]
        return (max(reply.at_ns for reply in replies) - clients[0].spawned_ns) / 1e9


def _cpu(which: str, ours: Facts, theirs: dict[str, Facts]) -> Line:
    cpu_ms = median(ours.cpu_ms)
    verdict = at_most(cpu_ms, MAX_START_CPU_MS, "ms")
    values = {"cpu_ms": cpu_ms, "best_cpu_ms": min(ours.cpu_ms)}
    told = []
    for name in (FASTMCP_SDK, FASTMCP):
        if name not in theirs:
            told.append(f"{name}: not installed")
            continue
        share = cpu_ms / median(theirs[name].cpu_ms)
        told.append(f"{name}: {median(theirs[name].cpu_ms):.0f} ms, ours is {share:.3f} of it")
        values[f"share_of_{name}"] = share
        verdict = both(verdict, at_most(share, MAX_SHARE_OF_FASTMCP, f"of {name}"))
    return Line(
        row="windows",
        what=f"CPU of a window {which}, from spawn to the initialize reply",
        bar=f"≤ {MAX_START_CPU_MS:.0f} ms and ≤ 1/6 of FastMCP",
        measured=f"{cpu_ms:.0f} ms (best {min(ours.cpu_ms):.0f})",
        compared_with="; ".join(told),
        verdict=verdict,
        values=values,
    )


def _memory(bare: Facts, configured: Facts) -> Line:
    value, with_variables = median(bare.rss_mib), median(configured.rss_mib)
    return Line(
        row="windows",
        what="memory of such windows after tools/list",
        bar=f"≤ {MAX_RSS_MIB:.0f} MiB RSS",
        measured=f"{value:.1f} and {with_variables:.1f} MiB",
        compared_with="",
        verdict=at_most(max(value, with_variables), MAX_RSS_MIB, "MiB"),
        values={"rss_mib": value, "comparing_rss_mib": with_variables},
    )


def _ping(bare: Facts) -> Line:
    trips_ms = bare.ping_ms
    return Line(
        row="windows",
        what="ping round trip through such a window, median / p99",
        bar="",
        measured=f"{number(median(trips_ms))} / {number(percentile(trips_ms, 0.99))} ms",
        compared_with="",
        verdict="",
        values={"median_ms": median(trips_ms), "p99_ms": percentile(trips_ms, 0.99)},
    )


def _at_once(answered_s: list[float]) -> Line:
    value = median(answered_s)
    return Line(
        row="windows",
        what=f"{AT_ONCE} windows opened at once, until all are answered",
        bar=f"≤ {MAX_ALL_ANSWERED_S:g} s",
        measured=f"{value:.2f} s (worst {max(answered_s):.2f})",
        compared_with="",
        verdict=at_most(value, MAX_ALL_ANSWERED_S, "s"),
        values={"median_s": value, "worst_s": max(answered_s)},
    )
