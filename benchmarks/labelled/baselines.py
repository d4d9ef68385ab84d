"""Simple ways to choose messages, which an analysis must beat by far. They see no truth."""

import random
from collections.abc import Callable, Sequence

from benchmarks.labelled.truth import LabelledMessage

Chooser = Callable[[Sequence[LabelledMessage], int, random.Random], list[int]]

_WORDS = (b"error", b"fail", b"alarm", b"offline", b"warn", b"critical", b"alert")


def first(messages: Sequence[LabelledMessage], budget: int, chance: random.Random) -> list[int]:
    """The first messages."""
    del chance
    return list(range(min(budget, len(messages))))


def last(messages: Sequence[LabelledMessage], budget: int, chance: random.Random) -> list[int]:
    """The last messages."""
    del chance
    return list(range(max(0, len(messages) - budget), len(messages)))


def uniform(messages: Sequence[LabelledMessage], budget: int, chance: random.Random) -> list[int]:
    """A sample."""
    return sorted(chance.sample(range(len(messages)), min(budget, len(messages))))


def every_nth(messages: Sequence[LabelledMessage], budget: int, chance: random.Random) -> list[int]:
    """Equal steps."""
    del chance
    total = len(messages)
    return sorted({int(i * total / budget) for i in range(min(budget, total))})


def round_robin(messages: Sequence[LabelledMessage], budget: int, chance: random.Random) -> list[int]:
    """One topic after the other in order of appearance, the newest message of each first."""
    del chance
    queues: dict[str, list[int]] = {}
    for index, message in enumerate(messages):
        queues.setdefault(message.topic, []).append(index)
    out: list[int] = []
    while len(out) < budget and queues:
        for topic in list(queues):
            out.append(queues[topic].pop())
            if not queues[topic]:
                del queues[topic]
            if len(out) >= budget:
                break
    return sorted(out)


def head500_uniform(messages: Sequence[LabelledMessage], budget: int, chance: random.Random) -> list[int]:
    """Stop at 500 messages, then sample."""
    return sorted(chance.sample(range(min(500, len(messages))), min(budget, len(messages), 500)))


def keyword_uniform(messages: Sequence[LabelledMessage], budget: int, chance: random.Random) -> list[int]:
    """Words of trouble first (half the budget), then a sample."""
    hot = [i for i, message in enumerate(messages) if any(word in message.payload[:2000].lower() for word in _WORDS)]
    out = set(hot[: budget // 2])
    rest = [i for i in range(len(messages)) if i not in out]
    return sorted(out | set(chance.sample(rest, min(budget - len(out), len(rest)))))


BASELINES: dict[str, Chooser] = {
    chooser.__name__: chooser
    for chooser in (first, last, uniform, every_nth, round_robin, head500_uniform, keyword_uniform)
}


def choose(name: str, messages: Sequence[LabelledMessage], budget: int, seed: int) -> list[int]:
    """What a baseline chooses."""
    return BASELINES[name](messages, budget, random.Random(f"sel/{seed}"))
