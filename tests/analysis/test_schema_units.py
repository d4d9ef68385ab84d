"""Where the unit of a number comes from: announced elsewhere, named beside it or above, told by its key or text."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.analysis.schema.fields import field_line, fields, scope_for
from mqtt_mcp.analysis.schema.listening import SchemaAccumulator
from mqtt_mcp.analysis.schema.units import MAX_UNITS, AnnouncedUnits, announces, template_path
from testkit.messages import message, window

START_EPOCH_S = 1_790_000_000.0


def units_of(topic: str, *messages: tuple[str, Any]) -> dict[str, str]:
    """Path → unit in the schema of the group that ``topic`` is in."""
    accumulator = SchemaAccumulator(max_chars=100_000)
    for at, (name, payload) in enumerate(messages):
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        accumulator.add(message(name, raw.decode(), t_s=float(at)), float(at))
    schemas = accumulator.result(window()).schemas
    schema = next(one.schema for one in schemas if topic in one.example_topics)
    found: dict[str, str] = {}
    stack = [("", schema)]
    while stack:
        path, one = stack.pop()
        if "unit" in one.get("x-mqtt", {}):
            found[path] = one["x-mqtt"]["unit"]
        stack += [(f"{path}.{key}".lstrip("."), below) for key, below in one.get("properties", {}).items()]
    return found


def test_home_assistant_discovery_tells_units_by_value_template():
    """State topic and template lead to the field; long and short names, and ``~`` for the base topic."""
    found = units_of(
        "tele/plug/SENSOR",
        (
            "homeassistant/sensor/plug_power/config",
            {
                "stat_t": "~SENSOR",
                "~": "tele/plug/",
                "val_tpl": "{{ value_json['ENERGY']['Power'] }}",
                "unit_of_meas": "W",
            },
        ),
        (
            "homeassistant/sensor/plug/total/config",
            {
                "state_topic": "tele/plug/SENSOR",
                "value_template": "{{ value_json.ENERGY.Total | float }}",
                "unit_of_measurement": "kWh",
            },
        ),
        ("tele/plug/SENSOR", {"ENERGY": {"Power": 12, "Total": 3.5, "Factor": 0.9}}),
    )

    assert found == {"ENERGY.Power": "W", "ENERGY.Total": "kWh"}


def test_home_assistant_device_discovery_tells_the_units_of_its_components():
    """One configuration with ``cmps`` and a state topic for all of them; a value without template is the payload."""
    found = units_of(
        "x/climate",
        (
            "homeassistant/device/climate/config",
            {
                "state_topic": "x/climate",
                "cmps": {
                    "t": {"p": "sensor", "unit_of_measurement": "°C", "value_template": "{{ value_json.t }}"},
                    "h": {"p": "sensor", "unit_of_measurement": "%", "value_template": "{{ value_json.h }}"},
                    "other": {"p": "sensor", "unit_of_measurement": "V", "state_topic": "x/voltage"},
                },
            },
        ),
        ("x/climate", {"t": 21.5, "h": 40}),
    )

    assert found == {"t": "°C", "h": "%"}


def test_homie_tells_the_unit_of_a_property_on_its_own_topic_or_in_the_description():
    """Versions 4 and 5 of the convention."""
    four = units_of(
        "homie/therm/air/temperature",
        ("homie/therm/air/temperature/$unit", b"\xc2\xb0C"),
        ("homie/therm/air/temperature", b"21.5"),
    )
    five = units_of(
        "homie/5/therm/air/temperature",
        ("homie/5/therm/$description", {"nodes": {"air": {"properties": {"temperature": {"unit": "°C"}}}}}),
        ("homie/5/therm/air/temperature", b"21.5"),
    )

    assert four == five == {"": "°C"}


def test_zigbee2mqtt_tells_units_in_the_list_of_its_devices():
    """``definition.exposes``, nested features included."""
    exposes = [
        {"property": "temperature", "unit": "°C"},
        {"type": "climate", "features": [{"property": "setpoint", "unit": "°C"}]},
        {"property": "state"},
    ]
    found = units_of(
        "zigbee2mqtt/th",
        ("zigbee2mqtt/bridge/devices", [{"friendly_name": "th", "definition": {"exposes": exposes}}]),
        ("zigbee2mqtt/th", {"temperature": 20.5, "setpoint": 21, "state": 1}),
    )

    assert found == {"temperature": "°C", "setpoint": "°C"}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"value": 21.5, "unit": "celsius", "ts": 1_790_000_000}, {"value": "°C", "ts": "s"}),
        ({"temperature": 21.5, "unit_of_measurement": "°C"}, {"temperature": "°C"}),
        ({"a": 1, "b": 2, "unit": "V"}, {}),
        ({"AM2301": {"Temperature": 20, "DewPoint": 9.1, "Humidity": 40}, "TempUnit": "C"},
         {"AM2301.Temperature": "°C", "AM2301.DewPoint": "°C"}),
        ({"pressure": 1013, "pressure_unit": "hPa"}, {"pressure": "hPa"}),
        ({"flow_lpm": 2.5, "uptime_s": 8, "tC": 21, "energy_kwh": 3}, {
            "flow_lpm": "l/min", "uptime_s": "s", "tC": "°C", "energy_kwh": "kWh"}),
        ({"rssi": -60, "Wifi": {"RSSI": 80}}, {"rssi": "dBm"}),
        ({"t": "21.5 °C"}, {"t": "°C"}),
    ],
)  # fmt: skip
def test_a_message_tells_units_beside_or_in_its_values(payload, expected):
    """Siblings, keys such as TempUnit further up, suffixes, and text."""
    assert units_of("a/b", ("a/b", payload), ("a/b", payload)) == expected


def test_topics_of_one_template_that_disagree_have_no_announced_unit():
    """°C on one thermometer and °F on the next: the schema of both says neither."""
    announced = AnnouncedUnits()
    announced.take("h/a/x/$unit", "°C")
    announced.take("h/b/x/$unit", "°F")

    assert announced.of(("h/a/x",)) == {(): "°C"}
    assert announced.of(("h/a/x", "h/b/x")) == {}


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("{{ value_json.a.b }}", ("a", "b")),
        ("{{ value_json['a b'][\"c\"] | round(1) }}", ("a b", "c")),
        ("{{ value_json.list[0].x }}", ("list", "[]", "x")),
        ("{{ value }}", ()),
        ("{{ value_json.a + value_json.b }}", None),
        ("{{ value_json | tojson }}", None),
        (7, None),
    ],
)
def test_a_value_template_that_reads_one_field_names_it(template, path):
    """Anything cleverer is unclear, not guessed."""
    assert template_path(template) == path


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["~", "stat_t", "state_topic", "unit_of_meas", "val_tpl", "cmps", "nodes", "properties", "unit",
                         "definition", "exposes", "features", "property", "friendly_name"]),
        inner, max_size=5,
    ),
)  # fmt: skip


@given(topic=st.sampled_from(["a/config", "a/$unit", "a/$description", "a/bridge/devices"]), value=ANYTHING)
def test_no_announcement_whatever_it_holds_does_harm(topic, value):
    """Foreign data: passed over when it is not understood."""
    announced = AnnouncedUnits()
    assert announces(topic)
    announced.take(topic, value)
    announced.take_list("a", str(value))

    assert announced.held_bytes >= 0


def test_announcements_are_bounded():
    """A flood of configurations takes no more than its share."""
    announced = AnnouncedUnits()
    for at in range(MAX_UNITS + 500):
        announced.take(f"n{at}/$unit", "W")

    assert announced.of((f"n{MAX_UNITS - 1}",)) == {(): "W"}
    assert announced.of((f"n{MAX_UNITS}",)) == {}


def test_a_summary_shows_the_unit_too():
    """The line of a field and its schema agree."""
    accumulator = SchemaAccumulator()
    for at in range(3):
        accumulator.add(message("a/b", '{"value": 2.5, "unit": "bar"}', t_s=float(at)), float(at))
    (group,) = accumulator.groups()
    lines = [field_line(one) for one in fields(group.profile, scope=scope_for({}, START_EPOCH_S))]

    assert lines[1] == "value  number  always  2.5 bar"
