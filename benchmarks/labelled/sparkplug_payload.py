"""Sparkplug B payloads, written and read back (eclipse-sparkplug/sparkplug, Sparkplug_6_Payloads.adoc)."""

import struct
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from benchmarks.labelled.encoders import field_key, length_delimited, varint

INT32, INT64, FLOAT, DOUBLE, BOOLEAN, STRING = 3, 4, 9, 10, 11, 12


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of a payload; what is None is left out.

    Attributes:
        name: In births always, in data only without an alias.
        alias: The number that stands for the name.
        timestamp_ms: When it was measured.
        datatype: One of the numbers above.
        value: None says it is null.
        quality: OPC quality, sent as property ``Quality`` when it is not good (192).
        historical: Not current, sent later.
    """

    name: str | None = None
    alias: int | None = None
    timestamp_ms: int | None = None
    datatype: int | None = None
    value: int | float | bool | str | None = None
    quality: int = 192
    historical: bool = False

    def encoded(self) -> bytes:
        """Its bytes."""
        out = b"" if self.name is None else length_delimited(1, self.name.encode())
        for field, number in ((2, self.alias), (3, self.timestamp_ms), (4, self.datatype)):
            if number is not None:
                out += field_key(field, 0) + varint(number)
        if self.historical:
            out += field_key(5, 0) + b"\x01"
        if self.value is None:
            out += field_key(7, 0) + b"\x01"
        if self.quality != 192:
            item = field_key(1, 0) + varint(INT32) + field_key(3, 0) + varint(self.quality)
            out += length_delimited(9, length_delimited(1, b"Quality") + length_delimited(2, item))
        return out if self.value is None else out + _encoded_value(self.datatype, self.value)


def _encoded_value(datatype: int | None, value: Any) -> bytes:
    match datatype:
        case 1 | 2 | 3 | 5 | 6 | 7:
            return field_key(10, 0) + varint(value & 0xFFFFFFFF)
        case 4 | 8 | 13:
            return field_key(11, 0) + varint(value)
        case 9 | 10:
            return field_key(12, 5) + struct.pack("<f", value) if datatype == 9 else _double(value)
        case 11:
            return field_key(14, 0) + (b"\x01" if value else b"\x00")
    return length_delimited(15, str(value).encode())


def _double(value: float) -> bytes:
    return field_key(13, 1) + struct.pack("<d", value)


def sparkplug(timestamp_ms: int, metrics: Iterable[Metric], seq: int | None = None) -> bytes:
    """A payload."""
    out = field_key(1, 0) + varint(timestamp_ms)
    for metric in metrics:
        out += length_delimited(2, metric.encoded())
    return out if seq is None else out + field_key(3, 0) + varint(seq)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(field, number, bytes) of a protobuf message; one of the two is empty."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        field, wire_type = key >> 3, key & 7
        if wire_type == 0:
            number, at = _read_varint(data, at)
            yield field, number, b""
            continue
        size = {1: 8, 5: 4}.get(wire_type, 0)
        if wire_type == 2:
            size, at = _read_varint(data, at)
        elif not size:
            raise ValueError(f"wire type {wire_type}")
        yield field, 0, data[at : at + size]
        at += size


def measured_numbers(data: bytes) -> dict[str, float]:
    """The floating point values of a payload by name, or by alias where there is no name.

    Raises:
        ValueError, IndexError, struct.error: This is no Sparkplug payload.
    """
    found: dict[str, float] = {}
    for field, _, metric in _fields(data):
        if field != 2:
            continue
        name = alias = ""
        value = None
        for part, number, content in _fields(metric):
            if part == 1:
                name = content.decode()
            elif part == 2:
                alias = str(number)
            elif part == 12:
                value = round(struct.unpack("<f", content)[0], 5)
            elif part == 13:
                value = struct.unpack("<d", content)[0]
        if value is not None:
            found[name or alias] = value
    return found
