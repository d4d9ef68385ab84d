"""Home Assistant's MQTT discovery with the devices behind it: single components, one whole device, birth message.

After home-assistant.io `mqtt.markdown` (discovery, availability, device discovery, abbreviations).
"""

from typing import Any

from benchmarks.labelled.trace import Once, Publisher, Trace

_ROOMS = ("kitchen", "bedroom", "bathroom", "nursery", "office", "loft")
_SWITCHES = ("boiler", "kettle", "pump", "heater")
_CONTACTS = ("door_front", "door_patio", "pir_hall", "pir_stairs")


def fill(g: Trace) -> None:
    r = g.random
    rooms = r.sample(_ROOMS, len(_ROOMS))
    _core(g)
    for number, name in enumerate(_ROOMS):
        _room(g, name, rooms.index(name), number)
    for number, name in enumerate(_SWITCHES):
        _switch(g, name, number)
    for number, name in enumerate(_CONTACTS):
        _contact(g, name, number)
    _heat_pump(g)
    _meter(g)


def _config(g: Trace, component: str, publish: Publisher, key: str, more: dict[str, Any]) -> None:
    """The discovery of one entity, abbreviated, stored."""
    config: dict[str, Any] = {
        "~": publish.prefix.rstrip("/"),
        "name": key.replace("_", " ").title(),
        "uniq_id": f"{publish.device}_{key}",
        "avty_t": "~/availability",
        **more,
        "dev": {"ids": [publish.device], "name": publish.device, "mf": "Workshop", "mdl": "node-2", "sw": "1.4.2"},
    }
    g.emit(
        g.random.uniform(0.01, 0.2),
        f"homeassistant/{component}/{publish.device}/{key}/config",
        config,
        kind="discovery",
        struct="config." + component + ("" if "unit_of_meas" in more else ".plain"),
        template="homeassistant/" + component + "/{node}/{object}/config",
        device=publish.device,
        retain=True,
    )


def _publisher(g: Trace, name: str) -> Publisher:
    publish = Publisher(g, name, f"home/{name}/", "home/{node}/")
    told: dict[str, Any] = {"kind": "availability", "change": "online"}
    publish(0.02 + g.random.random() / 50, "availability", "online", "availability", retain=True, **told)
    return publish


def _core(g: Trace) -> None:
    core = Publisher(g, "homeassistant", "homeassistant/", "homeassistant/")
    core(0.01, "status", "online", "birth", kind="availability", retain=True, change="online")
    t = g.at(0.3, 0.6)
    restart = g.anomaly("hub_restart", "high", "offline")
    core(t, "status", "offline", "birth", kind="availability", change="offline", retained_pub=True, anomaly=restart)
    core(t + 25, "status", "online", "birth", kind="availability", change="online", retained_pub=True)


def _room(g: Trace, name: str, fault: int, number: int) -> None:
    r, publish = g.random, _publisher(g, name)
    for key, unit in (("temperature", "°C"), ("humidity", "%"), ("battery", "%")):
        more: dict[str, Any] = {
            "stat_t": "~/state",
            "unit_of_meas": unit,
            "val_tpl": "{{ value_json." + key + " }}",
            "exp_aft": 120,
        }
        _config(g, "sensor", publish, key, {**more, "dev_cla": key, "stat_cla": "measurement"})
    temperature, humidity = g.walk(r.uniform(19, 23), 0.05, 2), g.walk(r.uniform(38, 55), 0.2, 1, 5, 95)
    battery, when = r.randint(60, 100), Once(g.at(0.3, 0.85))
    gap = (0.4 * g.duration_s, 0.9 * g.duration_s) if fault == 3 else None
    if fault == 3:
        g.finding(name, "silence_gap", "high", "nothing for half of the watch, and still online")
    if fault == 4:
        g.finding(name, "stuck_value", "medium", "temperature and humidity are frozen")
    for t in g.every((8, 10, 12)[number % 3], 0.06, gap=gap):
        reading: dict[str, Any] = {"temperature": next(temperature), "humidity": next(humidity), "battery": battery}
        reading["rssi"] = r.randint(-66, -58)
        struct, anomaly = "state", None
        if fault == 4:
            reading.update(temperature=21.37, humidity=44.1)
        if fault == 0 and when(t):
            reading["temperature"], anomaly = -127.0, g.anomaly("value_outlier", "high")
        elif fault == 1 and when(t):
            reading.update(temperature="unavailable", humidity="unavailable")
            struct, anomaly = "state.unavailable", g.anomaly("unavailable", "high")
        elif fault == 2 and when(t):
            reading["battery"], anomaly = 4, g.anomaly("battery_low", "medium")
        publish(t, "state", reading, struct, anomaly=anomaly)


def _switch(g: Trace, name: str, number: int) -> None:
    """A switch with a meter: 0 W and 2 kW are both normal."""
    r, publish = g.random, _publisher(g, name)
    _config(g, "switch", publish, "relay", {"cmd_t": "~/switch/set", "stat_t": "~/switch/state"})
    _config(g, "sensor", publish, "power", {"stat_t": "~/power", "unit_of_meas": "W", "dev_cla": "power"})
    on, load = False, 1800 + 90 * number
    offline_at = g.at(0.55, 0.75) if number == 0 else g.duration_s
    gap = (offline_at, g.duration_s)
    publish(0.05, "switch/state", "OFF", "switch.state", kind="state", retain=True, change="OFF")
    switched = []
    for t in g.every(55, 0.4, gap=gap):
        on = not on
        word = "ON" if on else "OFF"
        publish(t, "switch/set", word, "switch.set", kind="command", change=word)
        later = t + r.uniform(0.05, 0.4)
        publish(later, "switch/state", word, "switch.state", kind="state", change=word, retained_pub=True)
        switched.append(later)
    for t in g.every(10, 0.05, gap=gap):
        loaded = sum(moment < t for moment in switched) % 2 == 1
        watts = round(load + r.gauss(0, 6), 1) if loaded else 0.0
        publish(t, "power", f"{watts}", "power")
    if number == 0:
        told: dict[str, Any] = {"kind": "availability", "change": "offline", "retained_pub": True}
        offline = g.anomaly("device_offline", "high")
        publish(offline_at + 8, "availability", "offline", "availability", anomaly=offline, **told)
    if number == 1:
        stored = g.anomaly("retained_command", "medium")
        publish(0.09, "switch/set", "ON", "switch.set", kind="command", retain=True, change="ON", anomaly=stored)
    if number == 2:
        t, unanswered = g.at(0.5, 0.85), g.anomaly("command_unanswered", "high")
        for attempt in range(2):
            publish(t + 8 * attempt, "switch/set", "TOGGLE", "switch.set", kind="command", anomaly=unanswered)


def _contact(g: Trace, name: str, number: int) -> None:
    """Doors and motion: silent most of the time, in bursts now and then."""
    publish = _publisher(g, name)
    motion = name.startswith("pir")
    more: dict[str, Any] = {
        "stat_t": "~/contact",
        "dev_cla": "motion" if motion else "door",
        "pl_on": "ON",
        "pl_off": "OFF",
    }
    _config(g, "binary_sensor", publish, "contact", more)
    publish(0.06, "contact", "OFF", "contact", kind="state", retain=True, change="OFF")
    for t in g.every(110 if motion else 160, 0.5):
        for delay, word in ((0.0, "ON"), (4.0 + number, "OFF")):
            publish(t + delay, "contact", word, "contact", kind="state", change=word, retained_pub=True)
    if number == 0:  # its entity is deleted while it lives on
        config = "homeassistant/binary_sensor/{}/contact/config"
        removed = g.anomaly("discovery_removed", "medium", finding="discovery_inconsistent")
        told: dict[str, Any] = {"kind": "discovery", "struct": "config.removed", "device": name, "retained_pub": True}
        template = "homeassistant/binary_sensor/{node}/{object}/config"
        g.emit(g.at(), config.format(name), b"", template=template, fmt="empty", anomaly=removed, **told)


def _heat_pump(g: Trace) -> None:
    """A whole device in one discovery message; setpoints never change, and one error code appears."""
    r, publish = g.random, Publisher(g, "heatpump01", "heatpump01/", "{device}/")
    components: dict[str, Any] = {
        key: {"p": "sensor", "unit_of_measurement": unit, "value_template": "{{ value_json." + key + " }}"}
        | {"unique_id": "heatpump01_" + key, "state_topic": "heatpump01/state"}
        for key, unit in (("flow", "°C"), ("return", "°C"), ("setpoint", "°C"), ("power", "W"), ("energy", "kWh"))
    }
    config: dict[str, Any] = {"dev": {"ids": ["heatpump01"], "name": "Heat pump", "mf": "Frost", "mdl": "HP8"}}
    config |= {"o": {"name": "hp2mqtt", "sw": "3.1", "url": "https://example.org"}, "cmps": components}
    config |= {"availability": [{"topic": "heatpump01/lwt"}], "qos": 1}
    place: dict[str, Any] = {"template": "homeassistant/device/{object}/config", "device": "heatpump01"}
    topic = "homeassistant/device/heatpump01/config"
    g.emit(0.03, topic, config, kind="discovery", struct="config.device", retain=True, **place)
    publish(0.04, "lwt", "online", "lwt", kind="availability", retain=True, change="online")
    flow, back, energy, failed = g.walk(38, 0.1, 1), g.walk(33, 0.1, 1), 4120.0, Once(g.at())
    for t in g.every(5, 0.04):
        energy += 0.002
        state: dict[str, Any] = {
            "flow": next(flow),
            "return": next(back),
            "setpoint": 45,
            "power": r.randrange(1380, 1460),
        }
        state |= {"energy": round(energy, 3), "mode": "heat", "fault": 0}
        publish(t, "state", state, "state")
        if failed(t):
            text = {"level": "error", "message": "Compressor discharge sensor out of range", "code": "E07"}
            publish(t + 0.1, "log", text, "log", kind="log", anomaly=g.anomaly("error_log", "high"))


def _meter(g: Trace) -> None:
    """A grid meter every second, and a rain gauge every five minutes."""
    publish, total, power = _publisher(g, "grid_meter"), 18221.4, g.walk(640, 12, 0, 50)
    _config(g, "sensor", publish, "total", {"stat_t": "~/total", "unit_of_meas": "kWh", "dev_cla": "energy"})
    _config(g, "sensor", publish, "power", {"stat_t": "~/power", "unit_of_meas": "W", "dev_cla": "power"})
    for t in g.every(2, 0.02):
        watts = next(power)
        total += watts / 1.8e6
        publish(t, "power", f"{watts:.0f}", "power")
        if g.random.random() < 0.2:
            publish(t + 0.01, "total", f"{total:.3f}", "total")
    rain = _publisher(g, "rain_gauge")
    _config(g, "sensor", rain, "rain", {"stat_t": "~/rain", "unit_of_meas": "mm", "dev_cla": "precipitation"})
    for t in g.every(140, 0.01):
        rain(t, "rain", "0.0", "rain")
