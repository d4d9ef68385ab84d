"""What may be sent to this broker, checked before anything is sent.

Owns the checks of a publication and of subscriptions against the rules of MQTT and the broker's CONNACK: brokers answer
a breach by closing the connection, which would hurt everything else on it. Does not send, and does not know access
lists.
"""

from collections.abc import Sequence

from mqtt_mcp.mqtt.client import Capabilities, Properties, Publication, Subscription
from mqtt_mcp.mqtt.errors import PayloadTooLarge, QosNotSupported, Rejected, RetainNotSupported, TopicInvalid
from mqtt_mcp.mqtt.topics import MAX_TOPIC_BYTES, check_text, check_topic_filter, check_topic_name

MAX_REMAINING_BYTES = 268_435_455
"""Largest Remaining Length of a packet (MQTT 5 §1.5.5)."""

MAX_SUBSCRIPTION_IDENTIFIER = 268_435_455


def check_publication(publication: Publication, capabilities: Capabilities) -> None:
    """Check a publication against MQTT and the broker.

    Raises:
        TopicInvalid: The topic, the response topic or another text breaks a rule.
        QosNotSupported: QoS above the broker's Maximum QoS (MQTT-3.2.2-11), or none of 0, 1, 2.
        RetainNotSupported: The broker stores no messages (MQTT-3.2.2-14).
        PayloadTooLarge: The packet is larger than the broker's Maximum Packet Size (MQTT-3.2.2-15) or than MQTT allows.
    """
    check_topic_name(publication.topic)
    if publication.qos not in {0, 1, 2}:
        raise QosNotSupported(f"QoS {publication.qos} does not exist.", "Use 0, 1 or 2.")
    if publication.qos > capabilities.max_qos:
        raise QosNotSupported(
            f"QoS {publication.qos} is above this broker's maximum, QoS {capabilities.max_qos}.",
            f"Publish with QoS {capabilities.max_qos} or lower.",
        )
    if publication.retain and not capabilities.retain_available:
        raise RetainNotSupported("This broker does not store retained messages.", "Publish with retain false.")
    with_properties = publication.properties is not None and capabilities.protocol == "5.0"
    if publication.properties is not None and with_properties:
        _check_properties(publication.properties)
    size = packet_bytes(publication, with_properties=with_properties, v5=capabilities.protocol == "5.0")
    limit = capabilities.max_packet_bytes or MAX_REMAINING_BYTES
    if size > limit:
        raise PayloadTooLarge(
            f"The packet would be {size:,} bytes (payload {len(publication.payload):,}); the limit is {limit:,}.",
            "Send a smaller payload, or several.",
        )


def check_subscriptions(subscriptions: Sequence[Subscription]) -> None:
    """Check the entries of a SUBSCRIBE.

    Raises:
        TopicInvalid: A filter breaks a rule, or there is none (MQTT-3.8.3-2).
        QosNotSupported: A QoS other than 0, 1, 2 (MQTT-3.8.3-5).
        Rejected: A Subscription Identifier outside 0 to 268,435,455 (MQTT 5 §3.8.2.1.2), or a Retain Handling other
            than 0, 1, 2 (§3.8.3.1).
    """
    if not subscriptions:
        raise TopicInvalid("There is no topic filter to subscribe to (MQTT-3.8.3-2).", "Give at least one.")
    for subscription in subscriptions:
        check_topic_filter(subscription.topic_filter)
        if subscription.qos not in {0, 1, 2}:
            raise QosNotSupported(f"QoS {subscription.qos} does not exist.", "Use 0, 1 or 2.")
        if not 0 <= subscription.identifier <= MAX_SUBSCRIPTION_IDENTIFIER:
            raise Rejected(f"Subscription identifier {subscription.identifier} is out of range.")
        if subscription.retain_handling not in {0, 1, 2}:
            raise Rejected(f"Retain Handling {subscription.retain_handling} does not exist.")


def packet_bytes(publication: Publication, *, with_properties: bool, v5: bool) -> int:
    """Size of the PUBLISH packet in bytes (MQTT 5 §3.3), header included."""
    size = 2 + len(publication.topic.encode()) + len(publication.payload) + (2 if publication.qos else 0)
    if v5:
        properties = _property_bytes(publication.properties) if with_properties and publication.properties else 0
        size += _length_bytes(properties) + properties
    return 1 + _length_bytes(size) + size


def _property_bytes(properties: Properties) -> int:
    size = 2 if properties.payload_format_utf8 else 0
    size += 5 if properties.message_expiry_s is not None else 0
    size += sum(3 + len(text.encode()) for text in (properties.content_type, properties.response_topic) if text)
    size += 3 + len(properties.correlation_data) if properties.correlation_data else 0
    return size + sum(5 + len(k.encode()) + len(v.encode()) for k, v in properties.user_properties)


def _length_bytes(size: int) -> int:
    """Bytes of a Variable Byte Integer (MQTT 5 §1.5.5)."""
    return 1 + (size > 127) + (size > 16_383) + (size > 2_097_151)


def _check_properties(properties: Properties) -> None:
    if properties.response_topic:
        check_topic_name(properties.response_topic)
    check_text(properties.content_type, "content type")
    for key, value in properties.user_properties:
        check_text(key, "user property name")
        check_text(value, "user property value")
    if len(properties.correlation_data) > MAX_TOPIC_BYTES:
        raise PayloadTooLarge(
            f"The correlation data is {len(properties.correlation_data):,} bytes; MQTT allows {MAX_TOPIC_BYTES:,}.",
            "Use a shorter one.",
        )
    expiry_s = properties.message_expiry_s
    if expiry_s is not None and not 0 <= expiry_s <= 0xFFFF_FFFF:
        raise Rejected(f"A message expiry of {expiry_s} s is out of range.", "Use 0 to 4,294,967,295 seconds.")
