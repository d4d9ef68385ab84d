"""What the figures of a performance watch mean: findings with their evidence, worst first.

Owns the rules and their thresholds. Sentences hold our numbers only, no foreign text. Does not measure.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from mqtt_mcp.analysis.performance.round_trips import QosAccount
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
NAGLE_MS = ((30.0, 48.0), (60.0, 80.0))
"""One and two delayed TCP acknowledgements: 40 ms on Linux, less what had passed."""
NAGLE_FASTEST_MS = 10.0


class Finding(msgspec.Struct, frozen=True):
    """One thing worth knowing: how bad, a word for programs, and a sentence with the evidence."""

    severity: Severity
    code: str
    evidence: str


def performance_findings(
    traffic: TrafficFacts, probe: Sequence[QosAccount], *, observer_dropped: int, upper_bounds: bool
) -> list[Finding]:
    """Judge a watch.

    Args:
        traffic: What arrived and what the broker said about itself.
        probe: The accounts of the round-trip probe; may be empty.
        observer_dropped: Messages that arrived faster than we took them.
        upper_bounds: Our own timers were late.

    Returns:
        Findings, worst first, otherwise in the order of the rules.
    """
    found = [
        *_observer(observer_dropped, upper_bounds=upper_bounds),
        *_broker(traffic),
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
    churn_per_min = broker.change("connections_opened") / broker.span_s * 60 if broker.span_s else 0.0
    if churn_per_min > CHURN_PER_MIN:
        yield Finding(
            "high",
            "connection_churn",
            f"{churn_per_min:.0f} connections a minute are opened: clients reconnect in a loop.",
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
