"""The bounded pool of messages that may be shown, and what the choice is told of them.

Owns which messages stay when the pool is full (the same coverage that chooses what is shown) and the latest message of
each topic as a late candidate. Counts nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from mqtt_mcp.analysis.payloads.decoder import Decoder
from mqtt_mcp.analysis.payloads.decoding import Decoded
from mqtt_mcp.analysis.sample.kept import Kept, parse
from mqtt_mcp.analysis.sample.plans import Field, Plans
from mqtt_mcp.analysis.sample.pruning import ASPECTS, Candidate, Chosen, issue_weights, select
from mqtt_mcp.analysis.sample.series import Series
from mqtt_mcp.analysis.sample.signals import Signal
from mqtt_mcp.analysis.sample.thinning import Coverage, Facet
from mqtt_mcp.analysis.sample.tracking import (
    LOW_DEVIATIONS,
    MIN_SIBLINGS,
    SIBLING_DEVIATIONS,
    TopicState,
    is_natural,
    outlier,
)
from mqtt_mcp.analysis.statistics import median, spread

_LATEST_TOPICS = 200
_STATE_KEYS = frozenset(
    {"state", "status", "power", "contact", "occupancy", "action", "event", "mode", "motion", "presence", "lock"}
    | {"availability", "online", "output", "ison", "position", "type", "eventtype", "reported"}
)
_WEIGHTS = {aspect: int(weight * 10_000) for aspect, weight in ASPECTS.items()}
_CONTENT = 1_000_000
"""What a content counts that no other message of its topic has: of equal messages all but one go first."""


IssueCounts = Mapping[tuple[str, str, str], int]
"""(code, topic, key) → how often it was seen."""


class Pool:
    """At most ``size`` messages. When it is full, each further one costs the place of the one that is missed least.

    What is missed is judged like the choice at the end, with weights that do not depend on the other messages: exact
    shares of the aspects would have to be measured anew for all of the pool each time.

    Args:
        size: Most messages it holds.
        bin_s: Seconds that count as one and the same time.
        decoder, plans: Those of the watch.
    """

    def __init__(self, size: int, bin_s: float, decoder: Decoder, plans: Plans) -> None:
        self.size = size
        self._decoder = decoder
        self._plans = plans
        self.kept: dict[int, Kept] = {}
        self.held_bytes = 0
        self.coverage = Coverage()
        self._bin_s = bin_s

    @property
    def full(self) -> bool:
        """Whether another message costs the place of one that is there."""
        return len(self.kept) >= self.size

    def add(self, kept: Kept, decoded: Decoded, issues: IssueCounts) -> None:
        """Take a message; when the pool is too full, the one that is missed least goes."""
        self.kept[kept.order] = kept
        self.coverage.add(kept.order, _facets(kept, issues, int(kept.t_s / self._bin_s)))
        self.held_bytes += kept.held_bytes
        if len(self.kept) > self.size:
            self.thin()
        if kept.order in self.kept:
            self.held_bytes -= kept.held_bytes
            kept.settle(decoded)
            self.held_bytes += kept.held_bytes

    def thin(self) -> None:
        """Let messages go until ``size`` are left."""
        while len(self.kept) > self.size:
            number = self.coverage.least_missed()
            self.coverage.remove(number)
            self.held_bytes -= self.kept.pop(number).held_bytes

    def choose(
        self,
        k: int,
        topics: Mapping[str, TopicState],
        templates: Mapping[tuple[str, ...], tuple[str, ...]],
        issues: IssueCounts,
        overdue: Sequence[tuple[Kept, Signal]],
    ) -> tuple[list[tuple[Kept, Chosen]], list[tuple[Kept, Signal]]]:
        """Choose what is shown: at most ``k`` of the pool and of the latest messages of the topics. Changes nothing.

        Args:
            k: How many.
            topics: All that are known in detail.
            templates: Masked levels → template, for those that differ.
            issues: How often each was seen.
            overdue: Messages with a reason to show them that came up later.

        Returns:
            The chosen in order of arrival; and all reasons that came up later, ``overdue`` and what only the whole
            watch tells.
        """
        everything = {kept.order: kept for kept in (*(kept for kept, _ in overdue), *self._latest(topics))}
        everything |= self.kept
        ordered = [everything[order] for order in sorted(everything)]
        concerned = {(code, name) for code, name, _ in issues}
        shared = Counter((code, templates.get(topics[name].masked, topics[name].masked)) for code, name in concerned)
        late: dict[int, list[Signal]] = {}
        for kept, signal in overdue:
            late.setdefault(kept.order, []).append(signal)
        _judge_late(ordered, late)
        chosen = select(_candidates(ordered, templates, issues, late, shared), k)
        told = [(kept, signal) for kept in ordered for signal in late.get(kept.order, ())]
        return [(ordered[one.index], one) for one in chosen], told

    def _latest(self, topics: Mapping[str, TopicState]) -> list[Kept]:
        pooled = {id(kept.message) for kept in self.kept.values()}
        found = []
        for state in topics.values():
            message = state.last
            if message is None or state.messages < 2 or id(message) in pooled:
                continue
            decoded = parse(message, self._decoder, again=True)
            plan = self._plans.plan(decoded.value, state.kind.name)
            kept = Kept(message, decoded, plan, state, t_s=state.last_s, order=state.last_order)
            words: list[tuple[str, str]] = []
            for field, value in plan.read(decoded.value):
                word = value if field.letter == "s" else str(value).lower() if field.letter == "b" else None
                if word is not None and word in state.words.get(field.path, ()):
                    words.append((field.path, word))
            kept.words = words
            found.append(kept)
            if len(found) >= _LATEST_TOPICS:
                break
        return found


def _facets(kept: Kept, issues: IssueCounts, time_bin: int) -> list[Facet]:
    """What a message covers, weighted by aspect; above all each content once."""
    state = kept.state
    name = state.name
    shape = (state.template, kept.shape)
    found: list[Facet] = [
        (("same", name, kept.digest), None, _CONTENT),
        (("topic", name), None, _WEIGHTS["topic"]),
        (("template", state.template), None, _WEIGHTS["template"]),
        (("shape", shape), None, _WEIGHTS["shape"]),
        (("latest", shape), kept.order, _WEIGHTS["shape"] // 5),
        (("time", time_bin), None, _WEIGHTS["time"]),
        (("retained", state.template, kept.message.retain), None, _WEIGHTS["retained"]),
    ]
    if kept.first:
        found.append((("first", name), None, _WEIGHTS["ends"]))
    for path, word in kept.words:
        found.append((("value", name, path, word), None, int(_WEIGHTS["value"] * _telling(state, path, word))))
    for field, value in kept.numbers:
        path = field.path
        series = state.series[path]
        if series.low == series.high:
            continue
        if value == series.low:
            found.append((("min", name, path), value, _WEIGHTS["extreme"]))
        elif value == series.high:
            found.append((("max", name, path), value, _WEIGHTS["extreme"]))
    if kept.signals:
        counted = [(signal, issues.get((signal.code, name, signal.key), 1), 1) for signal in kept.signals]
        for key, weight in issue_weights(name, counted, kept.first_to_show):
            found.append((key, None, int(weight * _WEIGHTS["issue"])))
    return found


def _candidates(
    everything: list[Kept],
    templates: Mapping[tuple[str, ...], tuple[str, ...]],
    issues: IssueCounts,
    late: Mapping[int, list[Signal]],
    shared: Mapping[tuple[str, tuple[str, ...]], int],
) -> list[Candidate]:
    found = []
    for kept in everything:
        state = kept.state
        template = templates.get(state.masked, state.masked)
        signals = [*late.get(kept.order, ()), *kept.signals]
        extremes = kept.extremes()
        found.append(
            Candidate(
                t_s=kept.t_s,
                topic=state.name,
                template="/".join(template),
                shape=kept.shape,
                stored=kept.message.retain,
                first=kept.first,
                last=kept.order == state.last_order,
                words=[(path, word, _telling(state, path, word)) for path, word in kept.words],
                extremes=[(field.path, which) for field, which in extremes],
                signals=[
                    (signal, issues.get((signal.code, state.name, signal.key), 1), shared[signal.code, template])
                    for signal in signals
                ],
                first_to_show=kept.first_to_show,
                duplicate_of=kept.digest,
            )
        )
    return found


def _judge_late(everything: list[Kept], late: dict[int, list[Signal]]) -> None:
    """Add what could not be told of numbers when they came, because little was known then; where it began."""
    measured: dict[Series, tuple[float, float]] = {}
    told: set[tuple[str, str]] = set()
    for kept in everything:
        if not kept.numbers or any(signal.code == "outlier" for signal in kept.signals):
            continue
        for signal in _late_outliers(kept, kept.extremes(), measured) or _unlike_siblings(kept, measured):
            if (kept.state.name, signal.key) not in told:
                told.add((kept.state.name, signal.key))
                late.setdefault(kept.order, []).append(signal)


def _telling(state: TopicState, path: str, word: str) -> float:
    """How much a discrete value tells: a state says more than a setting that never changes."""
    if len(state.words.get(path, ())) > 1:
        return 1.0
    if path == "$":
        kind = state.kind
        return 1.0 if kind.availability or kind.name in _STATE_KEYS else 0.1 if kind.leaf[:1] == "$" else 0.4
    if path.rpartition(".")[2].lower() in _STATE_KEYS:
        return 0.8
    return 0.4 if word in {"true", "false"} else 0.1


def _late_outliers(
    kept: Kept, extremes: list[tuple[Field, str]], measured: dict[Series, tuple[float, float]]
) -> list[Signal]:
    """Outliers that could not be told when they came, because little was known of the series then.

    ``measured`` remembers the median and the spread of each series that was asked for.
    """
    found = []
    for field, which in extremes:
        series = kept.state.series[field.path]
        value = series.low if which == "min" else series.high
        middle, deviation = _deviation(series, value, measured)
        if deviation > LOW_DEVIATIONS and not is_natural(field, value, middle):
            found.append(outlier(field, value, middle, deviation))
    return found


def _unlike_siblings(kept: Kept, measured: dict[Series, tuple[float, float]]) -> list[Signal]:
    """As ``TopicState.compare_with_siblings``, with what the whole watch taught."""
    known = kept.state.template.series.get((kept.structure, kept.state.kind.name))
    if known is None or len(known[0]) < MIN_SIBLINGS:
        return []
    for field, value in kept.numbers:
        series = known[1].get(field.path)
        if series is not None and series.count >= MIN_SIBLINGS and value in {series.low, series.high}:
            middle, deviation = _deviation(series, value, measured)
            if deviation > SIBLING_DEVIATIONS and series.distinct >= 3 and not is_natural(field, value, middle):
                return [outlier(field, value, middle, deviation)]
    return []


def _deviation(series: Series, value: float, measured: dict[Series, tuple[float, float]]) -> tuple[float, float]:
    known = measured.get(series)
    if known is None:
        middle = median(series.ring)
        known = measured[series] = (middle, spread(series.ring, middle))
    return known[0], abs(value - known[0]) / known[1]
