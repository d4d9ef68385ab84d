"""What a model is told about arguments that are not right, and what is let through."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Raw, Struct

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.wire.arguments import decode_arguments
from mqtt_mcp.wire.schema import portable_schema


class Args(Struct, forbid_unknown_fields=True, frozen=True):
    topic: Annotated[str, Meta(description="Where to.", min_length=1, max_length=10)]
    qos: Annotated[Literal[0, 1, 2], Meta(description="Quality.")] = 0
    duration: Annotated[float, Meta(description="Seconds, 10 to 300.", ge=10, le=300)] = 10
    retain: bool = False
    filters: list[str] = []
    password: str = ""
    payload: str = ""


SCHEMA = portable_schema(Args)


def decode(line: bytes | None) -> Any:
    return decode_arguments("publish", Args, None if line is None else Raw(line), SCHEMA)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"topic":"a"}', Args("a")),
        (b'{"topic":"a","duration":"30"}', Args("a", duration=30)),
        (b'{"topic":"a","qos":"1","retain":"true"}', Args("a", qos=1, retain=True)),
        (b'{"topic":"a","qos":null,"filters":null}', Args("a")),
        (b'{"topic":"21"}', Args("21")),
    ],
)
def test_almost_right_json_is_read_where_it_cannot_be_misunderstood(line: bytes, expected: Args) -> None:
    """Ours: models write numbers as strings and null for what they leave out."""
    assert decode(line) == expected


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (None, "argument topic is missing; it has to be a string of 1 to 10 characters. topic: Where to."),
        (b'{"topic":null}', "argument topic is missing"),
        (b'{"topic":"a","qos":3}', "argument qos has to be one of 0, 1, 2, not 3. qos: Quality."),
        (b'{"topic":"a","duration":5}', "argument duration has to be a number from 10 to 300, not 5."),
        (b'{"topic":"a","duration":"5"}', "argument duration has to be a number from 10 to 300."),
        (b'{"topic":"a","duration":"nan"}', "argument duration has to be a number from 10 to 300."),
        (b'{"topic":"a","duration":1e999}', "publish: "),
        (b'{"topic":""}', "argument topic has to be a string of 1 to 10 characters."),
        (b'{"topic":"a","payload":{"on":1}}', "payload has to be a string, not an object; write it as text in quotes."),
        (b'{"topic":"a","filters":["x",1]}', "filters (at '$.filters[1]') has to be a list, each item a string"),
        (b'{"topic":"a","retain":"maybe"}', "argument retain has to be true or false, not a string."),
        (b'{"topic":"a","Qos":1}', "publish has no argument 'Qos'. Its arguments are: topic (required), qos, duration"),
        (b'{"topic":"a","x\\u001b[2J":1}', r"publish has no argument 'x\x1b[2J'."),
        (b'{"topic":"\\ud800"}', "publish: its arguments cannot be read"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_allowed(line: bytes | None, told: str) -> None:
    """MCP 2025-11-25 (SEP-1303): bad arguments are for the model to mend, so the message has to say how."""
    with pytest.raises(ToolError) as refused:
        decode(line)

    assert refused.value.kind is ErrorKind.BAD_ARGUMENT
    assert "publish" in refused.value.message
    assert told in f"{refused.value.message} {refused.value.hint}"


@pytest.mark.parametrize("line", [b'{"password":["hunter2"]}', b'{"topic":"hunter2 hunter2"}', b'{"qos":"hunter2"}'])
def test_no_value_is_repeated(line: bytes) -> None:
    """Ours: an argument may be a password, in its own place or by mistake in another."""
    with pytest.raises(ToolError) as refused:
        decode(line)

    assert "hunter2" not in str(refused.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from([*Args.__struct_fields__, "other"]) | st.text(max_size=8), json_values, max_size=5)
)
def test_any_object_is_either_decoded_or_explained(arguments: dict[str, Any]) -> None:
    """Ours: whatever a model sends, the outcome is arguments or a ToolError, nothing else."""
    line = msgspec.json.encode(arguments)
    try:
        decoded = decode(line)
    except ToolError as refused:
        decoded = refused
    assert isinstance(decoded, Args) or decoded.kind is ErrorKind.BAD_ARGUMENT
