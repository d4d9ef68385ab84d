"""Who may read and who may act.

Owns the configuration of that and the decision. Does not know HTTP beyond a path (``security`` does).
"""

import hmac

import msgspec

from mqtt_mcp.monitor.trusted_proxy import TrustedProxy

ALWAYS_OPEN = frozenset({"/healthz", "/readyz", "/widgets/umbrel"})
"""They tell counters at most, and those who ask cannot log in."""
PAGE = "/"
_SCRIPTS = "/static/"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How the monitor is protected.

    Attributes:
        token: What gives access; empty: there is none.
        allowed_hosts: Host names besides ``localhost`` and IP addresses; ``*.example.net`` for all below it.
        loopback: Whether only this machine can reach the server.
        behind_proxy: Whether a reverse proxy in front of it logs people in.
        trusted_proxy: Name or address of that proxy; empty: everybody who reaches us counts as logged in for reading.
            What it hands on may be for any host, unless it runs on this machine: so do browsers, and a foreign page
            that is rebound to our address has theirs. The names it is reached by then belong into ``allowed_hosts``.

    Raises:
        ValueError: Everybody on the network could read.
    """

    token: str = ""
    allowed_hosts: tuple[str, ...] = ()
    loopback: bool = True
    behind_proxy: bool = False
    trusted_proxy: str = ""

    def __post_init__(self) -> None:
        """Refuse what protects nothing."""
        if not (self.loopback or self.token or self.behind_proxy or self.trusted_proxy):
            raise ValueError("a monitor that others can reach needs a token, or a reverse proxy that logs people in")

    def __repr__(self) -> str:
        """Without the token: this may end up in a log."""
        token = "***" if self.token else ""
        return (
            f"Access(token={token!r}, allowed_hosts={self.allowed_hosts!r}, loopback={self.loopback}, "
            f"behind_proxy={self.behind_proxy}, trusted_proxy={self.trusted_proxy!r})"
        )


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may do.

    Attributes:
        may_read: Whether it may have the answer of its path.
        may_act: Whether it may change something.
        through_proxy: Whether it came from the trusted proxy's address.
        token_helps: Whether the token would give what is missing.
        wrong_token: Whether it came with a token that is not ours.
    """

    may_read: bool
    may_act: bool
    through_proxy: bool
    token_helps: bool
    wrong_token: bool


class Gatekeeper:
    """Decides by the peer's address, the token and the path.

    Args:
        access: How the monitor is protected.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._bearer = f"bearer {access.token}".encode() if access.token else b""
        self._proxy = TrustedProxy(access.trusted_proxy) if access.trusted_proxy else None

    async def grant(self, peer: str, authorization: bytes, path: str) -> Grant:
        """What a request may do.

        Args:
            peer: Address it came from.
            authorization: Its ``Authorization`` header.
            path: What it asks for, decoded.
        """
        access = self._access
        through_proxy = self._proxy is not None and await self._proxy.owns(peer)
        known = through_proxy or self._has_token(authorization)
        # Without a token everybody who gets through to us may read, unless only the proxy should get through.
        free = not access.token and self._proxy is None
        open_path = path in ALWAYS_OPEN or (self._proxy is None and (path == PAGE or path.startswith(_SCRIPTS)))
        return Grant(
            may_read=known or free or open_path,
            may_act=known or (free and access.loopback and not access.behind_proxy),
            through_proxy=through_proxy,
            token_helps=bool(access.token),
            wrong_token=bool(access.token) and not known and authorization[:7].lower() == b"bearer ",
        )

    def _has_token(self, authorization: bytes) -> bool:
        scheme, _, given = authorization.strip().partition(b" ")
        # One comparison of everything, so that the time it takes tells nothing about the token.
        return bool(self._bearer) and hmac.compare_digest(scheme.lower() + b" " + given.strip(), self._bearer)
