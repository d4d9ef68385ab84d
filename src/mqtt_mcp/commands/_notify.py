"""Tells the service manager what the daemon is doing (``sd_notify``), where there is one that listens.

Owns that datagram. Without ``NOTIFY_SOCKET`` nothing happens, and a manager that does not read holds nobody up.
"""

import os
import socket


def notify(state: str) -> None:
    """Say one thing to the service manager.

    Args:
        state: ``READY=1`` or ``STOPPING=1``; see ``man sd_notify``.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    place = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as sock:
            sock.sendto(state.encode(), place)
    except (OSError, ValueError):  # it has gone, or the address is none: not our work to do
        return
