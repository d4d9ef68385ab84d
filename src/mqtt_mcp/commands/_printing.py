"""Results for a person in a terminal.

Owns the layout. Foreign text is escaped once more here: whatever a device sends must not reach the terminal as control
characters.
"""

import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from mqtt_mcp.tools._base import Tool

_WIDTH = 110
_INLINE_CHARS = 100


def rendered(value: Any) -> str:
    """A result, decoded from JSON, as indented lines."""
    return "\n".join(_lines(value, "")) + "\n"


def described(tools: Iterable[Tool]) -> str:
    """The tools with their arguments, for ``mqtt-mcp call`` without a tool."""
    blocks = []
    for tool in tools:
        names = [field.name if field.required else f"[{field.name}]" for field in msgspec.structs.fields(tool.args)]
        words = textwrap.fill(
            tool.description, _WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False
        )
        blocks.append(f"{tool.name} {' '.join(names)}\n{words}\n")
    return "\n".join(blocks)


@contextmanager
def progress_line() -> Iterator[Callable[[float, float, str], None]]:
    """A progress bar on stderr while the block runs; silent when stderr is no terminal."""
    shown = sys.stderr.isatty()

    def report(done: float, total: float, sentence: str) -> None:
        if shown:
            filled = int(20 * min(1.0, done / total)) if total > 0 else 0
            sys.stderr.write(f"\r[{'#' * filled}{'.' * (20 - filled)}] {done:.0f}/{total:.0f} s  {sentence[:70]}\x1b[K")
            sys.stderr.flush()

    try:
        yield report
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            if _is_inline(member):
                yield f"{indent}{safe(str(key))}: {_inline(member)}"
            else:
                yield f"{indent}{safe(str(key))}:"
                yield from _lines(member, indent + "  ")
    elif isinstance(value, list):
        for item in value:
            if _is_inline(item):
                yield f"{indent}- {_inline(item)}"
            else:
                first, *rest = list(_lines(item, indent + "  ")) or [indent + "  "]
                yield f"{indent}- {first[len(indent) + 2 :]}"
                yield from rest
    else:
        yield indent + _inline(value)


def _is_inline(value: Any) -> bool:
    if isinstance(value, dict | list):
        return not value or (
            isinstance(value, list)
            and all(not isinstance(item, dict | list) for item in value)
            and len(_inline(value)) <= _INLINE_CHARS
            and not any(isinstance(item, str) and " " in item for item in value)
        )
    return True


def _inline(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None | [] | {}:
            return "none"
        case list():
            return ", ".join(_inline(item) for item in value)
        case _:
            return safe(str(value))


def safe(text: str) -> str:
    """``text`` without anything that could steer a terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
