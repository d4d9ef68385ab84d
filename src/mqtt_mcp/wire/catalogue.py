"""The tools as clients see them: their schemas, and the body of ``tools/list``.

Built once, at the first ``tools/list`` or ``tools/call``, because importing the tools and making their schemas costs
more than the rest of the start. Refuses what is known to break a client. Does not run tools.
"""

import re
from typing import Any

from mqtt_mcp.wire.application import Application, ToolLike
from mqtt_mcp.wire.jsonrpc import encode
from mqtt_mcp.wire.schema import portable_schema

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Catalogue:
    """The tools of one application.

    Attributes:
        tools: By name.
        argument_schemas: The portable schema of each tool's arguments, by tool name.
        listing: The value of ``tools`` in a ``tools/list`` result, encoded.

    Raises:
        ValueError: Tool names that clients do not accept, or that are not sorted and unique.
        UnportableSchema: A type that clients do not accept.
    """

    def __init__(self, application: Application) -> None:
        tools = application.tools()
        names = [tool.name for tool in tools]
        if names != sorted(set(names)):
            raise ValueError(f"tool names have to be unique and sorted: {names}")
        for name in names:
            if not _NAME.fullmatch(name):
                raise ValueError(f"tool name {name!r}: clients want snake_case of at most 40 characters")
        self.tools: dict[str, ToolLike] = {tool.name: tool for tool in tools}
        self.argument_schemas = {tool.name: portable_schema(tool.args) for tool in tools}
        self.listing: bytes = encode([self._entry(tool) for tool in tools])

    def _entry(self, tool: ToolLike) -> dict[str, Any]:
        return {
            "name": tool.name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": self.argument_schemas[tool.name],
            "outputSchema": portable_schema(tool.result),
            "annotations": {
                "title": tool.title,
                "readOnlyHint": tool.read_only,
                "destructiveHint": tool.destructive,
                "idempotentHint": tool.idempotent,
                "openWorldHint": tool.open_world,
            },
        }
