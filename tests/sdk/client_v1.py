"""The official Python SDK, release 1.x, driving a server over standard streams as told on standard input.

Run in its own virtual environment, never imported by the tests. Reads a plan (see ``test_official_sdks.py``) and
prints one JSON report; any exception of the SDK's ends the script with a traceback and a non-zero status.
"""

import json
import sys
from typing import Any

import anyio
from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.stdio import stdio_client


async def call(session: ClientSession, step: dict[str, Any]) -> dict[str, Any]:
    progress: list[list[Any]] = []

    async def on_progress(done: float, total: float | None, message: str | None) -> None:
        progress.append([done, total, message])

    try:
        result = await session.call_tool(
            step["tool"], step.get("arguments", {}), progress_callback=on_progress if step.get("progress") else None
        )
    except McpError as error:
        return {"code": error.error.code, "message": error.error.message}
    return {
        "is_error": result.isError,
        "structured": result.structuredContent,
        "text": "".join(block.text for block in result.content if block.type == "text"),
        "progress": progress,
    }


async def cancel(session: ClientSession, step: dict[str, Any]) -> dict[str, Any]:
    request_id = session._request_id  # this release cancels nothing by itself: the notification is ours to send
    async with anyio.create_task_group() as group:
        group.start_soon(call, session, step)
        await anyio.sleep(step["cancel_after_s"])
        cancelled = types.CancelledNotification(params=types.CancelledNotificationParams(requestId=request_id))
        await session.send_notification(types.ClientNotification(cancelled))
        group.cancel_scope.cancel()
    return {"cancelled": True}


async def main() -> None:
    plan = json.load(sys.stdin)
    unexpected: list[str] = []

    async def on_message(message: Any) -> None:
        if isinstance(message, Exception):
            unexpected.append(repr(message))

    parameters = StdioServerParameters(command=plan["command"][0], args=plan["command"][1:], env=plan["env"])
    async with (
        stdio_client(parameters) as (read, write),
        ClientSession(read, write, message_handler=on_message) as session,
    ):
        opened = await session.initialize()
        report: dict[str, Any] = {"protocol": opened.protocolVersion, "server": opened.serverInfo.name}
        report["tools"] = [
            {"name": tool.name, "input": tool.inputSchema, "output": tool.outputSchema}
            for tool in (await session.list_tools()).tools
        ]
        report["steps"] = [
            await (cancel if "cancel_after_s" in step else call)(session, step) for step in plan["steps"]
        ]
        await session.send_ping()
        report["unexpected"] = unexpected
    sys.stdout.write(json.dumps(report))


anyio.run(main)
