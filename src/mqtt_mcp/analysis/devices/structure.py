"""The usual structure of a topic's objects, and the first message that had another one.

Keeps one usual structure per topic, bounded. What optional fields come and go is ordinary: only lost parts and other
types count. Judges nothing.
"""

from collections import Counter
from itertools import islice
from typing import Any

from mqtt_mcp.analysis.devices.track import MAX_KEY_CHARS, Track
from mqtt_mcp.analysis.payloads.shape import signature
from mqtt_mcp.analysis.schema.profile import json_type

_ESTABLISHED = 5
_USUAL_SHARE, _MOST = 0.6, 0.8
_MAX_SHAPES = 8
_MAX_FIELDS = 60
_LEVELS = 3


def take_structure(track: Track, value: dict[str, Any], t_s: float) -> None:
    """Compare the structure of a live message with the usual one of its topic."""
    shape = signature(value)
    usual, count = track.shapes.most_common(1)[0] if track.shapes else ("", 0)
    if shape == usual:
        if count == _ESTABLISHED and track.early is not None:
            _early(track)
    elif shape not in track.shapes and _established(track, count):
        said = _difference(track.shape, _types(value))
        if said and track.shape_change is None:
            track.shape_change = (t_s, said)
    elif not usual or track.shapes[shape] + 1 >= count:
        if usual and count == 1 and track.early is None:
            track.early = (usual, t_s, track.shape)
        track.shape = _types(value)
    elif shape not in track.shapes and track.early is None:
        track.early = (shape, t_s, _types(value))
    if shape in track.shapes or len(track.shapes) < _MAX_SHAPES:
        track.shapes[shape] += 1


def _established(track: Track, count: int) -> bool:
    """Whether one structure is usual, or two are in turn: with and without a field that comes now and then."""
    total = track.shapes.total()
    if count >= _ESTABLISHED and count >= _USUAL_SHARE * total:
        return True
    known = [one for one in track.shapes.values() if one >= _ESTABLISHED // 2]
    return len(known) == 2 and sum(known) > _ESTABLISHED and sum(known) >= _MOST * total


def _early(track: Track) -> None:
    """What came before the usual structure was established, judged now that it is."""
    if track.early is None:
        return
    shape, t_s, types = track.early
    track.early = None
    if track.shapes[shape] == 1 and track.shape_change is None and track.shapes.total() == _ESTABLISHED + 1:
        said = _difference(track.shape, types)
        if said:
            track.shape_change = (t_s, said)


def _difference(usual: dict[str, str], types: dict[str, str]) -> str:
    """What a structure lacks of the usual one or has as another type; empty when nothing that matters. Foreign text."""
    changed = [key for key, kind in types.items() if kind != usual.get(key, kind) and "null" not in {kind, usual[key]}]
    lost = [key for key in usual if "." not in key and key not in types]
    parts = _lost_parts(usual, types)
    if not changed and not parts and len(lost) <= sum("." not in key for key in usual) / 3:
        return ""
    said = [f"{key} is {types[key]} instead of {usual[key]}" for key in changed[:3]]
    lost += parts
    return "; ".join(said + ([f"without {', '.join(lost[:5])}"] if lost else []))


def _lost_parts(usual: dict[str, str], types: dict[str, str]) -> list[str]:
    """Inner objects that are gone, and those of which most fields are gone."""
    parts = [key for key, kind in usual.items() if kind == "object" and "." in key and key not in types]
    inner = Counter(key.rpartition(".")[0] for key in usual if "." in key)
    gone = Counter(key.rpartition(".")[0] for key in usual if "." in key and key not in types)
    return parts + [key for key, count in gone.items() if key in types and count > max(1, inner[key] / 2)]


def _types(value: dict[str, Any]) -> dict[str, str]:
    """The types of fields, also of those two levels below, by dotted path; at most 60."""
    found: dict[str, str] = {}
    level: list[tuple[str, dict[str, Any]]] = [("", value)]
    for _ in range(_LEVELS):
        below = []
        for dot, one in level:
            for key, item in islice(one.items(), _MAX_FIELDS - len(found)):
                path = f"{dot}{key[:MAX_KEY_CHARS]}"
                kind = json_type(item)
                found[path] = "number" if kind == "integer" else kind
                if isinstance(item, dict) and len(path) < MAX_KEY_CHARS:
                    below.append((f"{path}.", item))
        level = below
    return found
