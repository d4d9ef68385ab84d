"""What a Zigbee2MQTT bridge stores, and its health report."""

from typing import Any

from benchmarks.labelled.scenarios.zigbee2mqtt_home import BASE, Home
from benchmarks.labelled.trace import EPOCH_S


def stored(home: Home) -> None:
    """The messages that arrive in the first instants, and one health report later."""
    g = home.g
    home.bridge(
        0.01, "state", {"state": "online"}, "bridge.state", kind="availability", retain=True, change="state:online"
    )
    home.bridge(0.011, "info", _info(home), "bridge.info", retain=True)
    home.bridge(0.012, "devices", _devices(home), "bridge.devices", retain=True)
    groups = [{"id": 1, "friendly_name": "all_lights", "scenes": [], "members": []}]
    home.bridge(0.013, "groups", groups, "bridge.groups", retain=True)
    for i, name in enumerate(home.kinds):
        home.availability(0.02 + i * 0.001, name, "online", stored=True)
    at = g.at(0.3, 0.7)
    home.bridge(at, "health", _health(home), "bridge.health")


def _info(home: Home) -> dict[str, Any]:
    meta = {"revision": 20230507, "transportrev": 2, "product": 1, "majorrel": 2, "minorrel": 7, "maintrel": 1}
    return {
        "version": "2.6.0",
        "commit": "772f6c0",
        "coordinator": {"ieee_address": "0x00124b0024c2e1aa", "type": "zStack3x0", "meta": meta},
        "network": {"channel": 15, "pan_id": 5674, "extended_pan_id": "0xdddddddddddddddd"},
        "log_level": "info",
        "permit_join": False,
        "restart_required": False,
        "config": {
            "advanced": {"last_seen": "ISO_8601", "log_level": "info"},
            "availability": {"enabled": True},
            "devices": {home.ieee[name]: {"friendly_name": name} for name in home.kinds},
            "mqtt": {"base_topic": BASE, "server": "mqtt://localhost"},
        },
    }


def _devices(home: Home) -> list[dict[str, Any]]:
    return [
        {
            "ieee_address": home.ieee[name],
            "type": "Router" if kind in {"plug", "light"} else "EndDevice",
            "network_address": home.g.random.randrange(65535),
            "supported": True,
            "friendly_name": name,
            "interview_completed": True,
            "power_source": "Mains (single phase)" if kind in {"plug", "light"} else "Battery",
            "definition": {
                "model": kind.upper() + "01",
                "vendor": "Generic",
                "description": f"{kind} device",
                "exposes": [
                    {"access": 1, "name": key, "property": key, "type": "numeric"}
                    for key in ("linkquality", "battery", "temperature", "humidity")
                ],
            },
            "endpoints": {
                "1": {"bindings": [], "clusters": {"input": ["genBasic", "genPowerCfg"], "output": ["genOta"]}}
            },
        }
        for name, kind in home.kinds.items()
    ]


def _health(home: Home) -> dict[str, Any]:
    return {
        "response_time": int((EPOCH_S + home.g.duration_s / 2) * 1000),
        "os": {"load_average": [0.4, 0.3, 0.3], "memory_used_mb": 1098.2, "memory_percent": 8.3},
        "process": {"uptime_sec": 98211, "memory_used_mb": 89.2, "memory_percent": 1.2},
        "mqtt": {"connected": True, "queued": 0, "published": 90211, "received": 221},
        "devices": {
            home.ieee[name]: {
                "leave_count": 0,
                "network_address_changes": 0,
                "messages": home.g.random.randrange(900),
                "messages_per_sec": 0.0033,
            }
            for name in home.kinds
        },
    }
