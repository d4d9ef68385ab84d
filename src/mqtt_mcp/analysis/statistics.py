"""Small robust statistics over short series.

Owns medians, spreads, percentiles and gaps of at most a few thousand numbers. Does not keep the series (accumulators
do, in bounded rings) and makes no judgement.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import sub

import msgspec

_MAD_TO_SIGMA = 1.4826
_RELATIVE_FLOOR = 0.005
_ABSOLUTE_FLOOR = 1e-9


def percentile(ordered: Sequence[float], fraction: float) -> float:
    """The value below which ``fraction`` of an ascending series lies, interpolated linearly; 0.0 for an empty one.

    Args:
        ordered: Ascending.
        fraction: 0.0 to 1.0.
    """
    if not ordered:
        return 0.0
    at = fraction * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    if ordered[low] == ordered[high]:  # also keeps two infinities from making NaN
        return ordered[low]
    return ordered[low] * (1.0 - (at - low)) + ordered[high] * (at - low)


def median(values: Iterable[float]) -> float:
    """The middle value; 0.0 for none."""
    return percentile(sorted(values), 0.5)


def mad(values: Sequence[float], center: float | None = None) -> float:
    """Median absolute deviation from ``center`` (the median by default): a spread that single outliers do not move."""
    middle = median(values) if center is None else center
    return median([abs(value - middle) for value in values])


def spread(values: Sequence[float], center: float) -> float:
    """The robust standard deviation of a series about its median, never zero.

    It is at least 0.5 % of the median and at least the smallest step between two of the values, so that neither the
    jitter of a constant series nor one step of a rounded one is an outlier (after Iglewicz and Hoaglin 1993).
    """
    ordered = sorted(set(values))
    step = min(map(sub, ordered[1:], ordered), default=0.0)
    return max(_MAD_TO_SIGMA * mad(values, center), _RELATIVE_FLOOR * abs(center), step, _ABSOLUTE_FLOOR)


def robust_z(value: float, values: Sequence[float]) -> float:
    """How many robust standard deviations (``spread``) ``value`` lies off the median of ``values``."""
    middle = median(values)
    return abs(value - middle) / spread(values, middle)


class Gaps(msgspec.Struct, frozen=True):
    """The seconds between successive times: how many, the median, the 95th percentile and the longest."""

    count: int
    median_s: float
    p95_s: float
    max_s: float


def gaps(times_s: Sequence[float]) -> Gaps:
    """The gaps of an ascending series of times in seconds; all zero for fewer than two."""
    between = sorted(later - earlier for earlier, later in pairwise(times_s))
    if not between:
        return Gaps(0, 0.0, 0.0, 0.0)
    return Gaps(len(between), percentile(between, 0.5), percentile(between, 0.95), between[-1])
