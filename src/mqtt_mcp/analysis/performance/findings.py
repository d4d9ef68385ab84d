"""What the figures of a performance watch mean: findings with their evidence, worst first.

Owns the rules and their thresholds. Sentences hold our numbers only, no foreign text. Does not measure.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from mqtt_mcp.analysis.performance.broker_events import BrokerEvents
from mqtt_mcp.analysis.performance.round_trips import QosAccount
from mqtt_mcp.analysis.performance.sys_topics import BrokerSide
from mqtt_mcp.analysis.performance.watch import TrafficFacts

Severity = Literal["critical", "high", "medium", "low"]
_ORDER = ("critical", "high", "medium", "low")

DROP_SHARE_CRITICAL = 0.001
TAIL_FACTOR = 10.0
TAIL_MIN_MS = 50.0
BURST_FACTOR = 10.0
BURST_MIN_PER_S = 100
HEAVY_SHARE = 0.5
CHURN_PER_MIN = 30.0
FAN_OUT = 10.0
FAN_OUT_MIN = 100
BUSY_CPU_SHARE = 0.9
FULL_INBOX_SHARE = 0.5
FLAPPING_CONNECTS = 3
TAKEN_OVER_MIN = 2
_GROWING: tuple[tuple[str, str, Severity, float, float, str], ...] = (
    # gauge, code, severity, rises by at least, and by this share of what it was
    ("outgoing_packets_queued", "outgoing_queue_growth", "high", 1_000, 0.5, "Packets that wait for slow clients"),
    (
        "stored_messages",
        "stored_growth",
        "medium",
        1_000,
        0.2,
        "Messages the broker holds (in flight, queued, retained)",
    ),
    ("heap_bytes", "heap_growth", "medium", 1_048_576, 0.2, "Memory of the broker in bytes"),
    ("retained_messages", "retained_growth", "low", 100, 0.1, "Retained messages"),
    ("subscriptions", "subscription_growth", "low", 100, 0.2, "Subscriptions"),
)
NAGLE_MS = ((30.0, 48.0), (60.0, 80.0))
"""One and two delayed TCP acknowledgements: 40 ms on Linux, less what had passed."""
NAGLE_FASTEST_MS = 10.0


class Finding(msgspec.Struct, frozen=True):
    """One thing worth knowing: how bad, a word for programs, and a sentence with the evidence."""

    severity: Severity
    code: str
    evidence: str


def performance_findings(
    traffic: TrafficFacts,
    probe: Sequence[QosAccount],
    *,
    observer_dropped: int,
    upper_bounds: bool,
    cpu_share: float = 0.0,
    inbox_share: float = 0.0,
) -> list[Finding]:
    """Judge a watch.

    Args:
        traffic: What arrived and what the broker said about itself.
        probe: The accounts of the round-trip probe; may be empty.
        observer_dropped: Messages that arrived faster than we took them.
        upper_bounds: Our own timers were late.
        cpu_share: CPU seconds this process took per second.
        inbox_share: How full our own inbox was at most, 0 to 1.

    Returns:
        Findings, worst first, otherwise in the order of the rules.
    """
    found = [
        *_observer(observer_dropped, upper_bounds=upper_bounds),
        *_observer_load(cpu_share, inbox_share),
        *_broker(traffic),
        *_growth(traffic.broker),
        *_clients(traffic.broker.events),
        *(finding for account in probe for finding in _round_trips(account)),
        *_nagle(probe),
        *_traffic(traffic),
    ]
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))


def _observer(dropped: int, *, upper_bounds: bool) -> Iterator[Finding]:
    if dropped:
        yield Finding(
            "high",
            "observer_dropped",
            f"{dropped} messages arrived faster than this program could take them and were lost here, not there.",
        )
    if upper_bounds:
        yield Finding(
            "medium",
            "observer_late",
            "This program's own timers ran late: all latencies here are upper bounds, the broker may be faster.",
        )


def _observer_load(cpu_share: float, inbox_share: float) -> Iterator[Finding]:
    if cpu_share > BUSY_CPU_SHARE:
        yield Finding(
            "medium",
            "observer_busy",
            f"This program itself took {cpu_share:.0%} of a core: watch a narrower pattern for truer latencies.",
        )
    if inbox_share > FULL_INBOX_SHARE:
        yield Finding(
            "medium",
            "observer_behind",
            f"This program's own inbox was {inbox_share:.0%} full at one time: it took messages later than they came.",
        )


def _broker(traffic: TrafficFacts) -> Iterator[Finding]:
    broker = traffic.broker
    dropped, sent = broker.change("publish_dropped"), broker.change("publish_sent")
    if dropped > 0:
        share = dropped / max(1.0, sent + dropped)
        yield Finding(
            "critical" if share > DROP_SHARE_CRITICAL else "high",
            "broker_dropped",
            f"The broker dropped {dropped:.0f} messages in {broker.span_s:g} s ({share:.2%} of those it had to send): "
            "a subscriber is slower than its queue is long.",
        )
    received = broker.change("publish_received")
    if received >= FAN_OUT_MIN and sent > FAN_OUT * received:
        yield Finding(
            "low",
            "fan_out",
            f"The broker sends {sent / received:.1f} messages for each one it receives ({received:.0f} received, "
            f"{sent:.0f} sent in {broker.span_s:g} s): its load is that of its subscribers, this watch included.",
        )
    churn_per_min = broker.change("connections_opened") / broker.span_s * 60 if broker.span_s else 0.0
    if not churn_per_min and not isinstance(broker.events, msgspec.UnsetType) and traffic.rates.measured_s:
        churn_per_min = broker.events.connected / traffic.rates.measured_s * 60
    if churn_per_min > CHURN_PER_MIN:
        yield Finding(
            "high",
            "connection_churn",
            f"{churn_per_min:.0f} connections a minute are opened: clients reconnect in a loop.",
        )


def _growth(broker: BrokerSide) -> Iterator[Finding]:
    """Levels that only mean something when they rise while we watch."""
    for name, code, severity, least, share, told in _GROWING:
        change = broker.change(name)
        before = broker.level(name) - change
        if change >= least and change > share * before:
            yield Finding(severity, code, f"{told} rose from {before:.0f} to {before + change:.0f} during the watch.")


def _clients(events: BrokerEvents | msgspec.UnsetType) -> Iterator[Finding]:
    """What the broker's own events say; client ids and alarm names are in the events, not in the sentences."""
    if isinstance(events, msgspec.UnsetType):
        return
    thrown_out = sum(client.taken_over >= TAKEN_OVER_MIN for client in events.busiest)
    if thrown_out:
        yield Finding(
            "critical",
            "duplicate_client_id",
            f"{thrown_out} client ids were thrown out by another client of the same id {TAKEN_OVER_MIN} times or more: "
            "two devices or programs share an id (traffic.broker.events.busiest).",
        )
    flapping = sum(client.connects >= FLAPPING_CONNECTS for client in events.busiest)
    if flapping:
        yield Finding(
            "high",
            "clients_flapping",
            f"{flapping} clients connected {FLAPPING_CONNECTS} times or more during the watch "
            "(traffic.broker.events.busiest; reasons tells why they went).",
        )
    if events.refused:
        yield Finding("medium", "connections_refused", f"The broker refused {events.refused} connections.")
    active = sum(alarm.active for alarm in events.alarms)
    if events.alarms:
        yield Finding(
            "high" if active else "medium",
            "broker_alarm",
            f"The broker raised {len(events.alarms)} alarms during the watch, of which {active} are still active "
            "(traffic.broker.events.alarms).",
        )


def _round_trips(account: QosAccount) -> Iterator[Finding]:
    qos, spread = account.qos, account.round_trip_ms
    if account.lost:
        yield Finding(
            "critical" if qos else "high",
            "probe_lost",
            f"{account.lost} of {account.sent} probe messages of QoS {qos} did not come back"
            + ("; at QoS 1 and 2 that is never normal." if qos else "."),
        )
    if account.duplicated and qos == 2:
        yield Finding("high", "probe_duplicated", f"{account.duplicated} probe messages of QoS 2 came back twice.")
    if account.reordered:
        yield Finding("medium", "probe_reordered", f"{account.reordered} probe messages of QoS {qos} overtook others.")
    if account.status == "refused":
        yield Finding("medium", "probe_refused", f"The broker refused the probe at QoS {qos}; see probe.qos for why.")
    tail_ms = spread.p99 if isinstance(spread.p99, float) else spread.max
    if spread.n and tail_ms > TAIL_FACTOR * spread.p50 and tail_ms > TAIL_MIN_MS:
        yield Finding(
            "medium",
            "long_tail",
            f"Round trips of QoS {qos}: median {spread.p50:g} ms but up to {tail_ms:g} ms: something stalls at times.",
        )


def _nagle(probe: Sequence[QosAccount]) -> Iterator[Finding]:
    """Measured on Mosquitto 2.0.11 beside 100 msg/s: QoS 2 median 66.6 ms, and 1.3 ms with set_tcp_nodelay."""
    stepped = [
        account
        for account in probe
        if account.round_trip_ms.min < NAGLE_FASTEST_MS
        and any(low <= account.round_trip_ms.p90 <= high for low, high in NAGLE_MS)
    ]
    if stepped:
        fastest_ms = min(account.round_trip_ms.min for account in stepped)
        slow_ms = max(account.round_trip_ms.p90 for account in stepped)
        yield Finding(
            "low",
            "delayed_acknowledgements",
            f"Round trips take {fastest_ms:g} ms at best, yet one in ten of QoS {_qos_list(stepped)} takes {slow_ms:g} "
            "ms or more. Steps of 40 ms are those of a broker that waits for delayed TCP acknowledgements (Nagle's "
            "algorithm); on Mosquitto set_tcp_nodelay true ends it.",
        )


def _qos_list(accounts: Sequence[QosAccount]) -> str:
    return " and ".join(str(account.qos) for account in accounts)


def _traffic(traffic: TrafficFacts) -> Iterator[Finding]:
    mean, peak = traffic.rates.messages_per_s_mean, traffic.rates.messages_per_s_peak
    if peak >= BURST_MIN_PER_S and peak > BURST_FACTOR * mean:
        yield Finding(
            "low", "bursts", f"Traffic comes in bursts: {peak} messages in the busiest second, {mean:g} on average."
        )
    if traffic.top_by_messages and traffic.topics > 3 and traffic.top_by_messages[0].share > HEAVY_SHARE:
        share = traffic.top_by_messages[0].share
        yield Finding(
            "low", "one_topic_dominates", f"One topic makes {share:.0%} of all messages (top_by_messages[0])."
        )
