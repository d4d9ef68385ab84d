"""The home-screen widget of Umbrel: four counters, for a reader that cannot log in.

Owns its shape, which is Umbrel's (``four-stats``). Tells no name, topic or address.
"""

from typing import Literal

import msgspec

from mqtt_mcp.monitor.model import Status


class WidgetItem(msgspec.Struct, frozen=True):
    """One counter."""

    title: str
    text: str
    subtext: str


class Widget(msgspec.Struct, frozen=True, kw_only=True):
    """What Umbrel shows.

    Attributes:
        type: Umbrel's name of this form.
        refresh: How often it asks again.
        link: Page below the app that a click opens.
        items: Four.
    """

    type: Literal["four-stats"] = "four-stats"
    refresh: str = "5s"
    link: str = ""
    items: list[WidgetItem]


def umbrel_widget(status: Status) -> Widget:
    """The widget for the totals of a moment."""
    return Widget(
        items=[
            WidgetItem("Sessions", str(status.sessions), f"of {status.max_sessions}"),
            WidgetItem("Received", _short(status.in_per_s), "messages/s"),
            WidgetItem("Tool calls", _short(status.calls), f"{_short(status.calls_failed)} failed"),
            WidgetItem("Published", _short(status.publishes), f"{_short(status.publishes_refused)} refused"),
        ]
    )


def _short(count: int) -> str:
    """A count in at most five characters."""
    value = float(count)
    for unit in ("", "k", "M"):
        if value < 999.5:
            return f"{value:.0f}{unit}" if not unit or value >= 99.5 else f"{value:.1f}{unit}"
        value /= 1000
    return f"{value:.1f}G"
