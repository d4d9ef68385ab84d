"""The labelled traffic is what it says: repeatable, in order, labelled with known codes, and scored as defined."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from benchmarks.labelled import baselines
from benchmarks.labelled.catalogue import SCENARIOS
from benchmarks.labelled.evaluator import Evaluator
from benchmarks.labelled.scores import (
    accounting_faults,
    exact_profile,
    expected_findings,
    score_findings,
    score_schema,
    template_f1,
)
from benchmarks.labelled.truth import SEVERITY_WEIGHT

CODES = frozenset(
    (
        "device_offline flapping contradiction silence_gap jitter burst duplicates bridge_loop stale_retained "
        "retained_command state_not_retained retained_event value_outlier stuck_value null_reading "
        "schema_change malformed_payload clock_skew timestamp_stalled sequence_gap reordering rebirth_missing "
        "reboot battery_low link_weak error_log command_error alarm command_unanswered duplicate_client_id "
        "discovery_inconsistent qos_mismatch oversized prompt_injection bad_quality "
    )
    .strip()
    .split(" ")
)
SMALL = [name for name in SCENARIOS if name != "factory"]


@pytest.mark.parametrize("name", SMALL)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(name):
    first, again, other = (SCENARIOS[name].trace(seed).messages for seed in (103, 103, 104))

    assert first == again
    assert first != other


@pytest.mark.parametrize("name", SCENARIOS)
def test_messages_are_in_order_and_fit_their_templates(name):
    messages = SCENARIOS[name].trace(103).messages

    assert all(before.t <= after.t for before, after in pairwise(messages))
    for topic, template in {(message.topic, message.truth.template) for message in messages}:
        literal = re.sub(r"\\\{[^}]*\\\}", "[^/]+(?:/[^/]+)*", re.escape(template))
        assert re.fullmatch(literal, topic), (topic, template)


@pytest.mark.parametrize("name", SCENARIOS)
def test_incidents_have_codes_of_findings_and_most_devices_are_not_all_ill(name):
    trace = SCENARIOS[name].trace(103)
    expected = expected_findings(trace)
    devices = {str(message.truth.device) for message in trace.messages}

    assert expected
    assert {code for _, code in expected} <= CODES
    assert set(expected.values()) <= set(SEVERITY_WEIGHT)
    assert {device for device, _ in expected} <= devices
    if name != "owntracks":
        assert len({device for device, _ in expected}) < 0.7 * len(devices)


def test_the_encodings_are_twenty_five_and_each_has_a_dozen_messages():
    messages = SCENARIOS["encodings"].trace(103).messages
    by_topic: dict[str, list[str]] = {}
    for message in messages:
        by_topic.setdefault(message.topic, []).append(message.truth.fmt)
    majority = {max(set(formats), key=formats.count) for formats in by_topic.values()}

    assert len(majority) >= 25
    assert min(len(formats) for formats in by_topic.values()) >= 12


def test_the_factory_has_thirty_thousand_messages_on_four_hundred_topics():
    messages = SCENARIOS["factory"].trace(103).messages

    assert 29_000 < len(messages) < 31_000
    assert 390 < len({message.topic for message in messages}) < 430


@pytest.mark.parametrize("name", ["z2m", "sparkplug", "encodings"])
def test_a_choice_with_the_truth_beats_every_baseline(name):
    messages = SCENARIOS[name].trace(103).messages
    judge = Evaluator(messages, 50)
    best = judge.score(judge.with_truth())

    assert best.score > 0.85
    for baseline in baselines.BASELINES:
        assert judge.score(baselines.choose(baseline, messages, 50, 103)).score < best.score - 0.1


def test_a_choice_over_its_budget_scores_nothing():
    judge = Evaluator(SCENARIOS["owntracks"].trace(103).messages, 50)

    assert judge.score(range(51)).score == 0.0
    assert judge.score(range(50)).score > 0.0


def test_the_truth_itself_gets_full_marks_and_a_lie_does_not():
    trace = SCENARIOS["tasmota"].trace(103)
    templates = {message.topic: message.truth.template for message in trace.messages}
    profile = exact_profile(trace.messages)
    found = {
        group: {path: (set(field.types), field.presence) for path, field in fields.items()}
        for group, fields in profile.items()
    }

    assert template_f1(trace.messages, templates) == 1.0
    assert template_f1(trace.messages, {}) < 0.5
    assert score_schema(profile, found).f1 == 1.0
    assert score_schema(profile, {**found, next(iter(found)): {"nonsense": ({"string"}, 1.0)}}).f1 < 1.0
    assert score_findings(trace, expected_findings(trace)).recall == 1.0
    assert score_findings(trace, []).recall == 0.0


def test_a_topic_that_is_not_counted_is_an_accounting_fault():
    messages = SCENARIOS["owntracks"].trace(103).messages
    observed = {
        "messages": len(messages),
        "topics": len({message.topic for message in messages}),
        "bytes": sum(len(message.payload) for message in messages),
    }

    assert accounting_faults({"observed": observed, "other_topics": {"messages": len(messages)}}, messages) == []
    assert accounting_faults({"observed": observed, "other_topics": {"messages": 3}}, messages)


def test_the_scenarios_know_nothing_of_the_analysis_they_examine():
    labelled = Path(__file__).parents[2] / "benchmarks" / "labelled"

    assert not [path for path in labelled.rglob("*.py") if "mqtt_mcp" in path.read_text()]
