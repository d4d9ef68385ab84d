"""Puts the web application together: the routes of the table, the page and its files, errors as problems.

Owns the wiring to Quart. Opens no port (``server`` does).
"""

import logging
from pathlib import Path

from quart import Response, request
from werkzeug.exceptions import HTTPException

from mqtt_mcp import __version__
from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.monitor.access import Access
from mqtt_mcp.monitor.api import Api, WrongQuery, problem_response, without_body
from mqtt_mcp.monitor.guards import GuardedQuart
from mqtt_mcp.monitor.limits import Limits
from mqtt_mcp.monitor.metrics import Metrics
from mqtt_mcp.monitor.openapi import document
from mqtt_mcp.monitor.pages import INDEX, STATIC, Page, load_pages
from mqtt_mcp.monitor.routes import ROUTES
from mqtt_mcp.monitor.security import Security
from mqtt_mcp.monitor.source import Source

logger = logging.getLogger(__name__)

_KEPT_ERROR_HEADERS = ("Allow", "Retry-After")


def make_app(
    source: Source, feed: Feed, metrics: Metrics, access: Access, *, limits: Limits, static: Path = STATIC
) -> Security:
    """The application, secured.

    Args:
        source: The hub.
        feed: Its events.
        metrics: Its counters.
        access: Who may do what.
        limits: What is taken from peers.
        static: Folder of the page and its files; read now.

    Raises:
        OSError: A file of the page cannot be read.
    """
    app = GuardedQuart(__name__, static_folder=None, template_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=limits.body_bytes, BODY_TIMEOUT=limits.body_timeout_s)
    # A path is what it says: no redirect to a tidier one, which would be an answer of a shape of its own.
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    openapi = document(ROUTES, __version__, has_token=bool(access.token))
    api = Api(source, feed, metrics, limits, openapi)
    for route in ROUTES:
        app.add_url_rule(
            route.path,
            endpoint=route.operation,
            view_func=getattr(api, route.operation),
            methods=[route.method],
            provide_automatic_options=False,
        )
    _add_pages(app, load_pages(static))
    _add_errors(app)
    return Security(app, access, limits)


def _add_pages(app: GuardedQuart, pages: dict[str, Page]) -> None:
    async def page(name: str = INDEX) -> Response:
        found = pages.get(name)
        if found is None:
            return problem_response(404)
        headers = {"Cache-Control": "no-cache", "ETag": f'"{found.etag}"'}
        if request.if_none_match.contains_weak(found.etag):
            return without_body(Response(b"", status=304, headers=headers))
        return Response(found.data, headers=headers, content_type=found.media_type)

    for path in ("/", "/static/<path:name>"):
        app.add_url_rule(path, endpoint="page", view_func=page, methods=["GET"], provide_automatic_options=False)


def _add_errors(app: GuardedQuart) -> None:
    @app.errorhandler(HTTPException)
    async def refused(error: HTTPException) -> Response:
        response = problem_response(error.code or 500)
        for name, value in error.get_headers():
            if name in _KEPT_ERROR_HEADERS:
                response.headers[name] = value
        return response

    @app.errorhandler(WrongQuery)
    async def wrong_query(error: WrongQuery) -> Response:
        return problem_response(422, "query", str(error))

    @app.errorhandler(Exception)
    async def failed(error: Exception) -> Response:
        logger.error("%s %s failed", request.method, request.endpoint, exc_info=error)
        return problem_response(500)
