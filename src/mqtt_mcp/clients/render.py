"""Entries, snippets and command lines of one client for one way to start the server.

Owns their exact text. Does not know which ways there are (``launches.py``) or edit files (``edit.py``).
"""

import json
import shlex
from collections.abc import Mapping, Sequence

from mqtt_mcp.clients.launches import Launch, Start
from mqtt_mcp.clients.table import Client

_WIDTH = 100


def started(client: Client, launch: Launch, settings: Mapping[str, str]) -> Start:
    """The command line that this client has to run.

    Raises:
        ToolError: ``bad_argument``; the settings cannot get there.
    """
    return launch.start(settings, keeps_environment=client.keeps_environment)


def entry(client: Client, start: Start) -> dict[str, object]:
    """The value that the client's configuration holds under the server's name."""
    value: dict[str, object] = {"type": "stdio"} if client.wants_type else {}
    value["command"] = start.words[0]
    if start.words[1:] or client.wants_args:
        value["args"] = list(start.words[1:])
    if start.environment:
        value["env"] = dict(start.environment)
    return value


def snippet(client: Client, name: str, value: Mapping[str, object]) -> str:
    """A whole configuration with one server, without a newline at the end.

    Args:
        client: For which.
        name: The server's name in it.
        value: What ``entry`` made.
    """
    if client.format == "toml":
        return toml_tables(client.key, name, value)
    body = json_entry(value, "    ", "  ")
    return f"{{\n  {json.dumps(client.key)}: {{\n    {json.dumps(name)}: {body}\n  }}\n}}"


def json_entry(value: Mapping[str, object], indent: str, unit: str, newline: str = "\n") -> str:
    """An object, one line for each member so that it can be read and edited.

    Args:
        value: Its members: texts, lists of texts, and objects of texts.
        indent: White space before the line on which it begins.
        unit: White space of one level.
        newline: What ends a line.
    """
    inner = indent + unit
    lines = [f"{inner}{json.dumps(key)}: {_json_value(item, inner, unit)}" for key, item in value.items()]
    return "\n".join(["{", ",\n".join(lines), f"{indent}}}"]).replace("\n", newline)


def toml_tables(key: str, name: str, value: Mapping[str, object]) -> str:
    """``[key.name]`` with its values, and ``[key.name.env]`` after it."""
    lines = [f"[{key}.{name}]"]
    lines += [f"{member} = {_toml_value(item)}" for member, item in value.items() if not isinstance(item, Mapping)]
    for member, table in value.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{key}.{name}.{member}]"]
            lines += [f"{variable} = {_toml_value(text)}" for variable, text in table.items()]
    return "\n".join(lines)


def command_line(client: Client, name: str, start: Start, *, project: bool = False) -> str:
    """The shell command with which the client itself takes the server in; empty when it has none for this.

    Args:
        client: For which.
        name: The server's name in it.
        start: What it is to run.
        project: For the project in the present folder, not for the user.
    """
    words, given = list(start.words), [f"{key}={value}" for key, value in start.environment.items()]
    variables = [word for pair in given for word in ("--env", pair)]
    scope = ["--scope", "project" if project else "user"]
    match client.name:
        case "claude-code":
            return shlex.join(["claude", "mcp", "add", name, *scope, *variables, "--", *words])
        case "codex" if not project:
            return shlex.join(["codex", "mcp", "add", name, *variables, "--", *words])
        case "gemini":
            arguments = ["--", *words[1:]] if words[1:] else []
            return shlex.join(["gemini", "mcp", "add", *scope, *variables, name, words[0], *arguments])
        case "vscode" if not project:
            return shlex.join(["code", "--add-mcp", json.dumps({"name": name, **entry(client, start)})])
    return ""


def _json_value(item: object, indent: str, unit: str) -> str:
    text = json.dumps(item)
    if isinstance(item, list) and len(indent) + len(text) > _WIDTH:
        return _wrapped([json.dumps(one) for one in item], indent, unit)
    return text


def _toml_value(item: object) -> str:
    if isinstance(item, list):
        items = [_toml_value(one) for one in item]
        text = "[" + ", ".join(items) + "]"
        return text if len(text) <= _WIDTH else _wrapped(items, "", "  ")
    return json.dumps(str(item), ensure_ascii=False).replace("\x7f", "\\u007f")


def _wrapped(items: Sequence[str], indent: str, unit: str) -> str:
    """A list over several lines."""
    lines, line = [], ""
    for item in items:
        if line and len(indent) + len(unit) + len(line) + len(item) > _WIDTH:
            lines.append(line.rstrip())
            line = ""
        line += f"{item}, "
    lines.append(line.rstrip(", "))
    return "[\n" + "\n".join(f"{indent}{unit}{one}" for one in lines) + f"\n{indent}]"
