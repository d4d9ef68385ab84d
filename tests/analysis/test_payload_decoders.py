"""Each decoder by itself: round trips against independent encoders, mutations, and payloads that mean harm."""

import base64
import gzip
import json
import math
import random
import struct
import time
import tracemalloc
import zlib

import cbor2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqtt_mcp.analysis.payloads import bson as bson_format
from mqtt_mcp.analysis.payloads import cbor, message_pack, protobuf_value
from mqtt_mcp.analysis.payloads.decoder import Decoder
from mqtt_mcp.analysis.payloads.decoding import decode
from mqtt_mcp.analysis.payloads.rendering import Rendering, show
from mqtt_mcp.analysis.payloads.shape import structure_of
from mqtt_mcp.analysis.payloads.wrapping import MAX_INFLATED_BYTES, inflate
from testkit.encodings import ENCODINGS, bson, field, varint
from testkit.messages import signals_of

SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=9)
OBJECTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=5)


def as_json(value):
    """Infinity has no JSON."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [as_json(one) for one in value]
    if isinstance(value, dict):
        return {key: as_json(one) for key, one in value.items()}
    return value


def examine(payload: bytes, topic: str = "a/b", content_type: str = "") -> None:
    """Everything that is done with a payload; the value must be JSON."""
    decoded = decode(payload, topic, content_type)
    signals_of(topic, decoded)
    assert len(structure_of(decoded)) <= 700
    rendering = Rendering(decoded, payload)
    for chars in (2_000, 400, 60, 20):
        shown = rendering.at(chars)
        assert len(shown.payload) <= chars
    json.dumps(decoded.value, allow_nan=False)
    stream = Decoder()
    stream.decode(payload, topic)
    stream.again(payload, topic)


@given(OBJECTS)
def test_what_cbor2_wrote_is_read(value):
    """RFC 8949 round trip."""
    found = decode(cbor2.dumps(value))
    assert (found.format, found.value) == ("cbor", as_json(value))


@given(OBJECTS)
def test_what_msgspec_packed_is_read(value):
    """MessagePack round trip."""
    found = decode(msgspec.msgpack.encode(value))
    assert (found.format, found.value) == ("msgpack", as_json(value))


BSON_KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
BSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(BSON_KEYS, inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(BSON_KEYS, BSON_VALUES, min_size=1, max_size=5))
def test_what_a_bson_writer_wrote_is_read(value):
    """BSON 1.1 round trip."""
    found = decode(bson(value))
    assert (found.format, found.value) == ("bson", as_json(value))


@pytest.mark.parametrize("size", [0x22, 0x5B, 0x7B])
def test_a_bson_document_whose_size_reads_like_the_beginning_of_json_is_read(size):
    """The size comes first, and 123 is an opening brace."""
    value = {"k": "x" * (size - 13)}
    payload = bson(value)
    assert len(payload) == size

    assert (decode(payload).format, decode(payload).value) == ("bson", value)


@given(OBJECTS, st.sampled_from(["gzip", "zlib", "deflate"]), st.integers(1, 9))
def test_what_was_compressed_is_read(value, codec, level):
    """RFC 1950 to 1952 round trip; the content counts, the codec is named."""
    stream = zlib.compressobj(level, wbits={"gzip": 31, "zlib": 15, "deflate": -15}[codec])
    content = json.dumps(as_json(value)).encode()
    payload = stream.compress(content) + stream.flush()
    found = decode(payload)
    if 100 * len(payload) >= len(content) and len(payload) >= 8:
        assert (found.name, found.value) == (f"{codec}+json", as_json(value))


@given(st.lists(st.tuples(st.integers(1, 15), st.integers(0, 2**64 - 1)), min_size=2, max_size=9), st.text(min_size=1))
def test_what_protocol_buffers_say_is_read(numbers, text):
    """Fields in ascending order, as encoders write them; the last one is text."""
    numbers.sort()
    payload = b"".join(field(number, value) for number, value in numbers) + field(16, text.encode())
    found = protobuf_value.read(payload)
    assert found is not None
    value, shape = found
    first = value[str(numbers[0][0])]
    assert (first[0] if isinstance(first, list) else first) == numbers[0][1]
    assert shape.startswith("protobuf:")
    if text.isprintable():
        assert value["16"] == text


@given(
    st.sampled_from(sorted(ENCODINGS)),
    st.integers(0, 10_000),
    st.lists(st.tuples(st.integers(0, 5_000), st.binary(max_size=4)), max_size=6),
)
@settings(max_examples=400)
def test_damaged_payloads_of_every_encoding_can_be_examined(name, seed, damages):
    """Cut, overwritten and inserted bytes in something real reach deeper than random bytes do."""
    payload = bytearray(ENCODINGS[name][0](random.Random(seed)))
    for place, data in damages:
        at = place % (len(payload) + 1)
        payload[at : at + len(data) // 2] = data
    examine(bytes(payload))
    examine(bytes(payload), "spBv1.0/g/NDATA/e")


@pytest.mark.parametrize("read", [cbor.read, message_pack.read, bson_format.read, protobuf_value.read])
@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_a_value_or_none(read, payload):
    """No exception leaves a decoder."""
    read(payload)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "zlib", "deflate"]))
def test_nothing_is_read_past_the_payload(payload, codec):
    """A whole stream followed by another byte is not that stream."""
    stream = zlib.compressobj(wbits={"gzip": 31, "zlib": 15, "deflate": -15}[codec])
    packed = stream.compress(payload) + stream.flush()
    assert inflate(packed, codec) == payload
    assert inflate(packed + b"\x00", codec) is None
    assert inflate(packed[:-1], codec) is None


def nested(levels: int, wrap, inner: bytes) -> bytes:
    for _ in range(levels):
        inner = wrap(inner)
    return inner


def bson_member(inner: bytes) -> bytes:
    return struct.pack("<i", len(inner) + 8) + b"\x03a\x00" + inner + b"\x00"


HOSTILE = {
    "gzip bomb": gzip.compress(b"\x00" * 50_000_000),
    "gzip bomb of JSON": gzip.compress(b"[" + b"0," * 4_000_000 + b"0]"),
    "gzip in gzip": nested(6, gzip.compress, b'{"a":1}'),
    "gzip bomb in gzip": gzip.compress(gzip.compress(b"\x00" * 50_000_000)),
    "many gzip members": gzip.compress(b"x") * 5_000,
    "base64 in base64": nested(8, base64.b64encode, gzip.compress(b'{"a":1}' * 9)),
    "CBOR nested 60,000 deep": b"\x81" * 60_000 + b"\x01",
    "CBOR nested by tags": b"\xd9\xd9\xf7" * 20_000 + b"\x81\x01",
    "CBOR, indefinite, deep": b"\x9f" * 30_000 + b"\xff" * 30_000,
    "CBOR of 60,000 items": b"\x99\xea\x60" + b"\x01" * 60_000,
    "CBOR announcing 2^64 pairs": b"\xbb" + b"\xff" * 8 + b"\x01" * 100,
    "CBOR text announcing 2^63 bytes": b"\x82\x7b\x7f" + b"\xff" * 7 + b"aaa",
    "CBOR bignum of 60 KB": b"\x81\xc2\x59\xea\x60" + b"\xff" * 60_000,
    "CBOR decimal with a huge exponent": b"\x81\xc4\x82\x1b\x7f" + b"\xff" * 7 + b"\x01",
    "CBOR bigfloat": b"\x81\xc5\x82\x1b\x7f" + b"\xff" * 7 + b"\x01",
    "CBOR that refers to itself": b"\x81\xd8\x1c\x81\xd8\x1d\x00",
    "CBOR time in the year 10^12": b"\x81\xc1\x1b\x7f" + b"\xff" * 7,
    "CBOR time, infinite": b"\x81\xc1\xf9\x7c\x00",
    "CBOR pattern": b"\x81\xd8\x23\x70(a+)+(a+)+(a+)+$",
    "CBOR set of arrays": b"\x81\xd9\x01\x02\x82\x81\x01\x80",
    "CBOR map with map keys": b"\xa1\xa1\x01\x02\x03",
    "CBOR keys that collide": b"\xa2\x01\x02\x61\x31\x03",
    "MessagePack nested 60,000 deep": b"\x91" * 60_000 + b"\x01",
    "MessagePack nested 100 deep": b"\x91" * 100 + b"\x01",
    "MessagePack maps nested": b"\x81\xa1a" * 20_000 + b"\x01",
    "MessagePack arrays that announce 2^32": b"\xdd\xff\xff\xff\xff" * 12_000,
    "MessagePack absurd timestamp": b"\x91\xc7\x0c\xff\x00\x00\x00\x00\x7f" + b"\xff" * 7,
    "BSON nested": nested(3_000, bson_member, b"\x05\x00\x00\x00\x00"),
    "BSON with a size of its own": struct.pack("<i", 24) + b"\x03a\x00" + struct.pack("<i", 2**31 - 1) + b"\x00" * 13,
    "BSON time in the year 10^8": b"\x10\x00\x00\x00\x09a\x00" + b"\xff" * 7 + b"\x7f\x00",
    "protobuf nested": nested(3_000, lambda one: field(1, one), b"\x08\x01"),
    "protobuf groups": b"\x0b" * 60_000,
    "protobuf of 30,000 fields": b"\x08\x01" * 30_000,
    "protobuf with field 2^29": varint((2**29 - 1) << 3) + b"\x01" * 10,
    "JSON nested in arrays and strings": b'["' + b"[" * 60_000 + b'"]',
    "XML nested 9,000 deep": b"<abc>" * 7_000 + b"</abc>" * 5_000,
    "XML that expands": b'<!DOCTYPE a [<!ENTITY b "&c;&c;">]><a>&b;</a>',
    "XML attributes without end": b"<a " + b"b='c' " * 10_000,
    "comments without end": b"<!--" * 16_000 + b">",
    "JPEG of endless segments": b"\xff\xd8" + b"\xff\xe0\x00\x02" * 15_000,
    "JPEG of fill bytes": b"\xff\xd8" + b"\xff" * 60_000,
    "PNG of 4 billion pixels a side": b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + b"\xff" * 8,
    "ten thousand keys": cbor2.dumps({f"k{at}": at for at in range(10_000)}),
    "ten thousand equal keys": b"a=1;" * 10_000,
    "pairs": b";".join(b"a%d=1" % at for at in range(199)),
    "huge integer": b'{"a":' + b"9" * 60_000 + b"}",
    "huge integers": b"[" + b",".join([b"9" * 400] * 150) + b"]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_payload_costs_little_time_and_memory(name):
    """No bomb goes off: two seconds of CPU for all of the analysis, twice, and 24 MiB are far above what is needed."""
    payload = HOSTILE[name]
    began = time.process_time()
    examine(payload)
    examine(payload, "spBv1.0/g/DDATA/e/d")
    assert time.process_time() - began < 2.0
    tracemalloc.start()
    decode(payload)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 * MAX_INFLATED_BYTES


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (HOSTILE["gzip bomb"], "gzip"),
        (HOSTILE["gzip in gzip"], "gzip+gzip+gzip+gzip"),
        (HOSTILE["protobuf groups"], "hex"),
        (HOSTILE["CBOR nested 60,000 deep"], "hex"),
        (HOSTILE["XML that expands"], "text"),
        (b"\x00" * 60_000, "hex"),
    ],
)
def test_what_is_not_decoded_is_named_for_what_it_is(payload, name):
    """Beyond three codecs, 1 MiB or a hundredfold growth the outermost unread layer is the format."""
    assert decode(payload).name == name


def test_a_picture_is_described():
    """Kind, size in bytes and pixels, first bytes; the rest is named as missing."""
    shown = show(ENCODINGS["JPEG"][0](random.Random(4)))
    said = json.loads(shown.payload)
    assert said["mime"] == "image/jpeg"
    assert said["bytes"] == shown.bytes
    assert said["width"] > 0 < said["height"]
    assert said["head_hex"].startswith("ffd8ffe000104a464946")
    assert "…(+" in said["head_hex"]
    assert shown.cut
    wrapped = show(ENCODINGS["base64 of a picture"][0](random.Random(4)))
    assert wrapped.format == "base64+image/png"
    assert json.loads(wrapped.payload)["width"] < 20


def test_binary_shows_its_ascii():
    """A device id inside of a binary payload is what a reader looks for."""
    shown = show(b"\x00\x01\x02\x03dev-17\xff\xfe")
    assert shown.payload == "000102036465762d3137fffe |....dev-17..|"
    assert show(b"\x00\x01\x02\x03").payload == "00010203"
    assert show(b"\x00\x01\x02" * 20 + b"dev" * 9 + b"\xff", max_chars=70).payload.count("|") == 0


def test_colours_of_a_terminal_are_left_out():
    """ESPHome sends ANSI sequences with its log lines; the size stays that of the payload."""
    shown = show(b"\x1b[0;33m[W][mqtt:99]: slow\x1b[0m")
    assert shown.payload == "[W][mqtt:99]: slow"
    assert shown.bytes == 29
