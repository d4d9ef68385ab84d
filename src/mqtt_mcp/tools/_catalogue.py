"""The README's table of tools, made of the tools themselves.

Owns how a tool looks in Markdown. Does not write files: ``commands/docs.py`` does.
"""

import msgspec

from mqtt_mcp.tools import all_tools
from mqtt_mcp.tools._base import Tool


def markdown_table() -> str:
    """One row for each tool: name, what it does, arguments with their defaults."""
    lines = ["| tool | what it does | arguments (default) |", "| --- | --- | --- |"]
    lines += [f"| `{tool.name}` | {first_sentence(tool)} | {_arguments(tool)} |" for tool in all_tools()]
    return "\n".join(lines) + "\n"


def first_sentence(tool: Tool) -> str:
    """The first sentence of a tool's description, for a table."""
    sentence, dot, _ = tool.description.partition(". ")
    return (sentence + dot.strip()).replace("|", "\\|").replace("\n", " ")


def _arguments(tool: Tool) -> str:
    shown = []
    for field in msgspec.structs.fields(tool.args):
        if field.required:
            shown.append(f"**`{field.name}`**")
        elif field.default in ("", msgspec.UNSET, msgspec.NODEFAULT):
            shown.append(f"`{field.name}`")
        else:
            value = field.default
            text = (
                str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else value
            )
            shown.append(f"`{field.name}` ({text})")
    return ", ".join(shown) or "–"
