"""How a payload is shown: bounded, harmless text; values are valid JSON, other binary is hex, every cut is visible.

Owns the choice of the rendering for each format. Does not decide what a payload is (``decoding.py`` does) and does not
cut values (``cutting.py`` does).
"""

import re
from typing import Any

import msgspec

from mqtt_mcp.analysis.payloads import images
from mqtt_mcp.analysis.payloads.cutting import JsonCutter, cut_hex, cut_text
from mqtt_mcp.analysis.payloads.decoding import BINARY_FORMATS, Decoded, decode
from mqtt_mcp.analysis.payloads.wrapping import unwrap

_ANSI = re.compile(r"\x1b\[[0-9;:?]{0,40}[A-Za-z]")


class Shown(msgspec.Struct, frozen=True):
    """A payload as a result shows it.

    ``payload`` is data: escaped and bounded. ``format`` names codec and format (``gzip+json``), ``bytes`` is the
    original size; ``cut`` says that something is missing, which ``payload`` shows as ``…(+n)``.
    """

    payload: str
    format: str
    bytes: int
    cut: bool


def show(payload: bytes, topic: str = "", content_type: str = "", max_chars: int = 400) -> Shown:
    """A payload as bounded, harmless text.

    Decoded values are JSON, cut structurally so that they stay valid; text keeps its beginning and its end and loses
    its ANSI colours; a picture is described as JSON; other binary is hex, with its ASCII where that says something.

    Args:
        payload: Any bytes.
        topic: As for ``decode``.
        content_type: As for ``decode``.
        max_chars: Bound of the shown text, at least 20.
    """
    return show_decoded(decode(payload, topic, content_type), payload, max_chars)


def show_decoded(decoded: Decoded, payload: bytes, max_chars: int = 400) -> Shown:
    """As ``show``, for a payload that is decoded already."""
    return Rendering(decoded, payload).at(max_chars)


class Rendering:
    """One payload shown in several lengths, each at most as long as the one before.

    Args:
        decoded: What ``decode`` found in ``payload``.
        payload: Any bytes.
    """

    def __init__(self, decoded: Decoded, payload: bytes) -> None:
        self._decoded = decoded
        self._payload = payload
        structured, value = _structure(decoded, payload)
        self._json = JsonCutter(value) if structured else None
        self._last: Shown | None = None

    def at(self, max_chars: int) -> Shown:
        """The payload in at most ``max_chars``; the same object as before when that fits as it is."""
        last = self._last
        if last is not None and len(last.payload) <= max_chars and (self._json is not None or not last.cut):
            return last
        text, cut = self._cut(max_chars)
        self._last = Shown(text, self._decoded.name, len(self._payload), cut)
        return self._last

    def _cut(self, max_chars: int) -> tuple[str, bool]:
        decoded, payload = self._decoded, self._payload
        if self._json is not None:
            text, cut = self._json.cut(max_chars)
            return text, cut or decoded.format.startswith("image/")
        if not payload:
            return "", False
        if decoded.format in BINARY_FORMATS:
            return cut_hex(payload, max_chars)
        if isinstance(decoded.value, str):
            return cut_text(_ANSI.sub("", decoded.value), max_chars)
        head = payload if len(payload) <= 4 * max_chars else payload[: 4 * max_chars]
        return cut_text(head.decode("utf-8", "replace"), max_chars, missing_chars=len(payload) - len(head))


def _structure(decoded: Decoded, payload: bytes) -> tuple[bool, Any]:
    """Whether a payload is shown as JSON, and of which value."""
    value = decoded.value
    if decoded.format.startswith("image/"):
        content = unwrap(payload, decoded.codec)
        return True, images.describe(payload if content is None else content, decoded.format)
    if decoded.format == "key_value" and decoded.unit and not decoded.codec:
        return False, None  # the numbers have lost their units
    structured = decoded.format in {"json", "json_nonstandard"} or isinstance(value, dict | list)
    return structured or (bool(decoded.codec) and isinstance(value, bool | float)), value
