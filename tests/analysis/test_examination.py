"""The examination finds the shown messages again, and says no when a bar is not reached."""

import msgspec
import pytest
from benchmarks.analysis import choice, grouping
from benchmarks.analysis.exam import as_received
from benchmarks.labelled.catalogue import SCENARIOS


def test_what_the_analysis_gets_has_no_truth():
    message = SCENARIOS["owntracks"].trace(103).messages[0]

    received = as_received(message)

    assert (received.topic, received.payload, received.retain) == (message.topic, message.payload, message.retain)
    assert not hasattr(received, "truth")


def test_shown_messages_are_found_again_equal_ones_in_order():
    trace = SCENARIOS["z2m"].trace(103)
    shown = choice.rendered(trace).messages

    kept = choice.indices(shown, trace.messages)

    assert len(set(kept)) == len(shown) > 40
    assert [trace.messages[index].topic for index in kept] == [one.topic for one in shown]


def test_a_shown_message_that_was_never_sent_is_refused():
    trace = SCENARIOS["owntracks"].trace(103)
    invented = msgspec.structs.replace(choice.rendered(trace).messages[0], topic="never/sent")

    with pytest.raises(choice.NotOurs, match="never/sent"):
        choice.indices([invented], trace.messages)


def test_topics_that_are_not_grouped_fail_the_bar_and_are_told(monkeypatch):
    monkeypatch.setattr(grouping, "found_templates", lambda messages: {one.topic: one.topic for one in messages})

    part = grouping.examine(["tasmota"], [103])

    assert part.lines[0].verdict.startswith("short by")
    assert any("was split into" in miss for miss in part.misses)
