"""Counters for Prometheus, in a registry of their own.

Owns the names. Totals are read at scrape time; only calls are counted as they end. Labels come from small sets: never
a topic, and of the names clients invent for tools only a bounded number.
"""

from collections.abc import Callable, Iterator

import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.hub.records import Call
from mqtt_mcp.monitor.source import Source

_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_MAX_TOOLS = 64
_OTHER = "other"


class Metrics:
    """What ``/metrics`` tells.

    Args:
        source: The hub.
        feed: Whose followers are counted.
    """

    def __init__(self, source: Source, feed: Feed) -> None:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self._registry)
        self._registry.register(_Totals(source, feed))
        self._calls = prometheus_client.Counter(
            "mqtt_mcp_tool_calls", "Tool calls that have ended.", ["tool", "status"], registry=self._registry
        )
        self._durations = prometheus_client.Histogram(
            "mqtt_mcp_tool_call_duration_seconds",
            "How long tool calls took.",
            ["tool"],
            registry=self._registry,
            buckets=_BUCKETS_S,
        )
        self._tools: set[str] = set()

    def call_ended(self, call: Call) -> None:
        """Count a call."""
        tool = call.tool if call.tool in self._tools or len(self._tools) < _MAX_TOOLS else _OTHER
        self._tools.add(tool)
        self._calls.labels(tool, call.status).inc()
        if isinstance(call.duration_ms, float | int):
            self._durations.labels(tool).observe(call.duration_ms / 1000)

    def render(self, accept: str) -> tuple[bytes, str]:
        """All of it, and its content type: OpenMetrics when the ``Accept`` header asks for that."""
        encoder: Callable[[prometheus_client.CollectorRegistry], bytes]
        encoder, content_type = prometheus_client.exposition.choose_encoder(accept)
        return encoder(self._registry), content_type


class _Totals(Collector):
    """Reads the hub when it is asked."""

    def __init__(self, source: Source, feed: Feed) -> None:
        self._source = source
        self._feed = feed

    def describe(self) -> list[Metric]:
        """Nothing: without this the hub would be read when the registry is made."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The values of this moment."""
        status = self._source.status()
        messages = CounterMetricFamily("mqtt_mcp_messages", "MQTT messages.", labels=["direction"])
        messages.add_metric(["in"], status.messages_in)
        messages.add_metric(["out"], status.messages_out)
        yield messages
        carried = CounterMetricFamily("mqtt_mcp_message_bytes", "Bytes of their payloads.", labels=["direction"])
        carried.add_metric(["in"], status.bytes_in)
        carried.add_metric(["out"], status.bytes_out)
        yield carried
        yield CounterMetricFamily(
            "mqtt_mcp_messages_dropped", "Messages received and let go: too slow.", value=status.messages_dropped
        )
        findings = CounterMetricFamily("mqtt_mcp_findings", "Findings that results told.", labels=["severity"])
        for severity, count in status.findings.items():
            findings.add_metric([severity], count)
        yield findings
        yield GaugeMetricFamily("mqtt_mcp_sessions", "Open MQTT sessions.", value=status.sessions)
        yield GaugeMetricFamily("mqtt_mcp_collections", "Running collections.", value=status.collections_running)
        yield GaugeMetricFamily("mqtt_mcp_monitor_streams", "Event streams that are read.", value=len(self._feed))
        yield CounterMetricFamily(
            "mqtt_mcp_monitor_streams_dropped",
            "Event streams cut off because they were not read.",
            value=self._feed.dropped_followers,
        )
