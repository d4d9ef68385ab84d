"""Where a broker is and how to log in: ``mqtt://`` and ``mqtts://`` URLs to one frozen value.

Owns parsing, the default ports and keeping secrets out of every representation. Does not resolve names, open sockets or
read certificate files.
"""

import ipaddress
import re
from urllib.parse import unquote

import msgspec

from mqtt_mcp.errors import ErrorKind, ToolError

DEFAULT_PORT = 1883
DEFAULT_TLS_PORT = 8883
_PLAIN = {"mqtt", "tcp"}
_ENCRYPTED = {"mqtts", "ssl", "tls", "mqtt+ssl"}
_USER_INFO = re.compile(r"\S+@")
_HOST = re.compile(r"[^\W_](?:[\w.-]{0,251}[\w.])?")
_MAX_CREDENTIAL_BYTES = 65_535


class Secret:
    """A text that never shows itself: ``repr``, ``str``, formatting and encoding give ``***``."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: call it only where it is handed to the MQTT library."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """How to check the server and prove ourselves. Paths are read at connect time; empty means the system's store."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    key_password: Secret | None = None
    insecure: bool = False
    """True switches certificate and host name checks off; only when the user said so out loud."""


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """One broker and the credentials for it."""

    host: str
    port: int = 1883
    tls: Tls | None = None
    username: Secret | None = None
    password: Secret | None = None
    profile: str = ""
    """Name of the configured profile it came from, empty for a URL given as an argument."""

    @property
    def url(self) -> str:
        """The address without credentials, for people: ``mqtt://host:port``."""
        scheme = "mqtts" if self.tls else "mqtt"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"


def parse_broker_url(
    url: str,
    *,
    username: str = "",
    password: str = "",
    tls: Tls | None = None,
    profile: str = "",
    kind: ErrorKind = ErrorKind.BAD_ARGUMENT,
) -> Broker:
    """Make a broker of an address as a person writes it.

    Args:
        url: ``mqtt://host[:port]`` or ``mqtts://host[:port]``, with or without ``user:password@`` (percent-encoded
        where
            needed), or a bare ``host[:port]``. ``tcp`` is taken for ``mqtt``; ``ssl``, ``tls`` and ``mqtt+ssl`` for
            ``mqtts``. IPv6 addresses stand in brackets. The default ports are 1883 and 8883; a bare host is
            encrypted when ``tls`` is given or its port is 8883.
        username: Wins over the URL's, with ``password``; empty for none.
        password: Needs a user name.
        tls: Certificate settings; only for an encrypted scheme.
        profile: Name of the configuration profile it comes from.
        kind: Kind of the error: ``config`` when the address comes from a configuration.

    Raises:
        ToolError: Of ``kind``. Says what is wrong without repeating anything that could be a credential.
    """
    scheme, separator, rest = url.strip().partition("://")
    if not separator:
        scheme, rest = "", scheme
    encrypted = _encrypted(scheme.lower(), kind)
    # Everything before the last @: a password with an unescaped / or @ is understood, and never shown.
    user_info, _, place = rest.rpartition("@")
    place = place.removesuffix("/")
    if any(char in place for char in "/?#"):
        raise ToolError(
            kind,
            "The broker URL has a path, a query or a fragment; MQTT over TCP has none.",
            "Write it as mqtt://host:port. WebSocket brokers are not supported.",
        )
    host, port = _host_and_port(place, kind)
    if encrypted is None:
        encrypted = tls is not None or port == DEFAULT_TLS_PORT
    if tls is not None and not encrypted:
        raise ToolError(
            kind, "TLS settings are given for an unencrypted broker URL.", "Write mqtts:// instead of mqtt://."
        )
    if not username:
        name, _, word = user_info.partition(":")
        username, password = unquote(name), password or unquote(word)
    _check_credentials(username, password, kind)
    return Broker(
        host=host,
        port=port or (DEFAULT_TLS_PORT if encrypted else DEFAULT_PORT),
        tls=(tls or Tls()) if encrypted else None,
        username=Secret(username) if username else None,
        password=Secret(password) if password else None,
        profile=profile,
    )


def _encrypted(scheme: str, kind: ErrorKind) -> bool | None:
    if scheme in {"", *_PLAIN, *_ENCRYPTED}:
        return scheme in _ENCRYPTED if scheme else None
    if scheme in {"ws", "wss", "http", "https"}:
        raise ToolError(
            kind,
            f"The broker URL begins with {scheme}://, and MQTT over WebSocket is not supported.",
            "Use the broker's TCP port: mqtt://host:1883 or mqtts://host:8883.",
        )
    raise ToolError(
        kind,
        "The broker URL does not begin with mqtt:// or mqtts://.",
        "Write it as mqtt://host:port, or mqtts://host:port for TLS.",
    )


def _host_and_port(place: str, kind: ErrorKind) -> tuple[str, int]:
    """Split ``host:port``; port 0 when there is none."""
    if place.startswith("["):
        host, bracket, tail = place[1:].partition("]")
        if not bracket or not _is_ipv6(host) or (tail and not tail.startswith(":")):
            raise ToolError(
                kind, "The broker URL has no valid IPv6 address in its brackets.", "Write mqtt://[::1]:1883."
            )
        port_text = tail[1:] if tail else None
    elif place.count(":") > 1:
        if not _is_ipv6(place):
            raise ToolError(kind, "The broker URL has too many colons.", "Write mqtt://host:port.")
        host, port_text = place, None
    else:
        host, colon, after = place.partition(":")
        port_text = after if colon else None
        if not host:
            raise ToolError(kind, "The broker URL has no host.", "Write it as mqtt://host:port.")
        if not _HOST.fullmatch(host):
            raise ToolError(kind, "The host in the broker URL is not a valid host name or IP address.", "Check it.")
    if port_text is None:
        return host, 0
    port = int(port_text) if port_text.isascii() and port_text.isdigit() and len(port_text) <= 5 else 0
    if not 1 <= port <= 65_535:
        raise ToolError(
            kind, "The port in the broker URL is not a number from 1 to 65535.", "Usual: 1883, 8883 for TLS."
        )
    return host, port


def without_user_info(text: str) -> str:
    """``text`` fit to be quoted back: people put a URL with its password where a name belongs."""
    return _USER_INFO.sub("***@", text)


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _check_credentials(username: str, password: str, kind: ErrorKind) -> None:
    if password and not username:
        raise ToolError(
            kind, "A password is given without a user name.", "Give both; MQTT 3.1.1 has no password alone."
        )
    for what, text in (("user name", username), ("password", password)):
        encodable = not any("\ud800" <= char <= "\udfff" for char in text)
        if not encodable or "\0" in text or len(text.encode()) > _MAX_CREDENTIAL_BYTES:
            raise ToolError(kind, f"The {what} has a character or a length that MQTT cannot carry.", "Check it.")
