"""The odd one among many equal devices is found although it said one thing only."""

from mqtt_mcp.analysis.devices.debug import DebugAccumulator
from testkit.messages import feed, message, window


def fleet(**odd: str) -> DebugAccumulator:
    accumulator = DebugAccumulator("")
    feed(
        accumulator,
        [
            message(f"fleet/v2/{at:012x}/temp", odd.get(f"d{at}", f'{{"value": {20 + at % 7 / 10}, "unit": "C"}}'))
            for at in range(4096, 4096 + 60)
        ],
    )
    return accumulator


def test_one_value_among_sixty_sensors_stands_out():
    """analysis.md section 2.4, outlier across the topics of one template."""
    report = fleet(d4100='{"value": 120.5, "unit": "C"}').result(window())

    assert [(line.name, line.findings) for line in report.devices if line.findings] == [
        ("fleet/v2/000000001004", ["value_outlier"])
    ]


def test_one_text_among_sixty_numbers_stands_out():
    """A sensor that says err."""
    report = fleet(d4100='{"value": "err", "unit": "C"}').result(window())

    assert [line.findings for line in report.devices if line.findings] == [["schema_change"]]


def test_equal_devices_are_all_well():
    """No finding on a healthy fleet."""
    assert not any(line.findings for line in fleet().result(window()).devices)


def test_a_home_in_which_nothing_moves_is_not_called_healthy_without_saying_so():
    """What the broker stored outlives whoever published it."""
    accumulator = DebugAccumulator("")
    feed(accumulator, [message(f"zigbee2mqtt/lamp{at}/availability", "online", retain=True) for at in range(3)])
    assert "nothing live: listen longer" in accumulator.result(window()).verdict

    feed(accumulator, [message("zigbee2mqtt/lamp1", '{"state": "ON"}', t_s=1.0)])
    assert "nothing live" not in accumulator.result(window()).verdict
