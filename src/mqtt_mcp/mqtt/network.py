"""The network port: what may be learnt about a host and a port before, beside and without MQTT.

Owns the facts of name resolution, TCP, TLS and of what a port speaks, and ``NetworkProbe``, the protocol that finds
them. Faults are values here, never exceptions: a diagnosis goes on after one. No method ever sends a credential. Does
not open sockets (``network_probe.py`` does) and does not judge (``hub/diagnosis.py`` does).
"""

from typing import Literal, Protocol

import msgspec

from mqtt_mcp.mqtt.broker_url import Tls

Speaks = Literal["mqtt", "tls", "websocket", "http", "amqp", "redis", "closes", "silent", "unreachable", "unknown"]


class Fault(msgspec.Struct, frozen=True):
    """Why a step failed.

    Attributes:
        code: A word for programs: ``name_unknown``, ``refused``, ``certificate_expired`` …
        detail: One sentence with what the operating system or the TLS library said.
        hint: The next step to take.
    """

    code: str
    detail: str
    hint: str = ""


class NameFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The addresses of a name, in the order the system prefers them; empty with a ``fault``."""

    addresses: tuple[str, ...] = ()
    elapsed_s: float = 0.0
    fault: Fault | None = None


class TcpFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A TCP connection that was made and closed again: to which address, in what time."""

    address: str = ""
    elapsed_s: float = 0.0
    fault: Fault | None = None


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What an X.509 certificate says (RFC 5280 §4.1); every text was written by whoever made it.

    Attributes:
        subject, issuer: Names as ``CN=…, O=…``.
        names: Subject Alternative Names: DNS names and IP addresses, at most 50.
        not_before_epoch_s, not_after_epoch_s: Validity.
        key: Kind and size of the public key: ``RSA 2048``, ``EC``, ``Ed25519``; "" when not known.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before_epoch_s: float
    not_after_epoch_s: float
    key: str = ""

    def days_left(self, now_epoch_s: float) -> float:
        """Days until the certificate expires, negative when it has."""
        return (self.not_after_epoch_s - now_epoch_s) / 86_400


class TlsFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A TLS handshake, closed again without a byte of MQTT.

    Attributes:
        version, cipher: As negotiated: ``TLSv1.3``, ``TLS_AES_256_GCM_SHA384``.
        verified: Certificate chain and host name were checked and are right.
        verify_code: OpenSSL's X509_V_ERR number of a failed check, 0 otherwise.
        certificate: The server's certificate, also of one that failed its check; None when it could not be read.
        elapsed_s: TCP connect and handshake together.
    """

    version: str = ""
    cipher: str = ""
    verified: bool = False
    verify_code: int = 0
    certificate: Certificate | None = None
    elapsed_s: float = 0.0
    fault: Fault | None = None


class PortFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a port seems to speak, and the evidence: one sentence, foreign bytes only quoted and bounded."""

    speaks: Speaks
    evidence: str
    elapsed_s: float = 0.0


class NetworkProbe(Protocol):
    """Looks at hosts and ports. Every method ends within its ``timeout_s`` and never raises for what it finds."""

    @property
    def in_container(self) -> bool:
        """Whether this process seems to run in a container, where ``localhost`` is the container."""

    def now_epoch_s(self) -> float:
        """The wall clock that certificates are judged by."""

    async def resolve(self, host: str, port: int, *, timeout_s: float) -> NameFacts:
        """Look up all addresses of ``host``."""

    async def connect(self, host: str, port: int, *, timeout_s: float) -> TcpFacts:
        """Connect as the client would (RFC 8305: several addresses, the first that answers wins) and close."""

    async def handshake(self, host: str, port: int, tls: Tls, *, timeout_s: float) -> TlsFacts:
        """Shake hands with the checks that ``tls`` asks for, and read the certificate even when a check fails."""

    async def identify(self, host: str, port: int, *, timeout_s: float) -> PortFacts:
        """Find out what a port speaks that gave no MQTT answer: an anonymous CONNECT, then TLS, then HTTP."""
