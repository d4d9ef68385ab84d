"""Robust statistics against hand-computed values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.analysis.statistics import gaps, mad, median, percentile, robust_z


def test_hand_computed_values():
    """Medians, spreads and gaps small enough to check by eye."""
    assert median([3, 1, 2]) == 2
    assert median([]) == 0
    assert mad([1, 1, 2, 2, 4, 6, 9]) == 1
    assert percentile([0, 10], 0.95) == pytest.approx(9.5)
    assert gaps([0, 1, 2, 10]).max_s == 8
    assert gaps([5]).count == 0


def test_an_outlier_does_not_hide_itself():
    """The mean would move with it; the median does not."""
    assert robust_z(327.67, [21.4, 21.5, 21.3, 21.4, 21.6, 327.67]) > 100
    assert robust_z(21.5, [21.4, 21.5, 21.3, 21.4, 21.6, 21.5]) < 3


@given(st.lists(st.floats(-1e9, 1e9), min_size=1), st.floats(0, 1))
def test_a_percentile_lies_between_the_extremes(values, fraction):
    """Whatever the series."""
    ordered = sorted(values)
    slack = 1e-9 * max(1.0, abs(ordered[0]), abs(ordered[-1]))
    assert ordered[0] - slack <= percentile(ordered, fraction) <= ordered[-1] + slack
