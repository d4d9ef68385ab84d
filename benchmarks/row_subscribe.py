"""Row ``subscribe``: how soon a collection listens: from the call until SUBACK, by the broker's log."""

from benchmarks.report import Line, at_most, both, median, number
from benchmarks.setting import Setting

STARTS = 20
MAX_MS = 50.0
HARD_MAX_MS = 2000.0


def measure(setting: Setting) -> list[Line]:
    broker = setting.verbose
    taken_ms = []
    with setting.ours(broker) as client:
        session = client.call("establish_connection", {})["session_id"]
        for turn in range(STARTS):
            mark = broker.log.mark()
            arguments = {"session_id": session, "topic_pattern": f"start{turn}/#", "duration": 60}
            call, called_ns = client.send_call("subscribe_and_collect", arguments)
            taken_ms.append((broker.log.wait("Sending SUBACK", after=mark)[0] - called_ns) / 1e6)
            client.notify("notifications/cancelled", {"requestId": call})
            broker.log.wait("Sending UNSUBACK", after=mark)
    value, worst = median(taken_ms), max(taken_ms)
    return [
        Line(
            row="subscribe",
            what="start of a collection (call → SUBACK)",
            bar=f"≤ {MAX_MS:g} ms; never above {HARD_MAX_MS / 1000:g} s",
            measured=f"{number(value)} ms (worst of {STARTS}: {number(worst)}, first: {number(taken_ms[0])})",
            compared_with="",
            verdict=both(at_most(value, MAX_MS, "ms"), at_most(worst, HARD_MAX_MS, "ms")),
            values={"median_ms": value, "worst_ms": worst, "first_ms": taken_ms[0]},
        )
    ]
