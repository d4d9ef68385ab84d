"""Where a topic belongs, for every combination of the words that the conventions know."""

from hypothesis import example, given
from hypothesis import strategies as st

from mqtt_mcp.analysis.devices.directory import Directory
from mqtt_mcp.analysis.devices.layouts import KINDS, READERS
from mqtt_mcp.analysis.devices.place import place

WORDS = [
    *READERS, *sorted(KINDS),
    "frigate", "events", "rpc", "status", "switch:0", "cmnd", "POWER", "brokers", "clients", "request", "$state",
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
    directory = Directory()
    directory.zigbee_bases.add("5")
    directory.zigbee_names.add("bridge/set")
    directory.frigate_bases.add("bridge/set")
    directory.tasmota_bases["status/LWT"] = ("x", "tele")
    found = place(levels, directory)
    assert found.ecosystem
    assert found.role
