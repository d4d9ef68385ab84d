"""The structure of a value without its values: messages with the same signature look alike.

Owns signatures of decoded payloads. Does not decode (``payloads/decoding.py`` does) and does not compare topics
(``templates.py`` does).
"""

import re
from typing import Any

from mqtt_mcp.analysis.payloads.decoding import Decoded

_MAX_DEPTH = 4
_MAX_KEYS = 24
_MAX_KEY_CHARS = 40
_MAX_SIGNATURE_CHARS = 600
_HEAD_CHARS = 80
DISCRIMINATORS = ("_type", "type", "event", "eventType", "method", "level", "severity", "lvl", "status")

_ID_KEY = re.compile(
    r"(?:0x)?[0-9a-fA-F]{6,}|\d+|[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){3,7}"
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
)
_ANSI = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")
_LOG_LEVEL = re.compile(
    r"\[([EWIDVC])\]|\b(emerg|alert|critical|fatal|error|warning|warn|notice|info|debug|trace)\b[\]:| ]", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_][\w-]{0,31}")
_VARIABLE = re.compile(r"\"[^\"]{0,80}\"|'[^']{0,80}'|0x[0-9a-fA-F]+|\b[0-9a-fA-F]{8,}\b|\d+")


def looks_like_id_key(key: str) -> bool:
    """Whether an object's key is rather an identifier (number, hex, MAC, UUID) than the name of a field."""
    if len(key) > 64 or _ID_KEY.fullmatch(key) is None:
        return False
    return any(char.isdigit() for char in key)


def signature(value: Any) -> str:
    """The structure signature of a decoded payload, at most 600 characters.

    Objects are ``{key:type,…}`` with sorted keys, arrays ``[type of first]``; scalars are ``n`` (integer or float),
    ``b``, ``s`` and ``z`` (null). Depth 4, then ``{}`` or ``[]``. An object with more than 24 keys, or keyed by
    identifiers, is ``{*}``. Text by itself is described by ``text_signature``.

    Args:
        value: What ``payloads.decode`` gave; nested at most 64 deep.
    """
    found = text_signature(value) if isinstance(value, str) else _signature(value, 0)
    return found if len(found) <= _MAX_SIGNATURE_CHARS else found[: _MAX_SIGNATURE_CHARS - 1] + "…"


def structure_of(decoded: Decoded) -> str:
    """The structure signature of a decoded payload whatever its format: that of its value, or what tells more.

    ``csv:3``, ``image/jpeg``, ``protobuf:1.0,2.2`` or the format where there is no value.
    """
    return decoded.shape or (signature(decoded.value) if decoded.value is not None else decoded.name)


def discriminator(value: Any) -> str:
    """The word that says which kind of message an object is (``type``, ``event``, ``level`` …), as ``|word``, or empty.

    Messages with equal fields and different discriminators are different structures to a reader.
    """
    if isinstance(value, dict):
        for key in DISCRIMINATORS:
            word = value.get(key)
            if isinstance(word, str) and _WORD.fullmatch(word):
                return "|" + word
    return ""


def _signature(value: Any, depth: int) -> str:  # noqa: PLR0911 - one return per JSON type
    kind = value.__class__
    if kind is dict:
        if depth >= _MAX_DEPTH:
            return "{}"
        if len(value) > _MAX_KEYS or (value and all(looks_like_id_key(key) for key in value)):
            return "{*}"
        members = [f"{key[:_MAX_KEY_CHARS]}:{_signature(value[key], depth + 1)}" for key in sorted(value)]
        return "{" + ",".join(members) + "}"
    if kind is list:
        if depth >= _MAX_DEPTH or not value:
            return "[]"
        return "[" + _signature(value[0], depth + 1) + "]"
    if kind is str:
        return "s"
    if kind is bool:
        return "b"
    return "z" if value is None else "n"


def mask(text: str, max_chars: int = _HEAD_CHARS) -> str:
    """Text with its variable parts (numbers, hex, quoted strings) as ``#``: equal log lines become equal.

    Args:
        text: Anything; only its first ``2 * max_chars`` characters are looked at.
        max_chars: Bound of the result.
    """
    return _VARIABLE.sub("#", _ANSI.sub("", text[: 2 * max_chars]))[:max_chars]


def log_level(text: str) -> str:
    """The log level a line names (``error``, ``warning``, ``info`` …), or an empty string."""
    found = _LOG_LEVEL.search(_ANSI.sub("", text[:_HEAD_CHARS]))
    if found is None:
        return ""
    letter = (found.group(1) or "").upper()
    if letter:
        return {"E": "error", "W": "warning", "I": "info", "D": "debug", "V": "trace", "C": "config"}[letter]
    word = found.group(2).lower()
    return "warning" if word == "warn" else word


def text_signature(text: str) -> str:
    """The structure of text by itself: ``word``, ``log.<level>`` or its first 80 characters with the values masked."""
    if _WORD.fullmatch(text):
        return "word"
    level = log_level(text)
    return f"log.{level}" if level else "text:" + mask(text)
