"""The simulated home is reproducible and speaks like the real systems it imitates."""

import itertools
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.demo import home_tasmota, home_zigbee
from mqtt_mcp.demo.home import CAMERA_TOPIC, FAILURE_S, Home
from mqtt_mcp.mqtt.client import Publication

EPOCH_S = 1_790_000_000.0
PLAIN = {f"tele/{home_tasmota.PLUG}/LWT", f"tele/{home_tasmota.FREEZER}/LWT", f"stat/{home_tasmota.PLUG}/POWER"}


def everything(home: Home, until_s: float = 40.0) -> list[tuple[float, Publication]]:
    """All messages of the first seconds, stored ones first."""
    live = [(timed.t_s, timed.publication) for timed in home.between(0.0, until_s)]
    return [(-1.0, one) for one in home.stored()] + live


def test_two_homes_with_the_same_seed_publish_the_same_bytes() -> None:
    """Determinism is what makes the tour's assertions honest (brief of the demo)."""
    assert everything(Home(EPOCH_S)) == everything(Home(EPOCH_S))


def test_another_seed_changes_values_but_no_zigbee_topic() -> None:
    """The story does not depend on the seed; addresses and values do."""
    one, other = everything(Home(EPOCH_S, seed=1)), everything(Home(EPOCH_S, seed=2))

    assert one != other
    assert {p.topic for _, p in one if p.topic.startswith("zigbee2mqtt/")} == {
        p.topic for _, p in other if p.topic.startswith("zigbee2mqtt/")
    }


@given(st.lists(st.floats(0, 60, allow_nan=False), min_size=1, max_size=20))
def test_the_schedule_does_not_depend_on_how_often_it_is_asked(cuts: list[float]) -> None:
    """A slow publisher must neither skip nor repeat a message: the pieces together are the whole."""
    home = Home(EPOCH_S)
    edges = sorted({0.0, 60.0, *cuts})

    pieces = [timed for from_s, to_s in itertools.pairwise(edges) for timed in home.between(from_s, to_s)]

    assert pieces == home.between(0.0, 60.0)


def test_every_payload_but_the_picture_and_plain_words_is_json() -> None:
    """Zigbee2MQTT and Tasmota send JSON; LWT and POWER are words (tasmota.github.io, MQTT)."""
    for _, publication in everything(Home(EPOCH_S)):
        if publication.topic == CAMERA_TOPIC or publication.topic in PLAIN:
            continue
        assert isinstance(json.loads(publication.payload), dict | list), publication.topic


def test_the_picture_is_a_valid_png_that_changes() -> None:
    """The one binary topic holds real PNG chunks with right checksums (ISO/IEC 15948 §5.3)."""
    pictures = [p.payload for _, p in everything(Home(EPOCH_S)) if p.topic == CAMERA_TOPIC]

    assert len(set(pictures)) > 1
    for picture in pictures:
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        length = int.from_bytes(picture[8:12], "big")
        chunk = picture[12 : 16 + length]
        assert zlib.crc32(chunk) == int.from_bytes(picture[16 + length : 20 + length], "big")


def test_the_garden_sensor_fades_and_goes_offline_with_the_reason_in_the_log() -> None:
    """The story the tour's question about an offline device depends on."""
    live = Home(EPOCH_S).between(0.0, 30.0)
    reports = [json.loads(t.publication.payload) for t in live if t.publication.topic == "zigbee2mqtt/garden_sensor"]
    availability = [t for t in live if t.publication.topic == "zigbee2mqtt/garden_sensor/availability"]
    errors = [
        json.loads(t.publication.payload)["message"]
        for t in live
        if t.publication.topic == "zigbee2mqtt/bridge/logging" and b'"error"' in t.publication.payload
    ]

    link = [report["linkquality"] for report in reports]
    assert link == sorted(link, reverse=True)
    assert len(set(link)) == len(link) == 5
    assert reports[-1]["battery"] == 4
    assert [(t.t_s, t.publication.payload, t.publication.retain) for t in availability] == [
        (FAILURE_S, b'{"state":"offline"}', True)
    ]
    assert all("garden_sensor" in message for message in errors)
    assert len(errors) >= 5


def test_no_device_but_the_failing_one_ever_looks_ill() -> None:
    """A false alarm in the demo would teach the wrong thing: all others are online with battery and signal."""
    for _, publication in everything(Home(EPOCH_S), 300.0):
        if "garden_sensor" in publication.topic or publication.topic == CAMERA_TOPIC:
            continue
        assert b"offline" not in publication.payload.lower() or publication.topic.startswith(
            ("tasmota/discovery", "homeassistant")
        )
        if publication.payload.startswith(b"{"):
            values = json.loads(publication.payload)
            assert values.get("battery", 100) > 20
            assert values.get("linkquality", 100) > 50


@pytest.mark.parametrize(
    ("payload", "state"),
    [
        (b'{"state":"OFF"}', "OFF"),
        (b'{"state":"on"}', "ON"),
        (b'{"state":"TOGGLE"}', "OFF"),
        (b"OFF", "OFF"),
    ],
)
def test_the_plug_obeys_and_says_so(payload: bytes, state: str) -> None:
    """Zigbee2MQTT answers a `set` on the device's own topic (zigbee2mqtt.io, MQTT topics)."""
    home = Home(EPOCH_S)

    (answer,) = home.answer("zigbee2mqtt/kitchen_plug/set", payload, 3.0)

    assert answer.topic == "zigbee2mqtt/kitchen_plug"
    assert json.loads(answer.payload)["state"] == state
    assert (json.loads(answer.payload)["power"] == 0) == (state == "OFF")


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe", b"[1]", b'{"state":7}', b'{"brightness":3}'])
def test_a_command_the_plug_does_not_understand_is_logged_and_changes_nothing(payload: bytes) -> None:
    """Foreign input: anybody may publish anything to a command topic."""
    home = Home(EPOCH_S)

    (answer,) = home.answer("zigbee2mqtt/kitchen_plug/set", payload, 3.0)

    assert answer.topic == "zigbee2mqtt/bridge/logging"
    assert json.loads(answer.payload)["level"] == "error"


def test_the_washing_machine_answers_a_tasmota_command() -> None:
    """RESULT as JSON and POWER as a word, both under `stat` (tasmota.github.io, MQTT)."""
    home = Home(EPOCH_S)

    answers = home.answer("cmnd/washing_machine/POWER", b"OFF", 3.0)

    assert [(a.topic, a.payload) for a in answers] == [
        ("stat/washing_machine/RESULT", b'{"POWER":"OFF"}'),
        ("stat/washing_machine/POWER", b"OFF"),
    ]


def test_commands_for_others_are_ignored() -> None:
    """The home answers for its own devices only."""
    assert Home(EPOCH_S).answer("zigbee2mqtt/somebody/set", b"ON", 1.0) == []
    assert home_zigbee.PLUG == "kitchen_plug"
