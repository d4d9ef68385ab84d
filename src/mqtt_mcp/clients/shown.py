"""Shows a person an entry that is in their way, without what may be secret in it.

Owns what counts as secret there: every variable and header that is not known to be harmless, passwords in addresses,
and what follows or is given to a word that sounds like one.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from mqtt_mcp.clients.launches import FLAGS

HIDDEN = "***"
_MAX_CHARS = 600
_USER_INFO = re.compile(r"(?<=//)[^/\s\"]*@")
_SOUNDS_SECRET = re.compile(r"pass|secret|token|key|auth|credential|bearer", re.IGNORECASE)


def shown(value: Any) -> str:
    """An entry as one line of JSON in ASCII, at most 600 characters."""
    text = json.dumps(_without_secrets(value), default=str)
    return text if len(text) <= _MAX_CHARS else f"{text[: _MAX_CHARS - 1]}…"


def _without_secrets(value: Any) -> Any:
    match value:
        case Mapping():
            return {key: _member(str(key), item) for key, item in value.items()}
        case list():
            return _words(value)
        case str():
            return _USER_INFO.sub(f"{HIDDEN}@", value)
        case _:
            return value


def _member(key: str, item: Any) -> Any:
    if isinstance(item, Mapping) and key in ("env", "headers"):
        return {name: _without_secrets(one) if name in FLAGS else HIDDEN for name, one in item.items()}
    return HIDDEN if _SOUNDS_SECRET.search(key) else _without_secrets(item)


def _words(words: list[Any]) -> list[Any]:
    """The words of a command line."""
    told: list[Any] = []
    hides_next = False
    for word in words:
        text = str(word)
        name, assigned, _ = text.partition("=")
        is_secret = bool(_SOUNDS_SECRET.search(name))
        if hides_next and not text.startswith("-"):
            told.append(HIDDEN)
        elif assigned and is_secret:
            told.append(f"{name}={HIDDEN}")
        else:
            told.append(_without_secrets(word))
        hides_next = is_secret and text.startswith("-") and not assigned
    return told
