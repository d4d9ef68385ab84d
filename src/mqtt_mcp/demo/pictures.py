"""A tiny picture for the simulated camera: the home's one binary payload.

Owns just enough of PNG (ISO/IEC 15948) for an 8 x 8 grey gradient.
"""

import struct
import zlib

_SIZE = 8


def gradient_png(shift: int) -> bytes:
    """An 8 x 8 grey PNG whose gradient is moved by ``shift`` steps, so that successive pictures differ."""
    rows = b"".join(
        # Every row of a PNG begins with its filter type; 0 is "none".
        b"\x00" + bytes((x * 32 + y * 4 + shift * 16) % 256 for x in range(_SIZE))
        for y in range(_SIZE)
    )
    header = struct.pack(">IIBBBBB", _SIZE, _SIZE, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
