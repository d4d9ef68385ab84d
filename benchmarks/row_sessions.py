"""Row ``sessions``: five sessions, each collecting 1,000 messages a second for 30 s at the same time."""

import time

from benchmarks.client import structured
from benchmarks.processes import cpu_ns, peak_rss_mib
from benchmarks.publisher import Flood
from benchmarks.report import Line, at_least, at_most, both
from benchmarks.setting import Setting

SESSIONS = 5
RATE_EACH = 1000
SECONDS = 30.0
MARGIN_S = 3
MAX_RSS_MIB = 128.0


def measure(setting: Setting) -> list[Line]:
    roots = [f"house{number}" for number in range(SESSIONS)]
    rate = RATE_EACH * SESSIONS
    broker = setting.quiet
    flood = Flood(broker.port, rate=rate, seconds=SECONDS, roots=roots, cwd=setting.cwd)
    with setting.ours(broker) as client, flood:
        sessions = [client.call("establish_connection", {})["session_id"] for _ in roots]
        mark = broker.log.mark()
        calls = []
        for session, root in zip(sessions, roots, strict=True):
            arguments = {"session_id": session, "topic_pattern": f"{root}/#", "duration": SECONDS + MARGIN_S}
            calls.append(client.send_call("subscribe_and_collect", arguments)[0])
        broker.log.wait("house", after=mark, count=SESSIONS)
        time.sleep(0.1)
        before_ns = cpu_ns(client.pid)
        flood.start()
        flood.wait()
        share = (cpu_ns(client.pid) - before_ns) / 1e9 / SECONDS
        results = [structured(client.wait(call, SECONDS + 15)) for call in calls]
        rss_mib = peak_rss_mib(client.pid)
    expected = int(RATE_EACH * SECONDS)
    counted = [result["observed"]["messages"] for result in results]
    lost = sum(expected - count for count in counted)
    return [
        Line(
            row="sessions",
            what=f"{SESSIONS} sessions each collecting {RATE_EACH:,} msg/s at once for {SECONDS:g} s",
            bar=f"nothing lost, RSS ≤ {MAX_RSS_MIB:.0f} MiB",
            measured=f"{lost} of {expected * SESSIONS:,} lost, peak RSS {rss_mib:.1f} MiB, {share:.0%} of one core",
            compared_with="",
            verdict=both(at_least(min(counted), expected, "messages"), at_most(rss_mib, MAX_RSS_MIB, "MiB")),
            values={"lost": lost, "peak_rss_mib": rss_mib, "core_share": share},
        )
    ]
