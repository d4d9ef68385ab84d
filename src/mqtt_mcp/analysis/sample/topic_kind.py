"""What the name of a topic says about the messages on it: made once per topic.

Owns the words of topic levels. Does not look at payloads (``signals.py`` does).
"""

import re

_AVAILABILITY_LEVELS = frozenset(
    {"availability", "status", "online", "lwt", "$state", "connected", "available", "conn", "disconnected", "state"}
    | {"connection", "alive", "reachable"}
)
_YES_NO_LEAVES = frozenset(
    {"online", "connected", "available", "availability", "lwt", "conn", "connection", "alive", "reachable"}
)
_ALERT_LEVELS = frozenset({"$alert", "alert", "alerts", "alarm", "alarms"})
_GENERIC_LEAVES = frozenset({"state", "value", "status", "data", "raw", "level", "percent", "percentage", "current"})
"""Last levels that say nothing: the level before is the name of the value."""
_COMMAND_LEAVES = frozenset({"set", "cmd", "command", "rpc", "$set"})
_REJECTED_LEAVES = frozenset({"rejected", "nack", "failed", "error", "errors"})
ALARM = re.compile(
    r"alarm|leak|smoke|tamper|fault|overtemp|overpower|overvoltage|overcurrent|(?:^|_)gas(?:_|$)|carbon_monoxide"
    r"|problem|emergency|e_?stop|sos|intrusion|flood",
    re.IGNORECASE,
)
"""Names of values that are an alarm when they are true."""


class TopicKind:
    """What a topic's name says about its messages; made once per topic.

    ``name`` is what a value that stands alone is called: the last level, or the one before when that says nothing.
    """

    __slots__ = (
        "alarm", "alert", "availability", "command", "describes", "join", "leaf", "name", "rejected", "sparkplug",
        "sparkplug_death", "spoken",
    )  # fmt: skip

    def __init__(self, topic: str) -> None:
        levels = topic.rsplit("/", 2)
        last_two = [level.lower() for level in levels[-2:]]
        self.leaf = last_two[-1]
        self.name = last_two[-2] if self.leaf in _GENERIC_LEAVES and len(last_two) > 1 else self.leaf
        self.availability = any(level in _AVAILABILITY_LEVELS for level in last_two)
        self.spoken = self.leaf in _YES_NO_LEAVES
        self.alarm = ALARM.search(self.name) is not None
        self.alert = not _ALERT_LEVELS.isdisjoint(last_two)
        self.rejected = self.leaf in _REJECTED_LEAVES
        self.command = self.leaf in _COMMAND_LEAVES or topic.startswith("cmnd/") or "/bridge/request/" in topic
        self.describes = self.leaf == "config" or topic.endswith("/bridge/devices")
        self.join = self.leaf == "join" and topic.startswith(("application/", "v3/"))
        self.sparkplug = topic.startswith("spBv1.0/")
        parts = topic.split("/", 4) if topic.startswith("spBv1.0/") else []
        self.sparkplug_death = parts[2] if len(parts) > 3 and parts[2] in {"NDEATH", "DDEATH"} else ""
