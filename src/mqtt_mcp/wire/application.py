"""The seam between the wire and what it serves.

Owns the two protocols an application and its tools have to satisfy. Does not know any tool, the hub or MQTT; the only
implementation in the product is put together in ``commands``.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import msgspec

ReportProgress = Callable[[float, float, str], None]
"""``report_progress(done, total, sentence)``: never blocks, never raises; does nothing without a progress token."""


CallOutcome = Literal["ok", "error", "timeout", "cancelled"]


class ToolLike(Protocol):
    """What the wire reads of a tool; ``tools._base.Tool`` has these attributes."""

    @property
    def name(self) -> str:
        """snake_case, at most 40 characters."""

    @property
    def title(self) -> str:
        """A few words for a person."""

    @property
    def description(self) -> str:
        """When to use it and what its limits are; for the model."""

    @property
    def args(self) -> type[msgspec.Struct]:
        """The type its arguments are decoded to."""

    @property
    def result(self) -> type[msgspec.Struct]:
        """The type it returns."""

    @property
    def read_only(self) -> bool:
        """It changes nothing anywhere."""

    @property
    def destructive(self) -> bool:
        """It may overwrite or remove something."""

    @property
    def idempotent(self) -> bool:
        """Calling it twice with the same arguments does no more than calling it once."""

    @property
    def open_world(self) -> bool:
        """It deals with things outside this process."""


class Identity(Protocol):
    """What a server says of itself; known before anything else of it is loaded.

    Attributes:
        name, title, version, description, website_url: ``serverInfo``.
        instructions: What a model should know before it uses any tool.
    """

    name: str
    title: str
    version: str
    description: str
    website_url: str
    instructions: str


class RunningCall(Protocol):
    """One tool call, from its arrival to its end; made by ``Application.begin``."""

    async def run(self, args: msgspec.Struct, report_progress: ReportProgress) -> Any:
        """Run the tool.

        Args:
            args: An instance of ``tool.args``.
            report_progress: See ``ReportProgress``.

        Returns:
            An instance of ``tool.result``.

        Raises:
            ToolError: What the caller can mend; becomes an ``isError`` result. Anything else becomes ``-32603``.

        Cancellation:
            Cancelled when the client cancels the request, closes its stream or stops reading; must unwind quickly.
        """

    def describe(self, result_json: str) -> str:
        """The text block of a result: the same JSON, after a sentence that marks foreign data."""

    def ended(self, outcome: CallOutcome, *, result_bytes: int = 0, error: str = "") -> None:
        """How the call ended; called exactly once, must not raise.

        Args:
            outcome: ``error`` also for arguments that were refused before ``run``.
            result_bytes: Size of the result as JSON; 0 when there is none.
            error: What the client was told when it failed.
        """


class Application(Identity, Protocol):
    """What a client of the wire talks to."""

    def tools(self) -> Sequence[ToolLike]:
        """The tools, sorted by name; the same at every call.

        Asked for at the first ``tools/list`` or ``tools/call``, so that importing them costs nothing until then.
        """

    def begin(self, tool: ToolLike, arguments: bytes, client: Any) -> RunningCall:
        """A client called a tool; its arguments are not checked yet.

        Args:
            tool: One of ``tools()``.
            arguments: The JSON object as it came; empty when there was none.
            client: What ``client_opened`` returned for this connection.
        """

    def refused(self, tool_name: str, arguments: bytes, client: Any, told: str) -> None:
        """A client called a tool that there is not; must not raise.

        Args:
            tool_name: What it called; any text.
            arguments: The JSON as it came.
            client: As for ``begin``.
            told: What it was told.
        """

    def client_opened(self, name: str) -> Any:
        """A client said who it is, or made its first tool call.

        Args:
            name: What it calls itself, at most 80 printable characters; ``"unnamed client"`` when it does not.

        Returns:
            An opaque value that stands for the connection in ``begin`` and ``client_closed``.
        """

    def client_closed(self, client: Any) -> None:
        """That connection has ended; called exactly once for each ``client_opened``."""
