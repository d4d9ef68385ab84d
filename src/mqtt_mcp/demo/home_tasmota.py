"""The Tasmota half of the simulated home: payloads as Tasmota 14 writes them.

Owns the topics under ``tele/``, ``stat/`` and ``tasmota/discovery/`` of a washing-machine plug and a freezer sensor
(tasmota.github.io, "MQTT"). Pure; the schedule is in ``home.py``.
"""

import time

from mqtt_mcp.demo.home_zigbee import to_json
from mqtt_mcp.demo.noise import drift, hexadecimal, noise
from mqtt_mcp.mqtt.client import Publication

PLUG = "washing_machine"
FREEZER = "freezer"

_UPTIME_S = 8_140
_MEAN_W = 430


class TasmotaHome:
    """The two Tasmota devices.

    Args:
        started_at_epoch_s: Wall-clock time of second 0.
        seed: For addresses and values.
    """

    def __init__(self, started_at_epoch_s: float, seed: int) -> None:
        self._epoch_s = started_at_epoch_s
        self._seed = seed
        self._plug_on = True

    def stored(self) -> list[Publication]:
        """Last will messages (``Online``) and discovery of both devices."""
        stored = []
        for name, model in ((PLUG, "Nous A1T"), (FREEZER, "Sonoff TH10")):
            mac = f"B0A732{hexadecimal(6, self._seed, name).upper()}"
            config = {
                "dn": name,
                "fn": [name],
                "ft": "%prefix%/%topic%/",
                "hn": f"{name}-4711",
                "mac": mac,
                "md": model,
                "ofln": "Offline",
                "onln": "Online",
                "state": ["OFF", "ON", "TOGGLE", "HOLD"],
                "sw": "14.5.0",
                "t": name,
                "tp": ["cmnd", "stat", "tele"],
                "ver": 1,
            }
            stored += [
                Publication(f"tele/{name}/LWT", b"Online", retain=True),
                Publication(f"tasmota/discovery/{mac}/config", to_json(config), retain=True),
            ]
        return stored

    def info(self, number: int) -> Publication:
        """INFO1 to INFO3, which Tasmota sends once after it has connected."""
        values: dict[int, dict[str, object]] = {
            1: {"Info1": {"Module": "Nous A1T", "Version": "14.5.0(release-tasmota)", "GroupTopic": "cmnd/tasmotas/"}},
            2: {"Info2": {"WebServerMode": "Admin", "Hostname": f"{PLUG}-4711", "IPAddress": "192.0.2.17"}},
            3: {"Info3": {"RestartReason": "Software/System restart", "BootCount": 12}},
        }
        return Publication(f"tele/{PLUG}/INFO{number}", to_json(values[number]))

    def plug_state(self, t_s: float) -> Publication:
        """STATE of the washing-machine plug."""
        return Publication(f"tele/{PLUG}/STATE", to_json(self._state(PLUG, t_s) | {"POWER": self._power()}))

    def plug_energy(self, t_s: float) -> Publication:
        """SENSOR of the washing-machine plug: its energy meter."""
        watts = round(_MEAN_W + 70 * drift(t_s, self._seed, PLUG, period_s=45)) if self._plug_on else 0
        energy = {
            "Current": round(watts / 230, 3),
            "Factor": 0.97,
            "Power": watts,
            "Today": round(0.45 + t_s * _MEAN_W / 3.6e6, 3),
            "Total": round(318.5 + t_s * _MEAN_W / 3.6e6, 3),
            "TotalStartTime": "2025-01-02T10:11:12",
            "Voltage": 230,
            "Yesterday": 1.22,
        }
        return Publication(f"tele/{PLUG}/SENSOR", to_json({"Time": self._local(t_s), "ENERGY": energy}))

    def freezer_state(self, t_s: float) -> Publication:
        """STATE of the freezer sensor."""
        return Publication(f"tele/{FREEZER}/STATE", to_json(self._state(FREEZER, t_s)))

    def freezer_temperature(self, t_s: float, k: int) -> Publication:
        """SENSOR of the freezer sensor: one DS18B20."""
        celsius = round(-18.4 + 0.5 * drift(t_s, self._seed, FREEZER) + 0.1 * noise(self._seed, FREEZER, k), 1)
        sensor = {"Id": "01131B123456", "Temperature": celsius}
        values = {"Time": self._local(t_s), "DS18B20": sensor, "TempUnit": "C"}
        return Publication(f"tele/{FREEZER}/SENSOR", to_json(values))

    def answer(self, topic: str, payload: bytes) -> list[Publication]:
        """``cmnd/washing_machine/POWER``: RESULT and POWER under ``stat/``; an empty payload asks for the state."""
        if topic != f"cmnd/{PLUG}/POWER":
            return []
        wanted = payload.decode("utf-8", "replace").strip().upper()
        if wanted in ("ON", "1", "OFF", "0", "TOGGLE", "2"):
            self._plug_on = not self._plug_on if wanted in ("TOGGLE", "2") else wanted in ("ON", "1")
        return [
            Publication(f"stat/{PLUG}/RESULT", to_json({"POWER": self._power()})),
            Publication(f"stat/{PLUG}/POWER", self._power().encode()),
        ]

    def _power(self) -> str:
        return "ON" if self._plug_on else "OFF"

    def _state(self, name: str, t_s: float) -> dict[str, object]:
        uptime_s = _UPTIME_S + int(t_s)
        return {
            "Time": self._local(t_s),
            "Uptime": f"0T{uptime_s // 3600:02d}:{uptime_s // 60 % 60:02d}:{uptime_s % 60:02d}",
            "UptimeSec": uptime_s,
            "Heap": 25,
            "SleepMode": "Dynamic",
            "LoadAvg": 19,
            "MqttCount": 1,
            "Wifi": {
                "AP": 1,
                "Channel": 11,
                "Mode": "11n",
                "RSSI": 78 + round(4 * drift(t_s, self._seed, name, "rssi")),
                "Signal": -61,
                "LinkCount": 1,
            },
        }

    def _local(self, t_s: float) -> str:
        """Tasmota writes local time without a zone; this home lives in UTC."""
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self._epoch_s + t_s))
