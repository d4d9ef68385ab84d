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
        shown: The template where it is not the pattern: names that hold a slash are one name. ``=`` is the last level.
    """

    name: str
    pattern: str
    shown: str = ""


CONVENTIONS: tuple[Convention, ...] = (
    Convention("broker-status", "$SYS/**"),
    Convention("sparkplug-b", "spBv1.0/STATE/{host}"),
    Convention("sparkplug-b", "spBv1.0/{group}/NBIRTH|NDEATH|NDATA|NCMD/{node}"),
    Convention("sparkplug-b", "spBv1.0/{group}/DBIRTH|DDEATH|DDATA|DCMD/{node}/{device}"),
    Convention("homeassistant-discovery", "homeassistant/status"),
    Convention("homeassistant-discovery", "homeassistant/device/{object}/config"),
    Convention("homeassistant-discovery", "homeassistant/device/{node}/{object}/config"),
    Convention("homeassistant-discovery", "homeassistant/=/{object}/config"),
    Convention("homeassistant-discovery", "homeassistant/=/{node}/{object}/config"),
    Convention("homeassistant-statestream", "homeassistant/=/{object}/="),
    Convention("zigbee2mqtt", "zigbee2mqtt/bridge/**"),
    Convention("zigbee2mqtt", "zigbee2mqtt/{device}/availability|set|get|action"),
    Convention("zigbee2mqtt", "zigbee2mqtt/{room}/{device}/availability|set|get|action", "zigbee2mqtt/{device}/="),
    Convention("zigbee2mqtt", "zigbee2mqtt/{device}"),
    Convention("zigbee2mqtt", "zigbee2mqtt/{room}/{device}", "zigbee2mqtt/{device}"),
    Convention("zigbee2mqtt", "zigbee2mqtt/{device}/get|set/="),
    Convention("tasmota", "tasmota/discovery/{mac}/config|sensors"),
    Convention("tasmota", "tele|stat|cmnd/{device}/="),
    Convention("tasmota", "tele|stat|cmnd/{room}/{device}/="),
    Convention("shelly", "shellies/announce|command|info"),
    Convention("shelly", "shellies/{device}/**"),
    Convention("shelly", "{shelly}/events/rpc"),
    Convention("shelly", "{shelly}/status/="),
    Convention("shelly", "{shelly}/rpc|online|command|announce"),
    Convention("shelly", "{shelly}/command/="),
    Convention("shelly", "{shelly}/debug/log"),
    Convention("homie", "homie/5/$broadcast/**"),
    Convention("homie", "homie/5/{device}/$state|$description|$alert"),
    Convention("homie", "homie/5/{device}/$log/{level}"),
    Convention("homie", "homie/5/{device}/$alert/{alert}"),
    Convention("homie", "homie/5/{device}/{node}/{property}/set|$target"),
    Convention("homie", "homie/5/{device}/{node}/{property}"),
    Convention("homie", "homie/$broadcast/**"),
    Convention("homie", "homie/{device}/$**"),
    Convention("homie", "homie/{device}/{node}/$**"),
    Convention("homie", "homie/{device}/{node}/{property}"),
    Convention("homie", "homie/{device}/{node}/{property}/set"),
    Convention("homie", "homie/{device}/{node}/{property}/$**"),
    Convention("owntracks", "owntracks/{user}/{device}"),
    Convention("owntracks", "owntracks/{user}/{device}/event|waypoint|waypoints|status|cmd|card|dump|info|steps"),
    Convention("aws-shadow", "$aws/things/{thing}/shadow/name/{shadow}/**"),
    Convention("aws-shadow", "$aws/things/{thing}/shadow/**"),
    Convention("aws-events", "$aws/events/presence/connected|disconnected/{client}"),
    Convention("aws-events", "$aws/events/subscriptions/subscribed|unsubscribed/{client}"),
    Convention("ttn", "v3/{application}/devices/{device}/**"),
    Convention("chirpstack", "application/{application}/device/{device}/event|command|state/="),
    Convention("chirpstack", "application/{application}/integration/**"),
    Convention("chirpstack", "=/gateway/{gateway}/event|command|state/="),
    Convention("chirpstack", "gateway/{gateway}/event|command|state/="),
    Convention("frigate", "frigate/available|events|reviews|stats|restart|tracked_object_update|onConnect"),
    Convention("frigate", "frigate/{camera}/detect|recordings|snapshots|audio|motion|enabled|ptz/state|set"),
    Convention("frigate", "frigate/{camera}/=/state|set"),
    Convention("frigate", "frigate/{camera}/audio/dBFS|rms|all|transcription"),
    Convention("frigate", "frigate/{camera}/status/{role}"),
    Convention("frigate", "frigate/{camera}/motion|review_status|ptz_autotracker|birdseye"),
    Convention("frigate", "frigate/{camera}/{label}/snapshot|active"),
    Convention("frigate", "frigate/{camera}/{label}"),
    Convention("esphome", "esphome/discover/{node}"),
    Convention(
        "esphome",
        "{node}/sensor|binary_sensor|switch|light|text_sensor|climate|cover|fan|number|select|button|lock|text|valve|alarm_control_panel"
        "/{object}/state|command",
    ),
    Convention("wled", "wled/{device}/g|c|v|status|api|col"),
    Convention("valetudo", "valetudo/{robot}/**"),
    Convention("rtl_433", "rtl_433/{host}/events|states"),
    Convention("venus-os", "N|R|W/{portal}/{service}/{instance}/**"),
    Convention("zwave-js-ui", "zwave/_CLIENTS/**"),
    Convention("openmqttgateway", "home/{gateway}/BTtoMQTT|433toMQTT|SYStoMQTT|RFtoMQTT/**"),
)  # fmt: skip

_SHELLY = re.compile(r"shelly[\w-]{3,40}", re.IGNORECASE)


class _Compiled(NamedTuple):
    name: str
    levels: tuple[str, ...]
    words: tuple[frozenset[str], ...]
    open_end: bool
    shown: tuple[str, ...]


def _compile(convention: Convention) -> _Compiled:
    levels = convention.pattern.split("/")
    open_end = levels[-1].endswith("**")
    if levels[-1] == "**":
        levels.pop()
    words = tuple(frozenset(level.split("|")) if level != "=" and level[0] != "{" else frozenset() for level in levels)
    shown = tuple(convention.shown.split("/")) if convention.shown else ()
    return _Compiled(convention.name, tuple(levels), words, open_end, shown)


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


class Match(NamedTuple):
    """What a convention says of a topic.

    Attributes:
        name: The ecosystem.
        fixed: The template of the levels it judges, variable ones as ``{name}``.
        judged: How many levels of the topic these are; the general rules judge those behind.
    """

    name: str
    fixed: list[str]
    judged: int


def match(levels: list[str]) -> Match | None:
    """The convention a topic follows, or None when no pattern fits.

    Args:
        levels: The topic split at ``/``; at least one level.
    """
    for compiled in (*_BY_FIRST.get(levels[0], ()), *_ANY_FIRST):
        if _fits(compiled, levels):
            if compiled.shown:
                fixed = [levels[-1] if pattern == "=" else pattern for pattern in compiled.shown]
            else:
                fixed = [
                    pattern if pattern[0] == "{" else level
                    for pattern, level in zip(compiled.levels, levels, strict=False)
                ]
            return Match(compiled.name, fixed, len(compiled.levels))
    return None
