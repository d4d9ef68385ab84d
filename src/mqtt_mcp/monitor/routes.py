"""The table of routes: the server's routing and its OpenAPI document both come from here.

Owns paths, methods and what each answers. Holds no code that answers (``api`` does, one method per operation).
"""

from typing import Any

import msgspec

from mqtt_mcp.monitor import model
from mqtt_mcp.monitor.widget import Widget

JSON = "application/json"


class After(msgspec.Struct, frozen=True, kw_only=True):
    """The query of the event stream.

    Attributes:
        after: Last event the reader has; the header ``Last-Event-ID`` goes before it.
    """

    after: int | msgspec.UnsetType = msgspec.UNSET


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One operation.

    Attributes:
        method: HTTP method; what answers GET answers HEAD too.
        path: Path; ``<name>`` is a parameter.
        operation: Name of the method of ``api.Api`` that answers.
        summary: What it is, for the OpenAPI document.
        result: Type of the answer; None: no JSON of ours.
        media: Media types of the answer.
        query: Its query parameters.
        status: Status of the answer.
        failures: Other statuses than those every route has, and when they come.
        is_open: Whether no token is needed.
    """

    method: str
    path: str
    operation: str
    summary: str
    result: Any = None
    media: tuple[str, ...] = (JSON,)
    query: type[msgspec.Struct] | None = None
    status: int = 200
    failures: dict[int, str] = {}
    is_open: bool = False


def _get(path: str, operation: str, summary: str, result: Any = None, **more: Any) -> Route:
    return Route(method="GET", path=path, operation=operation, summary=summary, result=result, **more)


def _records(
    name: str, summary: str, result: type[msgspec.Struct], query: type[msgspec.Struct] = model.Window
) -> Route:
    failures = {422: "A query parameter is wrong"}
    return _get(f"/api/v1/{name}", name, summary, result, query=query, failures=failures)


ROUTES: tuple[Route, ...] = (
    _get("/healthz", "healthz", "The process is alive", model.Health, is_open=True),
    _get(
        "/readyz",
        "readyz",
        "Tool calls are answered",
        model.Health,
        is_open=True,
        failures={503: "It is starting or stopping"},
    ),
    _get("/widgets/umbrel", "umbrel", "Four counters for Umbrel's home screen", Widget, is_open=True),
    _get(
        "/metrics",
        "metrics",
        "Counters for Prometheus",
        media=("text/plain", "application/openmetrics-text"),
    ),
    _get("/api/v1/openapi.json", "openapi", "This document", dict[str, Any]),
    _get("/api/v1/status", "status", "The process and its totals", model.Status),
    _get("/api/v1/snapshot", "snapshot", "Everything a page shows, and the event to follow from", model.Snapshot),
    _get("/api/v1/sessions", "sessions", "The open MQTT sessions, oldest first", model.Sessions),
    _get("/api/v1/collections", "collections", "Running and recently finished collections", model.Collections),
    _get("/api/v1/topics", "topics", "The last message of each topic received", model.Topics),
    _records("calls", "Tool calls, newest first", model.Calls),
    _records("publishes", "What clients asked to publish, refused ones too, newest first", model.Publishes),
    _records("changes", "What began and ended, newest first", model.Changes),
    _records("logs", "Log lines, newest first", model.Logs),
    _records("findings", "What results told is wrong, newest first", model.Findings, model.FindingsWindow),
    _get(
        "/api/v1/publishes.ndjson",
        "publishes_export",
        "All publishes remembered, one JSON object per line, newest last",
        media=("application/x-ndjson",),
    ),
    _get(
        "/api/v1/events",
        "events",
        "What changes, as server-sent events; go on with Last-Event-ID. `reset`: load the snapshot again. "
        "`overflow`: the reader was too slow and is cut off",
        media=("text/event-stream",),
        query=After,
        failures={422: "A query parameter is wrong"},
    ),
    Route(
        method="POST",
        path="/api/v1/collections/<collection_id>/cancel",
        operation="cancel_collection",
        summary="End a collection; what it has so far stays",
        result=model.CollectionView,
        failures={404: "There is no such collection", 409: "It has ended already"},
    ),
    Route(
        method="DELETE",
        path="/api/v1/sessions/<session_id>",
        operation="close_session",
        summary="Disconnect and forget an MQTT session",
        status=204,
        media=(),
        failures={404: "There is no such session"},
    ),
)
