"""The one family of errors that reaches an assistant or a person.

Owns what an error must carry: its kind (for programs), what failed with which value (for everybody) and the next step
to take. Does not know MQTT, MCP or any tool: rooms subclass or raise these, and the wire turns them into ``isError``
results. An error text never contains a credential.
"""

from enum import StrEnum


class ErrorKind(StrEnum):
    """What went wrong, as a word a program can compare."""

    BAD_ARGUMENT = "bad_argument"
    BUSY = "busy"
    COLLECTION_UNKNOWN = "collection_unknown"
    CONFIG = "config"
    CONNECTION_LOST = "connection_lost"
    CONNECTION_REFUSED = "connection_refused"
    CREDENTIALS_REFUSED = "credentials_refused"
    INTERNAL = "internal"
    NOT_ALLOWED_HERE = "not_allowed_here"
    NOT_AUTHORIZED = "not_authorized"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    PROTOCOL_ERROR = "protocol_error"
    QOS_NOT_SUPPORTED = "qos_not_supported"
    REJECTED = "rejected"
    RETAIN_NOT_SUPPORTED = "retain_not_supported"
    SESSION_EXPIRED = "session_expired"
    SESSION_LIMIT = "session_limit"
    SESSION_UNKNOWN = "session_unknown"
    TIMEOUT = "timeout"
    TLS_FAILED = "tls_failed"
    TOPIC_INVALID = "topic_invalid"
    UNREACHABLE = "unreachable"


class ToolError(Exception):
    """A failure that somebody can act on.

    Args:
        kind: The machine-readable kind.
        message: What failed, at which stage, with which value. One sentence, no credentials, foreign text only quoted
            and bounded.
        hint: The next step to take; empty when there is none.
    """

    def __init__(self, kind: ErrorKind, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.kind}: {self.message}"
        return f"{text} {self.hint}" if self.hint else text
