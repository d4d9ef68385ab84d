"""Row ``cancel``: how soon a cancelled collection is over, on a quiet broker and in a flood.

Timed from writing ``notifications/cancelled`` until UNSUBSCRIBE is in the broker's log, and until the ping that was
written right after it is answered. The cancelled call itself must stay unanswered.
"""

import time

from benchmarks.client import BenchError, StdioClient
from benchmarks.publisher import Flood
from benchmarks.report import Line, at_most, median, number
from benchmarks.setting import Setting

ROUNDS = 15
MAX_MS = 50.0
FLOOD_RATE = 20_000


def measure(setting: Setting) -> list[Line]:
    with setting.ours(setting.quiet) as client:
        session = client.call("establish_connection", {})["session_id"]
        quiet = [_cancel(setting, client, session, f"cancel{turn}/#") for turn in range(ROUNDS)]
    with setting.ours(setting.quiet) as client:
        session = client.call("establish_connection", {})["session_id"]
        flood = Flood(setting.quiet.port, rate=FLOOD_RATE, seconds=3.5, roots=["cancelled"], cwd=setting.cwd)
        with flood:
            flood.start()
            time.sleep(0.2)
            busy: list[tuple[float, float]] = []
            while not flood.over and len(busy) < ROUNDS:
                busy.append(_cancel(setting, client, session, "cancelled/#"))
            if flood.over and len(busy) < 5:
                raise BenchError("the flood was over before five cancellations")
    return [_line("quiet", quiet), _line(f"in a flood of {FLOOD_RATE:,} msg/s", busy)]


def _cancel(setting: Setting, client: StdioClient, session: str, topic_filter: str) -> tuple[float, float]:
    """One cancellation: milliseconds until UNSUBSCRIBE and until the ping's answer."""
    log = setting.quiet.log
    mark = log.mark()
    call, _ = client.send_call(
        "subscribe_and_collect", {"session_id": session, "topic_pattern": topic_filter, "duration": 60}
    )
    log.wait(topic_filter, after=mark)
    time.sleep(0.1)
    mark = log.mark()
    cancelled_ns = client.notify("notifications/cancelled", {"requestId": call, "reason": "benchmark"})
    ping, _ = client.send("ping")
    answered_ns = client.wait(ping, 10).at_ns
    unsubscribed_ns = log.wait(topic_filter, after=mark)[0]
    if client.has(call):
        raise BenchError("a cancelled call was answered")
    return (unsubscribed_ns - cancelled_ns) / 1e6, (answered_ns - cancelled_ns) / 1e6


def _line(when: str, cancels_ms: list[tuple[float, float]]) -> Line:
    unsubscribed, answered = [a for a, _ in cancels_ms], [b for _, b in cancels_ms]
    worst = max(*unsubscribed, *answered)
    return Line(
        row="cancel",
        what=f"cancel of a running collection, {when}",
        bar=f"unsubscribed and answering ≤ {MAX_MS:g} ms",
        measured=(
            f"unsubscribed {number(median(unsubscribed))} ms, worst {number(max(unsubscribed))}; "
            f"ping answered {number(median(answered))}, worst {number(max(answered))}"
        ),
        compared_with="",
        verdict=at_most(worst, MAX_MS, "ms"),
        values={"unsubscribed_ms": median(unsubscribed), "worst_ms": worst, "cancellations": len(cancels_ms)},
    )
