"""What messages say about being reachable: last wills, availability topics, births and deaths.

Owns the words of the ecosystems for up and down, and where they count. Does not decide whether a device is offline:
``findings.py`` weighs these states against what else was seen.
"""

from typing import Any, Literal

State = Literal["up", "down"]

LEAVES = frozenset(
    {"availability", "status", "online", "lwt", "$state", "connected", "available", "conn", "connection", "alive"}
)
"""Topic levels (last or last but one, any case) whose value may be an availability."""

_UP = frozenset({"online", "ready", "true", "connected", "available", "alive", "up", "init", "sleeping", "on"})
_DOWN = frozenset(
    {"offline", "lost", "false", "disconnected", "unavailable", "dead", "not_available", "connection lost", "down"}
    | {"connection_lost", "connectionlost", "unreachable", "connectionbroken", "connection_broken"}
)
_ON_OFF_LEAVES = frozenset({"online", "connected", "available", "lwt", "alive", "connection"})
"""Leaves where on, off, 1, 0, up and down are availabilities as well; elsewhere they are ordinary values."""
_AMBIGUOUS = frozenset({"on", "off", "up", "down", "true", "false", "init"})
_BIRTHS: dict[str, State] = {"NBIRTH": "up", "DBIRTH": "up", "NDEATH": "down", "DDEATH": "down"}
_KEYS = ("state", "online", "status", "availability", "value", "connected", "connectionState", "connection_state")


def is_availability_topic(levels: list[str]) -> bool:
    """True when the topic, split at ``/``, is one on which availabilities are published."""
    return _place(levels) != ""


def _place(levels: list[str]) -> str:
    leaf = levels[-1].lower()
    if leaf in LEAVES:
        return leaf
    if leaf == "state" and len(levels) > 1 and levels[-2].lower() in {"bridge", "gateway"}:
        return "bridge"
    if len(levels) > 1 and levels[-2].lower() in {"availability", "status", "connected", "disconnected"}:
        return "below"
    return ""


def availability(levels: list[str], value: Any) -> tuple[State, str] | None:
    """The state a message announces, with the word it used, or None when it announces none.

    Args:
        levels: Topic levels.
        value: The decoded payload: text, boolean, number or object (for example ``{"state": "online"}`` of
            Zigbee2MQTT 2, ``true`` of Shelly, ``Online`` of Tasmota, ``lost`` of Homie). None for births and deaths of
            Sparkplug, which the topic tells.
    """
    if levels[0] == "spBv1.0" and len(levels) > 3 and levels[2] in _BIRTHS:
        return _BIRTHS[levels[2]], levels[2]
    if levels[0] == "$SYS" or (levels[0] == "$aws" and levels[1:2] == ["things"]):
        return None
    if levels[:2] == ["spBv1.0", "STATE"]:
        return _from_object("online", value) if isinstance(value, dict) else _word("online", value)
    if isinstance(value, dict):
        return _from_object(_place(levels), value)
    place = _place(levels)
    return _word(place, value) if place else None


def _from_object(place: str, value: dict[str, Any]) -> tuple[State, str] | None:
    if value.get("_type") == "lwt":
        return "down", "lwt"
    if value.get("_type") == "location":  # OwnTracks: whoever reports a place is there again
        return "up", "location"
    event = value.get("eventType")
    if isinstance(event, str) and event in {"connected", "disconnected"} and "clientId" in value:
        return ("up" if event == "connected" else "down"), str(event)
    if place in {"", "below"}:
        return None
    for key in _KEYS:
        if key in value:
            leaf = "online" if key in {"online", "connected"} else "conn" if place == "status" else place
            found = _word(leaf, value[key])
            if found is not None:
                return found
    return None


def _word(  # noqa: PLR0911 - one return per kind of value
    place: str, value: Any
) -> tuple[State, str] | None:
    if isinstance(value, bool):
        word = "true" if value else "false"
    elif isinstance(value, (int, float)):
        if place not in _ON_OFF_LEAVES or value not in {0, 1, 2}:
            return None
        return ("up" if value else "down"), f"{value:g}"
    elif isinstance(value, str) and len(value) <= 40:
        word = value.strip().lower()
    else:
        return None
    said = value.strip() if isinstance(value, str) else word
    if word in _AMBIGUOUS and place not in _ON_OFF_LEAVES and not (word == "init" and place == "$state"):
        return None
    if word in _UP:
        return "up", said
    if word in _DOWN or (word in {"off", "stopped"} and place in _ON_OFF_LEAVES):
        return "down", said
    return None
