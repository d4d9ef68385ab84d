"""Comparing equal devices with each other: the one among many whose value, structure, stillness or silence is its own.

Works on topics of one template (``fleet/{}/temp``). Judges only what a device's own series cannot (``checks_values.py``
and ``checks_rhythm.py`` turn it into findings).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

from mqtt_mcp.analysis.devices.generic import is_long_id
from mqtt_mcp.analysis.devices.series import Series
from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.analysis.statistics import mad, median
from mqtt_mcp.analysis.topics.templates import templates

MIN_MEMBERS = 24
"""So many for comparing single values and types."""
_FEW_MEMBERS = 4
"""So many for comparing habits: how often a field changes, how often a topic speaks."""
_FAR = 12.0
_STUCK_COUNT = 20
_CHANCES = 12.0
_MOST = 0.75


class Odd(msgspec.Struct, frozen=True):
    """A field of a topic that differs from the same field of its many siblings; ``path`` and ``value`` are foreign."""

    code: str
    path: str
    value: str
    expected: str
    members: int


def odd_ones(tracks: Iterable[Track], now_s: float) -> dict[str, list[Odd]]:
    """The odd ones by topic: far numbers, other types, fields that never change, topics that fell silent.

    Args:
        tracks: All topics.
        now_s: Seconds watched.
    """
    every = list(tracks)
    found: dict[str, list[Odd]] = defaultdict(list)
    _lonely(every, found)
    held = [track for track in every if track.role in {"state", "info"} and (track.series or track.shape)]
    if len(held) < _FEW_MEMBERS:
        return found
    by_topic = {track.topic: track for track in held}
    groups: dict[str, list[Track]] = defaultdict(list)
    for topic, template in templates(by_topic).items():
        groups[template].append(by_topic[topic])
    for members in groups.values():
        if len(members) >= _FEW_MEMBERS:
            _silent(members, found, now_s)
            _still(members, found)
        if len(members) >= MIN_MEMBERS:
            _far_numbers(members, found)
            _odd_types(members, found)
    return found


def _lonely(tracks: list[Track], found: dict[str, list[Odd]]) -> None:
    """A topic of a member of a fleet, told by its long id, that no other member has; reports and logs left out."""
    layouts: dict[str, list[tuple[str, Track]]] = defaultdict(list)
    for track in tracks:
        member = next((level for level in track.levels if is_long_id(level)), "")
        if member:
            layouts["/".join("{}" if level == member else level for level in track.levels)].append((member, track))
    fleet = {member for held in layouts.values() if len(held) >= MIN_MEMBERS for member, _ in held}
    for layout, held in layouts.items():
        member, track = held[0]
        if len(held) == 1 and member in fleet and track.role == "state" and "{}" in layout:
            found[track.topic].append(Odd("schema_change", "", "this topic", "no such topic", len(fleet)))


def _silent(members: list[Track], found: dict[str, list[Odd]], now_s: float) -> None:
    """Members that spoke two to five times at the common pace and then no more; more often, their own series tells."""
    paces = [track.median_gap_s() for track in members if len(track.gaps) >= 3 and track.cadence() != "irregular"]
    if len(paces) < max(_FEW_MEMBERS - 1, _MOST * len(members) - 1):
        return
    usual_s = median(paces)
    if usual_s <= 0 or mad(paces, usual_s) > 0.3 * usual_s:
        return
    limit_s = max(3.5 * usual_s, 10.0)
    late = [track for track in members if track.last_live_s is not None and now_s - track.last_live_s > limit_s]
    if len(late) > max(1, len(members) // 4):
        return
    for track in late:
        if 1 <= len(track.gaps) < 5 and 0.4 * usual_s <= track.median_gap_s() <= 2 * usual_s:
            found[track.topic].append(
                Odd("silence_gap", "", f"{now_s - track.last_s:.0f} s", f"every {usual_s:.1f} s", len(members))
            )


def _still(members: list[Track], found: dict[str, list[Odd]]) -> None:
    """A field that never changed, where by the pace of its siblings a dozen changes were due."""
    for path in {path for track in members for path in track.series}:
        long = [(track, track.series[path]) for track in members if path in track.series]
        long = [(track, one) for track, one in long if one.count >= _STUCK_COUNT]
        if len(long) < _FEW_MEMBERS:
            continue
        pace = median([one.changes / one.count for _, one in long])
        moving = sum(_moves(one) for _, one in long)
        if moving < _MOST * len(long):
            continue
        for track, one in long:
            if not one.changes and one.last != 0 and pace * one.count >= _CHANCES:
                often = f"changes in {100 * pace:.0f} % of messages"
                found[track.topic].append(Odd("stuck_value", path, f"{one.last:g}", often, len(long)))


def _moves(one: Series) -> bool:
    return len(one.distinct) >= 3


def _far_numbers(members: list[Track], found: dict[str, list[Odd]]) -> None:
    for path in {path for track in members for path in track.series}:
        series = [(track, track.series[path]) for track in members if path in track.series]
        typical = [one.ring[0] for _, one in series]
        if len(series) < MIN_MEMBERS or len(set(typical)) < 3:
            continue
        middle = median(typical)
        spread = max(1.4826 * mad(typical, middle), 0.005 * abs(middle), 1e-9)
        far = [
            (track, value)
            for track, one in series
            for value in {one.minimum, one.maximum}
            if abs(value - middle) > _FAR * spread
        ]
        if len(far) <= max(1, len(series) // 20):
            for track, value in far:
                found[track.topic].append(Odd("value_outlier", path, f"{value:g}", f"about {middle:g}", len(series)))


def _odd_types(members: list[Track], found: dict[str, list[Odd]]) -> None:
    for key in {key for track in members for key in track.shape}:
        kinds = Counter(track.shape[key] for track in members if key in track.shape)
        (usual, count), total = kinds.most_common(1)[0], kinds.total()
        if total < MIN_MEMBERS or total - count > max(1, total // 20):
            continue
        for track in members:
            seen = {track.shape.get(key, usual), track.early[2].get(key, usual) if track.early else usual}
            other = seen - {usual, "null"}
            if other:
                found[track.topic].append(Odd("schema_change", key, min(other), usual, total))
