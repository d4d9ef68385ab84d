"""One server in a JSON configuration, by inserting text.

Owns where it is inserted and how it is indented. Comments, order, numbers, line ends and a byte order mark stay as
they are.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from mqtt_mcp.clients.render import json_entry, snippet
from mqtt_mcp.clients.scan import BrokenText, Container, Member, scan, value_of
from mqtt_mcp.clients.table import Client

_MARK = "\ufeff"
_SPACE = " \t\r\n"
_LINE_END = re.compile(r"\r?\n")


class JsonDocument:
    """A configuration that was read."""

    def __init__(self, text: str, client: Client) -> None:
        self._client = client
        self._mark = _MARK if text.startswith(_MARK) else ""
        self._text = text.removeprefix(_MARK)
        self._scanned = scan(self._text, comments=client.comments, trailing_commas=client.trailing_commas)
        self._newline = "\r\n" if "\r\n" in self._text else "\n"
        self._root: Container | None = None
        self._servers: Container | None = None
        if self._scanned.is_empty:
            return
        self._root = self._scanned.root
        if self._root is None or self._root.mark != "{":
            raise BrokenText(self._text, _first(self._text), "the file must hold an object, { … }")
        member = self._only(self._root, client.key)
        if member is not None:
            self._servers = self._scanned.containers.get(member.value_start)
            if self._servers is None or self._servers.mark != "{":
                raise BrokenText(self._text, member.value_start, f'"{client.key}" must be an object, {{ … }}')

    def value(self) -> dict[str, Any]:
        """All that it says; a new object."""
        value: dict[str, Any] = {} if self._root is None else value_of(self._text)
        return value

    def entries(self, name: str) -> list[Any]:
        """The entry of this name, in a list that is empty when there is none: it may be ``null``."""
        member = None if self._servers is None else self._only(self._servers, name)
        return [] if member is None else [value_of(self._text[member.value_start : member.value_end])]

    def with_entry(self, name: str, value: Mapping[str, object]) -> str:
        """The whole text with this entry in place of the one of its name, or after all others."""
        if self._root is None:
            before = self._text.rstrip(_SPACE)
            fresh = snippet(self._client, name, value).replace("\n", self._newline)
            return f"{self._mark}{before}{self._newline if before else ''}{fresh}{self._newline}"
        unit = self._unit(self._root)
        if self._servers is None:
            indent = self._member_indent(self._root, unit)
            entry = json_entry(value, indent + unit, unit, self._newline)
            body = f"{json.dumps(name)}: {entry}"
            servers = f"{{{self._newline}{indent}{unit}{body}{self._newline}{indent}}}"
            return self._inserted(self._root, f"{json.dumps(self._client.key)}: {servers}", indent)
        old = self._only(self._servers, name)
        if old is not None:
            entry = json_entry(value, self._line_indent(old.start), unit, self._newline)
            return self._mark + self._text[: old.value_start] + entry + self._text[old.value_end :]
        indent = self._member_indent(self._servers, unit)
        entry = json_entry(value, indent, unit, self._newline)
        return self._inserted(self._servers, f"{json.dumps(name)}: {entry}", indent)

    def _only(self, container: Container, key: str) -> Member | None:
        """The member of this name; a client takes one of two with the same name, and nobody knows which.

        Raises:
            BrokenText: There are two.
        """
        found = [member for member in container.members if member.key == key]
        if len(found) > 1:
            raise BrokenText(self._text, found[1].start, f"{json.dumps(key)} is there twice")
        return found[0] if found else None

    def _inserted(self, container: Container, member: str, indent: str) -> str:
        """The text with one more member at the end of an object."""
        text, at, end = self._text, container.content_end, container.end
        comma = "," if container.members and not container.trailing_comma else ""
        # Comments between the last value and the closing mark stay before the new member.
        bare = at + len(text[at:end].rstrip(_SPACE))
        line_end = _LINE_END.search(text, bare, end)
        after = line_end.start() if line_end else bare
        closing = text[after:end] if line_end else self._newline + self._line_indent(container.start)
        new = f"{comma}{text[at:after]}{self._newline}{indent}{member}{closing}"
        return self._mark + text[:at] + new + text[end:]

    def _unit(self, root: Container) -> str:
        """White space of one level, as the file has it."""
        for member in root.members:
            indent = self._line_indent(member.start)
            if indent and self._begins_line(member.start):
                return indent
        return "  "

    def _member_indent(self, container: Container, unit: str) -> str:
        """White space before a member of an object."""
        for member in reversed(container.members):
            if self._begins_line(member.start):
                return self._line_indent(member.start)
        return self._line_indent(container.start) + unit

    def _line_indent(self, at: int) -> str:
        """White space at the beginning of the line on which something stands."""
        line = self._text[self._text.rfind("\n", 0, at) + 1 : at]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _begins_line(self, at: int) -> bool:
        return not self._text[self._text.rfind("\n", 0, at) + 1 : at].strip()


def read(text: str, client: Client) -> JsonDocument:
    """Read a configuration.

    Args:
        text: The whole file; empty for none.
        client: Whose.

    Raises:
        BrokenText: It is no JSON, or not the object that this client reads; says where.
    """
    return JsonDocument(text, client)


def _first(text: str) -> int:
    """Where the value begins."""
    found = re.search(r"\S", text)
    return found.start() if found else 0
