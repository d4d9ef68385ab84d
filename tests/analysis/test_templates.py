"""Templates: topics of the same kind share one, unrelated siblings do not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.analysis.topics.conventions import match
from mqtt_mcp.analysis.topics.templates import looks_like_id, templates


@pytest.mark.parametrize(
    "level", ["17", "0x00158d00045a1b2c", "3f2a", "a4:cf:12:00:11:22", "sensor12", "node-07", "tasmota_1A2B3C"]
)
def test_identifiers_are_recognised(level):
    """Digits, hex, MAC and names with a number."""
    assert looks_like_id(level)


@pytest.mark.parametrize(
    "level",
    [
        *("temperature", "v2", "pm25", "co2", "face", "zigbee2mqtt", "status", ""),
        *("base64", "utf16", "iso8601", "sha256", "int16"),
    ],
)
def test_words_are_not_identifiers(level):
    """Field names and versions."""
    assert not looks_like_id(level)


def test_a_fleet_is_one_template_per_kind():
    """Identifiers in the middle."""
    found = templates([f"fleet/{i:04x}aa1/{leaf}" for i in range(50) for leaf in ("gps", "status")])
    assert set(found.values()) == {"fleet/{}/gps", "fleet/{}/status"}


def test_interchangeable_siblings_merge():
    """Four rooms with the same children."""
    topics = [f"home/{room}/temperature" for room in ("kitchen", "bath", "hall", "attic")]
    assert set(templates(topics).values()) == {"home/{}/temperature"}


def test_unrelated_leaves_do_not_merge():
    """Fields of one thing are not things of one kind."""
    topics = [f"server/{field}" for field in ("cpu", "memory", "disk", "uptime", "load")]
    shapes = dict.fromkeys(topics, "n")
    assert templates(topics, shapes) == {topic: topic for topic in topics}


@pytest.mark.parametrize(
    ("topic", "template"),
    [
        ("tele/plug_kitchen/STATE", "tele/{device}/STATE"),
        ("zigbee2mqtt/Living room/availability", "zigbee2mqtt/{device}/availability"),
        ("zigbee2mqtt/bridge/state", "zigbee2mqtt/bridge/state"),
        ("spBv1.0/plant/DDATA/edge/press", "spBv1.0/{group}/DDATA/{node}/{device}"),
        ("homeassistant/sensor/abc/config", "homeassistant/sensor/{object}/config"),
        ("homeassistant/switch/abc/config", "homeassistant/switch/{object}/config"),
        ("zigbee2mqtt/Living room/Lamp", "zigbee2mqtt/{device}"),
        ("zigbee2mqtt/Living room/Lamp/set", "zigbee2mqtt/{device}/set"),
        ("homie/5/pump/$state", "homie/5/{device}/$state"),
        ("homie/5/pump/motor/speed", "homie/5/{device}/{node}/{property}"),
        ("owntracks/anna/phone", "owntracks/{user}/{device}"),
        ("shellyplug-s-1A2B3C/status/switch:0", "{shelly}/status/switch:0"),
    ],
)
def test_known_layouts_name_their_variable_levels(topic, template):
    """One topic of each is enough: the convention knows."""
    assert templates([topic]) == {topic: template}


@given(st.lists(st.text("/+#$ab1é\x00", max_size=20), max_size=40))
def test_every_topic_gets_a_template(topics):
    """Empty levels, leading slashes and odd characters."""
    found = templates(topics)
    assert set(found) == set(topics)


def test_levels_beyond_the_bound_are_folded():
    """A topic of 65,535 bytes is mostly slashes."""
    topic = "/" * 65_535
    began = time.perf_counter()
    assert templates([topic])[topic].endswith("{…}")
    assert time.perf_counter() - began < 0.5


def test_a_topic_of_no_convention_matches_none():
    """Nothing is guessed."""
    assert match(["my", "own", "thing"]) is None
