"""Which kind of text a text is: a number, a time, an identifier, key=value pairs, CSV, XML and so on.

Owns the order of the trials for text that is not JSON. A kind counts only when it explains the whole text. Linear time:
no pattern can backtrack over more than a bounded part. Does not touch bytes (``decoding.py`` does).
"""

import re
from itertools import pairwise
from typing import Any, NamedTuple

from mqtt_mcp.analysis.payloads import line_protocol, tables, units, xml
from mqtt_mcp.analysis.payloads.binary import sniff_magic
from mqtt_mcp.analysis.payloads.wrapping import unbase64

SNIFFED_CHARS = 65_536

_WORDS_BOOLEAN = {"true": True, "false": False, "on": True, "off": False, "yes": True, "no": False}
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HEX_TEXT = re.compile(r"(?:0x)?(?:[0-9a-fA-F]{2}){8,}+")
_HEX_GROUPS = re.compile(r"[0-9a-fA-F]{2}(?:([ :-])[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2}){2,}+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{12,}+={0,2}")
_BASE64_LINES = re.compile(r"(?:[A-Za-z0-9+/]{60,76}\r?\n){1,}+[A-Za-z0-9+/]{1,76}={0,2}")
_DATA_URI = re.compile(r"data:[\w.+-]{1,40}/[\w.+-]{1,60};base64,[A-Za-z0-9+/]++={0,2}")
_SURELY_BASE64_CHARS = 128


class Text(NamedTuple):
    """What a text is: its format, its value, the unit of a number, and a structure signature if the value has none."""

    format: str
    value: Any
    unit: str = ""
    shape: str = ""


def read(text: str) -> Text:
    """The format of a text and its value: a float, a bool, pairs, rows or the text itself.

    Args:
        text: Any text; above 65,536 characters it is just ``text``.
    """
    stripped = text.strip()
    if len(stripped) <= units.MAX_CHARS:
        if stripped[:1] in _NUMBER_STARTS:
            number = units.read(stripped)
            if number is not None:
                return Text("number", number[0], number[1])
        word = _WORDS_BOOLEAN.get(stripped.lower())
        if word is not None:
            return Text("boolean", word)
        if tables.ISO_TIME.fullmatch(stripped):
            return Text("iso_time", text)
        if _UUID.fullmatch(stripped):
            return Text("uuid", text)
    return Text("text", text) if len(stripped) > SNIFFED_CHARS else _structured(stripped, text)


_BASE64_STARTS = frozenset("+/")
_NUMBER_STARTS = frozenset("0123456789+-")


def _structured(stripped: str, text: str) -> Text:
    if stripped[:1] == "<" and stripped[-1:] == ">":
        if xml.root(stripped):
            return Text("xml", text)
    elif len(stripped) >= 12 and (stripped[:1].isalnum() or stripped[:1] in _BASE64_STARTS):
        name = _identifier(stripped)
        if name:
            return Text(name, text)
    points = line_protocol.read(stripped)
    if points is not None:
        return Text("line_protocol", points, shape=line_protocol.shape(points))
    pairs = tables.key_values(stripped)
    if pairs is not None:
        return Text("key_value", pairs.values, pairs.units)
    rows = tables.csv_rows(stripped)
    if rows is not None:
        columns = len(rows[0]) if isinstance(rows[0], list) else len(rows)
        return Text("csv", rows, shape=f"csv:{columns}")
    return Text("text", text)


def _identifier(text: str) -> str:  # noqa: PLR0911 - a list of tests, first hit wins
    if _HEX_GROUPS.fullmatch(text) and any(char in "abcdefABCDEF" for char in text):
        return "hex_text"
    if len(text) < 16:
        return ""
    if " " not in text and "\n" not in text:
        if _HEX_TEXT.fullmatch(text):
            return "hex_text"
        if len(text) % 4 == 0 and _BASE64.fullmatch(text) and _is_base64(text):
            return "base64"
        if text.startswith("data:") and _DATA_URI.fullmatch(text) and unbase64(text) is not None:
            return "base64"
    elif "\n" in text and _BASE64_LINES.fullmatch(text) and unbase64(text) is not None:
        return "base64"
    return ""


def _is_base64(text: str) -> bool:
    """Whether text of the alphabet is no word such as ``LivingRoomLamp01``: padded, or a container, or mixed."""
    content = unbase64(text)
    if content is None:
        return False
    return text[-1] == "=" or "+" in text or bool(sniff_magic(content)) or _is_mixed(text)


def _is_mixed(text: str) -> bool:
    """Whether letters, capitals and digits change as often as chance has it."""
    kinds = ["u" if c.isupper() else "l" if c.islower() else "d" for c in text[:_SURELY_BASE64_CHARS]]
    if not {"u", "l"} <= set(kinds):
        return False
    return sum(one != other for one, other in pairwise(kinds)) * 5 >= len(kinds) * 2
