"""What the listening tools and test_connection answered: a few lines for a person, and whether it is true.

Owns the reading of their results. The checks know the simulated home: they hold names and numbers that only a true
answer can contain.
"""

from typing import Any

from mqtt_mcp.demo import home_tasmota, home_zigbee
from mqtt_mcp.demo.checks import Check, mentions, payload_values, some
from mqtt_mcp.demo.home import CAMERA_TOPIC
from mqtt_mcp.demo.home_zigbee import BASE, CLIMATE, FAILING, FAILING_BATTERY_PERCENT

EXPECTED_TOPICS = (
    f"{BASE}/bridge/devices",
    f"{BASE}/{CLIMATE}",
    f"{BASE}/{home_zigbee.MOTION}",
    f"{BASE}/{home_zigbee.PLUG}",
    f"{BASE}/{FAILING}/availability",
    f"tele/{home_tasmota.PLUG}/LWT",
    f"tele/{home_tasmota.FREEZER}/SENSOR",
    CAMERA_TOPIC,
)
"""Topics that every ten seconds of the home contain."""

EXPECTED_DEVICES = (
    "bridge",
    CLIMATE,
    FAILING,
    home_zigbee.MOTION,
    home_zigbee.PLUG,
    home_tasmota.FREEZER,
    home_tasmota.PLUG,
    CAMERA_TOPIC.rpartition("/")[0],
)


def diagnosis(data: dict[str, Any]) -> list[str]:
    """test_connection."""
    stages = [f"{stage['stage']} {stage['status']} {stage['ms']:.1f} ms" for stage in data["stages"]]
    return [data["verdict"], ", ".join(stages), *some(data["advice"], 2)]


def check_diagnosis(data: dict[str, Any]) -> list[Check]:
    """The broker can be used, and a message of our own came back through it."""
    status = {stage["stage"]: stage["status"] for stage in data["stages"]}
    return [
        Check("no stage of the diagnosis failed", data["ok"] is True and "fail" not in status.values()),
        Check("a message of its own came back through the broker", status.get("loopback") == "ok"),
    ]


def topics(data: dict[str, Any]) -> list[str]:
    """list_topics."""
    observed, rows = data["observed"], [row.split("\t") for row in data["rows"]]
    return [
        f"{observed['topics']} topics, {observed['messages']} messages in {data['window']['elapsed_s']:.0f} s",
        f"recognised: {', '.join(data['conventions'])}",
        *some([f"{row[0]} ({row[1]})" for row in rows], 8),
    ]


def check_topics(data: dict[str, Any]) -> list[Check]:
    """Every topic of the home is listed, in alphabetical order, and the picture is known to be binary."""
    rows = {row.split("\t")[0]: row.split("\t") for row in data["rows"]}
    missing = [topic for topic in EXPECTED_TOPICS if topic not in rows]
    return [
        Check("every topic of the home is there" + (f" (missing: {missing})" if missing else ""), not missing),
        Check("they are in alphabetical order", list(rows) == sorted(rows)),
        Check("it recognised Zigbee2MQTT and Tasmota", mentions(data["conventions"], "zigbee2mqtt", "tasmota")),
        Check("the camera's picture is marked as binary", "B" in rows.get(CAMERA_TOPIC, [""])[-1]),
    ]


def performance(data: dict[str, Any]) -> list[str]:
    """monitor_performance."""
    rates, top = data["traffic"]["rates"], data["traffic"]["top_by_messages"]
    mean, peak = rates["messages_per_s_mean"], rates["messages_per_s_peak"]
    lines = [f"{mean:.1f} messages/s on average, {peak} in the busiest second; busiest topic {top[0]['topic']}"]
    for one in data["probe"]["qos"]:
        median_ms = one["round_trip_ms"]["p50"]
        lines.append(
            f"QoS {one['qos']}: {one['received']} of {one['sent']} probes came back, median {median_ms:.1f} ms"
        )
    return lines + [f"{one['severity']}: {one['evidence']}" for one in data["findings"]]


def check_performance(data: dict[str, Any]) -> list[Check]:
    """The home publishes three to eight messages a second, and no probe was lost."""
    probes = data["probe"]["qos"]
    return [
        Check("the rate is that of the home", 2.0 <= data["traffic"]["rates"]["messages_per_s_mean"] <= 9.0),
        Check("probes of QoS 0, 1 and 2 made the round trip", [one["qos"] for one in probes] == [0, 1, 2]),
        Check("none of them was lost", all(one["sent"] > 0 and one["lost"] == 0 for one in probes)),
        Check("it raises no false alarm", all(one["severity"] not in ("critical", "high") for one in data["findings"])),
    ]


def messages(data: dict[str, Any]) -> list[str]:
    """subscribe_and_collect."""
    kept = data["messages"]
    return [
        f"{data['observed']['messages']} messages, {len(kept)} shown; the last one:",
        f"{kept[-1]['topic']}: {kept[-1]['payload']}",
    ]


def check_messages(data: dict[str, Any]) -> list[Check]:
    """Only the sensor's messages, counted, with a plausible temperature in each."""
    values = [payload_values(one["payload"]) for one in data["messages"]]
    temperatures = [value.get("temperature", 0) for value in values]
    return [
        Check("all messages are the sensor's", {one["topic"] for one in data["messages"]} == {f"{BASE}/{CLIMATE}"}),
        Check("it sends every 3 seconds", 4 <= data["observed"]["messages"] <= 6),
        Check("each holds the living room's temperature", all(20.5 < one < 22.5 for one in temperatures)),
    ]


def schema(data: dict[str, Any]) -> list[str]:
    """get_topic_schema."""
    first = data["schemas"][0]
    fields = [f"{name}: {value.get('type')}" for name, value in first["schema"].get("properties", {}).items()]
    return [f"{first['encoding']}, {first['messages']} messages of {first['template']}", ", ".join(fields)]


def check_schema(data: dict[str, Any]) -> list[Check]:
    """A JSON Schema with the sensor's fields and their types."""
    properties = data["schemas"][0]["schema"].get("properties", {})
    expected = {"temperature": "number", "humidity": "number", "battery": "integer", "last_seen": "string"}
    types = {name: properties.get(name, {}).get("type") for name in expected}
    return [Check("it knows the sensor's fields and their types", types == expected)]


def devices(data: dict[str, Any]) -> list[str]:
    """debug_device for all devices."""
    ill = [one for one in data["devices"] if one.get("findings")]
    well = [one["name"] for one in data["devices"] if not one.get("findings")]
    lines = [f"{one['name']} ({one['availability']}): {', '.join(one['findings'])}" for one in ill]
    return [data["verdict"], *lines, f"nothing wrong with: {', '.join(well)}"]


def check_devices(data: dict[str, Any]) -> list[Check]:
    """The failing sensor is offline with the reasons beside it, and no other device is."""
    offline = [one["name"] for one in data["devices"] if one["availability"] == "offline"]
    reasons = {code for one in data["devices"] if one["name"] == FAILING for code in one.get("findings", [])}
    blamed = {one["name"] for one in data["devices"] if one.get("findings")} - {FAILING, "bridge"}
    names = [one["name"] for one in data["devices"]]
    return [
        Check(
            f"exactly {FAILING} is offline, and the verdict says so",
            offline == [FAILING] and FAILING in data["verdict"],
        ),
        Check("it names empty battery and weak link as reasons", {"battery_low", "link_weak"} <= reasons),
        Check("no healthy device is blamed", not blamed),
        Check("every device of the home is listed once", sorted(names) == sorted(EXPECTED_DEVICES)),
    ]


def device(data: dict[str, Any]) -> list[str]:
    """debug_device for one device."""
    lines = [data["verdict"]]
    for one in data["findings"]:
        lines.append(f"{one['severity']}: {one['title']} {one.get('advice', '')}")
        lines += [f"  > {message}" for message in one.get("messages", [])[:2] if one["code"] == "error_log"]
    return lines


def check_device(data: dict[str, Any]) -> list[Check]:
    """Offline, with the empty battery, the weak link and the bridge's own words as evidence."""
    found = {one["code"]: one for one in data["findings"]}
    return [
        Check("it is offline", data["availability"] == "offline" and "device_offline" in found),
        Check(
            f"its battery is at {FAILING_BATTERY_PERCENT} %",
            found.get("battery_low", {}).get("value") == str(FAILING_BATTERY_PERCENT),
        ),
        Check("its radio link is weak", "link_weak" in found),
        Check("the bridge's own error about it is quoted", mentions(found.get("error_log"), "failed to ping", FAILING)),
    ]
