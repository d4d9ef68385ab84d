"""collection_result: waiting for, fetching and cancelling a watch by its handle."""

import pytest
import trio

from mqtt_mcp.commands._application import HubApplication
from testkit.hub import MEMORY, Keeping, memory_hub, no_progress, watch_request
from testkit.mcp_client import connected
from testkit.memory_broker import MemoryBroker
from testkit.product import product


async def background(p, *, duration_s=60.0):
    """A running collection on the product's session; its handle."""
    client = p.hub.client_opened("test")
    session = p.hub.session(p.session_id, client)
    collection = await p.hub.watch(
        session, watch_request(Keeping(), duration_s=duration_s), wait_s=0, client=client, report_progress=no_progress
    )
    return collection.id


async def fetch(p, **arguments):
    outcome = await p.client.call("collection_result", **arguments)
    assert not outcome.is_error, outcome.text
    return outcome.data


async def test_a_running_watch_answers_after_wait_s_with_what_it_has(autojump_clock):
    """Architecture §5: short client timeouts against long watches."""
    broker = MemoryBroker()
    async with product(broker) as p:
        handle = await background(p)
        broker.publish("a", b"1")
        started = trio.current_time()
        data = await fetch(p, collection_id=handle, wait_s=5)
        took = trio.current_time() - started

    assert took == pytest.approx(5, abs=0.01)
    assert data == {
        "status": "running",
        "collection_id": handle,
        "tool": "test",
        "result": {"messages": 1, "ended_by": "running"},
    }


async def test_the_end_of_the_watch_ends_the_wait(autojump_clock):
    """Nobody waits longer than the watch lasts; progress is about once a second."""
    async with product(MemoryBroker()) as p:
        handle = await background(p, duration_s=10.0)
        outcome, progress = await p.client.call_with_progress("collection_result", collection_id=handle, wait_s=300)
        assert trio.current_time() == pytest.approx(10, abs=0.1)

    assert outcome.data["status"] == "complete"
    assert 8 <= len(progress) <= 11


async def test_a_finished_result_can_be_fetched_again_for_ten_minutes(autojump_clock):
    """settings.result_keep_s."""
    async with product(MemoryBroker()) as p:
        handle = await background(p, duration_s=10.0)
        await trio.sleep(11)
        assert (await fetch(p, collection_id=handle))["status"] == "complete"
        assert (await fetch(p, collection_id=handle))["status"] == "complete"
        await trio.sleep(700)
        late = await p.client.call("collection_result", collection_id=handle)

    assert late.is_error
    assert "collection_unknown" in late.text


async def test_cancel_ends_it_at_once_and_keeps_what_it_had(autojump_clock):
    """Partial results on cancel; the subscription is taken back."""
    broker = MemoryBroker()
    async with product(broker) as p:
        handle = await background(p)
        broker.publish("a", b"1")
        await trio.sleep(1)
        data = await fetch(p, collection_id=handle, cancel=True)
        await trio.sleep(1)
        assert broker.sessions[0].subscriptions == {}

    assert data["status"] == "partial"
    assert data["result"] == {"messages": 1, "ended_by": "cancelled"}


async def test_cancelling_the_call_does_not_cancel_the_watch(autojump_clock):
    """The wait ends, the collection goes on."""
    async with product(MemoryBroker()) as p:
        handle = await background(p, duration_s=20.0)
        pending = await p.client.start_call("collection_result", collection_id=handle, wait_s=300)
        await trio.sleep(1)
        await p.client.cancel(pending)
        await trio.sleep(1)
        data = await fetch(p, collection_id=handle, wait_s=0)
        assert p.client.strays == []

    assert data["status"] == "running"


async def test_a_watch_whose_session_was_closed_is_partial(autojump_clock):
    """ended_by closed, and fetchable."""
    async with product(MemoryBroker()) as p:
        handle = await background(p)
        closed = await p.call("close_connection")
        data = await fetch(p, collection_id=handle)

    assert closed["collections_ended"] == 1
    assert data["status"] == "partial"
    assert data["result"]["ended_by"] == "closed"


async def test_the_list_shows_the_watch_while_it_runs_and_after(autojump_clock):
    """Handles can be found again."""
    async with product(MemoryBroker()) as p:
        handle = await background(p, duration_s=10.0)
        running = (await p.client.call("list_active_connections")).data["collections"]
        await trio.sleep(11)
        finished = (await p.client.call("list_active_connections")).data["collections"]

    assert [(one["collection_id"], one["status"], one["watching"]) for one in running] == [(handle, "running", "#")]
    assert [(one["collection_id"], one["status"], one["elapsed_s"]) for one in finished] == [(handle, "complete", 10.0)]


async def test_an_unknown_handle_is_an_error(autojump_clock):
    """Also one that is no UUID."""
    async with product(MemoryBroker()) as p:
        outcome = await p.client.call("collection_result", collection_id="nonsense")

    assert outcome.is_error
    assert "collection_unknown" in outcome.text


async def test_asking_for_a_watch_keeps_its_session(autojump_clock):
    """A window that restarts has only the collection_id: without this its watch would end with the orphan grace."""
    async with memory_hub(MemoryBroker()) as hub:
        gone = hub.client_opened("gone")
        session = await hub.open_session(MEMORY, gone)
        request = watch_request(Keeping(), duration_s=300)
        collection = await hub.watch(session, request, wait_s=200, client=gone, report_progress=no_progress)
        hub.client_closed(gone)
        async with connected(HubApplication(hub)) as client:
            await client.call("collection_result", collection_id=collection.id, wait_s=0)
            assert not session.lease.orphaned
            assert session.clients == 1
