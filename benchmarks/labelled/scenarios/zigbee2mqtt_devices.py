"""What each kind of Zigbee device publishes over the watch."""

from collections.abc import Iterator
from typing import Any

from benchmarks.labelled.encoders import iso_time
from benchmarks.labelled.scenarios.zigbee2mqtt_home import BASE, STUCK, Home
from benchmarks.labelled.trace import EPOCH_S


def live(home: Home, name: str) -> None:
    """All messages of one device, with the faults that were chosen for it."""
    quality = home.g.walk(home.g.random.randint(60, 200), 6, 0, 5, 255)
    battery = home.g.random.randint(55, 100)
    _LIVE[home.kinds[name]](home, name, quality, battery)


def _climate(home: Home, name: str, quality: Iterator[float], battery: int) -> None:
    g = home.g
    start = {"freezer": -18.5, "fridge": 4.5}.get(name)
    temperature = g.walk(g.random.uniform(18, 23) if start is None else start, 0.04, 2)
    humidity, pressure = g.walk(g.random.uniform(35, 60), 0.1, 2, 0, 100), g.walk(1013, 0.05, 1)
    silent = name == home.silent
    for t in g.every(15 if silent else g.random.choice([10, 15, 20]), 0.2, gap=home.silence if silent else None):
        reading: dict[str, Any] = {"battery": battery, "humidity": next(humidity), "linkquality": int(next(quality))}
        reading |= {"temperature": next(temperature), "voltage": 2900 + battery, "last_seen": iso_time(EPOCH_S + t)}
        struct, anomaly = "climate", None
        if name == STUCK:
            reading.update(humidity=48.21, temperature=17.43)
        if g.random.random() < 0.5 and name == "living_room/climate":
            reading["pressure"] = next(pressure)
            struct = "climate+pressure"
        if name == home.spiked and home.spike(t):
            reading["temperature"] = 327.67
            anomaly = g.anomaly("value_outlier", "high")
        if name == home.variant and home.odd(t):
            update = {"installed_version": 16777219, "latest_version": 16777220, "state": "available"}
            reading = {"battery": None, "humidity": "unknown", "linkquality": int(next(quality))} | {
                "temperature": reading["temperature"],
                "update": update,
            }
            struct, anomaly = "climate.variant", g.anomaly("schema_change", "medium")
        home.publish(t, name, reading, struct, anomaly=anomaly)


def _plug(home: Home, name: str, quality: Iterator[float], battery: int) -> None:
    del battery
    g = home.g
    power, energy = g.walk(g.random.uniform(5, 120), 1.5, 1, 0), g.random.uniform(20, 900)
    gap = (home.offline_at, g.duration_s) if name == home.offline else None
    for t in g.every(g.random.choice([5, 8, 10]), 0.1, gap=gap):
        watts = next(power)
        energy += watts * 8 / 3.6e6
        reading: dict[str, Any] = {
            "current": round(watts / 230, 2),
            "energy": round(energy, 2),
            "linkquality": int(next(quality)),
        }
        reading |= {"power": watts, "state": "ON", "voltage": g.random.choice([229, 230, 231])}
        reading |= {"last_seen": iso_time(EPOCH_S + t)}
        home.publish(t, name, reading, "plug")
        if name == "tv_plug" and g.random.random() < 0.2:  # attribute reports echoed: exact duplicates
            for j in range(3):
                home.publish(t + 0.01 * (j + 1), name, reading, "plug")


def _motion(home: Home, name: str, quality: Iterator[float], battery: int) -> None:
    g = home.g
    for t in g.every(35, 0.5):
        seen = g.random.random() < 0.5
        reading = {"battery": battery, "device_temperature": 24, "illuminance": g.random.randrange(5, 300)}
        reading |= {"linkquality": int(next(quality)), "occupancy": seen, "power_outage_count": 4, "voltage": 3015}
        home.publish(t, name, reading, "motion", kind="state", change=f"occupancy:{seen}")


def _contact(home: Home, name: str, quality: Iterator[float], battery: int) -> None:
    for t in home.g.every(70, 0.4):
        closed = home.g.random.random() < 0.5
        reading = {"battery": battery, "contact": closed, "linkquality": int(next(quality)), "voltage": 3005}
        home.publish(t, name, reading, "contact", kind="state", change=f"contact:{closed}")


def _light(home: Home, name: str, quality: Iterator[float], battery: int) -> None:
    del battery
    g = home.g
    for t in g.every(60, 0.5):
        on = g.random.random() < 0.6
        command: dict[str, Any] = {"state": "OFF"}
        if on:
            command = {"state": "ON", "brightness": g.random.randrange(30, 255)}
        g.emit(
            t,
            f"{BASE}/{name}/set",
            command,
            kind="command",
            struct="set.on" if on else "set.off",
            template=BASE + "/{device}/set",
            device=name,
            change="state:" + command["state"],
        )
        state: dict[str, Any] = {"brightness": command.get("brightness", 0), "color": {"x": 0.4599, "y": 0.4106}}
        state |= {"color_mode": "color_temp", "color_temp": g.random.randrange(250, 454)}
        state |= {"linkquality": int(next(quality)), "state": command["state"]}
        after = t + g.random.uniform(0.05, 0.3)
        home.publish(after, name, state, "light", kind="state", change="state:" + command["state"])


def _leak(home: Home, name: str, quality: Iterator[float], battery: int) -> None:
    for t in home.g.every(90, 0.2):
        reading = {"battery": battery, "battery_low": False, "linkquality": int(next(quality)), "tamper": False}
        reading |= {"voltage": 3025, "water_leak": False}
        home.publish(t, name, reading, "leak", kind="state", change="water_leak:False")


def _smoke(home: Home, name: str, quality: Iterator[float], battery: int) -> None:
    for t in home.g.every(80, 0.2):
        reading = {
            "battery": battery,
            "linkquality": int(next(quality)),
            "smoke": False,
            "smoke_density": 0,
            "test": False,
        }
        home.publish(t, name, reading, "smoke", kind="state", change="smoke:False")


def _remote(home: Home, name: str, quality: Iterator[float], battery: int) -> None:
    for t in home.g.every(40, 0.6):
        action = home.g.random.choice(["single", "double", "hold", "release"])
        reading = {"action": action, "battery": battery, "linkquality": int(next(quality))}
        home.publish(t, name, reading, "remote", kind="event", change="action:" + action)


def _trv(home: Home, name: str, quality: Iterator[float], battery: int) -> None:
    g = home.g
    local = g.walk(20.4, 0.05, 1)
    for t in g.every(30, 0.2):
        reading: dict[str, Any] = {"battery": battery, "child_lock": "UNLOCK", "current_heating_setpoint": 21}
        reading |= {"linkquality": int(next(quality)), "local_temperature": next(local)}
        reading |= {"position": g.random.randrange(0, 100), "preset": "schedule", "running_state": "heat"}
        reading |= {"system_mode": "auto", "week_schedule": {"monday": "06:00/21 22:00/17"}}
        home.publish(t, name, reading, "trv")


_LIVE = {
    "climate": _climate,
    "plug": _plug,
    "motion": _motion,
    "contact": _contact,
    "light": _light,
    "leak": _leak,
    "smoke": _smoke,
    "remote": _remote,
    "trv": _trv,
}
