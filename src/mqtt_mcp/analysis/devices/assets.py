"""Which level of a topic names the device, in layouts that nobody defined: told from all topics together.

A level is a device when it looks like an id, or when its siblings have the same topics below them (``line1/filler`` and
``line1/capper`` both have ``process/speed``). Owns these guesses; layouts of the ecosystems are ``layouts.py``'s.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from mqtt_mcp.analysis.devices.fields import MEASURED, SETTINGS, SWITCHING
from mqtt_mcp.analysis.words import looks_like_id, words

_MAX_LEVELS = 12
_ENDINGS = frozenset(
    {"set", "get", "cmd", "command", "request", "response", "reply", "result", "ack", "state", "status"}
)
_PROPERTIES = MEASURED | SWITCHING | SETTINGS | frozenset(
    {"state", "status", "online", "availability", "available", "connected", "connection", "lwt", "alive", "heartbeat"}
    | {"messages", "log", "logs", "error", "errors", "event", "events", "config", "info", "data", "telemetry"}
    | {"alarm", "battery", "value", "values", "command", "cmd", "action", "mode", "version", "fw", "firmware"}
    | {"ip", "mac", "sensors", "sensor", "actuators", "actuator", "gps", "image", "health", "diagnostics", "metrics"}
    | {"voltage", "contact", "leak", "smoke", "door", "light", "switch", "relay", "input", "output", "running", "name"}
    | {"attributes", "attribute", "properties", "process", "raw", "summary", "stats", "wifi", "quality", "weight"}
    | {"message", "alarms"}
)  # fmt: skip
"""Words of levels that name what a device has, not a device."""
_OPC_UA_NODE = re.compile(r"ns=\d+;s=(.{1,200})\.[^.]{1,100}")
_MANY_SIBLINGS = 3
_RICH = 2
"""Below an id, siblings have to share so many topics to be devices of their own."""


class Assets:
    """The devices among topics.

    Args:
        topics: All topics without a known layout, split at ``/``.
        prefixes: Topics that have an availability below them.
    """

    def __init__(self, topics: Iterable[Sequence[str]], prefixes: frozenset[str]) -> None:
        self._prefixes = prefixes
        self._shared: Counter[str] = Counter()
        self._siblings: Counter[str] = Counter()
        self._leaves: dict[str, set[str]] = defaultdict(set)
        below: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for levels in topics:
            if len(levels) > _MAX_LEVELS:
                continue
            self._leaves["/".join(levels[:-1])].add(levels[-1])
            for at in range(len(levels) - 1):
                below["/".join(levels[:at])]["/".join(levels[at + 1 :])].add(levels[at])
        for parent, rests in below.items():
            alike = {name for names in rests.values() if len(names) > 1 for name in names}
            for names in rests.values():
                if len(names) > 1:
                    self._shared.update(f"{parent}/{name}" if parent else name for name in names)
            self._siblings[parent] = len(alike)

    def name(self, levels: Sequence[str]) -> str:
        """The device of a topic: its prefix up to the level that names the device."""
        node = _OPC_UA_NODE.fullmatch(levels[-1])
        if node is not None:
            return "/".join([*levels[:-1], node.group(1)])
        announced = self._announced(levels)
        end, strong = self._end(levels)
        if announced and not (
            strong and end > announced and self._siblings["/".join(levels[: end - 1])] >= _MANY_SIBLINGS
        ):
            return "/".join(levels[:announced])
        return "/".join(levels[:end])

    def _announced(self, levels: Sequence[str]) -> int:
        for end in range(len(levels) - 1, 0, -1):
            if "/".join(levels[:end]) in self._prefixes:
                return end
        return 0

    def _end(self, levels: Sequence[str]) -> tuple[int, bool]:
        """How many levels name the device, and whether that rests on an id or on equal siblings."""
        id_end = next((at + 1 for at in range(len(levels) - 1, -1, -1) if looks_like_id(levels[at])), 0)
        for at in range(min(len(levels) - 2, _MAX_LEVELS), id_end - 1, -1):
            name = levels[at]
            needed = _RICH if id_end else 1
            if self._shared["/".join(levels[: at + 1])] >= needed and not name.isdigit() and not _is_property(name):
                return at + 1, True
        if id_end:
            return id_end, True
        kept = list(levels)
        while len(kept) > 2 and kept[-1].lower() in _ENDINGS:
            kept.pop()
        if len(kept) < len(levels):
            return max(1, len(kept) - (_is_property(kept[-1]) and len(kept) > 1)), False
        return self._flat(levels), False

    def _flat(self, levels: Sequence[str]) -> int:
        """Without any hint: everything but the last level, unless that is full of things that are no properties."""
        if len(levels) == 1:
            return 1
        leaves = self._leaves["/".join(levels[:-1])]
        things = sum(not _is_property(leaf) for leaf in leaves)
        return len(levels) if len(leaves) >= _MANY_SIBLINGS and 2 * things > len(leaves) else len(levels) - 1


def _is_property(name: str) -> bool:
    found = words(name)
    return not found or not _PROPERTIES.isdisjoint(found) or name.lower() in _PROPERTIES
