"""All reasons to look at a topic that a watch found, counted; the messages that show them are the pool's business.

Owns the count of each reason on each topic, bounded. Judges nothing and decides nothing about what is shown.
"""

from mqtt_mcp.analysis.sample.kept import Kept
from mqtt_mcp.analysis.sample.signals import Signal
from mqtt_mcp.analysis.sample.tables import Issue

MAX_ISSUES = 3_000
"""Reasons told apart; further ones are not counted."""
_ISSUE_BYTES = 700


class Issues:
    """The reasons of one watch.

    Attributes:
        counts: (code, topic, key) → how often it was seen.
    """

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str, str], int] = {}
        self._issues: dict[tuple[str, str, str], Issue] = {}

    def note(self, kept: Kept, signals: list[Signal]) -> bool:
        """Count the signals of a message and mark those it is the first to show.

        Returns:
            Whether one is worth keeping the message: the 1st, 2nd, 4th, 8th … of a kind.
        """
        topic, t_s = kept.state, kept.t_s
        worth = False
        for signal in signals:
            if signal.code == "offline":
                topic.was_offline = True
            key = (signal.code, topic.name, signal.key)
            issue = self._issues.get(key)
            if issue is None:
                if len(self._issues) >= MAX_ISSUES:
                    continue
                issue = Issue(signal.code, signal.severity, topic.name, 0, t_s, t_s, signal.why)
                self._issues[key] = issue
            issue.count += 1
            issue.last_s = t_s
            self.counts[key] = issue.count
            if issue.count == 1:
                kept.first_to_show |= {(signal.code, signal.key)}
            worth |= issue.count & (issue.count - 1) == 0
        return worth

    def listed(self, late: list[tuple[Kept, Signal]]) -> list[Issue]:
        """All of them, with those that came up later, each counted once per topic and key; changes nothing."""
        found: dict[tuple[str, str, str], Issue] = {}
        for kept, signal in late:
            name = kept.state.name
            if (signal.code, name, signal.key) in self._issues:
                continue
            fresh = Issue(signal.code, signal.severity, name, 0, kept.t_s, kept.t_s, signal.why)
            issue = found.setdefault((signal.code, name, signal.key), fresh)
            issue.count += 1
            issue.last_s = kept.t_s
        return [*self._issues.values(), *found.values()]

    @property
    def held_bytes(self) -> int:
        """About what they take."""
        return _ISSUE_BYTES * len(self._issues)
