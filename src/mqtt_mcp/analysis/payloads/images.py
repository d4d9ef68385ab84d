"""How wide and high a picture is, from its header.

Owns the headers of JPEG, PNG, GIF and WebP. Decodes no pixels; linear in the part before the size.
"""

import struct
from typing import Any

_HEAD_BYTES = 16
_MAX_SEGMENTS = 500
_SIZE_MARKERS = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})


def describe(payload: bytes, mime: str) -> dict[str, Any]:
    """A picture as JSON-like value: ``{mime, bytes, width, height, head_hex}``; no size where the header tells none."""
    said: dict[str, Any] = {"mime": mime, "bytes": len(payload)}
    size = dimensions(payload, mime)
    if size is not None:
        said["width"], said["height"] = size
    kept = payload[:_HEAD_BYTES]
    said["head_hex"] = kept.hex() + (f"…(+{len(payload) - len(kept)} bytes)" if len(payload) > len(kept) else "")
    return said


def dimensions(payload: bytes, mime: str) -> tuple[int, int] | None:
    """Width and height in pixels, or None when the header is cut off or not known."""
    reader = {"image/jpeg": _jpeg, "image/png": _png, "image/gif": _gif, "image/webp": _webp}.get(mime)
    if reader is None:
        return None
    try:
        found = reader(payload)
    except (struct.error, IndexError):
        return None
    return found if found and found[0] > 0 and found[1] > 0 else None


def _png(payload: bytes) -> tuple[int, int] | None:
    if payload[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", payload, 16)
    return width, height


def _gif(payload: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from("<HH", payload, 6)
    return width, height


def _jpeg(payload: bytes) -> tuple[int, int] | None:
    """Walk the segments (ITU T.81 annex B) to the frame header."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        if payload[at] != 0xFF:
            return None
        marker = payload[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _BARE_MARKERS:
            at += 2
            continue
        if marker in {0xD9, 0xDA}:
            return None
        size = int(struct.unpack_from(">H", payload, at + 2)[0])
        if marker in _SIZE_MARKERS:
            height, width = struct.unpack_from(">HH", payload, at + 5)
            return width, height
        if size < 2:
            return None
        at += 2 + size
    return None


def _webp(payload: bytes) -> tuple[int, int] | None:
    kind = payload[12:16]
    if kind == b"VP8 " and payload[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", payload, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and payload[20] == 0x2F:
        bits = int(struct.unpack_from("<I", payload, 21)[0])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(payload[24:27], "little") + 1, int.from_bytes(payload[27:30], "little") + 1
    return None
