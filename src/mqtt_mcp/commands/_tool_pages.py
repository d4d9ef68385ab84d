"""``docs/tools.md``: every tool with its arguments, real examples and real errors, made of the code and a recording.

Owns how that page looks. The recording is made by ``scripts/record-tools`` and is only read here; nothing is asked of a
broker. For developers: ``commands/docs.py`` writes the page or says that it is stale.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mqtt_mcp.tools import all_tools
from mqtt_mcp.tools._base import Tool
from mqtt_mcp.wire.schema import portable_schema

PAGE = Path("docs/tools.md")
RECORDING = Path("docs/recorded/tools.json")

_COLUMNS = 110
_INTRODUCTION = """\
# The tools, one by one

<!-- Made by `mqtt-mcp docs` from the code and from docs/recorded/tools.json; edits here are lost. -->

Every answer below is real: `scripts/record-tools` asked a window of mqtt-mcp {version} about the simulated home of
`mqtt-mcp demo`. Only this was changed afterwards: ids became `00000000-0000-4000-8000-…`, the broker's port 1883 and
the monitor's 8090; long lists and maps end with how many more there were; longer texts with `…(+N)` for N more
characters.

{contents}

What all of them share:

* An assistant sends `tools/call` with a name and arguments; you talk to the assistant. From a shell, `mqtt-mcp call
  list_topics pattern='zigbee2mqtt/#'` makes the same call, without a session.
* The answer comes twice: as `structuredContent`, which is shown here, and as a text block with the same JSON for
  clients that read only text. When devices may have written part of it, the text block begins like this, and the tag
  is another one each time ([safety](safety.md)):

  ```text
{fence}
  ```
* A watch that goes on when `wait_s` is over answers `"status": "running"`; [`collection_result`](#collection_result)
  has the rest. What is counted and what is shown: [how it works](how-it-works.md#counted-and-shown).
* An error is a text that begins with its kind, such as `session_expired:`. All kinds, with what to do:
  [troubleshooting](troubleshooting.md).
"""


def render(recording: Path = RECORDING) -> str:
    """The whole page.

    Args:
        recording: What ``scripts/record-tools`` wrote.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no JSON, or a tool has no example in it.
    """
    recorded = json.loads(recording.read_text(encoding="utf-8"))
    calls, errors = recorded["calls"], recorded["errors"]
    order = list(dict.fromkeys(call["tool"] for call in calls))
    tools = {tool.name: tool for tool in all_tools()}
    if sorted(order) != sorted(tools):
        raise ValueError(f"{recording} does not show every tool: {', '.join(sorted(set(order) ^ set(tools)))}")
    fence = next(call["text"] for call in calls if call["text"]).rstrip("\n").split("\n")
    parts = [
        _INTRODUCTION.format(
            version=recorded["version"],
            contents=" · ".join(f"[`{name}`](#{name})" for name in order),
            fence="\n".join(f"  {line}" for line in [*fence, "{ … the JSON … }", fence[-1].replace("<", "</")]),
        )
    ]
    for name in order:
        mine = [call for call in calls if call["tool"] == name]
        parts.append(_section(tools[name], mine, [error for error in errors if error["tool"] == name]))
    return "\n".join(parts)


def _section(tool: Tool, calls: Sequence[dict[str, Any]], errors: Sequence[dict[str, Any]]) -> str:
    lines = [f"## {tool.name}", "", f"**{tool.title}.** {_effects(tool)}", "", tool.description, ""]
    lines += _arguments(portable_schema(tool.args))
    for call in calls:
        lines += _example(call)
    lines += ["**What the answer holds**", ""]
    lines += [f"* `{name}`: {_cell(words)}" for name, words in _fields(portable_schema(tool.result))]
    if errors:
        lines += ["", "**When it is refused**", "", "```text"]
        for error in errors:
            lines += [f"{tool.name}({_written(error['arguments'])})", f"    {error['text']}"]
        lines += ["```"]
    return "\n".join([*lines, ""])


def _effects(tool: Tool) -> str:
    """What a client is told by the annotations, in words."""
    if tool.destructive:
        return "Marked as destructive: clients ask before they call it. Not offered with `--read-only`."
    if tool.read_only:
        return "Marked as read-only: it changes nothing at any device."
    return "Neither read-only nor destructive: it acts on our own connections and topics only."


def _arguments(schema: dict[str, Any]) -> list[str]:
    properties, required = schema["properties"], schema.get("required", [])
    if not properties:
        return ["It takes no arguments.", ""]
    lines = ["| argument | type | default | |", "| --- | --- | --- | --- |"]
    for name, argument in properties.items():
        default = "**required**" if name in required else f"`{json.dumps(argument.get('default', ''))}`"
        lines.append(f"| `{name}` | {_type(argument)} | {default} | {_cell(argument['description'])} |")
    return [*lines, ""]


def _type(schema: Mapping[str, Any]) -> str:
    """Type and bounds in words."""
    if "enum" in schema:
        return " or ".join(f"`{one}`" for one in schema["enum"])
    words = str(schema["type"])
    if words == "array":
        words = f"list of {schema['items']['type']}s"
    low, high = (schema.get(key) for key in ("minimum", "maximum"))
    if low is not None and high is not None:
        words += f", {low:g} to {high:,g}" if high < 1e6 else f", from {low:g}"
    if "maxItems" in schema:
        words += f", at most {schema['maxItems']}"
    return words


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Members of the answer that are described, each with the first paragraph of its description."""
    for name, field in schema["properties"].items():
        words = field.get("description", "").split("\n\n")[0].replace("``", "`")
        if words:
            yield name, words


def _example(call: dict[str, Any]) -> list[str]:
    request = {"name": call["tool"], "arguments": call["arguments"]}
    result = _marked(call["result"], "$", call["left_out"])
    return [
        f"**“{call['question']}”**",
        "",
        "```json",
        _json(request),
        "```",
        "",
        f"answers after {call['seconds']:g} s:" if call["seconds"] else "answers at once:",
        "",
        "```json",
        _json(result),
        "```",
        "",
    ]


def _marked(value: Any, path: str, left_out: Mapping[str, int]) -> Any:
    """``value`` with a last item or entry where a list or map was shortened."""
    more = left_out.get(path, 0)
    if isinstance(value, list):
        items = [_marked(item, f"{path}[{n}]", left_out) for n, item in enumerate(value)]
        return [*items, f"… and {more} more"] if more else items
    if isinstance(value, dict):
        entries = {key: _marked(one, f"{path}.{key}", left_out) for key, one in value.items()}
        return entries | ({"…": f"and {more} more"} if more else {})
    return value


def _json(value: Any, indent: str = "") -> str:
    """JSON in which everything that fits stands on one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= _COLUMNS or not isinstance(value, dict | list) or not value:
        return flat
    inner = indent + "  "
    if isinstance(value, list):
        rows = [inner + _json(item, inner) for item in value]
        return "[\n" + ",\n".join(rows) + f"\n{indent}]"
    rows = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {_json(one, inner)}" for key, one in value.items()]
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"


def _written(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
