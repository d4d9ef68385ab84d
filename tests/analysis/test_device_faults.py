"""Faults of rhythm, storage, order and announcements: one made-up watch for each, and the healthy one beside it."""

import json
from itertools import pairwise
from typing import Any

import pytest

from mqtt_mcp.analysis.devices.advice import advice
from mqtt_mcp.analysis.devices.debug import DebugAccumulator
from mqtt_mcp.analysis.devices.judge import CHECKS
from mqtt_mcp.analysis.devices.report import DeviceReport
from mqtt_mcp.mqtt.client import Message
from testkit.messages import feed, message, window

EPOCH_S = 1_790_000_000.0


def js(topic: str, value: Any, t_s: float = 0.0, *, retain: bool = False, qos: int = 0) -> Message:
    return message(topic, json.dumps(value), t_s=t_s, retain=retain, qos=qos)


def report_on(device: str, *messages: Message, elapsed_s: float = 120.0, **more: Any) -> DeviceReport:
    accumulator = DebugAccumulator(device)
    feed(accumulator, sorted(messages, key=lambda one: one.received_s))
    return accumulator.result(window(elapsed_s, **more))


def worrying(report: DeviceReport) -> list[str]:
    return [one.code for one in report.findings if one.severity in {"critical", "high", "medium"}]


def counted(*numbers: int, field: str = "seq") -> list[Message]:
    return [js("a/z7/data", {field: number, "v": 3}, 5.0 * at) for at, number in enumerate(numbers)]


def timed(*seconds: float) -> list[Message]:
    """Messages every five seconds whose own times are these."""
    return [js("a/z7/data", {"ts": EPOCH_S + own_s, "v": at}, 5.0 * at) for at, own_s in enumerate(seconds)]


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def metric(name: str = "", alias: int = -1, value: int = 0, quality: int = -1) -> bytes:
    """A Sparkplug metric of type Int32; ``quality`` is put into the property of that name."""
    body = (b"\x0a" + varint(len(name)) + name.encode()) if name else b""
    body += (b"\x10" + varint(alias)) if alias >= 0 else b""
    body += b"\x20\x03"
    if quality >= 0:
        inner = b"\x08\x03\x18" + varint(quality)
        properties = b"\x0a\x07Quality\x12" + varint(len(inner)) + inner
        body += b"\x4a" + varint(len(properties)) + properties
    return body + b"\x50" + varint(value)


def sparkplug(kind: str, seq: int, *metrics: bytes, t_s: float, device: str = "") -> Message:
    body = b"\x08" + varint(int((EPOCH_S + t_s) * 1000))
    body += b"".join(b"\x12" + varint(len(one)) + one for one in metrics)
    payload = body + (b"\x18" + varint(seq) if seq >= 0 else b"")
    return message(f"spBv1.0/plant/{kind}/edge1{'/' + device if device else ''}", payload, t_s=t_s)


BIRTH = [sparkplug("NBIRTH", 0, metric("bdSeq", value=4), t_s=1.0),
         sparkplug("DBIRTH", 1, metric("Temp", 7, 20), t_s=1.1, device="z7")]  # fmt: skip
STEADY = [js("a/z7/data", {"temperature": 20 + (at * 7 % 5) / 10}, 5.0 * at) for at in range(24)]
CONFIG = {"dev": {"ids": ["z7"], "name": "z7"}, "uniq_id": "u1", "stat_t": "a/z7/data", "avty_t": "a/z7/avail"}

FAULTS: dict[str, list[Message]] = {
    "burst": [*STEADY, *(js("a/z7/data", {"temperature": at}, 60.2 + at / 100) for at in range(30))],
    "duplicates": [js("a/z7/data", {"n": at // 2}, 5.0 * (at // 2) + 0.1 * (at % 2)) for at in range(30)],
    "bridge_loop": [message(f"{'ab'[at % 2]}/z7/data", "21.53 degrees", t_s=50 + at / 5) for at in range(14)],
    "qos_mismatch": [message("a/z7/data", f"{at}", t_s=at / 4, qos=2) for at in range(400)],
    "oversized": [message("a/z7/dump", b"x" * 140_000, t_s=3.0)],
    "retained_command": [message("a/z7/set", "ON", retain=True), *STEADY],
    "stale_retained": [js("a/z7/data", {"ts": EPOCH_S - 90_000, "temperature": 20.5}, retain=True)],
    "state_not_retained": [message("a/z7/status", word, t_s=t_s) for word, t_s in (("online", 5), ("offline", 9))],
    "retained_event": [js("zigbee2mqtt/z7", {"action": "double"}, retain=True)],
    "discovery_inconsistent": [
        js("homeassistant/sensor/z7/config", CONFIG, retain=True), *STEADY,
        js("homeassistant/sensor/other/config", {**CONFIG, "dev": {"ids": ["o"], "name": "other"}}, 0.1, retain=True),
    ],
    "clock_skew": timed(*[5.0 * at - (4_211 if at > 8 else 0) for at in range(16)]),
    "timestamp_stalled": timed(*[5.0 * min(at, 8) for at in range(16)]),
    "sequence_gap": counted(1, 2, 3, 4, 5, 6, 7, 127, 128),
    "reordering": counted(1, 2, 3, 4, 5, 6, 7, 5, 8, 9),
    "bad_quality": [js("a/z7/data", {"v": 20.5, "q": 192 if at != 9 else 24}, 5.0 * at) for at in range(16)],
    "silence_gap": STEADY[:8],
    "null_reading": [*STEADY, js("a/z7/data", {"temperature": "unavailable"}, 61.0)],
    "schema_change": [message("a/z7/temp", f"21.5 {'°F' if at == 9 else '°C'}", t_s=5.0 * at) for at in range(12)],
    "battery_low": [js("a/z7/battery", 3, 5.0), *STEADY],
    "link_weak": [js("a/z7/data", {"rssi": -97}, 5.0 * at) for at in range(6)],
    "alarm": [message("shellies/z7/relay/0/overtemperature", "1", t_s=4.0)],
}  # fmt: skip
"""Each on a device called z7."""
LIGHT = {"qos_mismatch", "oversized", "state_not_retained"}


@pytest.mark.parametrize("code", FAULTS)
def test_each_fault_is_found_with_evidence_and_advice(code):
    """analysis.md section 4.2, one watch per code, named by device and among all."""
    report = report_on("z7", *FAULTS[code])
    everyone = report_on("", *FAULTS[code])

    (finding, *_) = [one for one in report.findings if one.code == code]
    assert report.checks[code] == "fail"
    assert finding.advice == advice(code, report.identity[0].ecosystem) != ""
    assert 0 < finding.confidence <= 1
    assert (code in worrying(report)) == (code not in LIGHT)
    assert any(code in line.findings for line in everyone.devices)


HEALTHY: dict[str, list[Message]] = {
    "a heartbeat twice a second": [message("a/z7/beat", "alive and well", t_s=at / 2) for at in range(240)],
    "a motion sensor": [js("a/z7/motion", at % 2 == 0, at // 2 * 31 + at % 2 * 7.0) for at in range(8)],
    "a button": [js("a/z7/action", "single", t_s) for t_s in (3.0, 3.4, 3.8, 70.0)],
    "a quiet contact": [js("a/z7/contact", {"contact": True, "ts": EPOCH_S - 400_000}, retain=True)],
    "a renewed counter": counted(250, 251, 252, 253, 254, 255, 0, 1, 2),
    "radio losses": counted(100, 101, 103, 104, 107, 108, field="fCnt"),
    "volts of a cell": [js("a/z7/data", {"battery": 3.58}, 5.0 * at) for at in range(5)],
    "a setpoint": [js("a/z7/data", {"temperature_setpoint": 21.5}, 5.0 * at) for at in range(24)],
    "a kettle": [js("a/z7/data", {"power": 2000.0 if at == 9 else 0.4}, 5.0 * at) for at in range(24)],
    "raw moisture": [js("a/z7/moisture", 300 + at % 5, 5.0 * at) for at in range(24)],
    "an exact echo": [js("a/z7/data", {"n": at}, 5.0 * at + copy / 100) for at in range(20) for copy in
                      range(4 if at % 5 == 0 else 1)],
    "a dead stored time of an event": [js("a/z7/door", {"state": "open", "time": EPOCH_S - 9e6}, retain=True)],
}  # fmt: skip


@pytest.mark.parametrize("life", HEALTHY)
def test_ordinary_life_is_no_fault(life):
    """What looks like a fault and is none: precision is half of a diagnosis."""
    messages = HEALTHY[life]

    assert worrying(report_on("z7", *messages, elapsed_s=messages[-1].received_s + 4)) == []


def test_every_check_has_an_outcome_for_every_device():
    """Silence must not be read as health; the codes are those of analysis.md section 4.2."""
    report = report_on("z7", js("a/z7/data", {"v": 1}, 3.0))

    assert list(report.checks) == [check.__name__ for check in CHECKS]
    assert set(report.checks.values()) <= {"pass", "fail", "not_applicable", "not_enough_data"}
    assert {"jitter", "burst", "bridge_loop", "rebirth_missing", "timestamp_stalled", "oversized"} <= set(report.checks)
    assert all(advice(code) for code in report.checks)


def test_sparkplug_metrics_are_followed_by_name_across_aliases():
    """DDATA carries numbers only; the birth told their names."""
    values = [20, 21, 20, 21, 22, 20, 21, 20, 900, 21]
    data = [
        sparkplug("DDATA", 2 + at, metric(alias=7, value=value), t_s=5.0 + 5 * at, device="z7")
        for at, value in enumerate(values)
    ]
    report = report_on("edge1/z7", *BIRTH, *data, elapsed_s=56.0)

    (outlier,) = [one for one in report.findings if one.code == "value_outlier"]
    assert '"metrics.Temp" was 900 once' in outlier.title
    assert report.identity[0].parents == ["edge1"]


def test_sparkplug_gaps_deaths_and_missing_births_are_told_apart():
    """seq of the node; bdSeq pairs births and deaths; data of a device that was never born."""
    gap = sparkplug("NDATA", 9, metric("Load", value=1), t_s=9.0)
    stale = sparkplug("NDEATH", -1, metric("bdSeq", value=3), t_s=9.0)
    death = sparkplug("NDEATH", -1, metric("bdSeq", value=4), t_s=9.0)
    unborn = sparkplug("DDATA", 2, metric("X", value=1), t_s=9.0, device="y8")
    bad = sparkplug("DDATA", 2, metric(alias=7, value=1, quality=0), t_s=9.0, device="z7")

    assert worrying(report_on("edge1", *BIRTH, gap)) == ["sequence_gap"]
    assert report_on("edge1", *BIRTH, stale).availability == "online"
    assert worrying(report_on("edge1", *BIRTH, stale)) == ["rebirth_missing"]
    assert report_on("edge1/z7", *BIRTH, death).availability == "offline"
    assert worrying(report_on("edge1/z7", *BIRTH, death)) == [], "reported once, at the node"
    assert report_on("edge1", *BIRTH, death).findings[0].severity == "critical"
    assert worrying(report_on("edge1/y8", *BIRTH, unborn)) == ["rebirth_missing"]
    assert worrying(report_on("edge1/z7", *BIRTH, bad)) == ["bad_quality"]


def test_one_that_never_changes_among_equals_that_do_is_stuck():
    """Names say nothing here; the siblings' pace does."""
    messages = [
        js(f"hall/rig-{rig}/probe", {"xq": 5.5 if rig == 3 else round(5 + (at * 5 + rig) % 7 / 10, 1)}, 4.0 * at)
        for rig in range(1, 7)
        for at in range(28)
    ]
    report = report_on("", *messages)

    assert [(line.name, line.findings) for line in report.devices if line.findings] == [("hall/rig-3", ["stuck_value"])]


def test_the_report_says_offline_since_when_and_why_in_its_first_sentence():
    """What an assistant reads first."""
    report = report_on(
        "den_lamp",
        js("zigbee2mqtt/den_lamp/availability", {"state": "online"}, retain=True),
        js("zigbee2mqtt/bridge/logging", {"level": "error", "message": "Ping 'den_lamp' failed"}, 41.0),
        js("zigbee2mqtt/den_lamp/availability", {"state": "offline"}, 42.0),
    )

    assert report.verdict.startswith('"den_lamp" is offline. Offline since 42 s into the watch')
    assert report.findings[0].messages == ["Ping 'den_lamp' failed"]
    assert [one.at_s for one, _ in pairwise(report.timeline)] == sorted(one.at_s for one in report.timeline)[:-1]


def walk(topic: str, start: float, step: float, count: int) -> list[Message]:
    return [message(topic, f"{start + step * at + at % 3 * 0.01:.3f}", t_s=4.0 * at + 1) for at in range(count)]


def test_a_value_that_drifts_is_no_outlier():
    """Its lowest value lies far from the last ones, but it got away from there step by step."""
    report = report_on("z7", *walk("plant/z7/temp", 59.8, 0.05, 200), elapsed_s=900)
    assert "value_outlier" not in [one.code for one in report.findings]
    spiked = report_on("z7", *walk("plant/z7/temp", 59.8, 0.001, 60), message("plant/z7/temp", "127.5", t_s=100.5))
    assert "value_outlier" in worrying(spiked)


def test_a_device_is_not_blamed_for_the_silence_of_its_node():
    """Sparkplug: the node died for half a minute and was born again; its devices were silent with it."""

    def life(from_s: float) -> list[Message]:
        data = [
            sparkplug("DDATA", 2 + at, metric(alias=7, value=at), t_s=from_s + 1 + 3 * at, device="z7")
            for at in range(12)
        ]
        return [sparkplug("NBIRTH", 0, metric("bdSeq", value=4), t_s=from_s),
                sparkplug("DBIRTH", 1, metric("Temp", 7, 20), t_s=from_s + 0.1, device="z7"), *data]  # fmt: skip

    death = sparkplug("NDEATH", -1, metric("bdSeq", value=4), t_s=42.0)
    report = report_on("z7", *life(1.0), death, *life(80.0))
    assert report.checks["silence_gap"] == "pass", report.findings


def test_an_object_on_an_alarm_topic_that_is_active_is_an_alarm():
    """Not only a logged error: somebody pressed the emergency stop."""
    stop = {"code": "E-STOP", "severity": "critical", "active": True, "text": "Emergency stop pressed"}
    assert worrying(report_on("z7", js("a/z7/alarm", stop, 5.0), *STEADY)) == ["alarm"]
    cleared = report_on("z7", js("a/z7/alarm", {**stop, "severity": "info", "active": False}, 5.0), *STEADY)
    assert worrying(cleared) == []


def test_a_good_battery_of_rtl_433_is_no_empty_one():
    """battery_ok: 1 is good, 0 is low."""
    good = [js("rtl_433/z7", {"battery_ok": 1, "temperature_C": 20.5}, 10.0 * at) for at in range(6)]
    assert "battery_low" not in worrying(report_on("z7", *good))
    assert "battery_low" in worrying(report_on("z7", *good, js("rtl_433/z7", {"battery_ok": 0}, 70.0)))
