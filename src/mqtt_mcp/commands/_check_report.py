"""The account of a diagnosis for a person in a terminal.

Owns its layout. What the broker or its certificate said is escaped here, whatever was done before.
"""

import os
import textwrap

import msgspec

from mqtt_mcp.commands._printing import safe
from mqtt_mcp.hub.diagnosis import Diagnosis

_MARKS = {"ok": "✓", "warn": "!", "fail": "✗", "skipped": "-"}
_COLOURS = {"ok": "32", "warn": "33", "fail": "31", "skipped": "2"}
_WIDTH = 100


def check_report(found: Diagnosis, *, as_json: bool, colour: bool) -> str:
    """The whole account, ending with a newline.

    Args:
        found: What the diagnosis came to.
        as_json: As a JSON object in place of lines.
        colour: Colour the marks, unless ``NO_COLOR`` is set.
    """
    if as_json:
        return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
    colour = colour and not os.environ.get("NO_COLOR")
    lines = [safe(found.broker_url) + (f" ({safe(found.product)})" if found.product else ""), ""]
    name_width = max((len(stage.stage) for stage in found.stages), default=0)
    for stage in found.stages:
        mark = _MARKS.get(stage.status, "?")
        if colour:
            mark = f"\x1b[{_COLOURS.get(stage.status, '0')}m{mark}\x1b[0m"
        took = f"{stage.ms:8.1f} ms" if stage.status != "skipped" else " " * 11
        lines.append(f"{mark} {stage.stage:<{name_width}} {took}  {safe(stage.detail)}")
        if stage.hint:
            lines += _wrapped(stage.hint, " " * (name_width + 16) + "→ ")
    lines += ["", safe(found.verdict)]
    for advice in found.advice:
        lines += _wrapped(advice, "· ")
    return "\n".join(lines) + "\n"


def _wrapped(text: str, first: str) -> list[str]:
    return textwrap.wrap(
        safe(text),
        _WIDTH + len(first),
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
    )
