"""The Things Stack v3: uplinks, joins, downlink events and service data of an application.

After TheThingsIndustries/lorawan-stack-docs: integrations/mqtt.
"""

import base64
from typing import Any

from benchmarks.labelled.encoders import iso_time
from benchmarks.labelled.trace import EPOCH_S, Once, Publisher, Trace
from benchmarks.labelled.truth import Anomaly

_COUNT = 26
_PREFIX = "v3/orchard@acme/devices/"


def fill(g: Trace) -> None:
    for number in range(_COUNT):
        _Device(g, number).live()


class _Device:
    """A soil or climate sensor with its session."""

    def __init__(self, g: Trace, number: int) -> None:
        self.g, self.number = g, number
        self.id = f"{'soil' if number < 10 else 'climate'}-{number:02d}"
        self.publish = Publisher(g, self.id, f"{_PREFIX}{self.id}/", "v3/{application}/devices/{device}/")
        self.eui, self.address = f"{g.random.getrandbits(64):016X}", f"260B{g.random.getrandbits(16):04X}"
        self.counter = g.random.randrange(50, 9000)

    def _ids(self) -> dict[str, Any]:
        ids = {"device_id": self.id, "application_ids": {"application_id": "orchard"}, "dev_eui": self.eui}
        return {**ids, "join_eui": "0000000000000000", "dev_addr": self.address}

    def _event(self, t: float, rest: str, key: str, body: Any, *, struct: str = "", **more: Any) -> None:
        stamp = iso_time(EPOCH_S + t, milliseconds=False, zone=f".{self.g.random.randrange(10**9):09d}Z")
        unique = f"as:up:01H{self.g.random.getrandbits(100):025X}"
        event: dict[str, Any] = {
            "end_device_ids": self._ids(),
            "correlation_ids": [unique],
            "received_at": stamp,
            key: body,
        }
        self.publish(t, rest, event, struct or rest.replace("/", "."), **more)

    def live(self) -> None:
        g, r, number = self.g, self.g.random, self.number
        now, value, other = Once(g.at(0.3, 0.85)), g.walk(r.uniform(25, 40), 0.1, 1), g.walk(15, 0.05, 2)
        gap = (0.4 * g.duration_s, g.duration_s) if number == 7 else None
        far = g.anomaly("link_weak", "medium")
        if gap:
            g.finding(self.id, "silence_gap", "high", "no uplinks after two fifths of the watch")
        for t in g.every((12, 18, 24)[number % 3], 0.08, gap=gap):
            self.counter += 1
            key = "moisture" if number < 10 else "humidity"
            payload: dict[str, Any] = {key: next(value), "temperature": next(other), "battery_pct": 97 - number}
            struct, anomaly, snr = "up." + key, None, r.uniform(4, 10)
            if number == 0 and now(t):
                payload["temperature"], anomaly = 327.67, g.anomaly("value_outlier", "high")
            elif number == 1 and now(t):
                payload["battery_pct"], anomaly = 3, g.anomaly("battery_low", "medium")
            elif number == 2 and now(t):
                payload = {"error": "payload too short"}
                struct, anomaly = "up.error", g.anomaly("schema_change", "medium")
            elif number == 3 and now(t):
                self.counter += 25
                anomaly = g.anomaly("sequence_gap", "medium")
            elif number == 4 and t > 0.5 * g.duration_s:
                snr, anomaly = r.uniform(-20, -17), far
            self._event(t, "up", "uplink_message", self._uplink(t, payload, snr), struct=struct, anomaly=anomaly)
        self._others()

    def _uplink(self, t: float, payload: dict[str, Any], snr: float) -> dict[str, Any]:
        r, settings = self.g.random, {"data_rate": {"lora": {"bandwidth": 125_000, "spreading_factor": 9}}}
        gateway = {"gateway_ids": {"gateway_id": "barn", "eui": "B827EBFFFE8B01DD"}, "timestamp": int(t * 1e6) % 2**32}
        level = r.randint(-121, -116) if snr < 0 else r.randint(-100, -90)
        return {
            "session_key_id": "AYfg8rhha5n8FWh1/AQ==",
            "f_port": 1,
            "f_cnt": self.counter,
            "frm_payload": base64.b64encode(r.randbytes(6)).decode(),
            "decoded_payload": payload,
            "rx_metadata": [{**gateway, "rssi": level, "channel_rssi": level, "snr": round(snr, 1)}],
            "settings": {**settings, "frequency": "868100000"},
            "consumed_airtime": "0.185344s",
        }

    def _others(self) -> None:
        g, number = self.g, self.number
        if number in {5, 6, 8, 9}:
            t = g.at(0.3, 0.7)
            command = {"downlinks": [{"f_port": 15, "frm_payload": "AQ==", "priority": "NORMAL"}]}
            self.publish(t, "down/push", command, "down.push", kind="command")
            downlink = {"f_port": 15, "frm_payload": "AQ==", "confirmed": number == 5}
            self._event(t + 0.2, "down/queued", "downlink_queued", downlink, kind="response")
            if number == 6:
                failed: dict[str, Any] = {
                    "downlink": downlink,
                    "error": {"namespace": "pkg/networkserver", "name": "tx_failed"},
                }
                failed["error"].update(message_format="no downlink path available", code=5)
                label: Anomaly | None = g.anomaly("command_error", "high")
                self._event(t + 4, "down/failed", "downlink_failed", failed, kind="response", anomaly=label)
            elif number == 5:
                self._event(t + 3, "down/sent", "downlink_sent", downlink, kind="response")
                label = g.anomaly("command_error", "high")
                self._event(t + 12, "down/nack", "downlink_nack", downlink, kind="response", anomaly=label)
            else:
                self._event(t + 3, "down/sent", "downlink_sent", downlink, kind="response")
        if number in {11, 12}:  # a device that joins once is no fault, one that has to again and again is
            again = g.anomaly("reboot", "medium")
            joins = 1 if number == 11 else 4
            for index in range(joins):
                t = g.at(0.2, 0.3) + index * 0.15 * g.duration_s
                label = again if joins > 1 else None
                accept = {"session_key_id": "AYfg8rhha5n8FWh1/AQ==", "received_at": iso_time(EPOCH_S + t)}
                self._event(t, "join", "join_accept", accept, kind="event", anomaly=label)
        if number == 13:
            body = {"service": "ttn-lw-application-package-v1", "data": {"battery_estimate_days": 310}}
            self._event(g.at(), "service/data", "service_data", body, kind="info")
