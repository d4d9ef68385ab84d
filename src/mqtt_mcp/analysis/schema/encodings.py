"""A decoded payload as what a schema describes: the name of its encoding and the value to profile.

Owns which encodings have values, and what counts as one encoding. Does not decode (``payloads`` does) and does not
choose between the encodings of a topic (``report.py`` does).
"""

import re
from typing import Any, NamedTuple

from mqtt_mcp.analysis.payloads.decoding import BINARY_FORMATS, Decoded
from mqtt_mcp.analysis.schema.naming import unit_in
from mqtt_mcp.analysis.schema.profile import MAX_TUPLE

CSV_COLUMNS = 32
"""Columns of comma separated values that are told apart."""

_WITHOUT_VALUE = frozenset({"empty", "json_deep", "json_large", "too_large"})
_INTEGER = re.compile(rb"\s{0,8}-?(?:0|[1-9][0-9]{0,17})\s{0,8}")
_JSON_NUMBER = re.compile(rb"\s{0,8}-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?\s{0,8}")
_TEXT_BYTES = 200


class Content(NamedTuple):
    """What one payload is to a schema.

    Attributes:
        encoding: ``format``, or ``codec+format`` for what was wrapped, as in ``gzip+json``.
        value: None, bool, number, text, list or dict.
        has_value: False when there is nothing to profile; what the bytes are like is all there is then.
        unit: Unit written behind a number; of key=value text those of its numbers, as ``T=°C,H=%``.
        written: How a number was written when not as JSON does, otherwise empty.
    """

    encoding: str
    value: Any = None
    has_value: bool = False
    unit: str = ""
    written: str = ""


def content_of(decoded: Decoded, payload: bytes) -> Content:
    """What there is to profile in a payload; words for true and false stay text unless they are JSON's own."""
    found, value = decoded.format, decoded.value
    name = f"{decoded.codec}+{found}" if decoded.codec else found
    if found in _WITHOUT_VALUE:
        return Content(name)
    if isinstance(value, (dict, list)) or found in {"json", "json_nonstandard"}:
        return Content(name, value, has_value=True, unit=getattr(decoded, "unit", ""))
    if found in BINARY_FORMATS or decoded.codec:
        return Content(name, value, has_value=value is not None)
    if found == "number" and isinstance(value, (int, float)):
        return _number(name, value, payload)
    if found == "boolean" and payload in {b"true", b"false"}:
        text: Any = payload == b"true"
    else:
        text = value if isinstance(value, str) else payload.decode("utf-8", "replace")
    return Content(name, text, has_value=True)


def _number(name: str, value: float, payload: bytes) -> Content:
    if len(payload) > _TEXT_BYTES:
        return Content(name, value, has_value=True)
    if _INTEGER.fullmatch(payload):
        return Content(name, int(payload), has_value=True)
    if _JSON_NUMBER.fullmatch(payload):
        return Content(name, value, has_value=True)
    text = payload.decode("utf-8", "replace").strip()
    return Content(name, value, has_value=True, unit=unit_in(text), written=text)


def family(encoding: str) -> str:
    """The encoding whose schema also describes this one: JSON with NaN in it is still JSON."""
    return encoding.removesuffix("_nonstandard")


def is_structured(encoding: str) -> bool:
    """Whether values of the encoding have fields, so that the value itself is not worth a line of its own."""
    return family(encoding).rpartition("+")[2] in {
        "json", "cbor", "msgpack", "bson", "sparkplug_b", "key_value", "line_protocol", "ndjson", "csv", "protobuf",
    }  # fmt: skip


def is_csv(encoding: str) -> bool:
    """Whether values are rows, whose columns are told apart by position."""
    return encoding.rpartition("+")[2] == "csv"


def has_maps(encoding: str) -> bool:
    """Whether an object keyed by numbers is a map; in protobuf the numbers are the names of fields."""
    return encoding.rpartition("+")[2] != "protobuf"


def max_tuple(encoding: str) -> int:
    """The longest array whose items are told apart by position."""
    if encoding.rpartition("+")[2] == "ndjson":
        return 0
    return CSV_COLUMNS if is_csv(encoding) else MAX_TUPLE


_MEDIA_TYPES = {
    "json": "application/json", "cbor": "application/cbor", "msgpack": "application/msgpack",
    "bson": "application/bson",
    "xml": "application/xml", "csv": "text/csv", "ndjson": "application/x-ndjson", "empty": "application/octet-stream",
    "sparkplug_b": "application/x-protobuf", "protobuf": "application/x-protobuf", "hex": "application/octet-stream",
    "gzip": "application/gzip", "zip": "application/zip", "zstd": "application/zstd", "zlib": "application/zlib",
}  # fmt: skip


def media_type(encoding: str) -> str:
    """The media type of an encoding; ``text/plain`` for text that has no better name."""
    codec, plus, found = family(encoding).rpartition("+")
    if plus:
        return _MEDIA_TYPES.get(codec, "application/octet-stream")
    if "/" in found:
        return found
    return _MEDIA_TYPES.get(found, "application/octet-stream" if found in BINARY_FORMATS else "text/plain")
