"""ESPHome nodes: states as plain text, last wills, coloured log lines, discovery of the nodes.

After esphome/esphome-docs: components/mqtt, components/logger.
"""

from typing import Any

from benchmarks.labelled.trace import Once, Publisher, Trace

_NODES = (
    *("livingroom", "garage", "greenhouse", "basement", "attic-node", "bedroom", "pool"),
    *("kitchen", "shed", "hallway", "nursery", "office", "gate", "laundry"),
)
_COLOURS = {"D": "0;36", "I": "0;32", "W": "0;33", "E": "1;31"}


def fill(g: Trace) -> None:
    faults = g.random.sample(range(len(_NODES)), len(_NODES))
    for number, name in enumerate(_NODES):
        _node(g, name, number, faults[number])


def _log(g: Trace, publish: Publisher, t: float, line: tuple[str, str, str], **more: Any) -> None:
    level, tag, text = line
    coloured = f"\x1b[{_COLOURS[level]}m[{level}][{tag}:{g.random.randint(40, 300):03d}]: {text}\x1b[0m"
    publish(t, "debug", coloured, "debug." + level, kind="log", **more)


def _node(g: Trace, name: str, number: int, fault: int) -> None:
    r, publish = g.random, Publisher(g, name, f"{name}/", "{node}/")
    publish(0.01 + number / 500, "status", "online", "status", kind="availability", retain=True, change="online")
    about = {"ip": f"192.168.9.{10 + number}", "name": name, "port": 6053, "version": "2026.8.2"}
    about |= {"mac": f"{r.getrandbits(48):012x}", "platform": "ESP32", "board": "esp32dev", "network": "wifi"}
    template = "esphome/discover/{node}"
    told: dict[str, Any] = {"kind": "discovery", "struct": "discover", "template": template, "device": name}
    g.emit(0.03 + number / 500, f"esphome/discover/{name}", about, retain=True, **told)
    offline_at = g.at(0.5, 0.7) if fault == 0 else g.duration_s
    _sensors(g, publish, fault, offline_at)
    _diagnostics(g, publish, fault, offline_at)
    _switches(g, publish, offline_at)
    if fault == 0:
        offline = g.anomaly("device_offline", "high")
        told = {"kind": "availability", "change": "offline", "retained_pub": True}
        publish(offline_at + 12, "status", "offline", "status", anomaly=offline, **told)
    elif fault == 1:
        line = ("E", "dht", "Requesting data from DHT failed!")
        _log(g, publish, g.at(), line, anomaly=g.anomaly("error_log", "high"))
    elif fault == 2:
        line = ("W", "component", "Component bme280.sensor took a long time for an operation (284 ms).")
        _log(g, publish, g.at(), line, anomaly=g.anomaly("warning_log", "medium"))


def _sensors(g: Trace, publish: Publisher, fault: int, offline_at: float) -> None:
    r, now = g.random, Once(g.at(0.3, 0.85))
    temperature, humidity = g.walk(r.uniform(14, 24), 0.06, 1), g.walk(r.uniform(40, 60), 0.3, 1, 0, 100)
    for t in g.every(9, 0.02, gap=(offline_at, g.duration_s)):
        value, anomaly, struct = f"{next(temperature):.1f}", None, "sensor.number"
        if fault == 3 and now(t):
            value, struct, anomaly = "nan", "sensor.nan", g.anomaly("null_reading", "high")
        elif fault == 4 and now(t):
            value, anomaly = "-127.0", g.anomaly("value_outlier", "high")
        _sensor(publish, t, "temperature", value, struct, anomaly=anomaly)
        line = ("D", "sensor", f"'temperature': Sending state {value} °C with 1 decimals of accuracy")
        if r.random() < 0.25:
            _log(g, publish, t + 0.005, line)
        _sensor(publish, t + 0.2, "humidity", f"{next(humidity):.1f}")
    for t in g.every(30, 0.02, gap=(offline_at, g.duration_s)):
        lux = 0.0 if publish.device == "basement" else round(abs(r.gauss(120, 30)), 1)
        _sensor(publish, t, "illuminance", f"{lux}")  # dark is no fault


def _sensor(publish: Publisher, t: float, key: str, value: str, struct: str = "sensor.number", **more: Any) -> None:
    publish(t, f"sensor/{key}/state", value, struct, template="sensor/{object}/state", **more)


def _diagnostics(g: Trace, publish: Publisher, fault: int, offline_at: float) -> None:
    r, up = g.random, g.random.randrange(20_000, 2_000_000)
    far = g.anomaly("link_weak", "medium")
    reboot = Once(g.at(0.4, 0.7)) if fault == 5 else None
    for t in g.every(20, 0.02, gap=(offline_at, g.duration_s)):
        anomaly = None
        if reboot and reboot(t):
            up, anomaly = int(4 - t), g.anomaly("reboot", "high")
            _log(g, publish, t - 1.5, ("I", "app", "Running through setup()..."))
        _sensor(publish, t, "uptime", str(int(up + t)), anomaly=anomaly)
        weak = fault == 6 and t > 0.45 * g.duration_s
        dbm = r.randint(-93, -90) if weak else r.randint(-64, -55)
        label = far if weak else None
        _sensor(publish, t + 0.01, "wifi_signal", str(dbm), anomaly=label)


def _switches(g: Trace, publish: Publisher, offline_at: float) -> None:
    r = g.random
    for t in g.every(80, 0.4, gap=(offline_at - 5, g.duration_s)):
        word = r.choice(["ON", "OFF"])
        place: dict[str, Any] = {"template": "switch/{object}/command", "change": word}
        publish(t, "switch/relay/command", word, "switch.command", kind="command", **place)
        place["template"] = "switch/{object}/state"
        publish(t + 0.03, "switch/relay/state", word, "switch.state", kind="state", retained_pub=True, **place)
    for t in g.every(120, 0.5, gap=(offline_at - 5, g.duration_s)):
        for delay, word in ((0.0, "ON"), (6.0, "OFF")):
            place = {"template": "binary_sensor/{object}/state", "change": word}
            publish(t + delay, "binary_sensor/motion/state", word, "binary_sensor", kind="state", **place)
