"""What the self-descriptions of the ecosystems mean: discovery messages, bridge inventories, announcements.

Reads decoded payloads and fills a ``Directory``. Most topics teach nothing and cost little. Owns no state.
"""

from typing import Any

from mqtt_mcp.analysis.devices.directory import MAX_DEVICES, MAX_TEXT, Directory, text_of
from mqtt_mcp.analysis.devices.discovery import home_assistant

_HOMIE_NAMES = frozenset({"$name", "$mac", "$localip"})


def learn(directory: Directory, levels: list[str], value: Any) -> None:
    """Take a decoded payload.

    Args:
        directory: What is known; changed.
        levels: The topic split at ``/``.
        value: The decoded payload.
    """
    if levels[-2:-1] == ["bridge"] and len(levels) > 2:
        _bridge(directory, levels, value)
    elif isinstance(value, dict):
        _described(directory, levels, value)
    elif isinstance(value, str) and levels[0] == "homie" and levels[-1] in _HOMIE_NAMES and len(levels) in {3, 4}:
        _homie_attribute(directory, levels, value)


def _described(directory: Directory, levels: list[str], value: dict[str, Any]) -> None:
    leaf = levels[-1]
    if leaf == "config" and len(levels) > 2:
        (_tasmota if levels[:2] == ["tasmota", "discovery"] else home_assistant)(directory, levels, value)
    elif "deviceInfo" in value:
        _chirpstack(directory, value)
    elif "end_device_ids" in value:
        _the_things(directory, value)
    elif leaf == "announce":
        _shelly(directory, value)
    elif leaf == "rpc":
        if levels[-2:-1] == ["events"]:
            _shelly_source(directory, levels, value)
    elif leaf == "$description":
        _homie(directory, levels, value)
    elif leaf == "stats" and isinstance(value.get("cameras"), dict) and len(levels) > 1:
        directory.base(directory.frigate_bases, "/".join(levels[:-1]))
    elif levels[:2] == ["esphome", "discover"]:
        _esphome(directory, levels, value)


def _bridge(directory: Directory, levels: list[str], value: Any) -> None:
    base = "/".join(levels[:-2])
    if levels[-1] == "devices" and isinstance(value, list):
        _zigbee(directory, base, value)
    elif levels[-1] == "groups" and isinstance(value, list):
        for one in value[:MAX_DEVICES]:
            _zigbee_name(directory, one.get("friendly_name") if isinstance(one, dict) else None)
    elif levels[-1] in {"state", "info", "logging", "health"}:
        directory.base(directory.zigbee_bases, base)


def _zigbee_name(directory: Directory, name: Any) -> None:
    if not isinstance(name, str) or len(name) > MAX_TEXT or len(directory.zigbee_names) >= MAX_DEVICES:
        return
    if name in directory.zigbee_names or directory.room(name):
        directory.zigbee_names.add(name)


def _zigbee(directory: Directory, base: str, value: list[Any]) -> None:
    directory.base(directory.zigbee_bases, base)
    for one in value[:MAX_DEVICES]:
        if not isinstance(one, dict) or one.get("type") == "Coordinator":
            continue
        device = directory.device("zigbee2mqtt", one.get("friendly_name"))
        if device is None:
            continue
        directory.zigbee_names.add(device.name)
        directory.alias(device, one.get("ieee_address"))
        definition = one.get("definition")
        if isinstance(definition, dict):
            device.model = text_of(definition.get("model"), definition.get("vendor"))
        device.software = text_of(one.get("software_build_id"))
        device.power = text_of(one.get("power_source"))
        device.disabled = one.get("disabled") is True


def _tasmota(directory: Directory, levels: list[str], value: dict[str, Any]) -> None:
    device = directory.device("tasmota", value.get("t"))
    if device is None:
        return
    mac = levels[2][:MAX_TEXT]
    if mac in directory.tasmota_macs or directory.room(mac):
        directory.tasmota_macs[mac] = device.name
    names = value.get("fn")
    for alias in (value.get("dn"), value.get("hn"), value.get("mac"), value.get("ip"), *_list(names)):
        directory.alias(device, alias)
    device.model, device.software = text_of(value.get("md")), text_of(value.get("sw"))
    device.power = "battery" if value.get("bat") in (1, True) else ""
    told = f"tele/{device.name}"
    full, prefixes = value.get("ft"), _list(value.get("tp"))
    if isinstance(full, str) and len(prefixes) == 3 and all(isinstance(one, str) for one in prefixes):
        for prefix, usual in zip(prefixes, ("cmnd", "stat", "tele"), strict=True):
            base = full.replace("%prefix%", prefix).replace("%topic%", device.name)
            base = base.replace("%hostname%", text_of(value.get("hn"))).replace("%id%", text_of(value.get("mac"))[-6:])
            base = base.strip("/")
            told = base if usual == "tele" else told
            if base != f"{usual}/{device.name}":
                directory.fact(directory.tasmota_bases, base, (device.name, usual))
    if isinstance(value.get("onln"), str) and isinstance(value.get("ofln"), str):
        directory.words(f"{told}/LWT", value["onln"], value["ofln"])


def _shelly(directory: Directory, value: dict[str, Any]) -> None:
    device = directory.device("shelly", value.get("id"))
    if device is not None:
        directory.alias(device, value.get("mac"))
        directory.alias(device, value.get("name"))
        device.model = text_of(value.get("model"))
        device.software = text_of(value.get("fw_ver", value.get("ver")))


def _shelly_source(directory: Directory, levels: list[str], value: dict[str, Any]) -> None:
    device = directory.device("shelly", "/".join(levels[:-2]))
    if device is not None:
        directory.alias(device, value.get("src"))


def _esphome(directory: Directory, levels: list[str], value: dict[str, Any]) -> None:
    device = directory.device("esphome", value.get("name") or levels[-1])
    if device is not None:
        for key in ("mac", "ip", "friendly_name"):
            directory.alias(device, value.get(key))
        device.model, device.software = text_of(value.get("board")), text_of(value.get("version"))


def _homie(directory: Directory, levels: list[str], value: dict[str, Any]) -> None:
    device = directory.device("homie", levels[-2])
    if device is not None:
        directory.alias(device, value.get("name"))
        device.model, device.software = text_of(value.get("type")), text_of(value.get("version"))
        device.parent = text_of(value.get("parent", value.get("root")))[:MAX_TEXT]


def _homie_attribute(directory: Directory, levels: list[str], value: str) -> None:
    if len(levels) == 4 and not levels[1].isdigit():  # the name of a node, not of the device
        return
    device = directory.device("homie", levels[-2])
    if device is not None:
        directory.alias(device, value)


def _chirpstack(directory: Directory, value: dict[str, Any]) -> None:
    info = _dict(value["deviceInfo"])
    device = directory.device("chirpstack", info.get("devEui"))
    if device is not None:
        _called(directory, device, info.get("deviceName"))
        device.model = text_of(info.get("deviceProfileName"))


def _the_things(directory: Directory, value: dict[str, Any]) -> None:
    ids = _dict(value["end_device_ids"])
    device = directory.device("ttn", ids.get("device_id"))
    if device is not None:
        directory.alias(device, ids.get("dev_eui"))
        versions = _dict(_dict(value.get("uplink_message")).get("version_ids"))
        device.model = device.model or text_of(versions.get("model_id"), versions.get("brand_id"))


def _called(directory: Directory, device: Any, name: Any) -> None:
    directory.alias(device, name)
    if isinstance(name, str) and name in device.aliases:
        device.label = name


def _list(value: Any) -> list[Any]:
    return value[:100] if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
