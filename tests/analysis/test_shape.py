"""Signatures: equal structures have equal ones, whatever the values."""

from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.analysis.payloads.shape import log_level, mask, signature


def test_values_do_not_matter_but_types_and_keys_do():
    """{key:type,…}, keys sorted, integer and float one type."""
    assert signature({"b": 1, "a": "x"}) == signature({"a": "y", "b": 2.5}) == "{a:s,b:n}"
    assert signature({"a": None, "b": [True]}) == "{a:z,b:[b]}"
    assert signature({"a": 1}) != signature({"a": "1"})


def test_objects_keyed_by_identifiers_are_one_structure():
    """A map of devices has as many shapes as devices otherwise."""
    assert signature({"00158d0001a2b3c4": {"x": 1}}) == signature({"00158d0009f8e7d6": {"y": 2}}) == "{*}"
    assert signature({f"k{i}": i for i in range(30)}) == "{*}"


def test_equal_log_lines_have_equal_signatures():
    """Numbers, hex and quoted strings are masked."""
    assert mask("retry 3 of 'abc' at 0x1f") == mask("retry 17 of 'xyz' at 0xff") == "retry # of # at #"
    assert signature("[E][wifi:12]: lost 3 packets") == "log.error"
    assert log_level("\x1b[0;33m[W][mqtt:99]: x") == "warning"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_a_signature_is_bounded(value):
    """Keys are foreign text; 600 characters whatever comes."""
    assert len(signature(value)) <= 600
