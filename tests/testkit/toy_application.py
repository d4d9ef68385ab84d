"""A small application for tests of the wire: tools that answer, fail, wait and report progress.

Served over standard streams when run as a script, so that process tests and the official SDK clients can talk to it.
It imports nothing of the product but the wire and the errors.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import msgspec
import trio
from msgspec import UNSET, Meta, Struct, UnsetType

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.wire.application import CallOutcome, ReportProgress, ToolLike
from mqtt_mcp.wire.server import serve_client
from mqtt_mcp.wire.stdio import StdioStream


class ToyTool(Struct, frozen=True, kw_only=True):
    name: str
    title: str
    description: str
    args: type[Struct]
    result: type[Struct]
    run: Callable[["ToyApplication", Any, ReportProgress], Awaitable[Any]]
    read_only: bool = True
    destructive: bool = False
    idempotent: bool = False
    open_world: bool = True


class NoArgs(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class EchoArgs(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(description="What to say.", max_length=1000)]
    times: Annotated[int, Meta(description="How often, 1 to 3.", ge=1, le=3)] = 1
    mode: Annotated[Literal["plain", "loud"], Meta(description="How.")] = "plain"


class EchoResult(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    text: str
    note: str | UnsetType = UNSET


class WaitArgs(Struct, frozen=True, forbid_unknown_fields=True):
    seconds: Annotated[float, Meta(description="How long, in seconds.", ge=0, le=1000)]
    step: Annotated[float, Meta(description="Seconds between two reports.", gt=0)] = 1.0


class WaitResult(Struct, frozen=True, forbid_unknown_fields=True):
    waited: float


class NumberArgs(Struct, frozen=True, forbid_unknown_fields=True):
    kind: Annotated[Literal["nan", "inf", "required_nan", "surrogate", "null_text"], Meta(description="Which.")]


class NumberResult(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    required: float = msgspec.field()
    optional: float | UnsetType = UNSET
    text: str = ""


class SizeArgs(Struct, frozen=True, forbid_unknown_fields=True):
    chars: Annotated[int, Meta(description="Length of the result.", ge=0)]


class ToyApplication:
    """Attributes count what the wire did to the application."""

    name = "toy"
    title = "Toy"
    version = "1.2.3"
    description = "Tools for tests."
    website_url = "https://example.org/toy"
    instructions = "Use echo to hear yourself."

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[Any] = []
        self.begun: list[tuple[str, bytes]] = []
        self.ended: list[tuple[str, CallOutcome, int, str]] = []
        self.listed = 0
        self.cancelled = 0
        self.running = 0
        self.started = trio.Event()
        self.reporter: ReportProgress | None = None

    def tools(self) -> list[ToolLike]:
        self.listed += 1
        return list(TOOLS)

    def begin(self, tool: ToolLike, arguments: bytes, client: Any) -> "ToyCall":
        assert client == f"client:{self.opened[-1]}"
        assert isinstance(tool, ToyTool)
        self.begun.append((tool.name, arguments))
        return ToyCall(self, tool)

    def refused(self, tool_name: str, arguments: bytes, client: Any, told: str) -> None:
        assert client == f"client:{self.opened[-1]}"
        self.begun.append((tool_name, arguments))
        self.ended.append((tool_name, "error", 0, told))

    def client_opened(self, name: str) -> Any:
        self.opened.append(name)
        return f"client:{name}"

    def client_closed(self, client: Any) -> None:
        self.closed.append(client)


class ToyCall:
    def __init__(self, app: ToyApplication, tool: ToyTool) -> None:
        self._app = app
        self._tool = tool

    async def run(self, args: Struct, report_progress: ReportProgress) -> Any:
        app = self._app
        app.running += 1
        app.reporter = report_progress
        app.started.set()
        try:
            return await self._tool.run(app, args, report_progress)
        except trio.Cancelled:
            app.cancelled += 1
            raise
        finally:
            app.running -= 1

    def describe(self, result_json: str) -> str:
        return f"Data of {self._tool.name}:\n{result_json}"

    def ended(self, outcome: CallOutcome, *, result_bytes: int = 0, error: str = "") -> None:
        self._app.ended.append((self._tool.name, outcome, result_bytes, error))


async def _echo(_app: ToyApplication, args: EchoArgs, _report: ReportProgress) -> EchoResult:
    text = args.text * args.times
    return EchoResult(text.upper() if args.mode == "loud" else text)


async def _crash(_app: ToyApplication, _args: NoArgs, _report: ReportProgress) -> EchoResult:
    raise RuntimeError("the secret is 12345")


async def _fail(_app: ToyApplication, _args: NoArgs, _report: ReportProgress) -> EchoResult:
    async with trio.open_nursery():  # arrives wrapped in a group, as from any real nursery
        raise ToolError(ErrorKind.SESSION_UNKNOWN, 'There is no session "x".', "Call establish_connection first.")


async def _number(_app: ToyApplication, args: NumberArgs, _report: ReportProgress) -> NumberResult:
    match args.kind:
        case "nan":
            return NumberResult(1.5, float("nan"))
        case "inf":
            return NumberResult(1.5, float("-inf"))
        case "required_nan":
            return NumberResult(float("nan"))
        case "surrogate":
            return NumberResult(1.5, text="a\ud800b")
        case _:
            return NumberResult(1.5, text='{"value": null}')


async def _print(_app: ToyApplication, _args: NoArgs, _report: ReportProgress) -> EchoResult:
    import os
    import sys

    print("a stray print", flush=True)  # noqa: T201 - the point
    sys.__stdout__.write("another\n")  # type: ignore[union-attr]
    os.write(1, b"straight to the descriptor\n")
    os.system("echo from a child")  # noqa: ASYNC221 - a child process that inherits descriptor 1 is the point
    return EchoResult(f"stdin has {len(sys.stdin.read())} characters")


async def _size(_app: ToyApplication, args: SizeArgs, _report: ReportProgress) -> EchoResult:
    return EchoResult("x" * args.chars)


async def _wait(_app: ToyApplication, args: WaitArgs, report: ReportProgress) -> WaitResult:
    start = trio.current_time()
    while (waited := trio.current_time() - start) < args.seconds:
        await trio.sleep(min(args.step, args.seconds - waited))
        report(
            trio.current_time() - start, args.seconds, f"{trio.current_time() - start:.0f} s of {args.seconds:.0f} s"
        )
    return WaitResult(args.seconds)


def _tool(name: str, args: type[Struct], result: type[Struct], run: Any) -> ToyTool:
    return ToyTool(name=name, title=name.title(), description=f"Does {name}.", args=args, result=result, run=run)


TOOLS = (
    _tool("crash", NoArgs, EchoResult, _crash),
    _tool("echo", EchoArgs, EchoResult, _echo),
    _tool("fail", NoArgs, EchoResult, _fail),
    _tool("number", NumberArgs, NumberResult, _number),
    _tool("print", NoArgs, EchoResult, _print),
    _tool("size", SizeArgs, EchoResult, _size),
    _tool("wait", WaitArgs, WaitResult, _wait),
)


async def serve_stdio() -> None:
    stream = StdioStream.claim()
    async with stream:
        await serve_client(stream, ToyApplication())


if __name__ == "__main__":
    trio.run(serve_stdio)
