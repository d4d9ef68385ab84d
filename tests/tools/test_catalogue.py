"""What holds for every tool: names, words, portable schemas, annotations, the generated table."""

import jsonschema
import msgspec
import pytest

from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.settings import DEFAULTS
from mqtt_mcp.tools import all_tools, available_tools
from mqtt_mcp.tools._catalogue import markdown_table
from mqtt_mcp.wire.schema import portable_schema

TOOLS = all_tools()
NAMES = [tool.name for tool in TOOLS]


def test_the_ten_tools_and_collection_result_are_found_sorted():
    """The issue's list; discovery needs no register."""
    assert NAMES == [
        "close_connection",
        "collection_result",
        "debug_device",
        "establish_connection",
        "get_topic_schema",
        "list_active_connections",
        "list_topics",
        "monitor_performance",
        "publish_message",
        "subscribe_and_collect",
        "test_connection",
    ]


def test_read_only_leaves_all_but_publishing():
    """Decisions, publishing."""
    assert [tool.name for tool in available_tools(AccessPolicy(read_only=True))] == [
        name for name in NAMES if name != "publish_message"
    ]


@pytest.mark.parametrize("tool", TOOLS, ids=NAMES)
def test_a_tool_is_described_for_a_model_in_portable_terms(tool):
    """mcp.md §3.3: schemas every client takes; a description for the tool and each argument; bounded length."""
    arguments = portable_schema(tool.args)
    jsonschema.Draft202012Validator.check_schema(arguments)
    jsonschema.Draft202012Validator.check_schema(portable_schema(tool.result))

    assert len(tool.name) <= 40
    assert tool.title
    assert 80 <= len(tool.description) <= 1500
    assert arguments["additionalProperties"] is False
    for name, schema in arguments["properties"].items():
        assert schema.get("description"), f"{tool.name}.{name} has no description"


@pytest.mark.parametrize("tool", TOOLS, ids=NAMES)
def test_listening_tools_share_their_arguments(tool):
    """Every one that has a duration can also be told how long to block."""
    fields = {field.name: field for field in msgspec.structs.fields(tool.args)}
    if "duration" in fields:
        assert {"session_id", "wait_s"} <= set(fields)
        assert fields["wait_s"].default == DEFAULTS.default_wait_s
        assert DEFAULTS.min_duration_s <= fields["duration"].default <= DEFAULTS.max_duration_s
        result = [field.name for field in msgspec.structs.fields(tool.result)]
        assert result[:2] == ["status", "collection_id"]


def test_only_publishing_is_destructive():
    """Clients ask before destructive tools."""
    assert [tool.name for tool in TOOLS if tool.destructive] == ["publish_message"]
    assert not next(tool for tool in TOOLS if tool.name == "publish_message").read_only


def test_the_table_has_one_row_for_each_tool():
    """It goes into the README."""
    table = markdown_table()

    assert [row.split("`")[1] for row in table.splitlines()[2:]] == NAMES
