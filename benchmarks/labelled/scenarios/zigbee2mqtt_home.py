"""Who lives in the Zigbee2MQTT home, what is wrong with whom, and how its topics are published."""

import json
from typing import Any

from benchmarks.labelled.trace import Once, Trace
from benchmarks.labelled.truth import Anomaly

BASE = "zigbee2mqtt"
_CLIMATE = (
    *("living_room/climate", "bedroom_climate", "bath_climate", "garden_temp"),
    *("fridge", "freezer", "attic", "cellar"),
)
KINDS = {
    **dict.fromkeys(_CLIMATE, "climate"),
    **dict.fromkeys(("tv_plug", "washer_plug", "dryer_plug", "desk_plug", "kitchen_plug", "heater_plug"), "plug"),
    **dict.fromkeys(("hall_motion", "stairs_motion", "garage_motion"), "motion"),
    **dict.fromkeys(("front_door", "back_door", "window_office"), "contact"),
    **dict.fromkeys(("bed_lamp", "sofa_lamp", "desk_lamp"), "light"),
    **dict.fromkeys(("bath_leak", "washer_leak"), "leak"),
    "hall_smoke": "smoke",
    "remote_hall": "remote",
    "study_trv": "trv",
}
STUCK = "attic"


class Home:
    """The devices, and the choice of the ones that fail.

    Attributes:
        g: The trace.
        kinds: Kind of each device by friendly name.
        ieee: Address of each device.
        offline_at: When the plug ``offline`` stops.
        silence: When the sensor ``silent`` says nothing.
    """

    def __init__(self, g: Trace) -> None:
        self.g, self.kinds = g, KINDS
        self.ieee = {name: f"0x00158d{g.random.getrandbits(40):010x}" for name in KINDS}
        self.spiked = self.low = self.offline = self.flapper = self.variant = self.silent = ""
        self.offline_at = 0.0
        self.spike = self.odd = Once(0.0)
        self.silence = (0.35 * g.duration_s, 0.95 * g.duration_s)

    def choose(self) -> None:
        """Choose who fails how and when."""
        g = self.g
        self.spiked = self._one("climate", "freezer")
        self.spike = Once(g.at())
        self.low = g.random.choice([n for n, k in KINDS.items() if k in {"contact", "motion"} and n != "hall_motion"])
        self.offline, self.flapper = self._one("plug"), self._one("light")
        self.offline_at = g.at(0.3, 0.7)
        self.variant = self._one("climate", self.spiked, STUCK)
        self.odd = Once(g.at())
        self.silent = self._one("climate", self.spiked, STUCK, self.variant)
        g.finding(STUCK, "stuck_value", "medium", "temperature and humidity never change over the whole watch")
        note = "no messages between {:.0f}s and {:.0f}s although it reported every ~15 s before".format(*self.silence)
        g.finding(self.silent, "silence_gap", "high", note)

    def _one(self, kind: str, *without: str) -> str:
        return self.g.random.choice([name for name, k in KINDS.items() if k == kind and name not in without])

    def publish(
        self, t: float, name: str, reading: dict[str, Any], struct: str, *, kind: str = "telemetry", **more: Any
    ) -> None:
        """A state of a device, now and then with the line it leaves in the bridge's log."""
        template = BASE + "/{device}"
        self.g.emit(t, f"{BASE}/{name}", reading, kind=kind, struct=struct, template=template, device=name, **more)
        if self.g.random.random() < 0.12:
            text = f"z2m:mqtt: MQTT publish: topic '{BASE}/{name}', payload '{json.dumps(reading)}'"
            self.log(t + 0.004, "info", text)

    def log(self, t: float, level: str, text: str, anomaly: Anomaly | None = None) -> None:
        """A line of the bridge's log."""
        self.bridge(t, "logging", {"level": level, "message": text}, "log." + level, kind="log", anomaly=anomaly)

    def bridge(self, t: float, rest: str, payload: Any, struct: str, *, kind: str = "info", **more: Any) -> None:
        """A message of the bridge."""
        topic = f"{BASE}/bridge/{rest}"
        self.g.emit(t, topic, payload, kind=kind, struct=struct, template=topic, device="bridge", **more)

    def availability(
        self, t: float, name: str, state: str, *, stored: bool = False, anomaly: Anomaly | None = None
    ) -> None:
        """The availability of a device; it is always published retained."""
        self.g.emit(
            t,
            f"{BASE}/{name}/availability",
            {"state": state},
            kind="availability",
            struct="availability",
            template=BASE + "/{device}/availability",
            device=name,
            retain=stored,
            retained_pub=True,
            change="state:" + state,
            anomaly=anomaly,
        )
