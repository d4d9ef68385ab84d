"""A device as the sum of its topics: grouping tracks into devices, and its availability from all it announced.

Owns which track belongs to which device once everything is known. Does not search for a name (``match.py`` does) and
judges nothing (``findings.py`` does).
"""

from collections.abc import Iterable
from typing import Literal

from mqtt_mcp.analysis.devices.availability import is_availability_topic
from mqtt_mcp.analysis.devices.directory import MAX_TEXT, Directory, Known, generic_name
from mqtt_mcp.analysis.devices.place import Place, place
from mqtt_mcp.analysis.devices.track import Change, Track

Reachability = Literal["online", "offline", "unknown"]

_LATEST_WINS = frozenset({"sparkplug_b", "aws_iot", "owntracks"})
"""Ecosystems that announce births and deaths on different topics or in passing: the latest one counts."""


class Device:
    """One device and the topics that are its own.

    Attributes:
        ecosystem, scope, name: Its identity; ``name`` is foreign text.
        parent: The bridge, node or gateway it depends on, or None.
        known: What descriptions say of it, or None.
    """

    __slots__ = ("ecosystem", "known", "name", "parent", "parent_name", "scope", "tracks")

    def __init__(self, ecosystem: str, scope: str, name: str) -> None:
        self.ecosystem, self.scope, self.name = ecosystem, scope, name
        self.parent_name = ""
        self.parent: Device | None = None
        self.known: Known | None = None
        self.tracks: list[Track] = []

    @property
    def aliases(self) -> set[str]:
        """Other names and addresses."""
        return self.known.aliases if self.known else set()

    @property
    def messages(self) -> int:
        """Messages on its topics."""
        return sum(track.messages for track in self.tracks)

    @property
    def last_s(self) -> float | None:
        """When it last published something itself, live; None when it did not during the watch."""
        own = [
            track.last_live_s
            for track in self.tracks
            if track.last_live_s is not None and track.role not in {"command", "availability"}
        ]
        return max(own, default=None)

    def change(self) -> tuple[Track, Change] | None:
        """The announcement that decides its availability, with its topic; None when there was none."""
        found = [(track, track.changes[-1]) for track in self.tracks if track.changes]
        if not found:
            return None
        latest = max(found, key=lambda pair: (pair[1].t_s, pair[0].topic))
        if self.ecosystem in _LATEST_WINS:
            return latest
        down = [pair for pair in found if pair[1].state == "down"]
        return max(down, key=lambda pair: pair[1].t_s) if down else latest

    def reachability(self) -> Reachability:
        """What it announced last, its parent's death included."""
        found = self.change()
        if found is not None and found[1].state == "down":
            return "offline"
        if self.parent is not None and self.parent.reachability() == "offline":
            return "offline"
        return "unknown" if found is None else "online"


def group(tracks: Iterable[Track], directory: Directory) -> list[Device]:
    """Sort topics into devices, by name.

    Args:
        tracks: All topics that were seen.
        directory: What descriptions taught; brings names, aliases and announced topics.
    """
    held = list(tracks)
    placed = [(track, _place(track, directory)) for track in held]
    prefixes = frozenset(
        track.topic.rpartition("/")[0]
        for track, where in placed
        if where.ecosystem == "generic"
        and track.changes
        and is_availability_topic(track.levels)
        and len(track.levels) > 1
    )
    nodes = {track.levels[0] for track, where in placed if where.ecosystem == "esphome"}
    found: dict[tuple[str, str, str], Device] = {}
    for track, where in placed:
        at = _generic(track, directory, prefixes, nodes) if where.ecosystem == "generic" else where
        if not at.name:
            continue
        key = (at.ecosystem, at.scope, at.name)
        device = found.get(key)
        if device is None:
            device = found[key] = Device(at.ecosystem, at.scope, at.name)
            device.known = directory.known(at.ecosystem, at.name)
            device.parent_name = at.parent
        device.tracks.append(track)
        track.role = at.role
        track.expire_after_s = directory.expire_after_s.get(track.topic, 0.0)
    for device in found.values():
        if device.parent_name:
            device.parent = found.get((device.ecosystem, device.scope, device.parent_name))
    return sorted(found.values(), key=lambda one: (one.ecosystem, one.scope, one.name))


def _place(track: Track, directory: Directory) -> Place:
    where = place(track.levels, zigbee_bases=directory.zigbee_bases, zigbee_names=directory.zigbee_names)
    if where.ecosystem == "tasmota" and where.role == "discovery":
        mac = track.levels[2][:MAX_TEXT] if len(track.levels) > 2 else ""
        return where._replace(name=directory.tasmota_macs.get(mac, ""))
    return where


def _generic(track: Track, directory: Directory, prefixes: frozenset[str], nodes: set[str]) -> Place:
    role = place(track.levels).role
    if track.levels[0] in nodes:
        return Place("esphome", track.levels[0], role)
    owner = directory.topic_owner.get(track.topic)
    if owner is not None:
        return Place(owner.ecosystem, owner.name, role)
    return Place("generic", generic_name(track.levels, prefixes), role)
