"""Payloads that are not JSON described as what they hold, and binary ones by what they have in common."""

import gzip
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import cbor2
import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqtt_mcp.analysis.payloads.decoder import Decoder
from mqtt_mcp.analysis.schema.encodings import content_of, family
from mqtt_mcp.analysis.schema.layouts import MAX_GUESSED_BYTES, Layout, guess
from mqtt_mcp.analysis.schema.listening import SchemaAccumulator
from mqtt_mcp.mqtt.client import Message
from testkit.messages import window

Payload = Callable[[int], bytes]


def reading(at: int) -> dict[str, Any]:
    return {"t": 20.5 + at / 2, "state": "ON" if at % 2 else "OFF"}


def watched(payloads: dict[str, Payload], *, output: str, count: int = 12) -> SchemaAccumulator:
    """Twelve payloads on a topic of each name."""
    accumulator = SchemaAccumulator(output=output, max_chars=60_000)
    for at in range(count):
        for name, made in payloads.items():
            accumulator.add(Message(f"lab/{name}", made(at), 0, retain=False, received_s=float(at)), float(at))
    return accumulator


def lines_of(made: Payload) -> tuple[str, list[str]]:
    """The encoding and the summary of one topic."""
    (one,) = watched({"x": made}, output="summary").result(window()).schemas
    return one.encoding, one.fields


READING_LINES = ["state  string  always  one of OFF, ON", "t  number  always  20.5 … 26"]


@pytest.mark.parametrize(
    ("made", "encoding", "lines"),
    [
        (lambda at: json.dumps(reading(at)).encode(), "json", READING_LINES),
        (lambda at: gzip.compress(json.dumps(reading(at)).encode(), mtime=0), "gzip+json", READING_LINES),
        (lambda at: zlib.compress(json.dumps(reading(at)).encode()), "zlib+json", READING_LINES),
        (lambda at: cbor2.dumps(reading(at)), "cbor", READING_LINES),
        (lambda at: msgspec.msgpack.encode(reading(at)), "msgpack", READING_LINES),
        (lambda at: f"T:{20 + at / 2};S:x{at % 2}".encode(), "key_value",
         ["S  string  always  one of x0, x1", "T  number  always  20 … 25.5"]),
        (lambda at: f"{20 + at / 2},{40 - at},ok".encode(), "csv",
         ["[]  array  always  3 items", "[0]  number", "[1]  integer", "[2]  string"]),
        (lambda at: f"w,site=a t={20 + at / 2} {1_790_000_000 + at}000000000".encode(), "line_protocol", [
            "fields  object  always", "fields.t  number  always  20 … 25.5", "measurement  string  always  one of w",
            "tags  object  always", "tags.site  string  always  one of a"]),
        (lambda at: f"{20 + at / 2} °C".encode(), "number", ["$  number  always  20 … 25.5  written 20.0 °C"]),
        (lambda at: f"{20 + at % 3},5".encode(), "number", ["$  number  always  20.5 … 22.5  written 20,5"]),
        (lambda at: str(at % 5 * 20).encode(), "number", ["$  integer  always  0 … 80"]),
        (lambda at: b"ON" if at % 2 else b"OFF", "boolean", ["$  string  always  one of OFF, ON"]),
        (lambda at: b"true" if at % 2 else b"false", "boolean", ["$  boolean  always"]),
        (lambda at: b"<r><t>%d</t></r>" % at, "xml", ["$  string  always  e.g. <r><t>0</t></r>"]),
        (lambda at: b'{"a":%d}\n{"a":2}' % at, "ndjson", ["[]  object  always", "[].a  integer  always  0 … 11"]),
        (lambda _: b"", "empty", []),
    ],
)  # fmt: skip
def test_what_can_be_read_is_described_as_values(made, encoding, lines):
    """analysis.md section 3, encodings: by majority, with the codec in the name."""
    found, told = lines_of(made)

    assert found == encoding
    if encoding == "csv":
        told, lines = [line.split("  ")[1] for line in told], ["number", "integer", "string"]
    for line in lines:
        assert line in told
    assert len(told) >= len(lines)


def test_columns_of_cells_are_told_by_position():
    """A constant number of columns: prefixItems with types and ranges, even when all are numbers."""
    (one,) = watched({"x": lambda at: b"%d.5,%d,7" % (at, 40 - at)}, output="json_schema").result(window()).schemas

    assert [cell["type"] for cell in one.schema["prefixItems"]] == ["number", "integer", "integer"]
    assert one.schema["prefixItems"][1]["x-mqtt"]["minimum"] == 29
    assert one.schema["description"] == "The value as decoded from csv."


def test_fields_of_protobuf_are_numbered_and_no_map():
    """The numbers are the names."""
    encoding, lines = lines_of(lambda at: b"\x08" + bytes([at]) + b"\x12\x03abc\x1d" + struct.pack("<f", 2.5 + at))

    assert encoding == "protobuf"
    assert [line.split("  ")[0] for line in lines] == ["1", "2", "3"]


def test_topics_of_one_template_with_different_encodings_are_told_apart():
    """Plain numbers on some, JSON on others: two schemas, each true."""
    accumulator = SchemaAccumulator()
    for at in range(6):
        for name in ("0a1b2c01", "0a1b2c02", "0a1b2c03"):
            accumulator.add(Message(f"s/{name}/v", b'{"v":%d}' % at, 0, retain=False, received_s=0.0), float(at))
        for name in ("0a1b2c04", "0a1b2c05"):
            accumulator.add(Message(f"s/{name}/v", b"2%d.5" % at, 0, retain=False, received_s=0.0), float(at))
    found = {one.template: (one.encoding, one.encoding_share) for one in accumulator.result(window()).schemas}

    assert found == {"s/{}/v": ("json", 1.0), "s/{:number}/v": ("number", 1.0)}


def test_a_minority_on_a_topic_is_reported_beside_the_majority():
    """And lowers the confidence."""
    payloads = [b'{"a":1}'] * 30 + [b"oops it broke"] * 10
    (one,) = watched({"x": lambda at: payloads[at]}, output="json_schema", count=40).result(window()).schemas

    assert (one.encoding, one.encoding_share, one.other_encodings) == ("json", 0.75, {"text": 10})
    assert one.confidence == "medium"
    assert one.schema["x-mqtt-sample"]["messages"] == 30


def test_unknown_binary_of_one_length_gets_a_guess_at_its_fields():
    """struct.pack of a time, two small integers and a float, little endian."""
    (one,) = watched(
        {"x": lambda at: b"\xa5\x01" + struct.pack("<Ihf", 1_790_000_000 + at, -5 - at, 21.5 + at / 10)},
        output="json_schema",
    ).result(window()).schemas  # fmt: skip

    notes = one.schema["x-mqtt"]
    assert notes["bytes"] == [12, 12]
    assert notes["constant_prefix_hex"].startswith("a5 01")
    assert [text.partition(" ")[2].split(" ")[0] for text in notes["fields_guessed"]] == [
        "constant", "uint32", "int16", "float32"]  # fmt: skip


@given(samples=st.integers(1, MAX_GUESSED_BYTES).flatmap(
    lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=4, max_size=8)))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_a_guess_covers_every_byte_in_order_and_never_fails(samples):
    """Whatever the bytes are."""
    offsets = [int(text.partition(":")[0]) for text in guess(samples, 1_790_000_000.0)]

    assert offsets[0] == 0
    assert offsets == sorted(set(offsets))
    assert offsets[-1] < len(samples[0])


@given(one=st.lists(st.binary(max_size=20), max_size=6), other=st.lists(st.binary(max_size=20), max_size=6))
def test_layouts_join_to_what_one_would_have_been(one, other):
    """Counts, lengths and the common beginning."""
    apart, together = [Layout(), Layout()], Layout()
    for layout, payloads in zip(apart, (one, other), strict=True):
        for payload in payloads:
            layout.add(payload)
            together.add(payload)
    apart[0].merge(apart[1])

    assert (apart[0].count, apart[0].prefix) == (together.count, together.prefix)
    assert (apart[0].min_bytes, apart[0].max_bytes) == (together.min_bytes, together.max_bytes)


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


@given(
    values=st.lists(st.dictionaries(st.text(max_size=4), JSON_LIKE, min_size=1, max_size=4), min_size=1, max_size=8),
    strict=st.booleans(),
    encode=st.sampled_from([cbor2.dumps, msgspec.msgpack.encode, lambda v: gzip.compress(json.dumps(v).encode())]),
)
@settings(max_examples=80, deadline=None)
def test_decoded_values_of_every_codec_validate(values, strict, encode):
    """The majority rule for CBOR, MessagePack and gzip, infinities included: what was decoded is what is described."""
    accumulator = SchemaAccumulator(strict=strict, max_chars=1_000_000)
    payloads = [encode(value) for value in values]
    for at, payload in enumerate(payloads):
        accumulator.add(Message("t/x", payload, 0, retain=False, received_s=0.0), float(at))
    (one,) = accumulator.result(window()).schemas
    validator = jsonschema.Draft202012Validator(one.schema)
    for payload in payloads:
        content = content_of(Decoder().decode(payload, "t/x"), payload)
        if content.has_value and family(content.encoding) == one.encoding:
            validator.validate(content.value)
