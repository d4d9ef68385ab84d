"""What the parts of the examination share: traces, messages as the analysis gets them, and what a part reports."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from benchmarks.labelled.catalogue import SCENARIOS
from benchmarks.labelled.trace import EPOCH_S, Trace
from benchmarks.labelled.truth import LabelledMessage
from benchmarks.report import Line
from mqtt_mcp.analysis.accumulator import Accumulator, Window
from mqtt_mcp.mqtt.client import Message

_A = TypeVar("_A", bound=Accumulator)


class Part(msgspec.Struct, frozen=True):
    """What one part of the examination found.

    Attributes:
        lines: One for each bar.
        tables: Markdown tables behind them.
        misses: What went wrong, one sentence each, with the scenario and the seed in front.
        values: The figures behind the tables, for a program.
    """

    lines: list[Line]
    tables: list[str]
    misses: list[str]
    values: dict[str, dict[str, float]] = {}


def traces(scenarios: Iterable[str], seeds: Iterable[int]) -> Iterator[tuple[str, int, Trace]]:
    """Every scenario with every seed, one at a time."""
    seeds = list(seeds)
    for name in scenarios:
        for seed in seeds:
            yield name, seed, SCENARIOS[name].trace(seed)


def as_received(message: LabelledMessage) -> Message:
    """What a subscriber gets: no truth."""
    return Message(message.topic, message.payload, message.qos, message.retain, message.t)


def fed(accumulator: _A, messages: Iterable[LabelledMessage]) -> _A:
    """The accumulator after all messages, in order."""
    for message in messages:
        accumulator.add(as_received(message), message.t)
    return accumulator


def window(trace: Trace) -> Window:
    """A watch of the whole trace that ended by itself."""
    return Window(
        started_at_epoch_s=EPOCH_S,
        duration_s=trace.duration_s,
        elapsed_s=trace.duration_s,
        ended_by="duration",
        protocol="5.0",
        stored_complete=True,
    )


def mean(values: Sequence[float]) -> float:
    """The mean; 1 of nothing, for a trace that cannot fail fails nothing."""
    return sum(values) / len(values) if values else 1.0


def rows(heads: Sequence[str], body: Iterable[Sequence[object]]) -> str:
    """A Markdown table; numbers with three decimals."""
    lines = [list(heads), ["---"] * len(heads)]
    lines += [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
