"""list_topics through the hub on the in-memory broker, in virtual time."""

import jsonschema
import msgspec
import pytest
import trio

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.settings import DEFAULTS
from mqtt_mcp.tools import list_topics
from mqtt_mcp.tools._base import Context
from mqtt_mcp.wire.schema import portable_schema
from testkit.hub import MEMORY, memory_hub, no_progress
from testkit.memory_broker import MemoryBroker


@pytest.fixture
async def broker():
    return MemoryBroker()


@pytest.fixture
async def hub(broker):
    async with memory_hub(broker) as hub:
        yield hub


@pytest.fixture
async def context(hub):
    return Context(hub=hub, client=hub.client_opened("test"), report_progress=no_progress)


@pytest.fixture
async def session_id(hub, context):
    return (await hub.open_session(MEMORY, context.client)).id


async def call(context, **arguments):
    """Call the tool as the wire would: arguments decoded strictly, the result valid for its schema."""
    args = msgspec.convert(arguments, list_topics.Args)
    result = msgspec.to_builtins(await list_topics.run(context, args))
    jsonschema.validate(result, portable_schema(list_topics.Result))
    assert len(msgspec.json.encode(result)) <= DEFAULTS.result_chars
    return result


async def test_stored_and_live_topics_are_listed_after_exactly_the_duration(
    autojump_clock, broker, context, session_id
):
    """A stored message shows at once, a live one when it comes."""
    broker.publish("house/door", b"closed", retain=True)
    start_s = trio.current_time()

    async def later():
        await trio.sleep(5)
        broker.publish("house/temp", b"21")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        result = await call(context, session_id=session_id, pattern="house/#", duration=10)
    assert trio.current_time() == start_s + 10
    assert result["status"] == "complete"
    assert [row.split("\t")[0] for row in result["rows"]] == ["house/door", "house/temp"]
    assert result["rows"][0].endswith("R")
    assert result["rows"][1].split("\t")[1:] == ["1", "5", "5", "L"]
    assert result["observed"]["topics"] == 2
    assert not result["truncated"]


async def test_publishers_that_retain_are_told_from_those_that_do_not(autojump_clock, broker, context, session_id):
    """Retain As Published on a second connection: the session's own shows the flag for stored messages only."""
    broker.publish("house/door", b"closed", retain=True)

    async def later():
        await trio.sleep(5)
        for retain, topic in ((True, "house/door"), (True, "house/lamp"), (False, "house/temp")):
            for _ in range(3):
                broker.publish(topic, b"1", retain=retain)
        await trio.sleep(1)
        assert len(broker.sessions) == 2

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        result = await call(context, session_id=session_id, pattern="house/#", duration=10)
    assert [row.split("\t")[::4] for row in result["rows"]] == [
        ["house/door", "RLP"],
        ["house/lamp", "LP"],
        ["house/temp", "L"],
    ]
    assert [row.split("\t")[1] for row in result["rows"]] == ["4", "3", "3"]
    assert result["observed"]["messages"] == 10
    assert result["observed"]["live_retained_topics"] == 2
    assert not any("retain" in note for note in result["notes"])
    assert len(broker.sessions) == 1


async def test_on_mqtt_3_1_1_a_note_says_that_the_flag_cannot_be_seen(autojump_clock):
    """Live retain is always 0 there; no second connection is made for nothing."""
    broker = MemoryBroker(protocol="3.1.1")
    async with memory_hub(broker) as hub:
        client = hub.client_opened("test")
        session = await hub.open_session(MEMORY, client)
        context = Context(hub=hub, client=client, report_progress=no_progress)
        broker.publish("a", b"1", retain=True)
        result = await call(context, session_id=session.id, duration=10)
    assert broker.counters.connects == 1
    assert any("MQTT 3.1.1 clears the retain flag" in note for note in result["notes"])
    assert result["rows"][0].endswith("R")


async def test_it_ends_early_when_it_is_quiet_if_asked_to(autojump_clock, broker, context, session_id):
    """stop_when_quiet is off by default; our own messages do not count as noise."""
    broker.publish("a", b"1", retain=True)
    start_s = trio.current_time()
    result = await call(context, session_id=session_id, duration=60, stop_when_quiet=3)
    assert trio.current_time() == start_s + 3
    assert (result["window"]["ended_by"], result["status"]) == ("quiet", "complete")
    assert result["window"]["stored_complete"]


async def test_a_watch_that_ends_inside_the_stored_burst_says_so(autojump_clock, broker, context, session_id):
    """A broker that sends stored messages slowly, and a watch that ends before it is done."""

    async def slowly():
        await trio.sleep(1)
        for number in range(30):
            await trio.sleep(0.5)
            broker.sessions[0].deliver_stored(f"late/{number}", b"x")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(slowly)
        result = await call(context, session_id=session_id, duration=10)
        nursery.cancel_scope.cancel()
    assert not result["window"].get("stored_complete", False)
    assert any("stored messages were still arriving" in note for note in result["notes"])


async def test_a_pattern_that_begins_with_a_plus_leaves_system_topics_out_too(
    autojump_clock, broker, context, session_id
):
    """MQTT-4.7.2-1 speaks of both wildcards."""
    result = await call(context, session_id=session_id, pattern="+/x", duration=10)
    assert any('"+/x" begins with a wildcard' in note for note in result["notes"])


async def test_a_watch_longer_than_the_wait_returns_running_and_goes_on(autojump_clock, hub, context, session_id):
    """wait_s bounds the call, not the watch."""
    start_s = trio.current_time()
    result = await call(context, session_id=session_id, duration=60, wait_s=20)
    assert trio.current_time() == start_s + 20
    assert result["status"] == "running"
    collection = hub.collection(result["collection_id"])
    assert await collection.wait(100)
    assert trio.current_time() == start_s + 60
    assert collection.render().status == "complete"


async def test_further_pages_come_from_the_same_watch(autojump_clock, broker, context, session_id):
    """3,000 topics: every one is found by paging, without listening again."""
    topics = sorted(f"fleet/{i:04x}ab/{leaf}" for i in range(1_000) for leaf in ("a", "b", "c"))
    for topic in topics:
        broker.publish(topic, b"x", retain=True)
    result = await call(context, session_id=session_id, duration=10)
    assert result["truncated"]
    assert any("listed" in note for note in result["notes"])
    found = [row.split("\t")[0] for row in result["rows"]]
    now_s = trio.current_time()
    while result["next_after"]:
        result = await call(
            context, session_id=session_id, collection_id=result["collection_id"], after=result["next_after"]
        )
        found += [row.split("\t")[0] for row in result["rows"]]
    assert found == topics
    assert trio.current_time() == now_s


async def test_nothing_heard_is_explained(autojump_clock, context, session_id):
    """Silence must not look like a fault of the tool, nor hide one."""
    result = await call(context, session_id=session_id, duration=10)
    assert result["rows"] == []
    assert any("Nothing arrived" in note for note in result["notes"])
    assert any("begin with $" in note for note in result["notes"])


@pytest.mark.parametrize(
    "wrong", [{"duration": 9.9}, {"duration": 301}, {"wait_s": -1}, {"pattern": ""}, {"pattern": 5}, {"other": 1}]
)
def test_arguments_out_of_bounds_are_refused(wrong):
    """10 to 300 seconds; unknown arguments are not ignored."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"session_id": "x", **wrong}, list_topics.Args)


async def test_unknown_sessions_and_collections_are_named_as_such(autojump_clock, context, session_id):
    """The kinds a model can act on."""
    with pytest.raises(ToolError) as caught:
        await call(context, session_id="nonsense")
    assert caught.value.kind is ErrorKind.SESSION_UNKNOWN
    with pytest.raises(ToolError) as caught:
        await call(context, session_id=session_id, collection_id="nonsense")
    assert caught.value.kind is ErrorKind.COLLECTION_UNKNOWN


@pytest.mark.parametrize("pattern", ["a/#/b", "a+", "#b", "a\x00b", "x" * 65_536])
async def test_a_filter_that_breaks_a_rule_is_refused(autojump_clock, context, session_id, pattern):
    """MQTT 4.7.1: where # and + may stand; 65,535 bytes; no NUL."""
    with pytest.raises(ToolError) as caught:
        await call(context, session_id=session_id, pattern=pattern)
    assert caught.value.kind is ErrorKind.TOPIC_INVALID
