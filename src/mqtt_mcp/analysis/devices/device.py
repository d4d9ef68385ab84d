"""A device as the sum of its topics: grouping tracks into devices, and its availability from all it announced.

Owns which track belongs to which device once everything is known. Does not search for a name (``match.py`` does) and
judges nothing (the ``checks_*`` do).
"""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from mqtt_mcp.analysis.devices.assets import Assets
from mqtt_mcp.analysis.devices.availability import is_availability_topic
from mqtt_mcp.analysis.devices.directory import MAX_TEXT, Directory, Known
from mqtt_mcp.analysis.devices.generic import is_long_id
from mqtt_mcp.analysis.devices.layouts import KINDS
from mqtt_mcp.analysis.devices.place import place
from mqtt_mcp.analysis.devices.roles import Place, role_of
from mqtt_mcp.analysis.devices.track import Change, Track
from mqtt_mcp.analysis.words import looks_like_id

Reachability = Literal["online", "offline", "unknown"]

_TOGETHER_S = 15.0
"""A broker takes so long to notice that a node died of which the devices fell silent before."""
_LATEST_WINS = frozenset({"sparkplug_b", "aws_iot", "owntracks"})
"""Ecosystems that announce births and deaths on different topics or in passing: the latest one counts."""
_LOOSE = frozenset({"generic", "mqtt_client", "homeassistant", "esphome"})
"""Ecosystems whose topics may be a part of a device that another layout has as well."""
_MAX_CALLED = 6
_MAX_PARENTS = 5


class Device:
    """One device and the topics that are its own.

    Attributes:
        ecosystem, scope, name: Its identity; ``name`` is foreign text, as topics call it.
        parent, children: The bridge, node, root or gateway it depends on, or None; and the other way round.
        known: What descriptions say of it, or None.
        ambiguous: Another device has the same name in another scope.
        called: Other names under which it was found, such as those of Home Assistant.
        clashes: Its discovery topics whose unique id another one has.
    """

    __slots__ = (
        "ambiguous",
        "called",
        "children",
        "clashes",
        "ecosystem",
        "known",
        "name",
        "parent",
        "parent_name",
        "scope",
        "tracks",
    )

    def __init__(self, ecosystem: str, scope: str, name: str) -> None:
        self.ecosystem, self.scope, self.name = ecosystem, scope, name
        self.parent_name = ""
        self.ambiguous = False
        self.parent: Device | None = None
        self.known: Known | None = None
        self.called: set[str] = set()
        self.children: list[Device] = []
        self.clashes: dict[str, str] = {}
        self.tracks: list[Track] = []

    @property
    def label(self) -> str:
        """The name for people: as described, else as its topics call it; with its scope where that tells it apart."""
        if self.known and self.known.label:
            return self.known.label
        return f"{self.scope}/{self.name}" if self.ambiguous else self.name

    @property
    def aliases(self) -> set[str]:
        """Other names and addresses."""
        return (self.known.aliases if self.known else set()) | self.called

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
        mode = self.known.availability_mode if self.known else ""
        if self.ecosystem in _LATEST_WINS or mode == "latest":
            return latest
        down = [pair for pair in found if pair[1].state == "down"]
        if not down or (mode == "any" and len(down) < len(found)):
            return next((pair for pair in found if pair[1].state == "up"), latest) if down else latest
        return max(down, key=lambda pair: pair[1].t_s)

    def reachability(self) -> Reachability:
        """What it announced last; offline also when something it depends on is."""
        found = self.change()
        if (found is not None and found[1].state == "down") or self.dead_parent() is not None:
            return "offline"
        return "unknown" if found is None else "online"

    def parents(self) -> list["Device"]:
        """What it depends on, the nearest first."""
        found: list[Device] = []
        one = self.parent
        while one is not None and one is not self and one not in found and len(found) < _MAX_PARENTS:
            found.append(one)
            one = one.parent
        return found

    def parent_was_down(self, from_s: float, to_s: float) -> bool:
        """Whether something it depends on announced to be down between two moments of the watch."""
        return any(
            change.state == "down" and from_s - _TOGETHER_S <= change.t_s <= to_s
            for parent in self.parents()
            for track in parent.tracks
            for change in track.changes
        )

    def dead_parent(self) -> "Device | None":
        """The nearest thing it depends on that announced to be down, or None."""
        for one in self.parents():
            change = one.change()
            if change is not None and change[1].state == "down":
                return one
        return None


def group(tracks: Iterable[Track], directory: Directory) -> list[Device]:
    """Sort topics into devices, by name.

    Args:
        tracks: All topics that were seen.
        directory: What descriptions taught; brings names, aliases and announced topics.
    """
    placed = [(track, _place(track, directory)) for track in tracks]
    nodes = _esphome_nodes(placed, directory)
    placed = [(track, _unless_elsewhere(track, where, directory, nodes)) for track, where in placed]
    prefixes = frozenset(
        track.topic.rpartition("/")[0]
        for track, where in placed
        if where.ecosystem == "generic"
        and track.changes
        and is_availability_topic(track.levels)
        and len(track.levels) > 1
    )
    unknown = [track.levels for track, where in placed if where.ecosystem == "generic"]
    assets = Assets(unknown, prefixes)
    found: dict[tuple[str, str, str], Device] = {}
    for track, where in placed:
        at = _generic(track, directory, assets, nodes) if where.ecosystem == "generic" and not where.name else where
        if not at.name or track.topic in directory.client_topics:
            continue
        key = (at.ecosystem, at.scope, at.name)
        device = found.get(key)
        if device is None:
            device = found[key] = Device(at.ecosystem, at.scope, at.name)
            device.known = directory.known(at.ecosystem, at.name)
            device.parent_name = at.parent or (device.known.parent if device.known else "")
        _take(device, track, at, directory)
    _bring_home(found)
    _merge(found)
    twins = Counter((ecosystem, name) for ecosystem, _, name in found)
    for device in found.values():
        device.ambiguous = bool(device.scope) and twins[device.ecosystem, device.name] > 1
        if device.parent_name:
            parent = found.get((device.ecosystem, device.scope, device.parent_name))
            if parent is not None and parent is not device:
                device.parent = parent
                parent.children.append(device)
    return sorted(found.values(), key=lambda one: (one.ecosystem, one.scope, one.name))


def _esphome_nodes(placed: list[tuple[Track, Place]], directory: Directory) -> set[str]:
    """Which prefixes are nodes of ESPHome: ``<x>/sensor/<y>/state`` alone is a layout of many others too.

    A node announces itself, or publishes its status or its log; and not several devices are described below it.
    """
    topics = {track.topic for track, _ in placed}
    owners: dict[str, set[str]] = {}
    for track, where in placed:
        if where.ecosystem == "esphome":
            owner = directory.topic_owner.get(track.topic)
            owners.setdefault(where.name, set()).update([owner.name] if owner is not None else [])
    return {
        name
        for name, described in owners.items()
        if name != "homeassistant"
        and len(described) <= 1
        and (directory.known("esphome", name) or f"{name}/status" in topics or f"{name}/debug" in topics)
    }


def _unless_elsewhere(track: Track, where: Place, directory: Directory, nodes: set[str]) -> Place:
    """What looks like ESPHome and is none belongs to whom a description names, or to nobody known."""
    if where.ecosystem != "esphome" or where.name in nodes or where.role == "discovery":
        return where
    owner = directory.topic_owner.get(track.topic)
    if owner is not None:
        return Place(owner.ecosystem, owner.name, where.role)
    entity = "/".join(track.levels[:-1]) if track.levels[-3] in KINDS else ""
    return Place("generic", entity, where.role)


def _take(device: Device, track: Track, at: Place, directory: Directory) -> None:
    device.tracks.append(track)
    track.role = at.role
    if at.role == "availability" and not track.changes and track.live > 2 and at.ecosystem in _LOOSE:
        track.role = "state"  # a status, but not one of being reachable
    track.expire_after_s = directory.expire_after_s.get(track.topic, 0.0)
    owner = directory.topic_owner.get(track.topic)
    if owner is not None and owner is not device.known and len(device.called) < _MAX_CALLED:
        device.called.add(owner.name)
    clash = directory.clashes.get(track.topic)
    if clash is not None:
        device.clashes[track.topic] = clash


def _bring_home(found: dict[tuple[str, str, str], Device]) -> None:
    """Give Home Assistant's description of a device to the device whose topics it describes: it is no second one."""
    homes = {track.topic: key for key, device in found.items() for track in device.tracks}
    for key, device in list(found.items()):
        known = device.known
        if key[0] != "homeassistant" or known is None or any(track.role != "discovery" for track in device.tracks):
            continue
        described = {homes[topic] for topic in known.topics - known.availability_topics if topic in homes}
        # Descriptions may name each other's topics: what has been given away, or would go to itself, stays where it is.
        if len(described) == 1 and described <= found.keys() - {key}:
            _join(found, described.pop(), key)


def _join(found: dict[tuple[str, str, str], Device], into: tuple[str, str, str], key: tuple[str, str, str]) -> None:
    """Make what is known under ``key`` part of the device under ``into``."""
    main, other = found[into], found.pop(key)
    main.tracks += other.tracks
    main.called |= {other.name} if len(main.called) < _MAX_CALLED else set()
    main.clashes.update(other.clashes)
    main.known = main.known or other.known


def _merge(found: dict[tuple[str, str, str], Device]) -> None:
    """Join what is one device under several layouts: by a long id, or by an id that a convention uses as well."""
    by_id: dict[str, list[tuple[str, str, str]]] = {}
    for key, device in found.items():
        last = device.name.rpartition("/")[2]
        if looks_like_id(last) or is_long_id(last):
            by_id.setdefault(last.lower(), []).append(key)
    for last, keys in by_id.items():
        defined = [key for key in keys if key[0] not in _LOOSE]
        loose = [key for key in keys if key[0] in _LOOSE]
        if len(defined) > 1 or not loose or not (is_long_id(last) or (defined and len(loose) == 1)):
            continue
        main = defined[0] if defined else max(loose, key=lambda key: (found[key].messages, key))
        for key in loose:
            if key != main:
                _join(found, main, key)


def _place(track: Track, directory: Directory) -> Place:
    where = place(track.levels, directory)
    if where.ecosystem == "tasmota" and where.role == "discovery":
        mac = track.levels[2][:MAX_TEXT] if len(track.levels) > 2 else ""
        return where._replace(name=directory.tasmota_macs.get(mac, ""))
    owner = directory.config_owner.get(track.topic)
    if owner is not None:
        return Place("homeassistant", owner.name, "discovery")
    return where


def _generic(track: Track, directory: Directory, assets: Assets, nodes: set[str]) -> Place:
    role = role_of(track.levels)
    for depth in (1, 2, 3):
        base = "/".join(track.levels[:depth])
        if base in nodes and len(track.levels) > depth:
            return Place("esphome", base, role)
    owner = directory.topic_owner.get(track.topic)
    if owner is not None:
        return Place(owner.ecosystem, owner.name, role)
    shelly = directory.known("shelly", "/".join(track.levels[:-1]))
    if shelly is not None:
        return Place("shelly", shelly.name, role)
    return Place("generic", assets.name(track.levels), role)
