"""Rows that have to fit a number of characters of JSON.

Owns the measuring and cutting; what a row says is its user's business.
"""

from typing import TypeVar

import msgspec


def seconds(value: float) -> str:
    """Seconds with as many decimals as matter."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if value < 10 else f"{value:.1f}"


def json_chars(text: str) -> int:
    """Characters of a text as an element of a JSON array."""
    return len(msgspec.json.encode(text)) + 1


def fitting(lines: list[str], max_chars: int) -> list[str]:
    """The first lines that fit as JSON array elements."""
    used = 0
    for index, line in enumerate(lines):
        used += json_chars(line)
        if used > max_chars:
            return lines[:index]
    return lines


Row = TypeVar("Row", bound=msgspec.Struct)


def json_size(value: msgspec.Struct) -> int:
    """Characters of a value as an element of a JSON array."""
    return len(msgspec.json.encode(value)) + 1


def fitting_rows(rows: list[Row], max_chars: int) -> list[Row]:
    """The first values that fit as elements of a JSON array."""
    used = 0
    for index, row in enumerate(rows):
        used += json_size(row)
        if used > max_chars:
            return rows[:index]
    return rows
