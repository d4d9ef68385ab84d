"""Every observed message validates against the schema made from it, whatever the messages were.

analysis.md section 3: the rule kept from GenSON, for both kinds of document, every level of detail, all encodings that
have values, discriminators, maps and tuples, after shrinking and after merging the topics of a template.
"""

import json
import random
from collections.abc import Iterable
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqtt_mcp.analysis.payloads.decoder import Decoder
from mqtt_mcp.analysis.schema.document import Style
from mqtt_mcp.analysis.schema.encodings import content_of, family, is_csv
from mqtt_mcp.analysis.schema.groups import Group
from mqtt_mcp.analysis.schema.listening import SchemaAccumulator
from mqtt_mcp.analysis.schema.report import document
from mqtt_mcp.mqtt.client import Message
from testkit.encodings import ENCODINGS

Pairs = list[tuple[str, bytes]]

KEYS = st.sampled_from(["a", "type", "_type", "event", "0x12", "1", "2", "3", "a.b", "k\u202e", "\x1b"]) | st.text(
    max_size=3
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["ON", "OFF", "a", "b", "2026-02-30", "2026-02-28", "1.2.3.4", "::1", "a@b.c"])
    | st.text(max_size=20)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)

REAL: list[dict[str, Any]] = [
    {"_type": "location", "lat": 48.1, "lon": 11.5, "tst": 1_790_000_003, "acc": 12, "inregions": ["home"], "t": "u"},
    {"_type": "lwt", "tst": 1_790_000_001},
    {"_type": "transition", "event": "enter", "desc": "Home", "tst": 1_790_000_004},
    {"type": "new", "before": {"id": "1.2-a", "end_time": None, "box": [1, 2, 3, 4]}, "after": {"id": "1.2-a", "x": 1}},
    {"type": "end", "before": {"id": "1.2-a", "end_time": 17.5, "box": [1, 2, 3, 4]}, "after": {"id": "1.2-a"}},
    {"0x00158d0001": {"lqi": 1}, "0x00158d0002": {"lqi": 2}, "0x00158d0003": {"lqi": 3, "name": "c"}},
    {"at": [1_790_000_003, "ok", 1.5], "rgb": [255, 0, 12], "tags": [], "nested": [[1, "a"], [2, "b"]]},
    {"temperature": 21.5, "unit": "°C", "state": "ON", "ip": "10.0.0.1", "seen": "2026-09-21T13:33:20+02:00"},
    {"method": "NotifyStatus", "params": {"ts": 1.79e9, "switch:0": {"id": 0, "apower": 2.4, "aenergy": {"total": 9}}}},
]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A realistic message with one thing about it changed, deep down or not."""
    message: dict[str, Any] = json.loads(json.dumps(draw(st.sampled_from(REAL))))
    place: Any = message
    for _ in range(draw(st.integers(0, 2))):
        inner = [one for one in (place.values() if isinstance(place, dict) else place) if isinstance(one, (dict, list))]
        if not inner:
            break
        place = draw(st.sampled_from(inner))
    change = draw(st.sampled_from(["none", "drop", "retype", "add"]))
    if isinstance(place, list):
        if change == "drop" and place:
            place.pop()
        elif change != "none":
            place.append(draw(JSON))
    elif place and change != "none":
        key = draw(st.sampled_from(sorted(place)))
        if change == "drop":
            del place[key]
        else:
            place[key if change == "retype" else key + "2"] = draw(JSON)
    return message


def watch(messages: Pairs) -> SchemaAccumulator:
    """An accumulator fed one message a second."""
    accumulator = SchemaAccumulator()
    for at, (topic, payload) in enumerate(messages):
        accumulator.add(Message(topic, payload, 0, retain=at % 5 == 0, received_s=float(at)), float(at))
    return accumulator


def validators(group: Group, *, strict: bool, detail: int) -> Iterable[Any]:
    """The validators of the schemas of a group: 2020-12, and as AsyncAPI has it."""
    for draft_07, kind in ((False, jsonschema.Draft202012Validator), (True, jsonschema.Draft7Validator)):
        style = Style(
            strict=strict,
            detail=detail,
            columns=is_csv(group.encoding),
            draft_07=draft_07,
            started_at_epoch_s=1_790_000_000.0,
            announced=group.announced,
        )
        made = document(group, style, 1.0)
        kind.check_schema(made)
        msgspec.json.encode(made)
        yield kind(made, format_checker=kind.FORMAT_CHECKER)


def check(accumulator: SchemaAccumulator, messages: Pairs, *, strict: bool, detail: int) -> int:
    """Validate each message against the schema of its group, if it is of the majority encoding; returns how many."""
    decoder = Decoder()
    decoded = [(topic, content_of(decoder.decode(payload, topic), payload)) for topic, payload in messages]
    checked = 0
    for group in accumulator.groups():
        for validator in validators(group, strict=strict, detail=detail):
            for topic, content in decoded:
                if topic in group.topics and content.has_value and family(content.encoding) == group.encoding:
                    validator.validate(content.value)
                    checked += 1
    return checked


def encoded(values: Iterable[Any], topics: tuple[str, ...] = ("t/x",)) -> Pairs:
    return [(topics[at % len(topics)], json.dumps(value).encode()) for at, value in enumerate(values)]


VARIATIONS = {"strict": st.booleans(), "detail": st.integers(-1, 2)}


@given(values=st.lists(st.dictionaries(KEYS, JSON, max_size=4) | JSON, min_size=1, max_size=20), **VARIATIONS)
@settings(max_examples=100, deadline=None)
def test_arbitrary_values_validate(values, strict, detail):
    """Any JSON, objects or not, in any mixture."""
    messages = encoded(values)
    check(watch(messages), messages, strict=strict, detail=detail)


@given(values=st.lists(mutated(), min_size=6, max_size=30), **VARIATIONS)
@settings(max_examples=80, deadline=None)
def test_mutated_realistic_messages_validate_on_several_topics_of_a_template(values, strict, detail):
    """Discriminators, maps and tuples that some message breaks; joined over three topics."""
    messages = encoded(values, ("fleet/0a1b2c01/state", "fleet/0a1b2c02/state", "fleet/0a1b2c03/state"))
    accumulator = watch(messages)

    assert len(accumulator.groups()) == 1
    assert check(accumulator, messages, strict=strict, detail=detail) == 2 * len(messages)


@given(
    values=st.lists(st.tuples(*[SCALARS] * 3).map(list) | st.lists(SCALARS, max_size=7), min_size=3, max_size=12),
    **VARIATIONS,
)
@settings(max_examples=60, deadline=None)
def test_arrays_validate_whether_told_by_position_or_not(values, strict, detail):
    """Tuples, lists, and one that turns into the other."""
    messages = encoded([{"list": value} for value in values], ("a/0a1b2c01/x", "a/0a1b2c02/x"))

    assert check(watch(messages), messages, strict=strict, detail=detail) == 2 * len(messages)


@given(
    members=st.lists(
        st.dictionaries(st.from_regex(r"0x[0-9a-f]{4}|[0-9]{1,3}|relay[0-9]{1,2}", fullmatch=True), JSON, min_size=3),
        min_size=1,
        max_size=6,
    ),
    **VARIATIONS,
)
@settings(max_examples=60, deadline=None)
def test_maps_validate(members, strict, detail):
    """Keys that are ids, with whatever beneath."""
    messages = encoded(members)

    assert check(watch(messages), messages, strict=strict, detail=detail) == 2 * len(messages)


@given(
    values=st.lists(mutated(), min_size=8, max_size=30),
    share=st.floats(0.1, 1.0),
    **VARIATIONS,
)
@settings(max_examples=60, deadline=None)
def test_what_is_left_after_shrinking_validates(values, share, strict, detail):
    """Topics whose profiles were let go have no schema; those of the others still hold, with what came later."""
    topics = tuple(f"plant/{name}/state" for name in ("press", "oven", "mixer", "robot"))
    messages = encoded(values, topics)
    half = len(messages) // 2
    accumulator = watch(messages[:half])
    accumulator.shrink(int(accumulator.kept_bytes * share))
    for at, (topic, payload) in enumerate(messages[half:], half):
        accumulator.add(Message(topic, payload, 0, retain=False, received_s=float(at)), float(at))

    for group in accumulator.groups():
        kept = [(topic, payload) for topic, payload in messages if group.profiled and topic in group.topics]
        if group.profiled == len(kept):
            check(accumulator, kept, strict=strict, detail=detail)


@given(
    payloads=st.lists(
        st.sampled_from([b"21.5", b"22", b"21,5", b"ON", b"OFF", b"true", b"", b"21.5 \xc2\xb0C", b"1,2,3", b"4,x,6"])
        | st.binary(max_size=12),
        min_size=1,
        max_size=20,
    ),
    **VARIATIONS,
)
@settings(max_examples=80, deadline=None)
def test_whatever_the_bytes_are_the_majority_validates(payloads, strict, detail):
    """Plain numbers, words, cells, and noise."""
    messages = [("t/x", payload) for payload in payloads]
    check(watch(messages), messages, strict=strict, detail=detail)


@pytest.mark.parametrize("name", sorted(ENCODINGS))
@pytest.mark.parametrize("strict", [False, True])
def test_realistic_payloads_of_every_encoding_validate(name, strict):
    """Forty of each, on two topics of a template, and on one where Sparkplug is spoken."""
    rng = random.Random(name)
    make, _ = ENCODINGS[name]
    topics = ("lab/0a1b2c01/raw", "lab/0a1b2c02/raw", "spBv1.0/g/DDATA/n/d")
    messages = [(topics[at % 3], make(rng)) for at in range(40)]

    check(watch(messages), messages, strict=strict, detail=2)


@pytest.mark.parametrize("wide", [50, 3_000])
def test_a_wide_object_validates(wide):
    """More keys than are kept apart, and more values than are looked at."""
    messages = encoded([{f"key_{key}": [key, "x", {"y": key}] for key in range(wide)} for _ in range(6)])

    assert check(watch(messages), messages, strict=True, detail=2) == 2 * len(messages)
