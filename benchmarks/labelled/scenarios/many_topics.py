"""Three thousand topics with one to three messages each, seven templates and a dozen needles: topics >> budget."""

from typing import Any

from benchmarks.labelled.trace import Trace
from benchmarks.labelled.truth import Anomaly

_FLEET = "fleet/v2/{id}/"


def fill(g: Trace) -> None:
    r = g.random

    def emit(
        t: float, device: str, rest: str, payload: Any, *, struct: str = "", anomaly: Anomaly | None = None, **more: Any
    ) -> None:
        more = {"kind": "telemetry", **more}
        struct = struct or rest.rpartition("/")[2]
        topic, template = _FLEET.replace("{id}", device) + rest, _FLEET + rest
        g.emit(t, topic, payload, struct=struct, template=template, device=device, anomaly=anomaly, **more)

    fleet = [f"{r.getrandbits(48):012x}" for _ in range(600)]
    for device in fleet:
        up = g.at(0, 1), {"up": r.randrange(10**6), "fw": "3.2.1", "rssi": -r.randrange(40, 90)}
        emit(up[0], device, "heartbeat", up[1])
        emit(g.at(0, 1), device, "sensors/temp", {"value": round(r.gauss(22, 1), 2), "unit": "C"})
        emit(g.at(0, 1), device, "sensors/hum", {"value": round(r.gauss(45, 3), 1), "unit": "%"})
        emit(0.01, device, "status", "online", kind="availability", retain=True, change="online")
        emit(g.at(0, 1), device, "gps", f"{r.uniform(40, 50):.5f},{r.uniform(0, 9):.5f},12")
    for device in r.sample(fleet, 4):
        told: dict[str, Any] = {"kind": "availability", "retained_pub": True, "change": "offline"}
        emit(g.at(), device, "status", "offline", anomaly=g.anomaly("device_offline", "high"), **told)
    for device in r.sample(fleet, 3):
        t, hot = g.at(), {"value": round(r.uniform(90, 140), 2), "unit": "C"}
        emit(t, device, "sensors/temp", hot, anomaly=g.anomaly("value_outlier", "high"))
    for device in r.sample(fleet, 3):
        t, line = g.at(), {"lvl": "ERROR", "msg": f"flash write failed at 0x{r.getrandbits(20):x}", "code": 17}
        emit(t, device, "log", line, struct="log.error", anomaly=g.anomaly("error_log", "high"), kind="log")
    legacy = r.choice(fleet)
    g.emit(
        g.at(),
        f"fleet/v1/{legacy}",
        "T:22.1;H:40",
        kind="telemetry",
        struct="legacy",
        template="fleet/v1/{id}",
        device=legacy,
        anomaly=g.anomaly("rare_template", "medium"),
    )
    wrong = r.choice(fleet)
    t, text = g.at(), {"value": "err", "unit": "%"}
    emit(t, wrong, "sensors/hum", text, struct="hum.str", anomaly=g.anomaly("schema_change", "medium"))
