"""Schemas inferred from payloads: what they say, what they never show, and that everything seen validates."""

import json
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqtt_mcp.analysis.accumulator import Window
from mqtt_mcp.analysis.payloads.decoding import decode
from mqtt_mcp.analysis.schema.document import Style
from mqtt_mcp.analysis.schema.groups import majority
from mqtt_mcp.analysis.schema.listening import SchemaAccumulator
from mqtt_mcp.analysis.schema.report import JSON_ENCODINGS, document
from mqtt_mcp.mqtt.client import Message

WINDOW = Window(
    started_at_epoch_s=1_790_000_000.0,
    duration_s=20.0,
    elapsed_s=20.0,
    ended_by="duration",
    protocol="5.0",
    stored_complete=True,
)


def watched(*messages: tuple[str, Any], output: str = "json_schema", **options: Any) -> SchemaAccumulator:
    accumulator = SchemaAccumulator(output=output, **options)
    for at, (topic, payload) in enumerate(messages):
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        accumulator.add(Message(topic, raw, 0, retain=False, received_s=float(at)), float(at))
    return accumulator


def schema_for(*payloads: Any, **options: Any) -> dict[str, Any]:
    return watched(*(("home/a/state", payload) for payload in payloads), **options).result(WINDOW).schemas[0].schema


KEYS = st.sampled_from(["a", "type", "_type", "0x12", "1", "2", "3", "k\u202e", "\x1b"]) | st.text(max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=5)
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    values=st.lists(st.dictionaries(KEYS, JSON, max_size=4) | JSON, min_size=1, max_size=20),
    strict=st.booleans(),
    detail=st.integers(0, 2),
)
@settings(max_examples=150, deadline=None)
def test_every_observed_message_validates(values, strict, detail):
    """analysis.md section 3: the rule kept from GenSON, for both kinds of document and every level of detail."""
    accumulator = watched(*(("t/x", value) for value in values))
    (group,) = accumulator.groups()
    if majority(group.encodings)[0] not in JSON_ENCODINGS:
        return
    made = document(group, Style(strict=strict, detail=detail), 1.0)
    jsonschema.Draft202012Validator.check_schema(made)
    validator = jsonschema.Draft202012Validator(made)
    for value in values:
        decoded = decode(json.dumps(value).encode(), "t/x")
        if decoded.format in JSON_ENCODINGS:
            validator.validate(decoded.value)


def test_presence_types_and_required_fields():
    """Required is what every one of at least five objects had; optional fields carry their share."""
    schema = schema_for(*({"t": 20.5 + at, "n": at, **({"x": None} if at % 2 else {})} for at in range(10)))

    assert schema["required"] == ["n", "t"]
    assert schema["properties"]["t"]["type"] == "number"
    assert schema["properties"]["n"]["type"] == "integer"
    assert schema["properties"]["n"]["x-mqtt"]["kind"] == "counter"
    assert schema["properties"]["x"]["x-mqtt"]["presence"] == 0.5
    assert schema["x-mqtt-sample"] == {"messages": 10, "topics": 1, "seconds": 20.0, "confidence": "medium"}


def test_enumerations_and_ranges_are_annotations_unless_strict_asks():
    """Observed is not the same as allowed."""
    payloads = [{"state": ("ON", "OFF")[at % 2], "t": at} for at in range(12)]
    plain, strict = schema_for(*payloads), schema_for(*payloads, strict=True)

    assert plain["properties"]["state"]["x-mqtt"]["values"] == ["OFF", "ON"]
    assert "enum" not in plain["properties"]["state"]
    assert strict["properties"]["state"]["enum"] == ["OFF", "ON"]
    assert (strict["properties"]["t"]["minimum"], strict["properties"]["t"]["maximum"]) == (0, 11)


def test_a_discriminator_becomes_one_of():
    """OwnTracks: _type decides the keys."""
    schema = schema_for(
        *[{"_type": "location", "acc": at} for at in range(6)],
        *[{"_type": "lwt", "tst": 1_790_000_000} for _ in range(6)],
    )

    assert [branch["properties"]["_type"]["const"] for branch in schema["oneOf"]] == ["location", "lwt"]
    assert schema["oneOf"][1]["required"] == ["_type", "tst"]


def test_an_object_keyed_by_ids_is_a_map():
    """Ten thousand keys are one description, not ten thousand."""
    schema = schema_for({f"0x{at:016x}": {"lqi": at} for at in range(4_000)})

    assert "properties" not in schema
    assert schema["x-mqtt"]["kind"] == "map"
    assert (schema.get("additionalProperties") or schema["x-mqtt-additionalProperties"])["type"] == "object"
    assert len(msgspec.json.encode(schema)) < 2_000


@pytest.mark.parametrize("key", ["password", "wifi_psk", "SSId", "apiKey", "lat", "access_token"])
@pytest.mark.parametrize("output", ["json_schema", "summary"])
def test_private_values_are_typed_but_never_shown(key, output):
    """analysis.md section 3, privacy; also in nested objects, in enumerations and with strict."""
    accumulator = watched(
        *(("home/a", {key: "hunter2-value", "in": {key: 48.123456}}) for _ in range(20)), output=output, strict=True
    )
    text = msgspec.json.encode(accumulator.result(WINDOW)).decode()

    assert "hunter2" not in text
    assert "48.12" not in text
    assert key in text


def test_a_token_is_recognised_under_any_name():
    """A JWT and a URI with a password are credentials whatever the field is called."""
    text = str(schema_for({"v": "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abc"}, {"v": "x"})) + str(
        schema_for({"url": "mqtt://bob:geheim@host"})
    )

    assert "eyJ" not in text
    assert "geheim" not in text


def test_topics_of_one_template_share_a_schema():
    """Ten sensors are one kind of thing."""
    report = watched(*((f"fleet/v2/00a{at:03x}bb/temp", {"value": at}) for at in range(40))).result(WINDOW)

    assert [(one.topics, one.messages, one.confidence) for one in report.schemas] == [(40, 40, "high")]


def test_other_encodings_are_named_and_not_described():
    """Honest detection: an image is an image, a number is a number, mixed topics say so."""
    accumulator = watched(
        *(("cam/a/snapshot", b"\xff\xd8\xff\xe0" + bytes(range(60))) for _ in range(3)),
        *(("m/temp", b"21.5") for _ in range(3)),
        *(("m/mixed", payload) for payload in ({"a": 1}, {"a": 2}, b"oops it broke")),
    )
    by_template = {one.template: one for one in accumulator.result(WINDOW).schemas}

    assert by_template["cam/a/snapshot"].schema["contentMediaType"] == "image/jpeg"
    assert by_template["m/temp"].schema["type"] == "number"
    assert by_template["m/mixed"].encoding == "json"
    assert by_template["m/mixed"].other_encodings == {"text": 1}


@pytest.mark.parametrize("output", ["json_schema", "summary"])
def test_the_report_keeps_its_budget(output):
    """200 kinds of topics with 100 fields each do not fit: less is said, and what is left out is named."""
    accumulator = watched(
        *((f"plant/line{'abcdefghijklmnopqrst'[at % 20] * 3}/part{'uvwxyzabcd'[at // 20] * 4}/state",
           {f"field_{'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10]}": i + at for i in range(100)}) for at in range(200)),
        output=output, max_chars=20_000,
    )  # fmt: skip
    report = accumulator.result(WINDOW)

    assert len(msgspec.json.encode(report).decode()) < 24_000
    assert report.schemas
    assert report.messages == 200


def test_deep_and_wide_payloads_stay_within_bounds():
    """Hostile shapes cost bounded nodes, and the document still validates what was looked at."""
    deep: Any = 1
    for _ in range(60):
        deep = {"d": deep}
    accumulator = watched(("t/x", deep), ("t/x", {"l": [[at] * 3 for at in range(20_000)]}), ("t/x", b"[" * 5_000))

    assert accumulator.kept_bytes < 3_000_000
    assert accumulator.result(WINDOW).messages == 3


def test_a_huge_payload_is_counted_and_not_read():
    """Five megabytes cost no time, and the result says what they were."""
    accumulator = watched(("t/x", b"[" + b"1," * 2_500_000 + b"1]"))

    assert accumulator.result(WINDOW).schemas[0].encoding == "too_large"


def test_shrinking_forgets_profiles_but_not_counts():
    """The contract of accumulators under memory pressure."""
    accumulator = watched(*((f"a{at}/b", {"x": {"y": at}}) for at in range(50)))
    accumulator.shrink(50_000)

    assert accumulator.kept_bytes <= 50_000
    assert accumulator.messages == 50
    assert sum(one.messages for one in accumulator.result(WINDOW).schemas) == 50
