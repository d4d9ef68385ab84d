"""What a payload is: honest detection of its format, and decoding.

Owns the list of formats. Never raises whatever the bytes are, works in linear time and allocates in proportion to the
payload. Does not show payloads (``rendering.py`` does) and remembers nothing between them (``decoder.py`` does).
"""

import re
from typing import Any, Final

import msgspec

from mqtt_mcp.analysis.payloads import binary, bson, json_text, sparkplug, textual, wrapping
from mqtt_mcp.analysis.payloads.edge_nodes import Event

FORMATS: Final = (
    "empty", "json", "json_nonstandard", "json_deep", "json_large", "json_malformed", "number", "boolean",
    "iso_time", "uuid", "hex_text", "base64", "key_value", "csv", "line_protocol", "xml", "ndjson", "text",
    "text_utf16", "text_latin1", "gzip", "zlib", "zip", "7z", "zstd", "lz4", "bzip2", "xz", "avro", "parquet", "elf",
    "image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/tiff", "image/heic", "image/avif",
    "audio/ogg", "audio/mpeg", "audio/flac", "audio/wav", "video/mp4", "video/avi", "video/h264", "application/pdf",
    "sparkplug_b", "cbor", "msgpack", "bson", "protobuf", "protobuf_malformed", "hex",
)  # fmt: skip
"""Every value of ``format``. Those up to ``text_latin1`` are text, from ``gzip`` on binary."""

BINARY_FORMATS: Final = frozenset(FORMATS[FORMATS.index("gzip") :])

CODECS: Final = ("gzip", "zlib", "deflate", "base64")
"""What a content may be wrapped in; several are joined by ``+``, the outer first."""

MAX_DECODED_BYTES = 1024 * 1024
_MAX_CODECS = 3
_MIN_BASE64_CONTENT_BYTES = 16

_TEXT_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")


class Decoded(msgspec.Struct, frozen=True):
    """A payload's format and, where it was decoded, its value.

    ``value`` is JSON-like: string keys, no NaN, no bytes.

    ======================================  ============================================================
    format                                  value
    ======================================  ============================================================
    json, json_nonstandard                  as parsed; NaN and infinities became None
    cbor, msgpack, bson                     as parsed
    number, boolean                         a float, a bool
    key_value                               an object
    csv                                     a list of cells, or of rows
    line_protocol                           {measurement, tags, fields, timestamp}, or a list of them
    ndjson                                  a list
    protobuf                                an object by field number
    sparkplug_b                             what ``sparkplug.to_value`` gives
    other text                              the text
    other binary, empty, too deep, > 1 MiB  None
    ======================================  ============================================================

    Attributes:
        format: A word of ``FORMATS``: that of the content.
        codec: What the content was wrapped in, as ``gzip`` or ``base64+gzip``; empty for nothing.
        shape: Structure signature where the value does not tell it, otherwise empty.
        events: What a ``Decoder`` noticed about the message in its stream.
        unit: Unit of a ``number``; of ``key_value`` those of its numbers, as ``T=°C,H=%``.
    """

    format: str
    value: Any = None
    codec: str = ""
    shape: str = ""
    events: tuple[Event, ...] = ()
    unit: str = ""

    @property
    def name(self) -> str:
        """Format and codec in one word for a reader: ``gzip+json``."""
        return f"{self.codec}+{self.format}" if self.codec else self.format


_EMPTY = Decoded("empty")
_DEEP = Decoded("json_deep")


def decode(payload: bytes, topic: str = "", content_type: str = "") -> Decoded:
    """Find out what a payload is and decode it where that is safe and cheap.

    Args:
        payload: Any bytes.
        topic: The topic name; Sparkplug B is told by it.
        content_type: MQTT 5 Content Type; a hint for CBOR and MessagePack only, never trusted against the bytes.
    """
    return _decode(payload, topic, content_type, 0)


def _decode(payload: bytes, topic: str, content_type: str, codecs: int) -> Decoded:
    if not payload:
        return _EMPTY
    if len(payload) > MAX_DECODED_BYTES:
        return _decode_large(payload)
    if payload[0] in b'{["':
        found = _json(payload)
        if found is not None:
            return found
        # A BSON document begins with its size, and 123 bytes read like a brace; no JSON ends with a zero.
        document = bson.read(payload)
        if document is not None:
            return Decoded("bson", document)
    return _decode_other(payload, topic, content_type, codecs)


def _decode_large(payload: bytes) -> Decoded:
    """Name a payload by its beginning; decoding it would hold up everything else."""
    head = payload[: textual.SNIFFED_CHARS]
    magic = binary.sniff_magic(head)
    if magic:
        return _container(magic)
    if json_text.STARTS.match(head) is not None:
        return Decoded("json_large")
    text = head.decode("utf-8", "ignore")
    is_text = len(head) - len(text.encode()) <= 3 and _TEXT_CONTROLS.search(text) is None
    return Decoded("text" if is_text else "hex")


def _json(payload: bytes) -> Decoded | None:
    if (
        len(payload) > json_text.MAX_DEPTH
        and payload.count(b"[") + payload.count(b"{") > json_text.MAX_DEPTH
        and json_text.too_deep(payload)
    ):
        return _DEEP if payload[0] in b"{[" else None
    try:
        return Decoded("json", msgspec.json.decode(payload))
    except RecursionError:
        return _DEEP
    except ValueError:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        return None


def _decode_other(  # noqa: PLR0911 - a list of tests, first hit wins
    payload: bytes, topic: str, content_type: str, codecs: int
) -> Decoded:
    if sparkplug.is_sparkplug_topic(topic):
        parsed = sparkplug.parse(payload)
        if parsed is not None:
            nameless = sparkplug.nameless
            return Decoded(
                "sparkplug_b", sparkplug.to_value(parsed, nameless), shape=sparkplug.structure(parsed, nameless)
            )
    magic = binary.sniff_magic(payload)
    if magic:
        return (_unwrapped(payload, magic, codecs) if magic == "gzip" else None) or _container(magic)
    if binary.is_zlib(payload):
        found = _unwrapped(payload, "zlib", codecs)
        if found is not None:
            return found
    wide = _utf16(payload)
    if wide is not None:
        return Decoded("text_utf16", wide)
    bare = payload.removeprefix(b"\xef\xbb\xbf")
    try:
        text = bare.decode()
    except UnicodeDecodeError:
        return (
            Decoded(*json_text.lenient(bare))
            if json_text.SURELY.match(bare)
            else _binary(payload, content_type, codecs)
        )
    if json_text.STARTS.match(bare) is not None:
        return _json(bare.strip()) or Decoded(*json_text.lenient(bare))
    if _TEXT_CONTROLS.search(text[: textual.SNIFFED_CHARS]) is not None:
        found = _binary(payload, content_type, codecs)
        return Decoded("text", text) if found.format == "hex" and _mostly_text(payload) else found
    return _text(text, codecs)


def _container(name: str) -> Decoded:
    return Decoded(name, shape=name if "/" in name else "")


def _text(text: str, codecs: int) -> Decoded:
    found = textual.read(text)
    if found.format == "base64" and codecs < _MAX_CODECS:
        content = wrapping.unbase64(found.value)
        if content is not None and len(content) >= _MIN_BASE64_CONTENT_BYTES:
            inner = _decode(content, "", "", codecs + 1)
            if inner.codec or inner.shape == inner.format or inner.format in {"json", "zip", "zlib", "gzip"}:
                return _in_codec(inner, "base64")
    return Decoded(found.format, found.value, shape=found.shape, unit=found.unit)


def _unwrapped(payload: bytes, codec: str, codecs: int) -> Decoded | None:
    """The content of a compressed payload; None when there is none or too much of it."""
    content = wrapping.inflate(payload, codec) if codecs < _MAX_CODECS else None
    return _in_codec(_decode(content, "", "", codecs + 1), codec) if content else None


def _in_codec(inner: Decoded, codec: str) -> Decoded:
    return msgspec.structs.replace(inner, codec=f"{codec}+{inner.codec}" if inner.codec else codec)


def _utf16(payload: bytes) -> str | None:
    if len(payload) % 2 or b"\x00" not in payload:
        return None
    if payload[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return payload.decode("utf-16", "replace")
    if len(payload) < 8 or (payload[0] and payload[1]):
        return None
    text = payload.decode("utf-16-le" if payload[0] else "utf-16-be", "replace")
    letters = sum(char.isascii() and char.isalpha() for char in text[:256])
    return text if letters * 2 > min(256, len(text)) and text.isascii() and not _TEXT_CONTROLS.search(text) else None


def _mostly_text(payload: bytes) -> bool:
    head = payload[:1024]
    controls = sum(byte < 32 and byte not in b"\t\r\n\x1b" for byte in head)
    return controls * 20 <= len(head)


def _binary(payload: bytes, content_type: str, codecs: int) -> Decoded:
    """What bytes that are not UTF-8 text are: first what must fit to the last byte, then what is only likely."""
    found = binary.read_exact(payload, content_type)
    if found is not None:
        return Decoded(found.format, found.value)
    if wrapping.may_be_deflate(payload):
        inner = _unwrapped(payload, "deflate", codecs)
        if inner is not None and inner.format not in _TOO_LOOSE:
            return inner
    text = _latin1(payload)
    if text is not None:
        named = textual.read(text)
        return (
            Decoded("number", named.value, unit=named.unit)
            if named.format == "number"
            else Decoded("text_latin1", text)
        )
    if binary.is_zlib(payload) and payload[1] in {0x01, 0x5E, 0x9C, 0xDA}:
        return Decoded("zlib")
    loose = binary.read_loose(payload)
    return Decoded(loose.format, loose.value, shape=loose.shape)


_TOO_LOOSE = frozenset({"hex", "protobuf", "text_latin1", "json_malformed", "number", "boolean", "zlib", "empty"})
"""What a content of chance may look like."""


def _latin1(payload: bytes) -> str | None:
    """The text, when nearly all of it is ASCII and the rest are letters and signs of ISO 8859-1."""
    head = payload[:1024]
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in head)
    if len(head) < 4 or printable * 100 < len(head) * 80:
        return None
    if any((byte < 32 and byte not in b"\t\r\n\x1b") or 0x7F <= byte < 0xA0 for byte in head):
        return None
    return payload.decode("latin-1")
