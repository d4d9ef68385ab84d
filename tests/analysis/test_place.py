"""Where a topic belongs, for every combination of the words that the conventions know."""

from hypothesis import example, given
from hypothesis import strategies as st

from mqtt_mcp.analysis.devices.place import _READERS, place

WORDS = [
    *_READERS,
    "zigbee2mqtt", "bridge", "things", "events", "presence", "device", "devices", "gateway", "config",
    "discovery", "discover", "esphome", "tasmota", "shellyplus1-x", "switch", "state", "set", "LWT", "5", "#",
    "",
]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6))
@example(["shellies"])
@example(["frigate"])
@example(["zigbee2mqtt"])
def test_every_topic_has_a_place(levels):
    """Ours: topics are foreign, so no combination of levels may break the diagnosis."""
    found = place(levels, zigbee_bases=("5",), zigbee_names=("bridge/set",))
    assert found.ecosystem
    assert found.role
