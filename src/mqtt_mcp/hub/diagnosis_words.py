"""The words of the connection diagnosis: what addresses, ports, certificates and CONNACK mean for a person.

Owns sentences only; measures nothing. Foreign text appears quoted and bounded, credentials never.
"""

from datetime import UTC, datetime

from mqtt_mcp.analysis.text import quote
from mqtt_mcp.hub.stages import Status
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import Capabilities
from mqtt_mcp.mqtt.network import Certificate, PortFacts

SMALL_PACKET_BYTES = 65_536
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PLAIN_PORTS, _TLS_PORTS = {1883}, {8883}
_WEBSOCKET_PORTS = {80, 443, 8080, 8081, 8083, 8084, 9001}


def describe_input(broker: Broker, *, in_container: bool) -> tuple[Status, str, str]:
    """Status, detail and hint for the address itself: scheme against port, ``localhost`` in a container."""
    login = "with a user name" if broker.username else "without a user name"
    detail = f"{broker.url}, {login}."
    if broker.host in _LOOPBACK and in_container:
        hint = "In a container localhost is the container itself: use the service's or the host's name."
        return "warn", f"{detail} We run in a container.", hint
    if broker.tls is None and broker.port in _TLS_PORTS:
        return "warn", f"{detail} Port {broker.port} usually wants TLS.", "Use mqtts://."
    if broker.tls is not None and broker.port in _PLAIN_PORTS:
        return "warn", f"{detail} Port {broker.port} is usually without TLS.", "Use mqtt://, or port 8883."
    if broker.port in _WEBSOCKET_PORTS:
        hint = "WebSocket is not supported: use the broker's MQTT port, usually 1883, or 8883 with TLS."
        return "warn", f"{detail} Port {broker.port} is usually for WebSocket or HTTP.", hint
    return "ok", detail, ""


def describe_certificate(certificate: Certificate | None, now_epoch_s: float) -> str:
    """One sentence about a server's certificate; "" when there is none."""
    if certificate is None:
        return ""
    days = certificate.days_left(now_epoch_s)
    names = ", ".join(quote(name, 60) for name in certificate.names[:5]) or "no name at all"
    more = f" and {len(certificate.names) - 5} more" if len(certificate.names) > 5 else ""
    until = datetime.fromtimestamp(certificate.not_after_epoch_s, UTC).date().isoformat()
    left = f"{days:.0f} days left" if days >= 0 else f"expired {-days:.0f} days ago"
    return (
        f"Certificate for {names}{more}, subject {quote(certificate.subject, 100)}, issued by "
        f"{quote(certificate.issuer, 100)}, valid until {until} ({left})"
        + (f", {certificate.key}." if certificate.key else ".")
    )


def describe_port(facts: PortFacts, broker: Broker) -> tuple[str, str]:
    """Detail and hint for a port that gave no CONNACK."""
    port = broker.port
    hints = {
        "mqtt": f"Use mqtt:// with port {port}: it speaks MQTT without TLS."
        if broker.tls
        else "It speaks MQTT: the fault lies in what it answered to our CONNECT.",
        "tls": f"Use mqtts:// with port {port}: it speaks TLS."
        if broker.tls is None
        else "It speaks TLS: the fault lies in the certificates or in what is behind it.",
        "websocket": "WebSocket is not supported: use the broker's MQTT port, usually 1883, or 8883 with TLS.",
        "http": "This is a web port: use the broker's MQTT port, usually 1883, or 8883 with TLS.",
        "amqp": "This is an AMQP port: enable RabbitMQ's MQTT plug-in and use its port, usually 1883.",
        "redis": "This is a Redis server, not an MQTT broker.",
        "closes": "It may be a load balancer that expects the PROXY protocol, or it does not accept this machine.",
        "silent": "It may be another service, or a broker that hangs.",
        "unreachable": "It stopped accepting connections.",
        "unknown": "It is not an MQTT broker as far as can be told.",
    }
    words = {
        "mqtt": "MQTT",
        "tls": "TLS",
        "websocket": "MQTT over WebSocket",
        "http": "HTTP",
        "amqp": "AMQP",
        "redis": "Redis",
    }
    speaks = (
        f"This port speaks {words[facts.speaks]}." if facts.speaks in words else "What this port speaks is not known."
    )
    return f"{speaks} {facts.evidence}", hints[facts.speaks]


def advice(
    broker: Broker,
    capabilities: Capabilities | None,
    *,
    keepalive_s: int,
    everything_granted: bool,
    certificate_days: float | None,
) -> list[str]:
    """What could be better although it works; empty when there was no CONNACK."""
    if capabilities is None:
        return []
    found = []
    if broker.tls is None and broker.password is not None:
        found.append("The password travels without encryption: use mqtts:// where the broker offers it.")
    if broker.tls is not None and broker.tls.insecure:
        found.append("The certificate is not checked (insecure): set ca_file instead.")
    if broker.username is None and (broker.tls is None or not broker.tls.cert_file):
        found.append(
            "Anybody may connect without a user name"
            + (" and is granted every topic (#)." if everything_granted else ".")
            + " That is fine on a test bench only."
        )
    if certificate_days is not None and certificate_days < 30:
        found.append(f"The certificate expires in {max(0.0, certificate_days):.0f} days.")
    return found + _limits(capabilities, keepalive_s)


def _limits(capabilities: Capabilities, keepalive_s: int) -> list[str]:
    found = []
    if capabilities.protocol == "3.1.1":
        found.append("The broker speaks MQTT 3.1.1 only: no reasons for refusals, no message properties.")
    if capabilities.server_keepalive_s is not None and capabilities.server_keepalive_s != keepalive_s:
        found.append(
            f"The broker demands a keep alive of {capabilities.server_keepalive_s} s; {keepalive_s} s was asked for."
        )
    if capabilities.max_packet_bytes is not None and capabilities.max_packet_bytes < SMALL_PACKET_BYTES:
        found.append(f"The broker takes packets of at most {capabilities.max_packet_bytes} bytes.")
    if capabilities.max_qos < 2:
        found.append(f"The broker supports QoS up to {capabilities.max_qos}.")
    if not capabilities.retain_available:
        found.append("The broker stores no retained messages: the last state of a device cannot be asked for.")
    if not capabilities.wildcard_subscriptions:
        found.append("The broker allows no wildcards: only exact topics can be watched.")
    if capabilities.server_reference:
        found.append(f"The broker points to another server: {quote(capabilities.server_reference)}.")
    return found
