"""What Sparkplug edge nodes said at their birth, and whether what follows fits: names of aliases, sequence, deaths.

Owns the state of every edge node of a watch (Sparkplug 3.0.0 §6.4.6: seq is shared by a node and its devices, 0 at
NBIRTH, then + 1 modulo 256; bdSeq pairs NBIRTH with NDEATH). Bounded. Does not read bytes (``sparkplug.py`` does).
"""

from collections.abc import Sequence
from sys import getsizeof

import msgspec

from mqtt_mcp.analysis.payloads.sparkplug import Names, Payload

MAX_NODES = 2_000
MAX_HELD_BYTES = 8 * 1024 * 1024
_NODE_BYTES = 600
_ALIAS_BYTES = 180


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something a node's messages say besides their values.

    Attributes:
        code: ``sequence_gap``, ``rebirth_missing``, ``names_unknown``, ``stale_death`` or ``restarted``.
        text: What was seen; holds our words and numbers, no foreign text.
    """

    code: str
    text: str


class _Node:
    __slots__ = ("aliases", "bdseq", "born", "death_seen", "devices", "seq", "told")

    def __init__(self) -> None:
        self.aliases: dict[str, dict[int, tuple[str, int]]] = {}
        """Device (empty for the node itself) → alias → name and datatype."""
        self.born = self.death_seen = False
        self.bdseq = -1
        self.seq = -1
        self.devices: set[str] = set()
        """Devices born since the node's birth."""
        self.told: set[str] = set()


class EdgeNodes:
    """All edge nodes of a watch."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, str], _Node] = {}
        self.held_bytes = 0
        """About what it takes."""

    def names(self, levels: Sequence[str]) -> Names:
        """How aliases on a topic are called; levels as split at ``/``."""
        node = self._nodes.get((levels[1], levels[3])) if len(levels) > 3 else None
        device = levels[4] if len(levels) > 4 else ""

        def name_of(alias: int) -> tuple[str, int] | None:
            if node is None:
                return None
            own = node.aliases.get(device, {}).get(alias)
            return own if own is not None else node.aliases.get("", {}).get(alias)

        return name_of

    def skipped(self, levels: Sequence[str]) -> None:
        """A message of a node was not looked at: the next sequence number proves nothing."""
        node = self._nodes.get((levels[1], levels[3])) if len(levels) > 3 else None
        if node is not None:
            node.seq = -1

    def take(self, levels: Sequence[str], payload: Payload) -> tuple[Event, ...]:
        """Take one message in order of arrival; tells what does not fit."""
        if len(levels) < 4:
            return ()
        kind, device = levels[2], levels[4] if len(levels) > 4 else ""
        if kind not in {"NBIRTH", "NDEATH", "NDATA", "DBIRTH", "DDEATH", "DDATA"}:
            return ()
        node = self._node(levels[1], levels[3])
        if node is None:
            return ()
        events: list[Event] = []
        if kind == "NDEATH":
            return self._death(node, payload)
        if kind == "NBIRTH":
            self._birth(node, payload, events)
        else:
            self._sequence(node, payload, events)
        if kind in {"NBIRTH", "DBIRTH"}:
            self._learn(node, device, payload)
        if kind == "DBIRTH":
            node.devices.add(device)
            node.told.discard(device)
        elif kind == "DDEATH":
            node.devices.discard(device)
        elif kind.endswith("DATA"):
            self._data(node, device, payload, events)
        return tuple(events)

    def _node(self, group: str, name: str) -> _Node | None:
        node = self._nodes.get((group, name))
        if node is None:
            if len(self._nodes) >= MAX_NODES:
                return None
            node = self._nodes[group, name] = _Node()
            self.held_bytes += _NODE_BYTES + getsizeof(group) + getsizeof(name)
        return node

    @staticmethod
    def _birth(node: _Node, payload: Payload, events: list[Event]) -> None:
        bdseq = _bdseq(payload)
        if node.born and not node.death_seen and (bdseq < 0 or bdseq != node.bdseq):
            events.append(Event("restarted", "a birth of the node without a death before it"))
        node.born, node.death_seen, node.bdseq, node.seq = True, False, bdseq, payload.seq
        node.devices.clear()
        node.told.clear()

    @staticmethod
    def _death(node: _Node, payload: Payload) -> tuple[Event, ...]:
        bdseq = _bdseq(payload)
        if node.born and bdseq >= 0 and node.bdseq >= 0 and bdseq != node.bdseq:
            said = f"a death with bdSeq {bdseq}, while the birth had {node.bdseq}: of an earlier connection"
            return (Event("stale_death", said),)
        node.born, node.death_seen, node.seq = False, True, -1
        return ()

    @staticmethod
    def _sequence(node: _Node, payload: Payload, events: list[Event]) -> None:
        if payload.seq < 0:
            return
        expected = (node.seq + 1) % 256
        if node.seq >= 0 and payload.seq != expected:
            events.append(Event("sequence_gap", f"seq {payload.seq} where {expected} was due"))
        node.seq = payload.seq

    def _learn(self, node: _Node, device: str, payload: Payload) -> None:
        known = node.aliases.setdefault(device, {})
        for metric in payload.metrics:
            if metric.alias < 0 or not metric.name:
                continue
            if metric.alias not in known:
                if self.held_bytes > MAX_HELD_BYTES:
                    return
                self.held_bytes += _ALIAS_BYTES + len(metric.name)
            known[metric.alias] = (metric.name, metric.datatype)

    def _data(self, node: _Node, device: str, payload: Payload, events: list[Event]) -> None:
        own, shared = node.aliases.get(device, {}), node.aliases.get("", {})
        nameless = [m.alias for m in payload.metrics if not m.name and m.alias not in own and m.alias not in shared]
        if device in node.told:
            return
        if node.death_seen or (node.born and (nameless or (device and device not in node.devices))):
            why = "after its death" if node.death_seen else "with unknown aliases" if nameless else "before its birth"
            events.append(Event("rebirth_missing", f"data {why}"))
            node.told.add(device)
        elif nameless:
            events.append(Event("names_unknown", f"{len(nameless)} metrics have only an alias: no birth was seen"))
            node.told.add(device)


def _bdseq(payload: Payload) -> int:
    return next((m.value for m in payload.metrics if m.name == "bdSeq" and isinstance(m.value, int)), -1)
