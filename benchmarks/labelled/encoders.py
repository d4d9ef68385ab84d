"""Small encoders, so that traffic needs no third-party package and never changes with one."""

import json
import random
import struct
import time
import zlib
from typing import Any


def json_bytes(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def iso_time(epoch_s: float, *, milliseconds: bool = True, zone: str = "Z") -> str:
    """An ISO 8601 time."""
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(epoch_s))
    return text + (f".{int((epoch_s % 1) * 1000):03d}" if milliseconds else "") + zone


def varint(number: int) -> bytes:
    """A protobuf varint; negative numbers as 64-bit two's complement."""
    number &= (1 << 64) - 1
    out = bytearray()
    while True:
        low = number & 0x7F
        number >>= 7
        if not number:
            out.append(low)
            return bytes(out)
        out.append(low | 0x80)


def field_key(field: int, wire_type: int) -> bytes:
    """The key of a protobuf field."""
    return varint(field << 3 | wire_type)


def length_delimited(field: int, data: bytes) -> bytes:
    """A protobuf field of bytes."""
    return field_key(field, 2) + varint(len(data)) + data


_CBOR_WIDTHS = ((24, ">B", 1 << 8), (25, ">H", 1 << 16), (26, ">I", 1 << 32), (27, ">Q", 1 << 64))
_SIMPLE_CBOR = {"False": b"\xf4", "True": b"\xf5", "None": b"\xf6"}


def _cbor_head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for additional, layout, limit in _CBOR_WIDTHS:
        if number < limit:
            return bytes([major << 5 | additional]) + struct.pack(layout, number)
    raise ValueError(number)


def cbor(value: Any) -> bytes:
    """CBOR (RFC 8949) of a JSON-like value or bytes, definite lengths, doubles for all floats."""
    match value:
        case bool() | None:
            return _SIMPLE_CBOR[str(value)]
        case int():
            return _cbor_head(0, value) if value >= 0 else _cbor_head(1, -1 - value)
        case float():
            return b"\xfb" + struct.pack(">d", value)
        case str() | bytes():
            data = value.encode() if isinstance(value, str) else value
            return _cbor_head(3 if isinstance(value, str) else 2, len(data)) + data
        case list():
            return _cbor_head(4, len(value)) + b"".join(map(cbor, value))
    return _cbor_head(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value.items())


def msgpack(value: Any) -> bytes:
    """MessagePack of a small JSON-like value."""
    match value:
        case bool() | None:
            return {"None": b"\xc0", "True": b"\xc3", "False": b"\xc2"}[str(value)]
        case int():
            small = -32 <= value < 128
            return struct.pack("b", value) if small else b"\xd3" + struct.pack(">q", value)
        case float():
            return b"\xcb" + struct.pack(">d", value)
        case str():
            text = value.encode()
            return (bytes([0xA0 | len(text)]) if len(text) < 32 else b"\xd9" + bytes([len(text)])) + text
        case list():
            items = b"".join(map(msgpack, value))
            return (bytes([0x90 | len(value)]) if len(value) < 16 else b"\xdc" + struct.pack(">H", len(value))) + items
    members = b"".join(msgpack(key) + msgpack(item) for key, item in value.items())
    return (bytes([0x80 | len(value)]) if len(value) < 16 else b"\xde" + struct.pack(">H", len(value))) + members


def jpeg(chance: random.Random, size: int) -> bytes:
    """Something that looks like a JPEG from its ends."""
    return (
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + chance.randbytes(size) + b"\xff\xd9"
    )


def png(chance: random.Random, size: int) -> bytes:
    """A PNG with a header of 64 x 48 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(chance.randbytes(size))) + chunk(b"IEND", b"")
