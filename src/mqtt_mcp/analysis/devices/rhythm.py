"""How long a topic may be silent before that is unusual: arithmetic over the intervals of one topic."""

from collections.abc import Sequence

from mqtt_mcp.analysis.devices.finding import View
from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.analysis.statistics import mad

_LEAST_S = 10.0
_MAD_TO_SIGMA = 1.4826


def limit_s(track: Track) -> float:
    """The longest ordinary interval of a periodic topic; 0.0 when it is not periodic."""
    if track.role not in {"state", "info"} or len(track.gaps) < 5 or track.cadence() != "periodic":
        return 0.0
    middle = track.median_gap_s()
    return max(3 * middle, middle + 6 * _MAD_TO_SIGMA * mad(list(track.gaps), middle), _LEAST_S)


def running_gap_s(track: Track, view: View) -> float:
    """Seconds since the last live message; 0.0 when there was none."""
    return view.now_s - track.last_live_s if track.last_live_s is not None else 0.0


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of a series, from all its members; 0.0 for fewer than two."""
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return float((sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5)
