"""One line of the report, the statistics behind it, and how lines are printed. Measures nothing."""

import math
import statistics
from collections.abc import Sequence

import msgspec


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing measured.

    Attributes:
        row: Name of the row it belongs to, as given on the command line.
        what: What was measured.
        bar: What must be reached, in words; empty when it is only reported.
        measured: The result, in words.
        compared_with: The same of others, measured in the same run, in words.
        verdict: ``ok``, ``short by …`` or empty when there is no bar.
        values: The numbers behind it, units in the names.
    """

    row: str
    what: str
    bar: str
    measured: str
    compared_with: str
    verdict: str
    values: dict[str, float]


def at_most(value: float, limit: float, unit: str) -> str:
    """The verdict on a value that must not be above ``limit``."""
    return "ok" if value <= limit else f"short by {number(value - limit)} {unit}"


def at_least(value: float, limit: float, unit: str) -> str:
    """The verdict on a value that must not be below ``limit``."""
    return "ok" if value >= limit else f"short by {number(limit - value)} {unit}"


def both(first: str, second: str) -> str:
    """One verdict of two."""
    short = [verdict for verdict in (first, second) if verdict != "ok"]
    return ", ".join(short) or "ok"


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 to 1) of the values do not exceed: the nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def number(value: float) -> str:
    """A number with about three significant digits and thousands separators."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def table(lines: Sequence[Line]) -> str:
    """The lines as one Markdown table."""
    heads = ("what", "bar", "measured", "compared with", "verdict")
    rows = [(line.what, line.bar, line.measured, line.compared_with, line.verdict) for line in lines]
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]

    def drawn(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return "\n".join([drawn(heads), drawn(["-" * width for width in widths]), *(drawn(row) for row in rows)])
