"""establish_connection, list_active_connections, close_connection: through the wire, on a broker in memory."""

import pytest
import trio

from mqtt_mcp.commands._application import HubApplication
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.mqtt.broker_url import Broker, Secret, Tls
from mqtt_mcp.mqtt.errors import Unreachable
from testkit.hub import Keeping, memory_hub, no_progress, watch_request
from testkit.mcp_client import connected
from testkit.memory_broker import MemoryBroker
from testkit.product import product

TWO = {
    "home": Broker(host="home.test", username=Secret("reader"), password=Secret("s3cret-home"), profile="home"),
    "work": Broker(host="work.test", port=8883, tls=Tls(insecure=True), profile="work"),
}


async def test_without_arguments_the_default_broker_is_used_and_described(autojump_clock):
    """The first thing an assistant does; nothing but the address is known of the profile."""
    async with (
        memory_hub(MemoryBroker(), profiles=TWO, default_profile="home") as hub,
        connected(HubApplication(hub)) as client,
    ):
        opened = await client.call("establish_connection")

    assert not opened.is_error
    assert opened.data["broker"] == "mqtt://home.test:1883"
    assert opened.data["profile"] == "home"
    assert opened.data["protocol"] == "5.0"
    assert opened.data["expires_in_s"] == 3600
    assert opened.data["capabilities"]["max_qos"] == 2
    assert opened.data["notes"] == [
        "The password travelled without encryption; use mqtts:// where the broker offers it."
    ]
    assert "s3cret" not in str(opened.raw)
    assert "reader" not in str(opened.raw)


async def test_a_named_profile_and_a_url_reach_other_brokers(autojump_clock):
    """Five sessions may be on five brokers; a password in a URL or an argument is never repeated."""
    async with (
        memory_hub(MemoryBroker(), profiles=TWO, default_profile="home") as hub,
        connected(HubApplication(hub)) as client,
    ):
        named = await client.call("establish_connection", profile="work")
        given = await client.call("establish_connection", url="mqtt://me:s3cret@other.test:1884")

    assert named.data["broker"] == "mqtts://work.test:8883"
    assert "certificate was not checked" in named.data["notes"][0]
    assert given.data["broker"] == "mqtt://other.test:1884"
    assert "s3cret" not in str(given.raw)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"profile": "nope"}, ["bad_argument", '"nope"', "home, work"]),
        ({"profile": "home", "url": "mqtt://x"}, ["bad_argument", "Both profile and url"]),
        ({"username": "u", "password": "s3cret"}, ["bad_argument", "belong to a url"]),
        ({"url": "ws://x", "password": "s3cret"}, ["bad_argument", "WebSocket"]),
        ({"url": "mqtt://u:s3cret@x:port"}, ["bad_argument", "port"]),
        ({"profile": "home", "password": "s3cret"}, ["bad_argument"]),
        ({"broker": "x"}, ["bad_argument", "broker"]),
        ({}, ["Several brokers", "home, work", "profile"]),
    ],
)
async def test_a_wrong_request_says_what_is_allowed_and_repeats_no_password(autojump_clock, arguments, words):
    """One row for each impossible combination."""
    broker = MemoryBroker()
    async with memory_hub(broker, profiles=TWO, default_profile="") as hub, connected(HubApplication(hub)) as client:
        outcome = await client.call("establish_connection", **arguments)

    assert outcome.is_error
    assert "s3cret" not in outcome.text
    assert broker.counters.connects == 0
    for word in words:
        assert word in outcome.text


@pytest.mark.parametrize("tool", ["establish_connection", "test_connection"])
async def test_where_only_profiles_may_be_used_a_url_reaches_nothing(autojump_clock, tool):
    """A host name is a way to carry data away, and a port one to look around."""
    broker = MemoryBroker()
    async with (
        memory_hub(broker, profiles=TWO, default_profile="home", policy=AccessPolicy(profiles_only=True)) as hub,
        connected(HubApplication(hub)) as client,
    ):
        refused = await client.call(tool, url="mqtt://me:s3cret@other.test")
        assert broker.counters.connects == 0
        named = await client.call("establish_connection", profile="home")

    assert refused.is_error
    assert refused.text.startswith("not_allowed_here: ")
    assert "home, work" in refused.text
    assert "s3cret" not in refused.text
    assert not named.is_error, named.text


async def test_without_any_broker_the_error_says_how_to_get_one(autojump_clock):
    """A window may run without configuration."""
    async with (
        memory_hub(MemoryBroker(), profiles={}, default_profile="") as hub,
        connected(HubApplication(hub)) as client,
    ):
        outcome = await client.call("establish_connection")

    assert outcome.is_error
    assert "MQTT_BROKER_URL" in outcome.text


async def test_an_unreachable_broker_is_a_tool_error_and_leaves_nothing(autojump_clock):
    """The typed failure of the port arrives with its kind and hint."""
    broker = MemoryBroker()
    broker.refuse.append(Unreachable("memory.test:1883: Connection refused.", "Does it run?"))
    async with memory_hub(broker) as hub, connected(HubApplication(hub)) as client:
        outcome = await client.call("establish_connection")
        listed = await client.call("list_active_connections")

    assert outcome.is_error
    assert "unreachable" in outcome.text
    assert "Does it run?" in outcome.text
    assert listed.data["sessions"] == []


async def test_a_sixth_session_is_refused_with_the_call_that_frees_one(autojump_clock):
    """Decisions, sessions: at most 5 in a hub."""
    async with memory_hub(MemoryBroker()) as hub, connected(HubApplication(hub)) as client:
        for _ in range(5):
            assert not (await client.call("establish_connection")).is_error
        sixth = await client.call("establish_connection")

    assert sixth.is_error
    assert "close_connection(session_id=" in sixth.text


async def test_the_list_shows_sessions_profiles_and_gates(autojump_clock):
    """What a model needs to find its handles again."""
    policy = AccessPolicy(publish_deny=("a/#",))
    async with product(MemoryBroker(), policy=policy, profiles=TWO, default_profile="home") as p:
        await trio.sleep(100)
        listed = await p.client.call("list_active_connections")

    (session,) = listed.data["sessions"]
    assert session["session_id"] == p.session_id
    assert session["state"] == "connected"
    assert session["idle_s"] == 100.0
    assert session["expires_in_s"] == 3500.0
    assert session["clients"] == 1
    assert listed.data["max_sessions"] == 5
    assert listed.data["profiles"] == [
        {"profile": "home", "broker": "mqtt://home.test:1883", "default": True},
        {"profile": "work", "broker": "mqtts://work.test:8883"},
    ]
    assert listed.data["publishing"] == "limited"
    assert listed.data["monitor"] == "none: this server has no web page; mqtt-mcp serve has one"
    assert "s3cret" not in str(listed.raw)


async def test_looking_at_the_list_keeps_no_session_alive(autojump_clock):
    """TTL counts from the last use, and listing is none."""
    async with product(MemoryBroker()) as p:
        for _ in range(4):
            await trio.sleep(1000)
            listed = await p.client.call("list_active_connections")

    assert listed.data["sessions"] == []


async def test_the_list_stays_within_the_budget_of_a_result(autojump_clock):
    """24,000 characters, with as many sessions, collections and profiles as there may be; running ones are shown."""
    profiles = {f"profile-{n}": Broker(host=f"host-{n}.example.org", profile=f"profile-{n}") for n in range(200)}
    async with product(MemoryBroker(), profiles=profiles, default_profile="profile-0") as p:
        for _ in range(4):
            await p.client.call("establish_connection")
        client = p.hub.client_opened("test")
        session = p.hub.session(p.session_id, client)
        for n in range(60):
            request = watch_request(Keeping(), "x" * 200, duration_s=10.0 if n > 4 else 300.0)
            await p.hub.watch(session, request, wait_s=0, client=client, report_progress=no_progress)
            if n % 10 == 9:
                await trio.sleep(11)
        listed = await p.client.call("list_active_connections")

    assert len(listed.data["sessions"]) == 5
    assert len(listed.data["collections"]) == 25
    assert listed.data["more_collections"] >= 25
    assert [one["status"] for one in listed.data["collections"]].count("running") == 5
    assert listed.data["more_profiles"] == 150
    assert len(listed.text) <= 24_000


async def test_the_list_says_why_a_session_is_reconnecting(autojump_clock):
    """Architecture: the state is visible in lists."""
    broker = MemoryBroker()
    async with product(broker) as p:
        broker.refuse.append(Unreachable("memory.test:1883: Connection refused."))
        broker.drop_all(0x8B)
        await trio.sleep(0.5)
        listed = await p.client.call("list_active_connections")

    assert listed.data["sessions"][0]["state"] == "reconnecting"
    assert "shutting down" in listed.data["sessions"][0]["link_error"]


async def test_close_ends_the_session_and_its_id_then_says_so(autojump_clock):
    """The tombstone tells when and why."""
    broker = MemoryBroker()
    async with product(broker) as p:
        closed = await p.call("close_connection")
        again = await p.client.call("close_connection", session_id=p.session_id)
        unknown = await p.client.call("close_connection", session_id="nonsense")

    assert closed["closed"] is True
    assert closed["session_id"] == p.session_id
    assert broker.counters.disconnects == 1
    assert "session_expired" in again.text
    assert "close_connection" in again.text
    assert "session_unknown" in unknown.text


@pytest.mark.parametrize("tool", ["establish_connection", "test_connection"])
async def test_a_url_given_as_a_profile_is_not_echoed_with_its_password(autojump_clock, tool):
    """No credential in an error, wherever it was put."""
    async with product(MemoryBroker()) as at:
        outcome = await at.client.call(tool, profile="mqtt://somebody:hunter2@broker.test")
    assert outcome.is_error
    assert "broker.test" in outcome.text
    assert "hunter2" not in outcome.text
