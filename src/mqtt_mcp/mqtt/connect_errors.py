"""What went wrong while connecting, in words a person can act on.

Owns the way from what the operating system, TLS or silence said to one typed failure with a hint. Pure: it opens
nothing, so the connection diagnosis uses it too. Never holds credentials.
"""

import errno
import os
import socket
import ssl

from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.errors import ConnectionLost, MqttError, TimedOut, TlsFailed, Unreachable

_OS_HINTS = {
    errno.ECONNREFUSED: "Nothing listens there: check the port, and that the broker runs and listens on this address.",
    errno.EHOSTUNREACH: "The host is off, or not on this network.",
    errno.ENETUNREACH: "This machine has no route to that network.",
    errno.ETIMEDOUT: "The host is off, or a firewall drops the packets.",
}
_TIMEOUT_HINTS = {
    "dns": "The name server does not answer; try the IP address.",
    "tcp": "The host is off, or a firewall drops the packets.",
    "tls": "The port may not speak TLS (try mqtt:// and 1883), or the broker hangs.",
    "CONNACK": "The port may speak TLS (try mqtts:// and 8883) or WebSocket, or the broker hangs.",
}
_ALERTS = {
    "CERTIFICATE_REQUIRED": "the broker demands a client certificate",
    "HANDSHAKE_FAILURE": "the broker refused the handshake; it may demand a client certificate",
    "UNKNOWN_CA": "the broker does not know the issuer of our client certificate",
    "BAD_CERTIFICATE": "the broker does not accept our client certificate",
    "CERTIFICATE_UNKNOWN": "the broker does not accept our client certificate",
    "CERTIFICATE_EXPIRED": "the broker says that our client certificate has expired",
    "CERTIFICATE_REVOKED": "the broker says that our client certificate was revoked",
    "PROTOCOL_VERSION": "the broker offers only TLS versions older than 1.2",
    "UNSUPPORTED_PROTOCOL": "the broker offers only TLS versions older than 1.2",
    "UNRECOGNIZED_NAME": "the broker has no certificate for this host name",
}
_PLAIN_PEER = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_EOF", "HTTP_REQUEST", "PACKET_LENGTH")
_TRUST_HINT = "If this broker has its own CA, set ca_file to that CA's certificate."


def unreachable(error: BaseException, broker: Broker) -> MqttError:
    """The failure for a name that does not resolve or a TCP connection that does not come about."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return Unreachable(
            f"The host name {broker.host!r} cannot be resolved ({_os_words(error)}).",
            "Check the spelling, or try the IP address.",
        )
    if isinstance(error, TimeoutError) and not error.errno:
        return Unreachable(f"{_place(broker)} does not answer.", _OS_HINTS[errno.ETIMEDOUT])
    number = error.errno if isinstance(error, OSError) else None
    return Unreachable(f"{_place(broker)} cannot be reached: {_os_words(error)}.", _OS_HINTS.get(number or 0, ""))


def tls_failed(error: BaseException, broker: Broker) -> MqttError:
    """The failure for a TLS handshake or certificate check that failed; names the check."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_failed(error, broker)
    reason = (getattr(error, "reason", None) or "").upper()
    words = next((words for part, words in _ALERTS.items() if part in reason), "")
    if words:
        hint = "Set cert_file and key_file of this broker." if "client certificate" in words else ""
        return TlsFailed(f"TLS with {_place(broker)} failed: {words}.", hint)
    broken_off = isinstance(error, ConnectionError) or any(part in reason for part in _PLAIN_PEER)
    if broken_off:
        return TlsFailed(
            f"TLS with {_place(broker)} failed: the peer does not speak TLS or broke off the handshake.",
            "If this is a plain port use mqtt:// (usually 1883); TLS is usually on 8883.",
        )
    detail = reason.replace("_", " ").lower() or _os_words(error)
    return TlsFailed(f"TLS with {_place(broker)} failed: {detail}.")


def hung_up(error: BaseException | None, broker: Broker) -> MqttError:
    """The failure for a peer that closed the connection instead of answering CONNECT."""
    if broker.tls is not None and isinstance(error, ssl.SSLError):
        return tls_failed(error, broker)  # TLS 1.3 reports a missing client certificate after the handshake
    if broker.tls is None:
        hint = "If this port speaks TLS use mqtts:// (usually 8883); WebSocket ports (8080, 9001) are not supported."
    else:
        hint = "The broker may demand a client certificate, or this is not an MQTT port."
    return ConnectionLost(f"{_place(broker)} closed the connection without answering CONNECT.", hint)


def timed_out(stage: str, seconds: float, broker: Broker) -> TimedOut:
    """The failure for an answer that did not come while connecting.

    Args:
        stage: ``dns``, ``tcp``, ``tls`` or ``CONNACK``.
        seconds: How long the whole attempt took.
        broker: Where.
    """
    waited = {"dns": "resolve the name", "tcp": "accept the connection", "tls": "finish the TLS handshake"}
    what = f"did not {waited[stage]}" if stage in waited else f"sent no {stage}"
    message = f"{_place(broker)} {what} within {seconds:g} s."
    if stage == "dns":
        message = f"The host name {broker.host!r} was not resolved within {seconds:g} s."
    return TimedOut(message, _TIMEOUT_HINTS.get(stage, ""), stage=stage, seconds=seconds)


def _certificate_failed(error: ssl.SSLCertVerificationError, broker: Broker) -> MqttError:
    # X509_V_ERR_* of OpenSSL: stable numbers, unlike its sentences.
    checks = {
        9: ("is not valid yet", "Check the clock of this machine and the certificate's dates."),
        10: ("has expired", "The broker's operator has to renew it; check the clock of this machine too."),
        18: ("is self-signed and not trusted", "Set ca_file to that certificate to trust it."),
        19: ("comes from a CA of its own that is not trusted", _TRUST_HINT),
        20: ("comes from an issuer that is not known here", _TRUST_HINT),
        21: ("comes from an issuer that is not known here", _TRUST_HINT),
        62: (f"is not for the host name {broker.host!r}", "Use the host name that the certificate was made for."),
        64: (f"is not for the IP address {broker.host!r}", "Use the host name that the certificate was made for."),
    }
    words, hint = checks.get(error.verify_code, (f"was not accepted ({error.verify_message})", ""))
    return TlsFailed(f"The certificate of {_place(broker)} {words}.", hint)


def _place(broker: Broker) -> str:
    host = f"[{broker.host}]" if ":" in broker.host else broker.host
    return f"{host}:{broker.port}"


def _os_words(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return error.strerror or "no address"
    if isinstance(error, UnicodeError):
        return "not a valid host name"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__
