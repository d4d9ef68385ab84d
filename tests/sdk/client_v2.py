"""The official Python SDK, release 2.x, driving a server over standard streams as told on standard input.

Run in its own virtual environment, never imported by the tests. Reads a plan (see ``test_official_sdks.py``) whose
``mode`` is ``legacy``, ``auto`` or a modern revision, and prints one JSON report; any exception of the SDK's ends the
script with a traceback and a non-zero status.
"""

import json
import sys
import warnings
from typing import Any

import anyio
from mcp import MCPError, StdioServerParameters
from mcp.client import Client

warnings.simplefilter("ignore")  # ping is deprecated in this release; the older era still has it


async def call(client: Client, step: dict[str, Any]) -> dict[str, Any]:
    progress: list[list[Any]] = []

    async def on_progress(done: float, total: float | None, message: str | None) -> None:
        progress.append([done, total, message])

    try:
        result = await client.call_tool(
            step["tool"], step.get("arguments", {}), progress_callback=on_progress if step.get("progress") else None
        )
    except MCPError as error:
        return {"code": error.error.code, "message": error.error.message}
    return {
        "is_error": result.is_error,
        "structured": result.structured_content,
        "text": "".join(block.text for block in result.content if block.type == "text"),
        "progress": progress,
    }


async def cancel(client: Client, step: dict[str, Any]) -> dict[str, Any]:
    with anyio.move_on_after(step["cancel_after_s"]) as scope:  # this release tells the server by itself
        await call(client, step)
    return {"cancelled": scope.cancelled_caught}


async def main() -> None:
    plan = json.load(sys.stdin)
    unexpected: list[str] = []

    async def on_message(message: Any) -> None:
        if isinstance(message, Exception):
            unexpected.append(repr(message))

    parameters = StdioServerParameters(command=plan["command"][0], args=plan["command"][1:], env=plan["env"])
    async with Client(parameters, mode=plan["mode"], message_handler=on_message) as client:
        session = client.session
        report: dict[str, Any] = {
            "protocol": session.protocol_version,
            "server": session.server_info.name if session.server_info else "",
        }
        report["tools"] = [
            {"name": tool.name, "input": tool.input_schema, "output": tool.output_schema}
            for tool in (await client.list_tools()).tools
        ]
        report["steps"] = [await (cancel if "cancel_after_s" in step else call)(client, step) for step in plan["steps"]]
        if plan["mode"] == "legacy":
            await client.send_ping()
        report["unexpected"] = unexpected
    sys.stdout.write(json.dumps(report))


anyio.run(main)
