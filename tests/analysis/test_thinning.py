"""The thinning of a full pool: exact bookkeeping of who covers what alone, and little work for one message."""

import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.analysis.sample.sampling import Sampler
from mqtt_mcp.analysis.sample.thinning import Coverage
from testkit.messages import message

FACETS = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([None, 1, 2]), st.integers(0, 9)), max_size=6)
STEPS = st.lists(FACETS | st.integers(0, 100), max_size=40)


def covers_alone(members):
    """The oracle: by counting anew. ``members`` is number → facets that are not void, each key once."""
    owners: dict[Any, Any] = {}
    for number, facets in members.items():
        for key in facets:
            owners.setdefault(key, []).append(number)
    return {
        number: sum(weight for key, (_, weight) in facets.items() if owners[key] == [number])
        for number, facets in members.items()
    }


@given(STEPS)
def test_the_least_missed_is_what_counting_anew_would_find(steps):
    """Arrivals and departures in any order; void states and repeated keys included."""
    coverage = Coverage()
    members: dict[int, dict[Any, Any]] = {}
    for number, step in enumerate(steps):
        if isinstance(step, list):
            coverage.add(number, step)
            mine: dict[Any, Any] = {}
            for key, state, weight in step:
                mine.setdefault(key, (state, weight))
            for facets in members.values():
                for key, (state, _) in mine.items():
                    if key in facets and facets[key][0] != state:
                        del facets[key]
            members[number] = mine
        elif members:
            gone = sorted(members)[step % len(members)]
            coverage.remove(gone)
            del members[gone]
        assert len(coverage) == len(members)
        if members:
            alone = covers_alone(members)
            assert coverage.least_missed() == min(alone, key=lambda one: (alone[one], -one))


def flood(count):
    rng = random.Random(5)
    for i in range(count):
        fields = {f"n{j}": rng.gauss(0, 1) for j in range(12)} | {"state": rng.choice("abcdef"), "seq": i}
        yield message(f"plant/line{i % 7}/m{i % 300}/data", json.dumps(fields), t_s=i / 400)


def test_a_full_pool_is_never_cleared_in_one_go():
    """Steps of work for one message, whatever the machine: its own facets, another's, one look at each member."""
    sampler = Sampler(duration_s=30)
    coverage = sampler._pool.coverage
    worst = before = 0
    for one in flood(6_000):
        sampler.add(one, one.received_s)
        worst = max(worst, coverage.steps - before)
        before = coverage.steps
        assert len(coverage) <= 500
    assert len(coverage) == 500
    assert 500 < worst < 600


def test_what_is_found_alone_survives_a_flood():
    """The first error, an extreme, and the newest of a structure stay while thousands of ordinary messages pass."""
    sampler = Sampler(max_messages=60, duration_s=30)
    needle = message("plant/line1/m1/log", '{"level":"error","message":"pump stuck"}', t_s=0.0)
    sampler.add(needle, 0.0)
    last = None
    for one in flood(4_000):
        sampler.add(one, one.received_s)
        last = one
    kept = [one.message for one in sampler._pool.kept.values()]
    assert len(kept) == 60
    assert needle in kept
    assert last is not None
    assert last.received_s - kept[-1].received_s < 2


def test_of_equal_messages_all_but_one_go_first():
    """Repetitions never crowd out content that is there once."""
    sampler = Sampler(max_messages=15, duration_s=100)
    for i in range(6):
        one = message("lamp", "ON", t_s=i)
        sampler.add(one, i)
    for i in range(14):
        one = message("lamp", f"text {i}", t_s=20)
        sampler.add(one, 20)
    assert len({one.message.payload for one in sampler._pool.kept.values()}) == 15
