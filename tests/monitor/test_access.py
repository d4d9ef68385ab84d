"""Who may read and who may act, in each way the monitor can be set up."""

import hmac
import logging

import pytest
import trio

from mqtt_mcp.monitor.access import Access, Gatekeeper
from mqtt_mcp.monitor.limits import Limits
from mqtt_mcp.monitor.trusted_proxy import ASK_AGAIN_S, FORGET_S, KEEP_S, LOOK_UP_TIMEOUT_S, TrustedProxy
from testkit.monitor import act, ask, connect, following, running, seen_as

CANCEL = "/api/v1/collections/c-1/cancel"
OPEN = ["/healthz", "/readyz", "/widgets/umbrel"]
DATA = ["/api/v1/status", "/api/v1/snapshot", "/api/v1/events", "/metrics", "/api/v1/openapi.json", "/unknown"]
TOKEN = "correct horse"
GOOD = {"Authorization": f"Bearer {TOKEN}"}
PROXY = "127.0.0.2"


def test_a_monitor_others_can_reach_needs_a_token_or_a_proxy():
    with pytest.raises(ValueError, match="token"):
        Access(loopback=False)
    Access(loopback=False, token="t")
    Access(loopback=False, behind_proxy=True)


def test_the_token_is_in_no_repr():
    assert TOKEN not in repr(Access(token=TOKEN))


async def test_on_loopback_without_a_token_everything_is_allowed():
    async with running(Access()) as server:
        assert (await ask(server.port, "/api/v1/status")).json()["actions"] is True
        assert (await act(server.port, CANCEL, "POST")).status == 200


@pytest.mark.parametrize("loopback", [True, False])
async def test_with_a_token_data_and_actions_need_it(loopback):
    async with running(Access(token=TOKEN, loopback=loopback)) as server:
        for path in DATA:
            answer = await ask(server.port, path)
            assert (answer.status, answer.is_problem) == (401, True), path
            assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert (await act(server.port, CANCEL, "POST")).status == 401
        assert (await ask(server.port, "/api/v1/status", **GOOD)).json()["actions"] is True
        assert (await ask(server.port, "/api/v1/snapshot", **GOOD)).json()["status"]["actions"] is True
        assert (await act(server.port, CANCEL, "POST", **GOOD)).status == 200
        async with following(server.port, **GOOD):
            pass


async def test_with_a_token_page_and_health_are_public():
    async with running(Access(token=TOKEN)) as server:
        for path in [*OPEN, "/", "/static/nothing"]:
            assert (await ask(server.port, path)).status in {200, 404}, path


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer correct",
        f"Bearer {TOKEN}x",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer é",
    ],
)
async def test_a_wrong_token_opens_nothing(given):
    async with running(Access(token=TOKEN)) as server:
        assert (await ask(server.port, "/api/v1/status", Authorization=given)).status == 401


@pytest.mark.parametrize(
    "path", ["//api/v1/status", "/static/../api/v1/status", "/%61pi/v1/status", "/static/%2e%2e/api/v1/status"]
)
async def test_no_spelling_of_a_path_goes_around_the_token(path):
    async with running(Access(token=TOKEN)) as server:
        assert (await ask(server.port, path)).status in {400, 401, 404}


async def test_the_scheme_may_be_written_in_any_case():
    async with running(Access(token=TOKEN)) as server:
        assert (await ask(server.port, "/api/v1/status", Authorization=f"bearer  {TOKEN}")).status == 200


async def test_tokens_are_compared_in_constant_time(monkeypatch):
    compared = []
    real = hmac.compare_digest

    def compare(a, b):
        compared.append(a)
        return real(a, b)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    keeper = Gatekeeper(Access(token=TOKEN))
    assert not (await keeper.grant("10.0.0.1", b"Bearer wrong", "/metrics")).may_read
    assert (await keeper.grant("10.0.0.1", b"Bearer " + TOKEN.encode(), "/metrics")).may_read
    assert len(compared) == 2


WRONG = {"Authorization": "Bearer hunter2-guess"}
FEW = Limits(wrong_tokens_per_s=0.5, wrong_token_burst=3)


def warnings_of(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


async def test_wrong_tokens_are_slowed_down_and_the_right_one_never_is(caplog):
    async with running(Access(token=TOKEN), limits=FEW) as server:
        answers = [await ask(server.port, "/api/v1/status", **WRONG) for _ in range(5)]
        assert [a.status for a in answers] == [401, 401, 401, 429, 429]
        assert (answers[3].is_problem, answers[3].headers["retry-after"]) == (True, "2")
        for _ in range(5):
            assert (await ask(server.port, "/api/v1/status", **GOOD)).status == 200
        assert (await ask(server.port, "/api/v1/status")).status == 401, "no token is no wrong token"
        assert (await ask(server.port, "/api/v1/status", peer="127.0.0.9", **WRONG)).status == 401


async def test_wrong_tokens_of_an_address_are_one_line_in_the_log_without_them(caplog):
    async with running(Access(token=TOKEN)) as server, await connect(server.port) as client:
        for _ in range(20):
            await client.ask("/api/v1/status", **WRONG)
        assert warnings_of(caplog) == ["127.0.0.1 gave a wrong token; said once a minute at most"]
        await ask(server.port, "/api/v1/status", peer="127.0.0.9", **WRONG)
        assert len(warnings_of(caplog)) == 2
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("access", [Access(), Access(token=TOKEN, trusted_proxy=PROXY)], ids=["open", "proxy"])
async def test_a_token_that_nobody_needs_is_no_wrong_one(access, caplog):
    async with running(access, limits=FEW) as server, await connect(server.port, peer=PROXY) as client:
        assert [(await client.ask("/api/v1/status", **WRONG)).status for _ in range(5)] == [200] * 5
    assert warnings_of(caplog) == []


async def test_a_token_in_the_query_is_not_accepted():
    async with running(Access(token=TOKEN)) as server:
        assert (await ask(server.port, f"/api/v1/status?token={TOKEN.replace(' ', '+')}")).status == 401


async def test_behind_an_unnamed_proxy_everybody_reads_and_nobody_acts():
    async with running(Access(loopback=False, behind_proxy=True, allowed_hosts=("umbrel.local",))) as server:
        assert (await ask(server.port, "/api/v1/status", Host="umbrel.local:8192")).json()["actions"] is False
        assert (await ask(server.port, "/api/v1/status", Host="evil.example")).status == 421
        answer = await act(server.port, CANCEL, "POST")
        assert (answer.status, answer.is_problem) == (403, True)
        assert server.hub.acted == []


async def test_behind_an_unnamed_proxy_a_token_is_needed_once_there_is_one():
    async with running(Access(loopback=False, behind_proxy=True, token=TOKEN)) as server:
        assert (await ask(server.port, "/api/v1/status")).status == 401
        assert (await act(server.port, CANCEL, "POST", **GOOD)).status == 200


PROXIED = Access(loopback=False, behind_proxy=True, trusted_proxy=PROXY)
CONTAINERS = Access(loopback=False, behind_proxy=True, trusted_proxy="10.21.0.2")


@pytest.fixture
def container_network():
    with seen_as("10.21.0."):
        yield


@pytest.mark.parametrize("host", ["umbrel.local:8192", "abcdef.onion", "box.ts.net", "10.1.1.1"])
async def test_through_the_trusted_proxy_a_person_reads_and_acts_under_any_host(container_network, host):
    async with running(CONTAINERS) as server:
        own = {"Host": host, "Origin": f"http://{host}", "Sec_Fetch_Site": "same-origin"}
        assert (await ask(server.port, "/api/v1/status", peer=PROXY, **own)).json()["actions"] is True
        assert (await act(server.port, CANCEL, "POST", peer=PROXY, **own)).status == 200


async def test_through_the_trusted_proxy_a_foreign_page_is_still_foreign(container_network):
    async with running(CONTAINERS) as server:
        headers = {"Host": "umbrel.local:8192", "Origin": "http://umbrel.local:3000"}
        assert (await ask(server.port, "/api/v1/status", peer=PROXY, **headers)).status == 403
        assert (await act(server.port, CANCEL, "POST", peer=PROXY, **headers)).status == 403
        assert (await ask(server.port, CANCEL, "POST", peer=PROXY, Host="umbrel.local")).status == 403


@pytest.mark.parametrize("network", ["127.0.0.", "10.21.0."])
async def test_a_trusted_proxy_in_a_container_is_exempt_from_the_hosts_and_one_on_this_machine_is_not(network):
    """A browser on this machine has the address of a proxy there, and a page rebound to it a name of its own."""
    access = Access(behind_proxy=True, trusted_proxy=f"{network}2", allowed_hosts=("home.example",))
    expected = 421 if network == "127.0.0." else 200
    rebound = {"Host": "evil.example:8090", "Origin": "http://evil.example:8090", "Sec_Fetch_Site": "same-origin"}
    with seen_as(network):
        async with running(access) as server:
            for path in ["/api/v1/status", "/api/v1/snapshot", "/healthz"]:
                assert (await ask(server.port, path, peer=PROXY, **rebound)).status == expected
            assert (await act(server.port, CANCEL, "POST", peer=PROXY, **rebound)).status == expected
            assert bool(server.hub.acted) is (expected == 200)
            for host in ["home.example", "localhost:8090", "192.168.1.20"]:
                answer = await ask(server.port, "/api/v1/status", peer=PROXY, Host=host)
                assert (answer.status, answer.json()["actions"]) == (200, True), host


async def test_a_trusted_proxy_with_our_own_address_is_on_this_machine_too():
    access = Access(loopback=False, behind_proxy=True, trusted_proxy="192.168.1.1")
    with seen_as("192.168.1."):
        async with running(access) as server:
            assert (await ask(server.port, "/api/v1/status")).status == 200
            assert (await ask(server.port, "/api/v1/status", Host="evil.example")).status == 421


async def test_beside_the_trusted_proxy_only_health_and_widget_are_open():
    """Every app of an Umbrel shares one network with us."""
    async with running(PROXIED) as server:
        for path in OPEN:
            assert (await ask(server.port, path)).status == 200
        for path in [*DATA, "/", "/static/app.js"]:
            answer = await ask(server.port, path)
            assert (answer.status, answer.is_problem) == (403, True), path
        assert (await act(server.port, CANCEL, "POST")).status == 403
        forged = await ask(server.port, "/api/v1/status", X_Forwarded_For=PROXY, Forwarded=f"for={PROXY}")
        assert forged.status == 403


async def test_beside_the_trusted_proxy_the_token_opens_too():
    access = Access(loopback=False, behind_proxy=True, trusted_proxy=PROXY, token=TOKEN)
    async with running(access) as server:
        assert (await ask(server.port, "/api/v1/status")).status == 401
        assert (await ask(server.port, "/api/v1/status", Host="evil.example", **GOOD)).status == 421
        assert (await act(server.port, CANCEL, "POST", **GOOD)).status == 200
        assert (await ask(server.port, "/api/v1/status", peer=PROXY)).status == 200


class Names(trio.abc.HostnameResolver):
    """A name service for one test."""

    def __init__(self):
        self.addresses = ["10.0.0.7"]
        self.asked = 0
        self.slow = False

    async def getaddrinfo(self, *_args):
        self.asked += 1
        if self.slow:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        if not self.addresses:
            raise OSError("no such name")
        return [(2, 1, 6, "", (address, 0)) for address in self.addresses]

    async def getnameinfo(self, sockaddr, flags):
        raise NotImplementedError


@pytest.fixture
async def names():
    resolver = Names()
    trio.socket.set_custom_hostname_resolver(resolver)
    return resolver


async def test_the_proxys_name_is_looked_up_when_somebody_asks_and_then_believed(names, autojump_clock):
    proxy = TrustedProxy("app_proxy")
    assert names.asked == 0
    for _ in range(10):
        assert await proxy.owns("::ffff:10.0.0.7")
    assert names.asked == 1
    await trio.sleep(KEEP_S - 0.1)
    assert await proxy.owns("10.0.0.7")
    assert names.asked == 1
    await trio.sleep(0.1)
    assert await proxy.owns("10.0.0.7")
    assert names.asked == 2


async def test_a_proxy_that_was_restarted_is_found_again_soon(names, autojump_clock):
    proxy = TrustedProxy("app_proxy")
    assert await proxy.owns("10.0.0.7")
    names.addresses = ["10.0.0.8"]
    assert not await proxy.owns("10.0.0.8")
    await trio.sleep(ASK_AGAIN_S)
    assert await proxy.owns("10.0.0.8")
    assert not await proxy.owns("10.0.0.7")
    assert names.asked == 2


async def test_a_failed_look_up_keeps_the_old_addresses_for_a_minute_and_is_logged_once(names, autojump_clock, caplog):
    """A name service may stumble; an address whose owner has gone for good may be another container's tomorrow."""
    proxy = TrustedProxy("app_proxy")
    assert await proxy.owns("10.0.0.7")
    names.addresses = []
    for _ in range(2):
        await trio.sleep(FORGET_S / 2 - 0.1)
        assert await proxy.owns("10.0.0.7")
    await trio.sleep(ASK_AGAIN_S)
    assert not await proxy.owns("10.0.0.7")
    names.addresses = ["10.0.0.7"]
    await trio.sleep(ASK_AGAIN_S)
    assert await proxy.owns("10.0.0.7")
    warnings = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "app_proxy" in warnings[0].getMessage()


async def test_a_name_service_that_does_not_answer_holds_nobody_up_for_long(names, autojump_clock):
    names.slow = True
    proxy = TrustedProxy("app_proxy")
    start_s = trio.current_time()
    assert not await proxy.owns("10.0.0.7")
    assert trio.current_time() - start_s == LOOK_UP_TIMEOUT_S


async def test_many_requests_at_once_ask_the_name_service_once(names, autojump_clock):
    proxy = TrustedProxy("app_proxy")
    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(proxy.owns, f"10.0.0.{number}")
    assert names.asked == 1
