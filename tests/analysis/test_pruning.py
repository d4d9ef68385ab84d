"""The choice: covers what there is, prefers reasons, is deterministic and never shows the same twice."""

from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.analysis.sample.pruning import Candidate, select
from mqtt_mcp.analysis.sample.signals import Signal

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        t_s=st.floats(0, 300),
        topic=st.sampled_from("abcd"),
        template=st.sampled_from("xy"),
        shape=st.sampled_from(["{a:n}", "{b:s}", "n"]),
        stored=st.booleans(),
        first=st.booleans(),
        last=st.booleans(),
        words=st.lists(st.tuples(st.sampled_from("pq"), st.text(max_size=5), st.floats(0.1, 1)), max_size=3),
        extremes=st.lists(st.tuples(st.sampled_from("pq"), st.sampled_from(["min", "max"])), max_size=2),
        signals=st.lists(
            st.tuples(
                st.builds(
                    Signal,
                    code=st.sampled_from(["error", "offline"]),
                    severity=st.sampled_from(["critical", "high", "medium", "low"]),
                    key=st.text(max_size=3),
                    why=st.just("because"),
                ),
                st.integers(1, 100),
                st.integers(1, 100),
            ),
            max_size=3,
        ),
        duplicate_of=st.integers(0, 20),
    ),
    max_size=40,
).map(lambda found: sorted(found, key=lambda one: one.t_s))


def plain(topic, *, t_s=0.0, digest=0, **more):
    return Candidate(t_s=t_s, topic=topic, template=topic, shape="n", duplicate_of=digest, **more)


@given(CANDIDATES, st.integers(0, 20))
def test_a_choice_is_bounded_ordered_reasoned_and_repeatable(candidates, k):
    """The properties every choice has, whatever the candidates."""
    chosen = select(candidates, k)
    indices = [one.index for one in chosen]
    assert len(chosen) <= k
    assert indices == sorted(set(indices))
    assert all(1 <= len(one.why) <= 3 for one in chosen)
    keys = [(candidates[i].topic, candidates[i].duplicate_of) for i in indices]
    assert len(keys) == len(set(keys))
    assert select(candidates, k) == chosen


@given(CANDIDATES)
def test_with_room_for_all_every_topic_and_structure_is_shown(candidates):
    """Coverage is monotone: nothing coverable stays uncovered when there is room."""
    chosen = [candidates[one.index] for one in select(candidates, len(candidates))]
    assert {one.topic for one in chosen} == {one.topic for one in candidates}


def test_one_error_beats_many_ordinary_messages():
    """A needle: 1 of 1,000 messages, 5 places."""
    needle = (Signal("error", "high", "", "error text"), 1, 1)
    candidates = [plain(f"t{i % 10}", t_s=i, digest=i) for i in range(1_000)]
    candidates[637] = plain("t7", t_s=637, digest=637, signals=[needle])
    chosen = select(candidates, 5)
    found = [one for one in chosen if one.index == 637]
    assert found
    assert found[0].why[0] == "error: error text"


def test_a_thousand_equal_errors_take_one_place():
    """Equal keys are one facet: the other places go to other things."""
    noise = Signal("error", "high", "same", "error text")
    candidates = [plain("log", t_s=i, digest=i, signals=[(noise, 1_000, 1)]) for i in range(1_000)]
    candidates += [plain(f"t{i}", t_s=1_000 + i, digest=i) for i in range(20)]
    chosen = select(candidates, 21)
    assert len({candidates[one.index].topic for one in chosen}) == 21


def test_extremes_are_preferred_to_the_middle():
    """Minimum and maximum of a series tell more than any value between."""
    candidates = [plain("t", t_s=i / 100, digest=i) for i in range(100)]
    candidates[42] = plain("t", t_s=0.42, digest=42, extremes=[("temp", "max")])
    candidates[57] = plain("t", t_s=0.57, digest=57, extremes=[("temp", "min")])
    assert {42, 57} <= {one.index for one in select(candidates, 4)}
