"""What the publisher's own retain flag adds: commands that will be replayed, availabilities that nobody keeps."""

from mqtt_mcp.analysis.devices.debug import MAX_TRACKS, DebugAccumulator
from mqtt_mcp.analysis.devices.report import DeviceReport
from testkit.messages import feed, message, window

LIVE = [
    message("a/z7/set", "ON", t_s=5.0),
    message("a/z7/availability", "online", t_s=6.0),
    message("a/z7/state", "ON", t_s=7.0),
]


def report(*retains: str, retain_seen: str = "seen") -> DeviceReport:
    accumulator = DebugAccumulator("z7")
    for topic in retains:
        accumulator.note_live_retained(topic)
    feed(accumulator, LIVE)
    return accumulator.result(window(30.0, retain_seen=retain_seen))


def test_a_live_command_that_its_publisher_wants_stored_is_a_retained_command():
    """It lies on the broker from then on, although this watch saw it live."""
    assert report("a/z7/set").checks["retained_command"] == "fail"
    assert report("a/z7/state").checks["retained_command"] == "pass"


def test_an_availability_without_the_retain_flag_is_told_after_one_message():
    """Seen for certain by the second connection; without it one message proves nothing."""
    assert report("a/z7/set").checks["state_not_retained"] == "fail"
    assert report("a/z7/availability").checks["state_not_retained"] == "pass"
    assert report(retain_seen="unasked").checks["state_not_retained"] == "pass"


def test_topics_of_publishers_that_retain_are_bounded_and_counted():
    """Foreign names, as many as a broker sends: a bound, and their memory is known and can be let go."""
    accumulator = DebugAccumulator("")
    empty = accumulator.kept_bytes
    for number in range(MAX_TRACKS + 50):
        accumulator.note_live_retained(f"topic/{number}")
    accumulator.note_live_retained("x" * 60_000)
    held = accumulator.kept_bytes - empty
    assert MAX_TRACKS * 60 < held < MAX_TRACKS * 200
    accumulator.shrink(1_000)
    assert accumulator.kept_bytes < 5_000  # the estimate of how many topics there were takes 4 KiB


def test_the_verdict_on_all_devices_says_why_and_what():
    """Which device is offline, since when, and what the others have: without reading further."""
    accumulator = DebugAccumulator("")
    traffic = [message(f"a/z{n}/availability", "online", retain=True) for n in (1, 2)]
    traffic += [message("a/z1/availability", "offline", t_s=12.0), message("a/z2/battery", "3", t_s=13.0)]
    feed(accumulator, traffic)
    verdict = accumulator.result(window(30.0)).verdict
    assert '1 of 2 devices is offline: "a/z1".' in verdict
    assert "Offline since 12 s" in verdict
    assert '"a/z2" (battery_low)' in verdict
