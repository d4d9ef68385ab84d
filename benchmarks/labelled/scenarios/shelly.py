"""Shelly devices of both generations: ``shellies/…`` with plain values, ``<id>/status/…`` and ``<id>/events/rpc``.

After shelly-api-docs.shelly.cloud: gen1 MQTT, gen2 Mqtt and Notifications.
"""

from typing import Any

from benchmarks.labelled.trace import EPOCH_S, Once, Publisher, Trace


def fill(g: Trace) -> None:
    r = g.random
    plugs = [f"shellyplug-s-{r.getrandbits(24):06X}" for _ in range(5)]
    for number, device in enumerate(plugs):
        _plug(g, device, number)
    for number in range(3):
        _climate(g, f"shellyht-{r.getrandbits(24):06X}", number)
    _events(g, f"shellyflood-{r.getrandbits(24):06X}", f"shellybutton1-{r.getrandbits(48):012X}")
    for number in range(6):
        _plus(g, f"shellyplus1pm-{r.getrandbits(48):012x}", number)
    _unanswered_input(g, f"shellyplusi4-{r.getrandbits(48):012x}")


def _gen1(g: Trace, device: str, model: str, number: int) -> Publisher:
    publish = Publisher(g, device, f"shellies/{device}/", "shellies/{device}/")
    publish(0.01 + number / 500, "online", "true", "online", kind="availability", retain=True, change="true")
    mac = device.rpartition("-")[2]
    about = {"id": device, "model": model, "mac": mac, "ip": f"192.168.7.{20 + number}", "new_fw": False}
    g.emit(
        g.at(0.02, 0.1),
        "shellies/announce",
        {**about, "fw_ver": "20230913-112003/v1.14.0-gcb84623"},
        kind="info",
        struct="announce",
        template="shellies/announce",
        device=device,
    )
    return publish


def _plug(g: Trace, device: str, number: int) -> None:
    """A plug of the first generation; its load switches between nothing and 2 kW."""
    r, publish = g.random, _gen1(g, device, "SHPLG-S", number)
    energy, heat = r.randrange(10_000, 900_000), g.walk(r.uniform(28, 36), 0.1, 2)
    offline_at = g.at(0.4, 0.7) if number == 0 else g.duration_s
    hot, spike = Once(g.at(0.3, 0.8)), Once(g.at(0.3, 0.8))
    on, load = True, 2000.0 if number == 4 else 35.0 + 12 * number
    for t in g.every(30, 0.01):
        if t > offline_at:
            break
        if number in {3, 4} and r.random() < 0.45:
            on = not on
            word = "on" if on else "off"
            publish(t - 0.4, "relay/0/command", word, "relay.command", kind="command", change=word)
        word = "on" if on else "off"
        watts = round(load + r.gauss(0, 0.8), 2) if on else 0.0
        energy += int(watts / 2)
        publish(t, "relay/0", word, "relay", kind="state", change=word)
        anomaly = None
        if number == 2 and spike(t):
            watts, anomaly = 64211.0, g.anomaly("value_outlier", "high")
        publish(t + 0.01, "relay/0/power", f"{watts:.2f}", "power", anomaly=anomaly)
        publish(t + 0.02, "relay/0/energy", str(energy), "energy")
        publish(t + 0.03, "temperature", f"{next(heat):.2f}", "temperature")
        over = number == 1 and hot(t)
        alarm = g.anomaly("overtemperature", "critical") if over else None
        change: dict[str, Any] = {"kind": "state", "change": f"overtemperature:{int(over)}"}
        publish(t + 0.04, "overtemperature", str(int(over)), "overtemperature", anomaly=alarm, **change)
    if number == 0:
        told: dict[str, Any] = {"kind": "availability", "change": "false", "retained_pub": True}
        publish(offline_at + 20, "online", "false", "online", anomaly=g.anomaly("device_offline", "high"), **told)


def _climate(g: Trace, device: str, number: int) -> None:
    """A battery sensor that wakes up twice or three times a watch."""
    r, publish = g.random, _gen1(g, device, "SHHT-1", 30 + number)
    battery = 3 if number == 1 else r.randint(55, 100)
    dying = g.anomaly("battery_low", "medium")
    for t in g.every(95, 0.1):
        publish(t, "sensor/temperature", f"{r.uniform(20, 21):.2f}", "sensor.temperature")
        publish(t + 0.01, "sensor/humidity", f"{r.uniform(48, 50):.1f}", "sensor.humidity")
        low = dying if number == 1 and t > g.duration_s - 130 else None
        publish(t + 0.02, "sensor/battery", str(battery), "sensor.battery", anomaly=low)


def _events(g: Trace, flood: str, button: str) -> None:
    wet, publish = Once(g.at(0.4, 0.8)), _gen1(g, flood, "SHWT-1", 40)
    for t in g.every(60, 0.1):
        alarm = g.anomaly("alarm", "critical") if wet(t) else None
        word = "true" if alarm else "false"
        publish(t, "sensor/flood", word, "sensor.flood", kind="state", change="flood:" + word, anomaly=alarm)
        publish(t + 0.01, "sensor/battery", "91", "sensor.battery")
    press, count = _gen1(g, button, "SHBTN-2", 41), 1800
    for t in g.every(75, 0.4):
        for push in range(g.random.choice([1, 1, 2, 6])):  # somebody who is impatient is no fault
            count += 1
            event: dict[str, Any] = {"event": g.random.choice("SSL"), "event_cnt": count}
            press(t + 0.3 * push, "input_event/0", event, "input_event", kind="event", change="event:" + event["event"])


def _plus(g: Trace, device: str, number: int) -> None:
    """A relay of the second generation with its notifications and remote calls."""
    r, publish = g.random, Publisher(g, device, f"{device}/", "{device}/")
    publish(0.015 + number / 500, "online", "true", "online", kind="availability", retain=True, change="true")
    voltage, energy = g.walk(231, 0.4, 1), r.uniform(1000, 90_000)
    uptime, reboot = r.randrange(40_000, 900_000), Once(g.at(0.4, 0.7)) if number == 1 else None
    failed, far = Once(g.at(0.3, 0.8)), g.anomaly("link_weak", "medium")
    for t in g.every(12, 0.05):
        watts = round(r.gauss(60, 1.2), 1)
        energy += watts / 300
        state: dict[str, Any] = {"id": 0, "source": "init", "output": True, "apower": watts, "voltage": next(voltage)}
        state |= {"freq": 50.0, "current": round(watts / 231, 3), "temperature": {"tC": round(r.gauss(47, 0.2), 1)}}
        state["aenergy"] = {
            "total": round(energy, 3),
            "by_minute": [980.1, 981.2, 979.9],
            "minute_ts": int(EPOCH_S + t),
        }
        struct, anomaly = "switch", None
        if number == 2 and failed(t):
            state |= {"output": False, "apower": 0.0, "errors": ["overpower"]}
            struct, anomaly = "switch.errors", g.anomaly("device_error", "critical")
        publish(t, "status/switch:0", state, struct, kind="state", anomaly=anomaly)
        delta = {"ts": round(EPOCH_S + t, 2), "switch:0": {"id": 0, "apower": watts, "voltage": state["voltage"]}}
        _notify(publish, t + 0.02, "NotifyStatus", delta)
    for t in g.every(45, 0.05):
        if reboot and reboot(t):
            uptime = int(-t) + 3
            publish(
                t - 3, "status/sys", _sys(r.randrange(90_000, 95_000), 2), "sys", anomaly=g.anomaly("reboot", "high")
            )
        publish(t, "status/sys", _sys(r.randrange(118_000, 124_000), int(uptime + t)), "sys")
        rssi = -91 if number == 3 and t > g.duration_s * 0.5 else r.randint(-62, -52)
        weak = far if rssi < -85 else None
        wifi = {"sta_ip": f"192.168.7.{60 + number}", "status": "got ip", "ssid": "home", "rssi": rssi}
        publish(t + 0.1, "status/wifi", wifi, "wifi", anomaly=weak)
    _calls(g, publish, number)


def _sys(free: int, uptime: int) -> dict[str, Any]:
    return {"mac": "A8032ABE54DC", "restart_required": False, "uptime": uptime, "ram_size": 234_512, "ram_free": free}


def _notify(publish: Publisher, t: float, method: str, params: dict[str, Any]) -> None:
    kind = "event" if method == "NotifyEvent" else "state"
    call = {"src": publish.device, "dst": f"{publish.device}/events", "method": method, "params": params}
    publish(t, "events/rpc", call, "rpc." + method, kind=kind)


def _calls(g: Trace, publish: Publisher, number: int) -> None:
    """Calls by a controller; its own topic carries the answers."""
    for index, t in enumerate(g.every(90, 0.3)):
        call = {
            "id": 100 * number + index,
            "src": "controller",
            "method": "Switch.Set",
            "params": {"id": 0, "on": True},
        }
        publish(t, "rpc", call, "rpc.call", kind="command")
        answer: dict[str, Any] = {"id": call["id"], "src": publish.device, "dst": "controller"}
        struct, anomaly = "rpc.result", None
        if number == 4 and index == 1:
            answer["error"] = {"code": -103, "message": "Missing required argument 'id'!"}
            struct, anomaly = "rpc.error", g.anomaly("command_error", "high")
        else:
            answer["result"] = {"was_on": True}
        place: dict[str, Any] = {"template": "controller/rpc", "device": publish.device, "kind": "response"}
        g.emit(t + 0.08, "controller/rpc", answer, struct=struct, anomaly=anomaly, **place)


def _unanswered_input(g: Trace, device: str) -> None:
    """A wall switch: nothing but pushes, and one outage."""
    publish = Publisher(g, device, f"{device}/", "{device}/")
    publish(0.03, "online", "true", "online", kind="availability", retain=True, change="true")
    for t in g.every(65, 0.5):
        event: dict[str, Any] = {
            "component": "input:1",
            "id": 1,
            "event": g.random.choice(["single_push", "long_push"]),
        }
        _notify(publish, t, "NotifyEvent", {"ts": round(EPOCH_S + t, 2), "events": [event]})
    flapping, t = g.anomaly("flapping", "high", "false"), g.at(0.3, 0.5)
    for index in range(6):
        word = ("false", "true")[index % 2]
        told: dict[str, Any] = {"kind": "availability", "change": word, "retained_pub": True}
        publish(t + 11 * index, "online", word, "online", anomaly=flapping.as_part(word), **told)
