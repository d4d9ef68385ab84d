"""Ten Tasmota devices: tele/stat/cmnd, LWT, energy meters, DS18B20 and AM2301 sensors, native discovery.

After tasmota/docs: MQTT.md, ADC.md, DeepSleep.md, API.md.
"""

from collections.abc import Iterator
from typing import Any

from benchmarks.labelled.encoders import iso_time
from benchmarks.labelled.trace import EPOCH_S, Once, Trace
from benchmarks.labelled.truth import Anomaly


class _Fleet:
    """The devices, and who fails how and when."""

    def __init__(self, g: Trace) -> None:
        r = g.random
        self.g = g
        self.devices = [f"tasmota_{r.getrandbits(24):06X}" for _ in range(10)]
        kinds = ["energy"] * 5 + ["ds18b20"] * 3 + ["th"] * 2
        self.kinds = dict(zip(self.devices, kinds, strict=True))
        self.spiked = r.choice(self.devices[5:8])
        self.null, self.skewed = self.devices[8], self.devices[9]
        self.offline, self.rebooted = r.choice(self.devices[:2]), r.choice(self.devices[2:5])
        self.spike, self.no_reading, self.clock = Once(g.at()), Once(g.at()), Once(g.at())
        self.offline_at, self.boot_at = g.at(0.4, 0.8), g.at(0.4, 0.8)
        g.finding(self.skewed, "clock_skew", "medium", "payload Time is 1970 after boot while arrival is 2026")

    def emit(self, t: float, device: str, place: str, payload: Any, *, struct: str, **more: Any) -> None:
        prefix, rest = place.split("/")
        template = prefix + "/{device}/" + rest
        self.g.emit(t, f"{prefix}/{device}/{rest}", payload, struct=struct, template=template, device=device, **more)

    def will(self, t: float, device: str, state: str, *, stored: bool = False, anomaly: Anomaly | None = None) -> None:
        kept = {"retain": stored, "retained_pub": True, "change": state, "anomaly": anomaly}
        self.emit(t, device, "tele/LWT", state, struct="lwt", kind="availability", **kept)

    def stamp(self, t: float, device: str) -> str:
        if device == self.skewed and t >= self.clock.at:
            return f"1970-01-01T00:00:{int(t) % 60:02d}"
        return iso_time(EPOCH_S + t, milliseconds=False, zone="")


def fill(g: Trace) -> None:
    fleet = _Fleet(g)
    for number, device in enumerate(fleet.devices):
        _discovery(fleet, number, device)
        _live(fleet, device)
    offline = g.anomaly("device_offline", "high")
    fleet.will(fleet.offline_at + 15, fleet.offline, "Offline", anomaly=offline)
    _reboot(fleet)
    t, mistyped = g.at(), fleet.devices[3]
    fleet.emit(t, mistyped, "cmnd/Powr", "on", struct="cmnd.unknown", kind="command")
    reply, anomaly = {"Command": "Unknown", "Input": "POWR"}, g.anomaly("command_error", "medium")
    fleet.emit(t + 0.05, mistyped, "stat/RESULT", reply, struct="result.unknown", kind="response", anomaly=anomaly)


def _discovery(fleet: _Fleet, number: int, device: str) -> None:
    g, kind = fleet.g, fleet.kinds[device]
    mac = f"{g.random.getrandbits(48):012X}"
    fleet.will(0.01 + number * 0.002, device, "Online", stored=True)
    config = {
        "ip": f"192.168.1.{20 + number}",
        "dn": device,
        "fn": [device, None],
        "hn": device.lower(),
        "mac": mac,
        "md": "Sonoff Basic",
        "ty": 0,
        "if": 0,
        "ofln": "Offline",
        "onln": "Online",
        "state": ["OFF", "ON", "TOGGLE", "HOLD"],
        "sw": "14.5.0",
        "t": device,
        "ft": "%prefix%/%topic%/",
        "tp": ["cmnd", "stat", "tele"],
        "rl": [1, 0],
        "swc": [-1],
        "btn": [0],
        "so": {"4": 0, "11": 0},
        "lk": 0,
        "lt_st": 0,
        "ver": 1,
    }
    sensors: dict[str, Any] = {"Time": "2026-09-21T13:00:00"}
    if kind == "energy":
        sensors["ENERGY"] = {"Total": 3.185}
    else:
        sensors |= {"DS18B20": {"Id": "01131B123456", "Temperature": 20.6}, "TempUnit": "C"}
    for delay, rest, payload, struct in (
        (0.04, "config", config, "discovery.config"),
        (0.07, "sensors", {"sn": sensors, "ver": 1}, "discovery.sensors." + kind),
    ):
        g.emit(
            delay + number * 0.002,
            f"tasmota/discovery/{mac}/{rest}",
            payload,
            kind="discovery",
            struct=struct,
            template="tasmota/discovery/{mac}/" + rest,
            device=device,
            retain=True,
        )


def _live(fleet: _Fleet, device: str) -> None:
    g = fleet.g
    uptime_s = g.random.randrange(5000, 900000)
    temperature = g.walk(g.random.uniform(15, 26), 0.06, 1)
    power = g.walk(g.random.uniform(20, 400), 4, 0, 0)
    total = g.random.uniform(1, 900)
    rssi = g.walk(g.random.randint(60, 95), 2, 0, 10, 100)
    gap = (fleet.offline_at, g.duration_s) if device == fleet.offline else None
    for t in g.every(30, 0.03, gap=gap):
        _state(fleet, device, t, uptime_s, rssi)
    for t in g.every(10, 0.03, gap=gap):
        if fleet.kinds[device] == "energy":
            watts = int(next(power))
            total += watts / 3.6e5
            body, struct, anomaly = _energy(fleet, watts, total), "energy", None
        else:
            body, struct, anomaly = _temperature(fleet, device, t, temperature)
        reading = {"Time": fleet.stamp(t, device), **body}
        fleet.emit(t, device, "tele/SENSOR", reading, struct="sensor." + struct, kind="telemetry", anomaly=anomaly)
    for t in g.every(80, 0.5, gap=gap):
        power_state = g.random.choice(["ON", "OFF"])
        change = {"change": power_state}
        fleet.emit(t, device, "cmnd/POWER", power_state, struct="cmnd.power", kind="command", **change)
        result = {"POWER": power_state}
        fleet.emit(t + 0.06, device, "stat/RESULT", result, struct="result.power", kind="response", **change)
        fleet.emit(t + 0.062, device, "stat/POWER", power_state, struct="stat.power", kind="state", **change)


def _state(fleet: _Fleet, device: str, t: float, uptime_s: int, rssi: Iterator[float]) -> None:
    g = fleet.g
    up = int(uptime_s + t)
    if device == fleet.rebooted and t > fleet.boot_at:
        up = int(t - fleet.boot_at)
    anomaly = g.anomaly("clock_skew", "medium") if device == fleet.skewed and fleet.clock(t) else None
    payload: dict[str, Any] = {"Time": fleet.stamp(t, device)}
    payload |= {"Uptime": f"{up // 86400}T{up // 3600 % 24:02d}:{up // 60 % 60:02d}:{up % 60:02d}", "UptimeSec": up}
    payload |= {"Heap": g.random.randrange(20, 29), "SleepMode": "Dynamic", "Sleep": 50}
    payload |= {"LoadAvg": g.random.randrange(19, 30), "MqttCount": 1, "POWER": "ON"}
    wifi: dict[str, Any] = {"AP": 1, "SSId": "home", "BSSId": "AA:FF:AA:AA:AA:AA", "Channel": 11, "Mode": "11n"}
    wifi |= {"RSSI": int(next(rssi)), "Signal": -60, "LinkCount": 1, "Downtime": "0T00:00:06"}
    payload["Wifi"] = wifi
    fleet.emit(t, device, "tele/STATE", payload, struct="state", kind="telemetry", anomaly=anomaly)


def _energy(fleet: _Fleet, watts: int, total: float) -> dict[str, Any]:
    energy = {"TotalStartTime": "2025-01-02T10:11:12", "Total": round(total, 3), "Yesterday": 1.22, "Today": 0.45}
    energy |= {"Period": 0, "Power": watts, "ApparentPower": watts + 9, "ReactivePower": 12, "Factor": 0.97}
    energy |= {"Voltage": fleet.g.random.randrange(226, 235), "Current": round(watts / 230, 3)}
    return {"ENERGY": energy}


def _temperature(
    fleet: _Fleet, device: str, t: float, temperature: Iterator[float]
) -> tuple[dict[str, Any], str, Anomaly | None]:
    g, kind, anomaly = fleet.g, fleet.kinds[device], None
    value = next(temperature)
    if kind == "ds18b20":
        if device == fleet.spiked and fleet.spike(t):
            value, anomaly = 85.0, g.anomaly("value_outlier", "high")
        return {"DS18B20": {"Id": "01131B123456", "Temperature": value}, "TempUnit": "C"}, kind, anomaly
    am2301: dict[str, Any] = {"Temperature": value, "Humidity": round(g.random.uniform(40, 50), 1), "DewPoint": 9.1}
    if device == fleet.null and fleet.no_reading(t):
        am2301 = dict.fromkeys(am2301)
        kind, anomaly = "th.null", g.anomaly("null_reading", "high")
    return {"AM2301": am2301, "TempUnit": "C"}, kind, anomaly


def _reboot(fleet: _Fleet) -> None:
    t, device = fleet.boot_at, fleet.rebooted
    anomaly = fleet.g.anomaly("reboot", "high", "reason")
    fleet.will(t, device, "Online")
    info1 = {"Module": "Sonoff Pow", "Version": "14.5.0(release-tasmota)"}
    info1 |= {"FallbackTopic": "cmnd/DVES_15568C_fb/", "GroupTopic": "cmnd/tasmotas/"}
    info2 = {"WebServerMode": "Admin", "Hostname": device.lower(), "IPAddress": "192.168.1.24"}
    info3 = {"RestartReason": "Exception", "BootCount": 41}
    fleet.emit(t + 0.01, device, "tele/INFO1", {"Info1": info1}, struct="info1", kind="info")
    fleet.emit(t + 0.02, device, "tele/INFO2", {"Info2": info2}, struct="info2", kind="info")
    fleet.emit(t + 0.03, device, "tele/INFO3", {"Info3": info3}, struct="info3", kind="event", anomaly=anomaly)
