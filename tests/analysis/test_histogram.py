"""The percentile store: exact where it claims to be, and never further off than 1/64."""

import math

from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.analysis.histogram import MAX_VALUE, Histogram, bucket_bounds, bucket_of

VALUES = st.lists(st.integers(min_value=0, max_value=3_600_000_000), min_size=1, max_size=200)


@given(st.integers(min_value=0, max_value=MAX_VALUE))
def test_every_value_lies_in_the_bounds_of_its_bucket(value):
    """HdrHistogram layout: bucket index and bounds are each other's inverse."""
    low, high = bucket_bounds(bucket_of(value))
    assert low <= value <= high
    assert high - low <= max(0, value / 32)


def test_the_buckets_from_a_microsecond_to_an_hour_are_fewer_than_900():
    """The memory bound that the design measured (885 buckets)."""
    assert bucket_of(3_600_000_000) < 900


def test_buckets_leave_no_hole():
    """Neighbouring buckets touch over the first powers of two."""
    for bucket in range(600):
        assert bucket_bounds(bucket)[1] + 1 == bucket_bounds(bucket + 1)[0]


@given(VALUES, st.floats(min_value=0, max_value=1))
def test_a_quantile_is_within_one_64th_of_the_nearest_rank(values, fraction):
    """Relative error of the log-linear layout, against a plain sort."""
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    exact = sorted(values)[max(1, math.ceil(fraction * len(values))) - 1]
    assert abs(histogram.quantile(fraction) - exact) <= exact / 63


@given(VALUES, VALUES)
def test_merging_is_the_same_as_counting_everything_in_one(first, second):
    """Histograms add up."""
    one, two, both = Histogram(), Histogram(), Histogram()
    for value in first:
        one.record(value)
        both.record(value)
    for value in second:
        two.record(value)
        both.record(value)
    one.merge(two)
    for fraction in (0.0, 0.5, 0.9, 1.0):
        assert one.quantile(fraction) == both.quantile(fraction)
    assert (one.count, one.mean, one.minimum, one.maximum) == (both.count, both.mean, both.minimum, both.maximum)


def test_an_empty_histogram_says_zero_and_merging_it_changes_nothing():
    """The edges: nothing counted, out of range values."""
    histogram = Histogram()
    assert histogram.quantile(0.5) == histogram.mean == 0.0
    histogram.record(-5)
    histogram.record(1 << 60)
    histogram.merge(Histogram())
    assert (histogram.minimum, histogram.maximum, histogram.count) == (0, MAX_VALUE, 2)
