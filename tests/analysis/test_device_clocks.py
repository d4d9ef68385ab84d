"""A clock that disagrees with all others is the wrong one, also when it is ours."""

import json

from mqtt_mcp.analysis.devices.clocks import off_by
from mqtt_mcp.analysis.devices.debug import DebugAccumulator
from mqtt_mcp.analysis.devices.report import DeviceReport
from testkit.messages import feed, message, window

EPOCH_S = 1_790_000_000.0
TWO_MONTHS_S = 62.3 * 86_400


def home(offsets_s: list[float], device: str = "") -> DeviceReport:
    accumulator = DebugAccumulator(device)
    messages = [
        message(f"a/d{at}/data", json.dumps({"ts": EPOCH_S + off_s + t_s}), t_s=t_s)
        for t_s in (1.0, 5.0, 9.0)
        for at, off_s in enumerate(offsets_s)
    ]
    feed(accumulator, messages)
    return accumulator.result(window())


def skewed(report: DeviceReport) -> list[str]:
    return [line.name for line in report.devices if "clock_skew" in line.findings]


def test_when_all_devices_agree_our_clock_is_the_wrong_one():
    """A machine that woke up without a time server, or replayed data: one note instead of a finding for each."""
    report = home([-TWO_MONTHS_S, -TWO_MONTHS_S + 20, -TWO_MONTHS_S - 20, -TWO_MONTHS_S])

    assert skewed(report) == []
    assert "are off alike: 62 days behind" in report.notes[0]
    assert report.notes == home([-TWO_MONTHS_S] * 4, "d1").notes


def test_the_one_that_disagrees_with_the_others_is_still_found():
    """Five agree with each other and not with us; the sixth agrees with nobody."""
    report = home([-TWO_MONTHS_S] * 5 + [-3 * TWO_MONTHS_S])

    assert [name.rpartition("/")[2] for name in skewed(report)] == ["d5"]


def test_two_wrong_clocks_among_right_ones_are_two_findings():
    """No agreement, so it is theirs; the offset is told as a person would."""
    report = home([-TWO_MONTHS_S, -TWO_MONTHS_S, 0.0, 0.0])

    assert len(skewed(report)) == 2
    assert report.notes == []
    assert any("is 62 days behind" in line.worst for line in report.devices)


def test_an_offset_is_told_in_the_unit_a_person_would_take():
    """Both directions."""
    assert [off_by(s) for s in (400.0, -7_300.0, -172_900.0, 100.0)] == [
        "7 minutes ahead",
        "2 hours behind",
        "2 days behind",
        "100 seconds ahead",
    ]
