"""The web server on the real hub: its values encode, its actions act, its events arrive."""

import time
from contextlib import asynccontextmanager

import jsonschema
import trio

from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.hub.journal import Journal
from mqtt_mcp.hub.redaction import Redactor
from mqtt_mcp.hub.topic_table import TopicTable
from mqtt_mcp.monitor.access import Access
from mqtt_mcp.monitor.pulse import Pulse
from mqtt_mcp.monitor.rates import Rates
from mqtt_mcp.monitor.routes import ROUTES
from mqtt_mcp.monitor.view import View
from testkit.memory_broker import MemoryBroker
from testkit.monitor import act, ask, following, running
from testkit.product import product


@asynccontextmanager
async def monitored(broker=None):
    """A product and the server that shows it."""
    journal = Journal(topics=TopicTable(Redactor(), epoch_offset_s=time.time() - trio.current_time()))
    async with product(broker or MemoryBroker(), journal=journal) as p, trio.open_nursery() as nursery:
        feed, rates = Feed(), Rates()
        view = View(p.hub, feed, rates, actions=True)
        view.ready = True
        nursery.start_soon(Pulse(p.hub, view, feed, rates).run)
        async with running(Access(), real=(view, feed)) as server:
            yield p, server
        nursery.cancel_scope.cancel()


async def until(reader, kind, matches):
    """The first event of a kind that is as wanted."""
    with trio.fail_after(5):
        while True:
            event = await reader.next()
            if event.kind == kind and matches(event.data):
                return event.data


async def test_every_route_answers_as_its_document_says_with_real_values():
    async with monitored() as (p, server):
        await p.call("publish_message", topic="home/lamp", payload="on")
        document = (await ask(server.port, "/api/v1/openapi.json")).json()
        for route in ROUTES:
            if route.method == "GET" and route.result is not None:
                answer = await ask(server.port, route.path)
                response = document["paths"][route.path]["get"]["responses"][str(answer.status)]
                schema = response["content"]["application/json"]["schema"]
                jsonschema.validate(answer.json(), {**schema, "components": document["components"]})
        export = await ask(server.port, "/api/v1/publishes.ndjson")
        assert b'"topic":"home/lamp"' in export.body
        metrics = (await ask(server.port, "/metrics")).body.decode()
        assert 'mqtt_mcp_tool_calls_total{status="ok",tool="publish_message"} 1.0' in metrics
        assert "home/lamp" not in metrics


async def test_a_watch_is_seen_live_and_cancelled_from_the_page():
    async with monitored() as (p, server), following(server.port) as reader, trio.open_nursery() as nursery:
        nursery.start_soon(lambda: p.call("subscribe_and_collect", topic_pattern="home/#", duration=60))
        running_watch = await until(reader, "collection", lambda c: c["state"] == "running")
        path = f"/api/v1/collections/{running_watch['id']}/cancel"
        assert (await act(server.port, path, "POST")).status == 200
        ended = await until(reader, "collection", lambda c: c["state"] != "running")
        assert ended["state"] == "cancelled"
        again = await act(server.port, path, "POST")
        assert (again.status, again.is_problem) == (409, True)
        assert "A person cancelled" in (await ask(server.port, "/api/v1/changes")).body.decode()


async def test_a_session_is_closed_from_the_page():
    async with monitored() as (p, server), following(server.port) as reader:
        path = f"/api/v1/sessions/{p.session_id}"
        assert (await act(server.port, path, "DELETE")).status == 204
        assert (await until(reader, "session_closed", lambda _: True))["id"] == p.session_id
        assert (await ask(server.port, "/api/v1/sessions")).json()["items"] == []
        assert (await act(server.port, path, "DELETE")).status == 404


async def test_what_a_result_tells_is_seen_live_and_answered_later():
    """Nobody fetches the result: a person ends the watch and sees what came of it."""
    broker = MemoryBroker()
    broker.publish("tele/plug/LWT", b"Offline", retain=True)
    # A stream for each: the first partial result may tell the finding before the session's count is told.
    async with monitored(broker) as (p, server), following(server.port) as counts, following(server.port) as findings:
        result = await p.call("debug_device", device="plug", duration=60, wait_s=0)
        await until(counts, "session", lambda one: one["messages_in"] > 0)
        await act(server.port, f"/api/v1/collections/{result['collection_id']}/cancel", "POST")
        told = await until(findings, "finding", lambda one: one["code"] == "device_offline")
        assert (told["tool"], told["collection_id"]) == ("debug_device", result["collection_id"])
        answer = (await ask(server.port, f"/api/v1/findings?min_severity={told['severity']}")).json()
        assert told in answer["items"]
        metrics = (await ask(server.port, "/metrics")).body.decode()
        assert f'mqtt_mcp_findings_total{{severity="{told["severity"]}"}} 0.0' not in metrics
