"""`mqtt-mcp serve` with its page and its audit as real processes: seen while it happens, found again afterwards."""

import json
import re
import socket
import subprocess
import urllib.error
import urllib.request

import pytest
import trio

from testkit.hub_process import COMMAND, hub_process
from testkit.mcp_client import spawned

pytestmark = pytest.mark.process


@pytest.fixture
def path(tmp_path):
    return tmp_path / "hub" / "hub.sock"


def url_of(hub):
    found = re.search(r"monitor: (http://\S+)", hub.said)
    assert found is not None, hub.said
    return found[1]


async def get(url, **headers):
    """Status and body of a page."""

    def fetch():
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    return await trio.to_thread.run_sync(fetch)


def serve(*arguments, env=None):
    """Run it to its end, which comes at once because something is wrong."""
    return subprocess.run(
        [*COMMAND, "serve", *arguments],
        env={"PATH": "/usr/bin", "MQTT_MCP_SOCKET": "off", **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.broker
async def test_two_windows_are_seen_on_the_page_and_found_in_the_audit(path, tmp_path, mosquitto):
    """What this command is for: see everything the assistant does, and find it again."""
    audit = tmp_path / "audit.jsonl"
    async with hub_process(path, "--audit", str(audit), env={"MQTT_BROKER_URL": mosquitto.broker.url}) as hub:
        async with hub.window() as one, hub.window() as two:
            opened = (await one.call("establish_connection")).data
            session = opened["session_id"]
            published = await two.call("publish_message", session_id=session, topic="monitor/lamp", payload="ON")
            refused = await two.call("publish_message", session_id=session, topic="$SYS/x", payload="ON")
            listed = (await one.call("list_active_connections")).data
            status, text = await get(url_of(hub) + "api/v1/snapshot")
            snapshot = json.loads(text)

            assert (published.data["outcome"], refused.is_error) == ("acknowledged", True)
            assert listed["monitor"] == url_of(hub)
            assert status == 200
            assert [s["id"] for s in snapshot["sessions"]] == [session]
            assert len(snapshot["status"]["clients"]) == 2
            assert [(p["topic"], p["outcome"]) for p in snapshot["publishes"]] == [
                ("monitor/lamp", "acknowledged"),
                ("$SYS/x", "refused"),
            ]
            assert [c["tool"] for c in snapshot["calls"]] == [
                "establish_connection",
                "publish_message",
                "publish_message",
                "list_active_connections",
            ]
        hub.process.terminate()
        assert await hub.ended() == 0

    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(x["topic"], x["outcome"]) for x in lines if x["record"] == "publish"] == [
        ("monitor/lamp", "acknowledged"),
        ("$SYS/x", "refused"),
    ]
    assert "session_ended" in [x["kind"] for x in lines if x["record"] == "change"]


@pytest.mark.broker
async def test_a_person_can_end_a_watch_of_the_assistant(path, own_mosquitto):
    """It can be stopped, and the assistant learns that it was."""
    async with hub_process(path, env={"MQTT_BROKER_URL": own_mosquitto.broker.url}) as hub, hub.window() as window:
        session = (await window.call("establish_connection")).data["session_id"]
        watch = await window.start_call("list_topics", session_id=session, duration=300, wait_s=300)
        collections: list[dict[str, str]] = []
        with trio.fail_after(10):
            while not collections:
                collections = json.loads((await get(url_of(hub) + "api/v1/collections"))[1])["items"]
        request = urllib.request.Request(
            f"{url_of(hub)}api/v1/collections/{collections[0]['id']}/cancel", method="POST", headers={"X-MQTT-MCP": "1"}
        )

        def post():
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status

        assert await trio.to_thread.run_sync(post) == 200
        outcome = await watch.outcome()

    assert outcome.data["status"] == "partial"
    assert "cancelled" in outcome.text


async def test_a_token_from_a_file_is_asked_for_and_never_shown(path, tmp_path):
    """Off loopback or not: a token that is configured counts."""
    (tmp_path / "token").write_text("hunter2-token\n")
    async with hub_process(path, "--token-file", str(tmp_path / "token")) as hub:
        url = url_of(hub) + "api/v1/status"
        without = await get(url)
        wrong = await get(url, Authorization="Bearer hunter2-tokem")
        right = await get(url, Authorization="Bearer hunter2-token")
        page = await get(url_of(hub))

    assert (without[0], wrong[0], right[0], page[0]) == (401, 401, 200, 200)
    assert "hunter2" not in hub.said + without[1] + wrong[1] + right[1] + page[1]


def test_a_page_open_to_the_network_needs_a_token_or_a_proxy():
    """monitor.md §4.2: mandatory off loopback."""
    done = serve("--host", "0.0.0.0", "--port", "0")

    assert done.returncode == 2
    assert b"--token-file" in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert done.stdout == b""


def test_a_port_that_is_taken_is_said_by_whom():
    """One line, status 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = serve("--port", str(port))

    assert done.returncode == 2
    assert f"port {port} is in use by ".encode() in done.stderr
    assert b"(pid " in done.stderr
    assert done.stderr.count(b"\n") == 1


async def test_a_second_hub_is_told_of_the_first_and_not_of_its_port(path):
    """Both are taken; the hub is the reason."""
    async with hub_process(path) as hub:
        port = url_of(hub).rstrip("/").rpartition(":")[2]
        second = await trio.to_thread.run_sync(lambda: serve("--port", port, env={"MQTT_MCP_SOCKET": str(path)}))

    assert second.returncode == 2
    assert f"another hub already (pid {hub.process.pid})" in second.stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "env", "words"),
    [
        (["--port", "70000"], {}, "port must be"),
        (["--port", "0", "--host", "192.0.2.1", "--behind-proxy"], {}, "cannot listen on '192.0.2.1'"),
        (["--port", "0", "--token-file", "/nope"], {}, "token_file '/nope' cannot be read"),
        (["--port", "0"], {"MQTT_MCP_MONITOR_TOKEN": "short"}, "at least 8"),
        (["--port", "0", "--audit", "/nope/audit"], {}, "audit: cannot append to '/nope/audit'"),
        (["--port", "0", "--monitor-payloads", "all"], {}, "one of head, hash, none"),
    ],
)
def test_what_is_wrong_with_page_or_audit_is_one_line_and_status_2(arguments, env, words):
    """Nothing is started."""
    done = serve(*arguments, env=env)

    assert done.returncode == 2, done.stderr
    assert words in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert done.stdout == b""


async def test_an_audit_in_a_window_of_its_own_works_too(tmp_path):
    """A complete hub in a window keeps one as well."""
    audit = tmp_path / "audit.jsonl"
    async with spawned([*COMMAND, "--audit", str(audit)]) as client:
        await client.call("list_active_connections")
        await client.finish()
        assert client.process is not None
        with trio.fail_after(10):
            await client.process.wait()

    assert '"record":"call"' in audit.read_text()
