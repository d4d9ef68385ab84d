"""Host names of requests: parsing, the allow-list against DNS rebinding, and whether an origin is our own.

Pure. A page of a foreign site can make a browser connect to us under a name of its own (DNS rebinding); it cannot
change the ``Host`` header, so a name nobody allowed gives it away. An IP address cannot be rebound.
"""

import ipaddress
import re
from collections.abc import Iterable

_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]{2,45})\]|(?P<name>[a-z0-9_.-]{1,253}))(?::(?P<port>[0-9]{1,5}))?")
_ORIGIN = re.compile(r"https?://(?P<authority>[^/?#@\s]+)", re.IGNORECASE)


def host_of(authority: str) -> str | None:
    """The host of a ``Host`` header without its port, in lower case and without brackets; None: malformed."""
    match = _HOST.fullmatch(authority.strip().lower())
    if match is None or int(match["port"] or 0) > 65535:
        return None
    if match["ipv6"] is None:
        return str(match["name"]).rstrip(".") or None
    return match["ipv6"] if _is_address(match["ipv6"]) else None


def is_own_origin(origin: str, authority: str) -> bool:
    """Whether a page of ``origin`` was loaded from the ``Host`` the request is for."""
    match = _ORIGIN.fullmatch(origin.strip())
    return match is not None and match["authority"].lower() == authority.strip().lower()


def plain_address(address: str) -> str:
    """An IP address in its shortest form: no zone, IPv4 not mapped into IPv6. Anything else comes back as it is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def is_loopback(address: str) -> bool:
    """Whether an address is of this machine."""
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


class AllowedHosts:
    """Which hosts a request may be for: ``localhost``, every IP address, and the names given.

    Args:
        names: Host names; ``*.example.net`` and ``.example.net`` stand for all names below it.
    """

    def __init__(self, names: Iterable[str]) -> None:
        cleaned = [name.strip().lower().removeprefix("*").rstrip(".") for name in names]
        self._names = {"localhost", *(name for name in cleaned if name and not name.startswith("."))}
        self._endings = tuple(name for name in cleaned if name.startswith("."))

    def __contains__(self, host: str) -> bool:
        return host in self._names or host.endswith(self._endings) or _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
