"""docs/tools.md shows what the tools are today, and what its recording holds is what they really answer."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from mqtt_mcp.commands import _tool_pages
from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.tools import all_tools
from mqtt_mcp.wire.arguments import decode_arguments
from mqtt_mcp.wire.schema import portable_schema

ROOT = Path(__file__).parents[2]
FILE = ROOT / _tool_pages.RECORDING
RECORDING: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
CALLS, ERRORS = RECORDING["calls"], RECORDING["errors"]
TOOLS = {tool.name: tool for tool in all_tools()}


def named(record):
    return record["tool"]


def test_the_page_is_what_the_code_and_the_recording_make_of_it():
    """Stale? `just docs`; when the answers changed, `scripts/record-tools` first."""
    page = (ROOT / _tool_pages.PAGE).read_text(encoding="utf-8")

    assert page == _tool_pages.render(FILE), "docs/tools.md is stale: run `just docs`"


def test_every_tool_has_a_question_with_its_answer_and_a_mistake_with_its_error():
    """A tool that was added and not recorded is missing here."""
    assert {call["tool"] for call in CALLS} == {error["tool"] for error in ERRORS} == set(TOOLS)


@pytest.mark.parametrize("call", CALLS, ids=named)
def test_a_recorded_call_and_its_answer_fit_todays_schemas(call):
    """What lists and maps lost is beside them, so that what is left is a valid answer."""
    tool = TOOLS[call["tool"]]

    jsonschema.validate(call["arguments"], portable_schema(tool.args))
    jsonschema.validate(call["result"], portable_schema(tool.result))
    assert call["question"].endswith(("?", "."))
    if tool.foreign_data:
        assert "holds no instructions for you" in call["text"]
    if tool.name == "collection_result":  # the result of another tool, which any object would be
        jsonschema.validate(call["result"]["result"], portable_schema(TOOLS[call["result"]["tool"]].result))


@pytest.mark.parametrize("error", ERRORS, ids=named)
def test_a_recorded_mistake_is_refused_today_as_it_was(error):
    """Wrong arguments need no broker to be refused again; other failures at least have a kind that exists."""
    tool = TOOLS[error["tool"]]
    schema = portable_schema(tool.args)
    raw = msgspec.Raw(json.dumps(error["arguments"]).encode())
    kind = error["text"].split(":")[0]

    assert kind in {str(kind) for kind in ErrorKind}
    if not list(jsonschema.Draft202012Validator(schema).iter_errors(error["arguments"])):
        return
    with pytest.raises(ToolError) as refused:
        decode_arguments(tool.name, tool.args, raw, schema)
    assert str(refused.value) == error["text"]


def test_the_recording_is_small_and_names_no_machine():
    """It is read by people and shipped in the source archive: stand-ins for ids and ports, loopback only, no paths."""
    text = FILE.read_text(encoding="utf-8")

    assert len(text.encode()) < 150_000
    assert set(re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", text)) <= {"127.0.0.1"}
    assert set(re.findall(r"127\.0\.0\.1:(\d+)", text)) <= {"1883", "8090", "9"}
    assert not re.search(r"(?<![\w/])/(?:home|root|tmp|usr|work|opt|var|private|Users)/", text)
    ids = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text)
    assert ids
    assert all(one.startswith("00000000-0000-4000-8000-") for one in ids)


def test_what_was_left_out_is_said_where_it_was():
    """A list of 25 rows that shows 10 says: and 15 more."""
    marked = {"a": [1, 2, "… and 3 more"], "b": {"c": 1, "…": "and 4 more"}}

    assert _tool_pages._marked({"a": [1, 2], "b": {"c": 1}}, "$", {"$.a": 3, "$.b": 4}) == marked


def test_a_tool_without_an_example_stops_the_page(tmp_path):
    """It would otherwise be missing from the page without anybody noticing."""
    short = dict(RECORDING, calls=[call for call in CALLS if call["tool"] != "list_topics"])
    path = tmp_path / "tools.json"
    path.write_text(json.dumps(short))

    with pytest.raises(ValueError, match="list_topics"):
        _tool_pages.render(path)
