"""Any bytes can be decoded and shown: nothing raises, everything is bounded, cuts are visible."""

import gzip
import json
import time
import zlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqtt_mcp.analysis.payloads.decoding import BINARY_FORMATS, CODECS, FORMATS, decode
from mqtt_mcp.analysis.payloads.rendering import Rendering, show
from mqtt_mcp.analysis.payloads.shape import signature
from testkit.messages import signals_of

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=40), inner, max_size=12),
    max_leaves=60,
)
HOSTILE = {
    "invalid UTF-8": b"\xff\xfe\xfd\x00abc",
    "NUL": b"\x00" * 100,
    "five megabytes": b"x" * 5_000_000,
    "five megabytes of brackets": b"[" * 5_000_000,
    "five megabytes of quotes": b'["' + b'\\"' * 2_500_000,
    "nested 60 deep": b"[" * 60 + b"]" * 60,
    "nested 5,000 deep": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "NaN": b'{"a":NaN,"b":Infinity,"c":1e999}',
    "lone surrogate": b'{"a":"\\ud800","\\udc00":1}',
    "ANSI": b"\x1b[2J\x1b[31mred\x07",
    "bidi": "a\u202eb\u2066c".encode(),
    "ten thousand keys": json.dumps({f"k{i}": i for i in range(10_000)}).encode(),
    "gzip bomb": gzip.compress(b"\x00" * 50_000_000),
    "zlib bomb": zlib.compress(b"\x00" * 50_000_000),
    "huge integer": b'{"a":' + b"9" * 5_000 + b"}",
    "duplicate keys": b'{"a":1,"a":2}',
    "key=value without end": b"a=1   " * 200_000 + b"==",
    "commas": b"," * 1_000_000,
    "truncated JSON": b'{"a":[1,2',
    "CBOR that promises too much": b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    "MessagePack that promises too much": b"\xdf\xff\xff\xff\xff",
    "unterminated varint": b"\xff" * 64,
}


def assert_shown_well(payload: bytes, max_chars: int = 400) -> None:
    shown = show(payload, "a/b", "application/json", max_chars)
    *codecs, content = shown.format.split("+")
    assert content in FORMATS
    assert set(codecs) <= set(CODECS)
    assert shown.bytes == len(payload)
    assert len(shown.payload) <= max_chars
    text = msgspec.json.encode(shown).decode()
    assert "\x1b" not in shown.payload
    assert "\u202e" not in text
    decoded = decode(payload, "a/b", "application/json")
    if isinstance(decoded.value, dict | list) and not decoded.unit:
        json.loads(shown.payload)
    if content in BINARY_FORMATS and decoded.value is None and not codecs and not shown.cut:
        assert bytes.fromhex(shown.payload.split(" |")[0]) == payload


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_payload_is_shown_within_bounds_and_time(name):
    """The list of bad payloads that the product promises to survive; linear time, so a second is generous."""
    began = time.perf_counter()
    assert_shown_well(HOSTILE[name])
    decoded = decode(HOSTILE[name], "a/b")
    signals_of("a/b", decoded)
    signature(decoded.value)
    assert time.perf_counter() - began < 2.0


@given(st.binary(max_size=400), st.integers(20, 600))
def test_any_bytes_can_be_shown(payload, max_chars):
    """Foreign input: no exception, a known format, the bound kept."""
    assert_shown_well(payload, max_chars)


@given(st.binary(max_size=200), st.sampled_from(["spBv1.0/g/NDATA/e", "spBv1.0/STATE/h", "$SYS/x", "a"]), st.text())
def test_any_bytes_on_any_topic_can_be_examined(payload, topic, content_type):
    """Decoding, leaves, signals and signature accept whatever comes."""
    decoded = decode(payload, topic, content_type)
    assert isinstance(signature(decoded.value), str)
    signals_of(topic, decoded)


@given(JSON_VALUES, st.integers(20, 600))
@settings(max_examples=200)
def test_cut_json_is_still_json(value, max_chars):
    """Structural cutting: every prefix budget gives valid JSON; uncut JSON means the same."""
    payload = json.dumps(value).encode()
    shown = show(payload, max_chars=max_chars)
    assert len(shown.payload) <= max_chars
    if shown.format == "json":
        again = json.loads(shown.payload)
        if not shown.cut and isinstance(value, dict | list) and "\\ud" not in payload.decode():
            assert again == json.loads(payload)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", "empty"),
        (b'{"a":1}', "json"),
        (b'\xef\xbb\xbf {"a":1}\n', "json"),
        (b'["\\ud800"]', "json"),
        (b'{"a":NaN}', "json_nonstandard"),
        (b'{"a":', "json_malformed"),
        (b'{"a":"\xff"}', "json_malformed"),
        (b"[" * 100 + b"]" * 100, "json_deep"),
        (b"[D][sensor:094]: sending state", "text"),
        (b"21.5", "number"),
        (b"21,5", "number"),
        ("21.5 °C".encode(), "number"),
        (b"1e999", "text"),
        (b"007", "text"),
        (b"ON", "boolean"),
        (b"false", "boolean"),
        (b"online", "text"),
        (b"2026-11-22T20:43:29Z", "iso_time"),
        (b"123e4567-e89b-12d3-a456-426614174000", "uuid"),
        (b"deadbeefdeadbeef", "hex_text"),
        (b"dGhpcyBpcyBhIHRlc3Qgb2Y=", "base64"),
        (b"T:22.1;H:40", "key_value"),
        (b"a=1&b=2", "key_value"),
        (b"48.1,11.5,520", "csv"),
        (b"weather,room=a temp=82,n=1i 1465839830100400200", "line_protocol"),
        (b"<r><t>1</t></r>", "xml"),
        (b'{"a":1}\n{"a":2}\n', "ndjson"),
        ("hällo wörld".encode("latin-1"), "text_latin1"),
        (b"\xff\xfeh\x00i\x00", "text_utf16"),
        (gzip.compress(b"x" * 60, mtime=0)[:-1], "gzip"),
        (zlib.compress(b"x" * 60)[:-1], "zlib"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\x00", "image/png"),
        (b"\xa2\x61a\x01\x61b\xf9\x3c\x00", "cbor"),
        (b"\x9f\x01\x02\xff", "cbor"),
        (msgspec.msgpack.encode({"a": 1, "b": [1, 2]}), "msgpack"),
        (b"\x08\x96\x01\x12\x03\x00\x01\x02", "protobuf"),
        (b"\x00\x01\x02\x03", "hex"),
    ],
)
def test_a_format_is_named_honestly(payload, expected):
    """One example each; a format counts only when it consumes the whole payload."""
    assert decode(payload).format == expected


def test_sparkplug_is_told_by_topic_and_structure():
    """Sparkplug B is protobuf on spBv1.0 topics; its STATE messages are JSON."""
    payload = b"\x08\x80\xe8\x92\xa6\xfe3\x18\x00"
    assert decode(payload, "spBv1.0/g/NDATA/edge").format == "sparkplug_b"
    assert decode(b'{"online":true}', "spBv1.0/STATE/host").format == "json"


def test_values_come_with_their_formats():
    """What other tools compute with."""
    assert decode(b"21.5 \xc2\xb0C").value == 21.5
    assert decode(b"OFF").value is False
    assert decode(b'{"a":NaN}').value == {"a": None}
    assert decode(b'{"a":[1,null]}').value == {"a": [1, None]}
    assert decode(b"\x00\x01").value is None


def test_long_text_keeps_its_beginning_and_its_end():
    """The reason of an error often stands last."""
    shown = show(b"begin " + b"x" * 3_000 + b" the end", max_chars=300)
    assert shown.payload.startswith("begin")
    assert shown.payload.endswith("the end")
    assert "…(+" in shown.payload
    assert shown.cut


def test_a_long_array_keeps_first_and_last():
    """Structural cut with the number of items left out."""
    shown = json.loads(show(json.dumps({"values": list(range(1_000))}).encode(), max_chars=60).payload)
    assert shown["values"][0] == 0
    assert "…(+" in json.dumps(shown, ensure_ascii=False)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=150),
        lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=30), inner, max_size=12),
        max_leaves=40,
    ).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=600)
    | st.text(max_size=600).map(str.encode),
    st.lists(st.integers(20, 2_000), min_size=1, max_size=6),
)
def test_one_rendering_in_several_lengths_is_like_each_length_by_itself(payload, lengths):
    """What is remembered from the longer one changes nothing."""
    rendering = Rendering(decode(payload), payload)
    for length in sorted(lengths, reverse=True):
        assert rendering.at(length) == show(payload, max_chars=length)
