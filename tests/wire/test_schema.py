"""Which msgspec types make a schema that every client reads, and which are refused."""

from enum import Enum
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from mqtt_mcp.wire.schema import UnportableSchema, portable_schema


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(Struct, forbid_unknown_fields=True):
    """A docstring that becomes a description."""

    title: Annotated[str, Meta(description="A property called title survives.")]
    colour: Colour = Colour.RED


class Outer(Struct, forbid_unknown_fields=True, omit_defaults=True):
    count: Annotated[int, Meta(description="How many.", ge=0, le=9)]
    mode: Literal["a", "b"] = "a"
    level: Literal[1, 2] = 1
    inner: Inner | UnsetType = UNSET
    inners: list[Inner] = []
    anything: dict[str, Any] = {}
    by_name: dict[str, Inner] = {}
    flags: list[bool] = []


class Node(Struct):
    children: list["Node"] = []


class WithUnion(Struct):
    value: int | str


class WithNone(Struct):
    value: str | None = None


class WithTuple(Struct):
    value: tuple[int, str]


class WithAny(Struct):
    value: Any


class WithRaw(Struct):
    value: Raw


class AsArray(Struct, array_like=True):
    value: int


class A(Struct, tag=True):
    x: int


class B(Struct, tag=True):
    x: int


class WithTagged(Struct):
    value: A | B


class Deep(Struct):
    inside: list[WithAny] = []


def _nodes(schema: Any) -> list[dict[str, Any]]:
    found = [schema]
    for member in schema.get("properties", {}).values():
        found += _nodes(member)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            found += _nodes(schema[key])
    return found


def test_a_schema_is_self_contained_and_every_node_has_one_type() -> None:
    """Measured on TypeScript clients: a root $ref or an untyped node makes the whole tool list fail."""
    schema = portable_schema(Outer)

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft7Validator.check_schema(schema)
    assert "$" not in repr(schema)
    assert all(isinstance(node["type"], str) for node in _nodes(schema))
    assert schema["type"] == "object"
    assert schema["required"] == ["count"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["count"] == {"type": "integer", "description": "How many.", "minimum": 0, "maximum": 9}
    assert schema["properties"]["level"] == {"type": "integer", "enum": [1, 2], "default": 1}
    assert schema["properties"]["inner"]["properties"]["title"]["description"] == "A property called title survives."
    assert schema["properties"]["inners"]["items"]["properties"]["colour"]["type"] == "string"
    assert schema["properties"]["by_name"]["additionalProperties"]["type"] == "object"


@pytest.mark.parametrize(
    ("struct", "place"),
    [
        (WithUnion, "$.value"),
        (WithNone, "$.value"),
        (WithTuple, "$.value"),
        (WithAny, "$.value"),
        (WithRaw, "$.value"),
        (WithTagged, "$.value"),
        (Node, "$.children[]"),
        (Deep, "$.inside[].value"),
        (AsArray, "$"),
    ],
)
def test_what_breaks_a_client_is_refused_with_its_place(struct: type[Struct], place: str) -> None:
    """Measured on Cursor and the TypeScript SDK: one such schema hides every tool of the server."""
    with pytest.raises(UnportableSchema) as refused:
        portable_schema(struct)

    assert str(refused.value).startswith(f"{struct.__name__} at {place}: ")
