"""The OpenAPI document is valid and true."""

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from mqtt_mcp.monitor.access import Access
from mqtt_mcp.monitor.routes import ROUTES
from testkit.monitor import FakeHub, act, ask, following, running

TOKEN = Access(token="correct horse")


async def document(access=None):
    async with running(access or Access()) as server:
        answer = await ask(server.port, "/api/v1/openapi.json", Authorization="Bearer correct horse")
        return answer.json()


@pytest.mark.parametrize("access", [Access(), TOKEN], ids=["open", "token"])
async def test_the_document_is_valid(access):
    OpenAPIV31SpecValidator(await document(access)).validate()


async def test_every_route_is_in_it():
    paths = (await document())["paths"]
    told = {(method, path) for path, operations in paths.items() for method in operations}
    assert told == {(r.method.lower(), r.path.replace("<", "{").replace(">", "}")) for r in ROUTES}


async def test_a_token_is_asked_for_where_one_is_needed():
    paths = (await document(TOKEN))["paths"]
    free = {path for path, operations in paths.items() if not all("security" in o for o in operations.values())}
    assert free == {"/healthz", "/readyz", "/widgets/umbrel"}


def described(document, method, path, answer):
    """The schema an answer must fit, after its status and media type were found in the document."""
    operation = document["paths"][path][method]
    response = operation["responses"][str(answer.status)]
    media = answer.headers["content-type"].partition(";")[0]
    return {**response["content"][media]["schema"], "components": document["components"]}


async def test_every_get_route_answers_as_the_document_says():
    async with running() as server:
        paths = (await ask(server.port, "/api/v1/openapi.json")).json()
        for route in ROUTES:
            if route.method != "GET" or route.operation == "events":
                continue
            answer = await ask(server.port, route.path)
            schema = described(paths, "get", route.path, answer)
            value = answer.json() if "json" in answer.headers["content-type"] and route.result else answer.body.decode()
            jsonschema.validate(value, schema)
        async with following(server.port):
            assert "text/event-stream" in paths["paths"]["/api/v1/events"]["get"]["responses"]["200"]["content"]


async def test_actions_and_failures_answer_as_the_document_says():
    async with running(hub=FakeHub(ready=False)) as server:
        paths = (await ask(server.port, "/api/v1/openapi.json")).json()
        cancel, close = "/api/v1/collections/{collection_id}/cancel", "/api/v1/sessions/{session_id}"
        for method, path, template in [
            ("post", "/api/v1/collections/c-1/cancel", cancel),
            ("post", "/api/v1/collections/c-1/cancel", cancel),
            ("post", "/api/v1/collections/x/cancel", cancel),
            ("delete", "/api/v1/sessions/x", close),
            ("get", "/api/v1/calls?limit=x", "/api/v1/calls"),
            ("get", "/api/v1/findings?min_severity=x", "/api/v1/findings"),
            ("get", "/api/v1/events?after=x", "/api/v1/events"),
            ("get", "/readyz", "/readyz"),
        ]:
            answer = await act(server.port, path, method.upper())
            jsonschema.validate(answer.json(), described(paths, method, template, answer))
        gone = await act(server.port, "/api/v1/sessions/s-1", "DELETE")
        assert str(gone.status) in paths["paths"][close]["delete"]["responses"]


async def test_the_severities_to_choose_from_are_in_it():
    (parameter,) = (
        one
        for one in (await document())["paths"]["/api/v1/findings"]["get"]["parameters"]
        if one["name"] == "min_severity"
    )
    assert (parameter["in"], parameter["required"], parameter["schema"]["default"]) == ("query", False, "info")
    assert set(parameter["schema"]["enum"]) == {"critical", "high", "medium", "low", "info"}
