"""``mqtt-mcp call TOOL key=value …``: one tool call from a shell.

Owns turning words into arguments, the session that a call needs for its own time only, and the printing. Runs the very
tool an assistant runs, in this process.
"""

import sys
from collections.abc import Sequence
from typing import Any

import msgspec
import trio

from mqtt_mcp.commands._arguments import USAGE_STATUS, Usage, configure, fail
from mqtt_mcp.commands._compose import running_hub
from mqtt_mcp.commands._printing import described, progress_line, rendered
from mqtt_mcp.commands._shutdown import Watchdog, cancelled_by_signals
from mqtt_mcp.config import Config
from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.hub import Client, Hub
from mqtt_mcp.mqtt.broker_url import without_user_info
from mqtt_mcp.tools import all_tools, available_tools
from mqtt_mcp.tools._base import Context, Tool
from mqtt_mcp.wire.arguments import decode_arguments
from mqtt_mcp.wire.results import encode_result
from mqtt_mcp.wire.schema import portable_schema

EXAMPLES = """\
examples:
  mqtt-mcp call                                                  list the tools
  mqtt-mcp call list_topics                                      on the default broker
  mqtt-mcp call subscribe_and_collect topic_pattern='home/#' duration=10 --broker mqtt://localhost
  mqtt-mcp call publish_message topic=home/lamp/set payload=ON --broker home
  mqtt-mcp call test_connection --broker mqtts://broker.example.org --json
A tool that needs a session gets one on the default broker (--broker) for the time of the call.
"""
INTERRUPTED_STATUS = 130


def run(arguments: Sequence[str]) -> int:
    """Make the call. Returns 0, 1 when the tool failed, 2 when it was called wrongly, 130 when interrupted."""

    def add(parser: Any) -> None:
        parser.add_argument("tool", nargs="?", default="", metavar="TOOL", help="The tool; none lists all of them.")
        parser.add_argument("pairs", nargs="*", metavar="key=value", help="Its arguments; repeat a key for a list.")
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    try:
        config, parsed = configure(
            "mqtt-mcp call", "Make one tool call and print its result.", arguments, add=add, examples=EXAMPLES
        )
    except Usage as usage:
        return usage.status
    if not parsed.tool:
        sys.stdout.write(described(available_tools(config.policy)))
        return 0
    tool = next((tool for tool in all_tools() if tool.name == parsed.tool), None)
    if tool is None:
        asked = ascii(without_user_info(parsed.tool))[:60]
        fail(f"there is no tool {asked}; there are: {', '.join(t.name for t in all_tools())}.")
        return USAGE_STATUS
    if tool not in available_tools(config.policy):
        fail(f"{tool.name} is switched off by the configuration (read-only).")
        return 1
    try:
        values = arguments_of(tool, parsed.pairs)
        return trio.run(_call, config, tool, values, parsed.json)
    except ToolError as error:
        fail(f"{error.message} {error.hint}".strip())
        return USAGE_STATUS if error.kind in (ErrorKind.BAD_ARGUMENT, ErrorKind.CONFIG) else 1


def arguments_of(tool: Tool, pairs: Sequence[str]) -> dict[str, str | list[str]]:
    """The arguments that ``key=value`` words mean, still as text.

    Raises:
        ToolError: A word has no ``=``, or a key that takes one value stands twice.
    """
    lists = {name for name, schema in _properties(tool).items() if schema.get("type") == "array"}
    values: dict[str, str | list[str]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            word = ascii(without_user_info(pair))[:60]
            raise ToolError(ErrorKind.BAD_ARGUMENT, f"{word} is not key=value.", "Write for example qos=1.")
        if key in lists:
            several = values.get(key, [])
            values[key] = [*several, value]
        elif key in values:
            raise ToolError(ErrorKind.BAD_ARGUMENT, f"{ascii(key)[:60]} is given twice.", "Give it once.")
        else:
            values[key] = value
    return values


def _properties(tool: Tool) -> dict[str, Any]:
    properties: dict[str, Any] = portable_schema(tool.args)["properties"]
    return properties


async def _call(config: Config, tool: Tool, values: dict[str, str | list[str]], as_json: bool) -> int:  # noqa: FBT001 - trio.run passes by position
    watchdog = Watchdog(config.settings.shutdown_s, status=INTERRUPTED_STATUS)
    status = INTERRUPTED_STATUS

    failure: ToolError | None = None
    with trio.CancelScope() as scope, cancelled_by_signals(scope, watchdog):
        async with running_hub(config) as hub:
            try:
                result = await _run_tool(hub, tool, values)
            except ToolError as error:
                failure = error
            else:
                status = 0
                _print(result, as_json=as_json)
    if failure is not None:
        raise failure
    return status


async def _run_tool(hub: Hub, tool: Tool, values: dict[str, Any]) -> msgspec.Struct:
    client = hub.client_opened("mqtt-mcp call")
    schema = portable_schema(tool.args)
    if "wait_s" in schema["properties"]:
        # A shell has no time limit of its own: wait for the end of the watch.
        values = {"wait_s": str(hub.settings.max_wait_s), **values}
    if "session_id" in schema.get("required", []) and "session_id" not in values:
        # Wrong arguments are told before a connection is made for them.
        decode_arguments(tool.name, tool.args, _raw({**values, "session_id": ""}), schema)
        opened = await _establish(hub, client)
        values = {**values, "session_id": opened}
    args = decode_arguments(tool.name, tool.args, _raw(values), schema)
    with progress_line() as report:
        result: msgspec.Struct = await tool.run(Context(hub=hub, client=client, report_progress=report), args)
    return result


async def _establish(hub: Hub, client: Client) -> str:
    broker = hub.resolve_broker()
    return (await hub.open_session(broker, client)).id


def _raw(values: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(values))


def _print(result: msgspec.Struct, *, as_json: bool) -> None:
    encoded = encode_result(result)
    if as_json:
        sys.stdout.write(msgspec.json.format(encoded, indent=2).decode() + "\n")
    else:
        sys.stdout.write(rendered(msgspec.json.decode(encoded)))
    sys.stdout.flush()
