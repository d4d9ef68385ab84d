"""The same payload going to and fro between two topics with the same end: two bridges that forward to each other.

Owns a bounded memory of recent payloads by their checksum. A loop is noted on both topics; whether that is a finding is
``checks_rhythm.py``'s.
"""

from mqtt_mcp.analysis.devices.track import Track

_MAX_RECENT = 512
_WITHIN_S = 1.0
_HOPS = 5
_LEAST_BYTES = 8
"""Shorter payloads (``ON``, ``21.5``) are equal by chance."""
HELD_BYTES = 160 * 1024
"""What a full memory takes, about."""


class _Going:
    __slots__ = ("first", "hops", "last", "last_s", "second")

    def __init__(self, track: Track, t_s: float) -> None:
        self.first = self.last = track
        self.second: Track | None = None
        self.last_s = t_s
        self.hops = 0


class Loops:
    """Recent payloads of a watch."""

    def __init__(self) -> None:
        self._recent: dict[int, _Going] = {}

    @property
    def held_bytes(self) -> int:
        """What it takes, about."""
        return HELD_BYTES * len(self._recent) // _MAX_RECENT

    def clear(self) -> None:
        """Let all go."""
        self._recent = {}

    def take(self, track: Track, t_s: float) -> None:
        """Take a live message that ``track`` has just counted."""
        if track.last_bytes < _LEAST_BYTES:
            return
        going = self._recent.get(track.hash)
        if going is None or t_s - going.last_s > _WITHIN_S or not self._hops(going, track, t_s):
            self._recent.pop(track.hash, None)
            if len(self._recent) >= _MAX_RECENT:
                del self._recent[next(iter(self._recent))]
            self._recent[track.hash] = _Going(track, t_s)

    @staticmethod
    def _hops(going: _Going, track: Track, t_s: float) -> bool:
        """Count a hop between the two topics; False when it is a third topic or none of the same end."""
        if going.last is not track:
            if going.second is None and track.levels[-1] == going.first.levels[-1]:
                going.second = track
            elif track is not going.first and track is not going.second:
                return False
            going.hops += 1
            if going.hops >= _HOPS:
                track.note("bridge_loop", "error", f"also on {going.last.topic[:120]}", t_s)
                going.last.note("bridge_loop", "error", f"also on {track.topic[:120]}", t_s)
            going.last = track
        going.last_s = t_s
        return True
