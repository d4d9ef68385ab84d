"""What the broker's numbers mean, and which failure each one is.

Owns the reason codes of MQTT 5 §2.4 and the CONNACK return codes of MQTT 3.1.1 §3.2.2.3 in words for people, and
the way from a code to a typed error. Does not read packets.
"""

from mqtt_mcp.mqtt.client import ProtocolVersion
from mqtt_mcp.mqtt.errors import (
    ConnectionLost,
    ConnectionRefused,
    CredentialsRefused,
    MqttError,
    NotAuthorized,
    PayloadTooLarge,
    ProtocolFailed,
    QosNotSupported,
    Rejected,
    RetainNotSupported,
    TopicInvalid,
)

FAILURE = 0x80
"""Codes from here on are refusals (MQTT 5 §2.4)."""

NO_MATCHING_SUBSCRIBERS = 0x10

_V5 = {
    0x00: "success",
    0x01: "granted QoS 1",
    0x02: "granted QoS 2",
    0x04: "disconnected with will message",
    0x10: "no matching subscribers",
    0x11: "no subscription existed",
    0x18: "continue authentication",
    0x19: "re-authenticate",
    0x80: "unspecified error",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x83: "implementation specific error",
    0x84: "unsupported protocol version",
    0x85: "client identifier not valid",
    0x86: "bad user name or password",
    0x87: "not authorized",
    0x88: "server unavailable",
    0x89: "server busy",
    0x8A: "banned",
    0x8B: "server shutting down",
    0x8C: "bad authentication method",
    0x8D: "keep alive timeout",
    0x8E: "session taken over by another connection with the same client id",
    0x8F: "topic filter invalid",
    0x90: "topic name invalid",
    0x91: "packet identifier in use",
    0x92: "packet identifier not found",
    0x93: "receive maximum exceeded",
    0x94: "topic alias invalid",
    0x95: "packet too large",
    0x96: "message rate too high",
    0x97: "quota exceeded",
    0x98: "administrative action",
    0x99: "payload format invalid",
    0x9A: "retain not supported",
    0x9B: "QoS not supported",
    0x9C: "use another server",
    0x9D: "server moved",
    0x9E: "shared subscriptions not supported",
    0x9F: "connection rate exceeded",
    0xA0: "maximum connect time reached",
    0xA1: "subscription identifiers not supported",
    0xA2: "wildcard subscriptions not supported",
}
_V311_CONNACK = {
    0: "accepted",
    1: "unacceptable protocol version",
    2: "client identifier rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}
_CREDENTIALS = {4, 5, 0x86, 0x87, 0x8A, 0x8C}
_TRANSIENT = {3, 0x88, 0x89, 0x97, 0x9F}
_BY_CODE: dict[int, type[MqttError]] = {
    0x81: ProtocolFailed,
    0x82: ProtocolFailed,
    0x87: NotAuthorized,
    0x8F: TopicInvalid,
    0x90: TopicInvalid,
    0x95: PayloadTooLarge,
    0x9A: RetainNotSupported,
    0x9B: QosNotSupported,
}
_HINTS = {
    0x87: "The broker's access list decides; use a user that may, or another topic.",
    0x95: "Send less; capabilities.max_packet_bytes is the limit.",
    0x97: "The broker limits how much this user may use; wait, or ask its operator.",
    0x9B: "Use a lower QoS.",
    0xA2: "Name exact topics instead of wildcards.",
}


def meaning(code: int) -> str:
    """The words for an MQTT 5 reason code other than of SUBACK (MQTT 5 §2.4)."""
    return _V5.get(code, "unknown reason code")


def connack_meaning(code: int, protocol: ProtocolVersion = "5.0") -> str:
    """The words for a CONNACK reason code (MQTT 5 §3.2.2.2) or return code (MQTT 3.1.1 §3.2.2.3)."""
    return meaning(code) if protocol == "5.0" else _V311_CONNACK.get(code, "unknown return code")


def suback_meaning(code: int) -> str:
    """The words for a SUBACK code (MQTT 5 §3.9.3, MQTT 3.1.1 §3.9.3): the granted QoS or why it was refused."""
    if code == FAILURE:
        return "refused; the broker gave no reason"
    return "granted QoS 0" if code == 0 else meaning(code)


def spoken(code: int) -> str:
    """Code and words together, for messages: ``not authorized (0x87)``."""
    return f"{meaning(code)} (0x{code:02X})"


def raise_for_code(code: int, what: str) -> None:
    """Raise the failure that a reason code of SUBACK, UNSUBACK, PUBACK, PUBREC or PUBCOMP stands for.

    Args:
        code: Reason code; below 0x80 nothing is raised.
        what: What was refused, as the beginning of a sentence: ``The publish to 'a/b'``.

    Raises:
        NotAuthorized, TopicInvalid, PayloadTooLarge, QosNotSupported, RetainNotSupported, ProtocolFailed, Rejected.
    """
    if code >= FAILURE:
        error = _BY_CODE.get(code, Rejected)
        raise error(f"{what} was refused by the broker: {spoken(code)}.", _HINTS.get(code, ""), reason_code=code)


def refused_connect(code: int, protocol: ProtocolVersion, address: str) -> MqttError:
    """The failure for a CONNACK code other than 0.

    Args:
        code: Reason code, or return code on MQTT 3.1.1.
        protocol: Version of the CONNECT it answers.
        address: Broker without credentials: ``mqtt://host:port``.
    """
    if code in _CREDENTIALS:
        # The same words for every such code: which part was wrong must not be told.
        return CredentialsRefused(
            f"{address} refused the login.",
            "Check user name and password of this broker, that the user exists and may connect; "
            "the broker's own log tells more.",
            reason_code=code,
        )
    words = connack_meaning(code, protocol)
    hint = "Try again in a while." if code in _TRANSIENT else ""
    if code in {2, 0x85}:
        hint = "The broker does not accept our client id; its configuration may demand a prefix."
    if code in {0x9C, 0x9D}:
        hint = "The broker asks to use another server; connect to that one."
    return ConnectionRefused(f"{address} refused the connection: {words} (0x{code:02X}).", hint, reason_code=code)


def lost_connection(code: int | None, address: str) -> MqttError:
    """The failure for a connection that ended: by a DISCONNECT packet with ``code``, or without one (None)."""
    if code is None:
        return ConnectionLost(
            f"The connection to {address} ended without a word from the broker.",
            "It stopped, the network broke, or it closes connections it does not like (its log tells).",
        )
    error = ProtocolFailed if code in {0x81, 0x82} else ConnectionLost
    hint = "Another client uses the same client id." if code == 0x8E else _HINTS.get(code, "")
    words = spoken(code) if code else "it said goodbye without a reason (0x00)"
    return error(f"{address} ended the connection: {words}.", hint, reason_code=code)
