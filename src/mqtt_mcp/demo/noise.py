"""Reproducible noise for the simulated home: numbers from names instead of from a random generator.

Owns nothing else. The same arguments give the same number on every machine and every Python.
"""

import hashlib
import math


def noise(*key: object) -> float:
    """A number in [-1, 1) that depends on the key only."""
    digest = hashlib.blake2b("/".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**63 - 1.0


def drift(t_s: float, *key: object, period_s: float = 120.0) -> float:
    """A slow wave in [-1, 1] with a phase of its own for each key.

    Args:
        t_s: Seconds since the start.
        key: What the wave belongs to.
        period_s: Seconds of one swing.
    """
    return math.sin(2 * math.pi * t_s / period_s + math.pi * noise("phase", *key))


def hexadecimal(digits: int, *key: object) -> str:
    """That many lower-case hexadecimal digits (at most 32), fixed by the key: addresses and identifiers."""
    return hashlib.blake2b("/".join(map(str, key)).encode(), digest_size=16).hexdigest()[:digits]
