"""Which kind of text a text is: a number, a time, an identifier, key=value pairs, CSV, XML and so on.

Owns the rules for text that is not JSON. A kind counts only when it explains the whole text. Linear time: no pattern
can backtrack over more than a bounded part. Does not touch bytes (``payloads/decoding.py`` does).
"""

import base64
import binascii
import math
import re

SNIFFED_CHARS = 65_536

_NUMBER = re.compile(
    r"([+-]?(?:0|[1-9]\d{0,30})(?:[.,]\d{1,30})?(?:[eE][+-]?\d{1,3})?)"
    r"(?:\s?(?:°[CF]|[CFK]|%|[kM]?Wh?|[kmµ]?[VA]|VA|[kMG]?Hz|[hkm]?Pa|m?bar|lx|lux|pp[mb]|dBm?|[mµ]?s|min|h|[kcm]?m|km/h|m/s|m?[lL]"
    r"|k?g|m[³3²2]|µg/m[³3]|rpm|[kMG]?B))?"
)
_WORDS_BOOLEAN = {"true": True, "false": False, "on": True, "off": False, "yes": True, "no": False}
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HEX_TEXT = re.compile(r"(?:0x)?(?:[0-9a-fA-F]{2}){8,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{12,}={0,2}")
_PAIR = re.compile(r"\s?[A-Za-z_][\w./-]{0,63}\s?[=:]\s?[^=]{0,200}")
_CSV_CELL = r"[^,;\t\n\"]{0,200}"
_CSV = re.compile(
    rf"{_CSV_CELL}(?:[,;\t]{_CSV_CELL}){{2,200}}(?:\n{_CSV_CELL}(?:[,;\t]{_CSV_CELL}){{2,200}}){{0,1000}}\n?"
)
_LINE_FIELD = r"[\w.-]{1,64}=(?:-?[\d.]{1,32}[iu]?|\"[^\"]{0,256}\"|[tTfF]\w{0,4})"
_LINE_PROTOCOL = re.compile(
    r"[A-Za-z_][\w.:/-]{0,127}(?:,[\w.-]{1,64}=[^\s,=]{1,128}){0,32}"
    rf" {_LINE_FIELD}(?:,{_LINE_FIELD}){{0,64}}"
    r"(?: \d{10,19})?\s?"
)


def name_text(text: str) -> tuple[str, str | float | bool]:
    """The format of a text and its value: a float, a bool, or the text itself.

    Args:
        text: Any text; above 65,536 characters it is just ``text``.
    """
    stripped = text.strip()
    if len(stripped) <= 64:
        number = _NUMBER.fullmatch(stripped)
        if number is not None:
            value = float(number.group(1).replace(",", "."))
            if not math.isinf(value):
                return "number", value
        word = _WORDS_BOOLEAN.get(stripped.lower())
        if word is not None:
            return "boolean", word
        if _ISO_TIME.fullmatch(stripped):
            return "iso_time", text
        if _UUID.fullmatch(stripped):
            return "uuid", text
    return _text_format(stripped), text


def _text_format(text: str) -> str:  # noqa: PLR0911 - a list of tests, first hit wins
    if len(text) > SNIFFED_CHARS:
        return "text"
    if text[:1] == "<" and text[-1:] == ">" and (text[1:2].isalpha() or text[1:2] in {"?", "!"}):
        return "xml"
    if len(text) >= 16 and " " not in text and "\n" not in text:
        if _HEX_TEXT.fullmatch(text):
            return "hex_text"
        if len(text) % 4 == 0 and _is_base64(text):
            return "base64"
    if " " in text and "=" in text and all(_LINE_PROTOCOL.fullmatch(line) for line in text.split("\n")[:64]):
        return "line_protocol"
    if _is_key_value(text):
        return "key_value"
    if _CSV.fullmatch(text) and sum(char.isdigit() for char in text) * 4 >= len(text):
        return "csv"
    return "text"


def _is_key_value(text: str) -> bool:
    separators = ";&,\n " if "=" in text else ";" if ":" in text else ""
    for separator in separators:
        parts = text.strip(separator).split(separator)
        if (len(parts) > 1 or "=" in text) and len(parts) <= 200 and all(_PAIR.fullmatch(part) for part in parts):
            return True
    return False


def _is_base64(text: str) -> bool:
    classes = (
        any(c.isupper() for c in text),
        any(c.islower() for c in text),
        any(c.isdigit() or c in "+/=" for c in text),
    )
    if not all(classes) or _BASE64.fullmatch(text) is None:
        return False
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
