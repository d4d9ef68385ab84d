"""Which topics are of one kind: pairwise F1 of the templates that list_topics finds."""

from collections import defaultdict
from collections.abc import Sequence

from benchmarks.analysis.exam import Part, mean, rows, traces
from benchmarks.labelled.scores import template_f1
from benchmarks.labelled.truth import LabelledMessage
from benchmarks.report import Line, at_least, both
from mqtt_mcp.analysis.payloads.decoding import decode
from mqtt_mcp.analysis.payloads.shape import signature
from mqtt_mcp.analysis.topics.templates import templates

_MEAN, _LEAST = 0.93, 0.85
_LOOKED_AT_BYTES = 2_048


def found_templates(messages: Sequence[LabelledMessage]) -> dict[str, str]:
    """Template of each topic, with the structure of the first payload of each that is not too large to look into."""
    shapes: dict[str, str] = {}
    for message in messages:
        if message.topic not in shapes and 0 < len(message.payload) <= _LOOKED_AT_BYTES:
            decoded = decode(message.payload, message.topic)
            shapes[message.topic] = decoded.shape or signature(decoded.value)
    return templates(dict.fromkeys(message.topic for message in messages), shapes)


def examine(scenarios: Sequence[str], seeds: Sequence[int]) -> Part:
    """Group the topics of every trace."""
    scores: dict[str, list[float]] = defaultdict(list)
    misses: list[str] = []
    for name, seed, trace in traces(scenarios, seeds):
        found = found_templates(trace.messages)
        score = template_f1(trace.messages, found)
        scores[name].append(score)
        if score < 1.0 and seed == seeds[0]:
            misses += [f"{name} {seed}: templates: {text}" for text in _differences(trace.messages, found)]
    means = {name: mean(values) for name, values in scores.items()}
    overall, worst = mean(list(means.values())), min(scores, key=lambda name: min(scores[name]))
    line = Line(
        row="grouping",
        what="templates: pairwise F1",
        bar="mean >= .93, none < .85",
        measured=f"{overall:.3f}, worst {min(scores[worst]):.3f} ({worst})",
        compared_with="",
        verdict=both(at_least(overall, _MEAN, ""), at_least(min(scores[worst]), _LEAST, "")),
        values={"mean": overall, "worst": min(scores[worst])},
    )
    table = rows(("scenario", "template F1"), means.items())
    return Part([line], [table], misses, {name: {"f1": value} for name, value in means.items()})


def _differences(messages: Sequence[LabelledMessage], found: dict[str, str]) -> list[str]:
    """Templates of the truth that were split, and found ones that mix several."""
    truth = {message.topic: message.truth.template for message in messages}
    parts: dict[str, set[str]] = defaultdict(set)
    mixed: dict[str, set[str]] = defaultdict(set)
    for topic, template in truth.items():
        parts[template].add(found[topic])
        mixed[found[topic]].add(template)
    out = [f"{template} was split into {sorted(names)[:5]}" for template, names in parts.items() if len(names) > 1]
    return out + [f"{name} mixes {sorted(kinds)[:5]}" for name, kinds in mixed.items() if len(kinds) > 1]
