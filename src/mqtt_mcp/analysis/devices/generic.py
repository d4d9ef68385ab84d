"""Names and ids as such: written alike, found inside payloads, and so long that they mean one device anywhere."""

from typing import Any

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


def is_long_id(text: str) -> bool:
    """Whether a name is so much of an id (MAC, EUI, UUID) that two places with it are one device."""
    plain = text.replace(":", "").replace("-", "").removeprefix("0x")
    return len(plain) >= 8 and any(char.isdigit() for char in plain) and _HEX.issuperset(plain)
