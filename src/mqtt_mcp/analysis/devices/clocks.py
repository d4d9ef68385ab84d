"""Whose clock is wrong: one device's, or ours, when all devices agree that it is another time.

Compares times in payloads with the time of their arrival; reads no clock. The finding about one device is
``checks_time.py``'s.
"""

from collections.abc import Iterable

from mqtt_mcp.analysis.devices.device import Device
from mqtt_mcp.analysis.devices.times import TOLERATED_S, is_time_zone
from mqtt_mcp.analysis.statistics import median

_MIN_DEVICES = 3
_SHARE = 0.8
_ALIKE_S = 120.0
_AHEAD_S = 60.0


def shared_offset(devices: Iterable[Device], started_at_epoch_s: float) -> float:
    """Seconds by which nearly all devices, at least three, are off alike; 0 when there is no such agreement."""
    found = []
    for device in devices:
        dated = next((one.times for one in device.tracks if one.times and len(one.times.offsets_s) >= 2), None)
        if dated is not None:
            found.append(median(dated.offsets_s) - started_at_epoch_s)
    if len(found) < _MIN_DEVICES:
        return 0.0
    middle = median(found)
    alike = sum(abs(one - middle) <= _ALIKE_S for one in found)
    if -TOLERATED_S <= middle <= _AHEAD_S or is_time_zone(middle) or alike < max(_MIN_DEVICES, _SHARE * len(found)):
        return 0.0
    return middle


def off_by(off_s: float) -> str:
    """An offset for a person, such as ``62 days behind``."""
    amount = abs(off_s)
    for name, unit_s in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if amount >= 2 * unit_s:
            return f"{amount / unit_s:.0f} {name} {'ahead' if off_s > 0 else 'behind'}"
    return f"{amount:.0f} seconds {'ahead' if off_s > 0 else 'behind'}"


def disagreement(off_s: float) -> str:
    """The note about a shared offset."""
    return (
        f"The times in the payloads of nearly all devices are off alike: {off_by(off_s)}. This machine's clock is "
        "wrong, or old data is being replayed; devices were compared with each other instead."
    )
