"""Comparing equal devices with each other: the one sensor among many whose single message is unlike all others.

Works on topics of one template (``fleet/{}/temp``) with at least ``MIN_MEMBERS`` members; needs no history. Judges only
what a device's own series cannot (``readings.py``).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.analysis.statistics import mad, median
from mqtt_mcp.analysis.topics.templates import templates

MIN_MEMBERS = 24
_FAR = 12.0


class Odd(msgspec.Struct, frozen=True):
    """A field of a topic that differs from the same field of its many siblings; ``path`` and ``value`` are foreign."""

    code: str
    path: str
    value: str
    expected: str
    members: int


def odd_ones(tracks: Iterable[Track]) -> dict[str, list[Odd]]:
    """The odd ones by topic: numbers far from all others, and fields of another type than nearly all others."""
    held = [track for track in tracks if track.role in {"state", "info"} and (track.series or track.shape)]
    if len(held) < MIN_MEMBERS:
        return {}
    by_topic = {track.topic: track for track in held}
    groups: dict[str, list[Track]] = defaultdict(list)
    for topic, template in templates(by_topic).items():
        groups[template].append(by_topic[topic])
    found: dict[str, list[Odd]] = defaultdict(list)
    for members in groups.values():
        if len(members) >= MIN_MEMBERS:
            _far_numbers(members, found)
            _odd_types(members, found)
    return found


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
        if total < MIN_MEMBERS or count == total or total - count > max(1, total // 20):
            continue
        for track in members:
            kind = track.shape.get(key, usual)
            if kind not in {usual, "null"}:
                found[track.topic].append(Odd("schema_change", key, kind, usual, total))
