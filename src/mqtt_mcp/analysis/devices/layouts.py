"""The topic layouts of the ecosystems: from the levels of a topic to its device, parent and role.

One function for each ecosystem. ``place.py`` decides which of them to ask.
"""

from collections.abc import Callable, Collection

from mqtt_mcp.analysis.devices.roles import Place, Role, role_of

KINDS = frozenset(
    {"sensor", "binary_sensor", "switch", "light", "text_sensor", "climate", "cover", "fan", "number", "select"}
    | {"button", "lock", "valve", "text", "event", "update", "alarm_control_panel", "date", "time", "datetime", "siren"}
)
"""Components of ESPHome."""
_ZIGBEE_LEAVES = frozenset({"availability", "set", "get", "action"})
_BRIDGE_ROLES: dict[str, Role] = {
    "state": "availability", "logging": "log", "log": "log", "event": "event", "request": "command",
    "response": "response",
}  # fmt: skip
_TASMOTA_LEAVES = frozenset(
    {"STATE", "SENSOR", "LWT", "RESULT", "POWER", "STATUS", "INFO1", "INFO2", "INFO3", "UPTIME"}
)
_FRIGATE_OWN = frozenset(
    {"available", "stats", "events", "reviews", "notifications", "restart", "onConnect", "camera_activity"}
    | {"job_state", "profiles", "tracked_object_update"}
)


def zigbee(base: str, rest: list[str], names: Collection[str]) -> Place:
    """``<base>/<name>``, where the name may contain slashes, and ``<base>/bridge/…``."""
    if rest[0] == "bridge":
        return Place(
            "zigbee2mqtt", "bridge", _BRIDGE_ROLES.get(rest[1], "info") if len(rest) > 1 else "info", scope=base
        )
    whole = "/".join(rest)
    if whole in names:
        return Place("zigbee2mqtt", whole, "state", "bridge", base)
    for end in range(len(rest) - 1, 0, -1):
        name = "/".join(rest[:end])
        if name in names or rest[end] in _ZIGBEE_LEAVES:
            return Place("zigbee2mqtt", name, _zigbee_role(rest[end:]), "bridge", base)
    return Place("zigbee2mqtt", whole, "state", "bridge", base)


def _zigbee_role(below: list[str]) -> Role:
    leaf = below[0]
    if leaf in {"set", "get"} or below[-1] in {"set", "get"}:  # also <name>/<endpoint>/set and <name>/set/<attribute>
        return "command"
    return "availability" if leaf == "availability" else "event" if leaf == "action" else "state"


def tasmota(prefix: str, name: str, leaf: str) -> Place:
    """A topic of Tasmota under one of its three prefixes, wherever FullTopic puts them."""
    leaf = leaf.upper()
    role: Role = "state"
    if prefix == "cmnd":
        role = "command"
    elif leaf == "LWT":
        role = "availability"
    elif prefix == "stat":
        role = "log" if leaf == "LOGGING" else "response"
    elif leaf.startswith("INFO"):
        role = "info"
    return Place("tasmota", name, role)


def _usual_tasmota(levels: list[str]) -> Place | None:
    return tasmota(levels[0], "/".join(levels[1:-1]), levels[-1]) if len(levels) > 2 else None


def _shellies(levels: list[str]) -> Place | None:
    if len(levels) < 2:
        return None
    if len(levels) == 2:
        return Place("shelly", "", "discovery" if levels[1] == "announce" else "command")
    leaf = levels[-1]
    role: Role = "info" if leaf in {"info", "announce"} else role_of(levels)
    return Place(
        "shelly", levels[1], "event" if leaf.startswith("input_event") or levels[-2] == "input_event" else role
    )


def shelly(prefix: str, below: list[str]) -> Place:
    """A topic of Shelly's second generation below its prefix."""
    role: Role = role_of(["-", *below])
    if below[0] == "status":
        role = "state"
    elif below[0] == "events":
        role = "event"
    elif below[0] == "debug":
        role = "log"
    elif below[0] in {"rpc", "command"}:
        role = "command"
    return Place("shelly", prefix, role)


def _homie(levels: list[str]) -> Place | None:
    at = 2 if len(levels) > 2 and levels[1].isdigit() else 1
    if len(levels) <= at + 1 or levels[at].startswith("$"):  # $broadcast is nobody's
        return None
    leaf = levels[-1]
    role: Role = "state"
    if leaf == "set":
        role = "command"
    elif leaf == "$state":
        role = "availability"
    elif levels[-2] == "$log" or levels[at + 1] == "$log":
        role = "log"
    elif leaf.startswith("$") or levels[at + 1].startswith("$"):
        role = "info"
    return Place("homie", levels[at], role, scope="/".join(levels[:at]))


def _sparkplug(levels: list[str]) -> Place | None:
    if len(levels) < 4:
        return Place("sparkplug_b", "/".join(levels[1:]), "availability")
    role: Role = "command" if levels[2].endswith("CMD") else "state" if levels[2].endswith("DATA") else "availability"
    if len(levels) > 4:
        return Place("sparkplug_b", f"{levels[3]}/{levels[4]}", role, levels[3], levels[1])
    return Place("sparkplug_b", levels[3], role, scope=levels[1])


_CHIRPSTACK_ROLES: dict[str, Role] = {
    "up": "state", "status": "info", "log": "log", "ack": "response", "txack": "response", "join": "event",
    "location": "info", "integration": "info",
}  # fmt: skip


def _chirpstack(levels: list[str]) -> Place | None:
    if len(levels) < 5 or levels[2] != "device":
        return None
    role: Role = "command" if levels[4] == "command" else _CHIRPSTACK_ROLES.get(levels[-1], "state")
    return Place("chirpstack", levels[3], role, scope=levels[1])


def _ttn(levels: list[str]) -> Place | None:
    if len(levels) < 5 or levels[2] != "devices":
        return None
    role: Role = "state"
    if levels[4] == "down":
        role = "command" if levels[-1] in {"push", "replace"} else "response"
    elif levels[4] == "join":
        role = "event"
    elif levels[4] in {"service", "location"}:
        role = "info"
    return Place("ttn", levels[3], role, scope=levels[1])


def frigate(base: str, rest: list[str]) -> Place:
    """``<base>/<camera>/…``; what is about the whole recorder lies directly below the base."""
    if rest[0] in _FRIGATE_OWN or len(rest) == 1:
        role: Role = (
            "availability" if rest[0] == "available" else "event" if rest[0] in {"events", "reviews"} else "info"
        )
        return Place("frigate", "frigate", "command" if rest[0] == "restart" else role, scope=base)
    role = role_of(["-", *rest])
    if rest[1] == "status":
        role = "availability"
    elif rest[-1] == "snapshot":
        role = "event"
    elif rest[-1] == "state" and len(rest) > 2:
        role = "info"
    elif role in {"availability", "state"}:  # counts of objects, which change when something moves
        role = "event"
    return Place("frigate", rest[0], role, "frigate", base)


def _owntracks(levels: list[str]) -> Place | None:
    if len(levels) < 3:
        return None
    leaf = levels[3] if len(levels) > 3 else ""
    role: Role = "command" if leaf == "cmd" else "info" if leaf in {"waypoints", "card", "status", "dump"} else "state"
    return Place("owntracks", f"{levels[1]}/{levels[2]}", "event" if leaf in {"event", "waypoint"} else role)


def _aws(levels: list[str]) -> Place | None:
    if levels[1:2] == ["things"] and len(levels) > 3:
        leaf = levels[-1]
        role: Role = "info"
        if leaf in {"accepted", "rejected"}:
            role = "response"
        elif leaf in {"update", "get", "delete"}:
            role = "command"
        return Place("aws_iot", levels[2], role)
    if levels[1:3] == ["events", "presence"] and len(levels) == 5:
        return Place("aws_iot", levels[4], "availability")
    return None


def _home_assistant(levels: list[str]) -> Place | None:
    if levels == ["homeassistant", "status"]:
        return Place("homeassistant", "homeassistant", "availability")
    return Place("homeassistant", "", "discovery") if levels[-1] == "config" and len(levels) >= 4 else None


def _broker(levels: list[str]) -> Place | None:
    if levels[1:2] == ["brokers"] and len(levels) == 6 and levels[3] == "clients":
        return Place("mqtt_client", levels[4], "info")
    return Place("broker", "broker", "log" if levels[2:3] == ["log"] else "info")


def by_shape(levels: list[str]) -> Place | None:  # noqa: PLR0911 - one return per layout
    """Layouts that are known by more than their first level."""
    if len(levels) >= 4 and levels[1] == "gateway" and levels[3] in {"event", "state", "command"}:
        role: Role = "availability" if levels[-1] == "conn" else "command" if levels[3] == "command" else "state"
        return Place("chirpstack", levels[2], role, scope=levels[0])
    if len(levels) > 2 and levels[-2] in {"tele", "stat", "cmnd"} and levels[-1] in _TASMOTA_LEAVES:
        return tasmota(levels[-2], "/".join(levels[:-2]), levels[-1])
    for at in range(1, len(levels) - 1):
        below = levels[at:]
        if below == ["events", "rpc"] or (len(below) == 2 and below[0] == "status" and ":" in below[1]):
            return shelly("/".join(levels[:at]), below)
    if levels[0].lower().startswith("shelly") and len(levels) > 1:
        return shelly(levels[0], levels[1:])
    if len(levels) >= 4 and levels[-3] in KINDS and levels[-1] in {"state", "command"}:
        return Place("esphome", "/".join(levels[:-3]), "command" if levels[-1] == "command" else "state")
    if len(levels) >= 5 and levels[-4] in KINDS and levels[-1] in {"state", "command"}:  # climate/x/mode/state
        return Place("esphome", "/".join(levels[:-4]), "command" if levels[-1] == "command" else "state")
    if levels[:2] == ["tasmota", "discovery"]:
        return Place("tasmota", "", "discovery")
    if levels[:2] == ["esphome", "discover"]:
        return Place("esphome", levels[-1], "discovery")
    return None


READERS: dict[str, Callable[[list[str]], Place | None]] = {
    "tele": _usual_tasmota,
    "stat": _usual_tasmota,
    "cmnd": _usual_tasmota,
    "shellies": _shellies,
    "homie": _homie,
    "spBv1.0": _sparkplug,
    "application": _chirpstack,
    "v3": _ttn,
    "owntracks": _owntracks,
    "$aws": _aws,
    "homeassistant": _home_assistant,
    "$SYS": _broker,
}
"""First level → the layout below it."""
