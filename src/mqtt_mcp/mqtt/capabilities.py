"""What a CONNACK said about the broker, as a value.

Owns reading the CONNACK properties of MQTT 5 §3.2.2.3. Does not judge a refusal (``reason_codes.py``) or enforce a
limit (``limits.py``).
"""

from typing import Any

from mqtt_mcp.mqtt.client import Capabilities, ProtocolVersion
from mqtt_mcp.mqtt.properties import properties_after

# Field of Capabilities → property identifier and the way from its value.
_FIELDS: dict[str, tuple[int, type]] = {
    "max_qos": (0x24, int),
    "retain_available": (0x25, bool),
    "max_packet_bytes": (0x27, int),
    "receive_maximum": (0x21, int),
    "topic_alias_maximum": (0x22, int),
    "wildcard_subscriptions": (0x28, bool),
    "subscription_identifiers": (0x29, bool),
    "shared_subscriptions": (0x2A, bool),
    "server_keepalive_s": (0x13, int),
    "session_expiry_s": (0x11, int),
    "assigned_client_id": (0x12, str),
    "server_reference": (0x1C, str),
    "reason": (0x1F, str),
}


def read_capabilities(connack: bytes, protocol: ProtocolVersion) -> Capabilities:
    """Read the body of a CONNACK packet (MQTT 5 §3.2).

    Raises:
        ValueError, IndexError: Its properties are malformed.
    """
    if protocol == "3.1.1":
        return Capabilities(
            protocol=protocol,
            subscription_identifiers=False,
            shared_subscriptions=False,
            defaulted=frozenset(_FIELDS),
        )
    properties = properties_after(connack, 2)
    told: dict[str, Any] = {
        field: convert(properties[identifier][0])
        for field, (identifier, convert) in _FIELDS.items()
        if identifier in properties
    }
    return Capabilities(protocol=protocol, defaulted=frozenset(_FIELDS.keys() - told.keys()), **told)
