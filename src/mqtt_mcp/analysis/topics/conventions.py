"""The topic layouts that ecosystems use, as patterns: which levels are names of things and which are fixed words.

Owns the table and its lookup. Does not know what the messages mean (``devices`` does) and never guesses: a topic that
fits no pattern belongs to no convention.
"""

import re
from typing import NamedTuple


class Convention(NamedTuple):
    """One layout.

    Attributes:
        name: The ecosystem.
        pattern: Topic levels: a word is fixed, ``{name}`` varies, ``=`` is any word that is kept, ``a|b`` is one of
            these words, ``**`` at the end stands for any further levels, which the general rules judge.
    """

    name: str
    pattern: str


CONVENTIONS: tuple[Convention, ...] = (
    Convention("broker-status", "$SYS/**"),
    Convention("sparkplug-b", "spBv1.0/STATE/{host}"),
    Convention("sparkplug-b", "spBv1.0/{group}/NBIRTH|NDEATH|NDATA|NCMD/{node}"),
    Convention("sparkplug-b", "spBv1.0/{group}/DBIRTH|DDEATH|DDATA|DCMD/{node}/{device}"),
    Convention("homeassistant-discovery", "homeassistant/status"),
    Convention("homeassistant-discovery", "homeassistant/=/{object}/config"),
    Convention("homeassistant-discovery", "homeassistant/=/{node}/{object}/config"),
    Convention("zigbee2mqtt", "zigbee2mqtt/bridge/**"),
    Convention("zigbee2mqtt", "zigbee2mqtt/{device}/availability|set|get|action"),
    Convention("zigbee2mqtt", "zigbee2mqtt/{room}/{device}/availability|set|get|action"),
    Convention("zigbee2mqtt", "zigbee2mqtt/{device}"),
    Convention("zigbee2mqtt", "zigbee2mqtt/{room}/{device}"),
    Convention("tasmota", "tasmota/discovery/{mac}/config|sensors"),
    Convention("tasmota", "tele|stat|cmnd/{device}/="),
    Convention("tasmota", "tele|stat|cmnd/{room}/{device}/="),
    Convention("shelly", "shellies/announce|command"),
    Convention("shelly", "shellies/{device}/**"),
    Convention("shelly", "{shelly}/events/rpc"),
    Convention("shelly", "{shelly}/status/="),
    Convention("shelly", "{shelly}/rpc|online|command"),
    Convention("homie", "homie/{device}/$**"),
    Convention("homie", "homie/{device}/{node}/$**"),
    Convention("homie", "homie/{device}/{node}/{property}"),
    Convention("homie", "homie/{device}/{node}/{property}/$**"),
    Convention("owntracks", "owntracks/{user}/{device}"),
    Convention("owntracks", "owntracks/{user}/{device}/event|waypoint|waypoints|status|cmd|card|dump|info|steps"),
    Convention("aws-shadow", "$aws/things/{thing}/shadow/name/{shadow}/**"),
    Convention("aws-shadow", "$aws/things/{thing}/shadow/**"),
    Convention("aws-events", "$aws/events/presence/connected|disconnected/{client}"),
    Convention("aws-events", "$aws/events/subscriptions/subscribed|unsubscribed/{client}"),
    Convention("ttn", "v3/{application}/devices/{device}/**"),
    Convention("chirpstack", "application/{application}/device/{device}/event|command|state/="),
    Convention("chirpstack", "=/gateway/{gateway}/event|command|state/="),
    Convention("chirpstack", "gateway/{gateway}/event|command|state/="),
    Convention("frigate", "frigate/available|events|reviews|stats|restart|tracked_object_update|onConnect"),
    Convention("frigate", "frigate/{camera}/detect|recordings|snapshots|audio|motion|enabled|ptz/state|set"),
    Convention("frigate", "frigate/{camera}/motion|review_status"),
    Convention("frigate", "frigate/{camera}/{label}/snapshot|active"),
    Convention("frigate", "frigate/{camera}/{label}"),
    Convention("esphome", "esphome/discover/{node}"),
    Convention(
        "esphome",
        "{node}/sensor|binary_sensor|switch|light|text_sensor|climate|cover|fan|number|select|button/{object}/state|command",
    ),
)  # fmt: skip

_SHELLY = re.compile(r"shelly[\w-]{3,40}", re.IGNORECASE)


class _Compiled(NamedTuple):
    name: str
    levels: tuple[str, ...]
    words: tuple[frozenset[str], ...]
    open_end: bool


def _compile(convention: Convention) -> _Compiled:
    levels = convention.pattern.split("/")
    open_end = levels[-1].endswith("**")
    if levels[-1] == "**":
        levels.pop()
    words = tuple(frozenset(level.split("|")) if level != "=" and level[0] != "{" else frozenset() for level in levels)
    return _Compiled(convention.name, tuple(levels), words, open_end)


_COMPILED = tuple(_compile(convention) for convention in CONVENTIONS)
_BY_FIRST: dict[str, list[_Compiled]] = {}
_ANY_FIRST: list[_Compiled] = []
for _one in _COMPILED:
    if _one.words[0]:
        for _word in _one.words[0]:
            _BY_FIRST.setdefault(_word, []).append(_one)
    else:
        _ANY_FIRST.append(_one)


def _fits(compiled: _Compiled, levels: list[str]) -> bool:
    count = len(compiled.levels)
    if len(levels) < count or (len(levels) > count and not compiled.open_end):
        return False
    for pattern, words, level in zip(compiled.levels, compiled.words, levels, strict=False):
        if pattern == "$**":
            if not level.startswith("$"):
                return False
        elif pattern == "{shelly}":
            if _SHELLY.fullmatch(level) is None:
                return False
        elif words and level not in words:
            return False
    return True


def match(levels: list[str]) -> tuple[str, list[str]] | None:
    """The convention a topic follows.

    Args:
        levels: The topic split at ``/``; at least one level.

    Returns:
        Its name and the levels that it fixes (variable ones as ``{name}``), in order; levels behind these are not
        judged.
        None when no pattern fits.
    """
    for compiled in (*_BY_FIRST.get(levels[0], ()), *_ANY_FIRST):
        if _fits(compiled, levels):
            fixed = [
                pattern if pattern[0] == "{" else level for pattern, level in zip(compiled.levels, levels, strict=False)
            ]
            return compiled.name, fixed
    return None
