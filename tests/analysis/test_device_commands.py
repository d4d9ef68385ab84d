"""Commands and their answers, ecosystem by ecosystem: what answers, how fast, and what is left without an answer."""

import json
from typing import Any

import pytest

from mqtt_mcp.analysis.devices.debug import DebugAccumulator
from mqtt_mcp.analysis.devices.replies import shows
from mqtt_mcp.analysis.devices.report import DeviceReport
from mqtt_mcp.mqtt.client import Message, Properties
from testkit.messages import feed, message, window


def said(topic: str, value: Any, t_s: float, *, retain: bool = False, properties: Properties | None = None) -> Message:
    payload = value if isinstance(value, str) else json.dumps(value)
    return message(topic, payload, t_s=t_s, retain=retain, properties=properties)


def report_on(device: str, *messages: Message, elapsed_s: float = 60.0) -> DeviceReport:
    accumulator = DebugAccumulator(device)
    feed(accumulator, sorted(messages, key=lambda one: one.received_s))
    return accumulator.result(window(elapsed_s))


SHADOW = "$aws/things/pump/shadow"
CHIRPSTACK = "application/1/device/0102030405060708"

ANSWERED: dict[str, tuple[str, Message, Message]] = {
    "zigbee2mqtt": (
        "lamp", said("zigbee2mqtt/lamp/set", {"state": "ON"}, 5.0), said("zigbee2mqtt/lamp", {"state": "ON"}, 5.25),
    ),
    "zigbee2mqtt attribute": (
        "lamp", said("zigbee2mqtt/lamp/set/brightness", "120", 5.0),
        said("zigbee2mqtt/lamp", {"brightness": 120}, 5.25),
    ),
    "zigbee2mqtt bridge": (
        "bridge", said("zigbee2mqtt/bridge/request/restart", {"transaction": "x"}, 5.0),
        said("zigbee2mqtt/bridge/response/restart", {"status": "ok", "transaction": "x"}, 5.25),
    ),
    "tasmota": ("plug_1", said("cmnd/plug_1/POWER", "ON", 5.0), said("stat/plug_1/RESULT", {"POWER": "ON"}, 5.25)),
    "shelly rpc": (
        "shellyplus1-aabb", said("shellyplus1-aabb/rpc", {"id": 3, "src": "me", "method": "Switch.Set"}, 5.0),
        said("me/rpc", {"id": 3, "src": "shellyplus1-aabb", "dst": "me", "result": {}}, 5.25),
    ),
    "shelly 1": (
        "shelly1-01", said("shellies/shelly1-01/relay/0/command", "on", 5.0),
        said("shellies/shelly1-01/relay/0", "on", 5.25),
    ),
    "esphome": (
        "kitchen", said("kitchen/switch/fan/command", "ON", 5.0), said("kitchen/switch/fan/state", "ON", 5.25),
    ),
    "homie": (
        "thermo", said("homie/5/thermo/main/target/set", "21", 5.0), said("homie/5/thermo/main/target", "21", 5.25),
    ),
    "aws": ("pump", said(f"{SHADOW}/update", {"state": {}, "clientToken": "t"}, 5.0),
            said(f"{SHADOW}/update/accepted", {"clientToken": "t"}, 5.25)),
    "frigate": (
        "door", said("frigate/door/detect/set", "ON", 5.0), said("frigate/door/detect/state", "ON", 5.25),
    ),
}  # fmt: skip
HERE = {
    "zigbee2mqtt": said("zigbee2mqtt/lamp", {"state": "OFF"}, 1.0),
    "zigbee2mqtt attribute": said("zigbee2mqtt/lamp", {"brightness": 3}, 1.0),
    "zigbee2mqtt bridge": said("zigbee2mqtt/bridge/state", {"state": "online"}, 1.0),
    "tasmota": said("tele/plug_1/LWT", "Online", 1.0),
    "shelly rpc": said("shellyplus1-aabb/online", "true", 1.0),
    "shelly 1": said("shellies/shelly1-01/online", "true", 1.0),
    "esphome": said("kitchen/switch/fan/state", "OFF", 1.0),
    "homie": said("homie/5/thermo/main/target", "19", 1.0),
    "aws": said(f"{SHADOW}/get/accepted", {"version": 1}, 1.0),
    "frigate": said("frigate/door/detect/state", "OFF", 1.0),
}


@pytest.mark.parametrize("ecosystem", ANSWERED)
def test_an_answered_command_has_its_response_time_in_the_table(ecosystem):
    """analysis.md section 4.2: report response time p50/p95 when answered."""
    device, command, answer = ANSWERED[ecosystem]
    report = report_on(device, HERE[ecosystem], command, answer)

    assert report.checks["command_unanswered"] == "pass"
    (line,) = report.commands
    assert (line.sent, line.answered, line.answered_by) == (1, 1, answer.topic)
    assert line.response_s == line.p50_s == pytest.approx(0.25)


@pytest.mark.parametrize("ecosystem", ANSWERED)
def test_a_command_without_an_answer_is_a_finding(ecosystem):
    """The same command, and only what was there before."""
    device, command, _ = ANSWERED[ecosystem]
    report = report_on(device, HERE[ecosystem], command)

    (finding,) = [one for one in report.findings if one.code == "command_unanswered"]
    assert (finding.topic, finding.at_s) == (command.topic, 5.0)
    assert finding.severity in {"high", "medium"}
    assert report.commands[0].answered == 0


@pytest.mark.parametrize("ecosystem", ANSWERED)
def test_a_command_of_the_last_seconds_is_not_judged_yet(ecosystem):
    """The watch ended before its time ran out."""
    device, command, _ = ANSWERED[ecosystem]

    assert report_on(device, HERE[ecosystem], command, elapsed_s=8.0).checks["command_unanswered"] == "not_enough_data"


def test_a_state_that_shows_something_else_is_no_answer():
    """A plug that goes on reporting every two seconds that it is still off."""
    still_off = [said("zigbee2mqtt/plug", {"state": "OFF", "power": 3}, 2.0 * at) for at in range(20)]
    report = report_on("plug", *still_off, said("zigbee2mqtt/plug/set", {"state": "ON"}, 9.0))

    (finding,) = [one for one in report.findings if one.code == "command_unanswered"]
    assert "shows something else" in finding.title


def test_nothing_is_expected_where_nobody_promised_an_answer():
    """A generic topic without a state, a group of Tasmotas, a button of ESPHome."""
    for device, messages in (
        ("gate", [said("garden/gate/set", "OPEN", 5.0), said("garden/gate/online", "online", 1.0)]),
        ("tasmotas", [said("cmnd/tasmotas/POWER", "ON", 5.0)]),
        ("kitchen", [said("kitchen/button/restart/command", "PRESS", 5.0), said("kitchen/status", "online", 1.0),
                     said("kitchen/sensor/t/state", "1", 1.0)]),
    ):  # fmt: skip
        assert "command_unanswered" not in [one.code for one in report_on(device, *messages).findings]


def test_a_downlink_is_awaited_from_the_next_uplink_on():
    """LoRaWAN class A: a device hears only after it spoke."""
    down = said(f"{CHIRPSTACK}/command/down", {"fPort": 1}, 5.0)
    uplink = {"deviceInfo": {"devEui": "0102030405060708", "deviceName": "soil"}, "fCnt": 7}
    before = said(f"{CHIRPSTACK}/event/up", uplink, 1.0)
    after = said(f"{CHIRPSTACK}/event/up", {**uplink, "fCnt": 8}, 30.0)
    sent = said(f"{CHIRPSTACK}/event/txack", {"deviceInfo": uplink["deviceInfo"]}, 31.0)

    assert report_on("soil", before, down).checks["command_unanswered"] == "not_enough_data"
    assert report_on("soil", before, down, after).checks["command_unanswered"] == "fail"
    assert report_on("soil", before, down, after, sent).commands[0].response_s == pytest.approx(26.0)


def test_a_desired_state_has_to_be_reported():
    """AWS shadow: accepted by the cloud is not done by the device."""
    wish = said(f"{SHADOW}/update", {"state": {"desired": {"speed": 80}}, "clientToken": "a"}, 5.0)
    accepted = said(f"{SHADOW}/update/accepted", {"clientToken": "a"}, 5.1)
    done = said(f"{SHADOW}/update", {"state": {"reported": {"speed": 80}}, "clientToken": "b"}, 7.0)
    agreed = said(f"{SHADOW}/update/accepted", {"clientToken": "b"}, 7.1)

    assert report_on("pump", wish, accepted, done, agreed).checks["command_unanswered"] == "pass"
    (finding,) = [one for one in report_on("pump", wish, accepted).findings if one.code == "command_unanswered"]
    assert "desired state" in finding.title


def test_an_error_on_the_callers_topic_is_told_at_the_device():
    """Shelly answers on the topic of the program that called; that program is no device."""
    call = said("shellyplus1-aabb/rpc", {"id": 9, "src": "app", "method": "Switch.Set"}, 5.0)
    answer = said("app/rpc", {"id": 9, "src": "shellyplus1-aabb", "error": {"code": -103, "message": "no id"}}, 5.1)
    report = report_on("shellyplus1-aabb", HERE["shelly rpc"], call, answer)
    everyone = report_on("", HERE["shelly rpc"], call, answer)

    assert [one.messages for one in report.findings if one.code == "command_error"] == [["no id"]]
    assert [one.name for one in everyone.devices] == ["shellyplus1-aabb"]


def test_a_response_topic_of_mqtt_5_tells_where_the_answer_comes():
    """Whatever the layout; correlated by Correlation Data."""
    asked = Properties(response_topic="app/answers", correlation_data=b"\x01")
    other = said("app/answers", "1", 5.1, properties=Properties(correlation_data=b"\x02"))
    right = said("app/answers", "1", 5.3, properties=Properties(correlation_data=b"\x01"))
    here = said("shop/mill/status", "online", 1.0)
    command = said("shop/mill/cmd", "start", 5.0, properties=asked)

    assert report_on("mill", here, command, other).checks["command_unanswered"] == "fail"
    assert report_on("mill", here, command, other, right).commands[0].response_s == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("wanted", "value", "shown"),
    [
        ("ON", True, True),
        ("ON", "off", False),
        ("21", 21.0, True),
        (21.0, 24.0, False),
        ("TOGGLE", "on", None),
        ({"state": "ON", "transition": 2}, {"state": "OFF"}, False),
        ({"color": {"x": 1}}, {"state": "OFF"}, None),
        ("on", {"output": True, "apower": 0}, True),
        (None, "x", None),
        ([1], "x", None),
    ],
)
def test_whether_a_state_shows_what_was_wanted(wanted, value, shown):
    """None where the two cannot be compared: that is never held against a device."""
    assert shows(wanted, value) is shown


def test_commands_without_end_are_bounded():
    """Ten thousand command topics that nobody answers."""
    accumulator = DebugAccumulator("")
    for at in range(3_000):
        accumulator.add(said(f"cmnd/p{at % 1500}/POWER", "ON", at / 10), at / 10)

    assert accumulator.kept_bytes < 20_000_000
    assert accumulator.result(window(400.0)).messages == 3_000
