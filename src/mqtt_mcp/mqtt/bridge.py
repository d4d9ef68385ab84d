"""The bridge between trio and the one asyncio thread in which the MQTT library lives.

Owns the thread (started at the first call, never before, with every heavy import made outside the trio thread) and
the way of calls into it. The only file that imports anyio. Does not know MQTT; messages have their own way back
(``inbox.py``).
"""

import importlib
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple, cast

import trio

if TYPE_CHECKING:
    import asyncio

    from anyio.from_thread import BlockingPortal

    from mqtt_mcp.mqtt.dialer import DialingLoop

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

SWITCH_INTERVAL_S = 0.0005
"""With Python's default of 5 ms a busy asyncio thread starves trio; at 0.5 ms its timers stay honest."""

_WARM_UP = ("anyio._backends._trio", "mqtt_mcp.mqtt.gmqtt_link")
"""Imported with the bridge in its worker thread: importing them in trio would hold it up for tens of milliseconds."""

logger = logging.getLogger(__name__)


class Bridge:
    """Runs functions on an asyncio loop in another thread, started at the first call. Made by ``open_bridge``."""

    def __init__(self, loaded: Callable[[], object]) -> None:
        self._loaded = loaded
        self._starting = trio.Lock()
        self._portal: BlockingPortal | None = None
        self._context: AbstractContextManager[BlockingPortal] | None = None
        self._loop: DialingLoop | None = None
        self._crossings: set[_Crossing] = set()
        self._switch_interval_s = sys.getswitchinterval()
        self._closed = False

    @property
    def started(self) -> bool:
        """Whether the thread runs."""
        return self._portal is not None

    async def start(self) -> None:
        """Start the thread unless it runs; ``call`` does so too. Cancellation: waits until it is started."""
        async with self._starting:
            if self._closed:
                raise RuntimeError("the bridge is closed")
            if self._portal is None:
                sys.setswitchinterval(SWITCH_INTERVAL_S)
                self._portal = await trio.to_thread.run_sync(self._enter)

    async def call(self, function: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> T:
        """Run a coroutine function on the asyncio side and return its result.

        Raises:
            RuntimeError: The bridge is closed.

        Cancellation: cancels it there and waits until it has ended.
        """
        await self.start()
        if self._closed or self._loop is None:
            raise RuntimeError("the bridge is closed")
        crossing = _Crossing(self._loop, function, args)
        self._crossings.add(crossing)
        try:
            return cast("T", await crossing.result())
        finally:
            self._crossings.discard(crossing)

    async def call_bounded(self, function: Callable[[*Ts], Awaitable[object]], *args: *Ts, timeout_s: float) -> bool:
        """Run a clean-up that no cancellation stops, at most ``timeout_s`` seconds even if the loop does not answer.

        Returns:
            Whether it ended in time.
        """
        if self._portal is None:
            return True
        from concurrent.futures import CancelledError  # noqa: PLC0415 - 3 ms, and loaded by the portal already

        with trio.move_on_after(timeout_s, shield=True) as scope, suppress(RuntimeError, CancelledError):
            await self._portal.call_async(function, *args, abandon_on_cancel=True)
        return not scope.cancelled_caught

    def call_soon(self, function: Callable[[*Ts], object], *args: *Ts) -> None:
        """Have a plain function called on the asyncio side some time later; never blocks, does nothing at the end."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(function, *args)

    def call_later(self, delay_s: float, function: Callable[[], None]) -> object:
        """The loop's ``call_later``, for use on the asyncio side only."""
        assert self._loop is not None  # noqa: S101 - for the type checker
        return self._loop.call_later(delay_s, function)

    async def close(self, timeout_s: float) -> None:
        """Cancel whatever still runs on the asyncio side and join the thread, at most ``timeout_s`` seconds."""
        self._closed = True
        portal, context = self._portal, self._context
        if portal is None or context is None:
            return
        await self.call_bounded(portal.stop, True, timeout_s=timeout_s / 2)
        self._portal = None
        for crossing in list(self._crossings):
            crossing.give_up()
        sys.setswitchinterval(self._switch_interval_s)
        with trio.move_on_after(timeout_s / 2, shield=True) as scope:
            await trio.to_thread.run_sync(_leave, context, abandon_on_cancel=True)
        if scope.cancelled_caught:
            # It is a daemon thread: the process can still end.
            logger.warning("The MQTT thread did not end within %g s; leaving it behind.", timeout_s)

    def _enter(self) -> "BlockingPortal":
        from anyio.from_thread import start_blocking_portal  # noqa: PLC0415 - heavy, and only needed from here on

        from mqtt_mcp.mqtt.dialer import DialingLoop  # noqa: PLC0415 - imports asyncio

        def loop_factory() -> DialingLoop:
            self._loop = DialingLoop()
            return self._loop

        for module in _WARM_UP:
            with suppress(ImportError):
                importlib.import_module(module)
        self._loaded()
        self._context = start_blocking_portal("asyncio", {"loop_factory": loop_factory}, name="mqtt-asyncio")
        return self._context.__enter__()


@asynccontextmanager
async def open_bridge(
    *, close_timeout_s: float = 2.0, loaded: Callable[[], object] = lambda: None
) -> AsyncIterator[Bridge]:
    """A bridge for the time of the block. Leaving never takes longer than ``close_timeout_s``.

    Args:
        close_timeout_s: Bound on leaving.
        loaded: Called once, in a worker thread, when the last heavy imports have been made and the thread starts.
    """
    bridge = Bridge(loaded)
    try:
        yield bridge
    finally:
        await bridge.close(close_timeout_s)


class _Crossing:
    """One call on its way: trio task → asyncio task → back.

    Does what the portal's ``call_async`` does, without a task group, a future and a thread-safe hand-over for each: one
    call there and one back, which is half the price of an acknowledged publish. Made and awaited in trio; methods that
    begin with ``_aio`` run in the asyncio thread.
    """

    def __init__(
        self, loop: "DialingLoop", function: Callable[..., Awaitable[object]], args: tuple[object, ...]
    ) -> None:
        self._loop = loop
        self._function = function
        self._args = args
        self._token = trio.lowlevel.current_trio_token()
        self._waiting = trio.lowlevel.current_task()
        self._task: asyncio.Task[object] | None = None
        self._woken = False

    async def result(self) -> object:
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            self._loop.call_soon_threadsafe(self._aio_begin)
        except RuntimeError:
            raise RuntimeError("the bridge is closed") from None
        await trio.lowlevel.wait_task_rescheduled(self._abort)
        task = self._task
        if task is None or not task.done() or task.cancelled():
            await trio.lowlevel.checkpoint_if_cancelled()
            raise RuntimeError("the bridge was closed during the call")
        return task.result()

    def give_up(self) -> None:
        """Wake the caller although the other side did not answer: the bridge is closed."""
        self._wake()

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            trio.lowlevel.reschedule(self._waiting)

    def _abort(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        # Calls keep their order, so this finds a task. We go on waiting until its clean-up has ended.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._aio_cancel)
        return trio.lowlevel.Abort.FAILED

    def _aio_begin(self) -> None:
        self._task = self._loop.create_task(self._run())
        self._task.add_done_callback(self._aio_done)

    async def _run(self) -> object:
        return await self._function(*self._args)

    def _aio_cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _aio_done(self, _task: "asyncio.Task[object]") -> None:
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._wake)


def _leave(context: "AbstractContextManager[BlockingPortal]") -> None:
    context.__exit__(None, None, None)
