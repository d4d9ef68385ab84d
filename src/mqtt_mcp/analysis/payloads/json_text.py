"""JSON that a strict parser refuses: told from other text, mended where its meaning is clear, one value on each line.

Owns what counts as meant to be JSON, and how deep it may nest. The strict parser is msgspec's, called by
``decoding.py``. Linear, without recursion of its own.
"""

import json
import math
import re
from typing import Any

import msgspec

MAX_DEPTH = 64
_LENIENT_BYTES = 256 * 1024

STARTS = re.compile(
    rb"[ \t\r\n]{0,64}(?:\{|\[\s{0,64}(?:[\[{\"\]]|(?:-?\d[\d.eE+-]{0,32}|true|false|null)\s{0,64}[,\]]))"
)
"""How JSON begins that is no bare scalar: an object, or an array with a value in it. ``[E][wifi]`` is a log line."""

SURELY = re.compile(rb'[ \t\r\n]{0,64}[{\[][ \t\r\n]{0,64}[\[{]{0,8}"')
"""How JSON begins even where it is no UTF-8 afterwards."""

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}[]")


def too_deep(payload: bytes) -> bool:
    """Whether brackets outside of strings nest deeper than ``MAX_DEPTH``; linear, no recursion.

    Pairs with nothing between them are taken out, which is one level each time. What does not come in pairs is no
    JSON, and counted by the brackets that stay open.
    """
    brackets = _STRINGS.sub(b"", payload).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        fewer = brackets.replace(b"[]", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    return brackets.count(b"[") > (0 if brackets.count(b"[]") else MAX_DEPTH)


def lenient(payload: bytes) -> tuple[str, Any]:
    """The format and the value of what a strict parser refuses.

    Lone surrogates are mended, NaN and infinity become None, several lines are NDJSON, the rest is malformed.
    """
    odd = False

    def constant(_: str) -> None:
        nonlocal odd
        odd = True

    def number(digits: str) -> float | None:
        nonlocal odd
        value = float(digits)
        if math.isinf(value):
            odd = True
            return None
        return value

    if len(payload) <= _LENIENT_BYTES:
        try:
            value = json.loads(payload, parse_constant=constant, parse_float=number)
            return "json_nonstandard" if odd else "json", _mended(value)
        except (ValueError, RecursionError):
            pass
        lines = _ndjson(payload)
        if lines is not None:
            return "ndjson", lines
    return "json_malformed", payload.decode("utf-8", "replace")


def _ndjson(payload: bytes) -> list[Any] | None:
    """The objects or arrays of several lines, one on each; None when a line is anything else."""
    lines = [line for line in payload.splitlines() if line.strip()]
    if len(lines) < 2 or any(line.lstrip()[:1] not in {b"{", b"["} for line in lines):
        return None
    values = []
    for line in lines:
        if len(line) > MAX_DEPTH and too_deep(line):
            return None
        try:
            values.append(msgspec.json.decode(line))
        except (ValueError, RecursionError):
            return None
    return values


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return value
