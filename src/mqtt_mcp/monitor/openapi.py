"""The OpenAPI 3.1 document of the REST interface, made of the table of routes and the types they answer with.

Pure. Knows no framework: what the table says is what ``app`` routes.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from mqtt_mcp.monitor.problem import MEDIA_TYPE, Problem
from mqtt_mcp.monitor.routes import JSON, Route

_PARAMETER = re.compile(r"<(\w+)>")
_REFERENCE = "#/components/schemas/{name}"
_EVERYWHERE = {
    400: "The request is malformed",
    401: "The token is missing or wrong",
    403: "It came from a page of another origin, or is not permitted",
    421: "The host name is not allowed",
    429: "Too many requests or event streams",
}


def document(routes: Iterable[Route], version: str, *, has_token: bool) -> dict[str, Any]:
    """The document.

    Args:
        routes: What there is.
        version: Of this program.
        has_token: Whether a token is needed.
    """
    routes = list(routes)
    types = [route.result for route in routes if route.result is not None]
    schemas, components = msgspec.json.schema_components([*types, Problem], ref_template=_REFERENCE)
    by_type = dict(zip(map(repr, types), schemas, strict=False))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = _PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, by_type, has_token=has_token)
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "mqtt-mcp monitor",
            "version": version,
            "description": "Times are seconds since 1970. Lists of records hold the newest first; ask again with "
            "`before` set to `next` for older ones. A request that changes something needs the header `X-MQTT-MCP: 1`.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }
    if has_token:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return found


def _operation(route: Route, by_type: dict[str, Any], *, has_token: bool) -> dict[str, Any]:
    ok: dict[str, Any] = {"description": route.summary}
    if route.media:
        schema = {"type": "string"} if route.result is None else by_type[repr(route.result)]
        ok["content"] = {media: {"schema": schema} for media in route.media}
    responses = {str(route.status): ok}
    problem = {MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(name="Problem")}}}
    for status, when in sorted({**_EVERYWHERE, **route.failures}.items()):
        # Not ready is no error of the request: it has the route's own form.
        content = {JSON: {"schema": by_type[repr(route.result)]}} if status == 503 else problem
        responses[str(status)] = {"description": when, "content": content}
    responses["default"] = {"description": "Something else went wrong", "content": problem}
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_action_header(route)],
        "responses": responses,
    }
    if has_token and not route.is_open:
        operation["security"] = [{"token": []}]
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    names = _PARAMETER.findall(route.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    fields = msgspec.json.schema_components([route.query])[1][route.query.__name__]["properties"]
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in fields.items()]


def _action_header(route: Route) -> list[dict[str, Any]]:
    if route.method == "GET":
        return []
    return [{"name": "X-MQTT-MCP", "in": "header", "required": True, "schema": {"type": "string", "const": "1"}}]
