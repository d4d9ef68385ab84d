"""Topic names, topic filters and matching.

Provenance: MQTT 5 §4.7 and §1.5.4; the naive matcher follows the wording of §4.7.1 level by level.
"""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.mqtt.errors import TopicInvalid
from mqtt_mcp.mqtt.topics import check_topic_filter, check_topic_name, matches

levels = st.sampled_from(["", "a", "b", "ab", "$SYS", "$", "ä", ".*", "a\nb", "+x"[1:]])
names = st.lists(levels, min_size=1, max_size=5).map("/".join).filter(bool)
filters = (
    st.tuples(st.lists(st.one_of(levels, st.just("+")), max_size=5), st.booleans())
    .map(lambda parts: "/".join([*parts[0], "#"] if parts[1] else parts[0]))
    .filter(bool)
)


def naive(topic_filter: str, topic: str) -> bool:
    wanted, have = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(have) or level not in ("+", have[index]):
            return False
    return len(wanted) == len(have)


@given(filters, names)
def test_matching_agrees_with_the_naive_matcher(topic_filter: str, topic: str) -> None:
    """Every fast path gives what a level-by-level comparison gives."""
    assert matches(topic_filter, topic) == naive(topic_filter, topic)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
        ("sport/tennis/player1/#", "sport/tennis/player10", False),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/x", False),
        ("+/monitor/Clients", "$SYS/monitor/Clients", False),
        ("$SYS/#", "$SYS/x", True),
        ("$SYS/monitor/+", "$SYS/monitor/Clients", True),
        ("a", "A", False),
        ("a.b/+", "axb/c", False),
    ],
)
def test_the_examples_of_the_standard(topic_filter: str, topic: str, expected: bool) -> None:
    """MQTT 5 §4.7.1.2, §4.7.1.3 and §4.7.2, plus two traps of regular expressions."""
    assert matches(topic_filter, topic) is expected


@pytest.mark.parametrize(
    ("topic", "rule", "place"),
    [
        ("", "MQTT-4.7.3-1", ""),
        ("a/+", "MQTT-4.7.1-1", "'+' at character 3"),
        ("#", "MQTT-4.7.1-1", "'#' at character 1"),
        ("ab\0", "MQTT-4.7.3-2", "U+0000 at character 3"),
        ("a\ud800", "MQTT-1.5.4-1", "U+D800 at character 2"),
        ("a\x1b[31m", "§1.5.4", "U+001B at character 2"),
        ("ä" * 32_768, "MQTT-4.7.3-3", "65,536 bytes"),
    ],
)
def test_a_bad_topic_name_is_told_by_rule_and_character(topic: str, rule: str, place: str) -> None:
    """The message names the rule of the standard, the character and where it is."""
    with pytest.raises(TopicInvalid) as error:
        check_topic_name(topic)
    assert rule in error.value.message
    assert place in error.value.message
    assert error.value.hint
    assert len(error.value.message) < 400
    assert error.value.message.isprintable()


@pytest.mark.parametrize(
    ("topic_filter", "rule", "place"),
    [
        ("", "MQTT-4.7.3-1", ""),
        ("a/#/b", "MQTT-4.7.1-1", "'#' at character 3"),
        ("a/b#", "MQTT-4.7.1-1", "'#' at character 4"),
        ("a/+b/c", "MQTT-4.7.1-2", "'+' at character 3"),
        ("##", "MQTT-4.7.1-1", "character 1"),
        ("$share/group/a", "§4.8.2", ""),
        ("$share", "§4.8.2", ""),
    ],
)
def test_a_bad_filter_is_told_by_rule_and_character(topic_filter: str, rule: str, place: str) -> None:
    """The message names the rule of the standard, the character and where it is."""
    with pytest.raises(TopicInvalid) as error:
        check_topic_filter(topic_filter)
    assert rule in error.value.message
    assert place in error.value.message


@pytest.mark.parametrize("topic", ["a//b", "/", "/a", "a/", " ", "$SYS/x", "x" * 65_535, "gerät/温度", "\ufeffa", "🏠"])
def test_unusual_but_valid_names_pass(topic: str) -> None:
    """Empty levels, spaces, $ and every language are allowed (MQTT 5 §4.7.3)."""
    check_topic_name(topic)
    check_topic_filter(topic)


def refusal(check: Callable[[str], None], text: str) -> str | None:
    try:
        check(text)
    except TopicInvalid as error:
        return error.message
    return None


@given(st.text())
def test_checking_never_fails_but_by_topic_invalid(text: str) -> None:
    """Whatever a model sends as a topic, the answer is yes or a sentence that prints."""
    for check in (check_topic_name, check_topic_filter):
        assert (refusal(check, text) or "fine").isprintable()
