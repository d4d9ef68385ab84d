"""``mqtt-mcp docs [FILE] [--check]``: write the generated papers, or say which of them are stale.

Owns the list of generated tables (between markers in the README) and of generated pages (whole files), and the
markers. Does not make them: their rooms do. For developers; not in ``--help``.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mqtt_mcp import options
from mqtt_mcp.clients import document
from mqtt_mcp.commands import _tool_pages
from mqtt_mcp.tools import _catalogue

README = "README.md"

TABLES: Mapping[str, Callable[[], str]] = {
    # name in the markers: what makes the text between them
    "clients": document.readme_block,
    "tools": _catalogue.markdown_table,
    "options": options.markdown_table,
}

PAGES: Mapping[str, Callable[[], str]] = {
    # file, from the top of the project: what makes all of it
    "docs/clients.md": document.page,
    str(_tool_pages.PAGE): _tool_pages.render,
}


def tables() -> dict[str, str]:
    """Every generated table by the name in its markers."""
    return {name: make() for name, make in TABLES.items()}


def regenerated(text: str) -> str:
    """``text`` with the content of every pair of markers it has made anew.

    The markers are ``<!-- NAME:begin -->`` and ``<!-- NAME:end -->`` on lines of their own.
    """
    for name, table in tables().items():
        pattern = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        text = pattern.sub(lambda match, table=table: f"{match[1]}\n{table}\n{match[2]}", text)  # type: ignore[misc]
    return text


def run(arguments: Sequence[str]) -> int:
    """Write the papers, or with ``--check`` only compare.

    Args:
        arguments: A file with markers in place of all papers, ``--check``.

    Returns:
        0 when everything was or is up to date, 1 when something is stale.
    """
    names = [argument for argument in arguments if argument != "--check"]
    readme = Path(names[0] if names else README)
    text = readme.read_text(encoding="utf-8")
    missing = [name for name in TABLES if f"<!-- {name}:begin -->" not in text]
    if missing:
        sys.stderr.write(f"mqtt-mcp: {readme} has no markers for: {', '.join(missing)}.\n")
    fresh = {readme: regenerated(text)}
    if not names:
        fresh |= {Path(name): make() for name, make in PAGES.items()}
    stale = [path for path, wanted in fresh.items() if not path.exists() or path.read_text(encoding="utf-8") != wanted]
    if "--check" not in arguments:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(fresh[path], encoding="utf-8")
        return 0
    for path in stale:
        what = f"the tables of {path} are" if path == readme else f"{path} is"
        sys.stderr.write(f"mqtt-mcp: {what} stale; run: just docs\n")
    return 1 if stale else 0
