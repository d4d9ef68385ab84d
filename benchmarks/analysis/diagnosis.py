"""What is wrong with devices: severity-weighted recall of findings, and healthy devices that were flagged."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from benchmarks.analysis.exam import Part, fed, mean, rows, traces, window
from benchmarks.labelled.scores import FindingScore, expected_findings, score_findings
from benchmarks.labelled.trace import Trace
from benchmarks.report import Line, at_least, at_most
from mqtt_mcp.analysis.accumulator import Window
from mqtt_mcp.analysis.devices.debug import DebugAccumulator
from mqtt_mcp.analysis.devices.device import Device
from mqtt_mcp.analysis.devices.finding import Finding
from mqtt_mcp.analysis.devices.match import find

_RECALL, _FLAGGED = 0.90, 0.05
_SMALL_TRACE = 4_000
"""Messages; of a smaller trace each sick device is also asked for by name, as a person would."""
_WORRYING = frozenset({"critical", "high", "medium"})


class _Seen:
    """All devices after a trace, and what is wrong with each name."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.watch = trace, window(trace)
        self._examined = fed(DebugAccumulator(""), trace.messages).examined(self.watch)
        self.devices = self._examined.devices
        self._topics: dict[str, set[str]] = defaultdict(set)
        for message in trace.messages:
            self._topics[str(message.truth.device)].add(message.topic)

    def findings(self, name: str) -> tuple[list[Finding], str]:
        """Findings of the device of that name, and how it was found."""
        match = find(name, self.devices)
        if match.device is not None:
            return self._judged(match.device), "name"
        own = self._topics[name]
        meant = [one for one in self.devices if 2 * sum(t.topic in own for t in one.tracks) > len(one.tracks)]
        return [finding for one in meant for finding in self._judged(one)], "topics" if meant else "not at all"

    def _judged(self, device: Device) -> list[Finding]:
        return self._examined.judge(device).findings


def _asked(trace: Trace, name: str, watch: Window) -> list[Finding]:
    """What the tool answers to a name."""
    return fed(DebugAccumulator(name), trace.messages).result(watch).findings


def examine(scenarios: Sequence[str], seeds: Sequence[int]) -> Part:
    """Diagnose every device of every trace."""
    scores: dict[str, list[FindingScore]] = defaultdict(list)
    flagged: dict[str, list[float]] = defaultdict(list)
    misses: list[str] = []
    how_found: dict[str, Counter[str]] = defaultdict(Counter)
    for name, seed, trace in traces(scenarios, seeds):
        found = _found(trace)
        score, alarms = score_findings(trace, found.everything), score_findings(trace, found.worrying)
        how_found[name].update(found.how.values())
        scores[name].append(score)
        flagged[name].append(len(alarms.flagged) / max(1, len(alarms.healthy)))
        severity = expected_findings(trace)
        misses += [f"{name} {seed}: not found: {severity[key]} {key[1]} of {key[0]}" for key in score.missed]
        misses += [f"{name} {seed}: healthy, but flagged: {d} with {codes}" for d, codes in alarms.flagged.items()]
        nobody = [device for device, how in found.how.items() if how == "not at all"]
        misses += [f"{name} {seed}: no device is found for the name {device}" for device in nobody]
    recalls = {name: mean([score.recall for score in found]) for name, found in scores.items()}
    rates = {name: mean(values) for name, values in flagged.items()}
    return Part(
        _lines(recalls, rates),
        [_table(recalls, rates, how_found)],
        misses,
        {name: {"recall": recalls[name], "healthy_flagged": rates[name]} for name in recalls},
    )


class _Diagnosis(msgspec.Struct, frozen=True):
    """(device, code) of all findings, of those that are medium or worse, and how each device was found."""

    everything: set[tuple[str, str]]
    worrying: set[tuple[str, str]]
    how: dict[str, str]


def _found(trace: Trace) -> _Diagnosis:
    seen, out = _Seen(trace), _Diagnosis(set(), set(), {})
    sick = {device for device, _ in expected_findings(trace)}
    for name in sorted({str(message.truth.device) for message in trace.messages}):
        findings, out.how[name] = seen.findings(name)
        if name in sick and out.how[name] == "name" and len(trace.messages) <= _SMALL_TRACE:
            findings = _asked(trace, name, seen.watch)
        out.everything.update((name, finding.code) for finding in findings)
        out.worrying.update((name, finding.code) for finding in findings if finding.severity in _WORRYING)
    return out


def _lines(recalls: Mapping[str, float], rates: Mapping[str, float]) -> list[Line]:
    recall, rate = mean(list(recalls.values())), mean(list(rates.values()))
    worst = min(recalls, key=lambda name: recalls[name])
    noisiest = max(rates, key=lambda name: rates[name])
    return [
        Line(
            row="diagnosis",
            what="debug_device: severity-weighted recall",
            bar=">= .90",
            measured=f"{recall:.3f}, worst {recalls[worst]:.3f} ({worst})",
            compared_with="",
            verdict=at_least(recall, _RECALL, ""),
            values={"mean": recall, "worst": recalls[worst]},
        ),
        Line(
            row="diagnosis",
            what="debug_device: healthy devices flagged",
            bar="<= 5 %",
            measured=f"{rate:.1%}, worst {rates[noisiest]:.1%} ({noisiest})",
            compared_with="",
            verdict=at_most(rate, _FLAGGED, ""),
            values={"mean": rate, "worst": rates[noisiest]},
        ),
    ]


def _table(recalls: Mapping[str, float], rates: Mapping[str, float], how_found: Mapping[str, Counter[str]]) -> str:
    heads = ("scenario", "recall", "healthy flagged", "found by name", "by topics", "not at all")
    return rows(
        heads,
        [
            (name, recalls[name], rates[name], how["name"], how["topics"], how["not at all"])
            for name, how in how_found.items()
        ],
    )
