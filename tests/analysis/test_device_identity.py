"""Whose topic it is: what each ecosystem's own descriptions teach, and the levels of layouts that nobody defined."""

import json
from typing import Any

import pytest

from mqtt_mcp.analysis.devices.assets import Assets
from mqtt_mcp.analysis.devices.debug import DebugAccumulator
from mqtt_mcp.analysis.devices.report import DeviceReport, Identity
from mqtt_mcp.mqtt.client import Message
from testkit.messages import feed, message, window


def js(topic: str, value: Any, t_s: float = 0.0, *, retain: bool = False) -> Message:
    return message(topic, value if isinstance(value, str) else json.dumps(value), t_s=t_s, retain=retain)


def report_on(device: str, *messages: Message, elapsed_s: float = 60.0) -> DeviceReport:
    accumulator = DebugAccumulator(device)
    feed(accumulator, messages)
    return accumulator.result(window(elapsed_s))


def identity_of(device: str, *messages: Message) -> Identity:
    (found,) = report_on(device, *messages).identity
    return found


def test_home_assistant_describes_a_whole_device_in_one_message():
    """homeassistant/device/<id>/config with cmps and a shared base (2024.11), the prefix being somebody's own."""
    config = {
        "dev": {"ids": ["W-77"], "name": "Washer", "mdl": "W7", "mf": "Acme", "sw": "1.2",
                "cns": [["mac", "aa:bb:cc"]]},
        "~": "laundry/w77", "avty_t": "~/lwt",
        "cmps": {"p": {"p": "sensor", "uniq_id": "w_p", "stat_t": "~/power"},
                 "s": {"p": "switch", "uniq_id": "w_s", "stat_t": "~/sw", "cmd_t": "~/sw/go"}},
    }  # fmt: skip
    traffic = [
        js("ha/device/w77/config", config, retain=True), js("laundry/w77/lwt", "offline", retain=True),
        js("laundry/w77/power", "4.5", 2.0), js("laundry/w77/sw", "off", 3.0), js("laundry/w77/sw/go", "ON", 4.0),
    ]  # fmt: skip
    report = report_on("aa:bb:cc", *traffic)
    who = report.identity[0]

    assert (who.ecosystem, who.name, who.model, who.sw) == ("homeassistant", "Washer", "W7 Acme", "1.2")
    assert who.availability_topic == "laundry/w77/lwt"
    assert set(who.topics) >= {"laundry/w77/power", "laundry/w77/sw", "ha/device/w77/config"}
    assert report.availability == "offline"
    assert report.commands[0].sent == 1


def test_a_description_for_home_assistant_makes_no_second_device_of_one_that_has_its_own_topics():
    """Zigbee2MQTT describes each of its devices for Home Assistant as well; a home of one is a home of one."""
    config = {
        "availability": [{"topic": "zigbee2mqtt/bridge/state"}, {"topic": "zigbee2mqtt/climate/availability"}],
        "device": {"identifiers": ["zigbee2mqtt_0x00158d0001"], "name": "climate"},
        "state_topic": "zigbee2mqtt/climate",
        "unique_id": "0x00158d0001_temperature_zigbee2mqtt",
    }
    report = report_on(
        "*",
        js("zigbee2mqtt/bridge/state", {"state": "online"}, retain=True),
        js("homeassistant/sensor/0x00158d0001/temperature/config", config, retain=True),
        js("zigbee2mqtt/climate/availability", {"state": "online"}, retain=True),
        js("zigbee2mqtt/climate", {"temperature": 21.4}, 2.0),
    )

    assert sorted(line.name for line in report.devices) == ["bridge", "climate"]


def test_descriptions_that_describe_each_other_are_left_as_they_are():
    """Anybody may write one: no order of joining may lose a device or fail."""
    one, other = "homeassistant/sensor/one/config", "homeassistant/sensor/other/config"
    report = report_on(
        "*",
        js(one, {"device": {"name": "one"}, "state_topic": other}, retain=True),
        js(other, {"device": {"name": "other"}, "state_topic": one}, retain=True),
    )

    assert sum(line.messages for line in report.devices) == 2


@pytest.mark.parametrize(
    ("mode", "states", "reachable"),
    [
        ("all", ("online", "offline"), "offline"),
        ("any", ("online", "offline"), "online"),
        ("any", ("offline", "offline"), "offline"),
        ("latest", ("offline", "online"), "online"),
        ("latest", ("online", "offline"), "offline"),
    ],
)
def test_availability_mode_decides_between_several_topics(mode, states, reachable):
    """https://www.home-assistant.io/integrations/mqtt/#using-availability-topics; value_template names the key."""
    listed = [{"t": f"x/{at}", "val_tpl": "{{ value_json.conn }}"} for at in range(2)]
    config = {"dev": {"ids": ["b"], "name": "Boiler"}, "avty": listed, "avty_mode": mode, "stat_t": "x/t"}
    said = [js(f"x/{at}", {"conn": state}, 1.0 + at) for at, state in enumerate(states)]

    assert (
        report_on("Boiler", js("homeassistant/sensor/b/config", config, retain=True), *said).availability == reachable
    )


def test_tasmota_is_found_under_its_own_full_topic():
    """FullTopic and the three prefixes come with discovery; fn and the MAC are names."""
    config = {"t": "pump", "ft": "cellar/%topic%/%prefix%/", "tp": ["do", "did", "says"], "fn": ["Cellar Pump"],
              "mac": "AABBCC001122", "md": "Basic", "sw": "14.5", "onln": "Up", "ofln": "Gone"}  # fmt: skip
    report = report_on(
        "Cellar Pump", js("tasmota/discovery/AABBCC001122/config", config, retain=True),
        js("cellar/pump/says/LWT", "Up", retain=True), js("cellar/pump/do/POWER", "ON", 5.0),
        js("cellar/pump/did/RESULT", {"POWER": "ON"}, 5.1), js("cellar/pump/says/LWT", "Gone", 9.0),
    )  # fmt: skip

    assert (report.identity[0].ecosystem, report.identity[0].id, report.availability) == ("tasmota", "pump", "offline")
    assert (report.commands[0].answered, report.commands[0].answered_by) == (1, "cellar/pump/did/RESULT")


def test_names_from_payloads_lead_to_the_device():
    """ChirpStack's deviceName, The Things Stack's EUI, Shelly's MAC and Homie's name are what people know."""
    up = {"deviceInfo": {"devEui": "0102030405060708", "deviceName": "Soil North", "deviceProfileName": "dragino"}}
    chirpstack = identity_of("soil north", js("application/1/device/0102030405060708/event/up", up, 1.0))
    things = identity_of(
        "70B3D57ED0001122",
        js(
            "v3/app@t/devices/soil-1/up",
            {"end_device_ids": {"device_id": "soil-1", "dev_eui": "70B3D57ED0001122"}},
            1.0,
        ),
    )
    announced = {"id": "shelly1-112233", "mac": "AABBCC112233", "model": "SHSW-1"}
    shelly = identity_of(
        "AABBCC112233", js("shellies/announce", announced, 1.0),
        js("shellies/shelly1-112233/relay/0", "on", 2.0),
    )  # fmt: skip
    homie = identity_of("Loft Thermostat", js("homie/5/th1/$description", {"name": "Loft Thermostat"}, retain=True))

    assert (chirpstack.id, chirpstack.name, chirpstack.model) == ("0102030405060708", "Soil North", "dragino")
    assert (things.ecosystem, things.id) == ("ttn", "soil-1")
    assert (shelly.id, shelly.model) == ("shelly1-112233", "SHSW-1")
    assert homie.id == "th1"


def test_the_root_of_homie_takes_its_children_with_it():
    """Homie 5: the $state of the root counts for all of its children; a circle of parents ends nowhere."""
    described = [
        js("homie/5/leaf/$description", {"parent": "mid"}, retain=True),
        js("homie/5/mid/$description", {"parent": "root"}, retain=True),
        js("homie/5/leaf/$state", "ready", retain=True), js("homie/5/mid/$state", "ready", retain=True),
    ]  # fmt: skip
    lost = report_on("leaf", *described, js("homie/5/root/$state", "lost", 3.0))
    circle = report_on("leaf", *described, js("homie/5/mid/$description", {"parent": "leaf"}, 1.0))

    assert (lost.availability, lost.identity[0].parents) == ("offline", ["mid", "root"])
    assert circle.availability == "online"


def test_frigate_is_known_by_its_statistics_and_tells_of_each_camera():
    """topic_prefix may be anything; a camera without frames is down although it says nothing itself."""
    stats = {"cameras": {"yard": {"camera_fps": 0}, "door": {"camera_fps": 5.1}}, "service": {"uptime": 99}}
    traffic = [js("cams/stats", stats, 1.0), js("cams/available", "online", retain=True),
               js("cams/yard/motion", "OFF", 2.0), js("cams/door/motion", "OFF", 2.0),
               js("cams/stats", stats, 9.0)]  # fmt: skip

    assert report_on("yard", *traffic).findings[0].code == "device_offline"
    assert report_on("door", *traffic).findings == []
    assert report_on("yard", *traffic).identity[0].parents == ["frigate"]


def test_one_device_under_two_layouts_is_one():
    """AWS shadow and own telemetry share the thing's name; a long id is the same device anywhere."""
    thing = [
        js("$aws/things/pump-001/shadow/get/accepted", {"version": 1}, 1.0),
        js("dt/water/pump-001/data", {"v": 1}, 2.0),
    ]
    lines = report_on(
        "", *thing, js("fleet/v1/00aa11bb22cc", "7", 3.0), js("fleet/v2/00aa11bb22cc/t", "7", 4.0)
    ).devices

    assert sorted((line.ecosystem, line.messages) for line in lines) == [("aws_iot", 2), ("generic", 2)]


def test_equal_names_in_two_groups_are_told_apart():
    """Two Sparkplug groups with a node of the same name."""
    traffic = [message(f"spBv1.0/{group}/NDATA/edge", b"", t_s=1.0) for group in ("north", "south")]

    assert report_on("north/edge", *traffic).identity[0].name == "north/edge"
    assert not report_on("", *traffic).identity
    assert [line.name for line in report_on("", *traffic).devices] == ["north/edge", "south/edge"]


PLANT = [
    f"acme/{site}/line1/{cell}/process/{value}".split("/")
    for site in ("berlin", "porto") for cell in ("filler", "capper") for value in ("speed", "temperature")
]  # fmt: skip
HOME = [f"home/{room}/{value}".split("/") for room in ("kitchen", "bath") for value in ("temp", "hum")]
FLAT = [["lab", thing] for thing in ("boiler", "kiln", "centrifuge", "fridge")]


@pytest.mark.parametrize(
    ("topic", "topics", "device"),
    [
        ("acme/porto/line1/capper/process/speed", PLANT, "acme/porto/line1/capper"),
        ("home/bath/hum", HOME, "home/bath"),
        ("lab/kiln", FLAT, "lab/kiln"),
        ("plant/line3/press-07/temp", [], "plant/line3/press-07"),
        ("opcua/gw1/ns=2;s=Tank1.Level", [], "opcua/gw1/Tank1"),
        ("car/wallbox/limit/set", [], "car/wallbox"),
        ("car/wallbox/state", [], "car/wallbox"),
        ("a", [], "a"),
        ("/".join("abcdefghijklmnopqrst"), [], "/".join("abcdefghijklmnopqrs")),
    ],
)
def test_the_level_of_the_device_is_told_by_ids_and_by_equal_siblings(topic, topics, device):
    """Names of what a device has (process, state, limit) are never devices."""
    levels = topic.split("/")

    assert Assets([*topics, levels], frozenset()).name(levels) == device


def test_what_a_description_names_is_no_node_of_esphome():
    """<x>/sensor/<y>/state is also Home Assistant's own example; a node needs another sign, such as its status."""
    config = {"name": "Attic", "stat_t": "homeassistant/sensor/attic/state", "uniq_id": "attic1",
              "dev": {"ids": ["attic1"], "name": "Attic"}}  # fmt: skip
    described = report_on(
        "Attic", js("homeassistant/sensor/attic/config", config, retain=True),
        js("homeassistant/sensor/attic/state", {"temperature": 20.5}, 3.0),
    )  # fmt: skip
    stream = report_on("power_meter", *[js(f"ha/sensor/{name}/state", 20.5, 2.0) for name in ("power_meter", "co2")])
    node = report_on(
        "kitchen-esp", js("kitchen-esp/status", "online", retain=True), js("kitchen-esp/sensor/t/state", 20.5, 2.0)
    )

    assert described.identity[0].ecosystem == "homeassistant"
    assert "homeassistant/sensor/attic/state" in described.identity[0].topics
    assert stream.identity[0].id == "ha/sensor/power_meter"
    assert (node.identity[0].ecosystem, node.identity[0].id) == ("esphome", "kitchen-esp")
