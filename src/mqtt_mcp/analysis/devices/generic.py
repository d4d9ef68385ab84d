"""Devices of which no convention tells: where their topics are cut, and which ids their payloads carry.

Owns the guesses for layouts that nobody defined. Layouts of the ecosystems are ``place.py``'s.
"""

from typing import Any

from mqtt_mcp.analysis.words import looks_like_id

_ID_KEYS = frozenset(
    {"id", "device", "device_id", "deviceid", "dev_id", "ieee", "ieee_address", "ieeeaddr", "mac", "macaddress", "eui"}
    | {"deveui", "dev_eui", "unique_id", "uniq_id", "serial", "serial_number", "sn", "uuid", "hostname", "name"}
    | {"friendly_name", "client_id", "clientid", "device_name", "devicename"}
)
_MAX_IDS = 10
_HEX = frozenset("0123456789abcdefABCDEF")


def normalise(text: str) -> str:
    """Lower case without separators: ``Living Room/Climate`` and ``living_room-climate`` become equal."""
    return "".join(char for char in text[:200].lower() if char.isalnum())


def ids_in(value: Any) -> set[str]:
    """Normalised values of a payload's id fields, also one level below; at most ten."""
    found: set[str] = set()
    objects = [value] if isinstance(value, dict) else []
    if objects:
        objects += [inner for inner in list(value.values())[:20] if isinstance(inner, dict)]
    for one in objects:
        for key in list(one)[:60]:
            text = one[key]
            if key.lower() in _ID_KEYS and isinstance(text, str) and 3 <= len(text) <= 80 and len(found) < _MAX_IDS:
                found.add(normalise(text))
    return found - {""}


def generic_name(levels: list[str], prefixes: frozenset[str]) -> str:
    """The device of a topic that no convention explains.

    Args:
        levels: The topic split at ``/``.
        prefixes: Topics that have an availability below them.

    Returns:
        The longest such prefix; else everything up to the last level that looks like an id; else the topic without its
        last level.
    """
    for end in range(len(levels) - 1, 0, -1):
        prefix = "/".join(levels[:end])
        if prefix in prefixes:
            return prefix
    for at in range(len(levels) - 1, -1, -1):
        if looks_like_id(levels[at]):
            return "/".join(levels[: at + 1])
    return "/".join(levels[:-1]) if len(levels) > 1 else levels[0]


def is_long_id(text: str) -> bool:
    """Whether a name is so much of an id (MAC, EUI, UUID) that two places with it are one device."""
    plain = text.replace(":", "").replace("-", "").removeprefix("0x")
    return len(plain) >= 8 and any(char.isdigit() for char in plain) and _HEX.issuperset(plain)
