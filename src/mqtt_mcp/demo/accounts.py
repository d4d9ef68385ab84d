"""What the session and publishing tools answered: a few lines for a person, and whether it is true.

Owns the reading of the results of establish_connection, publish_message, collection_result, list_active_connections and
close_connection. The listening tools and test_connection are in ``accounts_listening.py``.
"""

from typing import Any

from mqtt_mcp.demo.checks import Check, payload_values
from mqtt_mcp.demo.home_zigbee import BASE, PLUG


def connection(data: dict[str, Any]) -> list[str]:
    """establish_connection."""
    capabilities = data["capabilities"]
    stores = "stores" if capabilities["retain_available"] else "does not store"
    return [
        f"Connected to {data['broker']} with MQTT {data['protocol']}; session {data['session_id']}.",
        f"The broker takes QoS up to {capabilities['max_qos']} and {stores} retained messages.",
        f"The session ends {data['expires_in_s'] / 60:.0f} minutes after its last use.",
    ]


def check_connection(data: dict[str, Any], broker_url: str) -> list[Check]:
    """The session is on the demo's broker, which speaks MQTT 3.1.1."""
    return [
        Check("it is connected to the demo's own broker", data["broker"] == broker_url),
        Check("it found out that this broker speaks MQTT 3.1.1", data["protocol"] == "3.1.1"),
    ]


def published(data: dict[str, Any]) -> list[str]:
    """publish_message."""
    lines = [f"{data['outcome']}: {data['detail']} ({data.get('ack_ms', 0):.1f} ms)"]
    lines += [f"warning: {warning}" for warning in data.get("warnings", [])]
    lines += [
        f"{one['topic']} after {one['after_ms']:.0f} ms: {one['payload']}" for one in data.get("responses", [])[:3]
    ]
    return lines


def check_published(data: dict[str, Any]) -> list[Check]:
    """The broker acknowledged the command and the plug says that it is off."""
    states = [payload_values(one["payload"]).get("state") for one in data.get("responses", [])]
    return [
        Check("the broker acknowledged the command (PUBACK)", data["outcome"] == "acknowledged"),
        Check("the plug itself answered that it is OFF", "OFF" in states),
    ]


def started(data: dict[str, Any]) -> list[str]:
    """subscribe_and_collect that answers before its watch has ended."""
    return [f"Watching ({data['status']}); collection_id {data['collection_id']}."]


def check_started(data: dict[str, Any]) -> list[Check]:
    """The call came back at once with a handle."""
    return [
        Check("the watch runs on and can be fetched later", data["status"] == "running" and bool(data["collection_id"]))
    ]


def collected(data: dict[str, Any]) -> list[str]:
    """collection_result of the watch of the plug."""
    states = [str(state) for state in plug_states(data["result"])]
    return [f"{data['tool']} is {data['status']}; the plug's state in what was kept: {' → '.join(states)}"]


def check_collected(data: dict[str, Any]) -> list[Check]:
    """The watch that ran beside the publish saw the plug go from ON to OFF."""
    states = plug_states(data["result"])
    return [
        Check("the watch has come to its end", data["status"] == "complete"),
        Check("it saw the plug ON first and OFF at the end", states[:1] == ["ON"] and states[-1:] == ["OFF"]),
    ]


def plug_states(result: dict[str, Any]) -> list[Any]:
    """The plug's states in the order in which they were seen, without repetitions."""
    states: list[Any] = []
    for message in result["messages"]:
        state = payload_values(message["payload"]).get("state")
        if message["topic"] == f"{BASE}/{PLUG}" and states[-1:] != [state]:
            states.append(state)
    return states


def sessions(data: dict[str, Any]) -> list[str]:
    """list_active_connections."""
    lines = [
        f"{one['broker']}: {one['state']}, MQTT {one['protocol']}, {one.get('messages_received', 0)} messages, "
        f"{one.get('messages_dropped', 0)} dropped"
        for one in data["sessions"]
    ]
    return [
        *lines,
        f"{len(data['collections'])} collections; publishing is {data['publishing']}; monitor: {data['monitor']}",
    ]


def check_sessions(data: dict[str, Any], session_id: str, monitor_url: str) -> list[Check]:
    """Exactly the session of the tour is open, it lost nothing, and it lives in the hub that can be watched."""
    open_ids = [one["session_id"] for one in data["sessions"]]
    return [
        Check("exactly the tour's session is open", open_ids == [session_id]),
        Check("no message was dropped", all(not one.get("messages_dropped", 0) for one in data["sessions"])),
        Check("the window shares the hub that the monitor shows", data["monitor"] == monitor_url),
    ]


def closed(data: dict[str, Any]) -> list[str]:
    """close_connection."""
    return [
        f"Closed after {data['messages_received']} messages; {data['collections_ended']} collections ended with it."
    ]


def check_closed(data: dict[str, Any]) -> list[Check]:
    """It says that it is closed and has received something."""
    return [Check("the session is closed", data["closed"] is True and data["messages_received"] > 0)]
