"""Row ``publish``: QoS 1 messages through ``publish_message``, one after the other, each acknowledged by the broker."""

import time

from benchmarks.client import BenchError
from benchmarks.processes import cpu_ns
from benchmarks.report import Line, at_least, median, number
from benchmarks.setting import FASTMCP, OURS, Setting

ROUNDS = 5
CALLS = 1500
PEER_CALLS = 500
MIN_CALLS_PER_S = 1000.0
BARE = "bare gmqtt without MCP"


def measure(setting: Setting) -> list[Line]:
    rates: dict[str, list[float]] = {OURS: [], BARE: [], FASTMCP: []}
    cpu_us: list[float] = []
    with setting.ours(setting.quiet) as client:
        session = client.call("establish_connection", {})["session_id"]
        for _ in range(ROUNDS):
            before_ns = cpu_ns(client.pid)
            began_s = time.perf_counter()
            for number_ in range(CALLS):
                arguments = {"session_id": session, "topic": "bench/publish", "payload": f'{{"n":{number_}}}', "qos": 1}
                if client.call("publish_message", arguments)["outcome"] != "acknowledged":
                    raise BenchError("a publish was not acknowledged")
            rates[OURS].append(CALLS / (time.perf_counter() - began_s))
            cpu_us.append((cpu_ns(client.pid) - before_ns) / 1000 / CALLS)
            rates[BARE] += _bare(setting)
            rates[FASTMCP] += _fastmcp(setting)
    value = median(rates.pop(OURS))
    told = "; ".join(f"{name}: {median(some):,.0f} calls/s" for name, some in rates.items() if some)
    return [
        Line(
            row="publish",
            what="QoS 1 publishes, one after the other, acknowledged",
            bar=f"≥ {MIN_CALLS_PER_S:,.0f} calls/s",
            measured=f"{value:,.0f} calls/s ({number(median(cpu_us))} µs CPU each)",
            compared_with=told,
            verdict=at_least(value, MIN_CALLS_PER_S, "calls/s"),
            values={"calls_per_s": value, "cpu_us_per_call": median(cpu_us)},
        )
    ]


def _bare(setting: Setting) -> list[float]:
    process = setting.peer("publish_gmqtt", str(setting.quiet.port), str(CALLS))
    if process is None:
        return []
    output, _ = process.communicate(timeout=60)
    return [CALLS / float(output)]


def _fastmcp(setting: Setting) -> list[float]:
    if FASTMCP not in setting.servers():
        return []
    with setting.start(FASTMCP, setting.quiet) as client:
        client.initialize()
        arguments = {"session_id": "1", "topic": "bench/publish", "payload": '{"n":1}', "qos": 1}
        client.call("publish_message", arguments)  # connects
        began_s = time.perf_counter()
        for _ in range(PEER_CALLS):
            client.call("publish_message", arguments)
        return [PEER_CALLS / (time.perf_counter() - began_s)]
