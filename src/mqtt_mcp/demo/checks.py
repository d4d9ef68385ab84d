"""One verdict on one answer: a sentence, and whether it is true.

Owns the ``Check`` value and small helpers for reading answers that may be anything.
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec


class Check(msgspec.Struct, frozen=True):
    """A sentence about an answer.

    Attributes:
        sentence: What should be true.
        ok: Whether it is.
    """

    sentence: str
    ok: bool


def mentions(value: object, *words: str) -> bool:
    """True when every word stands somewhere in the answer, in any case of letters."""
    text = json.dumps(value, ensure_ascii=False).lower()
    return all(word.lower() in text for word in words)


def some(items: Sequence[str], most: int) -> list[str]:
    """The first items, and a last line that says how many more there are."""
    shown = list(items[:most])
    return [*shown, f"… and {len(items) - most} more"] if len(items) > most else shown


def payload_values(text: str) -> dict[str, Any]:
    """The JSON object in a payload string; empty when it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
