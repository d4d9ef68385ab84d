"""What unknown binary payloads have in common: length, constant beginning, and which bytes vary and how.

Owns one bounded record per topic and a guess at fields of fixed positions. A guess is called one. Does not decode.
"""

import math
import struct
from itertools import pairwise
from sys import getsizeof
from typing import Any

from mqtt_mcp.analysis.memory import slots_bytes

MAX_PREFIX_BYTES = 16
MAX_GUESSED_BYTES = 64
"""Longer payloads get no guess at fields."""
MAX_SAMPLES = 24
_MIN_SAMPLES = 4
_BYTES = slots_bytes(5) + 150
_YEAR_S = 366 * 86_400
_MAX_TIME_SPAN_S = 1_000_000
_MAX_SIGNED = 1_000
_NUMBERS = (
    ("uint32 time", "I"),
    ("float32", "f"),
    ("uint32 rising", "I"),
    ("uint16 rising", "H"),
    ("int16", "h"),
    ("uint16", "H"),
)


class Layout:
    """The binary payloads of one topic, or of one template after merging."""

    __slots__ = ("count", "max_bytes", "min_bytes", "prefix", "samples")

    def __init__(self) -> None:
        self.count = 0
        self.min_bytes = 1 << 60
        self.max_bytes = 0
        self.prefix = b""
        self.samples: list[bytes] = []
        """The first short payloads in order of arrival."""

    def add(self, payload: bytes) -> None:
        """Take one payload."""
        head = payload[:MAX_PREFIX_BYTES]
        self.prefix = _common(self.prefix, head) if self.count else head
        self.count += 1
        self.min_bytes = min(self.min_bytes, len(payload))
        self.max_bytes = max(self.max_bytes, len(payload))
        if len(self.samples) < MAX_SAMPLES and len(payload) <= MAX_GUESSED_BYTES:
            self.samples.append(payload)

    def merge(self, other: "Layout") -> None:
        """Join the payloads of another topic."""
        if not other.count:
            return
        self.prefix = _common(self.prefix, other.prefix) if self.count else other.prefix
        self.count += other.count
        self.min_bytes = min(self.min_bytes, other.min_bytes)
        self.max_bytes = max(self.max_bytes, other.max_bytes)
        self.samples += other.samples[: MAX_SAMPLES - len(self.samples)]

    @property
    def held_bytes(self) -> int:
        """What it takes, about."""
        return _BYTES + getsizeof(self.prefix) + sum(map(getsizeof, self.samples)) + getsizeof(self.samples)

    def notes(self, now_epoch_s: float) -> dict[str, Any]:
        """The facts, and for short payloads of one length a guess at their fields; a time is one of about now."""
        if not self.count:
            return {}
        found: dict[str, Any] = {"bytes": [self.min_bytes, self.max_bytes]}
        if self.count >= 2 and self.prefix:
            found["constant_prefix_hex"] = self.prefix.hex(" ")
        if self.min_bytes == self.max_bytes <= MAX_GUESSED_BYTES and len(self.samples) >= _MIN_SAMPLES:
            found["fields_guessed"] = guess(self.samples, now_epoch_s)
        return found


def _common(one: bytes, other: bytes) -> bytes:
    size = min(len(one), len(other))
    at = next((at for at in range(size) if one[at] != other[at]), size)
    return one[:at]


def guess(samples: list[bytes], now_epoch_s: float) -> list[str]:
    """Fields of payloads of one length, as ``offset: what``, from left to right.

    The surest first, each in either byte order: times, floats, rising numbers, small signed numbers, and numbers that
    stay within a part of their range; then constant bytes; what is left are single bytes.
    """
    size = len(samples[0])
    fields: dict[int, tuple[int, str]] = {}
    free = [True] * size
    for name, code in _NUMBERS:
        width = struct.calcsize("<" + code)
        for at in range(size - width + 1):
            wanted = all(free[at : at + width])
            said = _field(samples, at, name, code, now_epoch_s) if wanted else ""
            if said:
                fields[at] = (width, said)
                free[at : at + width] = [False] * width
    constant = [free[at] and len({sample[at] for sample in samples}) == 1 for at in range(size)]
    found: list[str] = []
    at = 0
    while at < size:
        if at in fields:
            width, said = fields[at]
        elif constant[at]:
            width = next((end for end in range(at, size) if not constant[end]), size) - at
            said = "constant " + samples[0][at : at + width].hex(" ")
        else:
            column = [sample[at] for sample in samples]
            width, said = 1, f"uint8 {min(column)} … {max(column)}"
        found.append(f"{at}: {said}")
        at += width
    return found


def _field(samples: list[bytes], at: int, name: str, code: str, now_epoch_s: float) -> str:
    width = struct.calcsize("<" + code)
    for order, said in (("<", "little endian"), (">", "big endian")):
        column = [struct.unpack_from(order + code, sample, at)[0] for sample in samples]
        lowest = {sample[at if order == "<" else at + width - 1] for sample in samples}
        if len(set(column)) == 1 or (len(lowest) == 1 and lowest != {0}):  # the lowest byte varies most
            continue
        if _is_time(column, now_epoch_s) if name == "uint32 time" else _plausible(name, column):
            return f"{name} {said} {_short(min(column))} … {_short(max(column))}"
    return ""


def _is_time(column: list[float], now_epoch_s: float) -> bool:
    low, high = min(column), max(column)
    return abs(low - now_epoch_s) <= _YEAR_S and high - low <= _MAX_TIME_SPAN_S


def _plausible(name: str, column: list[float]) -> bool:
    low, high = min(column), max(column)
    rising = all(before < after for before, after in pairwise(column))
    if name == "float32":
        usual = all(math.isfinite(value) and (value == 0 or 1e-3 <= abs(value) < 1e6) for value in column)
        return usual and _smooth(column)
    if name == "uint32 rising":
        return rising and high - low <= 1_000 * len(column) and high < 1 << 30
    if name == "int16":
        return low < 0 and max(abs(low), abs(high)) <= _MAX_SIGNED
    if name == "uint16 rising":
        return rising and high - low <= 100 * len(column)
    return low >= 256 and _smooth(column)


def _smooth(column: list[float]) -> bool:
    """Whether the values stay within a part of their magnitude, as readings do and noise does not."""
    return max(column) - min(column) <= 0.5 * max(abs(max(column)), abs(min(column)))


def _short(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6g}"
