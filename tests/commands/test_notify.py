"""What the service manager is told (`man sd_notify`)."""

import socket

import pytest

from mqtt_mcp.commands._notify import notify


@pytest.mark.parametrize("abstract", [False, True])
def test_the_manager_is_told_on_its_socket(tmp_path, monkeypatch, abstract):
    """A path, or a name that begins with @."""
    name = f"@mqtt-mcp-{tmp_path}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if abstract else name)
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)

        notify("READY=1")

        assert manager.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "/nonexistent/notify", "x" * 300])
def test_without_a_manager_nothing_happens(monkeypatch, address):
    """Everywhere but under systemd; one that has gone is not our affair."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)

    notify("READY=1")
