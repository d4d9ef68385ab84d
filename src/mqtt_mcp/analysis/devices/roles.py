"""What kind of messages come on a topic, read off its last levels, and where a topic belongs: values and words only.

Owns the words of roles. Layouts are ``layouts.py``'s.
"""

from typing import Literal, NamedTuple

from mqtt_mcp.analysis.devices.availability import is_availability_topic

Role = Literal["availability", "state", "command", "response", "log", "event", "info", "discovery"]

_COMMANDS = frozenset(
    {"set", "get", "cmnd", "command", "commands", "cmd", "rpc", "request", "action_request", "setpoint_set"}
)
_LOGS = frozenset({"log", "logs", "logging", "debug", "error", "errors"})
_EVENTS = frozenset({"event", "events", "action", "trigger"})
_RESPONSES = frozenset({"response", "result", "reply", "ack", "accepted", "rejected", "nack"})


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
        if tail[-1] in words:
            return role
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
