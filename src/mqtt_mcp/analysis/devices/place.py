"""Where a topic belongs: ecosystem, device, parent and role.

Owns which layout is asked, with the base topics and names that descriptions taught. Layouts that nobody defined are
left to ``device.py`` as ``generic``.
"""

from mqtt_mcp.analysis.devices.directory import Directory
from mqtt_mcp.analysis.devices.layouts import READERS, by_shape, frigate, tasmota, zigbee
from mqtt_mcp.analysis.devices.roles import Place, role_of

_MAX_BASE_LEVELS = 5


def place(levels: list[str], directory: Directory | None = None) -> Place:
    """Where a topic belongs.

    Args:
        levels: The topic split at ``/``.
        directory: Base topics and names learned so far; None for the usual ones only.
    """
    for depth in (1, 2):
        base = "/".join(levels[:depth])
        if len(levels) > depth and (base == "zigbee2mqtt" or (directory and base in directory.zigbee_bases)):
            return zigbee(base, levels[depth:], directory.zigbee_names if directory else ())
        if len(levels) > depth and (base == "frigate" or (directory and base in directory.frigate_bases)):
            return frigate(base, levels[depth:])
    if directory and directory.tasmota_bases:
        for depth in range(1, min(len(levels), _MAX_BASE_LEVELS + 1)):
            found = directory.tasmota_bases.get("/".join(levels[:depth]))
            if found is not None and depth == len(levels) - 1:
                return tasmota(found[1], found[0], levels[-1])
    reader = READERS.get(levels[0])
    if reader is not None:
        known = reader(levels)
        if known is not None:
            return known
    return by_shape(levels) or Place("generic", "", role_of(levels))
