"""The product's tools behind the real wire on an in-memory broker: what a client sees, in virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mqtt_mcp.commands._application import HubApplication
from mqtt_mcp.hub.hub import Hub
from mqtt_mcp.mqtt.client import MqttTransport
from testkit.hub import memory_hub
from testkit.mcp_client import Era, McpClient, connected


class Product:
    """A connected client with one open session.

    Attributes:
        client: The MCP client.
        hub: The hub behind it.
        session_id: An open session on the broker.
    """

    def __init__(self, client: McpClient, hub: Hub, session_id: str) -> None:
        self.client = client
        self.hub = hub
        self.session_id = session_id

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool on the open session; its structured content. Fails the test when the tool does."""
        outcome = await self.client.call(tool, session_id=self.session_id, **arguments)
        assert not outcome.is_error, outcome.text
        return outcome.data


@asynccontextmanager
async def product(transport: MqttTransport, *, era: Era = "legacy", **hub_arguments: Any) -> AsyncIterator[Product]:
    """Everything but the process and the network."""
    async with (
        memory_hub(transport, **hub_arguments) as hub,
        connected(HubApplication(hub), era=era) as client,
    ):
        opened = await client.call("establish_connection")
        assert not opened.is_error, opened.text
        yield Product(client, hub, opened.data["session_id"])
