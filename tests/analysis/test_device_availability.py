"""Which messages announce an availability, ecosystem by ecosystem, and which only look like it."""

import pytest

from mqtt_mcp.analysis.devices.assets import Assets
from mqtt_mcp.analysis.devices.availability import availability
from mqtt_mcp.analysis.devices.descriptions import learn
from mqtt_mcp.analysis.devices.directory import Directory
from mqtt_mcp.analysis.devices.place import place
from mqtt_mcp.analysis.devices.times import payload_time_s


@pytest.mark.parametrize(
    ("topic", "value", "state"),
    [
        ("zigbee2mqtt/lamp/availability", {"state": "offline"}, "down"),
        ("zigbee2mqtt/lamp/availability", "online", "up"),
        ("zigbee2mqtt/bridge/state", {"state": "offline"}, "down"),
        ("tele/plug/LWT", "Offline", "down"),
        ("tele/plug/LWT", "Online", "up"),
        ("shellies/shellyplug-1/online", False, "down"),
        ("shellyplus1-aabb/online", True, "up"),
        ("node/status", "offline", "down"),
        ("homie/5/dev/$state", "lost", "down"),
        ("homie/5/dev/$state", "sleeping", "up"),
        ("spBv1.0/g/NDEATH/edge", None, "down"),
        ("spBv1.0/g/DBIRTH/edge/dev", None, "up"),
        ("spBv1.0/STATE/host", {"online": False, "timestamp": 1}, "down"),
        ("eu868/gateway/0102030405060708/state/conn", {"state": "OFFLINE"}, "down"),
        ("frigate/available", "stopped", "down"),
        ("owntracks/ann/phone", {"_type": "lwt", "tst": 1}, "down"),
        ("$aws/events/presence/disconnected/p", {"clientId": "p", "eventType": "disconnected"}, "down"),
        ("home/pump/connected", 1.0, "up"),
        ("home/pump/connected", 0.0, "down"),
        # Ordinary values that use the same words
        ("home/valve/state", "off", None),
        ("home/plug/status", "off", None),
        ("home/plug/status", "on", None),
        ("dev/status/cover:0", {"state": "stopped"}, None),
        ("zigbee2mqtt/lamp", {"state": "OFF"}, None),
        ("home/pump/status", 0.0, None),
        ("home/door", "false", None),
    ],
)
def test_words_count_only_where_the_ecosystem_puts_them(topic, value, state):
    """analysis.md sections 2.4 and 4.1."""
    found = availability(topic.split("/"), value)

    assert (found[0] if found else None) == state


def test_the_word_is_quoted_as_the_device_wrote_it():
    """A verdict that says what the topic says has to be right about it."""
    assert availability(["tele", "plug", "LWT"], "Offline") == ("down", "Offline")


@pytest.mark.parametrize(
    ("topic", "ecosystem", "name", "role"),
    [
        ("zigbee2mqtt/living_room/climate/availability", "zigbee2mqtt", "living_room/climate", "availability"),
        ("zigbee2mqtt/living_room/climate", "zigbee2mqtt", "living_room/climate", "state"),
        ("zigbee2mqtt/lamp/set", "zigbee2mqtt", "lamp", "command"),
        ("zigbee2mqtt/bridge/logging", "zigbee2mqtt", "bridge", "log"),
        ("tele/tasmota_1/SENSOR", "tasmota", "tasmota_1", "state"),
        ("cmnd/up/stairs/POWER", "tasmota", "up/stairs", "command"),
        ("shellies/shelly1-1/relay/0", "shelly", "shelly1-1", "state"),
        ("shellyplus1-aa/events/rpc", "shelly", "shellyplus1-aa", "event"),
        ("node/sensor/temp/state", "esphome", "node", "state"),
        ("homie/5/dev/n/p/set", "homie", "dev", "command"),
        ("spBv1.0/g/DDATA/edge/dev", "sparkplug_b", "edge/dev", "state"),
        ("application/1/device/0102/event/up", "chirpstack", "0102", "state"),
        ("v3/app@t/devices/d1/up", "ttn", "d1", "state"),
        ("owntracks/ann/phone/event", "owntracks", "ann/phone", "event"),
        ("$aws/things/t1/shadow/update/rejected", "aws_iot", "t1", "response"),
        ("house/cellar/pump", "generic", "", "state"),
        ("", "generic", "", "state"),
        ("/", "generic", "", "state"),
        ("zigbee2mqtt", "generic", "", "state"),
        ("$aws", "generic", "", "state"),
        ("spBv1.0", "sparkplug_b", "", "availability"),
    ],
)
def test_a_topic_tells_its_device_and_role(topic, ecosystem, name, role):
    """analysis.md section 4.1; the last ones must only not break."""
    assert place(topic.split("/"))[:3] == (ecosystem, name, role)


@pytest.mark.parametrize(
    ("topic", "prefixes", "name"),
    [
        ("fleet/v2/00aa11/sensors/temp", frozenset(), "fleet/v2/00aa11"),
        ("house/pump/flow", frozenset({"house/pump"}), "house/pump"),
        ("house/pump/deep/er/flow", frozenset({"house", "house/pump"}), "house/pump"),
        ("house/cellar/flow", frozenset(), "house/cellar"),
        ("flow", frozenset(), "flow"),
    ],
)
def test_layouts_that_nobody_defined_are_split_at_ids_and_availabilities(topic, prefixes, name):
    """The last row of the table in section 4.1."""
    assert Assets([topic.split("/")], prefixes).name(topic.split("/")) == name


def test_home_assistant_discovery_names_topics_words_and_expiry():
    """Abbreviations and the ~ base are expanded, as in homeassistant/components/mqtt/abbreviations.py."""
    directory = Directory()
    learn(
        directory,
        ["homeassistant", "sensor", "x", "config"],
        {
            "~": "house/boiler",
            "dev": {"ids": ["B-1"], "name": "Boiler", "mdl": "V2", "mf": "Acme"},
            "stat_t": "~/temp",
            "exp_aft": 120,
            "avty": [{"t": "~/alive", "pl_avail": "yes", "pl_not_avail": "no"}],
        },
    )

    assert directory.topic_owner["house/boiler/temp"].name == "Boiler"
    assert directory.availability_words["house/boiler/alive"] == ("yes", "no", "")
    assert directory.expire_after_s["house/boiler/temp"] == 120.0


@pytest.mark.parametrize(
    "value", [None, 5, [], {}, {"dev": 3}, {"device": {"ids": [None]}}, [[1]], [{"friendly_name": 3}]]
)
@pytest.mark.parametrize(
    "topic",
    [
        "a/bridge/devices",
        "homeassistant/a/b/config",
        "tasmota/discovery/AA/config",
        "shellies/announce",
        "esphome/discover/x",
    ],
)
def test_descriptions_of_the_wrong_shape_teach_nothing(topic, value):
    """Foreign input never breaks the directory."""
    directory = Directory()
    learn(directory, topic.split("/"), value)

    assert set(directory.topic_owner) == set()


@pytest.mark.parametrize(
    ("item", "epoch_s"),
    [
        ("2026-09-21T14:13:20Z", 1_790_000_000.0),
        ("2026-09-21T16:13:20+02:00", 1_790_000_000.0),
        ("1970-01-01T00:00:10", 10.0),
        (1_790_000_000, 1_790_000_000.0),
        (1_790_000_000_000, 1_790_000_000.0),
        (21.5, None),
        ("yesterday", None),
        (10**400, None),
        (True, None),
    ],
)
def test_times_in_payloads(item, epoch_s):
    """ISO 8601, and numbers in s and ms between 2001 and 2100."""
    assert payload_time_s(item) == epoch_s
