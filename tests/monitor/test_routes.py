"""What each route answers."""

import logging

import msgspec
import pytest

from mqtt_mcp.monitor.routes import ROUTES
from testkit.monitor import COLLECTION, FakeHub, act, ask, call, connect, running


async def test_the_process_says_that_it_is_alive_and_nothing_else():
    async with running() as server:
        assert (await ask(server.port, "/healthz")).json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("ready", "stopping", "status", "word"),
    [(True, False, 200, "ok"), (False, False, 503, "starting"), (True, True, 503, "stopping")],
)
async def test_it_is_ready_when_tool_calls_are_answered(ready, stopping, status, word):
    async with running(hub=FakeHub(ready=ready, stopping=stopping)) as server:
        answer = await ask(server.port, "/readyz")
        assert (answer.status, answer.json()) == (status, {"status": word})


async def test_data_is_never_stored_by_a_cache():
    async with running() as server:
        for route in ROUTES:
            if route.method == "GET" and route.operation != "events":
                answer = await ask(server.port, route.path)
                assert (answer.status, answer.headers["cache-control"]) == (200, "no-store"), route.path


async def test_a_snapshot_holds_everything_and_the_event_to_follow_from():
    async with running() as server:
        snapshot = (await ask(server.port, "/api/v1/snapshot")).json()
        assert snapshot["event_id"] == server.hub.feed.last_id
        assert snapshot["status"]["actions"] is True
        assert [c["id"] for c in snapshot["collections"]] == ["c-1"]
        assert [f["id"] for f in snapshot["findings"]] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("name", ["calls", "publishes", "findings"])
async def test_older_records_are_asked_for_with_what_the_last_answer_gave(name):
    async with running() as server:
        first = (await ask(server.port, f"/api/v1/{name}?limit=4")).json()
        assert [r["id"] for r in first["items"]] == [7, 6, 5, 4]
        second = (await ask(server.port, f"/api/v1/{name}?limit=4&before={first['next']}")).json()
        assert [r["id"] for r in second["items"]] == [3, 2, 1]
        assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("min_severity=critical", [4]),
        ("min_severity=high", [5, 4, 1]),
        ("min_severity=low", [7, 6, 5, 4, 3, 2, 1]),
        ("min_severity=info", [7, 6, 5, 4, 3, 2, 1]),
        ("min_severity=high&before=5", [4, 1]),
        ("min_severity=high&limit=1", [5]),
        ("", [7, 6, 5, 4, 3, 2, 1]),
    ],
)
async def test_findings_are_chosen_by_how_bad_they_are(query, ids):
    async with running() as server:
        answer = (await ask(server.port, f"/api/v1/findings?{query}")).json()
        assert [one["id"] for one in answer["items"]] == ids
        assert (answer["next"] is not None) == ("limit" in query)


@pytest.mark.parametrize("query", ["min_severity=", "min_severity=CRITICAL", "min_severity=bad", "limit=501"])
async def test_a_severity_that_does_not_exist_is_named(query):
    async with running() as server:
        answer = await ask(server.port, f"/api/v1/findings?{query}")
        assert (answer.status, answer.is_problem) == (422, True)
        assert query.partition("=")[0] in answer.json()["detail"]


@pytest.mark.parametrize("name", ["sessions", "collections", "topics", "changes", "logs"])
async def test_a_list_is_an_object_with_items(name):
    async with running() as server:
        assert len((await ask(server.port, f"/api/v1/{name}")).json()["items"]) == 1


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=many", "limit=", "before=-1", "before=x", f"before={'9' * 5000}", "limit=1.5"],
)
async def test_a_wrong_query_value_is_named(query):
    async with running() as server:
        answer = await ask(server.port, f"/api/v1/calls?{query}")
        assert (answer.status, answer.is_problem) == (422, True)
        assert query.partition("=")[0] in answer.json()["detail"]


async def test_unknown_query_fields_are_ignored():
    async with running() as server:
        assert (await ask(server.port, "/api/v1/calls?limit=1&colour=blue&limit=x")).status == 200


async def test_the_export_has_every_publish_once_and_the_newest_last():
    hub = FakeHub()
    hub.all_publishes = [msgspec.structs.replace(hub.all_publishes[0], id=n) for n in range(1, 1202)]
    async with running(hub=hub) as server:
        answer = await ask(server.port, "/api/v1/publishes.ndjson")
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert [msgspec.json.decode(line)["id"] for line in answer.body.splitlines()] == list(range(1, 1202))


async def test_a_collection_is_cancelled_once():
    async with running() as server:
        path = "/api/v1/collections/c-1/cancel"
        answer = await act(server.port, path, "POST")
        assert (answer.status, answer.json()["state"]) == (200, "cancelled")
        again = await act(server.port, path, "POST")
        assert (again.status, again.is_problem) == (409, True)
        assert "cancelled" in again.json()["detail"]
        unknown = await act(server.port, "/api/v1/collections/other/cancel", "POST")
        assert (unknown.status, unknown.is_problem) == (404, True)
        assert server.hub.acted[0] == ("cancel", "c-1", "A person")


async def test_a_session_is_closed_once():
    async with running() as server:
        answer = await act(server.port, "/api/v1/sessions/s-1", "DELETE")
        assert (answer.status, answer.body) == (204, b"")
        assert not {"content-length", "content-type"} & answer.headers.keys()
        again = await act(server.port, "/api/v1/sessions/s-1", "DELETE")
        assert (again.status, again.is_problem) == (404, True)


async def test_an_id_may_hold_anything_that_is_percent_encoded():
    hub = FakeHub(watches={"a b/ü": COLLECTION})
    async with running(hub=hub) as server:
        # A slash ends a path segment even when it is encoded; the ids of the hub have none.
        assert (await act(server.port, "/api/v1/collections/a%20b%2F%C3%BC/cancel", "POST")).status == 404
        assert (await act(server.port, "/api/v1/sessions/%E2%80%AE%00", "DELETE")).status == 404
        assert server.hub.acted == [("close", "\u202e\0", "A person")]


async def test_what_answers_get_answers_head_without_a_body():
    async with running() as server, await connect(server.port) as client:
        for route in [r for r in ROUTES if r.method == "GET"]:
            answer = await client.ask(route.path, "HEAD")
            assert answer.status == 200, route.path
        # The next answer on the connection begins where the last one ended: no body was sent.
        assert (await client.ask("/healthz")).json() == {"status": "ok"}
        assert len(server.hub.feed) == 0


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/api/v1/calls/", "/api//v1/calls", "/API/v1/calls"])
async def test_an_unknown_path_is_a_problem(path):
    async with running() as server:
        answer = await ask(server.port, path)
        assert (answer.status, answer.is_problem, answer.json()["instance"]) == (404, True, path)


async def test_a_wrong_method_is_told_the_right_ones():
    async with running() as server:
        answer = await act(server.port, "/api/v1/calls", "PUT")
        assert (answer.status, answer.is_problem) == (405, True)
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
        answer = await ask(server.port, "/api/v1/sessions/s-1")
        assert (answer.status, answer.headers["allow"]) == (405, "DELETE")


async def test_a_failure_inside_is_a_problem_without_details(failure_expected, caplog):
    async with running(hub=FakeHub(broken=True)) as server:
        answer = await ask(server.port, "/api/v1/status")
        assert (answer.status, answer.is_problem) == (500, True)
        assert b"broken" not in answer.body
        assert (await ask(server.port, "/metrics")).status == 500
        assert (await ask(server.port, "/healthz")).status == 200
    failures = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert [r.exc_info and str(r.exc_info[1]) for r in failures] == ["the hub is broken"] * 2


async def test_the_widget_has_four_counters_and_no_names():
    async with running() as server:
        widget = (await ask(server.port, "/widgets/umbrel")).json()
        assert (widget["type"], len(widget["items"])) == ("four-stats", 4)
        assert all(set(item) == {"title", "text", "subtext"} for item in widget["items"])
        assert widget["items"][0] == {"title": "Sessions", "text": "1", "subtext": "of 5"}


async def test_the_access_line_is_escaped_and_has_no_query(caplog):
    async with running() as server:
        await ask(server.port, "/x%0a%1b[31mFAKE?token=hunter2")
    lines = [r.getMessage() for r in caplog.records if r.name == "mqtt_mcp.monitor.requests"]
    assert len(lines) == 1
    assert lines[0].startswith("127.0.0.1 GET /x%0a%1b[31mFAKE 404 in ")
    assert "hunter2" not in caplog.text


async def test_calls_are_counted_by_tool_and_status_while_the_server_runs():
    hub = FakeHub()
    async with running(hub=hub) as server:
        for listener in hub.on_call_ended:
            listener(call(1, duration_ms=20.0))
            listener(call(2, status="error", duration_ms=msgspec.UNSET))
        text = (await ask(server.port, "/metrics")).body.decode()
        assert 'mqtt_mcp_tool_calls_total{status="ok",tool="watch"} 1.0' in text
        assert 'mqtt_mcp_tool_call_duration_seconds_bucket{le="0.025",tool="watch"} 1.0' in text
        assert 'mqtt_mcp_messages_total{direction="in"} 1234.0' in text
        assert 'mqtt_mcp_findings_total{severity="high"} 2.0' in text
        assert 'mqtt_mcp_findings_total{severity="medium"} 0.0' in text
        for name in ("sessions", "collections", "monitor_streams", "monitor_streams_dropped_total"):
            assert f"\nmqtt_mcp_{name} " in text
        assert "process_resident_memory_bytes" in text
        assert "_created" not in text
        assert "home/" not in text
    assert hub.on_call_ended == []


async def test_tool_names_that_clients_invent_do_not_grow_the_metrics_without_end():
    async with running() as server:
        for number in range(1000):
            server.hub.on_call_ended[0](call(number, tool=f"invented_{number}"))
        text = (await ask(server.port, "/metrics")).body.decode()
        assert 'tool="other"} 936.0' in text


async def test_metrics_are_in_the_format_asked_for():
    async with running() as server:
        answer = await ask(server.port, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        assert answer.body.endswith(b"# EOF\n")
        assert (await ask(server.port, "/metrics")).headers["content-type"].startswith("text/plain")
