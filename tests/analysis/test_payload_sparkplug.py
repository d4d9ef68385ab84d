"""Sparkplug B payloads: every datatype of the specification, and what births say for aliases."""

import gzip
import struct
import zlib

import pytest

from mqtt_mcp.analysis.payloads.decoder import Decoder
from mqtt_mcp.analysis.payloads.decoding import decode
from testkit.encodings import field, varint

MS = 1_790_000_000_000


def metric(name: str, datatype: int, number: int, value: float | bytes, *more: bytes) -> bytes:
    """One metric inside of a payload."""
    encoded = struct.pack("<f", value) if datatype == 9 else b""
    data = varint(12 << 3 | 5) + encoded if datatype == 9 else field(number, value)
    return field(2, field(1, name.encode()) + field(3, MS) + field(4, datatype) + b"".join(more) + data)


def payload(*metrics: bytes, seq: int = 0) -> bytes:
    return field(1, MS) + b"".join(metrics) + field(3, seq)


def value_of(one: bytes):
    return decode(payload(one), "spBv1.0/g/DDATA/e/d").value["metrics"]["m"]


@pytest.mark.parametrize(
    ("datatype", "number", "raw", "value"),
    [
        (1, 10, 0xFE, -2),
        (2, 10, 0xFFFFFFFE, -2),
        (3, 10, 0xFFFFFFFE, -2),
        (4, 11, 2**64 - 2, -2),
        (5, 10, 254, 254),
        (7, 10, 0xFFFFFFFE, 0xFFFFFFFE),
        (8, 11, 2**64 - 2, 2**64 - 2),
        (9, 12, 21.5, 21.5),
        (10, 13, 0.1, 0.1),
        (10, 13, float("nan"), None),
        (11, 14, 1, True),
        (12, 15, b"text", "text"),
        (13, 11, MS, "2026-09-21T14:13:20Z"),
        (13, 11, 2**63, 2**63),
        (17, 16, b"\x01\xff", "01ff"),
        (22, 16, b"\xef\x7b", [-17, 123]),
        (23, 16, b"\x30\x8a\x3b\xdd", [-30160, -8901]),
        (24, 16, struct.pack("<2i", -1, 315338746), [-1, 315338746]),
        (25, 16, struct.pack("<q", -3), [-3]),
        (26, 16, b"\x17\xfa", [23, 250]),
        (27, 16, b"\x1e\x00\x88\xe4", [30, 58504]),
        (28, 16, struct.pack("<I", 3293969225), [3293969225]),
        (29, 16, struct.pack("<Q", 2**64 - 1), [2**64 - 1]),
        (30, 16, struct.pack("<2f", 1.5, float("inf")), [1.5, None]),
        (31, 16, struct.pack("<d", 12.354213), [12.354213]),
        (32, 16, b"\x0c\x00\x00\x00\x34\xd0", [x == "1" for x in "001101001101"]),
        (33, 16, b"ABC\x00hello\x00", ["ABC", "hello"]),
        (34, 16, struct.pack("<q", MS), ["2026-09-21T14:13:20Z"]),
        (24, 16, b"\x01\x02\x03", "010203"),
        (32, 16, b"\xff\xff\xff\xff\x01", "ffffffff01"),
    ],
)
def test_each_datatype_is_read(datatype, number, raw, value):
    """Sparkplug 3.0.0 §6.4.16 and §6.4.17, with the examples that it gives; what does not fit stays hex."""
    assert value_of(metric("m", datatype, number, raw)) == value


def test_a_data_set_is_columns_and_typed_rows():
    """§6.4.11; signed columns are signed."""
    row = field(1, field(1, 0xFFFFFFFF)) + field(1, field(6, b"x")) + field(1, field(2, MS))
    table = field(1, 3) + b"".join(field(2, one) for one in (b"n", b"s", b"t"))
    table += field(3, 3) + field(3, 12) + field(3, 13) + field(4, row)
    assert value_of(metric("m", 16, 17, table)) == {
        "columns": ["n", "s", "t"],
        "rows": [[-1, "x", "2026-09-21T14:13:20Z"]],
    }
    assert value_of(metric("m", 16, 17, table + field(4, row) * 300))["more_rows"] == 101


def test_a_template_is_its_metrics_and_parameters():
    """§6.4.13."""
    inner = field(1, b"speed") + field(4, 3) + field(10, 0xFFFFFFFF)
    parameter = field(1, b"max") + field(2, 3) + field(3, 90)
    found = value_of(metric("m", 19, 18, field(2, inner) + field(2, inner) + field(3, parameter) + field(4, b"Motor")))
    assert found == {"template": "Motor", "metrics": {"speed": -1, "speed (2)": -1}, "parameters": {"max": 90}}


def test_properties_tell_units_and_quality():
    """§6.4.10: quality is told apart, sets may hold sets."""
    inner = field(1, b"a") + field(2, field(1, 12) + field(8, b"b"))
    properties = field(1, b"Quality") + field(1, b"engUnit") + field(1, b"more")
    properties += field(2, field(1, 3) + field(3, 0)) + field(2, field(1, 12) + field(8, "°C".encode()))
    properties += field(2, field(1, 20) + field(9, inner))
    found = decode(payload(metric("m", 9, 12, 20.5, field(9, properties))), "spBv1.0/g/DBIRTH/e/d").value
    assert found["metrics"] == {"m": 20.5}
    assert found["quality"] == {"m": 0}
    assert found["properties"] == {"m": {"engUnit": "°C", "more": {"a": "b"}}}


def test_a_birth_gives_aliases_their_names_and_datatypes():
    """Data carry aliases only: arrays, times and signed integers need the datatype of the birth."""
    births = [
        metric("n", 3, 10, 1, field(2, 1)),
        metric("a", 23, 16, b"\x01\x00", field(2, 2)),
        metric("t", 13, 11, MS, field(2, 3)),
    ]
    data = [
        field(2, field(2, 1) + field(10, 0xFFFFFFFF)),
        field(2, field(2, 2) + field(16, b"\xff\xff\x02\x00")),
        field(2, field(2, 3) + field(11, MS)),
    ]
    decoder = Decoder()
    decoder.decode(payload(*births), "spBv1.0/g/NBIRTH/e")
    said = decoder.decode(payload(*data, seq=1), "spBv1.0/g/NDATA/e")
    assert said.value["metrics"] == {"n": -1, "a": [-1, 2], "t": "2026-09-21T14:13:20Z"}
    assert said.shape == "sparkplug:13,23,3"


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_what_tahu_compressed_is_read(pack):
    """Eclipse Tahu puts a whole payload into the body of another."""
    content = payload(metric("m", 9, 12, 20.5))
    packed = field(4, b"SPBV1.0_COMPRESSED") + field(5, pack(content))
    assert decode(packed, "spBv1.0/g/NDATA/e").value == decode(content, "spBv1.0/g/NDATA/e").value


def test_many_metrics_of_one_name_cost_little_and_lose_none():
    """Five thousand equal names are five thousand members."""
    found = decode(payload(*[metric("m", 3, 10, at) for at in range(3_000)]), "spBv1.0/g/NDATA/e")
    assert len(found.value["metrics"]) == 3_000
