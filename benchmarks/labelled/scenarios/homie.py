"""Homie devices of versions 4 and 5: stored attributes, properties, targets, alerts, logs, a root with children.

After homieiot/convention: version 4.0 and convention.md (5).
"""

from typing import Any

from benchmarks.labelled.trace import Once, Publisher, Trace

_V4 = (
    *("therm-kitchen", "therm-bath", "weather", "heater", "lamp-hall"),
    *("therm-loft", "therm-cellar", "therm-study", "therm-guest"),
)
_V5 = ("bridge01", "valve-a", "valve-b", "meter-1", "tank", "tank-2", "tank-3", "meter-2")
_PROPERTIES = {"temperature": ("float", "°C"), "humidity": ("integer", "%"), "battery": ("integer", "%")}


def fill(g: Trace) -> None:
    for number, device in enumerate(_V4):
        _version4(g, device, number)
    for number, device in enumerate(_V5):
        _version5(g, device, number)


def _state(publish: Publisher, t: float, state: str, *, stored: bool = False, **more: Any) -> None:
    told: dict[str, Any] = {"kind": "availability", "change": state, "retain": stored, "retained_pub": True, **more}
    publish(t, "$state", state, "$state", qos=1, **told)


def _version4(g: Trace, device: str, number: int) -> None:
    r, publish = g.random, Publisher(g, device, f"homie/{device}/", "homie/{device}/")
    clock = iter(0.01 + number / 20 + index / 1000 for index in range(99))
    for key, value in (("$homie", "4.0.0"), ("$name", device.title()), ("$nodes", "sensor"), ("$extensions", "")):
        publish(next(clock), key, value, "attribute", kind="info", retain=True, fmt="text" if value else "empty")
    _state(publish, next(clock), "ready", stored=True)
    for key, value in (("$name", "Sensor"), ("$type", "v1"), ("$properties", ",".join(_PROPERTIES))):
        publish(next(clock), "sensor/" + key, value, "node", kind="info", retain=True, template="{node}/" + key)
    for name, (datatype, unit) in _PROPERTIES.items():
        for key, value in (("$name", name.title()), ("$datatype", datatype), ("$unit", unit)):
            place: dict[str, Any] = {"template": "{node}/{property}/" + key, "kind": "info", "retain": True}
            publish(next(clock), f"sensor/{name}/{key}", value, "property." + key, **place)
    temperature, humidity = g.walk(r.uniform(18, 22), 0.06, 2), g.walk(48, 0.4, 0, 20, 90)
    lost_at = g.at(0.4, 0.7) if number == 1 else g.duration_s
    spike, low_at = Once(g.at(0.3, 0.85)), g.at(0.3, 0.7)
    dying = g.anomaly("battery_low", "medium")
    if number == 3:
        g.finding(device, "stuck_value", "medium", "the temperature does not move while the humidity does")
    for t in g.every((6, 8, 10)[number % 3], 0.05, gap=(lost_at, g.duration_s)):
        celsius, anomaly = 21.5 if number == 3 else next(temperature), None
        if number == 0 and spike(t):
            celsius, anomaly = 85.0, g.anomaly("value_outlier", "high")
        _property(publish, t, "sensor/temperature", f"{celsius:.2f}", anomaly=anomaly)
        _property(publish, t + 0.05, "sensor/humidity", f"{next(humidity):.0f}")
        if r.random() < 0.2:
            empty = number == 2 and t >= low_at
            label = dying if empty else None
            _property(publish, t + 0.1, "sensor/battery", "2" if empty else str(90 - number), anomaly=label)
    if number == 1:
        _state(publish, lost_at + 15, "lost", anomaly=g.anomaly("device_offline", "high"))
    if number == 4:  # it sleeps and wakes as it should
        for index, state in enumerate(("sleeping", "ready", "sleeping", "ready")[:2]):
            _state(publish, 0.4 * g.duration_s + 20 * index, state)


def _property(publish: Publisher, t: float, rest: str, value: str, **more: Any) -> None:
    publish(t, rest, value, "value", template="{node}/{property}", qos=1, **{"retained_pub": True, **more})


def _version5(g: Trace, device: str, number: int) -> None:
    r, publish = g.random, Publisher(g, device, f"homie/5/{device}/", "homie/5/{device}/")
    properties = {"level": {"datatype": "float", "unit": "%"}, "flow": {"datatype": "float", "unit": "L/min"}}
    description: dict[str, Any] = {"homie": "5.0", "version": 4711 + number, "name": device.title()}
    description["nodes"] = {"main": {"name": "Main", "properties": properties}}
    description |= {"children": list(_V5[1:])} if number == 0 else {"root": _V5[0], "parent": _V5[0]}
    description["extensions"] = []
    publish(0.3 + number / 50, "$description", description, "description", kind="info", qos=1, retain=True)
    _state(publish, 0.31 + number / 50, "ready", stored=True)
    level, flow = g.walk(r.uniform(40, 70), 0.3, 1, 0, 100), g.walk(r.uniform(8, 12), 0.05, 2, 0)
    bad = Once(g.at(0.3, 0.8))
    for t in g.every(7, 0.05):
        value, anomaly, struct = f"{next(level):.1f}", None, "value"
        if number == 4 and bad(t):
            value, struct, anomaly = "unknown", "value.word", g.anomaly("null_reading", "high")
        told: dict[str, Any] = {"template": "{node}/{property}", "qos": 1, "retained_pub": True}
        publish(t, "main/level", value, struct, anomaly=anomaly, **told)
        publish(t + 0.04, "main/flow", f"{next(flow):.2f}", "value", **told)
    if number in {1, 2}:
        _set(g, publish, answered=number == 1)
    if number == 3:
        t, alert = g.at(), g.anomaly("alarm", "critical")
        text = "Leak detected at the main valve"
        place: dict[str, Any] = {"template": "$alert/{id}", "kind": "event", "anomaly": alert}
        publish(t, "$alert/leak", text, "alert", qos=1, retained_pub=True, **place)
    if number == 0:
        place = {"template": "$log/{level}", "kind": "log", "qos": 1}
        for t in g.every(70, 0.3):
            publish(
                t, "$log/info", f"Polled {r.randrange(3, 5)} children in {r.randrange(20, 90)} ms", "log.info", **place
            )
        label = g.anomaly("error_log", "high")
        publish(
            g.at(),
            "$log/error",
            "Child valve-b did not acknowledge within 5000 ms",
            "log.error",
            anomaly=label,
            **place,
        )


def _set(g: Trace, publish: Publisher, *, answered: bool) -> None:
    """A target is asked for; one valve goes there, the other never does."""
    unanswered = g.anomaly("command_unanswered", "high")
    for index, t in enumerate(g.every(95, 0.1)):
        target = str(20 + 10 * index)
        label = None if answered else unanswered
        place: dict[str, Any] = {"template": "{node}/{property}/set", "kind": "command", "qos": 1, "anomaly": label}
        publish(t, "main/position/set", target, "set", change="set:" + target, **place)
        if answered:
            told: dict[str, Any] = {"qos": 1, "retained_pub": True, "kind": "state"}
            publish(t + 0.2, "main/position/$target", target, "target", template="{node}/{property}/$target", **told)
            publish(t + 2.5, "main/position", target, "value", template="{node}/{property}", **told)
