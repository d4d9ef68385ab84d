"""A small simulated home: what its devices publish, as a function of time.

Owns the devices' story and their schedule; the payloads are built in ``home_zigbee.py`` and ``home_tasmota.py``. Pure:
no clock, no I/O, no hidden randomness, so the same seed and the same times always give the same messages. Does not
publish: ``publisher.py`` does.

The story: a Zigbee2MQTT bridge with a climate sensor in the living room, a motion sensor in the kitchen and a
switchable plug; a Tasmota washing-machine plug and freezer sensor; a camera that stores a picture. One Zigbee sensor,
``garden_sensor``, is running out of battery: its link gets weaker with every report, ``FAILURE_S`` seconds after the
start the bridge declares it offline, and goes on logging why.
"""

from collections.abc import Callable, Iterator

import msgspec

from mqtt_mcp.demo import home_tasmota as tasmota
from mqtt_mcp.demo import home_zigbee as zigbee
from mqtt_mcp.demo.pictures import gradient_png
from mqtt_mcp.mqtt.client import Publication

CAMERA_TOPIC = "garage/camera/thumbnail"
FAILURE_S = 9.0
"""Seconds after the start at which the failing sensor is declared offline."""

COMMAND_FILTERS = (f"{zigbee.BASE}/+/set", "cmnd/+/POWER")
"""What the home listens to."""


class Timed(msgspec.Struct, frozen=True):
    """A message of the home and the second after the start at which it is due."""

    t_s: float
    publication: Publication


class _Every(msgspec.Struct, frozen=True):
    """A device's habit: the ``k``-th message is due at ``first_s + k * period_s``, until ``until_s``."""

    first_s: float
    period_s: float
    publication: Callable[[float, int], Publication]
    until_s: float = float("inf")

    def between(self, from_s: float, to_s: float) -> Iterator[Timed]:
        """The messages with ``from_s <= t < to_s``."""
        k = max(0, int((from_s - self.first_s) / self.period_s) - 1)
        while (t_s := self.first_s + k * self.period_s) < min(to_s, self.until_s):
            if t_s >= from_s:
                yield Timed(t_s, self.publication(t_s, k))
            k += 1


class Home:
    """The simulated home.

    Args:
        started_at_epoch_s: Wall-clock time of second 0, for the times inside payloads.
        seed: Another seed gives other values and addresses, the same topics and the same story.
    """

    def __init__(self, started_at_epoch_s: float, *, seed: int = 1) -> None:
        self._zigbee = zigbee.ZigbeeHome(started_at_epoch_s, seed)
        self._tasmota = tasmota.TasmotaHome(started_at_epoch_s, seed)
        self._habits = self._make_habits()

    def stored(self) -> list[Publication]:
        """The retained messages that exist before anything happens."""
        picture = Publication(CAMERA_TOPIC, gradient_png(0), qos=1, retain=True)
        return [*self._zigbee.stored(), *self._tasmota.stored(), picture]

    def between(self, from_s: float, to_s: float) -> list[Timed]:
        """What the devices publish by themselves in ``from_s <= t < to_s``, in order of time."""
        due = [timed for habit in self._habits for timed in habit.between(from_s, to_s)]
        return sorted(due, key=lambda timed: timed.t_s)

    def answer(self, topic: str, payload: bytes, t_s: float) -> list[Publication]:
        """What the home publishes because of a command; empty for what it does not understand.

        Args:
            topic: The command's topic, one that matches ``COMMAND_FILTERS``.
            payload: The command as received.
            t_s: Seconds since the start.
        """
        return self._zigbee.answer(topic, payload, t_s) + self._tasmota.answer(topic, payload)

    def _make_habits(self) -> list[_Every]:
        z, m = self._zigbee, self._tasmota
        return [
            _Every(0.7, 3.0, z.climate),
            _Every(1.9, 4.0, z.motion),
            _Every(0.3, 2.0, lambda t, _: z.plug(t)),
            _Every(1.2, 1.6, z.failing, until_s=FAILURE_S - 1.0),
            _Every(FAILURE_S, 1.0, lambda _t, _k: z.failed(), until_s=FAILURE_S + 0.5),
            _Every(FAILURE_S + 0.1, 4.0, lambda _t, k: z.log_failure(k)),
            _Every(2.5, 5.0, z.log_publish),
            _Every(0.5, 100.0, lambda _t, _k: m.info(1), until_s=1.0),
            _Every(0.6, 100.0, lambda _t, _k: m.info(2), until_s=1.0),
            _Every(0.7, 100.0, lambda _t, _k: m.info(3), until_s=1.0),
            _Every(1.1, 5.0, lambda t, _: m.plug_state(t)),
            _Every(1.3, 3.0, lambda t, _: m.plug_energy(t)),
            _Every(2.1, 5.0, lambda t, _: m.freezer_state(t)),
            _Every(2.3, 3.0, m.freezer_temperature),
            _Every(4.2, 6.0, lambda _t, k: Publication(CAMERA_TOPIC, gradient_png(k + 1), retain=True)),
        ]
