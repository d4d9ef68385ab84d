"""What a payload is: honest detection of its format, and decoding.

Owns the list of formats. Never raises whatever the bytes are, works in linear time and allocates in proportion to the
payload. Does not show payloads (``rendering.py`` does) and remembers nothing between them (``decoder.py`` does).
"""

import json
import math
import re
from typing import Any, Final

import msgspec

from mqtt_mcp.analysis.payloads.binary import sniff, sniff_magic
from mqtt_mcp.analysis.payloads.edge_nodes import Event
from mqtt_mcp.analysis.payloads.sparkplug import is_sparkplug_topic, parse, structure, to_value
from mqtt_mcp.analysis.payloads.textual import SNIFFED_CHARS, name_text

FORMATS: Final = (
    "empty", "json", "json_nonstandard", "json_deep", "json_large", "json_malformed", "number", "boolean",
    "iso_time", "uuid", "hex_text", "base64", "key_value", "csv", "line_protocol", "xml", "ndjson", "text",
    "text_utf16", "text_latin1", "gzip", "zlib", "zip", "zstd", "bzip2", "xz", "avro", "parquet", "image/jpeg",
    "image/png", "image/gif", "image/webp", "audio/ogg", "audio/mpeg", "audio/flac", "audio/wav", "video/mp4",
    "application/pdf", "sparkplug_b", "cbor", "msgpack", "protobuf", "protobuf_malformed", "hex",
)  # fmt: skip
"""Every value of ``format``. Those up to ``text_latin1`` are text, from ``gzip`` on binary and shown as hex."""

BINARY_FORMATS: Final = frozenset(FORMATS[FORMATS.index("gzip") :])

MAX_JSON_DEPTH = 64
MAX_DECODED_BYTES = 1024 * 1024
_LENIENT_BYTES = 256 * 1024

_TEXT_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")
_JSON_START = re.compile(
    rb"[ \t\r\n]{0,64}(?:\{|\[\s{0,64}(?:[\[{\"\]]|(?:-?\d[\d.eE+-]{0,32}|true|false|null)\s{0,64}[,\]]))"
)


class Decoded(msgspec.Struct, frozen=True):
    """A payload's format and, where it was decoded, its value.

    ``value`` is the parsed value for ``json`` and ``json_nonstandard`` (NaN and infinities became None), a float for
    ``number``, a bool for ``boolean``, the text for other textual formats, what ``sparkplug.to_value`` gives for
    ``sparkplug_b``, None for other binary, empty, too deep and too large (above 1 MiB) ones.

    Attributes:
        codec: What the content was wrapped in, empty for nothing.
        shape: Structure signature where the value does not tell it, otherwise empty.
        events: What a ``Decoder`` noticed about the message in its stream.
    """

    format: str
    value: Any = None
    codec: str = ""
    shape: str = ""
    events: tuple[Event, ...] = ()


_EMPTY = Decoded("empty")
_DEEP = Decoded("json_deep")


def decode(payload: bytes, topic: str = "", content_type: str = "") -> Decoded:
    """Find out what a payload is and decode it where that is safe and cheap.

    Args:
        payload: Any bytes.
        topic: The topic name; Sparkplug B is told by it.
        content_type: MQTT 5 Content Type; a hint for CBOR and MessagePack only, never trusted against the bytes.
    """
    if not payload:
        return _EMPTY
    if len(payload) > MAX_DECODED_BYTES:
        return _decode_large(payload)
    if payload[0] in b'{["':
        found = _json(payload)
        if found is not None:
            return found
    return _decode_other(payload, topic, content_type)


def _decode_large(payload: bytes) -> Decoded:
    """Name a payload by its beginning; decoding it would hold up everything else."""
    head = payload[:SNIFFED_CHARS]
    magic = sniff_magic(head)
    if magic:
        return Decoded(magic)
    if _JSON_START.match(head) is not None:
        return Decoded("json_large")
    text = head.decode("utf-8", "ignore")
    is_text = len(head) - len(text.encode()) <= 3 and _TEXT_CONTROLS.search(text) is None
    return Decoded("text" if is_text else "hex")


def _json(payload: bytes) -> Decoded | None:
    if (
        len(payload) > MAX_JSON_DEPTH
        and payload.count(b"[") + payload.count(b"{") > MAX_JSON_DEPTH
        and _too_deep(payload)
    ):
        return _DEEP if payload[0] in b"{[" else None
    try:
        return Decoded("json", msgspec.json.decode(payload))
    except RecursionError:
        return _DEEP
    except ValueError:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        return None


def _too_deep(payload: bytes) -> bool:
    """Whether brackets outside of strings nest deeper than ``MAX_JSON_DEPTH``; linear, no recursion."""
    depth = 0
    for match in _STRUCTURE.finditer(payload):
        token = match.group()
        if token in {b"{", b"["}:
            depth += 1
            if depth > MAX_JSON_DEPTH:
                return True
        elif token in {b"}", b"]"}:
            depth -= 1
    return False


_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[{}\[\]]', re.DOTALL)


def _decode_other(  # noqa: PLR0911 - a list of tests, first hit wins
    payload: bytes, topic: str, content_type: str
) -> Decoded:
    if is_sparkplug_topic(topic):
        parsed = parse(payload)
        if parsed is not None:
            return Decoded("sparkplug_b", to_value(parsed, _nameless), shape=structure(parsed, _nameless))
    magic = sniff_magic(payload)
    if magic:
        return Decoded(magic)
    if payload[:2] in {b"\xff\xfe", b"\xfe\xff"} and len(payload) % 2 == 0 and b"\x00" in payload:
        return Decoded("text_utf16", payload.decode("utf-16", "replace"))
    bare = payload.removeprefix(b"\xef\xbb\xbf")
    looks_json = _JSON_START.match(bare) is not None
    if looks_json:
        return _json(bare.strip()) or _lenient_json(bare)
    try:
        text = bare.decode()
    except UnicodeDecodeError:
        return _not_utf8(payload, content_type)
    if _TEXT_CONTROLS.search(text[:SNIFFED_CHARS]) is not None:
        name = _hinted(sniff(payload), content_type)
        return Decoded("text", text) if name == "hex" and _mostly_text(payload) else Decoded(name)
    return Decoded(*name_text(text))


def _lenient_json(payload: bytes) -> Decoded:
    """What a strict parser refuses: lone surrogates are mended, NaN and infinity become None, the rest is malformed."""
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
            return Decoded("json_nonstandard" if odd else "json", _mended(value))
        except (ValueError, RecursionError):
            pass
        if _is_ndjson(payload):
            return Decoded("ndjson", payload.decode("utf-8", "replace"))
    return Decoded("json_malformed", payload.decode("utf-8", "replace"))


def _is_ndjson(payload: bytes) -> bool:
    lines = [line for line in payload.splitlines() if line.strip()]
    return len(lines) > 1 and all(line[:1] == b"{" and _json(line) is not None for line in lines)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return value


def _hinted(name: str, content_type: str) -> str:
    if name in {"cbor", "msgpack", "protobuf"}:
        for hint in ("cbor", "msgpack", "protobuf"):
            if hint in content_type.lower():
                return hint
    return name


def _mostly_text(payload: bytes) -> bool:
    head = payload[:1024]
    controls = sum(byte < 32 and byte not in b"\t\r\n\x1b" for byte in head)
    return controls * 20 <= len(head)


def _not_utf8(payload: bytes, content_type: str) -> Decoded:
    head = payload[:1024]
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in head)
    if (
        len(head) >= 4
        and printable * 100 >= len(head) * 80
        and not any(byte < 32 and byte not in b"\t\r\n\x1b" for byte in head)
    ):
        return Decoded("text_latin1", payload.decode("latin-1"))
    return Decoded(_hinted(sniff(payload), content_type))


def _nameless(_alias: int) -> None:
    """No birth is known to a single payload."""
