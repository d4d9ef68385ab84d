"""Which device a person means: by name, address or part of a topic, with reasons and with candidates when unsure.

Owns the comparison of a query with devices and their topics. Never picks one of several equally good devices: it lists
them.
"""

import difflib

import msgspec

from mqtt_mcp.analysis.devices.device import Device
from mqtt_mcp.analysis.devices.directory import normalise
from mqtt_mcp.analysis.words import words

_MAX_CANDIDATES = 10
_FILLERS = frozenset({"the", "a", "my", "device", "sensor", "of", "in", "der", "die", "das", "sensoren", "gerät"})


class Match(msgspec.Struct, frozen=True):
    """What a query means.

    Attributes:
        device: The device, or None when there is none or more than one.
        how: In our words, how it was found or why it was not.
        candidates: Other devices that may be meant, best first.
    """

    device: Device | None
    how: str
    candidates: list[Device] = msgspec.field(default_factory=list)


def find(query: str, devices: list[Device]) -> Match:
    """Look a device up.

    Args:
        query: A name, id, MAC, EUI or topic prefix; case and separators do not matter.
        devices: All devices seen.
    """
    wanted = normalise(query)
    if not wanted:
        return Match(None, "the name holds no letter or digit")
    whole = [one for one in devices if wanted in {normalise(one.name), normalise(one.label), normalise(_scoped(one))}]
    last = whole or [one for one in devices if normalise(one.name.rpartition("/")[2]) == wanted]
    if last:
        return _one_of(last, "by its name")
    aliased = [one for one in devices if wanted in map(normalise, one.aliases)]
    if aliased:
        return _one_of(aliased, "by an address or name from its description")
    by_topic = _by_segment(wanted, query, devices)
    if by_topic is not None:
        return by_topic
    ends = [one for one in devices if "/" in query and normalise(_scoped(one)).endswith(wanted)]
    found = ends if len(ends) == 1 else [one for one in devices if any(wanted in track.ids for track in one.tracks)]
    if found:
        return _one_of(found, "by the end of its name" if ends == found else "by an id inside its payloads")
    return _closest(query, wanted, devices)


def _scoped(device: Device) -> str:
    return f"{device.scope}/{device.name}" if device.scope else device.name


def _one_of(found: list[Device], how: str) -> Match:
    if len(found) == 1:
        return Match(found[0], how)
    if len({normalise(one.name) for one in found}) == 1:
        return Match(_joined(found), f"{how}, under {len(found)} layouts")
    return Match(None, f"{len(found)} devices fit {how.removeprefix('by ')}", found[:_MAX_CANDIDATES])


def _by_segment(wanted: str, query: str, devices: list[Device]) -> Match | None:
    """Topics in which some consecutive levels, written together, are the query."""
    prefix = query.strip("/") + "/" if "/" in query else ""
    found: list[Device] = []
    for device in devices:
        tracks = [
            track
            for track in device.tracks
            if (prefix and track.topic.startswith(prefix)) or _has_segments(track.levels, wanted)
        ]
        if tracks:
            part = Device(device.ecosystem, device.scope, device.name)
            part.parent, part.known, part.tracks = device.parent, device.known, tracks
            found.append(part)
    if not found:
        return None
    if len(found) == 1:
        return Match(next(one for one in devices if one.name == found[0].name), "by a level of its topics")
    if sum(one.ecosystem != "generic" for one in found) > 1 and not prefix:
        return Match(None, f"{len(found)} devices have this level in their topics", found[:_MAX_CANDIDATES])
    joined = _joined(found)
    joined.name = query[:120]
    return Match(joined, f"by a level of its topics, under {len(found)} prefixes", found[:_MAX_CANDIDATES])


def _has_segments(levels: list[str], wanted: str) -> bool:
    plain = [normalise(level) for level in levels]
    for start in range(len(plain)):
        text = ""
        for level in plain[start:]:
            text += level
            if text == wanted:
                return True
            if len(text) > len(wanted) or not wanted.startswith(text):
                break
    return False


def _joined(found: list[Device]) -> Device:
    main = max(found, key=lambda one: (one.ecosystem != "generic", one.messages))
    joined = Device(main.ecosystem, main.scope, main.name)
    joined.known, joined.parent = main.known, main.parent
    joined.tracks = [track for one in found for track in one.tracks]
    return joined


def _closest(query: str, wanted: str, devices: list[Device]) -> Match:
    asked = [word for word in words(query) if word not in _FILLERS] or words(query)
    scored: list[tuple[int, Device]] = []
    for device in devices:
        text = normalise(" ".join((device.name, *device.aliases)))
        hits = sum(normalise(word) in text for word in asked)
        if hits or (len(wanted) >= 3 and wanted in text):
            scored.append((hits, device))
    scored.sort(key=lambda pair: (-pair[0], pair[1].name))
    best = [device for hits, device in scored if hits == len(asked)]
    if len(best) == 1:
        return Match(best[0], "as the only device whose name has all these words")
    if scored:
        shown = best or [device for _, device in scored]
        return Match(None, f"{len(shown)} devices have similar names", shown[:_MAX_CANDIDATES])
    by_name = {normalise(device.name): device for device in devices}
    near = difflib.get_close_matches(wanted, list(by_name)[:2_000], n=5, cutoff=0.7)
    return Match(None, "no topic, description or payload names it", [by_name[name] for name in near])
