"""Row ``monitor``: many pages that follow and some that never read, the way out, and what the journal holds.

The events are calls of about 2 kB each, made by a window; each call is two events. Latency is from the record's time
stamp to the moment a reader has the bytes. Pings go through another window meanwhile, due by the clock.
"""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.client import BenchError, StdioClient
from benchmarks.daemon import Daemon, running_daemon
from benchmarks.processes import cpu_ns
from benchmarks.report import Line, at_least, at_most, both, median, number, percentile
from benchmarks.setting import Setting

LIVE, STALLED = 200, 5
EVENTS_PER_S = 50
SECONDS = 40
PING_GAP_S = 0.1
MAX_P99_MS = 150.0
MAX_PING_MS = 20.0
MAX_END_S = 2.5
CALLS, MESSAGES = 100_000, 1_000_000
_EVENTS = b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def measure(setting: Setting) -> list[Line]:
    return [*_streams(setting), _shutdown(setting), _journal(setting)]


# -- followers -----------------------------------------------------------------------------------


def _streams(setting: Setting) -> list[Line]:
    with (
        running_daemon(setting) as daemon,
        setting.window(daemon.socket) as caller,
        setting.window(daemon.socket) as pinger,
    ):
        caller.initialize()
        pinger.initialize()
        idle_ms = _drive(caller, pinger, seconds=5.0)
        with _readers(setting, daemon, LIVE, STALLED) as readers:
            spent_ns = cpu_ns(daemon.pid), cpu_ns(readers.pid)
            busy_ms = _drive(caller, pinger, seconds=SECONDS)
            shares = [
                (cpu_ns(pid) - ns) / 1e7 / SECONDS for pid, ns in zip((daemon.pid, readers.pid), spent_ns, strict=True)
            ]
            streams = daemon.get("api/v1/status")["streams"]
            saw = _told(readers)
    dropped = LIVE + STALLED - streams
    everybody = both(at_least(saw["fewest"], saw["most"], "events to somebody"), at_most(saw["ended"], 0, "ended"))
    return [
        Line(
            row="monitor",
            what=f"{LIVE} pages that follow and {STALLED} that never read, {EVENTS_PER_S} events/s of 2 kB",
            bar=f"live p99 ≤ {MAX_P99_MS:g} ms, the {STALLED} dropped, everybody else gets everything",
            measured=(
                f"p50 {number(saw['p50_ms'])} ms, p99 {number(saw['p99_ms'])}, worst {number(saw['worst_ms'])}; "
                f"{dropped} dropped; {saw['fewest']:,} to {saw['most']:,} calls each, "
                f"{saw['bytes'] / 1e6 / SECONDS:.1f} MB/s in all; serve {shares[0]:.0f} % of a core"
            ),
            compared_with=f"the readers themselves: {shares[1]:.0f} % of a core",
            verdict=both(
                both(at_most(saw["p99_ms"], MAX_P99_MS, "ms"), everybody), at_least(dropped, STALLED, "dropped")
            ),
            values={
                "p50_ms": saw["p50_ms"],
                "p99_ms": saw["p99_ms"],
                "worst_ms": saw["worst_ms"],
                "dropped": dropped,
                "serve_percent": shares[0],
            },
        ),
        Line(
            row="monitor",
            what="ping through a window meanwhile, median / p99",
            bar=f"p99 ≤ {MAX_PING_MS:g} ms",
            measured=f"{number(median(busy_ms))} / {number(percentile(busy_ms, 0.99))} ms",
            compared_with=f"without a page: {number(median(idle_ms))} / {number(percentile(idle_ms, 0.99))} ms",
            verdict=at_most(percentile(busy_ms, 0.99), MAX_PING_MS, "ms"),
            values={"p99_ms": percentile(busy_ms, 0.99), "idle_p99_ms": percentile(idle_ms, 0.99)},
        ),
    ]


def _drive(caller: StdioClient, pinger: StdioClient, *, seconds: float) -> list[float]:
    """Make events at the given rate and pings beside them; milliseconds of each ping from when it was due."""
    filler = {"session_id": "s" * 36, "topic": "t" * 900, "payload": "p" * 400}
    began_s = time.perf_counter()
    calls = pings = 0
    waits_ms: list[float] = []
    while (passed_s := time.perf_counter() - began_s) < seconds:
        if calls < passed_s * EVENTS_PER_S / 2:
            calls += 1
            caller.send_call("publish_message", filler)
        caller.receive(0)
        due_s = pings * PING_GAP_S
        if passed_s >= due_s:
            pings += 1
            waited = pinger.round_trip_ms("ping")
            waits_ms.append(waited)
        time.sleep(0.002)
    return waits_ms


@contextlib.contextmanager
def _readers(setting: Setting, daemon: Daemon, live: int, stalled: int) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "benchmarks.streams", str(daemon.port), str(live), str(stalled)]
    with subprocess.Popen(
        command, cwd=setting.cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as readers:
        try:
            assert readers.stdout is not None
            if readers.stdout.readline() != "ready\n":
                raise BenchError("the readers did not get ready")
            yield readers
        finally:
            readers.kill()


def _told(readers: "subprocess.Popen[str]") -> dict[str, Any]:
    time.sleep(1.0)  # the last events are still on their way
    output, _ = readers.communicate("stop\n", timeout=30)
    told: dict[str, Any] = json.loads(output)
    return told


# -- the way out ---------------------------------------------------------------------------------


def _shutdown(setting: Setting) -> Line:
    took_s = {
        "no client": _ended_s(setting, []),
        "keep-alive": _ended_s(setting, [_HEALTH]),
        "SSE": _ended_s(setting, [_EVENTS]),
        "stalled SSE": _ended_s(setting, [_EVENTS], stalled=True),
    }
    worst_s = max(took_s.values())
    return Line(
        row="monitor",
        what="end of serve after SIGTERM",
        bar=f"≤ {MAX_END_S:g} s with each kind of client",
        measured=", ".join(f"{kind} {seconds:.2f} s" for kind, seconds in took_s.items()),
        compared_with="",
        verdict=at_most(worst_s, MAX_END_S, "s"),
        values={kind.replace(" ", "_") + "_s": seconds for kind, seconds in took_s.items()},
    )


def _ended_s(setting: Setting, requests: list[bytes], *, stalled: bool = False) -> float:
    with running_daemon(setting) as daemon, contextlib.ExitStack() as stack:
        for request in requests:
            link = stack.enter_context(socket.socket())
            if stalled:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.connect(("127.0.0.1", daemon.port))
            link.sendall(request)
            if not stalled:
                link.recv(65536)
        if stalled:
            with setting.window(daemon.socket) as caller:
                caller.initialize()
                for _ in range(2_000):  # several megabytes: more than the buffers of both sockets hold
                    request_id, _ = caller.send_call("publish_message", {"session_id": "s" * 900, "topic": "t" * 900})
                    caller.wait(request_id, 10)
                return daemon.ended_within_s()
        return daemon.ended_within_s()


# -- the journal ---------------------------------------------------------------------------------


def _journal(setting: Setting) -> Line:
    command = [sys.executable, "-m", "benchmarks.journal_memory", str(CALLS), str(MESSAGES)]
    told = json.loads(subprocess.run(command, cwd=setting.cwd, capture_output=True, check=True, timeout=900).stdout)
    grown_mib, late_mib = told["end_mib"] - told["start_mib"], told["end_mib"] - told["half_mib"]
    return Line(
        row="monitor",
        what=f"memory of the journal after an hour of {CALLS:,} calls and {MESSAGES:,} messages, as large as may be",
        bar="bounded: nothing more in the second half",
        measured=(
            f"{grown_mib:.1f} MiB, of which {late_mib:.1f} in the second half; {told['topics']:,} topics kept, "
            f"{told['forgotten']:,} forgotten; a snapshot is {told['snapshot_mib']:.1f} MiB"
        ),
        compared_with="",
        verdict=at_most(late_mib, 2.0, "MiB"),
        values={name: told[name] for name in ("start_mib", "half_mib", "end_mib", "feed_mib", "snapshot_mib")},
    )
