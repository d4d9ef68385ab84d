"""A home with a bit of everything: three known ecosystems beside devices that somebody built and named himself.

Full of things that look wrong and are not: silent motion sensors, an impatient button, loads that switch between
nothing and 2 kW, setpoints that never move, a restart on command.
"""

from typing import Any

from benchmarks.labelled.encoders import iso_time
from benchmarks.labelled.scenarios import mixed_home_made
from benchmarks.labelled.trace import EPOCH_S, Once, Publisher, Trace


def fill(g: Trace) -> None:
    _zigbee(g)
    for number in range(3):
        _tasmota(g, f"tasmota_{g.random.getrandbits(24):06X}", number)
    for number, name in enumerate(("esp-bath", "esp-loft")):
        _esphome(g, name, number)
    mixed_home_made.fill(g)


def _zigbee(g: Trace) -> None:
    r = g.random
    bridge = Publisher(g, "bridge", "zigbee2mqtt/bridge/", "zigbee2mqtt/bridge/")
    online = {"state": "online"}
    told: dict[str, Any] = {"kind": "availability", "retain": True, "change": "state:online"}
    bridge(0.01, "state", online, "bridge.state", **told)
    names = ("hall_th", "kids_th", "cellar_th", "porch_motion", "attic_motion", "desk_button")
    low, leaves = Once(g.at(0.3, 0.8)), g.at(0.4, 0.7)
    for number, name in enumerate(names):
        publish = Publisher(g, name, f"zigbee2mqtt/{name}", "zigbee2mqtt/{device}")
        publish(0.02 + number / 500, "/availability", online, "availability", **told)
        if name.endswith("_th"):
            _thermometer(
                g, publish, low if name == "kids_th" else None, leaves if name == "cellar_th" else g.duration_s
            )
        elif name.endswith("motion"):  # hardly anybody comes by, and at night it is dark
            for t in g.every(140, 0.3):
                for delay, seen in ((0, True), (20, False)):
                    motion = {"occupancy": seen, "illuminance": 0, "battery": 88, "linkquality": r.randint(90, 120)}
                    publish(t + delay, "", motion, "motion", kind="state", change=f"occupancy:{seen}")
        else:
            for t in g.every(110, 0.5):
                for push in range(r.choice([1, 2, 7])):
                    action = {"action": "single", "battery": 71, "linkquality": r.randint(140, 160)}
                    publish(t + 0.3 * push, "", action, "button", kind="event", change="action:single")
    line = {
        "level": "error",
        "message": "z2m: Failed to ping 'cellar_th' (attempt 1/2, ZCL command genBasic.read failed)",
    }
    bridge(g.at(), "logging", line, "log.error", kind="log", anomaly=g.anomaly("error_log", "high"))


def _thermometer(g: Trace, publish: Publisher, low: Once | None, leaves: float) -> None:
    temperature, humidity = g.walk(g.random.uniform(17, 22), 0.04, 2), g.walk(50, 0.2, 1)
    for t in g.every(14, 0.2, gap=(leaves, g.duration_s)):
        reading = {"temperature": next(temperature), "humidity": next(humidity), "battery": 77, "linkquality": 92}
        anomaly = None
        if low and low(t):
            reading["battery"], anomaly = 5, g.anomaly("battery_low", "medium")
        publish(t, "", reading, "climate", anomaly=anomaly)
    if leaves < g.duration_s:
        told: dict[str, Any] = {"kind": "availability", "change": "state:offline", "retained_pub": True}
        offline = g.anomaly("device_offline", "high")
        publish(leaves + 10, "/availability", {"state": "offline"}, "availability", anomaly=offline, **told)


def _tasmota(g: Trace, device: str, number: int) -> None:
    """Plugs; the last one is restarted by command, and says so."""
    r = g.random

    def publish(t: float, prefix: str, rest: str, payload: Any, **more: Any) -> None:
        template = prefix + "/{device}/" + rest
        g.emit(t, f"{prefix}/{device}/{rest}", payload, template=template, device=device, **more)

    told: dict[str, Any] = {"kind": "availability", "struct": "lwt", "change": "Online"}
    publish(0.03 + number / 500, "tele", "LWT", "Online", retain=True, **told)
    total, on, spike, up = r.uniform(10, 900), True, Once(g.at(0.3, 0.8)), r.randrange(5000, 90_000)
    restart_at = g.at(0.4, 0.7) if number == 2 else g.duration_s + 99
    for t in g.every(10, 0.02):
        if r.random() < 0.15:
            on = not on
        watts, anomaly = (round(r.gauss(1980, 4)) if on else 0), None
        if number == 0 and spike(t):
            watts, anomaly = 48_000, g.anomaly("value_outlier", "high")
        total += watts / 3.6e5
        energy = {"Total": round(total, 3), "Today": 1.2, "Power": watts, "Voltage": r.randrange(228, 233)}
        energy["Current"] = round(min(watts, 3000) / 230, 3)
        body = {"Time": iso_time(EPOCH_S + t, milliseconds=False, zone=""), "ENERGY": energy}
        publish(t, "tele", "SENSOR", body, kind="telemetry", struct="sensor", anomaly=anomaly)
        if t > restart_at:
            publish(t - 2, "cmnd", "Restart", "1", kind="command", struct="cmnd.restart")
            publish(t - 1, "tele", "LWT", "Online", retained_pub=True, **told)
            reason = {"Info3": {"RestartReason": "Software/System restart", "BootCount": 12}}
            publish(t - 0.9, "tele", "INFO3", reason, kind="event", struct="info3")
            restart_at, up = g.duration_s + 99, int(-t)
    if number == 1:
        for t in g.every(45, 0.1):
            state = {"Time": iso_time(EPOCH_S + t, milliseconds=False, zone=""), "UptimeSec": int(up + t)}
            publish(t, "tele", "STATE", {**state, "Wifi": {"RSSI": 78}}, kind="telemetry", struct="state")


def _esphome(g: Trace, name: str, number: int) -> None:
    publish = Publisher(g, name, f"{name}/", "{node}/")
    publish(0.05, "status", "online", "status", kind="availability", retain=True, change="online")
    value, broken = g.walk(23, 0.05, 1), Once(g.at())
    for t in g.every(10, 0.02):
        text, anomaly = f"{next(value):.1f}", None
        if number == 0 and broken(t):
            text, anomaly = "nan", g.anomaly("null_reading", "high")
        struct = "sensor.nan" if anomaly else "sensor"
        publish(t, "sensor/temperature/state", text, struct, template="sensor/{object}/state", anomaly=anomaly)
