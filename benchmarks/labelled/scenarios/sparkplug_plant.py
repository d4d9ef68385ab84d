"""Sparkplug B: two groups, six edge nodes with two devices each, births with aliases, data by exception, a host.

After eclipse-sparkplug/sparkplug: chapters 4 to 6.
"""

from collections.abc import Sequence
from typing import Any

from benchmarks.labelled.sparkplug_payload import BOOLEAN, FLOAT, INT32, INT64, STRING, Metric, sparkplug
from benchmarks.labelled.trace import EPOCH_S, Once, Trace
from benchmarks.labelled.truth import Anomaly

_METRICS = (("Temperature", FLOAT), ("Pressure", FLOAT), ("Speed", INT32), ("Running", BOOLEAN), ("Alarm", BOOLEAN))
_NODES = tuple(("Plant1", "edge-" + c) for c in "abcd") + tuple(("Plant2", "edge-" + c) for c in "aefg")
_DEVICES = ("press", "oven")


class _Node:
    """An edge node: one sequence number for all its messages, one session."""

    def __init__(self, g: Trace, group: str, edge: str, number: int) -> None:
        self.g, self.group, self.edge, self.number = g, group, edge, number
        self.name = f"{group}/{edge}"
        self.session, self._seq = g.random.randrange(3, 90), -1

    def emit(
        self, t: float, verb: str, metrics: Sequence[Metric], *, device: str = "", struct: str = "", **more: Any
    ) -> None:
        seq = None
        if verb != "NDEATH":
            self._seq = 0 if verb == "NBIRTH" else (self._seq + 1) % 256
            seq = self._seq
        place, template = f"spBv1.0/{self.group}/{verb}/{self.edge}", f"spBv1.0/{{group}}/{verb}/{{edge}}"
        if device:
            place, template = f"{place}/{device}", template + "/{device}"
        more = {"kind": "telemetry", **more}
        self.g.emit(
            t,
            place,
            sparkplug(_ms(t), metrics, seq),
            struct=struct or verb,
            template=template,
            device=f"{self.name}/{device}" if device else self.name,
            fmt="sparkplug",
            **more,
        )

    def birth(self, t: float, *, anomaly: Anomaly | None = None) -> None:
        """Birth of the node and all its devices, with names and aliases."""
        stamp = _ms(t)
        own = [
            Metric(name="bdSeq", timestamp_ms=stamp, datatype=INT64, value=self.session),
            Metric(name="Node Control/Rebirth", timestamp_ms=stamp, datatype=BOOLEAN, value=False),
            Metric(name="Node Info/Firmware", timestamp_ms=stamp, datatype=STRING, value="2.9.1"),
            Metric(name="Node Info/Load", alias=1, timestamp_ms=stamp, datatype=FLOAT, value=0.4),
        ]
        told: dict[str, Any] = {"kind": "availability", "change": "birth"}
        self.emit(t, "NBIRTH", own, anomaly=anomaly, **told)
        for delay, device in enumerate(_DEVICES):
            values: dict[str, Any] = {
                "Temperature": 61.5,
                "Pressure": 5.1,
                "Speed": 1200,
                "Running": True,
                "Alarm": False,
            }
            metrics = [
                Metric(name=name, alias=_alias(device, name), timestamp_ms=stamp, datatype=kind, value=values[name])
                for name, kind in _METRICS
            ]
            self.emit(t + 0.02 * (delay + 1), "DBIRTH", metrics, device=device, **told)

    def death(self, t: float, anomaly: Anomaly | None) -> None:
        """The will of the session."""
        will = [Metric(name="bdSeq", timestamp_ms=_ms(t), datatype=INT64, value=self.session)]
        self.emit(t, "NDEATH", will, kind="availability", change="death", anomaly=anomaly)
        self.session += 1

    def skip(self, count: int) -> None:
        """Messages that got lost on the way."""
        self._seq = (self._seq + count) % 256


def _ms(t: float) -> int:
    return int((EPOCH_S + t) * 1000)


def _alias(device: str, name: str) -> int:
    return 10 * (_DEVICES.index(device) + 1) + [key for key, _ in _METRICS].index(name)


def fill(g: Trace) -> None:
    host: dict[str, Any] = {
        "kind": "availability",
        "struct": "state",
        "template": "spBv1.0/STATE/{host}",
        "device": "scada",
    }
    online = {"online": True, "timestamp": _ms(-4000)}
    g.emit(0.01, "spBv1.0/STATE/scada", online, qos=1, retain=True, change="online:true", **host)
    nodes = [_Node(g, group, edge, number) for number, (group, edge) in enumerate(_NODES)]
    for node in nodes:
        _live(g, node)


def _live(g: Trace, node: _Node) -> None:
    """All messages of one node in order of time, for they share a sequence number."""
    r = g.random
    node.birth(0.3 + node.number / 10)
    dies = g.at(0.5, 0.7) if node.number == 0 else g.duration_s + 1
    restarts = Once(g.at(0.4, 0.7)) if node.number == 1 else None
    lost = Once(g.at(0.3, 0.8)) if node.number == 2 else None
    faults = _Faults(g, node)
    walks = {
        device: (g.walk(r.uniform(55, 70), 0.2, 2), g.walk(r.uniform(4, 6), 0.02, 3), g.walk(1200, 8, 0))
        for device in _DEVICES
    }
    times = sorted(
        [(t, "") for t in g.every(20, 0.05)] + [(t, device) for device in _DEVICES for t in g.every(4, 0.15)]
    )
    for t, device in times:
        if t < 2 or t > dies:
            continue
        if lost and lost(t):
            node.skip(7)
            gap = g.anomaly("sequence_gap", "high")
            load = Metric(alias=1, timestamp_ms=_ms(t), datatype=FLOAT, value=0.41)
            node.emit(t - 0.01, "NDATA", [load], anomaly=gap)
        if restarts and restarts(t):
            node.session += 1
            node.birth(t - 0.2, anomaly=g.anomaly("reboot", "high"))
        if not device:
            load = Metric(alias=1, timestamp_ms=_ms(t), datatype=FLOAT, value=round(r.uniform(0.3, 0.5), 3))
            node.emit(t, "NDATA", [load])
        elif not faults.silences(device, t):
            hot, press, speed = (next(walk) for walk in walks[device])
            values: dict[str, Any] = {"Temperature": hot, "Pressure": press, "Speed": int(speed)}
            if r.random() < 0.3:
                del values["Speed"]
            faults.publish(t, device, values)
    if node.number == 0:
        node.death(dies + 2, g.anomaly("node_death", "critical", finding="device_offline"))


class _Faults:
    """What goes wrong with the devices of a node: one thing for each of some devices."""

    def __init__(self, g: Trace, node: _Node) -> None:
        self.g, self.node, self.now = g, node, Once(g.at(0.3, 0.85))
        self.dead_at = g.at(0.4, 0.7)
        self.died = False

    def silences(self, device: str, t: float) -> bool:
        """The oven of node 2 dies for good."""
        if (self.node.number, device) != (2, "oven") or t < self.dead_at:
            return False
        if not self.died:
            self.died = True
            told: dict[str, Any] = {"kind": "availability", "change": "death"}
            death = self.g.anomaly("device_offline", "high")
            self.node.emit(t, "DDEATH", [], device=device, anomaly=death, **told)
        return True

    def publish(self, t: float, device: str, values: dict[str, Any]) -> None:
        """One DDATA, by alias."""
        struct, anomaly, quality = "DDATA", None, {}
        if device == "press" and 1 <= self.node.number <= 4 and self.now(t):
            match self.node.number:
                case 1:
                    values["Temperature"], anomaly = 1638.4, self.g.anomaly("value_outlier", "high")
                case 2:
                    values["Alarm"], anomaly = True, self.g.anomaly("alarm", "critical")
                    struct = "DDATA.alarm"
                case 3:
                    values = {"Temperature": None, "Pressure": None}
                    struct, anomaly = "DDATA.null", self.g.anomaly("null_reading", "high")
                case _:
                    quality = {"Pressure": 0}
                    struct, anomaly = "DDATA.quality", self.g.anomaly("bad_quality", "high")
        kinds = dict(_METRICS)
        metrics = [
            Metric(
                alias=_alias(device, name),
                timestamp_ms=_ms(t),
                datatype=kinds[name],
                value=value,
                quality=quality.get(name, 192),
            )
            for name, value in values.items()
        ]
        self.node.emit(t, "DDATA", metrics, device=device, struct=struct, anomaly=anomaly)
