"""A FastMCP server with the ten tools of mqtt-mcp, the way such a server is usually written.

Run as ``python -m benchmarks.peers.fastmcp_server MODULE`` where MODULE has ``FastMCP``: ``mcp.server.fastmcp`` (the
SDK's own) or ``fastmcp``. Nine tools are shells: what is compared is start-up and protocol. ``publish_message`` really
publishes with gmqtt and waits for PUBACK, and only it imports gmqtt.
"""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

FastMCP: Any = importlib.import_module(sys.argv[1]).FastMCP
server: Any = FastMCP("ten-tools", instructions="Looks into MQTT brokers and can publish to them.")

SessionId = Annotated[str, "The session_id that establish_connection returned."]
Duration = Annotated[float, "How long to listen, in seconds: 10 to 300."]
Wait = Annotated[float, "How long this call may block, in seconds: 0 to 300."]
Filter = Annotated[str, "MQTT topic filter: + stands for one level, # for the rest."]
Qos = Annotated[int, "QoS: 0, 1 or 2."]
Result = dict[str, Any]

_connection: dict[str, Any] = {}

Tool = TypeVar("Tool", bound=Callable[..., Any])


def tool(function: Tool) -> Tool:
    """Register a tool; typed, because no type checker sees FastMCP here."""
    server.tool()(function)
    return function


@tool
async def establish_connection(profile: str = "", url: str = "", username: str = "", password: str = "") -> Result:
    """Connect to an MQTT broker; call this first. Returns the session_id that every other tool needs."""
    return {"session_id": "1", "broker": url or profile, "user": username, "login": bool(password)}


@tool
async def list_topics(
    session_id: SessionId, pattern: Filter = "#", duration: Duration = 30, wait_s: Wait = 45
) -> Result:
    """Listen and list the topics that exist, with counts, first and last seen."""
    return {"session_id": session_id, "pattern": pattern, "duration": duration, "wait_s": wait_s}


@tool
async def subscribe_and_collect(
    session_id: SessionId, topic_pattern: Filter, duration: Duration = 30, max_messages: int = 50, qos: Qos = 0
) -> Result:
    """Listen for a while and return a selection of the messages that arrived, and exact counts of all."""
    return {"session_id": session_id, "pattern": topic_pattern, "duration": duration, "max": max_messages, "qos": qos}


@tool
async def publish_message(
    session_id: SessionId, topic: str, payload: str, qos: Qos = 1, *, retain: Annotated[bool, "Store it."] = False
) -> Result:
    """Publish one message and wait for the broker's acknowledgement."""
    if not _connection:
        import gmqtt  # noqa: PLC0415 - start-up is measured without it
        from gmqtt.storage import PersistentStorage  # noqa: PLC0415

        _connection["storage"] = storage = PersistentStorage()
        _connection["client"] = client = gmqtt.Client("fastmcp-server", persistent_storage=storage)
        await client.connect("127.0.0.1", int(os.environ["BENCHMARK_PORT"]))
    _connection["client"].publish(topic, payload, qos=qos, retain=retain)
    await _connection["storage"].wait_empty()
    return {"outcome": "acknowledged", "session_id": session_id, "topic": topic, "qos": qos}


@tool
async def list_active_connections() -> Result:
    """List the open sessions and the configured brokers."""
    return {"sessions": []}


@tool
async def close_connection(session_id: SessionId) -> Result:
    """Close a session."""
    return {"session_id": session_id}


@tool
async def get_topic_schema(session_id: SessionId, topic_pattern: Filter, duration: Duration = 30) -> Result:
    """Listen and describe how the payloads are built, as JSON Schema."""
    return {"session_id": session_id, "pattern": topic_pattern, "duration": duration}


@tool
async def debug_device(session_id: SessionId, device_id: str, duration: Duration = 30, wait_s: Wait = 45) -> Result:
    """Find a device's topics and tell whether it is well, with evidence."""
    return {"session_id": session_id, "device_id": device_id, "duration": duration, "wait_s": wait_s}


@tool
async def monitor_performance(session_id: SessionId, pattern: Filter = "#", duration: Duration = 30) -> Result:
    """Measure rates, sizes, gaps and round trips."""
    return {"session_id": session_id, "pattern": pattern, "duration": duration}


@tool
async def diagnose_connection(session_id: str = "", profile: str = "", url: str = "", timeout_s: float = 10) -> Result:
    """Find out, stage by stage, whether and why a broker cannot be used."""
    return {"session_id": session_id, "profile": profile, "url": url, "timeout_s": timeout_s}


if __name__ == "__main__":
    server.run()
