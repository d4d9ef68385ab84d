"""How long a topic may be silent before that is unusual: arithmetic over the intervals of one topic."""

from collections.abc import Sequence

from mqtt_mcp.analysis.devices.fields import SETTINGS
from mqtt_mcp.analysis.devices.finding import View
from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.analysis.statistics import mad
from mqtt_mcp.analysis.words import words

_LEAST_S = 10.0
_FEW, _FEWEST, _MANY = 3, 5, 20
_LONG = 5
_VERY_REGULAR = 0.9
_RARE = 0.07
_MAD_TO_SIGMA = 1.4826


def limit_s(track: Track) -> float:
    """The longest ordinary interval of a periodic topic; 0.0 when it is not periodic.

    A topic that is longer silent every now and then (a motion sensor that says "off" soon after each "on") has none.
    """
    number = len(track.gaps)
    if track.role not in {"state", "info"} or number < _FEW or track.momentary or _is_setting(track):
        return 0.0
    middle = track.median_gap_s()
    if number < _FEWEST:
        steady = track.series and all(0.7 * middle <= gap <= 1.3 * middle for gap in track.gaps)
        return max(_LONG * middle, 2 * _LEAST_S) if steady else 0.0
    if middle * number < _LEAST_S or track.cadence() != "periodic" or _speaks_on_change(track, middle):
        return 0.0
    limit = max(3 * middle, middle + 6 * _MAD_TO_SIGMA * mad(list(track.gaps), middle), _LEAST_S)
    pauses = sum(gap > min(limit, 3 * middle) for gap in track.gaps)
    return limit if pauses <= max(1, _RARE * number) else 0.0


def _is_setting(track: Track) -> bool:
    return not SETTINGS.isdisjoint(words(track.levels[-1]))


def _speaks_on_change(track: Track, middle: float) -> bool:
    """Whether a topic with words or small numbers is regular by chance only: it speaks when something changes."""
    if track.shape:
        return False
    values = track.series.get("$")
    if values is not None and (values.decimals or values.changes < 0.5 * values.count):
        return values.traits.charge
    regular = sum(0.6 * middle <= gap <= 1.4 * middle for gap in track.gaps)
    return regular < _VERY_REGULAR * len(track.gaps) or len(track.gaps) < _MANY


def running_gap_s(track: Track, view: View) -> float:
    """Seconds since the last live message; 0.0 when there was none."""
    return view.now_s - track.last_live_s if track.last_live_s is not None else 0.0


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of a series, from all its members; 0.0 for fewer than two."""
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return float((sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5)
