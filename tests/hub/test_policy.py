"""The gates of publishing and reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.policy import AccessPolicy, covers, overlaps
from mqtt_mcp.mqtt.topics import matches

LEVELS = st.sampled_from(["a", "b", "", "$SYS"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join).filter(bool)
FILTERS = (
    st.tuples(st.lists(st.sampled_from(["a", "b", "", "+", "$SYS"]), min_size=0, max_size=4), st.booleans())
    .map(lambda p: "/".join([*p[0], "#"] if p[1] else p[0]))
    .filter(bool)
)


@given(FILTERS, FILTERS, TOPICS)
def test_covers_and_overlaps_agree_with_matching(one, other, topic):
    """A topic matched by both proves an overlap; a covered filter matches nothing the wide one does not."""
    if matches(one, topic) and matches(other, topic):
        assert overlaps(one, other)
        assert overlaps(other, one)
    if covers(one, other) and matches(other, topic):
        assert matches(one, topic)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a/#", "a", True),
        ("a/+", "+/b", True),
        ("a/+", "b/+", False),
        ("#", "$SYS/#", False),
        ("a/b", "a/b/c", False),
        ("a/+/c", "a/b/#", True),
    ],
)
def test_filters_overlap_when_some_topic_matches_both(one, other, expected):
    """MQTT 5 §4.7.1 and §4.7.2."""
    assert overlaps(one, other) is expected
    assert overlaps(other, one) is expected


@pytest.mark.parametrize(
    ("policy", "topic", "names"),
    [
        (AccessPolicy(read_only=True), "a", "read-only"),
        (AccessPolicy(), "$SYS/x", "§4.7.2"),
        (AccessPolicy(publish_deny=("home/lock/#",)), "home/lock/front", "home/lock/#"),
        (AccessPolicy(publish_allow=("test/#",)), "home/lamp", "test/#"),
        (AccessPolicy(publish_allow=("home/#",), publish_deny=("home/lock/#",)), "home/lock/x", "home/lock/#"),
    ],
)
def test_a_closed_gate_names_itself(policy, topic, names):
    """The refusal says which gate and who can open it; deny wins over allow."""
    with pytest.raises(ToolError) as caught:
        policy.check_publish(topic)
    assert caught.value.kind == ErrorKind.NOT_ALLOWED_HERE
    assert names in str(caught.value)
    assert caught.value.hint


def test_open_gates_let_pass():
    """An empty policy allows everything but topics of the broker."""
    AccessPolicy().check_publish("home/lamp/set")
    AccessPolicy(publish_allow=("home/#",)).check_publish("home/lamp/set")
    AccessPolicy(read_allow=("home/#",)).check_filter("#")
    assert not AccessPolicy(read_allow=("home/#",)).may_read("office/x")
    with pytest.raises(ToolError):
        AccessPolicy(read_allow=("home/#",)).check_filter("office/#")
