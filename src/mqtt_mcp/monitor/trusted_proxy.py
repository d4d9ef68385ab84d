"""Which addresses belong to the reverse proxy that logs people in for us.

Owns the look-up of its name and how long an answer is good for. In a container network the proxy's address is
known only by name and changes when it is restarted.
"""

import logging
import socket

import trio

from mqtt_mcp.monitor.hosts import plain_address

logger = logging.getLogger(__name__)

KEEP_S = 30.0
"""How long the addresses found are believed."""
ASK_AGAIN_S = 5.0
"""How soon they are looked up again when the last look-up failed, or did not yield the address in question."""
FORGET_S = 60.0
"""How long they are believed when every look-up fails: the proxy may have gone, and its address be another's by now."""
LOOK_UP_TIMEOUT_S = 2.0


class TrustedProxy:
    """The addresses of one host.

    Args:
        host: Its name or address. Not looked up before somebody asks.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._addresses: frozenset[str] = frozenset()
        self._looked_up_at_s = self._found_at_s = float("-inf")
        self._failed = False
        self._lock = trio.Lock()

    async def owns(self, address: str) -> bool:
        """Whether an address is one of the proxy's.

        A look-up that fails keeps the addresses known before, for ``FORGET_S`` since the last that did not.
        """
        address = plain_address(address)
        if address == plain_address(self._host):
            return True
        if self._age_s() >= (KEEP_S if address in self._addresses and not self._failed else ASK_AGAIN_S):
            async with self._lock:
                if self._age_s() >= ASK_AGAIN_S:  # else another request has just asked
                    await self._look_up()
        return address in self._addresses

    def _age_s(self) -> float:
        return trio.current_time() - self._looked_up_at_s

    async def _look_up(self) -> None:
        reason: object = f"no answer within {LOOK_UP_TIMEOUT_S:.0f} s"
        found = None
        with trio.move_on_after(LOOK_UP_TIMEOUT_S):
            try:
                found = await trio.socket.getaddrinfo(self._host, None, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                reason = error
        self._looked_up_at_s = trio.current_time()
        if found is not None:
            self._failed = False
            self._found_at_s = self._looked_up_at_s
            self._addresses = frozenset(plain_address(str(entry[4][0])) for entry in found)
            return
        if self._looked_up_at_s - self._found_at_s >= FORGET_S:
            self._addresses = frozenset()
        if not self._failed:
            self._failed = True
            logger.warning("the address of the trusted proxy %r cannot be found: %s", self._host, reason)
