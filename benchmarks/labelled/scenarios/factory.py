"""Thirty thousand messages of eighty machines in ten minutes: mostly healthy, with one fault each in some of them."""

from typing import Any

from benchmarks.labelled.encoders import iso_time
from benchmarks.labelled.scenarios.factory_faults import Fault, assign
from benchmarks.labelled.trace import EPOCH_S, Publisher, Trace

_KINDS = ("mill", "lathe", "robot", "press", "oven", "welder", "conveyor", "painter")
_LINES = 10
_PERIOD_S = 6.2


def fill(g: Trace) -> None:
    machines = [(line, kind) for line in range(1, _LINES + 1) for kind in _KINDS]
    faults = assign(g, len(machines))
    for (line, kind), fault in zip(machines, faults, strict=True):
        _machine(g, f"L{line:02d}/{kind}", fault)


def _machine(g: Trace, device: str, fault: Fault) -> None:
    publish = Publisher(g, device, f"factory/{device}/", "factory/{line}/{machine}/")
    stored: dict[str, Any] = {"kind": "availability", "retain": True, "change": "online"}
    publish(0.01 + g.random.random() / 5, "status", "online", "status", **stored)
    _plain(g, publish, fault)
    _vibration(g, publish, fault)
    _state(g, publish, fault)
    fault.single(publish)


def _plain(g: Trace, publish: Publisher, fault: Fault) -> None:
    """Temperature that wanders, power that jumps between idle and load."""
    r = g.random
    heat = g.walk(r.uniform(45, 75), 0.12, 1)
    load, busy = r.uniform(900, 4000), True
    for t in g.every(_PERIOD_S, 0.05, gap=fault.gap):
        text, struct, anomaly = f"{next(heat):.1f}", "number", None
        if fault.name == "stuck_value":
            text = "61.5"
        elif fault.name in {"value_outlier", "null_reading"} and fault.now(t):
            text, anomaly = (
                (f"{r.uniform(900, 3000):.1f}", fault.label()) if fault.name[0] == "v" else ("nan", fault.label())
            )
            struct = "number" if fault.name[0] == "v" else "number.nan"
        publish(t, "temp", text, struct, anomaly=anomaly)
        if fault.name == "duplicates":
            publish(t + 0.05, "temp", text, struct)
    for t in g.every(_PERIOD_S, 0.05, gap=fault.gap):
        if r.random() < 0.05:
            busy = not busy
        publish(t, "power", f"{load + r.gauss(0, 15) if busy else 0:.0f}", "number")


def _vibration(g: Trace, publish: Publisher, fault: Fault) -> None:
    r, level = g.random, g.random.uniform(0.5, 2.5)
    for t in g.every(_PERIOD_S, 0.05, gap=fault.gap):
        body: Any = {"rms": round(r.gauss(level, 0.03), 3), "peak": round(r.gauss(4 * level, 0.2), 2), "hz": 50}
        body |= {"axis": {"x": round(r.gauss(0, 0.1), 3), "y": round(r.gauss(0, 0.1), 3)}, "q": 192}
        told: dict[str, Any] = {"struct": "vibration"}
        if fault.name in {"schema_change", "bad_quality", "malformed_payload"} and fault.now(t):
            told = {"struct": "vibration." + fault.name, "anomaly": fault.label()}
            if fault.name == "schema_change":
                body = {"rms": "high", "unit": "mm/s"}
            elif fault.name == "bad_quality":
                body["q"] = 0
            else:
                body, told["fmt"] = b'{"rms":1.25,"peak":4', "malformed"
        publish(t, "vibration", body, **told)


def _state(g: Trace, publish: Publisher, fault: Fault) -> None:
    """Mode, counters, own clock; retained by the machine."""
    r, seq, up = g.random, g.random.randrange(10**6), g.random.randrange(10_000, 3_000_000)
    parts, mode = r.randrange(10**6), "run"
    for t in g.every(_PERIOD_S, 0.05, gap=fault.gap):
        seq, parts = seq + 1, parts + (mode == "run")
        if r.random() < 0.02:
            mode = "idle" if mode == "run" else "run"
        told: dict[str, Any] = {"kind": "state", "change": "mode:" + mode}
        offset = 0.0
        if fault.name in {"sequence_gap", "reboot"} and fault.now(t):
            seq += 120 if fault.name == "sequence_gap" else 0
            up = int(3 - t) if fault.name == "reboot" else up
            told["anomaly"] = fault.label()
        if fault.name == "clock_skew" and t >= fault.now.at:
            offset = 4211.0
            told["anomaly"] = fault.label()
        body = {"seq": seq, "mode": mode, "parts": parts, "uptime_s": int(up + t), "target": 1200}
        body["ts"] = iso_time(EPOCH_S + t - offset)
        publish(t, "state", body, "state", **told)
