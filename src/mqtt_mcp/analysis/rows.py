"""Rows of text that have to fit a number of characters of JSON.

Owns the measuring and cutting; what a row says is its user's business.
"""

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
