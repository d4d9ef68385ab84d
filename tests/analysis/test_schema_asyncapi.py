"""The AsyncAPI document: valid by the official schema, true about channels, and within the budget of a result."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry
from referencing.jsonschema import DRAFT7

from mqtt_mcp.analysis.schema.listening import SchemaAccumulator
from mqtt_mcp.mqtt.client import Message
from testkit.messages import window

OFFICIAL = json.loads((Path(__file__).parent / "asyncapi_3_1_0.json").read_text(encoding="utf-8"))
RESOURCES = [(name, DRAFT7.create_resource(one)) for name, one in OFFICIAL["definitions"].items()]
VALIDATOR = jsonschema.Draft7Validator(OFFICIAL, registry=Registry().with_resources(RESOURCES))


def document_of(*messages: tuple[str, bytes], retain: bool = False, qos: int = 1, **options: Any) -> dict[str, Any]:
    """The document that a watch made, checked against the official schema."""
    accumulator = SchemaAccumulator(output="asyncapi", **options)
    for at, (topic, payload) in enumerate(messages):
        accumulator.add(Message(topic, payload, qos, retain, float(at)), float(at))
    report = accumulator.result(window())
    assert report.schemas == []
    found: dict[str, Any] = json.loads(msgspec.json.encode(report.asyncapi))
    VALIDATOR.validate(found)
    return found


def test_the_official_schema_refuses_what_is_wrong():
    """The validator is no rubber stamp: an action that is none, a QoS of 7, a channel without its address's type."""
    good = document_of(("a/b", b'{"x":1}'))
    (operation,) = good["operations"].values()
    operation["bindings"]["mqtt"]["qos"] = 7
    assert not VALIDATOR.is_valid(good)
    operation["bindings"]["mqtt"]["qos"] = 1
    operation["action"] = "publish"
    assert not VALIDATOR.is_valid(good)
    assert not VALIDATOR.is_valid({"asyncapi": "3.1.0"})


def test_a_template_is_a_channel_with_parameters():
    """Variable levels have names, and examples of what was there."""
    topics = [f"tele/plug_{at}/SENSOR" for at in range(4)]
    found = document_of(*((topic, b'{"ENERGY":{"Power":12}}') for topic in topics), retain=True)
    ((name, channel),) = found["channels"].items()

    assert channel["address"] == "tele/{device}/SENSOR"
    assert channel["parameters"]["device"]["examples"] == ["plug_0", "plug_1", "plug_2"]
    (message,) = channel["messages"].values()
    assert message["contentType"] == "application/json"
    assert message["payload"]["properties"]["ENERGY"]["properties"]["Power"]["type"] == "integer"
    assert "$schema" not in message["payload"]
    (operation,) = found["operations"].values()
    assert operation["action"] == "receive"
    assert operation["channel"] == {"$ref": f"#/channels/{name}"}
    assert operation["bindings"]["mqtt"] == {"qos": 1, "retain": True, "bindingVersion": "0.2.0"}


@pytest.mark.parametrize(
    ("topic", "actions"),
    [
        ("zigbee2mqtt/lamp/set", {"receive", "send"}),
        ("cmnd/plug/POWER", {"receive", "send"}),
        ("spBv1.0/g/NCMD/node", {"receive", "send"}),
        ("zigbee2mqtt/lamp", {"receive"}),
        ("a/setpoint", {"receive"}),
    ],
)
def test_what_commands_a_device_can_be_sent_too(topic, actions):
    """An application receives everything, and sends commands."""
    found = document_of((topic, b'{"state":"ON"}'))

    assert {operation["action"] for operation in found["operations"].values()} == actions


def test_a_tuple_is_written_as_the_dialect_of_asyncapi_has_it():
    """Its schema objects are made after draft-07, where ``items`` is the list."""
    found = document_of(*(("a/b", b'[1,"x"]') for _ in range(4)), strict=True)
    payload = found["channels"]["a_b"]["messages"]["json"]["payload"]

    assert [one["type"] for one in payload["items"]] == ["integer", "string"]
    assert payload["additionalItems"] is False
    assert "prefixItems" not in payload


def test_every_reference_leads_somewhere():
    """Operations point to channels and messages that are there."""
    found = document_of(*((f"a/x{at}/{word}", b"1") for at in range(5) for word in ("set", "state", "a b", "ä/ö")))
    text = json.dumps(found)
    for operation in found["operations"].values():
        for reference in [operation["channel"], *operation["messages"]]:
            place: Any = found
            for step in reference["$ref"].removeprefix("#/").split("/"):
                place = place[step]
    assert text.count("$ref") >= 2 * len(found["operations"])


def test_a_plant_of_many_kinds_of_topics_fits_and_says_what_is_missing():
    """200 kinds with 20 fields each: fewer channels, the others named."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    accumulator = SchemaAccumulator(output="asyncapi", max_chars=19_000)
    for at in range(200):
        own = f"{letters[at % 20]}{letters[at // 20]}"
        value = {f"{own}_field_{one}{two}": 1.5 for one in letters[:5] for two in letters[:4]}
        payload = json.dumps(value).encode()
        topic = f"plant/{letters[at % 20] * 4}/{letters[at // 20] * 5}x/state"
        accumulator.add(Message(topic, payload, 0, retain=False, received_s=0.0), at / 10)
    report = accumulator.result(window())
    VALIDATOR.validate(json.loads(msgspec.json.encode(report.asyncapi)))

    assert len(msgspec.json.encode(report).decode()) <= 23_000
    assert report.asyncapi["channels"]
    assert report.not_shown
    assert report.not_shown[-1].startswith("… and")


@given(
    messages=st.lists(
        st.tuples(
            st.lists(
                st.sampled_from(["{}", "{x}", "a", "0a1b2c", "set", "${y}", "ü\u202e", ""]) | st.text(max_size=4),
                min_size=1,
                max_size=5,
            ).map("/".join),
            st.sampled_from([b'{"a":[1,"x"]}', b"21.5", b"", b"\x00\x01\xff", b"ON", b"1,2"]),
        ),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_topics_make_a_valid_document(messages):
    """Braces, controls and empty levels in the names of topics are foreign data like any other."""
    found = document_of(*messages, max_chars=200_000)

    assert found["channels"]
    assert len({channel["address"] for channel in found["channels"].values()}) == len(found["channels"])
