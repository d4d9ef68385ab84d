"""``mqtt-mcp docs [FILE] [--check]``: write the generated papers, or say that they are stale.

Owns the README's markers and the list of generated pages. Does not make the tables (``tools/_catalogue.py``,
``options.py``) or pages (``_tool_pages.py``). For developers; not in ``--help``.
"""

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mqtt_mcp import options
from mqtt_mcp.commands import _tool_pages
from mqtt_mcp.tools import _catalogue

PAGES: dict[Path, Callable[[], str]] = {_tool_pages.PAGE: _tool_pages.render}
"""Files that are generated as a whole, by their path in the repository."""


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
    """Write the README and the pages (or FILE's tables alone), or with ``--check`` only compare.

    Returns:
        1 when something is stale, otherwise 0.
    """
    names = [argument for argument in arguments if argument != "--check"]
    path = Path(names[0] if names else "README.md")
    text = path.read_text(encoding="utf-8")
    missing = [name for name in tables() if f"<!-- {name}:begin -->" not in text]
    if missing:
        sys.stderr.write(f"mqtt-mcp: {path} has no markers for: {', '.join(missing)}.\n")
    status = _written_or_checked(path, regenerated(text), check="--check" in arguments)
    for page, render in () if names else PAGES.items():
        status |= _written_or_checked(page, render(), check="--check" in arguments)
    return status


def _written_or_checked(path: Path, fresh: str, *, check: bool) -> int:
    if not check:
        path.write_text(fresh, encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != fresh:
        sys.stderr.write(f"mqtt-mcp: {path} is stale; run: just docs\n")
        return 1
    return 0
