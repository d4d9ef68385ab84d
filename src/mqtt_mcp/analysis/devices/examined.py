"""The devices of a watch at one moment, with what is needed to judge each of them. Judges none before it is asked."""

from collections.abc import Container, Mapping

from mqtt_mcp.analysis.accumulator import Window
from mqtt_mcp.analysis.devices.commands import Log
from mqtt_mcp.analysis.devices.device import Device
from mqtt_mcp.analysis.devices.finding import View
from mqtt_mcp.analysis.devices.fleet import Odd
from mqtt_mcp.analysis.devices.judge import Judgement, judge


class Examined:
    """All devices of a watch at one moment, and what is needed to judge each of them.

    Attributes:
        devices: By name.
        window: The watch; its start is corrected when nearly all devices agree that our clock is wrong.
        clock_off_s: By so much.
    """

    def __init__(
        self,
        devices: list[Device],
        window: Window,
        *,
        odd: Mapping[str, list[Odd]],
        logs: Mapping[str, Log],
        seen: Container[str],
        retains: Container[str],
        clock_off_s: float,
    ) -> None:
        self.devices, self.window, self.clock_off_s = devices, window, clock_off_s
        self._odd, self._logs, self._seen, self._retains = odd, logs, seen, retains

    def judge(self, device: Device) -> Judgement:
        """Run every check on a device."""
        view = View(device, self.window, odd=self._odd, logs=self._logs, seen=self._seen, retains=self._retains)
        return judge(view)
