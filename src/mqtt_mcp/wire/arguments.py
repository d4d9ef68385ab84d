"""Tool arguments from a model: decoding them, and saying what is wrong so that the model can mend it.

Pure. Models write JSON that is almost right, so decoding is tried strictly first and then once more with the two
lenient readings that cannot be misunderstood: ``"30"`` for a number or boolean, and ``null`` for an argument left out.
No message repeats a value, because an argument may be a password; only a number that is out of its range is shown.
Does not check what a value means: tools do.
"""

import re
from typing import Any

import msgspec
from msgspec import Raw

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.wire.jsonrpc import quoted

_AT = re.compile(r"(?P<problem>.*?)(?: - at (?:the key of )?`(?P<path>\$.*)`)?", re.DOTALL)
_NAME = re.compile(r"\$\.([A-Za-z_]\w*)")
_NOUNS = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
_GOT = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}

_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode


def decode_arguments(tool_name: str, args: type[msgspec.Struct], raw: Raw | None, schema: dict[str, Any]) -> Any:
    """Decode the arguments of a tool call.

    Args:
        tool_name: For the message.
        args: The type to decode to.
        raw: The object as it came; ``None`` for no arguments.
        schema: The portable schema of ``args``; says what is allowed.

    Returns:
        An instance of ``args``.

    Raises:
        ToolError: ``bad_argument``, naming the tool, the argument and what is allowed.
    """
    line = b"{}" if raw is None else bytes(raw)
    try:
        return msgspec.json.decode(line, type=args)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        problem = error
    try:
        members = _decode_members(line)
        given = {name: value for name, value in members.items() if bytes(value) != b"null"}
        return msgspec.json.decode(msgspec.json.encode(given), type=args, strict=False)
    except msgspec.ValidationError as error:
        # The lenient problem is the one left after everything that could be read was read.
        raise _explain(tool_name, str(error), line, schema) from None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise _explain(tool_name, str(problem), line, schema) from None


def _explain(tool_name: str, text: str, line: bytes, schema: dict[str, Any]) -> ToolError:
    match = _AT.fullmatch(text)
    problem, path = (match["problem"], match["path"] or "") if match else (text, "")
    properties: dict[str, Any] = schema["properties"]
    allowed = _listing(properties, schema.get("required", []))
    named = _NAME.match(path)
    if named and named[1] in properties:
        name = named[1]
        expected = _expected(properties[name])
        inner = "" if path == f"$.{name}" else f" (at {quoted(path)})"
        got = _got(problem, line, name, properties[name])
        message = f"{tool_name}: argument {name}{inner} has to be {expected}{got}."
        return ToolError(ErrorKind.BAD_ARGUMENT, message, _described(name, properties[name]))
    if unknown := re.search(r"unknown field `(.*)`", problem, re.DOTALL):
        message = f"{tool_name} has no argument {quoted(unknown[1])}."
        return ToolError(ErrorKind.BAD_ARGUMENT, message, f"Its arguments are: {allowed}.")
    if missing := re.search(r"required field `(\w+)`", problem):
        name = missing[1]
        expected = _expected(properties[name]) if name in properties else "given"
        message = f"{tool_name}: argument {name} is missing; it has to be {expected}."
        return ToolError(ErrorKind.BAD_ARGUMENT, message, _described(name, properties.get(name, {})))
    return ToolError(
        ErrorKind.BAD_ARGUMENT,
        f"{tool_name}: its arguments cannot be read as JSON of the expected form.",
        f"Its arguments are: {allowed}.",
    )


def _listing(properties: dict[str, Any], required: list[str]) -> str:
    if not properties:
        return "none"
    return ", ".join(f"{name} (required)" if name in required else name for name in properties)


def _expected(node: dict[str, Any]) -> str:
    if "enum" in node:
        return "one of " + ", ".join(str(value) for value in node["enum"])
    noun = _NOUNS[node["type"]]
    if node["type"] == "array" and "items" in node:
        return f"{noun}, each item {_expected(node['items'])}"
    if node["type"] == "string":
        return noun + _length(node.get("minLength", 0), node.get("maxLength"))
    return noun + _range(node.get("minimum"), node.get("maximum"))


def _length(shortest: int, longest: int | None) -> str:
    if longest is not None:
        return f" of {shortest} to {longest} characters"
    return f" of at least {shortest} character{'s' if shortest > 1 else ''}" if shortest else ""


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if low is not None:
        return f" of at least {low:g}"
    return "" if high is None else f" of at most {high:g}"


def _got(problem: str, line: bytes, name: str, node: dict[str, Any]) -> str:
    if got := re.search(r", got `(\w+)`", problem):
        remedy = "; write it as text in quotes" if node["type"] == "string" else ""
        return f", not {_GOT.get(got[1], got[1])}{remedy}"
    if node["type"] not in ("integer", "number"):
        return ""
    try:
        value = msgspec.json.decode(_decode_members(line)[name])
    except (msgspec.MsgspecError, UnicodeError, KeyError):
        return ""
    return f", not {value}" if isinstance(value, int | float) and abs(value) < 1e15 else ""


def _described(name: str, node: dict[str, Any]) -> str:
    description = node.get("description", "")
    return f"{name}: {description}" if description else ""
