"""Shows a person an entry that is in their way, without what may be secret in it.

Owns what is shown: an allow list, since nobody knows where other servers take their secrets from. The program, its
flags by name, scheme and host of addresses, and the names of everything else.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from mqtt_mcp.clients.launches import FLAGS

HIDDEN = "***"
_MAX_CHARS = 600
_PLAIN_MEMBERS = frozenset({"type", "disabled", "enabled"})
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*://)(?:[^/?#\s]*@)?([^@/?#\s]*)", re.IGNORECASE)
_FLAG = re.compile(r"--[A-Za-z][A-Za-z0-9-]*|-[A-Za-z]")


def shown(value: Any) -> str:
    """An entry as one line of JSON in ASCII, at most 600 characters."""
    told = {str(key): _member(str(key), item) for key, item in value.items()} if isinstance(value, Mapping) else HIDDEN
    text = json.dumps(told)
    return text if len(text) <= _MAX_CHARS else f"{text[: _MAX_CHARS - 1]}…"


def _member(key: str, item: Any) -> Any:  # noqa: PLR0911 - one return for each member that is shown
    match key, item:
        case "command", str() if item.split():
            return item if len(item.split()) == 1 else f"{item.split()[0]} {HIDDEN}"
        case "args", list():
            return [_word(word) for word in item]
        case "env", Mapping():
            return {str(name): _setting(one) if name in FLAGS else HIDDEN for name, one in item.items()}
        case "url" | "serverUrl" | "httpUrl", str():
            return _address(item)
        case _, bool():
            return item
        case _, str() if key in _PLAIN_MEMBERS:
            return item
        case _, Mapping():
            return {str(name): HIDDEN for name in item}
        case _:
            return HIDDEN


def _setting(value: Any) -> Any:
    """One of our own, which is no secret but for what a person may have put into an address."""
    return _address(value) if isinstance(value, str) and ("://" in value or "@" in value) else value


def _word(word: Any) -> str:
    """A flag by its name; anything else may be what a flag takes."""
    flag = _FLAG.match(word) if isinstance(word, str) else None
    if flag is None:
        return HIDDEN
    return flag[0] if flag[0] == word else f"{flag[0]}…"


def _address(text: str) -> str:
    """Scheme, host and port."""
    found = _ADDRESS.match(text)
    return f"{found[1]}{found[2]}" if found else HIDDEN
