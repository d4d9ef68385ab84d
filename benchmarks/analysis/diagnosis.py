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
from mqtt_mcp.analysis.devices.fleet import Odd, odd_ones
from mqtt_mcp.analysis.devices.judge import judge
from mqtt_mcp.analysis.devices.report import DeviceReport

_RECALL, _FLAGGED = 0.90, 0.05
_SMALL_TRACE = 4_000
"""Messages; of a smaller trace each sick device is also watched by name, as a person would, and so more closely."""
_MAX_HEALTHY = 60
"""Healthy devices asked about in each trace; of more, every nth."""
_CHARS = 1_000_000
_WORRYING = frozenset({"critical", "high", "medium"})


class _Watch(DebugAccumulator):
    """One watch of all devices that is asked about one after the other."""

    _grouped: list[Device] | None = None
    _odd: dict[str, list[Odd]] | None = None

    def devices(self) -> list[Device]:
        """Grouped once: nothing comes after the first question."""
        if self._grouped is None:
            self._grouped = super().devices()
        return self._grouped

    def about(self, name: str, watch: Window) -> DeviceReport:
        """What a watch for that name alone would say, with a little less seen of fast topics."""
        self._query = name
        return self.result(watch)

    def judged(self, device: Device, watch: Window) -> list[Finding]:
        """What is wrong with one of ``devices``, whatever its name."""
        if self._odd is None:
            self._odd = odd_ones(self._tracks.values(), watch.elapsed_s)
        return judge(self._view(device, watch, self._odd)).findings


class _Seen:
    """All devices after a trace, and what is wrong with each name."""

    def __init__(self, trace: Trace) -> None:
        self._window = window(trace)
        self._watch = fed(_Watch("", max_chars=_CHARS), trace.messages)
        self._topics: dict[str, set[str]] = defaultdict(set)
        for message in trace.messages:
            self._topics[str(message.truth.device)].add(message.topic)

    def findings(self, name: str) -> tuple[list[Finding], str]:
        """Findings of the device of that name, and how it was found."""
        report = self._watch.about(name, self._window)
        if report.identity:
            return report.findings, "name"
        own = self._topics[name]
        meant = [one for one in self._watch.devices() if 2 * sum(t.topic in own for t in one.tracks) > len(one.tracks)]
        found = [finding for one in meant for finding in self._watch.judged(one, self._window)]
        return found, "topics" if meant else "not at all"


def _asked(trace: Trace, name: str) -> list[Finding]:
    """What a watch for a name tells."""
    return fed(DebugAccumulator(name, max_chars=_CHARS), trace.messages).result(window(trace)).findings


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
        asked = [device for device in alarms.healthy if device in found.how]
        flagged[name].append(len(alarms.flagged) / max(1, len(asked)))
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
    healthy = sorted({str(message.truth.device) for message in trace.messages} - sick)
    for name in sorted(sick) + healthy[:: 1 + len(healthy) // _MAX_HEALTHY]:
        findings, out.how[name] = seen.findings(name)
        if name in sick and out.how[name] == "name" and len(trace.messages) <= _SMALL_TRACE:
            findings = _asked(trace, name)
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
