"""Typed failures of the MQTT port, each with the next step to take.

Owns the mapping from what can go wrong between us and a broker to one exception class each. Both implementations of the
port (gmqtt and the in-memory broker of the tests) raise exactly these; nothing above the port sees an ``OSError``, an
``ssl.SSLError`` or a reason code by number only. No message ever holds a user name or a password.
"""

from typing import ClassVar

from mqtt_mcp.errors import ErrorKind, ToolError


class MqttError(ToolError):
    """Base of all failures of the MQTT port.

    Args:
        message: What failed, at which stage, with which value.
        hint: The next step to take.
        reason_code: The MQTT reason code or CONNACK return code behind it, when the broker sent one.
    """

    KIND: ClassVar[ErrorKind] = ErrorKind.PROTOCOL_ERROR

    def __init__(self, message: str, hint: str = "", *, reason_code: int | None = None) -> None:
        super().__init__(self.KIND, message, hint)
        self.reason_code = reason_code


class Unreachable(MqttError):
    """No TCP connection: names host, port and what the operating system said."""

    KIND = ErrorKind.UNREACHABLE


class TlsFailed(MqttError):
    """The TLS handshake or a certificate check failed: names the check."""

    KIND = ErrorKind.TLS_FAILED


class CredentialsRefused(MqttError):
    """CONNACK refused user name or password. Says nothing about which part was wrong and echoes neither."""

    KIND = ErrorKind.CREDENTIALS_REFUSED


class ConnectionRefused(MqttError):
    """CONNACK refused the connection for a reason other than credentials."""

    KIND = ErrorKind.CONNECTION_REFUSED


class ConnectionLost(MqttError):
    """An established connection ended without our asking; ``reason_code`` is set when the broker sent DISCONNECT."""

    KIND = ErrorKind.CONNECTION_LOST


class TimedOut(MqttError):
    """No answer in time.

    Args:
        stage: What was waited for: ``dns``, ``tcp``, ``tls``, ``CONNACK``, ``SUBACK``, ``UNSUBACK``, ``PUBACK``,
        ``PUBCOMP``,
            ``PINGRESP``; ``write`` and ``window`` when nothing was sent because the broker did not read or acknowledge.
        seconds: How long was waited.
    """

    KIND = ErrorKind.TIMEOUT

    def __init__(self, message: str, hint: str = "", *, stage: str, seconds: float) -> None:
        super().__init__(message, hint)
        self.stage = stage
        self.seconds = seconds


class NotAuthorized(MqttError):
    """SUBACK, PUBACK or PUBREC said 0x87: the broker's access list forbids it."""

    KIND = ErrorKind.NOT_AUTHORIZED


class TopicInvalid(MqttError):
    """A topic name or topic filter breaks a rule of MQTT 5 §4.7: names the rule and the character."""

    KIND = ErrorKind.TOPIC_INVALID


class PayloadTooLarge(MqttError):
    """The packet exceeds the broker's Maximum Packet Size: names size and limit."""

    KIND = ErrorKind.PAYLOAD_TOO_LARGE


class QosNotSupported(MqttError):
    """The QoS is above the broker's Maximum QoS."""

    KIND = ErrorKind.QOS_NOT_SUPPORTED


class RetainNotSupported(MqttError):
    """The broker does not store retained messages (Retain Available = 0)."""

    KIND = ErrorKind.RETAIN_NOT_SUPPORTED


class Rejected(MqttError):
    """Any other reason code of 0x80 and above, with its meaning."""

    KIND = ErrorKind.REJECTED


class ProtocolFailed(MqttError):
    """The peer broke the protocol or said that we did (0x81, 0x82)."""

    KIND = ErrorKind.PROTOCOL_ERROR
