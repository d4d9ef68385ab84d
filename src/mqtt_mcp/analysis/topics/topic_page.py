"""Rows of topics and pages of them that fit a number of characters.

Owns the flags of a topic, its line, and what a page shows when not everything fits. Does not count.
"""

import bisect
from collections.abc import Mapping

import msgspec

from mqtt_mcp.analysis.rows import fitting, seconds
from mqtt_mcp.analysis.text import clean

STORED, LIVE, EMPTY, BINARY, RETAINS = 1, 2, 4, 8, 16
TOPIC_CHARS = 300
_ENDS = 100
_LETTERS = ((STORED, "R"), (LIVE, "L"), (RETAINS, "P"), (EMPTY, "E"), (BINARY, "B"))


class TopicRow:
    """What is known of one topic; ``flags`` are ``STORED | LIVE | EMPTY | BINARY | RETAINS``."""

    __slots__ = ("first_s", "flags", "last_s", "masked", "messages")

    def __init__(self, masked: tuple[str, ...], first_s: float) -> None:
        self.masked = masked
        self.messages = 0
        self.first_s = first_s
        self.last_s = first_s
        self.flags = 0

    def flag_text(self, topic: str) -> str:
        """``R`` stored, ``L`` live, ``P`` live with the retain flag, ``E`` last payload empty, ``B`` binary, ``$``."""
        text = "".join([letter for bit, letter in _LETTERS if self.flags & bit])
        return text + "$" if topic.startswith("$") else text

    @property
    def live_retained(self) -> bool:
        """Whether a live message came with the retain flag of its publisher."""
        return self.flags & (LIVE | RETAINS) == LIVE | RETAINS


class Page(msgspec.Struct, frozen=True):
    """One page of rows.

    Attributes:
        rows: Tab-separated lines, or bare names, in order of the topics' code points.
        detail: ``lines``; ``names`` where lines do not fit; ``ends`` where names do not fit either: the first hundred
            names here and the last hundred in ``last_rows``.
        next_after: Where the next page begins, empty when there is none: a topic name, or ``#<n>`` for "after row n".
    """

    rows: list[str]
    detail: str
    next_after: str
    last_rows: list[str] = msgspec.field(default_factory=list)


def page_of(rows: Mapping[str, TopicRow], after: str, *, max_chars: int, max_rows: int) -> Page:
    """Rows behind ``after`` in order of their code points, as many as fit.

    The first page shows the breadth: complete lines if all of them fit, else names if these do, else the first and the
    last names of all. Whoever pages on wants the details: complete lines.

    Args:
        rows: What is known, by topic.
        after: Empty for the first page, or the ``next_after`` of the page before.
        max_chars: Bound of the rows as JSON.
        max_rows: Bound of their number.
    """
    topics = sorted(rows)
    start = 0
    if after.startswith("#") and after[1:].isascii() and after[1:].isdigit():
        start = min(int(after[1:8]), len(topics))
    elif after:
        start = bisect.bisect_right(topics, after)
    wanted = topics[start : start + max_rows]
    shown, detail, last_rows = fitting([_line(topic, rows[topic]) for topic in wanted], max_chars), "lines", []
    if len(shown) < len(wanted) and not after:
        shown, detail = fitting(_names(wanted), max_chars), "names"
        if len(shown) < len(wanted):
            detail = "ends"
            shown = fitting(_names(wanted[:_ENDS]), max_chars // 2)
            tail = topics[max(len(shown), len(topics) - _ENDS) :]
            last_rows = fitting(_names(tail)[::-1], max_chars // 2)[::-1]
    end = start + len(shown)
    if end >= len(topics):
        return Page(shown, detail, "", last_rows)
    last = topics[end - 1] if end else ""
    plain = len(last) <= TOPIC_CHARS and clean(last, TOPIC_CHARS) == last
    return Page(shown, detail, last if plain and last else f"#{end}", last_rows)


def _line(topic: str, row: TopicRow) -> str:
    seen = f"{seconds(row.first_s)}\t{seconds(row.last_s)}"
    return f"{clean(topic, TOPIC_CHARS)}\t{row.messages}\t{seen}\t{row.flag_text(topic)}"


def _names(topics: list[str]) -> list[str]:
    return [clean(topic, TOPIC_CHARS) for topic in topics]
