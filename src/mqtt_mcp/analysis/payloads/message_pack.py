"""MessagePack: a map or an array that consumes every byte.

Owns what counts as MessagePack and what its extensions become. msgspec reads: it believes no announced size, and its
recursion is bounded. A scalar proves nothing, every byte below 0x80 is one.
"""

import math
from typing import Any

import msgspec

from mqtt_mcp.analysis.payloads.json_like import hexed, json_like

_TIMESTAMP = -1


def read(payload: bytes) -> Any | None:
    """The value of one MessagePack map or array that consumes every byte, or None."""
    first = payload[0]
    if not (0x81 <= first <= 0x8F or 0x91 <= first <= 0x9F or 0xDC <= first <= 0xDF):
        return None
    try:
        value = msgspec.msgpack.decode(payload, ext_hook=_extension)
        return (json_like(value, _other) or None) if _is_plausible(value) else None
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError):
        return None


class _Extension:
    __slots__ = ("code", "data")

    def __init__(self, code: int, data: bytes) -> None:
        self.code = code
        self.data = data


def _extension(code: int, data: memoryview) -> _Extension:
    return _Extension(code, bytes(data))


def _other(value: Any) -> Any:
    if isinstance(value, msgspec.msgpack.Ext):
        return {"ext": value.code, "data": hexed(bytes(value.data))}
    if isinstance(value, _Extension):
        return {"ext": value.code, "data": hexed(value.data)}
    return None


def _is_plausible(value: Any) -> bool:
    """Whether somebody meant this: keys of one kind, as programs write them; random bytes mix them."""
    if isinstance(value, dict):
        kinds = {type(key) for key in value}
        return len(kinds) == 1 and kinds <= {str, int, bytes}
    return isinstance(value, list) and not any(isinstance(one, float) and math.isnan(one) for one in value)
