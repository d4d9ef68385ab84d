"""Puts one server into the text of a client's configuration and leaves everything else as it is.

Owns what an edit may do: add, replace when told to, or nothing; and that its result is read back and compared before
anybody writes it. Reads and writes no file (``files.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mqtt_mcp.clients import edit_json, edit_toml
from mqtt_mcp.clients.scan import BrokenText
from mqtt_mcp.clients.table import Client
from mqtt_mcp.errors import ErrorKind, ToolError

_OPTIONAL = {"args": [], "env": {}, "type": "stdio"}
"""Members that mean nothing when they say this: clients write them, people leave them away."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What came of it.

    Attributes:
        outcome: ``added``, ``replaced``, ``same`` (nothing to do) or ``differs`` (nothing done: another entry has the
            name).
        text: The new text; the old one where nothing was done.
        old: The entry that had the name; None when there was none.
    """

    outcome: Literal["added", "replaced", "same", "differs"]
    text: str
    old: Any = None


def edited(client: Client, text: str, name: str, value: Mapping[str, object], *, replace: bool) -> Edit:
    """Put ``value`` under ``name`` into a configuration.

    Args:
        client: Whose configuration it is.
        text: The present one; empty for none.
        name: The server's name.
        value: Its entry, as ``render.entry`` makes it.
        replace: Replace another entry of the same name.

    Raises:
        ToolError: ``config``; the text is broken (with line and column) or written in a way that cannot be edited
            without changing more than the entry.
    """
    language = edit_toml if client.format == "toml" else edit_json
    document = language.read(text, client)
    present = document.entries(name)
    old = present[0] if present else None
    if present and _meaning(old) == _meaning(value):
        return Edit(outcome="same", text=text, old=old)
    if present and not replace:
        return Edit(outcome="differs", text=text, old=old)
    fresh = document.with_entry(name, value)
    wanted = document.value()
    wanted.setdefault(client.key, {})[name] = dict(value)
    try:
        is_right = language.read(fresh, client).value() == wanted
    except BrokenText:  # of the new text: the old one was read
        is_right = False
    if not is_right:
        raise ToolError(
            ErrorKind.CONFIG,
            f"{client.key} is written in a way that cannot be edited without touching other lines.",
            "Put the snippet in by hand.",
        )
    return Edit(outcome="replaced" if present else "added", text=fresh, old=old)


def _meaning(value: Any) -> Any:
    """An entry without what means nothing."""
    if not isinstance(value, Mapping):
        return value
    return {key: item for key, item in value.items() if key not in _OPTIONAL or item != _OPTIONAL[key]}
