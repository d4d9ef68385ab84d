"""What one followed topic takes in memory, about.

Owns the arithmetic over a ``Track``; the bounds on what a track holds are ``track.py``'s and ``detect.py``'s.
"""

from sys import getsizeof

from mqtt_mcp.analysis.devices.sequences import MessageCounter
from mqtt_mcp.analysis.devices.series import Series
from mqtt_mcp.analysis.devices.times import PayloadTimes
from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.analysis.memory import FLOAT_BYTES, slots_bytes, texts_bytes

_TRACK_BYTES = slots_bytes(len(Track.__slots__)) + getsizeof({}) + 4 * getsizeof([]) + 12 * FLOAT_BYTES
_TIMES_BYTES = slots_bytes(len(PayloadTimes.__slots__)) + getsizeof([0.0] * 8) + 14 * FLOAT_BYTES
_COUNTER_BYTES = slots_bytes(len(MessageCounter.__slots__)) + 4 * FLOAT_BYTES
_SERIES_BYTES = slots_bytes(len(Series.__slots__)) + getsizeof([0.0] * 4) + getsizeof([]) + 3 * FLOAT_BYTES
_TEXT_BYTES = getsizeof("")
_REFERENCE_BYTES = 9
"""In a list that has grown by itself."""
_NOTE_BYTES = slots_bytes(6) + 2 * FLOAT_BYTES
_CHANGE_BYTES = slots_bytes(4) + FLOAT_BYTES + _TEXT_BYTES
_PAIR_BYTES = 56 + FLOAT_BYTES


def track_bytes(track: Track) -> int:
    """About how many bytes ``track`` holds besides its last payload; costs a step per field and note of the topic."""
    texts = track.malformed_text, *track.shapes, *track.shape, *track.ids, *(note.text for note in track.notes)
    tables = sum(map(getsizeof, (track.series, track.nulls, track.shape, track.shapes)))
    said = [text for _, text in track.reboots]
    said += [one[1] for one in (track.shape_change, track.injection) if one is not None]
    return (
        _TRACK_BYTES
        + getsizeof(track.topic)
        + texts_bytes(track.levels)
        + getsizeof(track.levels)
        + tables
        + (getsizeof(track.ids) if track.ids else 0)
        + texts_bytes(texts)
        + sum(_PAIR_BYTES + getsizeof(text) for text in said)
        + sum(_SERIES_BYTES + _values_bytes(one) for one in track.series.values())
        + texts_bytes(track.series)
        + _PAIR_BYTES * len(track.nulls)
        + (FLOAT_BYTES + _REFERENCE_BYTES) * (len(track.gaps) + len(track.links))
        + (texts_bytes(track.early[2]) + getsizeof(track.early[2]) + _PAIR_BYTES if track.early else 0)
        + (_TIMES_BYTES if track.times else 0)
        + (_COUNTER_BYTES if track.counter else 0)
        + _NOTE_BYTES * len(track.notes)
        + _CHANGE_BYTES * len(track.changes)
    )


def _values_bytes(series: Series) -> int:
    return (FLOAT_BYTES + _REFERENCE_BYTES) * (len(series.ring) + 1)
