"""Reads JSON, with or without comments, and remembers where things stand in the text.

Owns the grammar, the place of the first mistake, and the positions of the members of the outermost objects, so that an
edit can leave every other character alone. Changes nothing. Not recursive: the text may be anything.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from mqtt_mcp.errors import ErrorKind, ToolError

MAX_DEPTH = 200
"""Levels of nesting; no client's configuration has as many."""

_KEPT_DEPTH = 2
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<comment>//[^\r\n]*|/\*[\s\S]*?\*/)
      | (?P<string>"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*")
      | (?P<scalar>(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-]))
      | (?P<mark>[{}\[\],:])""",
    re.VERBOSE | re.ASCII,
)
_CLOSING = {"{": "}", "[": "]"}
_MAY_CLOSE = ("key or end", "value or end", "comma or end")


class BrokenText(ToolError):
    """The text is not what it should be.

    Args:
        text: The whole text.
        position: Where the mistake is.
        problem: What is wrong, without foreign text.
    """

    def __init__(self, text: str, position: int, problem: str) -> None:
        line = text.count("\n", 0, position) + 1
        column = position - (text.rfind("\n", 0, position) + 1) + 1
        super().__init__(ErrorKind.CONFIG, f"line {line}, column {column}: {problem}.")


@dataclass(frozen=True, kw_only=True)
class Member:
    """One ``"key": value`` of an object: the key, and where its text, and that of its value, begin and end."""

    key: str
    start: int
    value_start: int
    value_end: int


@dataclass(kw_only=True)
class Container:
    """An object or a list.

    Attributes:
        mark: ``{`` or ``[``.
        start: Where it opens.
        end: Where its closing mark is.
        members: Of an object near the root: its members, in order.
        content_end: Behind its last value, or behind the comma that follows it.
        trailing_comma: A comma stands behind the last value.
    """

    mark: str
    start: int
    end: int = -1
    members: list[Member] = field(default_factory=list)
    content_end: int = -1
    trailing_comma: bool = False


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """What was found.

    Attributes:
        root: The outermost object or list; None when the text holds another value, or none at all.
        is_empty: There is no value, only white space and comments.
        containers: Objects and lists near the root, by where they open.
    """

    root: Container | None
    is_empty: bool
    containers: dict[int, Container]


Expected = Literal["value", "value or end", "key", "key or end", "colon", "comma or end", "nothing"]
_PROBLEMS: dict[Expected, str] = {
    "value": "a value is expected",
    "value or end": "a value or ] is expected",
    "key": "a name in quotes is expected",
    "key or end": "a name in quotes or } is expected",
    "colon": "a colon is expected",
    "comma or end": "a comma or the end of the object or list is expected",
    "nothing": "there is something behind the end of the value",
}


class _Scanner:
    """The state of one reading."""

    def __init__(self, text: str, *, trailing_commas: bool) -> None:
        self.text = text
        self.trailing_commas = trailing_commas
        self.open: list[Container] = []
        self.keys: list[tuple[int, str]] = [(-1, "")]
        """Place and name of the value that is read now, for each level."""
        self.root: Container | None = None
        self.kept: dict[int, Container] = {}
        self.expected: Expected = "value"

    def take(self, kind: str, word: str, at: int) -> None:
        """Go on by one token that is neither white space nor a comment."""
        if kind == "string" and self.expected in ("key", "key or end"):
            self.keys[-1] = (at, json.loads(word))
            self.expected = "colon"
        elif word == ":" and self.expected == "colon":
            self.expected = "value"
        elif kind in ("string", "scalar") and self.expected in ("value", "value or end"):
            self._ended(at, at + len(word))
        elif word in _CLOSING and self.expected in ("value", "value or end"):
            self._opened(word, at)
        elif word == "," and self.expected == "comma or end":
            self._continued(at)
        elif self.open and word == _CLOSING[self.open[-1].mark] and self.expected in _MAY_CLOSE:
            closed = self.open.pop()
            self.keys.pop()
            closed.end = at
            self._ended(closed.start, at + 1)
        else:
            raise BrokenText(self.text, at, _PROBLEMS[self.expected])

    def _opened(self, mark: str, at: int) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise BrokenText(self.text, at, f"it is nested more than {MAX_DEPTH} levels deep")
        container = Container(mark=mark, start=at, content_end=at + 1)
        if not self.open:
            self.root = container
        if len(self.open) < _KEPT_DEPTH:
            self.kept[at] = container
        self.open.append(container)
        self.keys.append((-1, ""))
        self.expected = "key or end" if mark == "{" else "value or end"

    def _continued(self, at: int) -> None:
        outer = self.open[-1]
        outer.trailing_comma, outer.content_end = True, at + 1
        if outer.mark == "{":
            self.expected = "key or end" if self.trailing_commas else "key"
        else:
            self.expected = "value or end" if self.trailing_commas else "value"

    def _ended(self, start: int, end: int) -> None:
        """A value is complete."""
        if not self.open:
            self.expected = "nothing"
            return
        outer = self.open[-1]
        outer.trailing_comma, outer.content_end = False, end
        if outer.mark == "{" and len(self.open) <= _KEPT_DEPTH:
            at, key = self.keys[-1]
            outer.members.append(Member(key=key, start=at, value_start=start, value_end=end))
        self.expected = "comma or end"


def scan(text: str, *, comments: bool = False, trailing_commas: bool = False) -> Scanned:
    """Read the whole text.

    Args:
        text: JSON.
        comments: Allow comments.
        trailing_commas: Allow a comma behind the last member.

    Raises:
        BrokenText: It is no JSON; says where.
    """
    scanner = _Scanner(text, trailing_commas=trailing_commas)
    for kind, token, at in _tokens(text):
        if kind == "space":
            continue
        if kind == "comment":
            if not comments:
                raise BrokenText(text, at, "a comment is not allowed in this file")
            continue
        scanner.take(kind, token, at)
    if scanner.open or scanner.expected == "colon":
        raise BrokenText(text, len(text), f"the end of the file, where {_PROBLEMS[scanner.expected]}")
    return Scanned(root=scanner.root, is_empty=scanner.expected == "value", containers=scanner.kept)


def value_of(text: str) -> Any:
    """The value of a text that ``scan`` has read, numbers as they are written.

    Args:
        text: The whole text, or one value in it.
    """
    kept: list[str] = []
    for kind, token, _ in _tokens(text):
        if kind in ("space", "comment"):
            continue
        if token in ("}", "]") and kept and kept[-1] == ",":
            kept.pop()
        kept.append(token)
    return json.loads("".join(kept), parse_int=str, parse_float=str)


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and place of each token.

    Raises:
        BrokenText: Something is no token.
    """
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise BrokenText(text, at, _no_token(text, at))
        yield str(match.lastgroup), match[0], at
        at = match.end()


def _no_token(text: str, at: int) -> str:
    if text[at] == '"':
        return "a text in quotes does not end on its line, or has a character that JSON does not allow"
    if text.startswith("/*", at):
        return "a comment does not end"
    return "this is no JSON"
