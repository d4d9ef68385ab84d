"""Scores of everything but the choice of messages: accounting, templates, field profiles, findings of devices."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from benchmarks.labelled.trace import Trace
from benchmarks.labelled.truth import SEVERITY_WEIGHT, LabelledMessage

FINDING_ALIAS = {
    "overtemperature": "alarm",
    "device_error": "alarm",
    "unavailable": "null_reading",
    "warning_log": "error_log",
    "device_leave": "device_offline",
    "camera_dead": "device_offline",
    "hub_restart": "device_offline",
    "unit_change": "schema_change",
    "rare_template": "schema_change",
}
"""Names of incidents, and the codes of findings that say the same."""


def f1(precision: float, recall: float) -> float:
    """Their harmonic mean."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def accounting_faults(result: Mapping[str, Any], messages: Sequence[LabelledMessage]) -> list[str]:
    """What a result with ``observed``, ``topics`` and ``other_topics`` does not account for."""
    by_topic = Counter(message.topic for message in messages)
    observed = result.get("observed", {})
    expected = {
        "messages": len(messages),
        "topics": len(by_topic),
        "bytes": sum(len(message.payload) for message in messages),
    }
    faults = [f"observed.{k} {observed.get(k)} != {n}" for k, n in expected.items() if observed.get(k) != n]
    topics = result.get("topics", [])
    total = sum(topic["messages"] for topic in topics) + result.get("other_topics", {}).get("messages", 0)
    if total != len(messages):
        faults.append(f"per-topic counts add to {total}, not {len(messages)}")
    wrong = [topic for topic in topics if by_topic.get(topic["topic"]) != topic["messages"]]
    return faults + [f"{topic['topic']}: {topic['messages']} != {by_topic.get(topic['topic'])}" for topic in wrong]


def template_f1(messages: Sequence[LabelledMessage], found: Mapping[str, str]) -> float:
    """Pairwise F1 of "two topics have the same template"; ``found`` maps topics to templates."""
    truth = {message.topic: message.truth.template for message in messages}

    def pairs(keys: Iterable[Any]) -> float:
        return sum(n * (n - 1) / 2 for n in Counter(keys).values())

    together = pairs((template, found.get(topic, topic)) for topic, template in truth.items())
    expected, got = pairs(truth.values()), pairs(found.get(topic, topic) for topic in truth)
    return f1(together / got if got else 1.0, together / expected if expected else 1.0)


class FieldTruth(msgspec.Struct):
    """A field of the JSON messages of a group.

    Attributes:
        present: How often it was there.
        parents: How often the object was there that may have it.
        types: How often it had each JSON type.
    """

    present: int = 0
    parents: int = 0
    types: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def presence(self) -> float:
        """Share of the parents that have it."""
        return self.present / self.parents


def json_type(value: Any) -> str:
    """JSON Schema's name of the type; whole numbers are integers only when written so."""
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def exact_profile(
    messages: Iterable[LabelledMessage], group_of: Callable[[LabelledMessage], str] | None = None
) -> dict[str, dict[str, FieldTruth]]:
    """The fields of all JSON messages by group (their templates) and path: ``a.b``, items of arrays ``a[]``."""
    profile: dict[str, dict[str, FieldTruth]] = {}
    objects: Counter[tuple[str, str]] = Counter()
    count: Counter[str] = Counter()
    for message in messages:
        if message.truth.fmt not in {"json", "json_nested"}:
            continue
        try:
            stack = [("", json.loads(message.payload))]
        except ValueError:
            continue
        group = group_of(message) if group_of else message.truth.template
        fields = profile.setdefault(group, {})
        count[group] += 1
        while stack:
            path, value = stack.pop()
            field = fields.setdefault(path or "$", FieldTruth())
            field.present += 1
            field.types[json_type(value)] += 1
            if isinstance(value, dict):
                objects[group, path] += 1
                stack += [(f"{path}.{key}" if path else key, item) for key, item in value.items()]
            elif isinstance(value, list):
                stack += [(path + "[]", item) for item in value]
    for group, fields in profile.items():
        for path, field in fields.items():
            parent = path.rpartition(".")[0]
            whole = path == "$" or path.endswith("[]")
            field.parents = field.present if whole else objects.get((group, parent), count[group])
    return profile


class SchemaScore(msgspec.Struct, frozen=True):
    """How well fields were found.

    Attributes:
        f1: Of the fields' paths.
        type_overlap: Mean Jaccard index of the types of the fields that were found.
        presence_errors: |presence - truth| of each field that was found.
        missed: ``group path`` of fields that were not found.
        invented: ``group path`` of fields that are not there.
    """

    f1: float
    type_overlap: float
    presence_errors: list[float]
    missed: list[str]
    invented: list[str]


def score_schema(
    profile: Mapping[str, Mapping[str, FieldTruth]], found: Mapping[str, Mapping[str, tuple[set[str], float]]]
) -> SchemaScore:
    """Compare with what was ``found``: types and presence by group and path."""
    missed, errors, overlaps = [], [], []
    for group, fields in profile.items():
        got = found.get(group, {})
        for path, field in fields.items():
            if path == "$":
                continue
            if path not in got:
                missed.append(f"{group} {path}")
                continue
            types, presence = got[path]
            want = set(field.types)
            overlaps.append(len(want & types) / len(want | types))
            errors.append(abs(presence - field.presence))
    invented = [f"{g} {path}" for g in profile for path in found.get(g, {}) if path not in {"$", *profile[g]}]
    right = len(errors)
    precision = right / (right + len(invented)) if right + len(invented) else 1.0
    recall = right / (right + len(missed)) if right + len(missed) else 1.0
    overlap = sum(overlaps) / right if right else 1.0
    return SchemaScore(f1(precision, recall), overlap, errors, missed, invented)


def expected_findings(trace: Trace) -> dict[tuple[str, str], str]:
    """Severity of each (device, code) that a diagnosis of all devices should report."""
    out: dict[tuple[str, str], str] = {}
    for message in trace.messages:
        anomaly = message.truth.anomaly
        if anomaly:
            key = str(message.truth.device), FINDING_ALIAS.get(anomaly.finding, anomaly.finding)
            if key not in out or SEVERITY_WEIGHT[anomaly.severity] > SEVERITY_WEIGHT[out[key]]:
                out[key] = anomaly.severity
    return out | {(finding.device, finding.code): finding.severity for finding in trace.findings}


class FindingScore(msgspec.Struct, frozen=True):
    """How well findings were found.

    Attributes:
        recall: Weighted by severity.
        missed: (device, code) that should have been reported.
        healthy: Devices that nothing is wrong with.
        flagged: What was reported of healthy devices, by device.
    """

    recall: float
    missed: list[tuple[str, str]]
    healthy: list[str]
    flagged: dict[str, list[str]]


def score_findings(trace: Trace, found: Iterable[tuple[str, str]]) -> FindingScore:
    """Compare with the (device, code) that were reported as medium or worse."""
    want = expected_findings(trace)
    got = {(device, FINDING_ALIAS.get(code, code)) for device, code in found}
    total = sum(SEVERITY_WEIGHT[severity] for severity in want.values())
    hit = sum(SEVERITY_WEIGHT[severity] for key, severity in want.items() if key in got)
    healthy = {str(message.truth.device) for message in trace.messages} - {device for device, _ in want}
    flagged: dict[str, list[str]] = {}
    for device, code in sorted(got):
        if device in healthy:
            flagged.setdefault(device, []).append(code)
    missed = sorted(key for key in want if key not in got)
    return FindingScore(hit / total if total else 1.0, missed, sorted(healthy), flagged)
