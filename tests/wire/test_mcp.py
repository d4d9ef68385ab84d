"""What each request is answered, in both protocol eras; pure, without a stream."""

import json
from typing import Any

import jsonschema
import pytest
from msgspec import Raw

from mqtt_mcp.wire.envelope import Era, cancelled_id
from mqtt_mcp.wire.jsonrpc import Request
from mqtt_mcp.wire.mcp import Endpoint, Refusal, Reply, ToolCall
from testkit.toy_application import EchoResult, NoArgs, ToyApplication, _echo, _tool

LEGACY = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]
SUPPORTED = ["2026-07-28", *LEGACY]
VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
CLIENT = "io.modelcontextprotocol/clientInfo"
MODERN = {VERSION: "2026-07-28", CAPABILITIES: {}}


def ask(method: str, params: Any = None, endpoint: Endpoint | None = None) -> Any:
    raw = None if params is None else Raw(json.dumps(params).encode())
    return (endpoint or Endpoint(ToyApplication())).decide(Request(b"1", 1, method, raw))


def result(method: str, params: Any = None) -> dict[str, Any]:
    reply = ask(method, params)
    assert isinstance(reply, Reply), reply
    decoded = json.loads(reply.result)
    assert isinstance(decoded, dict)
    return decoded


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        *((version, version) for version in LEGACY),
        ("2026-07-28", LEGACY[0]),
        ("2024-10-07", LEGACY[0]),
        ("", LEGACY[0]),
    ],
)
def test_initialize_echoes_a_known_revision_and_offers_the_newest_for_any_other(asked: str, answered: str) -> None:
    """MCP lifecycle, version negotiation: another version is an offer, never an error."""
    opened = result("initialize", {"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "c"}})

    assert opened == {
        "protocolVersion": answered,
        "capabilities": {"tools": {}},
        "serverInfo": {
            "name": "toy",
            "title": "Toy",
            "version": "1.2.3",
            "description": "Tools for tests.",
            "websiteUrl": "https://example.org/toy",
        },
        "instructions": "Use echo to hear yourself.",
    }


def test_initialize_with_the_envelope_of_the_stateless_era_is_the_older_handshake() -> None:
    """Spec basic/versioning: both eras may be served on one pipe; initialize exists in the older only."""
    assert result("initialize", {"protocolVersion": "2025-06-18", "_meta": MODERN})["protocolVersion"] == "2025-06-18"


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("initialize", None, -32602),
        ("initialize", {"protocolVersion": 5}, -32602),
        ("initialize", [], -32602),
        ("no/such/method", None, -32601),
        ("resources/list", {}, -32601),
        ("prompts/list", {}, -32601),
        ("logging/setLevel", {"level": "info"}, -32601),
        ("tools/list", {"cursor": "abc"}, -32602),
        ("tools/list", [], -32602),
        ("tools/list", {"_meta": 5}, -32602),
        ("tools/call", None, -32602),
        ("tools/call", {"name": 5}, -32602),
        ("tools/call", {"name": "no_such_tool"}, -32602),
        ("tools/call", {"name": "echo", "arguments": []}, -32602),
        ("tools/call", {"name": "echo", "arguments": "text"}, -32602),
        ("tools/call", {"name": "echo", "_meta": {"progressToken": 1.5}}, -32602),
        ("tools/call", {"name": "echo", "_meta": {"progressToken": "x" * 300}}, -32602),
        # The stateless era: half an envelope is a mistake of its own.
        ("server/discover", None, -32602),
        ("server/discover", {"_meta": {CAPABILITIES: {}}}, -32602),
        ("server/discover", {"_meta": {VERSION: "2026-07-28"}}, -32602),
        ("tools/list", {"_meta": {VERSION: "2026-07-28", CAPABILITIES: []}}, -32602),
        ("tools/list", {"_meta": {CLIENT: {"name": "c"}}}, -32602),
        ("tools/list", {"_meta": {VERSION: 2026}}, -32602),
        ("ping", {"_meta": MODERN}, -32601),
        ("no/such/method", {"_meta": MODERN}, -32601),
        ("tools/call", {"name": "no_such_tool", "_meta": MODERN}, -32602),
    ],
)
def test_a_wrong_request_gets_the_code_of_the_specification(method: str, params: Any, code: int) -> None:
    """MCP server/tools, basic/versioning; JSON-RPC 2.0 §5.1."""
    refusal = ask(method, params)

    assert isinstance(refusal, Refusal), refusal
    assert refusal.code == code


@pytest.mark.parametrize("requested", ["2099-01-01", "2025-11-25", "DRAFT"])
def test_an_unknown_revision_in_the_envelope_is_told_what_is_supported(requested: str) -> None:
    """MCP 2026-07-28: -32022 with data.supported, a subset of what server/discover lists, and data.requested."""
    refusal = ask("tools/list", {"_meta": {VERSION: requested, CAPABILITIES: {}}})

    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.data) == (-32022, {"supported": SUPPORTED, "requested": requested})


def test_discover_tells_every_revision_newest_first() -> None:
    """MCP 2026-07-28 server/discover: resultType, supportedVersions, capabilities, ttlMs, cacheScope are required."""
    found = result("server/discover", {"_meta": {**MODERN, CLIENT: {"name": "c", "version": "1"}}})

    assert found.pop("_meta")["io.modelcontextprotocol/serverInfo"]["name"] == "toy"
    assert found == {
        "resultType": "complete",
        "supportedVersions": SUPPORTED,
        "capabilities": {"tools": {}},
        "instructions": "Use echo to hear yourself.",
        "ttlMs": 300_000,
        "cacheScope": "private",
    }


@pytest.mark.parametrize("params", [None, {}, {"cursor": None}, {"cursor": ""}, {"_meta": {"progressToken": 1}}])
def test_an_older_client_gets_a_list_without_anything_of_the_newer_era(params: Any) -> None:
    """MCP 2025-11-25 and earlier: no resultType, ttlMs, cacheScope or _meta."""
    listed = result("tools/list", params)

    assert list(listed) == ["tools"]
    assert [tool["name"] for tool in listed["tools"]] == sorted(tool["name"] for tool in listed["tools"])


def test_a_newer_client_gets_the_same_tools_with_the_cache_hints_of_its_era() -> None:
    """MCP 2026-07-28 caching: ttlMs and cacheScope are required on lists."""
    listed = result("tools/list", {"_meta": MODERN})

    assert listed["tools"] == result("tools/list")["tools"]
    assert (listed["resultType"], listed["ttlMs"], listed["cacheScope"]) == ("complete", 300_000, "private")


def test_every_listed_tool_has_words_hints_and_two_valid_schemas() -> None:
    """MCP server/tools: title, description, annotations, inputSchema and outputSchema rooted in an object."""
    for tool in result("tools/list")["tools"]:
        assert set(tool) == {"name", "title", "description", "inputSchema", "outputSchema", "annotations"}
        assert tool["annotations"] == {
            "title": tool["title"],
            "readOnlyHint": True,
            "destructiveHint": False,
            "idempotentHint": False,
            "openWorldHint": True,
        }
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"


def test_tools_are_not_touched_before_somebody_asks_for_them() -> None:
    """Ours: opening must not pay for importing tools and making schemas; then it is done once."""
    application = ToyApplication()
    endpoint = Endpoint(application)

    ask("initialize", {"protocolVersion": LEGACY[0]}, endpoint)
    ask("ping", None, endpoint)
    ask("server/discover", {"_meta": MODERN}, endpoint)
    assert application.listed == 0

    ask("tools/list", None, endpoint)
    ask("tools/list", {"_meta": MODERN}, endpoint)
    ask("tools/call", {"name": "echo"}, endpoint)
    assert application.listed == 1


@pytest.mark.parametrize(
    ("meta", "era", "name"), [({}, Era.LEGACY, ""), ({**MODERN, CLIENT: {"name": "c"}}, Era.MODERN, "c")]
)
def test_a_call_is_handed_back_with_its_tool_arguments_token_and_era(meta: dict[str, Any], era: Era, name: str) -> None:
    """Ours: nothing of an earlier request is needed to run a call."""
    call = ask("tools/call", {"name": "echo", "arguments": {"text": "a"}, "_meta": {**meta, "progressToken": "t"}})

    assert isinstance(call, ToolCall)
    assert (call.tool.name, call.progress_token, call.era, call.client_name) == ("echo", b'"t"', era, name)
    assert json.loads(bytes(call.arguments or b"")) == {"text": "a"}


@pytest.mark.parametrize("arguments", [{}, {"arguments": None}])
def test_a_call_without_arguments_is_a_call_with_none(arguments: dict[str, Any]) -> None:
    """MCP server/tools: arguments are optional."""
    call = ask("tools/call", {"name": "fail", **arguments})

    assert isinstance(call, ToolCall)
    assert call.arguments is None


def test_the_client_name_is_printable_and_bounded() -> None:
    """Ours: it is shown to people and to models."""
    reply = ask("initialize", {"protocolVersion": LEGACY[0], "clientInfo": {"name": "a\x1b[2J\u202e\n" + "x" * 200}})

    assert isinstance(reply, Reply)
    assert reply.client_name == "a[2J" + "x" * 76


@pytest.mark.parametrize("names", [["b", "a"], ["a", "a"], ["Bad"], ["a.b"], ["a" * 41], [""]])
def test_tool_names_that_clients_refuse_are_refused_here(names: list[str]) -> None:
    """Measured on Cursor and model APIs: snake_case without dots, at most 40 characters; the list is sorted."""
    application = ToyApplication()
    tools = [_tool(name, NoArgs, EchoResult, _echo) for name in names]
    application.tools = lambda: list(tools)  # type: ignore[method-assign]

    with pytest.raises(ValueError, match="tool name"):
        ask("tools/list", None, Endpoint(application))


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (b'{"requestId":1}', 1),
        (b'{"requestId":"1","reason":"r"}', "1"),
        (b"{}", None),
        (b"[]", None),
        (b'{"requestId":1.5}', None),
    ],
)
def test_a_cancellation_names_an_id_or_nothing(params: bytes, expected: int | str | None) -> None:
    """MCP basic/patterns/cancellation: malformed ones are ignored."""
    assert cancelled_id(Raw(params)) == expected
    assert cancelled_id(None) is None
