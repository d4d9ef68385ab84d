"""A Zigbee2MQTT home: some 28 devices, bridge topics and the noise of its log.

After Koenkk/zigbee2mqtt.io: mqtt_topics_and_messages.md, device-availability.md, health.md.
"""

from typing import Any

from benchmarks.labelled.scenarios import zigbee2mqtt_bridge, zigbee2mqtt_devices
from benchmarks.labelled.scenarios.zigbee2mqtt_home import Home
from benchmarks.labelled.trace import Trace


def fill(g: Trace) -> None:
    home = Home(g)
    zigbee2mqtt_bridge.stored(home)
    home.choose()
    for name in home.kinds:
        zigbee2mqtt_devices.live(home, name)
    _injected_states(home)
    _injected_logs(home)


def _injected_states(home: Home) -> None:
    g, low, offline, flapper = home.g, home.low, home.offline, home.flapper
    t = g.at()
    reading: dict[str, Any] = {"battery": 3, "contact": True, "linkquality": 22, "voltage": 2310, "battery_low": True}
    if home.kinds[low] != "contact":
        reading = {"battery": 3, "illuminance": 12, "linkquality": 22, "occupancy": False}
        reading |= {"voltage": 2310, "battery_low": True}
    home.publish(t, low, reading, home.kinds[low] + ".lowbat", kind="state", anomaly=g.anomaly("battery_low", "medium"))
    t = g.at()
    wet = g.random.choice(["bath_leak", "washer_leak"])
    reading = {"battery": 88, "battery_low": False, "linkquality": 97, "tamper": False}
    reading |= {"voltage": 3025, "water_leak": True}
    alarm = g.anomaly("alarm", "critical")
    home.publish(t, wet, reading, "leak", kind="event", change="water_leak:True", anomaly=alarm)
    home.availability(home.offline_at + 1, offline, "offline", anomaly=g.anomaly("device_offline", "high"))
    flapping = g.anomaly("flapping", "high", "offline")
    for i in range(4):
        state = "offline" if i % 2 == 0 else "online"
        at = 0.4 * g.duration_s + i * 0.04 * g.duration_s
        home.availability(at, flapper, state, anomaly=flapping.as_part(state))


def _injected_logs(home: Home) -> None:
    g, low, offline, flapper = home.g, home.low, home.offline, home.flapper
    text = (
        f"z2m: Publish 'set' 'state' to '{flapper}' failed: 'Error: ZCL command {home.ieee[flapper]}/1 "
        "genOnOff.on({}, "
        "{\"timeout\":10000}) failed (Delivery failed for \\'29159\\'.)'"
    )
    home.log(g.at(), "error", text, g.anomaly("error_log", "high"))
    text = f"zh:zstack: Device '{offline}' left the network, ping failed after 2 attempts"
    home.log(g.at(), "warning", text, g.anomaly("warning_log", "medium"))
    t = g.at()
    leave = {"type": "device_leave", "data": {"ieee_address": home.ieee[offline], "friendly_name": offline}}
    home.bridge(t, "event", leave, "bridge.event.leave", kind="event", anomaly=g.anomaly("device_leave", "high"))
    t = g.at(0.2, 0.8)
    request = {"id": low, "transaction": "q1-7"}
    home.bridge(t, "request/device/ota_update/check", request, "bridge.request", kind="command")
    home.bridge(
        t + 10,
        "response/device/ota_update/check",
        {
            "data": {"id": low},
            "error": f"Failed to check if update available for '{low}' (Update check failed after 10000ms)",
            "status": "error",
            "transaction": "q1-7",
        },
        "bridge.response.error",
        kind="response",
        anomaly=g.anomaly("command_error", "high"),
    )
