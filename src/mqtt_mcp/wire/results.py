"""Tool results to bytes: JSON that always fits the tool's own output schema, and the result object around it.

Pure. Guards what msgspec lets through: NaN and infinity would silently become ``null``, and a lone surrogate would fail
to encode at all. Does not shape or shorten data: tools do.
"""

import math
from typing import Any

import msgspec

from mqtt_mcp.errors import ToolError
from mqtt_mcp.wire.jsonrpc import encode


def encode_result(result: msgspec.Struct) -> bytes:
    """Encode a tool's result.

    A member that is NaN or infinite is left out where the schema allows it, as "unknown" should be. Lone surrogates
    become U+FFFD.

    Args:
        result: What the tool returned.

    Raises:
        ValueError: A number without a finite value stands where one is required, or ``null`` where the result's type
            has no null. A defect of the tool, not of its caller.
    """
    try:
        encoded = encode(result)
        # Most results hold no "null" at all, not even inside a string; only the others are looked at closely.
        if b"null" not in encoded:
            return encoded
    except UnicodeEncodeError:
        pass
    encoded = encode(_clean(msgspec.to_builtins(result)))
    try:
        msgspec.json.decode(encoded, type=type(result))
    except msgspec.ValidationError as error:
        raise ValueError(f"{type(result).__qualname__} does not fit its own type: {error}") from None
    return encoded


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _whole_text(value)
    if isinstance(value, dict):
        return {
            (_whole_text(key) if isinstance(key, str) else key): _clean(member)
            for key, member in value.items()
            if not (isinstance(member, float) and not math.isfinite(member))
        }
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a list of numbers holds one without a finite value")
    return value


def _whole_text(text: str) -> str:
    """Text that encodes as UTF-8: lone surrogates replaced by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def success(structured: bytes, text: str) -> bytes:
    """The result object of a call that worked.

    Args:
        structured: ``structuredContent``, encoded.
        text: The text block for clients and models that read only text.
    """
    block = encode({"type": "text", "text": _whole_text(text)})
    return b"".join((b'{"content":[', block, b'],"structuredContent":', structured, b"}"))


def failure(error: ToolError) -> bytes:
    """The result object of a call that failed: kind, message and hint as text, without ``structuredContent``."""
    block = encode({"type": "text", "text": _whole_text(str(error))})
    return b"".join((b'{"content":[', block, b'],"isError":true}'))
