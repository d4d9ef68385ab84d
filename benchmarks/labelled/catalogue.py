"""The scenarios by name."""

from collections.abc import Callable

import msgspec

from benchmarks.labelled.scenarios import (
    aws_shadow,
    chirpstack,
    encodings,
    esphome,
    factory,
    frigate,
    homeassistant,
    homie,
    many_topics,
    mixed_home,
    mixed_plant,
    owntracks,
    shelly,
    sparkplug_plant,
    tasmota,
    ttn,
    zigbee2mqtt,
)
from benchmarks.labelled.trace import Trace


class Scenario(msgspec.Struct, frozen=True):
    """A kind of traffic.

    Attributes:
        name: Its name.
        fill: Emits all messages into a trace.
        duration_s: How long the watch usually is.
    """

    name: str
    fill: Callable[[Trace], None]
    duration_s: float = 300

    def trace(self, seed: int, duration_s: float | None = None) -> Trace:
        """The trace of a seed: the same arguments always give the same bytes."""
        trace = Trace(self.name, seed, duration_s or self.duration_s)
        self.fill(trace)
        return trace.finish()


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("z2m", zigbee2mqtt.fill),
        Scenario("tasmota", tasmota.fill),
        Scenario("owntracks", owntracks.fill),
        Scenario("aws_shadow", aws_shadow.fill),
        Scenario("many_topics", many_topics.fill, 60),
        Scenario("homeassistant", homeassistant.fill),
        Scenario("shelly", shelly.fill),
        Scenario("sparkplug", sparkplug_plant.fill),
        Scenario("esphome", esphome.fill),
        Scenario("chirpstack", chirpstack.fill),
        Scenario("ttn", ttn.fill),
        Scenario("frigate", frigate.fill),
        Scenario("homie", homie.fill),
        Scenario("mixed_home", mixed_home.fill),
        Scenario("mixed_plant", mixed_plant.fill),
        Scenario("encodings", encodings.fill),
        Scenario("factory", factory.fill, 600),
    )
}
