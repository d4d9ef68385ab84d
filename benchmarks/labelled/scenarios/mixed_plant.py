"""A plant without a convention: bare values of machines, a unified namespace after ISA-95, PLC blocks, OPC UA items."""

from typing import Any

from benchmarks.labelled.encoders import iso_time
from benchmarks.labelled.trace import EPOCH_S, Once, Publisher, Trace

_CELLS = ("filler", "capper", "labeller", "packer")


def fill(g: Trace) -> None:
    presses = [(line, press) for line in (1, 2, 3) for press in range(1, 6)]
    faults = g.random.sample(range(len(presses)), len(presses))
    for (line, press), fault in zip(presses, faults, strict=True):
        _press(g, line, f"press-{press:02d}", fault)
    for site in ("berlin", "porto"):
        for number, cell in enumerate(_CELLS):
            _unified(g, site, cell, number + 4 * (site == "porto"))
    for number in range(4):
        _plc(g, number)
    for number in range(5):
        _opc(g, number)
    for number in range(3):
        _vehicle(g, number)


def _press(g: Trace, line: int, press: str, fault: int) -> None:
    """Bare numbers; some presses have a fault each."""
    device = f"line{line}/{press}"
    publish = Publisher(g, device, f"plant/{device}/", "plant/{line}/{press}/")
    heat, force, now = g.walk(g.random.uniform(70, 80), 0.15, 1), g.walk(410, 1.5, 0), Once(g.at(0.3, 0.85))
    count, stops = g.random.randrange(10_000, 900_000), 0.4 * g.duration_s if fault == 2 else g.duration_s
    publish(0.01, "status", "RUN", "status", kind="state", retain=True, change="RUN")
    if fault == 2:
        g.finding(device, "silence_gap", "high", "nothing after two fifths of the watch")
    for t in g.every(6, 0.04, gap=(stops, g.duration_s)):
        text, struct, anomaly = f"{next(heat):.1f}", "number", None
        if fault == 0 and now(t):
            text, anomaly = "850.0", g.anomaly("value_outlier", "high")
        elif fault == 1 and now(t):
            text, struct, anomaly = "NaN", "number.nan", g.anomaly("null_reading", "high")
        publish(t, "temp", text, struct, anomaly=anomaly)
        publish(t + 0.02, "force", f"{next(force):.0f}", "number")
        count += 1
        publish(t + 0.04, "parts", str(count), "number")
    if fault == 3:
        emergency = g.anomaly("alarm", "critical")
        publish(g.at(), "emergency_stop", "1", "emergency", kind="event", change="1", anomaly=emergency)
    if fault == 4:
        text = "ERROR 0x2A17 hydraulic pressure below limit, cycle aborted"
        publish(g.at(), "log", text, "log", kind="log", anomaly=g.anomaly("error_log", "high"))
    if fault == 5:
        flapping, t = g.anomaly("flapping", "high", "OFFLINE"), g.at(0.3, 0.5)
        for index in range(6):
            word = ("OFFLINE", "ONLINE")[index % 2]
            told: dict[str, Any] = {"kind": "availability", "change": word, "retained_pub": True}
            publish(t + 10 * index, "connection", word, "connection", anomaly=flapping.as_part(word), **told)
    if fault == 6:  # setting up is no fault
        for delay, word in ((0, "SETUP"), (40, "RUN")):
            told = {"kind": "state", "change": word, "retained_pub": True}
            publish(0.4 * g.duration_s + delay, "status", word, "status", **told)


def _unified(g: Trace, site: str, cell: str, number: int) -> None:
    """ISA-95 levels with value, unit and quality; setpoints never change."""
    device = f"{site}/packaging/line1/{cell}"
    publish = Publisher(g, device, f"acme/{device}/", "acme/{site}/{area}/{line}/{cell}/")
    speed, now = g.walk(g.random.uniform(80, 120), 0.8, 1), Once(g.at(0.3, 0.85))
    for t in g.every(5, 0.05):
        value: float | None = next(speed)
        quality, struct, anomaly = "GOOD", "value", None
        if number == 1 and now(t):
            value, quality, struct = None, "BAD", "value.null"
            anomaly = g.anomaly("null_reading", "high")
        elif number == 6 and now(t):
            value, anomaly = 9999.0, g.anomaly("value_outlier", "high")
        stamp = iso_time(EPOCH_S + t - (7 * 3600 + 412 if number == 3 and t > 0.5 * g.duration_s else 0))
        body = {"value": value, "unit": "1/min", "timestamp": stamp, "quality": quality}
        publish(t, "process/speed", body, struct, anomaly=anomaly)
        if g.random.random() < 0.3:
            body = {"value": 100.0, "unit": "1/min", "timestamp": stamp, "quality": "GOOD"}
            publish(t + 0.01, "process/setpoint", body, "value")
    if number == 3:
        g.finding(device, "clock_skew", "medium", "its clock falls back by hours in the middle of the watch")
    for t in g.every(40, 0.1):
        oee = {"availability": round(g.random.uniform(0.9, 0.93), 3), "performance": 0.88, "quality": 0.99}
        publish(t, "kpi/oee", oee, "oee")


def _plc(g: Trace, number: int) -> None:
    """Blocks of a PLC: arrays, counters and a bit field."""
    device = f"S7-1500-{number:02d}"
    publish = Publisher(g, device, f"plc/{device}/", "plc/{plc}/")
    cycle, level, now = g.random.randrange(10**6), g.walk(55, 0.3, 1), Once(g.at(0.3, 0.8))
    up = g.random.randrange(10_000, 900_000)
    for t in g.every(4, 0.03):
        cycle += 40
        block: dict[str, Any] = {
            "db": 10,
            "cycle": cycle,
            "ai": [next(level), round(g.random.gauss(4.2, 0.01), 3), 12.0],
        }
        block |= {"di": [True, False, True, True], "fault": False, "ts": int((EPOCH_S + t) * 1000)}
        block["uptime_s"] = int(up + t)
        struct, anomaly = "db", None
        if number == 1 and now(t):
            block["fault"], anomaly = True, g.anomaly("alarm", "critical")
        elif number == 2 and now(t):
            up, anomaly = int(2 - t), g.anomaly("reboot", "high")
            block["uptime_s"] = 2
        elif number == 3 and now(t):
            block["ai"] = "####"
            struct, anomaly = "db.text", g.anomaly("schema_change", "medium")
        publish(t, "db10", block, struct, anomaly=anomaly, qos=1)


def _opc(g: Trace, number: int) -> None:
    """OPC UA items through a gateway: value, quality code, source time."""
    device = f"Tank{number + 1}"
    publish = Publisher(g, device, f"opcua/gw1/ns=2;s={device}.", "opcua/{gateway}/")
    level, now = g.walk(g.random.uniform(40, 60), 0.2, 2), Once(g.at(0.3, 0.85))
    for t in g.every(5, 0.05):
        item: dict[str, Any] = {"v": next(level), "q": 192, "t": int((EPOCH_S + t) * 1000)}
        anomaly = None
        if number == 0 and now(t):
            item.update(v=0.0, q=24)
            anomaly = g.anomaly("bad_quality", "high")
        publish(t, "Level", item, "item", template="{item}", anomaly=anomaly)
        valve = {"v": int(t) % 60 < 30, "q": 192, "t": item["t"]}
        publish(t + 0.01, "Valve", valve, "item.bool", template="{item}")


def _vehicle(g: Trace, number: int) -> None:
    """Driverless vehicles in the manner of VDA 5050: state, connection, errors."""
    device = f"agv-{number + 1}"
    prefix = f"uagv/v2/northmill/{device}/"
    publish = Publisher(g, device, prefix, "uagv/v2/{maker}/{vehicle}/")
    head: dict[str, Any] = {"version": "2.0.0", "manufacturer": "northmill", "serialNumber": device}
    online = {"headerId": 1, "timestamp": iso_time(EPOCH_S - 600), **head, "connectionState": "ONLINE"}
    told: dict[str, Any] = {"kind": "availability", "change": "ONLINE", "retain": True}
    publish(0.1 + number / 100, "connection", online, "connection", **told)
    x, y, charge = g.walk(12, 0.4, 2), g.walk(30, 0.4, 2), 74.0 - 3 * number
    broken = g.at(0.4, 0.7) if number == 2 else g.duration_s + 1
    for index, t in enumerate(g.every(3, 0.05, gap=(broken, g.duration_s))):
        charge -= 0.02
        state = {"headerId": index + 2, "timestamp": iso_time(EPOCH_S + t), **head, "driving": True, "errors": []}
        state["agvPosition"] = {"x": next(x), "y": next(y), "theta": 1.57, "mapId": "hall-1"}
        state["batteryState"] = {"batteryCharge": round(charge, 1), "charging": False}
        publish(t, "state", state, "state")
    if number == 2:
        offline = {
            **online,
            "headerId": 2,
            "timestamp": iso_time(EPOCH_S + broken),
            "connectionState": "CONNECTIONBROKEN",
        }
        told = {"kind": "availability", "change": "CONNECTIONBROKEN", "retained_pub": True}
        publish(broken + 4, "connection", offline, "connection", anomaly=g.anomaly("device_offline", "high"), **told)
