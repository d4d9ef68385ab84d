"""On which line of a TOML file something stands, for the message about it.

Owns the search, which is made only when there is something to complain about. ``tomllib`` tells lines of broken syntax
only. Checks nothing and shows nothing of the file.
"""

import tomllib
from collections.abc import Iterator
from typing import Any

_MAX_STATEMENT_LINES = 200
"""A longer statement is not looked into: each of its lines would be read as often as it has lines."""


class Lines:
    """The lines of one file that is valid TOML.

    Args:
        text: The file.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[tuple[str, ...], int] | None = None

    def of(self, *path: str) -> int:
        """The number of the line where ``path`` is set, counted from 1.

        What is not set stands where its table begins. 0 when that cannot be told.

        Args:
            path: Names of tables and at last of the key, as in ``("brokers", "home", "url")``.
        """
        if self._found is None:
            self._found = {}
            for number, where in _statements(self._text):
                for length in range(1, len(where) + 1):  # a table is where the first thing in it is
                    self._found.setdefault(where[:length], number)
        while path and path not in self._found:
            path = path[:-1]
        return self._found.get(path, 0)


def _statements(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each thing that is set, with the line where its statement begins.

    A statement is the shortest run of lines that is TOML by itself: strings and lists may go over several.
    """
    table: tuple[str, ...] = ()
    begin, collected = 0, ""
    for number, line in enumerate(text.split("\n"), start=1):
        begin, collected = (begin, collected + line + "\n") if collected else (number, line + "\n")
        try:
            data = tomllib.loads(collected)
        except tomllib.TOMLDecodeError:
            if number - begin >= _MAX_STATEMENT_LINES:
                return
            continue
        if collected.lstrip().startswith("["):
            table = _deepest(data)
            yield begin, table
        else:
            for path in _leaves(data):
                yield begin, table + path
        collected = ""


def _deepest(data: Any) -> tuple[str, ...]:
    """The path of a header such as ``[a.b]`` or ``[[a.b]]``."""
    path: tuple[str, ...] = ()
    while data:
        if isinstance(data, list):
            data = data[0]
            continue
        ((name, data),) = data.items()
        path += (name,)
    return path


def _leaves(data: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, value in data.items():
        yield (name,)
        if isinstance(value, dict):
            yield from ((name, *path) for path in _leaves(value))
