"""One connection: replies, failures, cancellation, progress and the bounds, over memory streams in virtual time."""

import json
import logging
from typing import Any

import pytest
import trio
import trio.testing

from mqtt_mcp.wire.limits import WireLimits
from mqtt_mcp.wire.server import serve_client
from testkit.mcp_client import Era, RpcError, connected
from testkit.toy_application import ToyApplication

ERAS: list[Era] = ["legacy", "modern"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_result_is_structured_and_repeated_as_text(era: Era, autojump_clock: Any) -> None:
    """MCP server/tools: structuredContent fits outputSchema and is mirrored in a text block."""
    async with connected(ToyApplication(), era=era) as client:
        outcome = await client.call("echo", text="hi", times=2)

    assert outcome.data == {"text": "hihi"}
    assert outcome.text == 'Data of echo:\n{"text":"hihi"}'
    assert ("resultType" in outcome.raw) == (era == "modern")
    assert ("_meta" in outcome.raw) == (era == "modern")
    assert client.strays == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_tool_error_is_a_result_the_model_can_act_on(era: Era, autojump_clock: Any) -> None:
    """MCP server/tools: failures of the work are isError, without structuredContent; a nursery's group is unwrapped."""
    async with connected(ToyApplication(), era=era) as client:
        outcome = await client.call("fail")

    assert outcome.is_error
    assert outcome.text == 'session_unknown: There is no session "x". Call establish_connection first.'
    assert "structuredContent" not in outcome.raw


async def test_bad_arguments_are_a_result_not_a_protocol_error(autojump_clock: Any) -> None:
    """MCP 2025-11-25, SEP-1303."""
    async with connected(ToyApplication()) as client:
        outcome = await client.call("echo", text="hi", times=9)

    assert outcome.is_error
    assert outcome.text.startswith("bad_argument: echo: argument times has to be an integer from 1 to 3, not 9.")


async def test_a_crash_says_nothing_of_its_cause_to_the_client_and_ends_only_its_own_request(
    autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Ours: one exception-to-wire boundary; details go to the log on standard error."""
    async with connected(ToyApplication()) as client:
        waiting = await client.start_call("wait", seconds=5)
        with pytest.raises(RpcError) as crashed:
            await client.call("crash")
        assert (await waiting.outcome()).data == {"waited": 5}

    assert crashed.value.code == -32603
    assert "12345" not in str(crashed.value)
    assert "12345" in caplog.text


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("nan", {"required": 1.5}),
        ("inf", {"required": 1.5}),
        ("surrogate", {"required": 1.5, "text": "a\ufffdb"}),
        ("null_text", {"required": 1.5, "text": '{"value": null}'}),
    ],
)
async def test_values_that_json_cannot_hold_are_left_out_or_replaced(
    kind: str, data: dict[str, Any], autojump_clock: Any
) -> None:
    """Measured on msgspec: NaN encodes as null, which breaks the output schema; a lone surrogate does not encode."""
    async with connected(ToyApplication()) as client:
        assert (await client.call("number", kind=kind)).data == data


async def test_a_result_that_does_not_fit_its_own_schema_is_an_internal_error(
    autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Ours: a required number that is NaN is a defect of the tool and never reaches the wire as null."""
    async with connected(ToyApplication()) as client:
        with pytest.raises(RpcError) as broken:
            await client.call("number", kind="required_nan")

    assert broken.value.code == -32603


async def test_a_result_over_the_limit_is_refused_with_its_size(autojump_clock: Any) -> None:
    """Measured: TypeScript clients close the connection at 10 MiB; ours stop at 1 MiB."""
    async with connected(ToyApplication()) as client:
        outcome = await client.call("size", chars=600_000)
        assert not (await client.call("size", chars=400_000)).is_error

    assert outcome.is_error
    assert outcome.text.startswith("payload_too_large: The result of size has 1200101 bytes; the limit is 1048576.")


async def test_requests_run_side_by_side_and_are_answered_as_they_end(autojump_clock: Any) -> None:
    """MCP stdio: several requests in flight, answered out of order."""
    async with connected(ToyApplication()) as client:
        slow = await client.start_call("wait", seconds=20)
        fast = await client.start_call("wait", seconds=10)
        await fast.result()
        assert trio.current_time() == pytest.approx(10)
        assert slow.message is None
        assert await client.request("ping") == {}
        assert trio.current_time() == pytest.approx(10)
        await slow.result()
        assert trio.current_time() == pytest.approx(20)


async def test_both_eras_are_spoken_on_one_stream_request_by_request(autojump_clock: Any) -> None:
    """MCP 2026-07-28 basic/versioning: MAY serve both eras at once; some clients probe one and open with the other."""
    async with connected(ToyApplication(), era="modern") as client:
        assert "resultType" in (await client.call("echo", text="a")).raw
        client.era = "legacy"
        assert (await client.initialize())["protocolVersion"] == "2025-11-25"
        assert "resultType" not in (await client.call("echo", text="a")).raw
        client.era = "modern"
        assert "resultType" in (await client.call("echo", text="a")).raw


@pytest.mark.parametrize("era", ERAS)
async def test_nothing_follows_a_cancellation(era: Era, autojump_clock: Any) -> None:
    """MCP basic/patterns/cancellation: no further message for a cancelled request, neither reply nor progress."""
    application = ToyApplication()
    async with connected(application, era=era) as client:
        pending = await client.start_call("wait", True, seconds=100)
        await trio.sleep(3.5)
        await client.cancel(pending)
        await trio.testing.wait_all_tasks_blocked()
        assert application.cancelled == 1
        assert application.reporter is not None
        application.reporter(99, 100, "a straggler")
        await trio.sleep(200)

    assert [report["progress"] for report in pending.progress] == pytest.approx([1, 2, 3])
    assert pending.message is None
    assert client.strays == []


async def test_a_cancellation_of_nothing_is_ignored(autojump_clock: Any) -> None:
    """MCP basic/patterns/cancellation: unknown, finished and malformed ones are ignored."""
    async with connected(ToyApplication()) as client:
        done = await client.start_call("echo", text="a")
        await done.result()
        for params in ({"requestId": done.id}, {"requestId": 999}, {"requestId": "1"}, {"requestId": None}, {}):
            await client.notify("notifications/cancelled", params)
        await client.notify("notifications/cancelled")
        await client.notify("notifications/no_such_thing", {"a": 1})
        assert await client.request("ping") == {}

    assert client.strays == []


async def test_the_id_of_a_cancelled_request_may_be_used_again_at_once(autojump_clock: Any) -> None:
    """Ours: a slow unwinding of the first must neither block the second nor take it out of the table."""
    application = ToyApplication()
    call = {
        "jsonrpc": "2.0",
        "id": "x",
        "method": "tools/call",
        "params": {"name": "wait", "arguments": {"seconds": 5}},
    }
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "x"}}
    async with connected(application) as client:
        # In one piece, so that the second is read before the first has had a turn to unwind.
        await client.send_bytes(b"".join(json.dumps(message).encode() + b"\n" for message in (call, cancel, call)))
        await trio.sleep(10)
        assert [stray["result"]["structuredContent"] for stray in client.strays] == [{"waited": 5}]
        await client.send_bytes(
            b"".join(json.dumps(message).encode() + b"\n" for message in (call, cancel, call, cancel))
        )
        await trio.sleep(10)
    assert len(client.strays) == 1
    assert application.running == 0


async def test_an_id_that_is_in_flight_is_refused_and_the_first_request_goes_on(autojump_clock: Any) -> None:
    """JSON-RPC 2.0: an id names one request; 1 and "1" are two ids."""
    async with connected(ToyApplication()) as client:
        first = await client.start("tools/call", {"name": "wait", "arguments": {"seconds": 5}}, request_id=77)
        other = await client.start("ping", request_id="77")
        assert await other.result() == {}
        await client.send({"jsonrpc": "2.0", "id": 77, "method": "ping"})
        with pytest.raises(RpcError) as refused:
            await first.result()
        assert refused.value.code == -32600
        await trio.sleep(6)

    assert [stray["result"]["structuredContent"] for stray in client.strays] == [{"waited": 5}]


@pytest.mark.parametrize("era", ERAS)
async def test_progress_rises_about_once_a_second_and_stops_with_the_reply(era: Era, autojump_clock: Any) -> None:
    """MCP basic/utilities/progress: the client's token, increasing values, nothing after completion."""
    application = ToyApplication()
    async with connected(application, era=era) as client:
        outcome, progress = await client.call_with_progress("wait", seconds=10, step=0.25)
        assert application.reporter is not None
        late = application.reporter
        await trio.sleep(5)
        late(11, 12, "too late")
        await client.call("echo", text="a")

    assert outcome.data == {"waited": 10}
    values = [report["progress"] for report in progress]
    assert values == sorted(set(values))
    assert 10 <= len(values) <= 12
    assert values[-1] == pytest.approx(10)
    assert {report["total"] for report in progress} == {10}
    assert progress[0]["message"] == "0 s of 10 s"
    assert client.strays == []


async def test_a_tool_that_reports_every_second_is_not_thinned_out(autojump_clock: Any) -> None:
    """Ours: the shortest gap is a little under a second."""
    async with connected(ToyApplication()) as client:
        _, progress = await client.call_with_progress("wait", seconds=10, step=1)

    assert [report["progress"] for report in progress] == pytest.approx(list(range(1, 11)))


async def test_progress_is_sent_to_nobody_who_did_not_ask(autojump_clock: Any) -> None:
    """Measured: Cursor drops a server that sends progress for a token it does not know."""
    async with connected(ToyApplication()) as client:
        await client.call("wait", seconds=10)

    assert client.strays == []


async def test_reports_that_are_no_progress_are_dropped(autojump_clock: Any) -> None:
    """MCP basic/utilities/progress: the value MUST increase; NaN is no value."""
    application = ToyApplication()
    async with connected(application) as client:
        pending = await client.start_call("wait", True, seconds=100, step=100)
        await application.started.wait()
        assert application.reporter is not None
        for done, total, sentence in [
            (5, 100, "five"),
            (5, 100, "again"),
            (4, 100, "less"),
            (float("nan"), 100, "nan"),
            (float("inf"), 100, "inf"),
            (6, 0, "x" * 1000 + "\ud800"),
        ]:
            await trio.sleep(2)
            application.reporter(done, total, sentence)
        await trio.testing.wait_all_tasks_blocked()
        await client.cancel(pending)

    token = pending.id
    assert pending.progress == [
        {"progressToken": token, "progress": 5, "total": 100, "message": "five"},
        {"progressToken": token, "progress": 6, "message": "x" * 200},
    ]


async def test_a_client_is_known_as_soon_as_it_says_who_it_is_and_closed_once(autojump_clock: Any) -> None:
    """Ours: a person who watches sees a window that has only shaken hands."""
    application = ToyApplication()
    async with connected(application) as client:
        assert (application.opened, application.closed) == (["testkit"], [])
        await client.call("echo", text="a")
        await client.call("echo", text="a")
        assert (application.opened, application.closed) == (["testkit"], [])

    assert application.closed == ["client:testkit"]


async def test_a_client_without_a_handshake_is_known_at_its_first_call(autojump_clock: Any) -> None:
    """MCP 2026-07-28 has no initialize: each request names its client."""
    application = ToyApplication()
    async with connected(application, era="modern") as client:
        await client.request("tools/list")
        assert application.opened == []
        await client.call("echo", text="a")
        assert application.opened == ["testkit"]


async def test_the_application_hears_how_each_call_began_and_ended(autojump_clock: Any) -> None:
    """Ours: for the journal, also when the arguments were refused and when nobody waits for the reply."""
    application = ToyApplication()
    async with connected(application) as client:
        await client.call("echo", text="a")
        await client.call("echo", text=1)
        await client.call("fail")
        with pytest.raises(RpcError):
            await client.call("crash")
        pending = await client.start_call("wait", seconds=50)
        await application.started.wait()
        await trio.sleep(1)
        await client.cancel(pending)
        await trio.sleep(1)

    assert [name for name, _ in application.begun] == ["echo", "echo", "fail", "crash", "wait"]
    assert json.loads(application.begun[0][1]) == {"text": "a"}
    assert [(name, outcome) for name, outcome, _, _ in application.ended] == [
        ("echo", "ok"),
        ("echo", "error"),
        ("fail", "error"),
        ("crash", "error"),
        ("wait", "cancelled"),
    ]
    told = [text for _, _, _, text in application.ended]
    assert application.ended[0][2] == len(b'{"text":"a"}')
    assert told[1].startswith("bad_argument")
    assert told[2].startswith("session_unknown")
    assert "12345" not in told[3], "details may hold anything"


async def test_more_calls_than_the_limit_are_busy(autojump_clock: Any) -> None:
    """Ours: refused as a tool error, so that a model waits instead of giving the server up."""
    application = ToyApplication()
    async with connected(application, limits=WireLimits(max_in_flight=2)) as client:
        running = [await client.start_call("wait", seconds=5) for _ in range(2)]
        refused = await client.call("echo", text="a")
        assert await client.request("ping") == {}
        for pending in running:
            await pending.result()
        assert not (await client.call("echo", text="a")).is_error

    assert refused.is_error
    assert refused.text.startswith("busy: 2 calls of this client are running")


async def test_a_line_over_the_limit_is_refused_and_skipped_without_harm(autojump_clock: Any) -> None:
    """Ours: -32600 without id, then the stream goes on at the next line."""
    async with connected(ToyApplication(), limits=WireLimits(max_line_bytes=2000)) as client:
        huge = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": "y" * 5000}}
        await client.send_bytes(json.dumps(huge).encode() + b"\n")
        assert await client.request("ping") == {}

    assert [stray["error"]["code"] for stray in client.strays] == [-32600]
    assert "id" not in client.strays[0]


async def test_complaints_about_garbage_are_limited(autojump_clock: Any) -> None:
    """Ours: somebody who pipes a log file into us does not get it back tenfold."""
    async with connected(ToyApplication()) as client:
        await client.send_bytes(b"garbage\n" * 1000)
        assert await client.request("ping") == {}
        assert len(client.strays) == 20
        await trio.sleep(1)
        await client.send_bytes(b"garbage\n" * 1000)
        await client.request("ping")
        assert len(client.strays) == 40

    assert {stray["error"]["code"] for stray in client.strays} == {-32700}


async def test_tools_unfit_to_be_served_are_an_internal_error_not_an_end(
    autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Ours: even a defect of the tool list leaves the connection alive to say so."""
    application = ToyApplication()
    application.tools = lambda: (_ for _ in ()).throw(ImportError("no such module"))  # type: ignore[method-assign]
    async with connected(application) as client:
        with pytest.raises(RpcError) as broken:
            await client.request("tools/list")
        assert await client.request("ping") == {}

    assert broken.value.code == -32603
    assert caplog.records[0].levelno == logging.ERROR


async def test_running_serve_client_twice_shares_nothing(autojump_clock: Any) -> None:
    """Ours: one client's ids, cancellations and end never reach another's requests."""
    application = ToyApplication()
    async with connected(application) as one, connected(application) as two:
        mine = await one.start("tools/call", {"name": "wait", "arguments": {"seconds": 5}}, request_id=5)
        await two.notify("notifications/cancelled", {"requestId": 5})
        assert (await mine.outcome()).data == {"waited": 5}
    assert application.cancelled == 0


async def test_serve_client_leaves_the_stream_to_its_owner(autojump_clock: Any) -> None:
    """Ours: who opened it closes it."""
    ours, theirs = trio.testing.memory_stream_pair()
    await ours.send_eof()
    await serve_client(theirs, ToyApplication())
    await theirs.send_all(b"still open")
    assert await ours.receive_some() == b"still open"
