"""Which few messages stand for all: weighted coverage of topics, structures, values, time and reasons.

Owns the choice and nothing else: a pure function of candidates, deterministic. The choice is a greedy maximum of a
normalised coverage, which is monotone and submodular, so greedy reaches at least 1 - 1/e of the best (Nemhauser, Wolsey
and Fisher 1978; lazily evaluated after Minoux 1978).
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from mqtt_mcp.analysis.sample.signals import WEIGHTS, Signal
from mqtt_mcp.analysis.text import field_name, quote

POLICY = "coverage-1"
ASPECTS: dict[str, float] = {
    "issue": 0.45,
    "shape": 0.15,
    "topic": 0.10,
    "template": 0.10,
    "value": 0.10,
    "extreme": 0.08,
    "time": 0.06,
    "ends": 0.04,
    "retained": 0.01,
}
TIME_BINS = 20
_CHRONIC = 20
_TRAIT = 8
_FURTHER_ISSUE = 0.15
_BEGINNING = 0.2
_MAX_REASONS = 3

Facet = tuple[str, Any]
Weighted = tuple[Facet, float]
Numbered = tuple[int, float]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """What the choice may know of one message.

    Attributes:
        t_s: Seconds since the start of the watch.
        topic, template, shape: Where it came and how it is built.
        stored: A stored message sent because we subscribed.
        first, last: The first and the last message of its topic.
        words: (field path, word, weight) of discrete values; weights between 0 and 1.
        extremes: (field path, ``min`` or ``max``) that no other message of the topic exceeds.
        signals: Reasons to look at it, how often each was seen on its topic, and on how many topics like this.
        first_to_show: (code, key) of those that no message of its topic had before.
        duplicate_of: Equal for messages with equal topic and payload.
    """

    t_s: float
    topic: str
    template: str
    shape: str
    stored: bool = False
    first: bool = False
    last: bool = False
    words: Sequence[tuple[str, str, float]] = ()
    extremes: Sequence[tuple[str, str]] = ()
    signals: Sequence[tuple[Signal, int, int]] = ()
    first_to_show: frozenset[tuple[str, str]] = frozenset()
    duplicate_of: int = 0


class Chosen(msgspec.Struct, frozen=True):
    """A chosen candidate.

    Attributes:
        index: Which one.
        why: Reasons, most important first.
        rank: Its turn in the choice: the later, the less it adds to those before.
    """

    index: int
    why: list[str]
    rank: int = 0


def select(candidates: Sequence[Candidate], k: int) -> list[Chosen]:
    """Choose at most ``k`` messages.

    Args:
        candidates: In order of arrival.
        k: At least 0.

    Returns:
        The chosen in order of arrival. Fewer than ``k`` when the rest would add nothing that is not covered.
    """
    rows, facets = _facets(candidates)
    chosen = [
        Chosen(index, _reasons(candidates[index], [facets[number] for number in covered]), rank)
        for rank, (index, covered) in enumerate(_choose(candidates, rows, facets, k))
    ]
    chosen.sort(key=lambda one: one.index)
    return chosen


def _choose(
    candidates: Sequence[Candidate], rows: list[list[Numbered]], facets: Sequence[Facet], k: int
) -> list[tuple[int, list[int]]]:
    shares = _shares(rows, facets, k)
    weighted = [[(number, weight * shares[number]) for number, weight in row] for row in rows]
    same = [(candidate.topic, candidate.duplicate_of) for candidate in candidates]
    return _greedy(weighted, len(facets), same, k)


def _facets(candidates: Sequence[Candidate]) -> tuple[list[list[Numbered]], list[Facet]]:
    """What each candidate covers, as numbers of facets with a weight inside of the aspect; and the facets by number.

    Numbers are cheaper to compare than facets, which are nested tuples.
    """
    span_s = max((candidate.t_s for candidate in candidates), default=0.0) or 1.0
    shapes = [(candidate.template, candidate.shape) for candidate in candidates]
    latests = {shape: index for index, shape in enumerate(shapes)}
    firsts = {shapes[index]: index for index in reversed(range(len(shapes)))}
    numbers: defaultdict[Facet, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    common: dict[tuple[str, str, bool], tuple[Numbered, Numbered, Numbered]] = {}
    rows: list[list[Numbered]] = []
    for index, candidate in enumerate(candidates):
        topic, template = candidate.topic, candidate.template
        shape = shapes[index]
        known = common.get((topic, template, candidate.stored))
        if known is None:
            known = common[topic, template, candidate.stored] = (
                (numbers["topic", topic], 1.0),
                (numbers["template", template], 1.0),
                (numbers["retained", (template, candidate.stored)], 1.0),
            )
        row: list[Numbered] = [
            *known,
            (numbers["shape", shape], 1.0),
            (numbers["time", min(TIME_BINS - 1, int(candidate.t_s / span_s * TIME_BINS))], 1.0),
        ]
        if firsts[shape] == index:
            row.append((numbers["shape", (shape, "first")], 0.2))
        if latests[shape] == index:
            row.append((numbers["shape", (shape, "latest")], 0.2))
        if candidate.first:
            row.append((numbers["ends", (topic, "first")], 1.0))
        if candidate.last:
            row.append((numbers["ends", (topic, "last")], 1.0))
        for path, word, weight in candidate.words:
            row.append((numbers["value", (topic, (path, word))], weight))
        for extreme in candidate.extremes:
            row.append((numbers["extreme", (topic, extreme)], 1.0))  # noqa: PERF401 - as above
        if candidate.signals:
            weighted = issue_weights(topic, candidate.signals, candidate.first_to_show)
            row += [(numbers[facet], weight) for facet, weight in weighted]
        rows.append(row)
    return rows, list(numbers)


def issue_weights(
    topic: str, signals: Sequence[tuple[Signal, int, int]], first_to_show: frozenset[tuple[str, str]]
) -> list[Weighted]:
    """The facets of at least one reason and their weights: only the strongest reason of a message counts in full.

    What more than ``_TRAIT`` topics of one kind share is a trait of that kind: together they count as much as so many,
    and less and less when it is nothing grave.
    """
    found: list[Weighted] = []
    for signal, count, topics in signals:
        weight = WEIGHTS[signal.severity] * (0.5 if count > _CHRONIC else 1.0)
        if topics > _TRAIT:
            share = _TRAIT / topics
            weight *= share if weight > WEIGHTS["medium"] else share * share
        found.append((("issue", (signal.code, topic, signal.key)), weight))
    found.sort(key=lambda one: -one[1])
    found[1:] = [(facet, weight * _FURTHER_ISSUE) for facet, weight in found[1:]]
    # Of several that show the same the one where it began tells more.
    begun = [(facet, weight) for facet, weight in found if (facet[1][0], facet[1][2]) in first_to_show]
    return found + [(("issue", (*facet[1], "first")), weight * _BEGINNING) for facet, weight in begun]


def _shares(rows: list[list[Numbered]], facets: Sequence[Facet], k: int) -> list[float]:
    """What one unit of weight of each facet counts: its aspect's weight over what ``k`` messages could cover of it.

    The latter is estimated by the heaviest rows, each facet counted once.
    """
    seen = bytearray(len(facets))
    gains: dict[str, list[float]] = {aspect: [] for aspect in ASPECTS}
    for row in rows:
        here: dict[str, float] = {}
        for number, weight in row:
            if not seen[number]:
                seen[number] = 1
                aspect = facets[number][0]
                here[aspect] = here.get(aspect, 0.0) + weight
        for aspect, gain in here.items():
            gains[aspect].append(gain)
    units = {aspect: ASPECTS[aspect] / (sum(heapq.nlargest(k, several)) or 1.0) for aspect, several in gains.items()}
    return [units[facet[0]] for facet in facets]


def _greedy(
    rows: list[list[Numbered]], facet_count: int, same: Sequence[tuple[str, int]], k: int
) -> list[tuple[int, list[int]]]:
    """Lazy greedy maximum coverage; ties go to the earlier one, and of equal messages only one is taken.

    Returns:
        Indices with the numbers of the facets each newly covered, heaviest first.
    """
    covered = bytearray(facet_count)
    taken: set[tuple[str, int]] = set()
    heap = [(-sum([weight for _, weight in row]), index) for index, row in enumerate(rows)]
    heapq.heapify(heap)
    chosen: list[tuple[int, list[int]]] = []
    uncovered = facet_count
    while heap and uncovered and len(chosen) < k:
        _, index = heapq.heappop(heap)
        if same[index] in taken:
            continue
        gain = sum([weight for number, weight in rows[index] if not covered[number]])
        if gain <= 0:
            continue
        if heap and (-gain, index) > heap[0]:
            heapq.heappush(heap, (-gain, index))
            continue
        new = sorted((-weight, number) for number, weight in rows[index] if not covered[number])
        for _, number in new:
            uncovered -= not covered[number]
            covered[number] = 1
        taken.add(same[index])
        chosen.append((index, [number for _, number in new]))
    return chosen


def _reasons(candidate: Candidate, covered: list[Facet]) -> list[str]:
    reasons = [
        f"{signal.code}: {signal.why}" + (f" ({count} times)" if count > 1 else "")
        for signal, count, _ in sorted(candidate.signals, key=lambda one: -WEIGHTS[one[0].severity])
    ]
    for aspect, key in covered:
        if aspect == "extreme" and isinstance(key, tuple):
            path, which = key[1]
            reasons.append(f"{which} of {field_name(path)}")
        elif aspect == "value" and isinstance(key, tuple):
            path, word = key[1]
            reasons.append(f"{field_name(path)} is {quote(word, 32)}")
        elif aspect not in {"ends", "issue"}:
            reasons.append(_PLAIN_REASONS[aspect])
    if candidate.first and candidate.last:
        reasons.append("only one of its topic")
    elif candidate.first or candidate.last:
        reasons.append("first of its topic" if candidate.first else "last of its topic")
    return list(Counter(reasons))[:_MAX_REASONS]


_PLAIN_REASONS = {
    "shape": "example of a structure",
    "topic": "example of a topic",
    "template": "example of a kind of topic",
    "time": "example of its time",
    "retained": "example of stored or live",
}
