"""What the security layer tells the routes about one request.

Owns the place in the ASGI scope where it lies.
"""

from collections.abc import MutableMapping
from contextlib import ExitStack
from typing import Any

_KEY = "mqtt_mcp.exchange"


class Exchange:
    """One request.

    Attributes:
        who: Who asks, as the subject of a sentence.
        may_act: Whether it may change something.
        at_end: What to undo when it is over, whichever way it ends.
    """

    def __init__(self, who: str, at_end: ExitStack, *, may_act: bool) -> None:
        self.who = who
        self.may_act = may_act
        self.at_end = at_end

    def put_into(self, state: MutableMapping[str, Any]) -> None:
        """Attach it to a request's ASGI state."""
        state[_KEY] = self

    @staticmethod
    def of(state: MutableMapping[str, Any]) -> "Exchange":
        """The exchange of a request."""
        exchange: Exchange = state[_KEY]
        return exchange
