"""Devices of the mixed home that follow no convention but their owner's."""

import math
from typing import Any

from benchmarks.labelled.trace import EPOCH_S, Once, Publisher, Trace

_BEDS = ("tomatoes", "beans", "lawn", "roses", "herbs", "potatoes")


def fill(g: Trace) -> None:
    for number, bed in enumerate(_BEDS):
        _soil(g, bed, number)
    _weather(g)
    _meter(g)
    _charger(g)
    _alarm_panel(g)
    _printer(g)
    _doorbell(g)
    _old_notes(g)


def _soil(g: Trace, bed: str, number: int) -> None:
    """Bare numbers; one probe is stuck and one falls silent."""
    publish = Publisher(g, f"garden/{bed}", f"garden/{bed}/", "garden/{bed}/")
    value, dry = g.walk(g.random.uniform(320, 480), 1.2, 0), Once(g.at(0.3, 0.8))
    gap = (0.4 * g.duration_s, g.duration_s) if number == 2 else None
    if number == 1:
        g.finding(publish.device, "stuck_value", "medium", "the same number all the time")
    if gap:
        g.finding(publish.device, "silence_gap", "high", "nothing after two fifths of the watch")
    for t in g.every(8, 0.05, gap=gap):
        raw, anomaly = (417 if number == 1 else int(next(value))), None
        if number == 0 and dry(t):
            raw, anomaly = 65_535, g.anomaly("value_outlier", "high")
        publish(t, "moisture", str(raw), "number", anomaly=anomaly)
        publish(t + 0.1, "temp", f"{15 + 3 * math.sin(t / 200) + g.random.gauss(0, 0.05):.1f}C", "number_unit")


def _weather(g: Trace) -> None:
    """CSV every few seconds, and one line that was cut off."""
    publish = Publisher(g, "weather", "weather/", "weather/")
    wind, broken = g.walk(3.2, 0.3, 1, 0), Once(g.at())
    for t in g.every(6, 0.05):
        line = f"{int(EPOCH_S + t)};{16 + g.random.gauss(0, 0.1):.2f};{next(wind):.1f};1013.2;0"
        publish(t, "roof", line, "csv", fmt="csv")
    for t in g.every(20, 0.05):
        body, struct, anomaly = b'{"uv":3,"solar":%d,"clouds":"scattered"}' % g.random.randint(300, 330), "json", None
        if broken(t):
            body, struct, anomaly = body[:17], "json.cut", g.anomaly("malformed_payload", "high")
        publish(t, "sun", body, struct, fmt="malformed" if anomaly else "json", anomaly=anomaly)


def _meter(g: Trace) -> None:
    publish = Publisher(g, "meter", "energy/meter/", "energy/meter/")
    total, power = 38_422.118, g.walk(420, 20, 0, 60)
    for t in g.every(4, 0.02):
        total += next(power) / 9e5
        reading = {"1.8.0": round(total, 4), "2.8.0": 1904.2, "16.7.0": next(power), "ts": int(EPOCH_S + t)}
        publish(t, "obis", reading, "obis")


def _charger(g: Trace) -> None:
    """A wallbox that charges in phases; it reports an error once, and a command to it stays unanswered."""
    publish = Publisher(g, "wallbox", "car/wallbox/", "car/wallbox/")
    failed, charging = Once(g.at(0.5, 0.8)), False
    for t in g.every(12, 0.03):
        if g.random.random() < 0.2:
            charging = not charging
        amps = 16 if charging else 0
        state = {"status": "C" if charging else "B", "current": amps, "limit": 16, "power": 11_040 if charging else 0}
        told: dict[str, Any] = {"kind": "state", "change": "status:" + str(state["status"])}
        publish(t, "state", state, "state", **told)
        if failed(t):
            error = {"severity": "error", "text": "RCD self test failed", "code": 1042}
            publish(t + 0.5, "messages", error, "message", kind="log", anomaly=g.anomaly("error_log", "high"))
    publish(
        0.06, "limit/set", "16", "limit", kind="command", retain=True, anomaly=g.anomaly("retained_command", "medium")
    )


def _alarm_panel(g: Trace) -> None:
    """Zones that hardly ever change; one of them goes off."""
    burglar = g.at(0.3, 0.8)
    for zone in range(1, 9):
        publish = Publisher(g, f"zone {zone}", f"alarmpanel/zone/{zone}/", "alarmpanel/zone/{zone}/")
        publish(0.1 + zone / 100, "alarm", "0", "alarm", kind="state", retain=True, change="0")
        publish(0.2 + zone / 100, "name", f"Zone {zone}", "name", kind="info", retain=True)
        for t in g.every(75, 0.1):
            publish(t, "alarm", "0", "alarm", kind="state", change="0", retained_pub=True)
        if zone == 5:
            alarm = g.anomaly("alarm", "critical")
            publish(burglar, "alarm", "1", "alarm", kind="state", change="1", retained_pub=True, anomaly=alarm)


def _printer(g: Trace) -> None:
    """OctoPrint: progress rises, temperatures hold their target."""
    publish = Publisher(g, "octoPrint", "octoPrint/", "octoPrint/")
    for index, t in enumerate(g.every(7, 0.02)):
        heat = {"actual": round(210 + g.random.gauss(0, 0.3), 1), "target": 210.0, "_timestamp": int(EPOCH_S + t)}
        publish(t, "temperature/tool0", heat, "temperature")
        heat = {"actual": round(60 + g.random.gauss(0, 0.2), 1), "target": 60.0, "_timestamp": int(EPOCH_S + t)}
        publish(t + 0.02, "temperature/bed", heat, "temperature")
        progress = {"progress": min(100, 20 + index), "location": "local", "path": "vase.gcode"}
        publish(t + 0.05, "progress/printing", progress, "progress")


def _doorbell(g: Trace) -> None:
    publish = Publisher(g, "doorbell", "haustuer/", "haustuer/")
    for t in g.every(130, 0.4):
        for ring in range(g.random.choice([1, 3])):
            publish(t + 0.6 * ring, "klingel", "ding", "ring", kind="event", change="ding")
    for t in g.every(60, 0.01):
        publish(t, "heartbeat", "alive", "heartbeat", kind="state")


def _old_notes(g: Trace) -> None:
    """Stored long ago and still true: no fault of anybody."""
    publish = Publisher(g, "notes", "home/notes/", "home/notes/")
    written = {"text": "Bins on Tuesday", "updated": "2026-08-02T07:30:00Z"}
    publish(0.3, "kitchen", written, "note", kind="info", retain=True)
    publish(0.31, "hall", {**written, "text": "Water the ficus"}, "note", kind="info", retain=True)
