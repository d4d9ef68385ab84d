"""The Zigbee2MQTT half of the simulated home: payloads as Zigbee2MQTT 2.x writes them.

Owns the topics under ``zigbee2mqtt/`` and the Home Assistant discovery message that Zigbee2MQTT sends for its devices
(zigbee2mqtt.io, "MQTT Topics and Messages" and "Device availability"). Pure; the schedule is in ``home.py``.
"""

import json
import time

from mqtt_mcp.demo.noise import drift, hexadecimal, noise
from mqtt_mcp.mqtt.client import Publication

BASE = "zigbee2mqtt"
CLIMATE = "living_room_climate"
MOTION = "kitchen_motion"
PLUG = "kitchen_plug"
FAILING = "garden_sensor"

FAILING_BATTERY_PERCENT = 4

_MODELS = {
    CLIMATE: ("WSDCGQ11LM", "Aqara", "Temperature and humidity sensor"),
    MOTION: ("SNZB-03", "SONOFF", "Motion sensor"),
    PLUG: ("TS011F_plug_1", "Tuya", "Smart plug with power monitoring"),
    FAILING: ("SNZB-02D", "SONOFF", "Temperature and humidity sensor with screen"),
}
_EXPOSES = {
    CLIMATE: ("temperature", "humidity", "pressure", "battery", "linkquality"),
    MOTION: ("occupancy", "battery", "linkquality"),
    PLUG: ("state", "power", "energy", "voltage", "current", "linkquality"),
    FAILING: ("temperature", "humidity", "battery", "linkquality"),
}
# The battery is nearly empty: each report arrives with less signal than the one before.
_FAILING_LINKQUALITY = (41, 33, 24, 13, 6)


def to_json(value: object) -> bytes:
    """Compact JSON as devices write it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class ZigbeeHome:
    """The bridge and its four devices.

    Args:
        started_at_epoch_s: Wall-clock time of second 0.
        seed: For addresses and values.
    """

    def __init__(self, started_at_epoch_s: float, seed: int) -> None:
        self._epoch_s = started_at_epoch_s
        self._seed = seed
        self._plug_on = True
        self._addresses = {name: f"0x00158d00{hexadecimal(8, seed, name)}" for name in _MODELS}

    def stored(self) -> list[Publication]:
        """Bridge state and device list, availability of every device, discovery, last known values."""
        stored = [
            self._stored(f"{BASE}/bridge/state", {"state": "online"}),
            self._stored(f"{BASE}/bridge/info", self._bridge_info()),
            self._stored(f"{BASE}/bridge/devices", [self._device(name) for name in _MODELS]),
            self._discovery(),
        ]
        stored += [self._stored(f"{BASE}/{name}/availability", {"state": "online"}) for name in _MODELS]
        return [*stored, self.climate(0.0, 0), self.plug(0.0), self.failing(0.0, 0)]

    def climate(self, t_s: float, k: int) -> Publication:
        """The healthy sensor of the living room."""
        values = {
            "battery": 87,
            "humidity": round(46 + 2 * drift(t_s, self._seed, "humidity") + 0.1 * noise(self._seed, "h", k), 2),
            "last_seen": self._iso(t_s),
            "linkquality": 118 + round(9 * noise(self._seed, CLIMATE, "lq", k)),
            "pressure": round(1013.2 + drift(t_s, self._seed, "pressure", period_s=600), 1),
            "temperature": round(21.4 + 0.4 * drift(t_s, self._seed, CLIMATE) + 0.03 * noise(self._seed, "t", k), 2),
            "voltage": 2995,
        }
        return self._stored(f"{BASE}/{CLIMATE}", values)

    def motion(self, t_s: float, k: int) -> Publication:
        """The motion sensor; it sends events, so they are not stored."""
        values = {
            "battery": 64,
            "last_seen": self._iso(t_s),
            "linkquality": 92 + round(6 * noise(self._seed, MOTION, "lq", k)),
            "occupancy": noise(self._seed, "occupancy", k) > 0,
        }
        return Publication(f"{BASE}/{MOTION}", to_json(values))

    def plug(self, t_s: float) -> Publication:
        """The switchable plug: a fridge of about 80 W behind it."""
        power = round(80 + 6 * drift(t_s, self._seed, PLUG, period_s=20), 1) if self._plug_on else 0.0
        values = {
            "current": round(power / 230, 2),
            "energy": round(412.3 + t_s * 80 / 3.6e6, 3),
            "last_seen": self._iso(t_s),
            "linkquality": 160 + round(5 * drift(t_s, self._seed, PLUG, "lq", period_s=15)),
            "power": power,
            "state": "ON" if self._plug_on else "OFF",
            "voltage": 230 + round(drift(t_s, self._seed, "mains", period_s=30)),
        }
        return self._stored(f"{BASE}/{PLUG}", values)

    def failing(self, t_s: float, k: int) -> Publication:
        """The garden sensor on its last volts; report ``k`` is weaker than report ``k - 1``."""
        step = min(k, len(_FAILING_LINKQUALITY) - 1)
        values = {
            "battery": FAILING_BATTERY_PERCENT + (1 if k == 0 else 0),
            "humidity": round(71 + noise(self._seed, FAILING, "h", k), 2),
            "last_seen": self._iso(t_s),
            "linkquality": _FAILING_LINKQUALITY[step],
            "temperature": round(9.3 + 0.2 * noise(self._seed, FAILING, "t", k), 2),
            "voltage": 2310 - 30 * step,
        }
        return self._stored(f"{BASE}/{FAILING}", values)

    def failed(self) -> Publication:
        """The bridge declares the garden sensor offline."""
        return self._stored(f"{BASE}/{FAILING}/availability", {"state": "offline"})

    def log_failure(self, k: int) -> Publication:
        """What the bridge logs about the garden sensor: twice why, then that it is still gone."""
        address = self._addresses[FAILING]
        command = f'ZCL command {address}/1 genBasic.read(["zclVersion"])'
        reasons = (
            f"attempt 1/2, {command} failed (Timeout - 21743 - 1 - 17 - 0 - 1 after 10000ms)",
            f"attempt 2/2, no response: MAC no ack, battery {FAILING_BATTERY_PERCENT} %",
        )
        return self._log("error", f"z2m: Failed to ping '{FAILING}' ({reasons[k % len(reasons)]})")

    def log_publish(self, t_s: float, k: int) -> Publication:
        """The bridge's everyday log line."""
        payload = self.climate(t_s, k).payload.decode()
        return self._log("info", f"z2m:mqtt: MQTT publish: topic '{BASE}/{CLIMATE}', payload '{payload}'")

    def answer(self, topic: str, payload: bytes, t_s: float) -> list[Publication]:
        """Switch the plug on ``ON``, ``OFF`` or ``TOGGLE``, as JSON or as plain text, and send its new state."""
        if topic != f"{BASE}/{PLUG}/set":
            return []
        try:
            command = json.loads(payload)
        except ValueError:
            command = payload.decode("utf-8", "replace")
        wanted = command.get("state") if isinstance(command, dict) else command
        if not isinstance(wanted, str) or wanted.upper() not in ("ON", "OFF", "TOGGLE"):
            return [self._log("error", f"z2m: Invalid command for '{PLUG}': state must be ON, OFF or TOGGLE")]
        self._plug_on = not self._plug_on if wanted.upper() == "TOGGLE" else wanted.upper() == "ON"
        return [self.plug(t_s)]

    def _bridge_info(self) -> dict[str, object]:
        return {
            "commit": hexadecimal(7, self._seed, "commit"),
            "config": {"availability": {"enabled": True}, "mqtt": {"base_topic": BASE}},
            "coordinator": {"ieee_address": f"0x00124b00{hexadecimal(8, self._seed, 'bridge')}", "type": "zStack3x0"},
            "log_level": "info",
            "network": {"channel": 15, "pan_id": 6754},
            "permit_join": False,
            "restart_required": False,
            "version": "2.6.0",
        }

    def _device(self, name: str) -> dict[str, object]:
        model, vendor, description = _MODELS[name]
        exposes = [{"name": value, "property": value, "access": 1} for value in _EXPOSES[name]]
        return {
            "definition": {"description": description, "exposes": exposes, "model": model, "vendor": vendor},
            "disabled": False,
            "friendly_name": name,
            "ieee_address": self._addresses[name],
            "interview_completed": True,
            "network_address": 4096 + int(hexadecimal(3, self._seed, name, "network"), 16),
            "power_source": "Mains (single phase)" if name == PLUG else "Battery",
            "supported": True,
            "type": "Router" if name == PLUG else "EndDevice",
        }

    def _discovery(self) -> Publication:
        """Home Assistant MQTT discovery (home-assistant.io, "MQTT Discovery") of the living room's temperature."""
        address = self._addresses[CLIMATE]
        model, vendor, _ = _MODELS[CLIMATE]
        entity = {
            "availability": [{"topic": f"{BASE}/bridge/state"}, {"topic": f"{BASE}/{CLIMATE}/availability"}],
            "availability_mode": "all",
            "device": {
                "identifiers": [f"zigbee2mqtt_{address}"],
                "manufacturer": vendor,
                "model": model,
                "name": CLIMATE,
            },
            "device_class": "temperature",
            "object_id": f"{CLIMATE}_temperature",
            "origin": {"name": "Zigbee2MQTT", "sw": "2.6.0"},
            "state_class": "measurement",
            "state_topic": f"{BASE}/{CLIMATE}",
            "unique_id": f"{address}_temperature_zigbee2mqtt",
            "unit_of_measurement": "°C",
            "value_template": "{{ value_json.temperature }}",
        }
        return self._stored(f"homeassistant/sensor/{address}/temperature/config", entity)

    def _log(self, level: str, message: str) -> Publication:
        return Publication(f"{BASE}/bridge/logging", to_json({"level": level, "message": message}))

    def _stored(self, topic: str, value: object) -> Publication:
        return Publication(topic, to_json(value), retain=True)

    def _iso(self, t_s: float) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._epoch_s + t_s))
