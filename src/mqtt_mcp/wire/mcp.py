"""The Model Context Protocol: what one request asks for, in both protocol eras.

Owns the methods and what their results hold. ``Endpoint.decide`` is a plain function of one request: it keeps nothing
about a connection, so both eras can be spoken on one stream at the same time, request by request. It answers everything
but ``tools/call``, which it hands back validated. No I/O: ``server`` runs what is decided.

Facts: MCP 2024-11-05 to 2025-11-25 (``initialize``, ``ping``), 2026-07-28 (``server/discover``, ``resultType``,
``ttlMs``, ``cacheScope``). The only capability is tools: logging, roots and sampling are deprecated in the newest one.
"""

from typing import Any

from msgspec import Raw, Struct, UnsetType

from mqtt_mcp.wire.application import Application, Identity, ToolLike
from mqtt_mcp.wire.arguments import decode_arguments
from mqtt_mcp.wire.catalogue import Catalogue
from mqtt_mcp.wire.envelope import (
    LEGACY_VERSIONS,
    MODERN_VERSIONS,
    Era,
    Meta,
    Params,
    Refused,
    check_cursor,
    client_name,
    era_of,
    progress_token,
    read_params,
    text,
)
from mqtt_mcp.wire.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND, Request, encode, quoted

LIST_TTL_MS = 300_000
"""How long a client may keep ``tools/list`` and ``server/discover``; both are fixed for the life of a process."""


class Reply(Struct, frozen=True):
    """The request is answered: ``result`` is the encoded result object. ``client_name`` is empty when not told."""

    result: bytes
    client_name: str = ""


class Refusal(Struct, frozen=True):
    """The request is answered by an error. ``tool`` and ``arguments``: a tool was called that there is not."""

    code: int
    message: str
    data: Any = None
    tool: str = ""
    arguments: bytes = b""


class ToolCall(Struct, frozen=True):
    """The request wants a tool to run.

    Attributes:
        tool: Which.
        arguments: The undecoded object; ``None`` for none.
        progress_token: Its bytes as they came; ``None`` when no progress is wanted.
        era: How the result has to be finished.
        client_name: From the request's own envelope; empty when not told there.
    """

    tool: ToolLike
    arguments: Raw | None
    progress_token: bytes | None
    era: Era
    client_name: str


Decision = Reply | Refusal | ToolCall


class Greeter:
    """Answers the requests that open a conversation and need no tools: ``initialize``, ``ping``, ``server/discover``.

    Args:
        identity: What the server says of itself.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._bodies: dict[tuple[str, Era], bytes] = {}

    def decide(self, request: Request) -> Decision:
        """Answer a request, or say which tool has to run.

        Raises:
            ValueError, TypeError: The application's tools are not fit to be served.
        """
        try:
            params = read_params(request.params)
            return self._decide(request.method, params, era_of(request.method, params.meta))
        except Refused as refused:
            return Refusal(refused.code, refused.message, refused.data)

    def finish(self, result: bytes, era: Era) -> bytes:
        """Put what the era demands on an encoded, non-empty result object."""
        if era is Era.LEGACY:
            return result
        envelope = self._bodies.get(("envelope", era))
        if envelope is None:
            meta = {"io.modelcontextprotocol/serverInfo": self._server_info()}
            envelope = self._bodies["envelope", era] = encode({"resultType": "complete", "_meta": meta})[1:]
        return b"".join((result[:-1], b",", envelope))

    def _decide(self, method: str, params: Params, era: Era) -> Decision:
        if method == "server/discover":
            return Reply(self._body("discover", era))
        if era is Era.LEGACY and method == "initialize":
            return self._initialize(params)
        if era is Era.LEGACY and method == "ping":
            return Reply(b"{}")
        raise Refused(METHOD_NOT_FOUND, f"Method not found: {quoted(method)}.")

    def _initialize(self, params: Params) -> Reply:
        asked = text(params.version)
        if asked is None:
            raise Refused(INVALID_PARAMS, 'initialize: "protocolVersion" has to be a string.')
        result = {
            # Any other revision, a newer one included, is answered with our newest: the client decides.
            "protocolVersion": asked if asked in LEGACY_VERSIONS else LEGACY_VERSIONS[0],
            "capabilities": {"tools": {}},
            "serverInfo": self._server_info(),
            "instructions": self._identity.instructions,
        }
        return Reply(encode(result), client_name(params.client_info))

    def _body(self, kind: str, era: Era) -> bytes:
        # Encoded once for each era: these are the replies a client waits for before it can do anything.
        body = self._bodies.get((kind, era))
        if body is None:
            body = self._make_body(kind)
            if era is Era.MODERN:
                cache = encode({"ttlMs": LIST_TTL_MS, "cacheScope": "private"})[1:]
                body = self.finish(body[:-1] + b"," + cache, era)
            self._bodies[kind, era] = body
        return body

    def _make_body(self, _kind: str) -> bytes:
        return encode(
            {
                "supportedVersions": [*MODERN_VERSIONS, *LEGACY_VERSIONS],
                "capabilities": {"tools": {}},
                "instructions": self._identity.instructions,
            }
        )

    def _server_info(self) -> dict[str, str]:
        identity = self._identity
        return {
            "name": identity.name,
            "title": identity.title,
            "version": identity.version,
            "description": identity.description,
            "websiteUrl": identity.website_url,
        }


class Endpoint(Greeter):
    """One application as MCP clients see it; shared by all its connections.

    Args:
        application: What is served. Its tools are asked for at the first ``tools/list`` or ``tools/call``.
    """

    def __init__(self, application: Application) -> None:
        super().__init__(application)
        self.application = application
        self._catalogue: Catalogue | None = None

    @property
    def catalogue(self) -> Catalogue:
        """The tools; built when first asked for. Raises as ``Catalogue``."""
        if self._catalogue is None:
            self._catalogue = Catalogue(self.application)
        return self._catalogue

    def decode_arguments(self, call: ToolCall) -> Any:
        """The typed arguments of a call; raises ``ToolError`` for the model to mend."""
        tool = call.tool
        return decode_arguments(tool.name, tool.args, call.arguments, self.catalogue.argument_schemas[tool.name])

    def _decide(self, method: str, params: Params, era: Era) -> Decision:
        if method == "tools/call":
            return self._tool_call(params, era)
        if method == "tools/list":
            check_cursor(params.cursor)
            return Reply(self._body("tools", era))
        return super()._decide(method, params, era)

    def _make_body(self, kind: str) -> bytes:
        if kind == "tools":
            return b'{"tools":' + self.catalogue.listing + b"}"
        return super()._make_body(kind)

    def _tool_call(self, params: Params, era: Era) -> Decision:
        name = text(params.name)
        if name is None:
            raise Refused(INVALID_PARAMS, 'tools/call: "name" has to be a string.')
        tool = self.catalogue.tools.get(name)
        if tool is None:
            given = b"" if isinstance(params.arguments, UnsetType) else bytes(params.arguments)
            return Refusal(INVALID_PARAMS, f"Unknown tool: {quoted(name)}.", tool=name, arguments=given)
        arguments: Raw | None = None
        if not isinstance(params.arguments, UnsetType) and bytes(params.arguments) != b"null":
            if bytes(params.arguments)[:1] != b"{":
                raise Refused(INVALID_PARAMS, 'tools/call: "arguments" has to be an object.')
            arguments = params.arguments
        meta = params.meta or Meta()
        name_of_client = client_name(meta.client_info) if era is Era.MODERN else ""
        return ToolCall(tool, arguments, progress_token(meta.progress_token), era, name_of_client)
