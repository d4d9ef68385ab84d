"""What a careful colleague would say about a message before it is published.

Owns the conventions that make a publish surprising. Pure; refuses nothing (``hub.policy`` and the MQTT port do).
"""

import msgspec

from mqtt_mcp.mqtt.client import Publication

# Last or any level that programs listen to for orders: Zigbee2MQTT set/get, Tasmota cmnd, Shelly rpc, Home Assistant
# set.
_COMMAND_LAST = frozenset({"set", "get", "cmd", "command", "commands", "rpc", "request", "control", "action", "write"})
_COMMAND_ANY = frozenset({"cmnd"})
_SPARKPLUG_COMMANDS = frozenset({"NCMD", "DCMD"})


def publish_warnings(publication: Publication, *, protocol: str) -> list[str]:
    """Sentences about one publication; they hold no foreign text.

    Args:
        publication: What is about to be published.
        protocol: MQTT version of the connection, ``5.0`` or ``3.1.1``.
    """
    levels = publication.topic.split("/")
    warnings = []
    if publication.topic.startswith("/") or publication.topic.endswith("/"):
        warnings.append("The topic begins or ends with a slash, which makes an empty level: usually a typing mistake.")
    if "//" in publication.topic:
        warnings.append("The topic has an empty level (//): usually a typing mistake.")
    if publication.retain and publication.payload and is_command(levels):
        warnings.append(
            "This looks like a command topic and the message is retained: the broker repeats it to the device at every "
            "reconnect, so the command is executed again and again. Publish with retain false, or clear it afterwards."
        )
    if levels[0] == "homeassistant" and levels[-1] == "config":
        warnings.append(
            "Home Assistant creates, changes or (when empty) removes an entity for messages on homeassistant/…/config."
        )
    if levels[0] == "spBv1.0" and len(levels) > 2 and levels[2] in _SPARKPLUG_COMMANDS:
        warnings.append("Sparkplug B commands (NCMD, DCMD) are protobuf; a device ignores or rejects anything else.")
    if levels[1:3] == ["bridge", "request"]:
        warnings.append("Topics under …/bridge/request administer a Zigbee2MQTT bridge and all of its devices.")
    if publication.payload[:1] in (b"{", b"[") and not _is_json(publication.payload):
        warnings.append("The payload begins like JSON but is not valid JSON.")
    if publication.properties is not None and protocol != "5.0":
        warnings.append(f"The connection speaks MQTT {protocol}, which has no properties: they were left out.")
    return warnings


def is_command(levels: list[str]) -> bool:
    """Whether a topic, split at its slashes, is one that programs take orders on."""
    lowered = [level.lower() for level in levels]
    if lowered[-1] in _COMMAND_LAST or not _COMMAND_ANY.isdisjoint(lowered):
        return True
    # zigbee2mqtt/<device>/set/<attribute>; homie/…/set
    return len(lowered) > 2 and lowered[-2] == "set"


def _is_json(payload: bytes) -> bool:
    try:
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True
