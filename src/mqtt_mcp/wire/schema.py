"""Portable JSON Schemas from msgspec types.

Owns which schemas may go on the wire: self-contained (no ``$ref``), every node with one ``type``, no composition, no
tuples, no booleans, root ``object``. One schema outside these rules makes several MCP clients lose the whole tool
list, so ``portable_schema`` refuses it when it is built. Does not validate values and knows no tool.
"""

from typing import Any

import msgspec

_BREAKS_CLIENTS = (
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "prefixItems",
    "discriminator",
    "const",
    "patternProperties",
)
_TYPES = ("object", "array", "string", "number", "integer", "boolean")
_MAX_DEPTH = 12


class UnportableSchema(TypeError):
    """A type whose schema would break a client; the text names the type, the place and the way out."""


def portable_schema(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """Make the JSON Schema of a struct in the form that every known client reads.

    Args:
        struct: The type. Optional members are ``T | UnsetType = UNSET``, fixed choices ``Literal`` of strings or
            integers, lists ``list[T]`` and free-form objects ``dict[str, Any]``.

    Raises:
        UnportableSchema: It uses a union, a tuple, an untyped node or refers to itself.
    """
    (root,), definitions = msgspec.json.schema_components((struct,))
    schema = _Inliner(struct.__name__, definitions).inline(root, "$", ())
    if schema.get("type") != "object":
        raise UnportableSchema(f"{struct.__name__}: the root of a schema has to be an object.")
    schema.setdefault("properties", {})
    return schema


class _Inliner:
    def __init__(self, owner: str, definitions: dict[str, Any]) -> None:
        self._owner = owner
        self._definitions = definitions

    def inline(self, node: Any, path: str, inside: tuple[str, ...]) -> dict[str, Any]:
        """Copy a schema node with its references replaced; ``inside`` names the references being replaced."""
        if not isinstance(node, dict):
            raise self._refusal(path, "a boolean is no portable schema")
        if len(inside) > _MAX_DEPTH:
            raise self._refusal(path, "it is nested too deeply")
        if (reference := node.get("$ref")) is not None:
            name = reference.rsplit("/", 1)[-1]
            if name in inside:
                raise self._refusal(path, f"{name} refers to itself; flatten it or use dict[str, Any]")
            siblings = {key: value for key, value in node.items() if key != "$ref"}
            return self.inline({**self._definitions[name], **siblings}, path, (*inside, name))
        for keyword in _BREAKS_CLIENTS:
            if keyword in node:
                raise self._refusal(path, f"{keyword} breaks clients; use one plain type, a list or T | UnsetType")
        schema = {key: value for key, value in node.items() if key != "title"}
        schema = {"type": self._type(node, path), **schema}
        if "properties" in node:
            schema["properties"] = {
                name: self.inline(member, f"{path}.{name}", inside) for name, member in node["properties"].items()
            }
        if "items" in node:
            schema["items"] = self.inline(node["items"], f"{path}[]", inside)
        if isinstance(node.get("additionalProperties"), dict):
            schema["additionalProperties"] = self.inline(node["additionalProperties"], f"{path}.*", inside)
        return schema

    def _type(self, node: dict[str, Any], path: str) -> str:
        declared = node.get("type")
        if declared is None and "enum" in node:
            # msgspec leaves the type out beside an enum.
            kinds = {type(value) for value in node["enum"]}
            declared = {frozenset({str}): "string", frozenset({int}): "integer"}.get(frozenset(kinds))
        if declared not in _TYPES:
            raise self._refusal(path, "it has no single type; declare a concrete one (dict[str, Any] for any object)")
        return str(declared)

    def _refusal(self, path: str, why: str) -> UnportableSchema:
        return UnportableSchema(f"{self._owner} at {path}: {why}.")
