"""The verdict: one or two sentences that answer what is wrong; foreign names in it are quoted."""

from mqtt_mcp.analysis.devices.device import Device, Reachability
from mqtt_mcp.analysis.devices.judge import Judgement
from mqtt_mcp.analysis.devices.report import DeviceLine
from mqtt_mcp.analysis.text import quote


def verdict_of_one(device: Device, judgement: Judgement, now_s: float) -> str:
    """One sentence that answers "what is wrong with it?"."""
    name = quote(device.label)
    state: Reachability = device.reachability()
    serious = [one for one in judgement.findings if one.severity in {"critical", "high", "medium"}]
    if state == "offline":
        why = [one.title for one in judgement.findings if one.code in {"device_offline", "parent_offline"}]
        others = [one.title for one in serious if one.code not in {"device_offline", "parent_offline"}]
        said = f"{name} is offline. {why[0]}" if why else f"{name} is offline."
        return " ".join([said, *(["Also seen:", *others[:3]] if others else [])])
    known = "is online" if state == "online" else "announces no availability"
    if not serious:
        heard = "" if device.last_s is not None else ", though it published nothing itself in that time"
        return f"{name} {known}; nothing wrong was seen in {now_s:.0f} s{heard}."
    counted = "one finding" if len(serious) == 1 else f"{len(serious)} findings, the worst"
    return f"{name} {known}, with {counted}: {serious[0].title}"


_NAMED = 5
_EXPLAINED = 2


def verdict_of_all(lines: list[DeviceLine]) -> str:
    """Two sentences that answer "is anything wrong, and what?"; ``lines`` are in order of urgency."""
    offline = [one for one in lines if one.availability == "offline"]
    troubled = [
        one for one in lines if one.availability != "offline" and one.severity in {"critical", "high", "medium"}
    ]
    if offline:
        named = ", ".join(quote(one.name) for one in offline[:_NAMED])
        more = f" and {len(offline) - _NAMED} more" if len(offline) > _NAMED else ""
        said = f"{len(offline)} of {len(lines)} devices {'is' if len(offline) == 1 else 'are'} offline: {named}{more}."
        if len(offline) <= _EXPLAINED:
            whose = [f"{quote(one.name)}: " if len(offline) > 1 else "" for one in offline]
            said += "".join(f" {name}{one.worst}" for name, one in zip(whose, offline, strict=True))
    else:
        said = f"None of {len(lines)} devices is known to be offline."
    if not troubled:
        return f"{said} Nothing else wrong was seen."
    worst = ", ".join(f"{quote(one.name)} ({', '.join(one.findings[:2])})" for one in troubled[:_NAMED])
    others = "One other has" if len(troubled) == 1 else f"{len(troubled)} others have"
    return f"{said} {others} findings: {worst}{' …' if len(troubled) > _NAMED else ''}."
