"""What may come in and what goes out: Host, Origin, CSRF, token, headers. Each rule with what it lets through."""

import pytest

from mqtt_mcp.monitor.access import Access
from mqtt_mcp.monitor.hosts import AllowedHosts, host_of, is_own_origin, plain_address
from mqtt_mcp.monitor.security import SECURITY_HEADERS
from testkit.monitor import FakeHub, act, ask, running, talk

NAMED = Access(allowed_hosts=("monitor.example", "*.ts.net"))
CANCEL = "/api/v1/collections/c-1/cancel"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:8090", "127.0.0.1:1", "192.168.1.20:8090", "[::1]:8090", "[fd00::1]", "monitor.example",
     "MONITOR.example.:80", "box.ts.net", "a.b.ts.net:8090"],
)  # fmt: skip
async def test_a_request_for_an_allowed_host_is_answered(host):
    """DNS rebinding needs a name, so an address is always allowed."""
    async with running(NAMED) as server:
        assert (await ask(server.port, "/api/v1/status", Host=host)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "ts.net",
        "evilts.net",
        "2130706433",
        "0x7f.1",
    ],
)
async def test_a_request_for_another_host_is_refused_and_told_the_setting(host):
    async with running(NAMED) as server:
        answer = await ask(server.port, "/", Host=host)
        assert (answer.status, answer.is_problem) == (421, True)
        assert "MQTT_MCP_MONITOR_ALLOWED_HOSTS" in answer.json()["detail"]


@pytest.mark.parametrize(
    "host",
    ["", "a b", "localhost:", "localhost:99999", "localhost:x", "[::1", "::1", "user@localhost", "localhost/", "[x]"],
)
async def test_a_malformed_host_is_refused(host):
    async with running() as server:
        answer = await ask(server.port, "/", Host=host)
        assert (answer.status, answer.is_problem) == (400, True)


async def test_a_request_of_http_1_0_needs_a_host_too():
    async with running() as server:
        assert (await talk(server.port, b"GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


def test_hosts_are_compared_without_port_and_case():
    assert host_of("Umbrel.local:8090") == "umbrel.local"
    assert host_of("[FD00::1]:8090") == "fd00::1"
    assert "umbrel.local" in AllowedHosts([" Umbrel.Local. "])
    assert "" not in AllowedHosts(["", "*"])
    assert plain_address("::ffff:10.0.0.1%eth0") == "10.0.0.1"
    assert is_own_origin("HTTP://Umbrel.local:8090", "umbrel.local:8090")
    assert not is_own_origin("null", "null")


CROSS = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "file://"},
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Sec_Fetch_Site": "nonsense"},
]


@pytest.mark.parametrize("headers", CROSS, ids=str)
@pytest.mark.parametrize("path", ["/", "/api/v1/status", "/api/v1/events", "/healthz", "/static/app.js"])
async def test_a_page_of_another_origin_reads_nothing(path, headers):
    """Another port of the same host is another origin."""
    async with running() as server:
        answer = await ask(server.port, path, **headers)
        assert (answer.status, answer.is_problem) == (403, True)


@pytest.mark.parametrize("headers", CROSS, ids=str)
async def test_a_page_of_another_origin_changes_nothing(headers):
    async with running() as server:
        assert (await act(server.port, CANCEL, "POST", **headers)).status == 403
        assert server.hub.acted == []


async def test_our_own_page_reads_and_acts():
    async with running() as server:
        own = {"Origin": f"http://127.0.0.1:{server.port}", "Sec_Fetch_Site": "same-origin"}
        assert (await ask(server.port, "/api/v1/status", **own)).status == 200
        assert (await act(server.port, CANCEL, "POST", **own)).status == 200


LINK = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}


async def test_a_link_on_a_foreign_page_opens_the_page_and_nothing_else(tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html>")
    async with running(static=tmp_path) as server:
        assert (await ask(server.port, "/", **LINK)).status == 200
        assert (await ask(server.port, "/api/v1/publishes.ndjson", **LINK)).status == 403
        assert (await ask(server.port, "/", **{**LINK, "Sec_Fetch_Dest": "iframe"})).status == 403
        assert (await ask(server.port, "/", "POST", X_MQTT_MCP="1", **LINK)).status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_a_request_that_is_no_read_needs_our_header(method):
    """A browser sends a header of ours across origins only after a permission that is never given."""
    async with running() as server:
        for headers in ({}, {"X_MQTT_MCP": "0"}):
            answer = await ask(server.port, CANCEL, method, **headers)
            assert (answer.status, answer.is_problem) == (403, True)
        assert server.hub.acted == []


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_no_permission_is_given_to_other_origins(method):
    async with running() as server:
        for headers in ({}, {"X_MQTT_MCP": "1"}, {"Origin": "http://evil.example"}):
            answer = await ask(server.port, "/api/v1/status", method, Access_Control_Request_Method="DELETE", **headers)
            assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("header", ["Host", "Origin", "Authorization", "X-MQTT-MCP", "Sec-Fetch-Site"])
async def test_a_header_that_decides_must_not_come_twice(header):
    async with running() as server:
        lines = b"Host: localhost\r\n" + 2 * f"{header}: localhost\r\n".encode()
        assert (await talk(server.port, b"GET / HTTP/1.0\r\n" + lines + b"\r\n")).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"Host": "localhost:8090"}, True),
        ({"Host": "[::1]:8090"}, True),
        ({"Host": "192.168.1.20:8090"}, False),
        ({"Host": "monitor.example"}, False),
        ({"Host": "monitor.example", "X-Forwarded-Proto": "https"}, True),
    ],
)
async def test_the_opener_policy_goes_only_where_browsers_take_it(headers, sent):
    """Over plain HTTP to any other host Chromium ignores it and writes an error on the page's console."""
    async with running(NAMED) as server:
        answer = await ask(server.port, "/", **headers)
        assert ("cross-origin-opener-policy" in answer.headers) is sent


async def test_every_answer_has_the_security_headers(failure_expected):
    async with running(hub=FakeHub(broken=True)) as server:
        answers = [
            await ask(server.port, "/healthz"),
            await ask(server.port, "/nothing"),
            await ask(server.port, "/", Host="evil.example"),
            await ask(server.port, "/", Origin="http://evil.example"),
            await ask(server.port, "/", "POST"),
            await ask(server.port, "/api/v1/status"),
            await ask(server.port, "/", Connection="upgrade", Upgrade="websocket"),
            await ask(server.port, "/", Content_Length="x"),
            await act(server.port, "/api/v1/sessions/s-1", "DELETE"),
        ]
        assert [a.status for a in answers] == [200, 404, 421, 403, 403, 500, 403, 400, 204]
        for answer in answers:
            for name, value in SECURITY_HEADERS:
                assert answer.headers[name.decode()] == value.decode()
            assert "server" not in answer.headers
            assert "set-cookie" not in answer.headers
        assert all(a.is_problem for a in answers[1:-1])
    assert "unsafe" not in dict(SECURITY_HEADERS)[b"content-security-policy"].decode()
