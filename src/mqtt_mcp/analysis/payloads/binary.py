"""What a payload that is not text probably is: container magics and structural walks that must consume every byte.

Owns names for binary payloads. Does not decode, inflate or allocate: a gzip bomb is only recognised as gzip. Every walk
is linear, refuses more than 64 KiB and gives up at once where a structure does not fit.
"""

import msgspec

from mqtt_mcp.analysis.payloads.protobuf import fields

_WALK_BYTES = 65_536
_MAX_CBOR_ITEMS = 20_000
_MAX_FIELD_NUMBER = 536

_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"(\xb5/\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"Obj\x01", "avro"),
    (b"PAR1", "parquet"),
    (b"\xd9\xd9\xf7", "cbor"),
)


def sniff_magic(payload: bytes) -> str:
    """The container a payload names in its first bytes, or an empty string."""
    for magic, name in _MAGICS:
        if payload.startswith(magic):
            return name
    if payload[:4] == b"RIFF" and len(payload) >= 12:
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(payload[8:12], "")
    if payload[4:8] == b"ftyp":
        return "video/mp4"
    return "zlib" if _is_zlib(payload) else ""


def _is_zlib(payload: bytes) -> bool:
    """RFC 1950 §2.2: method 8, window of at most 32 KiB, a usual level, and a header that is a multiple of 31."""
    return (
        len(payload) >= 6
        and payload[0] & 0x0F == 8
        and payload[0] >> 4 <= 7
        and (payload[0] << 8 | payload[1]) % 31 == 0
        and payload[1] in {0x01, 0x5E, 0x9C, 0xDA}
    )


def sniff(payload: bytes) -> str:
    """Name what bytes that are not text seem to be.

    Args:
        payload: At least one byte.

    Returns:
        A MIME type, ``gzip``, ``zlib``, ``cbor``, ``msgpack``, ``protobuf`` …; ``hex`` if none fits.
    """
    found = sniff_magic(payload)
    if found:
        return found
    if len(payload) > _WALK_BYTES:
        return "hex"
    if _is_cbor(payload):
        return "cbor"
    if _is_msgpack(payload):
        return "msgpack"
    if len(payload) >= 4 and fields(payload, max_number=_MAX_FIELD_NUMBER) is not None:
        return "protobuf"
    return "hex"


def _is_msgpack(payload: bytes) -> bool:
    first = payload[0]
    if not (0x80 <= first <= 0x9F or 0xDC <= first <= 0xDF):  # a map or an array: scalars prove nothing
        return False
    try:
        value = msgspec.msgpack.decode(payload)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError):
        return False
    return isinstance(value, dict | list) and len(value) > 0


def _is_cbor(payload: bytes) -> bool:  # noqa: C901, PLR0911, PLR0912 - one walk over one grammar
    """Walk one CBOR item (RFC 8949 §3) without decoding; a map or an array that consumes every byte."""
    if payload[0] >> 5 not in {4, 5, 6} or payload[0] & 0x1F == 0:
        return False
    at, end = 0, len(payload)
    pending = 1  # items still to be read
    indefinite: list[int] = []  # what was pending outside of each open indefinite item
    for _ in range(_MAX_CBOR_ITEMS):
        while not pending and not indefinite:
            return at == end
        if at >= end:
            return False
        major, info = payload[at] >> 5, payload[at] & 0x1F
        at += 1
        if major == 7 and info == 31:
            if not indefinite:
                return False
            pending = indefinite.pop()
            continue
        if info in {28, 29, 30} or (info == 31 and major in {0, 1, 6}):
            return False
        if not indefinite or pending > 0:
            pending -= 1
        if info == 31:
            indefinite.append(pending)
            pending = 0
            continue
        size = info
        if info >= 24:
            width = 1 << (info - 24)
            size = int.from_bytes(payload[at : at + width], "big")
            at += width
        if major in {2, 3}:
            at += size
        elif major in {4, 5, 6}:
            pending += size * 2 if major == 5 else size if major == 4 else 1
            if pending > end:
                return False
    return False
