"""Where a broker is and how to log in: ``mqtt://`` and ``mqtts://`` URLs to one frozen value.

Owns parsing, the default ports and keeping secrets out of every representation. Does not resolve names, open sockets or
read certificate files.
"""

import msgspec


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
