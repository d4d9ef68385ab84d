"""Taking a port, and saying who has it when it is taken."""

import errno
import os
import socket

import pytest

from mqtt_mcp.monitor.port_owner import owner_of_port
from mqtt_mcp.monitor.server import PortTaken, bind, url_of
from testkit.monitor import ask, running


def port_of(sock):
    return sock.getsockname()[1]


def test_port_0_is_any_free_one():
    with bind("127.0.0.1", 0) as one, bind("127.0.0.1", 0) as other:
        assert port_of(one) != port_of(other)
        assert not one.get_inheritable()


def test_a_taken_port_says_by_whom():
    with bind("127.0.0.1", 0) as sock:
        with pytest.raises(PortTaken) as taken:
            bind("127.0.0.1", port_of(sock))
        assert taken.value.port == port_of(sock)
        assert taken.value.by.endswith(f"(pid {os.getpid()})")
        assert str(os.getpid()) in str(taken.value)


def test_the_next_port_is_tried():
    with bind("127.0.0.1", 0) as sock, bind("127.0.0.1", port_of(sock), tries=20) as other:
        assert port_of(sock) < port_of(other) < port_of(sock) + 20


def test_an_address_of_another_machine_is_no_taken_port():
    with pytest.raises(OSError, match=r"\d") as failed:
        bind("192.0.2.1", 0)
    assert failed.value.errno == errno.EADDRNOTAVAIL


@pytest.mark.skipif(not socket.has_ipv6, reason="NOT TESTED: no IPv6")
def test_ipv6_is_listened_on_with_and_without_brackets():
    for host in ("::1", "[::1]"):
        with bind(host, 0) as sock:
            assert url_of(sock) == f"http://[::1]:{port_of(sock)}/"


def test_the_url_can_be_opened_on_this_machine():
    with bind("0.0.0.0", 0) as sock:
        assert url_of(sock) == f"http://127.0.0.1:{port_of(sock)}/"


def test_the_owner_of_a_free_port_and_without_proc_is_unknown(tmp_path):
    with bind("127.0.0.1", 0) as sock:
        port = port_of(sock)
        assert owner_of_port(port, tmp_path) == ""
    assert owner_of_port(port) == ""


def test_the_name_of_the_owner_is_shown_without_control_characters(tmp_path):
    (tmp_path / "net").mkdir()
    line = "0: 0100007F:1F9A 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4242 1"
    (tmp_path / "net" / "tcp").write_text(f"header\n{line}\n")
    (tmp_path / "77" / "fd").mkdir(parents=True)
    (tmp_path / "77" / "fd" / "3").symlink_to("socket:[4242]")
    (tmp_path / "77" / "comm").write_text("evil\x1b[31m\n")
    assert owner_of_port(8090, tmp_path) == "evil[31m (pid 77)"


async def test_clients_that_come_before_the_server_is_ready_are_served():
    async with running() as server:
        assert (await ask(server.port, "/healthz")).status == 200
