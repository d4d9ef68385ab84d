"""No text costs more than linear time: every pattern that meets foreign text is given its worst, in two sizes."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from mqtt_mcp.analysis import text as safe_text
from mqtt_mcp.analysis.payloads import (
    cutting,
    decoding,
    line_protocol,
    rendering,
    shape,
    tables,
    textual,
    units,
    xml,
)
from mqtt_mcp.analysis.payloads.decoding import decode
from mqtt_mcp.analysis.text import looks_like_instruction

MODULES = (cutting, decoding, line_protocol, rendering, safe_text, shape, tables, textual, units, xml)
SMALL, LARGE = 2_000, 16_000
UNITS = (
    "a", "1", " ", "=", ",", ";", ":", "\n", "\t", '"', "'", "\\", "<", ">", "&", "-", ".", "[", "{", "\x1b[",
    "\x1b[0;", "a=", "a=1 ", "a=1,", "a,", "1,", "1.", ", ", "a: ", "a:1;", "\\,", '\\"', '="', "<a ", "<a>", "</a>",
    "<!--", "<?a", "<![CDATA[", "<a b='", "&a", "&amp;", "0x", "a0", "aB3", "ab:", "00-", "2026-01-01", "T10:00",
    " error ", "[E", "0xff ", "A\n", "data:a/b;base64,", "\u00e9", "\u202e", '{"', "[[", '"\\u', "1e", "+", "e1",
)  # fmt: skip
ENDS = ("", "!", "=", '"')
SEARCHED = {
    "_ANSI", "_LOG_LEVEL", "_VARIABLE", "_UNSAFE", "_UNSAFE_IN_JSON", "_TEXT_CONTROLS", "_STRUCTURE", "_UNESCAPE",
}  # fmt: skip
"""What is looked for anywhere in a text; every other pattern is tried at one place only."""
INSTRUCTIONS = (
    "ignore ", "ignore the ", "you must ", "system ", "the model will ", "use the ", "never tell ", "print ", "act as ",
    "vergiss ", "new instruction", "<", "[/", "assistant ", "a ", "\u200b",
)  # fmt: skip


def patterns() -> list[tuple[str, re.Pattern[Any]]]:
    """All of the modules that read foreign text, but the one that is bounded by its caller."""
    found: list[tuple[str, re.Pattern[Any]]] = []
    for module in MODULES:
        short = module.__name__.rsplit(".", 1)[-1]
        found += [(f"{short}.{name}", one) for name, one in vars(module).items() if isinstance(one, re.Pattern)]
    return [one for one in found if one[0] != "text._INSTRUCTION"]


def spent_s(work: Callable[[Any], Any], argument: Any) -> float:
    """Processor time of the faster of two runs."""
    times = []
    for _ in range(2):
        began = time.process_time()
        work(argument)
        times.append(time.process_time() - began)
    return min(times)


def assert_linear(work: Callable[[Any], Any], small: Any, large: Any, what: object) -> None:
    """Eight times the size may take twenty times as long; what takes less than 5 ms needs no second look."""
    began = time.process_time()
    work(large)
    if time.process_time() - began > 0.005:
        assert spent_s(work, large) <= max(0.005, 20 * spent_s(work, small)), what


@pytest.mark.parametrize(("name", "pattern"), patterns(), ids=[name for name, _ in patterns()])
def test_a_pattern_takes_linear_time(name, pattern):
    """A square would take seconds on the larger text."""
    for unit in UNITS:
        for end in ENDS:
            pair: list[Any] = [unit * (size // len(unit)) + end for size in (SMALL, LARGE)]
            small, large = [one.encode() for one in pair] if isinstance(pattern.pattern, bytes) else pair
            assert_linear(pattern.match, small, large, (name, unit, end))
            assert_linear(pattern.fullmatch, small, large, (name, unit, end))
            if name.split(".")[1] in SEARCHED:
                assert_linear(pattern.findall, small, large, (name, unit, end))


@pytest.mark.parametrize("unit", UNITS)
def test_decoding_takes_linear_time(unit):
    """All trials together, which split, join and count as well."""
    for end in ENDS:
        small, large = ((unit * (size // len(unit)) + end).encode() for size in (SMALL, LARGE))
        assert_linear(decode, small, large, (unit, end))


@pytest.mark.parametrize("unit", INSTRUCTIONS)
def test_looking_for_instructions_is_bounded(unit):
    """Only the ends of a text are read, so that a megabyte costs no more than four kilobytes."""
    for text in (unit * 1_000_000, (unit * 4_000)[:3_999]):
        assert spent_s(looks_like_instruction, text) < 0.05
