"""The tools: one file each with ``Args``, ``Result``, ``run`` and ``TOOL``; files that begin with ``_`` are shared.

This package file owns discovery only. Adding a tool is adding a file. Importing this package imports no tool: that
happens at the first ``tools/list`` or call.
"""

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mqtt_mcp.hub.policy import AccessPolicy
    from mqtt_mcp.tools._base import Tool

PUBLISHING_TOOL = "publish_message"


@cache
def all_tools() -> "tuple[Tool, ...]":
    """Every tool there is, sorted by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    return tuple(importlib.import_module(f"{__name__}.{name}").TOOL for name in names)


def available_tools(policy: "AccessPolicy") -> "tuple[Tool, ...]":
    """The tools a client sees under ``policy``: read-only takes publishing away altogether."""
    return tuple(tool for tool in all_tools() if not (policy.read_only and tool.name == PUBLISHING_TOOL))
