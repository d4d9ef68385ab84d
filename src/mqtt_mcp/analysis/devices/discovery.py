"""Home Assistant discovery: entities and devices, abbreviations, the ``~`` base, the topics and words they announce.

Follows https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery, with the discovery of whole devices (``cmps``)
of 2024.11, under any prefix. Fills a ``Directory``; owns no state.
"""

import re
from typing import Any

from mqtt_mcp.analysis.devices.directory import Directory, Known, text_of

_MARKS = frozenset(
    {"stat_t", "state_topic", "cmd_t", "command_topic", "cmps", "components", "avty_t", "availability_topic", "avty"}
    | {"availability", "t", "topic", "json_attr_t", "json_attributes_topic", "uniq_id", "unique_id"}
)
_AVAILABILITY_KEYS = frozenset({"avty_t", "availability_topic"})
_STATE_KEYS = frozenset({"stat_t", "state_topic"})
_COMMAND_KEYS = frozenset({"cmd_t", "command_topic"})
_TEMPLATE_KEY = re.compile(r"value_json(?:\.|\[['\"])(\w{1,40})")


def home_assistant(directory: Directory, levels: list[str], value: dict[str, Any]) -> None:
    """Learn what a message on ``<prefix>/…/config`` describes; anything else teaches nothing."""
    described = value.get("dev", value.get("device"))
    if not isinstance(described, dict) and (levels[0] != "homeassistant" or _MARKS.isdisjoint(value)):
        return
    if isinstance(described, dict) and levels[0] != "homeassistant" and _MARKS.isdisjoint(value):
        return
    about = described if isinstance(described, dict) else {}
    ids = about.get("ids", about.get("identifiers"))
    ids = _list(ids) if isinstance(ids, list) else [ids]
    named = [about.get("name"), *ids, value.get("name"), levels[-2]]
    device = directory.device("homeassistant", next((one for one in named if isinstance(one, str) and one), None))
    if device is None:
        return
    for alias in (*ids, value.get("uniq_id"), value.get("unique_id"), value.get("name")):
        directory.alias(device, alias)
    for pair in _list(about.get("cns", about.get("connections"))):
        directory.alias(device, pair[1] if isinstance(pair, list) and len(pair) == 2 else None)
    device.model = text_of(about.get("mdl", about.get("model")), about.get("mf", about.get("manufacturer")))
    device.software = text_of(about.get("sw", about.get("sw_version")))
    topic = "/".join(levels)
    directory.fact(directory.config_owner, topic, device)
    base = text_of(value.get("~"))
    parts = _dict(value.get("cmps", value.get("components")))
    if not parts:
        _unique(directory, topic, levels[1] if len(levels) > 1 else "", value)
    _entity(directory, device, value, base)
    for part in list(parts.values())[:100]:
        if isinstance(part, dict):
            _unique(directory, topic, text_of(part.get("p", part.get("platform"))), part)
            _entity(directory, device, part, text_of(part.get("~")) or base)


def _unique(directory: Directory, topic: str, kind: str, entity: dict[str, Any]) -> None:
    unique = entity.get("uniq_id", entity.get("unique_id"))
    if not isinstance(unique, str) or not 0 < len(unique) <= 120:
        return
    key = f"{kind[:40]}/{unique}"
    first = directory.unique_ids.get(key)
    if first is None:
        directory.fact(directory.unique_ids, key, topic)
    elif first != topic:
        directory.fact(directory.clashes, topic, first)


def _entity(directory: Directory, device: Known, entity: dict[str, Any], base: str) -> None:
    listed = [one for one in _list(entity.get("avty", entity.get("availability"))) if isinstance(one, dict)]
    for one in listed:
        _availability(directory, device, one, _whole(one.get("t", one.get("topic")), base), entity)
    if len(listed) > 1:
        mode = entity.get("avty_mode", entity.get("availability_mode", "latest"))
        device.availability_mode = mode if mode in ("all", "any") else "latest"
    state = command = ""
    for key, value in list(entity.items())[:100]:
        if not isinstance(value, str) or not (key.endswith(("_t", "_topic")) or key in {"t", "topic"}):
            continue
        topic = _whole(value, base)
        if key in _AVAILABILITY_KEYS:
            _availability(directory, device, entity, topic, entity)
        elif not directory.announce(device, topic, availability=False):
            return
        state = topic if key in _STATE_KEYS else state
        command = topic if key in _COMMAND_KEYS else command
    if state and command and entity.get("opt", entity.get("optimistic")) is not True:
        directory.fact(directory.reply_topics, command, state, state)
    expires = entity.get("exp_aft", entity.get("expire_after"))
    if state and isinstance(expires, (int, float)) and not isinstance(expires, bool) and expires > 0:
        directory.fact(directory.expire_after_s, state, float(expires))


def _availability(
    directory: Directory, device: Known, entry: dict[str, Any], topic: str, entity: dict[str, Any]
) -> None:
    if not topic or not directory.announce(device, topic, availability=True):
        return
    up = entry.get("pl_avail", entry.get("payload_available", "online"))
    down = entry.get("pl_not_avail", entry.get("payload_not_available", "offline"))
    template = text_of(entry.get("val_tpl", entry.get("value_template", entity.get("avty_tpl"))))
    found = _TEMPLATE_KEY.search(template)
    key = found.group(1) if found is not None else ""
    if isinstance(up, str) and isinstance(down, str):
        directory.words(topic, up, down, key)


def _whole(topic: Any, base: str) -> str:
    """A topic with ``~`` at its beginning or end replaced by the base."""
    if not isinstance(topic, str):
        return ""
    return topic.replace("~", base, 1) if topic[:1] == "~" or topic[-1:] == "~" else topic


def _list(value: Any) -> list[Any]:
    return value[:100] if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
