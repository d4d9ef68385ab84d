"""``mqtt-mcp docs [FILE] [--check]``: write the generated tables into the README, or say that they are stale.

Owns the markers. Does not make the tables (``tools/_catalogue.py``, ``options.py``). For developers; not in ``--help``.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from mqtt_mcp import options
from mqtt_mcp.tools import _catalogue


def tables() -> dict[str, str]:
    """Every generated table by the name in its markers."""
    return {"tools": _catalogue.markdown_table(), "options": options.markdown_table()}


def regenerated(text: str) -> str:
    """``text`` with the content of every pair of markers it has made anew.

    The markers are ``<!-- NAME:begin -->`` and ``<!-- NAME:end -->`` on lines of their own.
    """
    for name, table in tables().items():
        pattern = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        text = pattern.sub(lambda match, table=table: f"{match[1]}\n{table}\n{match[2]}", text)  # type: ignore[misc]
    return text


def run(arguments: Sequence[str]) -> int:
    """Write the file, or with ``--check`` only compare. Returns 1 when it is stale or has no markers."""
    names = [argument for argument in arguments if argument != "--check"]
    path = Path(names[0] if names else "README.md")
    text = path.read_text(encoding="utf-8")
    missing = [name for name in tables() if f"<!-- {name}:begin -->" not in text]
    if missing:
        sys.stderr.write(f"mqtt-mcp: {path} has no markers for: {', '.join(missing)}.\n")
    fresh = regenerated(text)
    if "--check" not in arguments:
        path.write_text(fresh, encoding="utf-8")
        return 0
    if fresh != text:
        sys.stderr.write(f"mqtt-mcp: the tables of {path} are stale; run: just docs\n")
        return 1
    return 0
