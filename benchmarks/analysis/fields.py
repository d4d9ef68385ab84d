"""What payloads look like: fields and their presence against the exact profile, and the names of encodings."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.analysis.exam import Part, fed, mean, rows, traces
from benchmarks.labelled.scores import SchemaScore, exact_profile, score_schema
from benchmarks.labelled.truth import LabelledMessage
from benchmarks.report import Line, at_least, at_most
from mqtt_mcp.analysis.schema.fields import fields
from mqtt_mcp.analysis.schema.listening import SchemaAccumulator

_F1, _PRESENCE_ERROR, _SAMPLE = 0.99, 0.02, 200
_ENCODINGS_OF = "encodings"
_MAX_FIELDS = 10_000
SYNONYMS = {
    "json": {"json"},
    "json_nested": {"json", "json_nested"},
    "number": {"number"},
    "number_unit": {"number", "number_unit"},
    "decimal_comma": {"number", "decimal_comma"},
    "boolean": {"boolean"},
    "utf16": {"text_utf16"},
    "hex": {"hex_text"},
    "jpeg": {"image/jpeg"},
    "png": {"image/png"},
    "gzip": {"gzip", "gzip+json"},
    "zlib": {"zlib", "zlib+json"},
    "sparkplug": {"sparkplug_b"},
    "binary": {"hex"},
}
"""What our names of encodings may be for those of the truth; others are equal."""

Found = Mapping[str, Mapping[str, tuple[set[str], float]]]


def examine(scenarios: Sequence[str], seeds: Sequence[int]) -> Part:
    """Profile every trace, once whole and once from a sample of each group."""
    scores: dict[str, list[SchemaScore]] = defaultdict(list)
    errors: dict[str, list[float]] = defaultdict(list)
    misses: list[str] = []
    right = total = 0
    for name, seed, trace in traces(scenarios, seeds):
        groups = _groups(trace.messages)
        profile = exact_profile(trace.messages, lambda message, groups=groups: groups[message.topic])  # type: ignore[misc]
        score = score_schema(profile, _found(trace.messages))
        scores[name].append(score)
        misses += [f"{name} {seed}: field not found: {text}" for text in score.missed[:8]]
        misses += [f"{name} {seed}: field invented: {text}" for text in score.invented[:8]]
        sampled = list(_sampled(trace.messages, groups, seed))
        found = _found(sampled)
        relabelled = {groups[topic]: found.get(own, {}) for topic, own in _groups(sampled).items()}
        errors[name] += score_schema(profile, relabelled).presence_errors
        if name == _ENCODINGS_OF:
            wrong, count = _wrong_encodings(trace.messages)
            right, total = right + count - len(wrong), total + count
            misses += [f"{name} {seed}: encoding: {text}" for text in wrong]
    means = {name: mean([score.f1 for score in found]) for name, found in scores.items()}
    worst = min(means, key=lambda name: means[name])
    wrong_presence = {name: sum(values) / max(1, len(values)) for name, values in errors.items()}
    farthest = max(wrong_presence, key=lambda name: wrong_presence[name])
    lines = [
        _line("field F1, all messages seen", ">= .99", means[worst], worst, at_least(means[worst], _F1, "")),
        _line(
            f"presence error, {_SAMPLE} samples",
            "<= .02",
            wrong_presence[farthest],
            farthest,
            at_most(wrong_presence[farthest], _PRESENCE_ERROR, ""),
        ),
    ]
    if total:
        lines.append(_encodings_line(right, total))
    body = [
        (name, means[name], mean([score.type_overlap for score in scores[name]]), wrong_presence[name])
        for name in scores
    ]
    table = rows(("scenario", "field F1", "type overlap", "presence error"), body)
    values = {name: {"f1": f1, "types": types, "presence_error": error} for name, f1, types, error in body}
    return Part(lines, [table], misses, values)


def _line(what: str, bar: str, value: float, where: str, verdict: str) -> Line:
    return Line(
        row="fields",
        what="schema: " + what,
        bar=bar,
        measured=f"{value:.4f} ({where} is the worst)",
        compared_with="",
        verdict=verdict,
        values={"worst": value},
    )


def _encodings_line(right: int, total: int) -> Line:
    return Line(
        row="fields",
        what="schema: encodings named",
        bar="all",
        measured=f"{right} of {total}",
        compared_with="",
        verdict=at_least(right, total, "topics"),
        values={"right": right, "total": total},
    )


def _groups(messages: Iterable[LabelledMessage]) -> dict[str, str]:
    """The group each topic is in."""
    found = fed(SchemaAccumulator(), messages).groups()
    return {topic: group.template for group in found for topic in group.topics}


def _found(messages: Iterable[LabelledMessage]) -> Found:
    """Types and presence of the fields by group and path."""
    return {
        group.template: {
            field.path: (set(field.types), field.presence)
            for field in fields(group.profile, maps=False, max_fields=_MAX_FIELDS)
        }
        for group in fed(SchemaAccumulator(), messages).groups()
    }


def _sampled(messages: Sequence[LabelledMessage], groups: Mapping[str, str], seed: int) -> Iterable[LabelledMessage]:
    """At most 200 messages of each group, in order."""
    chance = random.Random(seed)
    by_group: dict[str, list[int]] = defaultdict(list)
    for index, message in enumerate(messages):
        by_group[groups[message.topic]].append(index)
    kept = {i for found in by_group.values() for i in chance.sample(found, min(_SAMPLE, len(found)))}
    return (messages[index] for index in sorted(kept))


def _wrong_encodings(messages: Sequence[LabelledMessage]) -> tuple[list[str], int]:
    """Topics whose encoding is named wrongly, and how many there are."""
    truth: dict[str, Counter[str]] = defaultdict(Counter)
    for message in messages:
        truth[message.topic][message.truth.fmt] += 1
    wrong = []
    named = {
        topic: group.encodings.most_common(1)[0][0]
        for group in fed(SchemaAccumulator(), messages).groups()
        for topic in group.topics
    }
    for topic, formats in truth.items():
        expected = formats.most_common(1)[0][0]
        if named[topic] not in SYNONYMS.get(expected, {expected}):
            wrong.append(f"{topic} is {expected}, named {named[topic]}")
    return wrong, len(truth)
