"""The envelope of one MCP request: its era, its parameters as far as the protocol reads them, and who sent it.

Owns the revisions and the rule that tells the two protocol eras apart: by the request alone, nothing earlier on the
connection counts. Pure. Knows no method but ``initialize`` and ``server/discover``, which the rule names.

Facts: MCP 2026-07-28 ``basic/versioning`` and ``basic`` (``_meta``); older revisions carry no envelope.
"""

from enum import Enum
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from mqtt_mcp.wire.jsonrpc import INVALID_PARAMS, MAX_ID_BYTES, quoted

LEGACY_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""The revisions that open with ``initialize``, newest first."""
MODERN_VERSIONS = ("2026-07-28",)
"""The stateless revisions, newest first."""
UNSUPPORTED_VERSION = -32022
MAX_CLIENT_NAME_CHARS = 80


class Era(Enum):
    """Which of the two families of revisions a request belongs to."""

    LEGACY = "legacy"
    MODERN = "modern"


class Refused(Exception):
    """The request gets an error reply; carries it out of nested checks to ``mcp``."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class Meta(Struct):
    """``_meta`` of a request, undecoded; anything else in it is left unread."""

    progress_token: Raw | UnsetType = field(default=UNSET, name="progressToken")
    version: Raw | UnsetType = field(default=UNSET, name="io.modelcontextprotocol/protocolVersion")
    capabilities: Raw | UnsetType = field(default=UNSET, name="io.modelcontextprotocol/clientCapabilities")
    client_info: Raw | UnsetType = field(default=UNSET, name="io.modelcontextprotocol/clientInfo")


class Params(Struct):
    """The members of ``params`` that some method reads, undecoded; anything else is left unread."""

    meta: Meta | None = field(default=None, name="_meta")
    name: Raw | UnsetType = UNSET
    arguments: Raw | UnsetType = UNSET
    cursor: Raw | UnsetType = UNSET
    version: Raw | UnsetType = field(default=UNSET, name="protocolVersion")
    client_info: Raw | UnsetType = field(default=UNSET, name="clientInfo")


class _ClientInfo(Struct):
    name: str = ""


class _Cancelled(Struct):
    request_id: int | str = field(name="requestId")


_decode_params = msgspec.json.Decoder(Params).decode
_decode_cancelled = msgspec.json.Decoder(_Cancelled).decode
_decode_client_info = msgspec.json.Decoder(_ClientInfo).decode
_decode_str = msgspec.json.Decoder(str).decode
_decode_token = msgspec.json.Decoder(int | str).decode


def read_params(raw: Raw | None) -> Params:
    """Decode ``params``; raises ``Refused`` when it or its ``_meta`` is no object."""
    if raw is None:
        return Params()
    try:
        return _decode_params(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise _invalid('"params" and "_meta" have to be objects.') from None


def era_of(method: str, meta: Meta | None) -> Era:
    """Tell the era of a request.

    Raises:
        Refused: ``-32602`` for half an envelope, ``-32022`` for a revision that is not spoken.
    """
    meta = meta or Meta()
    if method == "initialize":
        return Era.LEGACY
    if isinstance(meta.version, UnsetType):
        # Half an envelope is a mistake of a modern client; no envelope is an older client.
        if method != "server/discover" and meta.capabilities is UNSET and meta.client_info is UNSET:
            return Era.LEGACY
        raise _invalid('_meta has to hold "io.modelcontextprotocol/protocolVersion".')
    version = text(meta.version)
    if version is None:
        raise _invalid('"io.modelcontextprotocol/protocolVersion" has to be a string.')
    if version not in MODERN_VERSIONS:
        supported = [*MODERN_VERSIONS, *LEGACY_VERSIONS]
        data = {"supported": supported, "requested": version[:MAX_CLIENT_NAME_CHARS]}
        raise Refused(UNSUPPORTED_VERSION, f"Unsupported protocol version: {quoted(version)}.", data)
    if isinstance(meta.capabilities, UnsetType) or bytes(meta.capabilities)[:1] != b"{":
        raise _invalid('_meta has to hold "io.modelcontextprotocol/clientCapabilities", an object.')
    return Era.MODERN


def check_cursor(cursor: Raw | UnsetType) -> None:
    """Refuse any cursor of a list."""
    # There is one page, so no cursor of ours exists; null and an empty string are read as "from the start".
    if not isinstance(cursor, UnsetType) and bytes(cursor) not in (b"null", b'""'):
        raise _invalid("tools/list: unknown cursor; the list has one page.")


def progress_token(raw: Raw | UnsetType) -> bytes | None:
    """The token's own bytes, to be echoed; ``None`` when no progress is wanted."""
    if isinstance(raw, UnsetType) or bytes(raw) == b"null":
        return None
    try:
        _decode_token(raw)
    except (msgspec.MsgspecError, UnicodeError):
        raise _invalid('"progressToken" has to be a string or an integer.') from None
    if len(bytes(raw)) > MAX_ID_BYTES:
        raise _invalid(f'"progressToken" is longer than {MAX_ID_BYTES} bytes.')
    return bytes(raw)


def text(raw: Raw | UnsetType) -> str | None:
    """A string member; ``None`` when it is absent or no string."""
    if isinstance(raw, UnsetType):
        return None
    try:
        return _decode_str(raw)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def _invalid(message: str) -> Refused:
    return Refused(INVALID_PARAMS, message)


def client_name(raw: Raw | UnsetType) -> str:
    """What the client calls itself: printable and bounded, since it is shown to people and models."""
    if isinstance(raw, UnsetType):
        return ""
    try:
        name = _decode_client_info(raw).name
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""
    return "".join(char for char in name if char.isprintable())[:MAX_CLIENT_NAME_CHARS]


def cancelled_id(params: Raw | None) -> int | str | None:
    """The id that a ``notifications/cancelled`` names; ``None`` when it names none that could exist."""
    try:
        return None if params is None else _decode_cancelled(params).request_id
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
