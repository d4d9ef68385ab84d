"""The answers of the REST interface: one method per operation of the table of routes.

Owns how a query is read and an answer is written. Does not decide who may ask (``security``) nor what is true of the
hub (the ``Source`` it is given).
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import trio
from quart import Response, request

from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.monitor import problem
from mqtt_mcp.monitor.exchange import Exchange
from mqtt_mcp.monitor.limits import Limits
from mqtt_mcp.monitor.metrics import Metrics
from mqtt_mcp.monitor.model import Collections, FindingsWindow, Health, Sessions, Snapshot, Status, Window
from mqtt_mcp.monitor.routes import After
from mqtt_mcp.monitor.source import NotRunning, Source
from mqtt_mcp.monitor.stream import EventStream, last_event_id
from mqtt_mcp.monitor.widget import umbrel_widget

_encoder = msgspec.json.Encoder(enc_hook=str)
_NO_STORE = {"Cache-Control": "no-store"}
_STREAM_RETRY_AFTER_S = 5
_SHARED_S = 1.0
"""How long one encoded body answers everybody who asks for the same."""

Query = TypeVar("Query", bound=msgspec.Struct)


class WrongQuery(Exception):
    """A query parameter has a value it cannot have; the text says which and why."""


class _Body(msgspec.Struct, frozen=True):
    """An encoded answer, and the newest event when it was made."""

    data: bytes
    made_at_s: float
    event_id: int


class Api:
    """Answers for one hub.

    Args:
        source: The hub.
        feed: Its events.
        metrics: Its counters.
        limits: Of the streams.
        openapi: The document of this interface.
    """

    def __init__(self, source: Source, feed: Feed, metrics: Metrics, limits: Limits, openapi: dict[str, Any]) -> None:
        self._source = source
        self._feed = feed
        self._metrics = metrics
        self._limits = limits
        self._openapi = openapi
        self._bodies: dict[str, _Body] = {}

    async def healthz(self) -> Response:
        """The process is alive."""
        return _json(Health("ok"))

    async def readyz(self) -> Response:
        """Tool calls are answered."""
        if self._source.stopping:
            return _json(Health("stopping"), 503)
        return _json(Health("ok")) if self._source.ready else _json(Health("starting"), 503)

    async def umbrel(self) -> Response:
        """Four counters."""
        return _json(umbrel_widget(self._source.status()))

    async def metrics(self) -> Response:
        """Counters for Prometheus."""
        body, content_type = self._metrics.render(request.headers.get("Accept", ""))
        return Response(body, content_type=content_type, headers=_NO_STORE)

    async def openapi(self) -> Response:
        """The document of this interface."""
        return _json(self._openapi)

    async def status(self) -> Response:
        """The process and its totals."""
        return _json(_with_permission(self._source.status()))

    async def snapshot(self) -> Response:
        """Everything a page shows."""

        def make() -> Snapshot:
            snapshot = self._source.snapshot()
            return msgspec.structs.replace(snapshot, status=_with_permission(snapshot.status))

        return self._shared("snapshot to act on" if _exchange().may_act else "snapshot", make)

    async def sessions(self) -> Response:
        """The open sessions."""
        return _json(Sessions(self._source.sessions()))

    async def collections(self) -> Response:
        """The collections."""
        return _json(Collections(self._source.collections()))

    async def topics(self) -> Response:
        """The topics received."""
        return self._shared("topics", self._source.topics)

    async def calls(self) -> Response:
        """Tool calls."""
        return _json(self._source.calls(*_window()))

    async def publishes(self) -> Response:
        """What clients asked to publish."""
        return _json(self._source.publishes(*_window()))

    async def changes(self) -> Response:
        """What began and ended."""
        return _json(self._source.changes(*_window()))

    async def logs(self) -> Response:
        """Log lines."""
        return _json(self._source.logs(*_window()))

    async def findings(self) -> Response:
        """What results told is wrong."""
        query = _query(FindingsWindow)
        return _json(self._source.findings(*_page(query), query.min_severity))

    async def publishes_export(self) -> Response:
        """All publishes, as a file."""
        body = b"".join(_encoder.encode(publish) + b"\n" for publish in self._source.exported())
        headers = {**_NO_STORE, "Content-Disposition": 'attachment; filename="mqtt-mcp-publishes.ndjson"'}
        return Response(body, content_type="application/x-ndjson", headers=headers)

    async def events(self) -> Response:
        """What changes, as server-sent events."""
        given = _query(After).after
        after = None if isinstance(given, msgspec.UnsetType) else given
        header = last_event_id(request.headers.get("Last-Event-ID"))
        headers = {**_NO_STORE, "X-Accel-Buffering": "no"}  # a proxy that buffers would hold events back
        if request.method == "HEAD":
            return Response(b"", content_type="text/event-stream", headers=headers)
        if len(self._feed) >= self._limits.max_streams:
            response = problem_response(429, "streams", f"{self._limits.max_streams} event streams are read already")
            response.headers["Retry-After"] = str(_STREAM_RETRY_AFTER_S)
            return response
        follower = self._feed.follow(after if header is None else header)
        _exchange().at_end.callback(self._feed.leave, follower)
        stream = EventStream(follower, heartbeat_s=self._limits.heartbeat_s, retry_ms=self._limits.retry_ms)
        response = Response(stream, content_type="text/event-stream", headers=headers)
        response.timeout = None  # Quart would cut every stream after a minute
        return response

    async def cancel_collection(self, collection_id: str) -> Response:
        """End a collection."""
        await request.get_data()  # within limits of size and time; nothing in it is wanted
        try:
            collection = self._source.cancel_collection(collection_id, _exchange().who)
        except NotRunning as error:
            return problem_response(409, "not-running", f"the collection has ended ({error.state})")
        self._bodies.clear()  # who has acted sees what came of it
        if collection is None:
            return problem_response(404, "no-collection", "there is no collection with this id")
        return _json(collection)

    async def close_session(self, session_id: str) -> Response:
        """Disconnect a session."""
        await request.get_data()
        if not await self._source.close_session(session_id, _exchange().who):
            return problem_response(404, "no-session", "there is no session with this id")
        self._bodies.clear()
        return without_body(Response(b"", status=204, headers=_NO_STORE))

    def _shared(self, kind: str, make: Callable[[], Any]) -> Response:
        """Thousands of topics take a while to encode, and hundreds of pages ask at once after a restart."""
        now_s = trio.current_time()
        body = self._bodies.get(kind)
        if body is None or now_s - body.made_at_s >= _SHARED_S or not self._can_be_followed(body.event_id):
            # Without a checkpoint in between: what is in the body belongs to the event.
            body = self._bodies[kind] = _Body(_encoder.encode(make()), now_s, self._feed.last_id)
        return Response(body.data, content_type="application/json", headers=_NO_STORE)

    def _can_be_followed(self, event_id: int) -> bool:
        """Whether the feed still has all that came after an event: a page that cannot go on from it would ask again."""
        follower = self._feed.follow(event_id)
        self._feed.leave(follower)
        return not follower.reset


def problem_response(status: int, name: str = "", detail: str = "") -> Response:
    """An answer that is a problem."""
    instance = request.scope["raw_path"].decode("ascii", "backslashreplace")
    body = problem.encode(status, name, detail, instance)
    return Response(body, status=status, content_type=problem.MEDIA_TYPE, headers=_NO_STORE)


def without_body(response: Response) -> Response:
    """An answer whose status has no body: it has no length and no type either."""
    del response.headers["Content-Length"]
    del response.headers["Content-Type"]
    return response


def _json(value: Any, status: int = 200) -> Response:
    return Response(_encoder.encode(value), status=status, content_type="application/json", headers=_NO_STORE)


def _exchange() -> Exchange:
    return Exchange.of(request.scope["state"])


def _with_permission(status: Status) -> Status:
    return msgspec.structs.replace(status, actions=_exchange().may_act)


def _window() -> tuple[int | None, int]:
    return _page(_query(Window))


def _page(window: Window) -> tuple[int | None, int]:
    return None if isinstance(window.before, msgspec.UnsetType) else window.before, window.limit


def _query(kind: type[Query]) -> Query:
    """The query as a value; fields it does not have are ignored."""
    given = {name: request.args[name] for name in kind.__struct_fields__ if name in request.args}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise WrongQuery(str(error)) from None
