"""Realistic payloads of every encoding that devices use, made from a seed; and what each must be recognised as."""

import base64
import gzip
import json
import random
import struct
import zlib
from collections.abc import Callable

import cbor2
import msgspec

Make = Callable[[random.Random], bytes]


def reading(rng: random.Random) -> dict[str, object]:
    """What a device tells: a few numbers, words and flags."""
    said: dict[str, object] = {
        "temperature": round(rng.uniform(-20, 40), 1),
        "humidity": rng.randrange(101),
        "state": rng.choice(["online", "heating", "off"]),
        "battery_low": rng.random() < 0.1,
    }
    if rng.random() < 0.5:
        said["position"] = {"lat": round(rng.uniform(47, 55), 5), "lon": round(rng.uniform(6, 15), 5)}
    if rng.random() < 0.5:
        said["history"] = [rng.randrange(1_000) for _ in range(rng.randrange(1, 6))]
    if rng.random() < 0.3:
        said["error"] = None
    return said


def _number(rng: random.Random) -> str:
    return rng.choice(
        [f"{rng.uniform(-50, 50):.1f}", f"{rng.uniform(0, 99):.2f}".replace(".", ","), str(rng.randrange(5000))]
    )


def _with_unit(rng: random.Random) -> str:
    unit = rng.choice(
        ["°C", "%", "hPa", "W", "kWh", "V", "mA", "dBm", "lx", "ppm", "µg/m³", "m/s", "l/min", "s", "bar"]
    )
    return _number(rng) + rng.choice(["", " "]) + unit


def _iso(rng: random.Random) -> str:
    day = f"2026-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    clock = f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
    return day + rng.choice(["T", " "]) + clock + rng.choice(["Z", "", ".123Z", "+02:00"])


def _pairs(rng: random.Random) -> str:
    separator, equals = rng.choice(
        [(";", "="), ("&", "="), (",", "="), (" ", "="), ("\n", "="), (";", ":"), (",", ":"), (" ", ":")]
    )
    names = rng.sample(["T", "H", "temp", "hum", "bat", "rssi", "state", "P1", "co2"], rng.randrange(2, 6))
    values = [rng.choice(["on", "ok"]) if name == "state" else f"{rng.uniform(0, 99):.1f}" for name in names]
    if names == ["state"] or all(name == "state" for name in names):
        names.append("n")
        values.append("1")
    return separator.join(f"{name}{equals}{value}" for name, value in zip(names, values, strict=True))


def _csv(rng: random.Random) -> str:
    separator = rng.choice([",", ";", "\t"])
    columns = rng.randrange(3, 8)

    def line() -> str:
        return separator.join(
            "OK" if at == columns - 1 and named else f"{rng.uniform(0, 1013):.1f}" for at in range(columns)
        )

    named = rng.random() < 0.3
    lines = [line() for _ in range(rng.choice([1, 1, 1, 3]))]
    if len(lines) > 1 and rng.random() < 0.5:
        lines.insert(0, separator.join(f"col{at}" for at in range(columns)))
    return "\n".join(lines) + rng.choice(["", "\n"])


def _line_protocol(rng: random.Random) -> str:
    tags = rng.choice(["", ",site=a", ",site=north,room=living\\ room"])
    fields = rng.choice(["temp=21.5", "temp=21.5,hum=48i", 'state="all well",on=true', "v=-1.5e-3,n=7u"])
    time = rng.choice(["", f" {rng.randrange(1_700_000_000, 1_800_000_000) * 1_000_000_000}", " 1790000000"])
    return f"{rng.choice(['weather', 'cpu.load', 'home-temp'])}{tags} {fields}{time}"


def _xml(rng: random.Random) -> str:
    head = rng.choice(["", '<?xml version="1.0" encoding="UTF-8"?>\n', "<!-- hourly -->"])
    return f"{head}<reading id=\"{rng.randrange(99)}\"><t unit='C'>{rng.uniform(0, 30):.1f}</t><ok/>A &amp; B</reading>"


def _ndjson(rng: random.Random) -> str:
    return "\n".join(json.dumps(reading(rng)) for _ in range(rng.randrange(2, 6))) + rng.choice(["", "\n"])


def _prose(rng: random.Random) -> str:
    return rng.choice(
        [
            "[D][sensor:094]: 'Temp': Sending state 21.5 °C",
            "Door opened by Anna, alarm off",
            "Error: could not reach 192.168.1.20: connection refused",
            "LivingRoomLamp01",
            "online",
            "v1.4.2-rc3",
            "zigbee2mqtt started; waiting for devices",
            "Hello, world",
            "motion detected in the hall at 12:30, camera 3",
            "192.168.1.20",
            "12:30:00",
            "PT1H30M",
            "I said: it is 5 o'clock; you said: no",
        ]
    )


def _latin1(rng: random.Random) -> bytes:
    return rng.choice(
        ["Außentemperatur 21,5 Grad", "Küche: Fenster geöffnet", "Température élevée", "Größe überschritten"]
    ).encode("latin-1")


def _deflate(rng: random.Random) -> bytes:
    stream = zlib.compressobj(rng.choice([1, 6, 9]), wbits=-15)
    return stream.compress(json.dumps(reading(rng)).encode()) + stream.flush()


def _jpeg(rng: random.Random) -> bytes:
    frame = struct.pack(">BHH", 8, rng.randrange(1, 4_000), rng.randrange(1, 4_000)) + b"\x03\x01\x22\x00"
    app0 = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    return (
        b"\xff\xd8" + app0 + b"\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + rng.randbytes(300) + b"\xff\xd9"
    )


def png(rng: random.Random) -> bytes:
    """A whole picture: grey noise."""
    width, height = rng.randrange(1, 20), rng.randrange(1, 20)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\x00" + rng.randbytes(width) for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def bson(value: dict[str, object]) -> bytes:
    """An independent, small BSON writer."""
    body = b""
    for key, member in value.items():
        name = key.encode() + b"\x00"
        if isinstance(member, bool):
            body += b"\x08" + name + bytes([member])
        elif isinstance(member, int):
            body += b"\x10" + name + struct.pack("<i", member)
        elif isinstance(member, float):
            body += b"\x01" + name + struct.pack("<d", member)
        elif isinstance(member, str):
            data = member.encode() + b"\x00"
            body += b"\x02" + name + struct.pack("<i", len(data)) + data
        elif isinstance(member, dict):
            body += b"\x03" + name + bson(member)
        elif isinstance(member, list):
            body += b"\x04" + name + bson({str(at): one for at, one in enumerate(member)})
        else:
            body += b"\x0a" + name
    return struct.pack("<i", len(body) + 5) + body + b"\x00"


def varint(value: int) -> bytes:
    """As Protocol Buffers write an integer."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | float | bytes) -> bytes:  # noqa: PYI041 - floats are written otherwise
    """One field of a Protocol Buffers message; floats are doubles."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    return varint(number << 3) + varint(value)


def _protobuf(rng: random.Random) -> bytes:
    inner = field(1, rng.randrange(1, 500)) + field(2, rng.uniform(0, 50))
    parts = [
        field(1, rng.randrange(1, 100_000)),
        field(2, rng.choice([b"sensor-7", b"kitchen", b"a4:cf:12"])),
        varint(3 << 3 | 5) + struct.pack("<f", rng.uniform(-20, 40)),
        field(4, inner),
        field(6, rng.randrange(2)),
    ]
    kept = [part for part in parts if rng.random() < 0.7]
    return b"".join(kept) if len(kept) > 1 else b"".join(parts)


def sparkplug(rng: random.Random) -> bytes:
    """A payload with a time, a sequence number and a few named metrics."""
    metrics = b""
    for at in range(rng.randrange(1, 5)):
        metric = field(1, f"Line/Temp {at}".encode()) + field(3, 1_790_000_000_000) + field(4, 10)
        metrics += field(2, metric + field(13, rng.uniform(0, 90)))
    return field(1, 1_790_000_000_000 + rng.randrange(10_000)) + metrics + field(3, rng.randrange(256))


def packed(rng: random.Random) -> bytes:
    """What firmware sends that copies a struct: a time or a counter, two short readings and a float."""
    first = rng.choice([rng.randrange(1_780_000_000, 1_800_000_000), rng.randrange(100_000)])
    order = rng.choice("<>")
    readings = struct.pack(order + "Ihh", first, rng.randrange(-200, 400), rng.randrange(1_000))
    return readings + struct.pack(order + "f", rng.uniform(-40, 1_013))


ENCODINGS: dict[str, tuple[Make, str]] = {
    "empty": (lambda _: b"", "empty"),
    "JSON object": (lambda rng: json.dumps(reading(rng)).encode(), "json"),
    "JSON array": (lambda rng: json.dumps([reading(rng), rng.randrange(9)]).encode(), "json"),
    "JSON, indented": (lambda rng: b"\n " + json.dumps(reading(rng), indent=2).encode() + b"\n", "json"),
    "JSON in a JSON string": (lambda rng: json.dumps(json.dumps(reading(rng))).encode(), "json"),
    "number": (lambda rng: _number(rng).encode(), "number"),
    "number with unit": (lambda rng: _with_unit(rng).encode(), "number"),
    "epoch": (lambda rng: str(rng.randrange(1_700_000_000, 1_800_000_000) * rng.choice([1, 1_000])).encode(), "number"),
    "boolean": (lambda rng: rng.choice([b"ON", b"OFF", b"true", b"false", b"on", b"off", b"True"]), "boolean"),
    "ISO time": (lambda rng: _iso(rng).encode(), "iso_time"),
    "UUID": (lambda rng: "-".join(rng.randbytes(n).hex() for n in (4, 2, 2, 2, 6)).encode(), "uuid"),
    "hex text": (lambda rng: ("a" + rng.randbytes(rng.randrange(8, 40)).hex()[1:]).encode(), "hex_text"),
    "base64": (lambda rng: base64.b64encode(b"\x01\xfe" + rng.randbytes(rng.randrange(24, 60))), "base64"),
    "base64 of a picture": (lambda rng: base64.b64encode(png(rng)), "base64+image/png"),
    "base64 of JSON": (lambda rng: base64.b64encode(json.dumps(reading(rng)).encode()), "base64+json"),
    "key=value": (lambda rng: _pairs(rng).encode(), "key_value"),
    "CSV": (lambda rng: _csv(rng).encode(), "csv"),
    "line protocol": (lambda rng: _line_protocol(rng).encode(), "line_protocol"),
    "XML": (lambda rng: _xml(rng).encode(), "xml"),
    "NDJSON": (lambda rng: _ndjson(rng).encode(), "ndjson"),
    "text": (lambda rng: _prose(rng).encode(), "text"),
    "UTF-16": (lambda rng: _prose(rng).encode("utf-16"), "text_utf16"),
    "Latin-1": (_latin1, "text_latin1"),
    "gzip": (lambda rng: gzip.compress(json.dumps(reading(rng)).encode()), "gzip+json"),
    "gzip of text": (lambda rng: gzip.compress(_prose(rng).encode()), "gzip+text"),
    "zlib": (lambda rng: zlib.compress(json.dumps(reading(rng)).encode(), rng.randrange(10)), "zlib+json"),
    "deflate": (_deflate, "deflate+json"),
    "JPEG": (_jpeg, "image/jpeg"),
    "PNG": (png, "image/png"),
    "GIF": (lambda rng: b"GIF89a" + rng.randbytes(40), "image/gif"),
    "WebP": (lambda rng: b"RIFF\x20\x00\x00\x00WEBPVP8 " + rng.randbytes(40), "image/webp"),
    "CBOR": (lambda rng: cbor2.dumps(reading(rng)), "cbor"),
    "CBOR array": (lambda rng: cbor2.dumps([reading(rng), rng.uniform(0, 9)]), "cbor"),
    "MessagePack": (lambda rng: msgspec.msgpack.encode(reading(rng)), "msgpack"),
    "MessagePack array": (lambda rng: msgspec.msgpack.encode([reading(rng), rng.uniform(0, 9)]), "msgpack"),
    "BSON": (lambda rng: bson(reading(rng)), "bson"),
    "protobuf": (_protobuf, "protobuf"),
    "Sparkplug B elsewhere": (sparkplug, "sparkplug_b"),
    "struct": (packed, "hex"),
    "random bytes": (lambda rng: b"\x00" + rng.randbytes(rng.randrange(3, 60)), "hex"),
}
"""Name → a maker of one payload, and the name it must be recognised by."""
