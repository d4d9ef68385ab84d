"""What a payload is wrapped in: gzip, zlib, raw deflate or base64, taken off within bounds.

Owns how far anything is inflated. Does not know what the content is (``decoding.py`` does).
"""

import base64
import binascii
import zlib

MAX_INFLATED_BYTES = 1024 * 1024
MAX_RATIO = 100
_MAX_MEMBERS = 16
_WINDOWS = {"gzip": 31, "zlib": 15, "deflate": -15}


def inflate(payload: bytes, codec: str) -> bytes | None:
    """The content of a compressed payload.

    Args:
        payload: Any bytes.
        codec: ``gzip``, ``zlib`` or ``deflate``.

    Returns:
        None when it is not complete, damaged, followed by something else, or when it inflates to more than 1 MiB or
        more than 100 times its size; no more than that is ever inflated.
    """
    limit = min(MAX_INFLATED_BYTES, MAX_RATIO * len(payload))
    parts: list[bytes] = []
    rest = payload
    for _ in range(_MAX_MEMBERS):
        stream = zlib.decompressobj(_WINDOWS[codec])
        try:
            parts.append(stream.decompress(rest, limit + 1))
        except zlib.error:
            return None
        limit -= len(parts[-1])
        if limit < 0 or not stream.eof:
            return None
        rest = stream.unused_data
        if not rest:
            return b"".join(parts)
        if codec != "gzip":
            return None
    return None


def may_be_deflate(payload: bytes) -> bool:
    """Whether the first bits are those of a compressed block of RFC 1951 §3.2.3."""
    return len(payload) >= 8 and payload[0] >> 1 & 3 in {1, 2}


def unbase64(text: str) -> bytes | None:
    """What base64 text stands for, or None; a ``data:`` URI is taken by its data, wrapped lines are joined."""
    if text.startswith("data:"):
        text = text[text.find(";base64,", 0, 160) + 8 :]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def unwrap(payload: bytes, codec: str) -> bytes | None:
    """The content of a payload that was decoded with ``codec``: its parts, joined by ``+``, taken off in order."""
    content: bytes | None = payload
    for part in codec.split("+") if codec else ():
        if content is None:
            return None
        content = unbase64(content.decode("ascii", "replace")) if part == "base64" else inflate(content, part)
    return content
