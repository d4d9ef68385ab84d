"""One server in a TOML configuration, by appending or exchanging its tables.

Owns which lines are the server's. Every other line, comments included, stays as it is.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from mqtt_mcp.clients.render import toml_tables
from mqtt_mcp.clients.scan import BrokenText
from mqtt_mcp.clients.table import Client
from mqtt_mcp.errors import ErrorKind, ToolError

_MARK = "\ufeff"
_HEADER = re.compile(r"\s*\[{1,2}\s*(?P<path>[^\[\]#]+?)\s*\]{1,2}\s*(#.*)?$")
_PART = re.compile(r"""\s*(?:"([^"\\]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(?:\.|$)""")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class TomlDocument:
    """A configuration that was read."""

    def __init__(self, text: str, client: Client) -> None:
        self._key = client.key
        self._mark = _MARK if text.startswith(_MARK) else ""
        self._text = text.removeprefix(_MARK)
        self._newline = "\r\n" if "\r\n" in self._text else "\n"
        servers = self.value().get(self._key, {})
        if not isinstance(servers, dict):
            raise BrokenText(self._text, max(self._text.find(self._key), 0), f"{self._key} must be a table")
        self._servers = servers

    def value(self) -> dict[str, Any]:
        """All that it says; a new object.

        Raises:
            BrokenText: It is no TOML; says where.
        """
        try:
            return tomllib.loads(self._text, parse_float=str)
        except tomllib.TOMLDecodeError as error:
            raise _broken(self._text, str(error)) from None
        except (RecursionError, ValueError):  # nesting without end, or a number that Python does not read
            raise BrokenText(self._text, 0, "this is no TOML that can be read") from None

    def entries(self, name: str) -> list[Any]:
        """The entry of this name, in a list that is empty when there is none."""
        return [self._servers[name]] if name in self._servers else []

    def with_entry(self, name: str, value: Mapping[str, object]) -> str:
        """The whole text with this entry in place of the one of its name, or after all else.

        Raises:
            ToolError: ``config``; the present entry has no table of its own.
        """
        tables = [f"{line}{self._newline}" for line in toml_tables(self._key, name, value).splitlines()]
        if name not in self._servers:
            before = self._text if self._text.endswith("\n") or not self._text else self._text + self._newline
            gap = self._newline if before.strip() and not before.endswith(("\n\n", "\n\r\n")) else ""
            return self._mark + before + gap + "".join(tables)
        lines = self._text.splitlines(keepends=True)
        mine = _lines_of(lines, [self._key, name])
        if not mine:
            raise ToolError(
                ErrorKind.CONFIG,
                f"{self._key}.{name} has no table [{self._key}.{name}] of its own.",
                "Put the snippet in by hand.",
            )
        lines[mine[0]] = "".join(tables)
        for index in mine[1:]:
            lines[index] = ""
        return self._mark + "".join(lines)


def read(text: str, client: Client) -> TomlDocument:
    """Read a configuration.

    Args:
        text: The whole file; empty for none.
        client: Whose.

    Raises:
        BrokenText: It is no TOML, or its servers are no table; says where.
    """
    return TomlDocument(text, client)


def _lines_of(lines: list[str], path: list[str]) -> list[int]:
    """The lines of a table and of those inside it, without the comments that belong to what follows."""
    mine: list[int] = []
    inside = False
    for index, line in enumerate(lines):
        header = _HEADER.match(line)
        if header:
            if inside:
                mine = _without_tail(lines, mine)
            inside = _parts(header["path"])[: len(path)] == path
        if inside:
            mine.append(index)
    return _without_tail(lines, mine) if inside else mine


def _without_tail(lines: list[str], mine: list[int]) -> list[int]:
    """Let go of empty lines and comments at the end."""
    while mine and (not lines[mine[-1]].strip() or lines[mine[-1]].lstrip().startswith("#")):
        mine = mine[:-1]
    return mine


def _parts(path: str) -> list[str]:
    """The names in ``a."b".c``; empty for what is none."""
    parts: list[str] = []
    at = 0
    while at < len(path):
        match = _PART.match(path, at)
        if match is None:
            return []
        parts.append(next(part for part in match.groups() if part is not None))
        at = match.end()
    return parts


def _broken(text: str, message: str) -> BrokenText:
    """The parser's complaint with its place in our words."""
    place = _PLACE.search(message)
    problem = _PLACE.sub("", message)
    # The parser quotes what it met; a bounded piece of it, in ASCII, and no value.
    problem = ascii(problem)[1:-1][:100]
    if place is None or place[1] is None:
        return BrokenText(text, len(text), f"{problem}, at the end of the file")
    line, column = int(place[1]), int(place[2])
    start = 0
    for _ in range(line - 1):
        start = text.index("\n", start) + 1
    return BrokenText(text, start + column - 1, problem)
