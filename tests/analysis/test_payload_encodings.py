"""Every encoding that devices use is recognised by its name, and its value is what was encoded."""

import random

import cbor2
import msgspec
import pytest

from mqtt_mcp.analysis.payloads.decoding import CODECS, FORMATS, decode
from mqtt_mcp.analysis.payloads.rendering import show
from mqtt_mcp.analysis.payloads.shape import signature, structure_of
from testkit.encodings import ENCODINGS, bson, field, png, reading, sparkplug

EXAMPLES = 40
ALLOWED_BY_CHANCE = {"struct": 2, "random bytes": 1}
"""Arbitrary bytes are a small message of some format now and then: a handful in a thousand."""


@pytest.mark.parametrize("name", ENCODINGS)
def test_an_encoding_is_recognised(name):
    """Forty realistic payloads of each; the name tells codec and format."""
    make, expected = ENCODINGS[name]
    payloads = [make(random.Random(f"{name} {seed}")) for seed in range(EXAMPLES)]
    wrong = [(decode(one).name, one) for one in payloads if decode(one).name != expected]
    assert len(wrong) <= ALLOWED_BY_CHANCE.get(name, 0), wrong[:3]
    *codecs, content = expected.split("+")
    assert set(codecs) <= set(CODECS)
    assert content in FORMATS


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"21,5", 21.5),
        (b"a=1;b=2", {"a": 1, "b": 2}),
        (b"T:22.1;H:40", {"T": 22.1, "H": 40}),
        (b"temp=21.5&state=on&name=hall%201", {"temp": 21.5, "state": True, "name": "hall%201"}),
        (b'level=warn msg="no answer" n=3', {"level": "warn", "msg": "no answer", "n": 3}),
        (b"temperature: 21.5", {"temperature": 21.5}),
        (b"tag=a tag=b", {"tag": ["a", "b"]}),
        ("T: 22,5 °C; H: 40 %".encode(), {"T": 22.5, "H": 40}),
        (b"22.1,48.0,1013", [22.1, 48.0, 1013]),
        (b"22,1;48,0;1013", [22.1, 48.0, 1013]),
        (b"48.137,11.575", [48.137, 11.575]),
        (b"1 2.5 3", [1, 2.5, 3]),
        (b'7,"a, b",true,2026-09-21 10:00:00\n', [7, "a, b", True, "2026-09-21 10:00:00"]),
        (b"time,t,h\n1,20.5,40\n2,20.6,41\n", [["time", "t", "h"], [1, 20.5, 40], [2, 20.6, 41]]),
        (
            b"weather,site=a temp=21.5 1790000000000000000",
            {
                "measurement": "weather",
                "tags": {"site": "a"},
                "fields": {"temp": 21.5},
                "timestamp": 1790000000000000000,
            },
        ),
        (
            b'm\\ 1,a\\,b=c\\ d s="x, \\"y\\" z=1",i=-7i,b=T',
            {"measurement": "m 1", "tags": {"a,b": "c d"}, "fields": {"s": 'x, "y" z=1', "i": -7, "b": True}},
        ),
        (b'{"a":1}\n[2]\n', [{"a": 1}, [2]]),
        (b"\xa2\x61a\x01\x61b\xf9\x3c\x00", {"a": 1, "b": 1.0}),
        (b"\xd9\xd9\xf7\x82\x01\xf7", [1, None]),
        (cbor2.dumps({1: "x", b"\x01": 2, None: 3, 1.5: 4}), {"1": "x", "01": 2, "null": 3, "1.5": 4}),
        (msgspec.msgpack.encode({7: [1.5, b"\x01\x02"]}), {"7": [1.5, "0102"]}),
        (b"\x91\xd6\xff\x6a\xb1\x20\x80", ["2026-09-21T12:18:08Z"]),
        (b"\x91\xd4\x05\x01", [{"ext": 5, "data": "01"}]),
        (bson({"a": 1, "b": {"c": [True, None, 2.5]}}), {"a": 1, "b": {"c": [True, None, 2.5]}}),
        (
            field(1, 21) + field(2, b"text") + field(3, field(1, 5) + field(2, 2.5)) + field(4, b"\xff\xff"),
            {"1": 21, "2": "text", "3": {"1": 5, "2": 2.5}, "4": "ffff"},
        ),
        (field(1, 5) + field(2, b"a") + field(2, b"b"), {"1": 5, "2": ["a", "b"]}),
    ],
)
def test_a_value_is_what_was_encoded(payload, value):
    """One example of each notation; numbers are integers where integers were written."""
    assert decode(payload).value == value


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        (cbor2.CBORTag(1, 1_790_000_000), "2026-09-21T14:13:20Z"),
        (cbor2.CBORTag(1, 1_790_000_000.5), "2026-09-21T14:13:20.500Z"),
        (cbor2.CBORTag(1, -62_135_596_800), "0001-01-01T00:00:00Z"),
        (cbor2.CBORTag(1, 10**30), 10**30),
        (cbor2.CBORTag(1, float("nan")), None),
        (cbor2.CBORTag(0, "not a time"), "not a time"),
        (cbor2.CBORTag(4, [-2, 2_150]), 21.5),
        (cbor2.CBORTag(4, [10**9, 1]), "1e1000000000"),
        (cbor2.CBORTag(37, bytes(range(16))), "00010203-0405-0607-0809-0a0b0c0d0e0f"),
        (cbor2.CBORTag(35, "(a+)+$"), "(a+)+$"),
        (cbor2.CBORTag(29, 0), 0),
        (cbor2.CBORTag(30, [1, 3]), "1/3"),
        (cbor2.CBORTag(258, [1, 2]), [1, 2]),
        (2**70, 2**70),
        (2**4_000, "0x01" + "00" * 63 + "…(+437 bytes)"),
        (-(2**70), -(2**70)),
        (cbor2.CBORSimpleValue(99), "simple(99)"),
    ],
)
def test_a_cbor_tag_is_explained_and_never_obeyed(tagged, expected):
    """No pattern is compiled, nothing shared, no date or number built beyond what ISO 8601 and JSON can say."""
    assert decode(cbor2.dumps({"v": tagged, "w": 1})).value == {"v": expected, "w": 1}


def test_a_number_keeps_its_unit():
    """The value computes, the unit tells what it is; of pairs both stay as well."""
    assert decode("21,5 °C".encode()).unit == "°C"
    assert decode(b"-67dBm").unit == "dBm"
    pairs = decode(b"T:22.1C;H:40%")
    assert (pairs.value, pairs.unit) == ({"T": 22.1, "H": 40}, "T=C,H=%")
    assert show(b"T:22.1C;H:40%").payload == "T:22.1C;H:40%"


@pytest.mark.parametrize("payload", [b"5 apples", b"007", b"1e999", b"1.2.3", b"+-1", b"12:30", b"21.5 ", b"\xd9\xa3"])
def test_what_only_begins_like_a_number_is_none(payload):
    """A number consumes the payload, but for spaces around it."""
    assert (decode(payload).format == "number") is (payload == b"21.5 ")


@pytest.mark.parametrize(
    "text",
    [
        "<a><b></a></b>", "<a>", "<a/><b/>", "a<b/>", "<a>&nosuchentitynamehere;</a>", "<a x=1/>", "<a x='<'/>",
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "<3>", "<html><br></html>",
    ],
)  # fmt: skip
def test_text_between_angle_brackets_is_xml_only_when_well_formed(text):
    """XML 1.0 §2.1; a document with declarations of its own is not looked into."""
    assert decode(text.encode()).format == "text"


def test_structures_are_told_apart_by_what_they_are_made_of():
    """What groups messages that look alike."""
    assert structure_of(decode(b"22.1,48.0,1013")) == structure_of(decode(b"-3.5,7,0")) == "csv:3"
    assert structure_of(decode(b"T:22.1;H:40")) == signature({"T": 1, "H": 2}) == "{H:n,T:n}"
    assert structure_of(decode(field(2, b"x") + field(7, 3))) == "protobuf:2.2,7.0"
    assert structure_of(decode(png(random.Random(1)))) == "image/png"
    assert structure_of(decode(b"m,b=1,a=2 x=1,y=t")) == "line:m[a,b]{x:n,y:b}"
    one, other = (decode(msgspec.msgpack.encode(reading(random.Random(seed)))) for seed in (3, 3))
    assert structure_of(one) == structure_of(other) == signature(one.value)


def test_sparkplug_is_recognised_where_nobody_announced_it():
    """A bridge may move payloads away from spBv1.0; time, sequence number and metrics give them away."""
    value = decode(sparkplug(random.Random(7)), "plant/copy").value
    assert value["timestamp"] > 1_700_000_000_000
    assert "Line/Temp 0" in value["metrics"]
