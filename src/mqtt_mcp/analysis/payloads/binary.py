"""What a payload that is not text is: container magics, and structures that must consume every byte.

Owns names for binary payloads and the order of the trials. Every trial is linear, refuses more than 64 KiB and gives up
at once where a structure does not fit. Inflates nothing (``wrapping.py`` does).
"""

from typing import Any, NamedTuple

from mqtt_mcp.analysis.payloads import bson, cbor, message_pack, protobuf_value, sparkplug

_WALK_BYTES = 65_536
_HEAD_BYTES = 64

_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"(\xb5/\xfd", "zstd"),
    (b"\x04\x22M\x18", "lz4"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"Obj\x01", "avro"),
    (b"PAR1", "parquet"),
    (b"\x7fELF", "elf"),
    (b"\x00\x00\x00\x01\x67", "video/h264"),
)
_BY_FIRST: dict[int, list[tuple[bytes, str]]] = {}
for _magic, _name in _MAGICS:
    _BY_FIRST.setdefault(_magic[0], []).append((_magic, _name))
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/avi"}
_BRANDS = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heic", b"avif": "image/avif"}


class Binary(NamedTuple):
    """What bytes are: their format, their value, and a structure signature if the value has none."""

    format: str
    value: Any = None
    shape: str = ""


_HEX = Binary("hex")


def sniff_magic(payload: bytes) -> str:
    """The container a payload names in its first bytes, or an empty string; ``ID3 is on`` is no music."""
    for magic, name in _BY_FIRST.get(payload[0], ()):
        if payload.startswith(magic):
            return name if not magic.isascii() or _is_binary(payload) else ""
    if payload[:4] == b"RIFF" and len(payload) >= 12:
        return _RIFF.get(payload[8:12], "")
    if payload[4:8] == b"ftyp" and _is_binary(payload):
        return _BRANDS.get(payload[8:12], "video/mp4")
    if payload[:2] == b"BM" and int.from_bytes(payload[2:6], "little") == len(payload):
        return "image/bmp"
    return ""


def _is_binary(payload: bytes) -> bool:
    return any(byte > 0x7E or (byte < 32 and byte not in b"\t\r\n\x1b") for byte in payload[:_HEAD_BYTES])


def is_zlib(payload: bytes) -> bool:
    """RFC 1950 §2.2: method 8, window of at most 32 KiB, no dictionary, and a header that is a multiple of 31."""
    return (
        len(payload) >= 8
        and payload[0] & 0x0F == 8
        and payload[0] >> 4 <= 7
        and not payload[1] & 0x20
        and (payload[0] << 8 | payload[1]) % 31 == 0
    )


def read_exact(payload: bytes, content_type: str = "") -> Binary | None:
    """BSON, CBOR or MessagePack, or None. Their structure leaves hardly any room for chance.

    Args:
        payload: At least one byte.
        content_type: MQTT 5 Content Type; decides only between formats that both fit.
    """
    if len(payload) > _WALK_BYTES:
        return Binary("cbor") if payload.startswith(cbor.SELF_DESCRIBED) else None
    document = bson.read(payload)
    if document is not None:
        return Binary("bson", document)
    item = cbor.read(payload)
    if _has_names(item):
        return Binary("cbor", item)
    packed = message_pack.read(payload)
    if packed is not None and (item is None or _has_names(packed) or "msgpack" in content_type.lower()):
        return Binary("msgpack", packed)
    return Binary("cbor", item) if item is not None else None


def _has_names(value: Any) -> bool:
    """Some bytes are an array to one format and an object with names to the other: the latter is no accident."""
    return isinstance(value, dict) and all(key[:1].isalpha() or key[:1] in "_$" for key in value)


def read_loose(payload: bytes) -> Binary:
    """Sparkplug B, another Protocol Buffers message, or ``hex``: what chance can look like.

    Args:
        payload: At least one byte.
    """
    if len(payload) > _WALK_BYTES:
        return _HEX
    found = protobuf_value.read(payload)
    if found is None:
        return _HEX
    if payload[0] == 0x08:
        spark = sparkplug.parse(payload)
        if spark is not None and sparkplug.is_plausible(spark):
            return Binary(
                "sparkplug_b",
                sparkplug.to_value(spark, sparkplug.nameless),
                sparkplug.structure(spark, sparkplug.nameless),
            )
    return Binary("protobuf", *found)
