"""ChirpStack v4: uplinks, joins, status, acknowledgements and logs of LoRaWAN devices, two gateways.

After chirpstack/chirpstack-docs: integrations/mqtt, integrations/events; chirpstack-gateway-bridge: events, states.
"""

import base64
from typing import Any

from benchmarks.labelled.encoders import iso_time
from benchmarks.labelled.trace import EPOCH_S, Once, Publisher, Trace

_APPLICATION = "3f9c2b1e-8d44-4a0b-9a54-2d5a3c1f7e10"
_COUNT = 24


def fill(g: Trace) -> None:
    r = g.random
    gateways = [f"{r.getrandbits(64):016x}" for _ in range(2)]
    for number, gateway in enumerate(gateways):
        _gateway(g, gateway, number)
    for number in range(_COUNT):
        _Device(g, number, gateways[0]).live()


def _gateway(g: Trace, gateway: str, number: int) -> None:
    publish = Publisher(g, gateway, f"eu868/gateway/{gateway}/", "{region}/gateway/{gateway}/")
    state: dict[str, Any] = {"gatewayId": gateway, "state": "ONLINE"}
    told: dict[str, Any] = {"kind": "availability"}
    publish(0.01 + number / 100, "state/conn", state, "conn", retain=True, change="state:ONLINE", **told)
    offline_at = g.at(0.4, 0.7) if number == 1 else g.duration_s
    received = 0
    for t in g.every(30, 0.001, gap=(offline_at, g.duration_s)):
        received = g.random.randrange(10, 40)
        stats: dict[str, Any] = {"gatewayId": gateway, "time": iso_time(EPOCH_S + t), "rxPacketsReceived": received}
        stats |= {"rxPacketsReceivedOk": received - g.random.randrange(0, 5), "txPacketsReceived": 2}
        stats |= {"txPacketsEmitted": 2, "metadata": {"region_common_name": "EU868"}}
        publish(t, "event/stats", stats, "stats")
    if number == 1:
        label = g.anomaly("gateway_offline", "critical", finding="device_offline")
        told |= {"change": "state:OFFLINE", "retained_pub": True, "anomaly": label}
        publish(offline_at + 20, "state/conn", {"gatewayId": gateway, "state": "OFFLINE"}, "conn", **told)


class _Device:
    """A sensor with its frame counter."""

    def __init__(self, g: Trace, number: int, gateway: str) -> None:
        self.g, self.number, self.gateway = g, number, gateway
        self.eui = f"70b3d5{g.random.getrandbits(40):010x}"
        place = f"application/{_APPLICATION}/device/"
        self.publish = Publisher(g, self.eui, f"{place}{self.eui}/", "application/{application}/device/{device}/")
        self.counter = g.random.randrange(100, 60_000)
        self.address = f"01{g.random.getrandbits(24):06x}"

    def _event(self, t: float, event_name: str, body: dict[str, Any], *, struct: str = "", **more: Any) -> None:
        info = {
            "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
            "tenantName": "Water works",
            "applicationId": _APPLICATION,
            "applicationName": "meters",
            "deviceProfileName": "level-1",
            "deviceName": f"level-{self.number:02d}",
            "devEui": self.eui,
            "tags": {"site": "north"},
        }
        unique = self.g.random.getrandbits(128)
        event: dict[str, Any] = {
            "deduplicationId": f"{unique:032x}",
            "time": iso_time(EPOCH_S + t),
            "deviceInfo": info,
            **body,
        }
        self.publish(t, "event/" + event_name, event, struct or event_name, **more)

    def live(self) -> None:
        g, r, number = self.g, self.g.random, self.number
        level, temperature = g.walk(r.uniform(1.2, 3.5), 0.01, 2), g.walk(r.uniform(8, 14), 0.05, 1)
        now, gap = Once(g.at(0.3, 0.8)), (0.35 * g.duration_s, g.duration_s) if number == 5 else None
        far = g.anomaly("link_weak", "medium")
        if gap:
            g.finding(self.eui, "silence_gap", "high", "no uplinks after a third of the watch")
        for t in g.every((10, 15, 20)[number % 3], 0.05, gap=gap):
            self.counter += 1
            reading: dict[str, Any] = {"level": next(level), "temperature": next(temperature), "battery": 3.58}
            struct, anomaly, snr = "up", None, r.uniform(5, 11)
            if number == 0 and now(t):
                reading["level"], anomaly = 655.35, g.anomaly("value_outlier", "high")
            elif number == 1 and now(t):
                self.counter += 40
                anomaly = g.anomaly("sequence_gap", "medium")
            elif number == 2 and now(t):
                reading["temperature"] = None
                struct, anomaly = "up.null", g.anomaly("null_reading", "high")
            elif number == 3 and now(t):
                self._reset(t)
            elif number == 4 and t > 0.4 * g.duration_s:
                snr, anomaly = r.uniform(-19, -17), far
            self._event(t, "up", self._uplink(reading, snr), struct=struct, anomaly=anomaly)
        self._others()

    def _uplink(self, reading: dict[str, Any], snr: float) -> dict[str, Any]:
        r = self.g.random
        weak = snr < 0
        received = {
            "gatewayId": self.gateway,
            "uplinkId": r.getrandbits(32),
            "rssi": r.randint(-118, -112) if weak else -87,
        }
        lora = {"bandwidth": 125_000, "spreadingFactor": 7, "codeRate": "CR_4_5"}
        return {
            "devAddr": self.address,
            "adr": True,
            "dr": 5,
            "fCnt": self.counter,
            "fPort": 2,
            "confirmed": False,
            "data": base64.b64encode(r.randbytes(9)).decode(),
            "object": reading,
            "rxInfo": [{**received, "snr": round(snr, 1), "channel": r.randrange(8), "context": "q83vASM="}],
            "txInfo": {"frequency": r.choice([868_100_000, 868_300_000]), "modulation": {"lora": lora}},
        }

    def _reset(self, t: float) -> None:
        """It starts again: a join, and its counter from zero."""
        self.counter = 0
        body = {"devAddr": self.address, "regionConfigId": "eu868"}
        self._event(t - 2, "join", body, kind="event", anomaly=self.g.anomaly("reboot", "medium"))

    def _others(self) -> None:
        g, number = self.g, self.number
        dying = g.anomaly("battery_low", "medium")
        for t in g.every(150, 0.3):
            low = number == 6
            status: dict[str, Any] = {"margin": g.random.randrange(8, 20), "externalPowerSource": False}
            status |= {"batteryLevelUnavailable": False, "batteryLevel": 3.1 if low else 88.5}
            anomaly = dying if low else None
            self._event(t, "status", status, anomaly=anomaly)
        if number in {7, 8}:
            t, queued = g.at(0.3, 0.7), f"{g.random.getrandbits(128):032x}"
            command = {"devEui": self.eui, "confirmed": True, "fPort": 10, "data": "AQ=="}
            self.publish(t, "command/down", command, "down", kind="command")
            self._event(t + 1, "txack", {"queueItemId": queued, "gatewayId": self.gateway}, kind="response")
            refused = number == 8
            anomaly = g.anomaly("command_error", "high") if refused else None
            ack = {"queueItemId": queued, "acknowledged": not refused, "fCntDown": 12}
            self._event(t + 9, "ack", ack, kind="response", anomaly=anomaly)
        if number in {9, 10}:
            level, code, text, severity = (
                ("ERROR", "UPLINK_CODEC", "Exception generated by quickjs: TypeError: not a function", "high"),
                ("WARNING", "UPLINK_F_CNT_RETRANSMISSION", "Uplink was flagged as re-transmission", "medium"),
            )[number - 9]
            line = {"level": level, "code": code, "description": text, "context": {"deduplication_id": "7f0a"}}
            label = g.anomaly("error_log" if severity == "high" else "warning_log", severity)
            self._event(g.at(), "log", line, struct="log." + level, kind="log", anomaly=label)
