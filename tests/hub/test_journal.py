"""The journal: bounded, numbered, told on; and a recorder that breaks loses its record, never the work."""

import msgspec
import pytest
import trio

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.findings import Origin
from mqtt_mcp.hub.journal import MAX_CALLS, MAX_CHANGES, MAX_FINDINGS, MAX_LOG_LINES, MAX_PUBLISHES, Journal
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.records import Call, Change, Found
from mqtt_mcp.hub.ring import Ring
from mqtt_mcp.mqtt.broker_url import Broker, Secret
from mqtt_mcp.mqtt.client import Publication
from testkit.mcp_client import RpcError
from testkit.memory_broker import MemoryBroker
from testkit.product import product


def last_call(hub):
    return list(hub.journal.calls)[-1]


async def test_a_call_is_seen_while_it_runs_and_when_it_ended(autojump_clock):
    """monitor.md §1.1: tool and count are not enough: main argument, status, duration, result size."""
    async with product(MemoryBroker()) as p, trio.open_nursery() as nursery:
        nursery.start_soon(lambda: p.call("subscribe_and_collect", topic_pattern="home/#", duration=12))
        await trio.sleep(5)
        running = last_call(p.hub)
        await trio.sleep(10)
        ended = last_call(p.hub)

    assert (running.tool, running.status, running.summary) == ("subscribe_and_collect", "running", "home/#")
    assert running.duration_ms is msgspec.UNSET
    assert (ended.id, ended.status, ended.session_id) == (running.id, "ok", p.session_id)
    assert ended.duration_ms == pytest.approx(12_000, abs=1)
    assert ended.result_bytes > 100
    assert p.hub.journal.totals.calls == 2


async def test_the_call_that_opens_a_session_names_it(autojump_clock):
    """A person follows a session from its first call on."""
    async with product(MemoryBroker()) as p:
        opened = next(iter(p.hub.journal.calls))

    assert (opened.tool, opened.session_id) == ("establish_connection", p.session_id)


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("list_topics", {"session_id": "nonsense"}, "session_unknown"),
        ("list_topics", {"duration": "soon"}, "bad_argument"),
        ("publish_message", {"nothing": 1}, "bad_argument"),
    ],
)
async def test_a_call_that_failed_says_what_the_client_was_told(autojump_clock, tool, arguments, told):
    """Arguments refused before the tool ran are calls too."""
    async with product(MemoryBroker()) as p:
        outcome = await p.client.call(tool, **arguments)
        failed = last_call(p.hub)

    assert outcome.is_error
    assert failed.status == "error"
    assert failed.error.startswith(told)
    assert p.hub.journal.totals.calls_failed == 1


async def test_a_timeout_and_a_cancellation_are_told_apart(autojump_clock):
    """A person asks different questions about them."""
    journal = Journal()
    for outcome in ("timeout", "cancelled"):
        journal.call_began("check", b"{}", "me").ended(outcome)

    assert [call.status for call in journal.calls] == ["timeout", "cancelled"]
    assert journal.totals.calls_failed == 1


async def test_a_cancelled_request_is_recorded_as_cancelled(autojump_clock):
    """notifications/cancelled: no reply, but a record."""
    async with product(MemoryBroker()) as p:
        pending = await p.client.start_call("list_topics", session_id=p.session_id, duration=30)
        await trio.sleep(2)
        await p.client.cancel(pending)
        await trio.sleep(2)

        assert last_call(p.hub).status == "cancelled"


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        ({"topic": "a/b", "payload": "ON"}, "acknowledged"),
        ({"topic": "a/b", "payload": "ON", "qos": 0}, "sent"),
        ({"topic": "forbidden/b", "payload": "ON"}, "refused"),
        ({"topic": "$SYS/b", "payload": "ON"}, "refused"),
        ({"topic": "a/+", "payload": "ON"}, "refused"),
        ({"topic": "a/b", "payload": "zz", "payload_encoding": "hex"}, "refused"),
        ({"topic": "a/b", "payload": "", "retain": True}, "refused"),
    ],
)
async def test_every_publish_is_recorded_refused_ones_too(autojump_clock, arguments, outcome):
    """monitor.md §1.3: an audit without refusals hides the interesting rows."""
    policy = AccessPolicy(publish_deny=("forbidden/#",))
    async with product(MemoryBroker(), policy=policy) as p:
        await p.client.call("publish_message", session_id=p.session_id, **arguments)
        (published,) = p.hub.journal.publishes

    assert (published.outcome, published.topic) == (outcome, arguments["topic"])
    assert published.payload == arguments["payload"]
    assert published.call_id == last_call(p.hub).id
    assert (published.session_id, published.client) == (p.session_id, last_call(p.hub).client)
    assert p.hub.journal.totals.publishes_refused == (outcome == "refused")


async def test_a_publish_whose_answer_nobody_waited_for_is_recorded_as_what_it_was(autojump_clock):
    """The broker acknowledged it; that the wait for the device's answer was cancelled changes nothing."""
    async with product(MemoryBroker()) as p:
        pending = await p.client.start_call(
            "publish_message", session_id=p.session_id, topic="a", payload="x", confirm_topic="b", confirm_seconds=60
        )
        await trio.sleep(2)
        await p.client.cancel(pending)
        await trio.sleep(2)
        (published,) = p.hub.journal.publishes

    assert published.outcome == "acknowledged"


async def test_a_publish_that_was_cancelled_before_its_acknowledgement_is_recorded_as_unknown(autojump_clock):
    """It may have been sent: an audit must not be silent about it."""
    broker = MemoryBroker()
    broker.silent.add("publish")
    async with product(broker) as p:
        pending = await p.client.start_call("publish_message", session_id=p.session_id, topic="a", payload="x")
        await trio.sleep(2)
        await p.client.cancel(pending)
        await trio.sleep(2)
        (published,) = p.hub.journal.publishes

    assert published.outcome == "unknown"


async def test_a_publish_through_a_session_that_is_not_there_is_recorded(autojump_clock):
    """It was asked for, and refused."""
    async with product(MemoryBroker()) as p:
        await p.client.call("publish_message", session_id="nonsense", topic="a", payload="x")
        (published,) = p.hub.journal.publishes

    assert (published.outcome, published.session_id, published.broker) == ("refused", "nonsense", "")


async def test_calling_a_tool_that_is_not_there_is_recorded(autojump_clock):
    """Read-only takes publishing away; who tries all the same is seen."""
    async with product(MemoryBroker(), policy=AccessPolicy(read_only=True)) as p:
        with pytest.raises(RpcError):
            await p.client.call("publish_message", session_id=p.session_id, topic="a", payload="x")
        tried = last_call(p.hub)

    assert (tried.tool, tried.status, tried.summary) == ("publish_message", "error", "a ← x")
    assert "Unknown tool" in tried.error


async def test_sessions_collections_and_clients_come_and_go_in_the_journal(autojump_clock):
    """A person sees what began and why it ended."""
    async with product(MemoryBroker()) as p:
        await p.call("list_topics", duration=10)
        await p.call("close_connection")
        kinds = [change.kind for change in p.hub.journal.changes]
        changes = {change.kind: change for change in p.hub.journal.changes}

    assert kinds == ["client_came", "session_opened", "collection_started", "collection_ended", "session_ended"]
    assert "closed by close_connection" in changes["session_ended"].text
    assert "its time was up" in changes["collection_ended"].text
    assert changes["collection_ended"].collection_id == changes["collection_started"].collection_id


async def test_a_lost_link_is_in_the_journal(autojump_clock):
    """Reconnection is the moment at which messages are missed."""
    broker = MemoryBroker()
    async with product(broker) as p:
        broker.drop_all()
        await trio.sleep(3)
        kinds = [change.kind for change in p.hub.journal.changes]

    assert kinds[-2:] == ["session_lost", "session_restored"]


async def test_no_credential_gets_into_any_record(autojump_clock):
    """`hunter2` nowhere: configured, typed as an argument, in a URL, echoed in an error."""
    configured = Broker(host="memory.test", username=Secret("bob"), password=Secret("hunter2-configured"))
    async with product(MemoryBroker(), profiles={"memory": configured}) as p:
        await p.client.call("establish_connection", url="mqtt://a:hunter2-in-url@other.test", password="hunter2-typed")
        await p.client.call("establish_connection", profile="hunter2-configured")
        await p.call("publish_message", topic="a", payload='{"password":"hunter2-payload"} hunter2-typed')
        p.hub.journal.logged("error", "x", "failed with hunter2-configured", at_epoch_s=0)
        journal = p.hub.journal
        everything = msgspec.json.encode([*journal.calls, *journal.publishes, *journal.changes, *journal.logs]).decode()

    assert "hunter2" not in everything


async def test_a_recorder_that_raises_does_not_fail_the_call(autojump_clock):
    """EDT-MCP#254: a recorder failure must never fail the call."""
    async with product(MemoryBroker()) as p:
        heard = []

        def broken(_record):
            heard.append(1)
            raise RuntimeError("the recorder broke")

        p.hub.journal.listen(broken)
        result = await p.call("publish_message", topic="a", payload="ON")

        assert result["outcome"] == "acknowledged"
        assert len(heard) == p.hub.journal.totals.failures >= 3
        assert len(p.hub.journal.publishes) == 1


@pytest.mark.parametrize("broken", ["arguments", "payload", "text"])
async def test_a_broken_redaction_loses_the_record_not_the_call(autojump_clock, broken, monkeypatch):
    """The boundary is around everything the journal does."""

    def raising(*_args, **_more):
        raise ZeroDivisionError("broken on purpose")

    async with product(MemoryBroker()) as p:
        monkeypatch.setattr(p.hub.journal.redactor, broken, raising)

        assert (await p.call("publish_message", topic="a", payload="ON"))["outcome"] == "acknowledged"
        assert p.hub.journal.totals.failures >= 1


async def test_a_journal_nobody_can_look_at_only_counts(autojump_clock):
    """A window of its own has no page: its calls do not pay for records."""
    journal = Journal(kept=False)
    async with product(MemoryBroker(), journal=journal) as p:
        await p.call("publish_message", topic="a", payload="x")
        await p.client.call("publish_message", session_id=p.session_id, topic="$SYS/a", payload="x")

    assert (journal.totals.calls, journal.totals.calls_failed) == (3, 1)
    assert (journal.totals.publishes, journal.totals.publishes_refused) == (2, 1)
    assert not [*journal.calls, *journal.publishes, *journal.changes]


async def test_every_ring_is_bounded_and_totals_are_not(autojump_clock):
    """Unbounded memory may never happen."""
    journal = Journal()
    for number in range(2_500):
        journal.call_began("tool", b"{}", "me").ended("ok")
        journal.published(
            Publication("a", b"x"), outcome="sent", detail="", session_id="s", broker="b", client="c", call_id=1
        )
        journal.changed("client_came", "somebody")
        journal.logged("info", "here", "text", at_epoch_s=1.0)
        watch = Origin(tool="t", label="#", session_id="s", collection_id=str(number), started_at_epoch_s=1.0)
        journal.found([Found(severity="low", code="alarm", text="beep")], watch)

    rings = (journal.calls, journal.publishes, journal.changes, journal.logs, journal.findings)
    assert [len(ring) for ring in rings] == [MAX_CALLS, MAX_PUBLISHES, MAX_CHANGES, MAX_LOG_LINES, MAX_FINDINGS]
    assert journal.totals.findings["low"] == 2_500
    assert (journal.totals.calls, journal.totals.publishes) == (2_500, 2_500)


async def test_ids_grow_over_all_kinds(autojump_clock):
    """One order of everything that happened."""
    journal = Journal()
    heard: list[int] = []
    journal.listen(lambda record: heard.append(record.id))
    first = journal.call_began("tool", b"{}", "me")
    journal.changed("client_came", "somebody")
    journal.logged("info", "here", "text", at_epoch_s=1.0)
    first.ended("ok")

    assert heard == [1, 2, 3, 1]


async def test_a_call_that_ends_after_its_place_was_given_away_stays_away(autojump_clock):
    """A watch of 300 s outlives a thousand quick calls."""
    journal = Journal()
    slow = journal.call_began("slow", b"{}", "me")
    for _ in range(MAX_CALLS):
        journal.call_began("quick", b"{}", "me").ended("ok")
    slow.ended("ok")

    assert {call.tool for call in journal.calls} == {"quick"}
    assert len(journal.calls) == MAX_CALLS


def test_a_ring_is_paged_from_the_newest_back_without_gaps():
    """monitor.md §1.4: limit and before."""
    ring: Ring[int] = Ring(10)
    for number in range(1, 26):
        ring.put(number * 2, number)

    pages = []
    before = None
    while True:
        page, before = ring.newest(4, before)
        pages.append(page)
        if before is None:
            break

    assert pages == [[25, 24, 23, 22], [21, 20, 19, 18], [17, 16]]
    assert ring.last(3) == [23, 24, 25]


def test_a_ring_is_paged_over_what_is_wanted_only():
    """A filter must not make pages short, nor promise a page that is empty."""
    ring: Ring[int] = Ring(100)
    for number in range(1, 31):
        ring.put(number, number)

    page, before = ring.newest(3, wanted=lambda n: n % 10 == 0)
    assert (page, before) == ([30, 20, 10], None)
    page, before = ring.newest(2, wanted=lambda n: n % 10 == 0)
    assert (page, before) == ([30, 20], 20)
    assert ring.newest(2, before, lambda n: n % 10 == 0) == ([10], None)


async def test_listeners_hear_values_that_do_not_change_under_them(autojump_clock):
    """A record is frozen: the ring, the stream and the audit hold the same one."""
    journal = Journal()
    heard: list[object] = []
    journal.listen(heard.append)
    journal.call_began("tool", b'{"topic":"a"}', "me").ended("error", error=str(ToolError(ErrorKind.BUSY, "Full.")))

    began, ended = heard
    assert isinstance(began, Call)
    assert isinstance(ended, Call)
    assert (began.status, ended.status, ended.error) == ("running", "error", "busy: Full.")
    assert not isinstance(began, Change)
