"""How a payload is shown: bounded, harmless text; JSON stays valid JSON, binary is hex, every cut is visible.

Owns the choice of the rendering for each format. Does not decide what a payload is (``decoding.py`` does) and does not
cut values (``cutting.py`` does).
"""

import msgspec

from mqtt_mcp.analysis.payloads.cutting import JsonCutter, cut_hex, cut_text
from mqtt_mcp.analysis.payloads.decoding import BINARY_FORMATS, Decoded, decode


class Shown(msgspec.Struct, frozen=True):
    """A payload as a result shows it.

    ``payload`` is data: escaped and bounded. ``bytes`` is the original size; ``cut`` says that something is missing,
    which ``payload`` shows as ``…(+n)``.
    """

    payload: str
    format: str
    bytes: int
    cut: bool


def show(payload: bytes, topic: str = "", content_type: str = "", max_chars: int = 400) -> Shown:
    """A payload as bounded, harmless text.

    JSON is cut structurally and stays valid JSON; text keeps its beginning and its end; binary is hex.

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
        structured = decoded.format in {"json", "json_nonstandard"} or isinstance(decoded.value, dict | list)
        self._json = JsonCutter(decoded.value) if structured else None
        self._last: Shown | None = None

    def at(self, max_chars: int) -> Shown:
        """The payload in at most ``max_chars``; the same object as before when that fits as it is."""
        last = self._last
        if last is not None and len(last.payload) <= max_chars and (self._json is not None or not last.cut):
            return last
        text, cut = self._cut(max_chars)
        self._last = Shown(text, self._decoded.format, len(self._payload), cut)
        return self._last

    def _cut(self, max_chars: int) -> tuple[str, bool]:
        decoded, payload = self._decoded, self._payload
        if self._json is not None:
            return self._json.cut(max_chars)
        if not payload:
            return "", False
        if decoded.format in BINARY_FORMATS:
            return cut_hex(payload, max_chars)
        if isinstance(decoded.value, str):
            return cut_text(decoded.value, max_chars)
        head = payload if len(payload) <= 4 * max_chars else payload[: 4 * max_chars]
        return cut_text(head.decode("utf-8", "replace"), max_chars, missing_chars=len(payload) - len(head))
