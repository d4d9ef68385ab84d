"""InfluxDB line protocol: measurement, tags, fields and time (https://docs.influxdata.com, "Line protocol").

Owns the syntax, with its escapes. Every line must be one. Linear: a line is read from left to right once.
"""

import re
from typing import Any

MAX_LINES = 1_000
_MAX_MEMBERS = 200

_ESCAPED = r"(?:[^\s,=\\\"]|\\.)"
_KEY = re.compile(rf"{_ESCAPED}{{1,128}}+")
_MEASUREMENT = re.compile(r"(?:[^\s,=\\\"#:\[{(<]|\\.)(?:[^\s,=\\\"]|\\.){0,127}+")
_TAG_VALUE = re.compile(rf"{_ESCAPED}{{1,256}}+")
_FIELD_VALUE = re.compile(
    r"(?P<string>\"(?:[^\"\\]|\\.){0,4096}+\")"
    r"|(?P<integer>[+-]?[0-9]{1,20}+)(?:i|u)"
    r"|(?P<number>[+-]?(?:[0-9]{1,40}+(?:\.[0-9]{0,40}+)?|\.[0-9]{1,40}+)(?:[eE][+-]?[0-9]{1,3})?)(?![\w.])"
    r"|(?P<boolean>[tT](?:rue)?|TRUE|[fF](?:alse)?|FALSE)(?!\w)",
    re.DOTALL,
)
_TIME = re.compile(r" (-?[0-9]{1,19})")
_UNESCAPE = re.compile(r"\\([,= \\\"])")


def read(text: str) -> Any | None:
    """``{"measurement", "tags", "fields", "timestamp"}`` of one line, a list of those of several; None for others."""
    if "=" not in text or " " not in text:
        return None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not 1 <= len(lines) <= MAX_LINES:
        return None
    found = []
    for line in lines:
        point = _point(line.strip())
        if point is None:
            return None
        found.append(point)
    return found[0] if len(found) == 1 else found


def shape(value: Any) -> str:
    """The structure signature of what ``read`` gave: measurement, tag keys and fields with their types."""
    point = value[0] if isinstance(value, list) else value
    fields = ",".join(f"{key}:{_LETTERS.get(type(one), 'n')}" for key, one in sorted(point["fields"].items()))
    return f"line:{point['measurement']}[{','.join(sorted(point['tags']))}]{{{fields}}}"[:600]


_LETTERS: dict[type, str] = {str: "s", bool: "b"}


def _point(line: str) -> dict[str, Any] | None:
    start = _MEASUREMENT.match(line)
    if start is None or line[start.end() - 1] == ":":
        return None
    tags, at = _tags(line, start.end())
    if at >= len(line) or line[at] != " ":
        return None
    fields, at = _fields(line, at + 1)
    if not fields:
        return None
    point: dict[str, Any] = {"measurement": _plain(start.group()), "tags": tags, "fields": fields}
    if at < len(line):
        time = _TIME.fullmatch(line, at)
        if time is None:
            return None
        point["timestamp"] = int(time.group(1))
    return point


def _tags(line: str, at: int) -> tuple[dict[str, str], int]:
    tags: dict[str, str] = {}
    while at < len(line) and line[at] == "," and len(tags) < _MAX_MEMBERS:
        key = _KEY.match(line, at + 1)
        if key is None or line[key.end() : key.end() + 1] != "=":
            return tags, at
        value = _TAG_VALUE.match(line, key.end() + 1)
        if value is None:
            return tags, at
        tags[_plain(key.group())] = _plain(value.group())
        at = value.end()
    return tags, at


def _fields(line: str, at: int) -> tuple[dict[str, Any], int]:
    """The fields from ``at`` on and where they end; none when one of them is not well-formed."""
    fields: dict[str, Any] = {}
    while len(fields) < _MAX_MEMBERS:
        key = _KEY.match(line, at)
        if key is None or line[key.end() : key.end() + 1] != "=" or not (line[at].isalnum() or line[at] in "_$\\"):
            return {}, at
        value = _FIELD_VALUE.match(line, key.end() + 1)
        if value is None:
            return {}, at
        fields[_plain(key.group())] = _field(value)
        at = value.end()
        if line[at : at + 1] != ",":
            return fields, at
        at += 1
    return {}, at


def _field(match: re.Match[str]) -> Any:
    kind, text = match.lastgroup, match.group()
    if kind == "string":
        return _plain(text[1:-1])
    if kind == "integer":
        return int(match.group("integer"))
    if kind == "number":
        value = float(text)
        return value if value - value == 0 else None
    return text[0] in "tT"


def _plain(text: str) -> str:
    return _UNESCAPE.sub(r"\1", text) if "\\" in text else text
