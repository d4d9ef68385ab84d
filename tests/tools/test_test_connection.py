"""test_connection as a tool: which broker it means, and what it gives back."""

import msgspec
import pytest

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.mqtt.network import NameFacts, TcpFacts
from mqtt_mcp.tools._base import Context
from mqtt_mcp.tools.test_connection import TOOL, Args
from mqtt_mcp.wire.schema import portable_schema
from testkit.hub import MEMORY, memory_hub, no_progress
from testkit.memory_broker import MemoryBroker


def is_(kind):
    return lambda error: error.kind is kind


class Network:
    in_container = False

    def now_epoch_s(self):
        return 0.0

    async def resolve(self, host, *_more, **_limits):
        self.host = host
        return NameFacts(addresses=("192.0.2.1",))

    async def connect(self, *_where, **_limits):
        return TcpFacts(address="192.0.2.1")


async def diagnosed(*, session=False, **args):
    network = Network()
    async with memory_hub(MemoryBroker(), network=network) as hub:
        client = hub.client_opened("test")
        if session:
            args["session_id"] = (await hub.open_session(MEMORY, client)).id
        context = Context(hub=hub, client=client, report_progress=no_progress)
        result = await TOOL.run(context, Args(**args))
        assert len(hub.sessions()) == int(session)
        return result, network.host


@pytest.mark.parametrize(
    ("args", "host"),
    [
        ({}, MEMORY.host),
        ({"profile": "memory"}, MEMORY.host),
        ({"url": "mqtt://other.test", "username": "u", "password": "secret-word"}, "other.test"),
        ({"session": True}, MEMORY.host),
    ],
)
async def test_it_tests_the_broker_that_is_meant_and_opens_no_session(autojump_clock, args, host):
    """Default, profile, url or the broker of a session."""
    result, asked = await diagnosed(**args)
    assert asked == host
    assert result.ok
    assert result.capabilities.protocol == "5.0"
    assert b"secret-word" not in msgspec.json.encode(result)
    assert len(msgspec.json.encode(result)) < 6_000


async def test_a_session_together_with_an_address_is_a_mistake(autojump_clock):
    """Which of the two should be tested?"""
    with pytest.RaisesGroup(pytest.RaisesExc(ToolError, check=is_(ErrorKind.BAD_ARGUMENT)), flatten_subgroups=True):
        await diagnosed(session=True, url="mqtt://other.test")


async def test_an_unknown_session_is_an_error_of_the_caller(autojump_clock):
    """A fault of the broker is a result; a wrong id is not the broker's."""
    with pytest.RaisesGroup(pytest.RaisesExc(ToolError, check=is_(ErrorKind.SESSION_UNKNOWN)), flatten_subgroups=True):
        await diagnosed(session_id="7d444840-9dc0-11d1-b245-5ffdce74fad2")


def test_arguments_and_result_have_portable_schemas():
    """Unions, tuples and references make several clients lose the whole tool list."""
    assert portable_schema(TOOL.args)["type"] == "object"
    assert portable_schema(TOOL.result)["type"] == "object"
