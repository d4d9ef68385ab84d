"""Where a topic belongs: ecosystem, device, parent and role, read off the topic alone.

Owns the layouts of the ecosystems as far as devices are concerned. What payloads add (friendly names, MAC addresses,
announced topics) is ``directory.py``'s; layouts that nobody defined are left to it as ``generic``.
"""

from collections.abc import Callable, Collection
from typing import Literal, NamedTuple

from mqtt_mcp.analysis.devices.availability import is_availability_topic

Role = Literal["availability", "state", "command", "response", "log", "event", "info", "discovery"]

_COMMANDS = frozenset({"set", "get", "cmnd", "command", "cmd", "rpc", "down", "request", "action_request"})
_LOGS = frozenset({"log", "logs", "logging", "debug", "error", "errors"})
_EVENTS = frozenset({"event", "events", "action", "trigger"})
_RESPONSES = frozenset({"response", "result", "ack", "accepted", "rejected", "nack"})
_ESPHOME_KINDS = frozenset(
    {
        "sensor",
        "binary_sensor",
        "switch",
        "light",
        "text_sensor",
        "climate",
        "cover",
        "fan",
        "number",
        "select",
        "button",
    }
)


class Place(NamedTuple):
    """Where one topic belongs.

    Attributes:
        ecosystem: Such as ``zigbee2mqtt``; ``generic`` when no layout fits.
        name: The device as its topics call it; empty for ``generic``.
        role: What kind of messages come on this topic.
        parent: Name of the bridge, node or gateway in the same ecosystem and scope, or empty.
        scope: What keeps equal names apart, such as the base topic.
    """

    ecosystem: str
    name: str
    role: Role
    parent: str = ""
    scope: str = ""


def role_of(levels: list[str]) -> Role:
    """The role that the last levels of a topic suggest."""
    if is_availability_topic(levels):
        return "availability"
    tail = [level.lower() for level in levels[-2:]]
    for words, role in _BY_WORD:
        if not words.isdisjoint(tail):
            return role
    return "state"


_BY_WORD: tuple[tuple[frozenset[str], Role], ...] = (
    (_COMMANDS, "command"),
    (_LOGS, "log"),
    (_RESPONSES, "response"),
    (_EVENTS, "event"),
)


def place(levels: list[str], *, zigbee_bases: Collection[str] = (), zigbee_names: Collection[str] = ()) -> Place:
    """Where a topic belongs.

    Args:
        levels: The topic split at ``/``.
        zigbee_bases: Base topics of Zigbee2MQTT besides the default.
        zigbee_names: Friendly names known from ``bridge/devices``; they may contain ``/``.
    """
    for depth in (1, 2):
        base = "/".join(levels[:depth])
        if len(levels) > depth and (base == "zigbee2mqtt" or base in zigbee_bases):
            return _zigbee(base, levels[depth:], zigbee_names)
    reader = _READERS.get(levels[0])
    if reader is not None:
        found = reader(levels)
        if found is not None:
            return found
    return _by_shape(levels) or Place("generic", "", role_of(levels))


def _zigbee(base: str, rest: list[str], names: Collection[str]) -> Place:
    if rest[0] == "bridge":
        kind: Role = "info"
        if len(rest) > 1:
            by_word: dict[str, Role] = {
                "state": "availability", "logging": "log", "log": "log", "event": "event",
                "request": "command", "response": "response",
            }  # fmt: skip
            kind = by_word.get(rest[1], "info")
        return Place("zigbee2mqtt", "bridge", kind, scope=base)
    whole = "/".join(rest)
    if whole in names:
        return Place("zigbee2mqtt", whole, "state", "bridge", base)
    for end in range(len(rest) - 1, 0, -1):
        name = "/".join(rest[:end])
        if name in names or rest[end] in {"availability", "set", "get", "action"}:
            leaf = rest[end]
            role: Role = "availability" if leaf == "availability" else "command" if leaf in {"set", "get"} else "event"
            return Place("zigbee2mqtt", name, role if leaf in _ZIGBEE_LEAVES else "state", "bridge", base)
    return Place("zigbee2mqtt", whole, "state", "bridge", base)


_ZIGBEE_LEAVES = frozenset({"availability", "set", "get", "action"})


def _tasmota(levels: list[str]) -> Place | None:
    if len(levels) < 3:
        return None
    name = "/".join(levels[1:-1])
    leaf = levels[-1].upper()
    role: Role = "state"
    if levels[0] == "cmnd":
        role = "command"
    elif leaf == "LWT":
        role = "availability"
    elif levels[0] == "stat":
        role = "response"
    elif leaf.startswith("INFO"):
        role = "info"
    return Place("tasmota", name, role)


def _shellies(levels: list[str]) -> Place | None:
    if len(levels) < 2:
        return None
    if len(levels) == 2:
        return Place("shelly", "", "discovery" if levels[1] == "announce" else "command")
    return Place("shelly", levels[1], role_of(levels))


def _homie(levels: list[str]) -> Place | None:
    at = 2 if len(levels) > 2 and levels[1].isdigit() else 1
    if len(levels) <= at + 1:
        return None
    leaf = levels[-1]
    role: Role = "command" if leaf == "set" else "availability" if leaf == "$state" else "state"
    if leaf.startswith("$") and leaf != "$state":
        role = "info"
    return Place("homie", levels[at], role, scope="/".join(levels[:at]))


def _sparkplug(levels: list[str]) -> Place | None:
    if len(levels) < 4:
        return Place("sparkplug_b", "/".join(levels[1:]), "availability")
    role: Role = "command" if levels[2].endswith("CMD") else "state" if levels[2].endswith("DATA") else "availability"
    if len(levels) > 4:
        return Place("sparkplug_b", f"{levels[3]}/{levels[4]}", role, levels[3], levels[1])
    return Place("sparkplug_b", levels[3], role, scope=levels[1])


def _chirpstack(levels: list[str]) -> Place | None:
    if len(levels) < 5 or levels[2] != "device":
        return None
    role: Role = "command" if levels[4] == "command" else "log" if levels[-1] == "log" else "state"
    return Place("chirpstack", levels[3], role, scope=levels[1])


def _ttn(levels: list[str]) -> Place | None:
    if len(levels) < 5 or levels[2] != "devices":
        return None
    return Place("ttn", levels[3], "response" if levels[4] == "down" else "state", scope=levels[1])


def _frigate(levels: list[str]) -> Place | None:
    if len(levels) < 2:
        return None
    if len(levels) == 2:
        return Place("frigate", "frigate", "availability" if levels[1] == "available" else "info")
    return Place("frigate", levels[1], role_of(levels), "frigate")


def _owntracks(levels: list[str]) -> Place | None:
    if len(levels) < 3:
        return None
    leaf = levels[3] if len(levels) > 3 else ""
    role: Role = "command" if leaf == "cmd" else "event" if leaf else "state"
    return Place("owntracks", f"{levels[1]}/{levels[2]}", role)


def _aws(levels: list[str]) -> Place | None:
    if levels[1:2] == ["things"] and len(levels) > 3:
        leaf = levels[-1]
        role: Role = (
            "response" if leaf in {"accepted", "rejected"} else "command" if leaf in {"update", "get"} else "info"
        )
        return Place("aws_iot", levels[2], role)
    if levels[1:3] == ["events", "presence"] and len(levels) == 5:
        return Place("aws_iot", levels[4], "availability")
    return None


def _home_assistant(levels: list[str]) -> Place | None:
    if levels == ["homeassistant", "status"]:
        return Place("homeassistant", "homeassistant", "availability")
    return Place("homeassistant", "", "discovery") if levels[-1] == "config" and len(levels) >= 4 else None


def _by_shape(levels: list[str]) -> Place | None:
    if len(levels) >= 4 and levels[1] == "gateway" and levels[3] in {"event", "state", "command"}:
        return Place("chirpstack", levels[2], "availability" if levels[-1] == "conn" else "state", scope=levels[0])
    if levels[0].lower().startswith("shelly") and len(levels) > 1:
        return Place("shelly", levels[0], "event" if levels[1] == "events" else role_of(levels))
    if len(levels) == 4 and levels[1] in _ESPHOME_KINDS and levels[3] in {"state", "command"}:
        return Place("esphome", levels[0], "command" if levels[3] == "command" else "state")
    if levels[:1] == ["tasmota"] and levels[1:2] == ["discovery"]:
        return Place("tasmota", "", "discovery")
    if levels[:2] == ["esphome", "discover"]:
        return Place("esphome", levels[-1], "discovery")
    return None


_READERS: dict[str, Callable[[list[str]], Place | None]] = {
    "tele": _tasmota,
    "stat": _tasmota,
    "cmnd": _tasmota,
    "shellies": _shellies,
    "homie": _homie,
    "spBv1.0": _sparkplug,
    "application": _chirpstack,
    "v3": _ttn,
    "frigate": _frigate,
    "owntracks": _owntracks,
    "$aws": _aws,
    "homeassistant": _home_assistant,
}
