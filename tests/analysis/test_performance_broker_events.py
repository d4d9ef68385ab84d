"""Events of brokers: whatever they hold, the counts are right, bounded, and nothing raises."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.analysis.performance.broker_events import MAX_CLIENTS, EventCounts, is_event

NANOMQ = "$SYS/brokers/disconnected"


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("$SYS/brokers/connected", True),
        ("$SYS/brokers/n@1/clients/a/b/connected", True),
        ("$SYS/brokers/n@1/alarms/activate", True),
        ("$SYS/brokers/n@1/metrics/messages/dropped", False),
        ("$SYS/broker/clients/connected", False),
        ("$SYS/brokers", False),
    ],
)
def test_events_are_told_from_samples(topic, expected):
    """Samples come at intervals, and two of them have a difference."""
    assert is_event(topic) is expected


@given(st.lists(st.tuples(st.sampled_from(["connected", "disconnected", "alarms/activate"]), st.binary(max_size=200))))
def test_any_payload_is_only_counted(events):
    """Payloads are foreign: no exception, no event lost."""
    counts = EventCounts()
    for kind, payload in events:
        counts.add(f"$SYS/brokers/{kind}", payload)
    assert counts.events == len(events)
    assert (counts.result() is None) == (not events)


def test_a_client_id_is_taken_from_the_topic_when_the_payload_does_not_have_it():
    """Ids may have levels of their own."""
    counts = EventCounts()
    for _ in range(2):
        counts.add("$SYS/brokers/n/clients/plant/7/pump/connected", b"not JSON")
    result = counts.result()
    assert result is not None
    assert result.busiest[0].client_id == "plant/7/pump"


def test_tables_are_bounded_and_the_totals_exact():
    """A storm of clients with new ids and reasons."""
    counts = EventCounts()
    for number in range(5_000):
        body = {
            "client_id": f"c{number}" * 50,
            "reason_code": f"{number:x}",
            "reason": "x" * 5_000 if number % 2 else "",
        }
        counts.add("$SYS/brokers/connected", msgspec.json.encode(body))
        counts.add(NANOMQ, msgspec.json.encode(body))
    result = counts.result()
    assert result is not None
    assert (result.connected, result.disconnected) == (5_000, 5_000)
    assert counts.held_bytes < MAX_CLIENTS * 1_000
    assert len(msgspec.json.encode(result)) < 2_500
