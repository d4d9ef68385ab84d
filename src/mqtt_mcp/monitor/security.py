"""The one layer between the network and the routes: what may come in, and the headers of everything that goes out.

Owns Host, Origin, CSRF, token, rate and size checks, the security headers, the error of last resort and the access
line. Does not know any route (``access`` knows the open paths).

The two locks against foreign pages: a browser tells the origin of a request (``Origin``, ``Sec-Fetch-Site``), and it
asks permission before it sends a header of ours across origins, which is never given: there are no CORS headers.
Cookies are not used; they ignore ports, so every other service on the same host name would be sent ours.
"""

import logging
import math
from collections.abc import Iterable
from contextlib import ExitStack

import msgspec
import trio
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, HTTPScope, Scope, WebsocketScope
from quart_trio import QuartTrio

from mqtt_mcp.monitor import problem
from mqtt_mcp.monitor.access import PAGE, Access, Gatekeeper, Grant
from mqtt_mcp.monitor.exchange import Exchange
from mqtt_mcp.monitor.hosts import AllowedHosts, host_of, is_loopback, is_own_origin, plain_address
from mqtt_mcp.monitor.limits import Limits
from mqtt_mcp.monitor.rate import RateLimit

logger = logging.getLogger(__name__)
access_logger = logging.getLogger("mqtt_mcp.monitor.requests")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
SECURITY_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
OPENER_POLICY = (b"cross-origin-opener-policy", b"same-origin")
"""Browsers take it over HTTPS and from loopback only; elsewhere it would be an error on the page's console."""
ACTION_HEADER = b"x-mqtt-mcp"
_ONCE = (b"host", b"origin", b"authorization", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest", ACTION_HEADER)
_MAX_LOGGED_CHARS = 200
_WARNING_GAP_S = 60.0

Headers = tuple[tuple[bytes, bytes], ...]


class Refusal(msgspec.Struct, frozen=True):
    """Why a request goes no further; see ``problem.encode``."""

    status: int
    name: str
    detail: str
    headers: Headers = ()


def problem_headers(body: bytes) -> list[tuple[bytes, bytes]]:
    """Headers of an answer that is a problem, without the security headers."""
    return [
        (b"content-type", problem.MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]


class Security:
    """An ASGI application around the routes.

    Args:
        app: The routes.
        access: Who may do what.
        limits: Rate and sizes.
    """

    def __init__(self, app: QuartTrio, access: Access, limits: Limits) -> None:
        self.app = app
        self._gatekeeper = Gatekeeper(access)
        self._hosts = AllowedHosts(access.allowed_hosts)
        self._limits = limits
        clock, peers = trio.current_time, limits.max_peers
        self._rate = RateLimit(limits.requests_per_s, limits.request_burst, peers, clock)
        self._wrong_tokens = RateLimit(limits.wrong_tokens_per_s, limits.wrong_token_burst, peers, clock)
        self._warnings = RateLimit(1 / _WARNING_GAP_S, 1, peers, clock)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            await _refuse_websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _serve(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        started_s = trio.current_time()
        status = 0

        async def answer(message: ASGISendEvent) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                opener = [OPENER_POLICY] if _is_secure_context(scope) else []
                message = {**message, "headers": [*message["headers"], *SECURITY_HEADERS, *opener]}
            await send(message)

        try:
            with ExitStack() as at_end:
                await self._admit(scope, receive, answer, at_end)
        except Exception:
            # The routes turn their own failures into a problem: this is what goes wrong around them.
            logger.exception("a request failed")
            if not status:
                await _refuse(scope, receive, answer, Refusal(500, "", ""))
        finally:
            if access_logger.isEnabledFor(logging.DEBUG):
                took_ms = (trio.current_time() - started_s) * 1000
                # The raw path is percent-encoded ASCII; the query may hold what nobody wants in a log.
                path = scope["raw_path"].decode("ascii", "backslashreplace")[:_MAX_LOGGED_CHARS]
                access_logger.debug("%s %s %s %d in %.1f ms", _peer(scope), scope["method"], path, status, took_ms)

    async def _admit(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, answer: ASGISendCallable, at_end: ExitStack
    ) -> None:
        verdict = await self._judge(scope)
        if isinstance(verdict, Refusal):
            await _refuse(scope, receive, answer, verdict)
        else:
            peer = _peer(scope)
            # The address of the proxy, or of this machine, tells nothing about who it is.
            who = "A person" if verdict.through_proxy or is_loopback(peer) else f"A person at {peer}"
            Exchange(who, at_end, may_act=verdict.may_act).put_into(scope["state"])
            await self.app(scope, receive, answer)

    async def _judge(self, scope: HTTPScope) -> Refusal | Grant:
        """Cheap checks first; what a peer learns from a refusal is in the order in which it could change it."""
        peer = _peer(scope)
        wait_s = self._rate.wait_s(peer)
        if wait_s:
            return _too_soon("rate", "too many requests from this address", wait_s)
        headers = _by_name(scope["headers"])
        if headers is None:
            return Refusal(400, "doubled-header", "a header that may come once came twice")
        grant = await self._gatekeeper.grant(peer, headers.get(b"authorization", b""), scope["path"])
        return (
            self._malformed(scope, headers)
            or (None if grant.through_proxy and not _is_of_this_machine(scope) else self._foreign_host(headers))
            or _foreign_page(scope, headers)
            or (self._too_many_tokens(peer) if grant.wrong_token else None)
            or _not_permitted(scope["method"], headers, grant)
            or grant
        )

    def _malformed(self, scope: HTTPScope, headers: dict[bytes, bytes]) -> Refusal | None:
        # Quart fails on a path without its slash, and takes several for one: every path has one name only.
        if not scope["path"].startswith("/") or scope["path"].startswith("//"):
            return Refusal(400, "bad-target", "the request target must be a path that begins with one /")
        if not headers.get(b"host", b"").strip():
            return Refusal(400, "bad-host", "the Host header is missing")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._limits.body_bytes:
            detail = f"a body may have {self._limits.body_bytes} bytes"
            return Refusal(413, "too-large", detail, ((b"connection", b"close"),))
        return None

    def _foreign_host(self, headers: dict[bytes, bytes]) -> Refusal | None:
        host = host_of(headers.get(b"host", b"").decode("latin1"))
        if host is None:
            return Refusal(400, "bad-host", "the Host header is malformed")
        if host not in self._hosts:
            return Refusal(421, "host", "this host name is not in MQTT_MCP_MONITOR_ALLOWED_HOSTS")
        return None

    def _too_many_tokens(self, peer: str) -> Refusal | None:
        if not self._warnings.wait_s(peer):
            logger.warning("%s gave a wrong token; said once a minute at most", peer)
        wait_s = self._wrong_tokens.wait_s(peer)
        return _too_soon("wrong-tokens", "too many wrong tokens from this address", wait_s) if wait_s else None


def _too_soon(name: str, detail: str, wait_s: float) -> Refusal:
    return Refusal(429, name, detail, ((b"retry-after", b"%d" % math.ceil(wait_s)),))


def _foreign_page(scope: HTTPScope, headers: dict[bytes, bytes]) -> Refusal | None:
    """A request that a page of another origin made the browser send; following a link to our page is allowed."""
    host = headers.get(b"host", b"").decode("latin1")
    origin = headers.get(b"origin")
    if origin is not None and not is_own_origin(origin.decode("latin1"), host):
        return Refusal(403, "cross-origin", "a page of another origin asked for this")
    if headers.get(b"sec-fetch-site", b"none").lower() in {b"same-origin", b"none"}:
        return None
    is_link = (
        scope["method"] in {"GET", "HEAD"}
        and scope["path"] == PAGE
        and headers.get(b"sec-fetch-mode") == b"navigate"
        and headers.get(b"sec-fetch-dest") == b"document"
    )
    return None if is_link else Refusal(403, "cross-origin", "a page of another origin asked for this")


def _not_permitted(method: str, headers: dict[bytes, bytes], grant: Grant) -> Refusal | None:
    reads = method in {"GET", "HEAD"}
    if not reads and headers.get(ACTION_HEADER) != b"1":
        return Refusal(403, "action-header", "a request that changes something needs the header X-MQTT-MCP: 1")
    if grant.may_read if reads else grant.may_act:
        return None
    if grant.token_helps:
        challenge = (b"www-authenticate", b'Bearer realm="mqtt-mcp monitor"')
        return Refusal(401, "token", "give the monitor's token: Authorization: Bearer <token>", (challenge,))
    if not grant.may_read:
        return Refusal(403, "proxy", "the monitor can only be reached through its reverse proxy")
    return Refusal(403, "actions-off", "actions are off: others can reach the monitor, and it has no token")


async def _refuse(scope: HTTPScope, receive: ASGIReceiveCallable, answer: ASGISendCallable, refusal: Refusal) -> None:
    instance = scope["raw_path"].decode("ascii", "backslashreplace")
    body = problem.encode(refusal.status, refusal.name, refusal.detail, instance)
    async with trio.open_nursery() as nursery:
        # A body that nobody takes from Hypercorn's queue would keep the connection from ever being closed.
        nursery.start_soon(_drain, receive)
        headers = [*problem_headers(body), *refusal.headers]
        await answer({"type": "http.response.start", "status": refusal.status, "headers": headers, "trailers": False})
        await answer({"type": "http.response.body", "body": body, "more_body": False})
        nursery.cancel_scope.cancel()


async def _drain(receive: ASGIReceiveCallable) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse_websocket(scope: WebsocketScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """No route is a websocket; browsers do not apply the same-origin policy to them."""
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": None})
    access_logger.debug("%s websocket refused", _peer(scope))


def _peer(scope: HTTPScope | WebsocketScope) -> str:
    client = scope["client"]
    return plain_address(client[0]) if client else ""


def _is_of_this_machine(scope: HTTPScope) -> bool:
    """Whether the peer may be a browser here: it came from loopback, or from the very address it came to."""
    peer, server = _peer(scope), scope["server"]
    return is_loopback(peer) or (server is not None and peer == plain_address(server[0]))


def _is_secure_context(scope: HTTPScope) -> bool:
    """Whether a browser that sent this trusts our page's origin. Only a header of the answer hangs on it."""
    headers = dict(scope["headers"])
    host = host_of(headers.get(b"host", b"").decode("latin1")) or ""
    loopback = host == "localhost" or host.endswith(".localhost") or is_loopback(host)
    return loopback or headers.get(b"x-forwarded-proto", b"").lower() == b"https"


def _by_name(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes] | None:
    """Headers by lower-case name; None when one that decides something came twice."""
    found: dict[bytes, bytes] = {}
    for raw_name, value in headers:
        name = raw_name.lower()
        if name in found and name in _ONCE:
            return None
        found[name] = value
    return found
