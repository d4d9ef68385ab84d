"""The score of a choice of messages: how much of each kind of facet it shows, against the best for that kind."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from benchmarks.labelled.facets import METRICS, Facets, facets, greedy
from benchmarks.labelled.truth import LabelledMessage

WEIGHTS = {
    "anomaly": 0.34,
    "struct": 0.14,
    "topic": 0.10,
    "template": 0.10,
    "change": 0.08,
    "extremes": 0.08,
    "time": 0.06,
    "first_last": 0.04,
    "device": 0.03,
    "nonredundant": 0.02,
    "retained": 0.01,
}
"""Share of each metric in the score."""


class Score(msgspec.Struct, frozen=True):
    """How good a choice is.

    Attributes:
        score: Weighted mean of the metrics, 0 to 1; 0 when the choice is over its budget.
        metrics: Each metric, 0 to 1; one that the trace cannot have is absent.
        over_budget: Messages beyond the budget.
        missed: The (id, part) of every anomaly that is not shown.
    """

    score: float
    metrics: dict[str, float]
    over_budget: int
    missed: list[tuple[str, str]]


class Evaluator:
    """Scores choices from one trace.

    Attributes:
        messages: The trace.
        budget: How many messages a choice may have.
    """

    def __init__(self, messages: Sequence[LabelledMessage], budget: int = 50) -> None:
        self.messages, self.budget = messages, budget
        self._facets = facets(messages)
        self._best = {name: greedy([shown.get(name, []) for shown in self._facets], budget)[1] for name in METRICS}

    def score(self, kept: Sequence[int]) -> Score:
        """The score of the chosen indices.

        Raises:
            ValueError: An index is outside the trace.
        """
        kept = list(dict.fromkeys(kept))
        if any(not 0 <= index < len(self.messages) for index in kept):
            raise ValueError("kept index outside the trace")
        used = kept[: self.budget]
        over = len(kept) - len(used)
        metrics = {name: self._covered(used, name) for name in METRICS if self._best[name]}
        keys = {
            (self.messages[i].topic, hashlib.blake2b(self.messages[i].payload, digest_size=8).digest()) for i in used
        }
        if used:
            metrics["nonredundant"] = len(keys) / len(used)
        weight = total = 0.0
        for name, share in WEIGHTS.items():
            if name in metrics:
                total += share * metrics[name]
                weight += share
        shown = {facet for index in used for facet, _ in self._facets[index].get("anomaly", ())}
        everything = {facet: None for row in self._facets for facet, _ in row.get("anomaly", ())}
        missed = [facet for facet in everything if facet not in shown]
        return Score(0.0 if over or not weight else total / weight, metrics, over, missed)

    def _covered(self, used: Sequence[int], name: str) -> float:
        seen: dict[Any, float] = {}
        for index in used:
            for facet, weight in self._facets[index].get(name, ()):
                seen.setdefault(facet, weight)
        return min(1.0, sum(seen.values()) / self._best[name])

    def with_truth(self) -> list[int]:
        """A choice that sees the truth (greedy on the weighted sum): a practical ceiling, not a bound."""
        candidates: list[Facets] = []
        for shown in self._facets:
            row: Facets = []
            for name in METRICS:
                if self._best[name]:
                    share = WEIGHTS[name]
                    best = self._best[name]
                    row += [((name, facet), weight * share / best) for facet, weight in shown.get(name, ())]
            candidates.append(row)
        return sorted(greedy(candidates, self.budget)[0])
