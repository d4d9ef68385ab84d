"""Which 50 messages are shown: scores against the truth and seven baselines, the account, the size, the repetition."""

from collections import defaultdict
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import msgspec

from benchmarks.analysis.exam import Part, fed, mean, rows, traces, window
from benchmarks.labelled.baselines import BASELINES, choose
from benchmarks.labelled.evaluator import Evaluator
from benchmarks.labelled.scores import accounting_faults
from benchmarks.labelled.trace import Trace
from benchmarks.labelled.truth import LabelledMessage
from benchmarks.report import Line, at_least, at_most, both
from mqtt_mcp.analysis.sample.messages import SampleMessage
from mqtt_mcp.analysis.sample.sampling import Sampler
from mqtt_mcp.tools.subscribe_and_collect import _result as tool_result
from mqtt_mcp.wire.results import encode_result

BUDGET = 50
POOL = 500
_MEAN, _ANOMALY, _STRUCT, _LEAST, _AHEAD, _CHARS = 0.88, 0.95, 0.95, 0.70, 0.10, 24_000
_SHOWN_METRICS = ("anomaly", "struct", "topic", "template", "change", "extremes", "first_last", "time")


class NotOurs(ValueError):
    """A shown message that was never sent."""


def rendered(trace: Trace) -> Any:
    """The whole result of subscribe_and_collect for a trace."""
    sampler = fed(Sampler(max_messages=POOL, duration_s=trace.duration_s), trace.messages)
    watch = window(trace)
    collection: Any = SimpleNamespace(id="00000000-0000-4000-8000-000000000000", window=lambda: watch)
    return tool_result(collection, sampler.result(watch), "#")


def indices(shown: Sequence[SampleMessage], messages: Sequence[LabelledMessage]) -> list[int]:
    """Where the shown messages are in the trace, by topic, size and time, equal ones in order.

    Raises:
        NotOurs: A shown message is not in the trace.
    """
    places: dict[tuple[str, int, float], list[int]] = defaultdict(list)
    for index, message in enumerate(messages):
        places[message.topic, len(message.payload), round(message.t, 3)].append(index)
    kept: list[int] = []
    for one in shown:
        found = places.get((one.topic, one.bytes, one.t_s))
        if not found:
            raise NotOurs(f"{one.topic} at {one.t_s} s with {one.bytes} bytes")
        kept.append(found.pop(0))
    return kept


class _Scenario:
    """The figures of one scenario over all seeds."""

    def __init__(self) -> None:
        self.scores: list[float] = []
        self.metrics: dict[str, list[float]] = defaultdict(list)
        self.baselines: dict[str, list[float]] = defaultdict(list)
        self.chars: list[int] = []

    @property
    def score(self) -> float:
        """Mean over the seeds."""
        return mean(self.scores)

    @property
    def best_baseline(self) -> float:
        """The mean of the baseline that is best here."""
        return max(mean(scores) for scores in self.baselines.values())


def examine(scenarios: Sequence[str], seeds: Sequence[int]) -> Part:
    """Show 50 messages of every trace."""
    found: dict[str, _Scenario] = defaultdict(_Scenario)
    misses: list[str] = []
    faults, changed = 0, 0
    for name, seed, trace in traces(scenarios, seeds):
        judge, entry = Evaluator(trace.messages, BUDGET), found[name]
        result = rendered(trace)
        encoded = encode_result(result)
        if encode_result(rendered(trace)) != encoded:
            changed += 1
            misses.append(f"{name} {seed}: a second run gave another result")
        score = judge.score(indices(result.messages, trace.messages))
        entry.scores.append(score.score)
        entry.chars.append(len(encoded.decode()))
        for metric, value in score.metrics.items():
            entry.metrics[metric].append(value)
        for baseline in BASELINES:
            entry.baselines[baseline].append(judge.score(choose(baseline, trace.messages, BUDGET, seed)).score)
        account = accounting_faults(msgspec.to_builtins(result), trace.messages)
        faults += len(account)
        misses += [f"{name} {seed}: account: {fault}" for fault in account[:3]]
        misses += [f"{name} {seed}: not shown: {_described(trace, *missed)}" for missed in score.missed]
        misses += _unseen_structures(f"{name} {seed}", trace, indices(result.messages, trace.messages))
    return Part(_lines(found, faults, changed, len(seeds)), [_table(found)], misses, _values(found))


def _described(trace: Trace, incident: str, part: str) -> str:
    for message in trace.messages:
        label = message.truth.anomaly
        if label and (label.id, label.part) == (incident, part):
            told = message.payload[:100].decode("utf-8", "replace")
            return f"{label.severity} {incident} ({part}) at {message.t} s on {message.topic}: {told!r}"
    return f"{incident} ({part})"


def _unseen_structures(where: str, trace: Trace, kept: Sequence[int]) -> list[str]:
    shown = {(m.truth.template, m.truth.struct) for m in (trace.messages[index] for index in kept)}
    everything = {(m.truth.template, m.truth.struct): m for m in reversed(trace.messages)}
    if len(everything) > BUDGET:
        return []
    return [
        f"{where}: structure not shown: {struct} of {template}"
        for (template, struct), _ in sorted(everything.items())
        if (template, struct) not in shown
    ]


def _lines(found: dict[str, _Scenario], faults: int, changed: int, seeds: int) -> list[Line]:
    def metric(name: str) -> float:
        return mean([mean(entry.metrics[name]) for entry in found.values() if entry.metrics[name]])

    overall = mean([entry.score for entry in found.values()])
    least = min(found, key=lambda name: found[name].score)
    ahead = {name: entry.score - entry.best_baseline for name, entry in found.items()}
    nearest = min(ahead, key=lambda name: ahead[name])
    means = {b: mean([mean(entry.baselines[b]) for entry in found.values()]) for b in BASELINES}
    best = max(means, key=lambda name: means[name])
    chars = max(max(entry.chars) for entry in found.values())
    long = [name for name, entry in found.items() if entry.score < _LEAST]
    return [
        _line(
            "pruning: mean score", ">= .88", f"{overall:.3f}", at_least(overall, _MEAN, ""), f"{best} {means[best]:.3f}"
        ),
        _line(
            "pruning: anomalies shown", ">= .95", f"{metric('anomaly'):.3f}", at_least(metric("anomaly"), _ANOMALY, "")
        ),
        _line(
            "pruning: structures shown", ">= .95", f"{metric('struct'):.3f}", at_least(metric("struct"), _STRUCT, "")
        ),
        _line(
            "pruning: worst scenario",
            "none < .70",
            f"{found[least].score:.3f} ({least})",
            at_least(found[least].score, _LEAST, "") + (f" in {len(long)}" if len(long) > 1 else ""),
        ),
        _line(
            "pruning: ahead of the best baseline",
            ">= +.10 in each",
            f"{ahead[nearest]:+.3f} ({nearest})",
            at_least(ahead[nearest], _AHEAD, ""),
        ),
        _line(
            "pruning: account and repetition",
            "no fault",
            f"{faults} faults, {changed} of {len(found) * seeds} traces changed",
            both(at_most(faults, 0, "faults"), at_most(changed, 0, "traces")),
        ),
        _line("pruning: characters of a result", "<= 24,000", f"{chars:,}", at_most(chars, _CHARS, "characters")),
    ]


def _line(what: str, bar: str, measured: str, verdict: str, compared_with: str = "") -> Line:
    return Line(
        row="choice", what=what, bar=bar, measured=measured, compared_with=compared_with, verdict=verdict, values={}
    )


def _table(found: dict[str, _Scenario]) -> str:
    heads = ("scenario", "score", *_SHOWN_METRICS, *BASELINES)
    return rows(
        heads,
        [
            (
                name,
                entry.score,
                *(mean(entry.metrics[metric]) if entry.metrics[metric] else "-" for metric in _SHOWN_METRICS),
                *(mean(entry.baselines[baseline]) for baseline in BASELINES),
            )
            for name, entry in found.items()
        ],
    )


def _values(found: dict[str, _Scenario]) -> dict[str, dict[str, float]]:
    return {
        name: {
            "score": entry.score,
            "chars": max(entry.chars),
            **{metric: mean(values) for metric, values in entry.metrics.items()},
            **{f"baseline {baseline}": mean(values) for baseline, values in entry.baselines.items()},
        }
        for name, entry in found.items()
    }
