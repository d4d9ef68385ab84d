"""The tool ``monitor_performance``: how much traffic there is, how fast the broker answers, and who talks most.

Owns its words, arguments and result. The traffic is counted by ``analysis/performance/``, the round trips are made by
``hub/probe.py``, the judgement is ``analysis/performance/findings.py``'s.
"""

from typing import Annotated

import msgspec
import trio

from mqtt_mcp.analysis.performance.findings import Finding, performance_findings
from mqtt_mcp.analysis.performance.sys_topics import BrokerSide
from mqtt_mcp.analysis.performance.watch import PerformanceAccumulator, TrafficFacts
from mqtt_mcp.analysis.text import clean
from mqtt_mcp.hub.collection import Collection
from mqtt_mcp.hub.probe import ProbeReport, RoundTripProbe
from mqtt_mcp.hub.self_watch import SelfFacts, SelfWatch
from mqtt_mcp.hub.session import Session
from mqtt_mcp.tools._base import Context, Tool
from mqtt_mcp.tools._findings import found_in_traffic
from mqtt_mcp.tools._listening import (
    Duration,
    Qos,
    SessionId,
    TopicFilter,
    Wait,
    WindowInfo,
    listen,
    window_info,
    window_notes,
    window_status,
)

SYSTEM_FILTER = "$SYS/#"
_BROKER_TEXT_CHARS = 120


class Args(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to watch and whether to probe."""

    session_id: SessionId
    pattern: TopicFilter = "#"
    duration: Duration = 15.0
    wait_s: Wait = 45.0
    qos: Qos = 0
    probe: Annotated[
        bool,
        msgspec.Meta(
            description=(
                "Measure round trips too: publishes about 30 messages of 64 bytes a second for at most 12 seconds to a "
                "random topic below mcp-probe/ and receives them itself. Nothing is retained. false only listens."
            )
        ),
    ] = True


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The account of a performance watch."""

    status: str
    collection_id: str
    window: WindowInfo
    findings: list[Finding]
    traffic: TrafficFacts
    probe: ProbeReport
    observer: SelfFacts
    notes: list[str]


async def run(context: Context, args: Args) -> msgspec.Struct:
    """Watch, probe beside it, and account for both.

    Raises:
        ToolError: The session is unknown or expired, or nothing of the pattern may be read.
    """
    probe = RoundTripProbe(context.hub.policy, duration_s=args.duration)
    self_watch = SelfWatch(inbox_limit=context.hub.settings.inbox_messages)
    filters = [args.pattern]
    # The system topics are an extra: when the configuration forbids reading them, the watch goes on without.
    if args.pattern != SYSTEM_FILTER and _may_read_system(context):
        filters.append(SYSTEM_FILTER)

    async def beside(session: Session) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self_watch.run, lambda: session.messages_waiting)
            if args.probe:
                await probe.run(session)

    def render(collection: Collection) -> Result:
        report, observer = collection.beside
        return _render(collection, args, report, observer)

    return await listen(
        context,
        tool=TOOL.name,
        label=args.pattern,
        session_id=args.session_id,
        filters=filters,
        qos=args.qos,
        duration_s=args.duration,
        wait_s=args.wait_s,
        accumulator=PerformanceAccumulator(own_prefix=probe.prefix),
        render=render,
        findings=lambda result: found_in_traffic(result.findings),
        companion=beside,
        beside=lambda: (probe.report() if args.probe else _NO_PROBE, self_watch.facts()),
    )


def _may_read_system(context: Context) -> bool:
    return context.hub.policy.may_read("$SYS/broker/uptime")


def _render(collection: Collection, args: Args, probe: ProbeReport, observer: SelfFacts) -> Result:
    window = collection.window()
    traffic: TrafficFacts = collection.accumulator.result(window)
    traffic = msgspec.structs.replace(traffic, broker=_shown(traffic.broker))
    # That # leaves out $SYS needs no saying where $SYS/# was watched beside it.
    asked = [] if SYSTEM_FILTER in window.granted else [args.pattern]
    notes = window_notes(window, filters=asked, messages=traffic.messages + traffic.stored)
    if args.qos == 0:
        notes.append("Subscribed with QoS 0, so every message is delivered with QoS 0; pass qos=2 to see the mix.")
    if traffic.topics_let_go:
        notes.append(
            f"There are more topics than the table holds: {traffic.topics_let_go} small ones with "
            f"{traffic.messages_let_go} messages are only in the totals."
        )
    if traffic.rates.measured_s < 5.0:
        notes.append(f"Only {traffic.rates.measured_s:g} s were measured so far; rates are rough.")
    return Result(
        status=window_status(window),
        collection_id=collection.id,
        window=window_info(window),
        findings=performance_findings(
            traffic,
            probe.qos,
            observer_dropped=window.observer_dropped,
            upper_bounds=observer.upper_bounds,
            cpu_share=observer.cpu_share,
            inbox_share=observer.inbox_share,
        ),
        traffic=traffic,
        probe=probe,
        observer=observer,
        notes=notes,
    )


def _shown(broker: BrokerSide) -> BrokerSide:
    return msgspec.structs.replace(
        broker,
        version=clean(broker.version, _BROKER_TEXT_CHARS),
        uptime=clean(broker.uptime, _BROKER_TEXT_CHARS),
    )


_NO_PROBE = ProbeReport(
    status="skipped", reason="probe=false was asked for.", pings=0, ping_ms_min=0.0, ping_ms_median=0.0, qos=[]
)

TOOL = Tool(
    name="monitor_performance",
    title="Measure traffic and latency",
    description=(
        "Measures an MQTT broker for a while: messages and bytes per second (mean and busiest second), payload sizes, "
        "gaps between messages, the topics that talk most, duplicates; round-trip times per QoS by messages of its own "
        "on a random private topic, with loss; the broker's own $SYS counters, levels and events when it has them "
        "(Mosquitto, EMQX, VerneMQ, NanoMQ); and whether this program itself was the bottleneck. Use it for questions "
        "of load, speed and loss. For what is published use list_topics or subscribe_and_collect; for whether the "
        "broker can be reached at all use test_connection. Limits: duration 10 to 300 seconds; $SYS rates need about "
        "25 seconds on Mosquitto; 10 top talkers each."
    ),
    args=Args,
    result=Result,
    run=run,
    read_only=False,
    destructive=False,
)
