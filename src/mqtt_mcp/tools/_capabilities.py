"""What a broker said about itself, as results show it.

Owns the portable form of ``Capabilities``. Does not interpret it: tools write their own notes.
"""

from typing import Annotated

import msgspec

from mqtt_mcp.analysis.text import clean
from mqtt_mcp.mqtt.client import Capabilities

_TEXT_CHARS = 200


class ShownCapabilities(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """CONNACK's facts (MQTT 5 §3.2.2.3).

    What the broker left out holds the protocol's default and is in ``defaulted``.
    """

    protocol: Annotated[str, msgspec.Meta(description="MQTT version in use: 5.0 or 3.1.1.")]
    max_qos: Annotated[int, msgspec.Meta(description="Highest QoS the broker accepts.")]
    retain_available: Annotated[bool, msgspec.Meta(description="Whether it stores retained messages.")]
    max_packet_bytes: Annotated[
        int | msgspec.UnsetType, msgspec.Meta(description="Largest packet it takes, in bytes; absent: no limit named.")
    ] = msgspec.UNSET
    receive_maximum: Annotated[int, msgspec.Meta(description="QoS 1 and 2 messages it takes unacknowledged.")]
    wildcard_subscriptions: Annotated[bool, msgspec.Meta(description="Whether + and # may be used.")]
    shared_subscriptions: Annotated[bool, msgspec.Meta(description="Whether $share is offered; never used here.")]
    subscription_identifiers: Annotated[bool, msgspec.Meta(description="Whether it tags deliveries.")]
    topic_alias_maximum: Annotated[int, msgspec.Meta(description="Topic aliases it accepts.")] = 0
    server_keepalive_s: Annotated[
        int | msgspec.UnsetType, msgspec.Meta(description="Keep alive it demanded, in seconds.")
    ] = msgspec.UNSET
    assigned_client_id: Annotated[str, msgspec.Meta(description="Client id it chose for us.")] = ""
    server_reference: Annotated[str, msgspec.Meta(description="Another server it points to.")] = ""
    defaulted: Annotated[
        list[str], msgspec.Meta(description="Fields the broker did not send; they hold the protocol's default.")
    ] = msgspec.field(default_factory=list)


def shown_capabilities(capabilities: Capabilities, *, defaulted: bool = True) -> ShownCapabilities:
    """The portable form of ``capabilities``; its texts come from the broker and are cleaned.

    Args:
        capabilities: What CONNACK said.
        defaulted: Whether to list the fields the broker left out: for a diagnosis, not for every day.
    """
    c = capabilities
    return ShownCapabilities(
        protocol=c.protocol,
        max_qos=c.max_qos,
        retain_available=c.retain_available,
        max_packet_bytes=msgspec.UNSET if c.max_packet_bytes is None else c.max_packet_bytes,
        receive_maximum=c.receive_maximum,
        wildcard_subscriptions=c.wildcard_subscriptions,
        shared_subscriptions=c.shared_subscriptions,
        subscription_identifiers=c.subscription_identifiers,
        topic_alias_maximum=c.topic_alias_maximum,
        server_keepalive_s=msgspec.UNSET if c.server_keepalive_s is None else c.server_keepalive_s,
        assigned_client_id=clean(c.assigned_client_id, _TEXT_CHARS),
        server_reference=clean(c.server_reference, _TEXT_CHARS),
        defaulted=sorted(c.defaulted - {"protocol", "reason"}) if defaulted else [],
    )
