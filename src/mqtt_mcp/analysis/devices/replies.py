"""What answers a command: on which topics, with which id or values, and within which time, ecosystem by ecosystem.

Pure: from one command to what has to follow it, and from one message to whether it is that. Remembers nothing
(``commands.py`` does).
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from mqtt_mcp.analysis.devices.directory import Directory
from mqtt_mcp.analysis.devices.place import place
from mqtt_mcp.mqtt.client import Properties

PATIENCE_S = 5.0
SLEEPERS_PATIENCE_S = 10.0
"""For battery and LoRaWAN devices, and for shadows that a device has to follow."""
_BRIDGE_PATIENCE_S = 15.0
_RESTARTS = frozenset({"restart", "upgrade", "otaurl", "reset"})
_REPORT_BY_EXCEPTION_S = 30.0
"""Sparkplug nodes report what changed with their next data, and some metrics are never reported back."""
_IDS = ("transaction", "clientToken", "id", "request_id", "requestId", "correlation_id", "correlationId", "msg_id")
_NUMBER = re.compile(r"-?\d{2,15}(?:\.\d{1,15})?|-?\d\.\d{1,15}|-?[2-9]")
"""Numbers but 0 and 1, which may be off and on."""
_ON = frozenset({"on", "true", "1", "open"})
_OFF = frozenset({"off", "false", "0", "closed", "close"})


class Expectation(msgspec.Struct, frozen=True):
    """What has to follow a command.

    Attributes:
        topics: On any of these; one that ends with ``/`` stands for the level below it.
        wanted: Values that a state shows once the command was done; None when any message answers.
        key: An id that the answer repeats; empty for none.
        patience_s: Within this time.
        after: The time runs from the next message on this topic (LoRaWAN: the next uplink); empty for at once.
        certain: The convention promises an answer; otherwise only a topic that exists can be expected to speak.
        desired: The answer is the device's report of a desired state.
    """

    topics: tuple[str, ...]
    wanted: Any = None
    key: str = ""
    patience_s: float = PATIENCE_S
    after: str = ""
    certain: bool = True
    desired: bool = False


def expected(
    levels: Sequence[str], value: Any, directory: Directory, properties: Properties | None
) -> list[Expectation]:
    """What a command asks for; empty when nothing can be expected.

    Args:
        levels: Topic of the command, split at ``/``.
        value: Its decoded payload.
        directory: What descriptions announced.
        properties: MQTT 5 properties; a Response Topic tells where the answer comes.
    """
    if properties is not None and properties.response_topic:
        return [Expectation((properties.response_topic,), key=properties.correlation_data.hex())]
    topic = "/".join(levels)
    where = place(list(levels), directory)
    maker = _MAKERS.get(where.ecosystem)
    if maker is not None:
        return maker(levels, value, directory, where.name)
    announced = directory.reply_topics.get(topic)
    if announced is not None:
        return [Expectation((announced,), wanted=value, certain=False)]
    return _generic(levels, value)


def _zigbee(levels: Sequence[str], value: Any, directory: Directory, name: str) -> list[Expectation]:
    if name == "bridge":
        at = next((i for i, level in enumerate(levels) if level == "request"), -1)
        if at < 0:
            return []
        answer = "/".join([*levels[:at], "response", *levels[at + 1 :]])
        return [Expectation((answer,), key=_id_of(value), patience_s=_BRIDGE_PATIENCE_S)]
    base = "/".join(levels).partition(f"/{name}/")[0]
    known = directory.known("zigbee2mqtt", name)
    sleeps = known is not None and known.power.lower() == "battery"
    wanted: Any = None
    if "get" not in levels[-2:]:
        wanted = value if levels[-1] == "set" else {levels[-1]: value}
    patience_s = SLEEPERS_PATIENCE_S if sleeps else PATIENCE_S
    return [Expectation((f"{base}/{name}",), wanted=wanted, patience_s=patience_s)]


def _tasmota(levels: Sequence[str], _value: Any, directory: Directory, name: str) -> list[Expectation]:
    if levels[-1].lower() in _RESTARTS:
        return []
    above = list(levels[:-1])
    bases = [base for base, found in directory.tasmota_bases.items() if found == (name, "stat")]
    if not bases:
        bases = ["/".join("stat" if level == "cmnd" else level for level in above)]
    return [Expectation((f"{bases[0]}/",))]


def _shelly(levels: Sequence[str], value: Any, directory: Directory, _name: str) -> list[Expectation]:
    topic = "/".join(levels)
    if levels[-1] == "rpc":
        source = value.get("src") if isinstance(value, dict) and "method" in value else None
        if not isinstance(source, str) or not source:
            return []
        directory.client(f"{source}/rpc")
        return [Expectation((f"{source}/rpc",), key=_id_of(value))]
    if levels[0] == "shellies":
        if levels[-1] == "command" and len(levels) > 3:
            return [Expectation((topic.rpartition("/")[0],), wanted=value)]
        return [Expectation((topic.rpartition("/")[0] + "/status",))] if levels[-1] == "set" else []
    if levels[-2:-1] == ["command"]:
        output = (
            {"output": value.lower() == "on"} if isinstance(value, str) and value.lower() in {"on", "off"} else None
        )
        return [Expectation(("/".join([*levels[:-2], "status", levels[-1]]),), wanted=output, certain=False)]
    return []


def _esphome(levels: Sequence[str], value: Any, _directory: Directory, _name: str) -> list[Expectation]:
    if levels[-1] != "command" or "button" in levels[-3:-1]:
        return []
    return [Expectation(("/".join([*levels[:-1], "state"]),), wanted=value, certain=False)]


def _homie(levels: Sequence[str], value: Any, _directory: Directory, _name: str) -> list[Expectation]:
    return [Expectation(("/".join(levels[:-1]),), wanted=value)] if levels[-1] == "set" else []


def _sparkplug(levels: Sequence[str], value: Any, _directory: Directory, _name: str) -> list[Expectation]:
    kind = levels[2][:1]
    metrics = value.get("metrics", {}) if isinstance(value, dict) else {}
    rebirth = any(name.endswith("Control/Rebirth") for name in metrics)
    answer = "/".join([levels[0], levels[1], "NBIRTH" if rebirth else f"{kind}DATA", *levels[3:]])
    if rebirth:
        return [Expectation((answer,))]
    return [Expectation((answer,), wanted={"metrics": metrics}, patience_s=_REPORT_BY_EXCEPTION_S, certain=False)]


def _aws(levels: Sequence[str], value: Any, _directory: Directory, _name: str) -> list[Expectation]:
    topic = "/".join(levels)
    found = [Expectation((f"{topic}/accepted", f"{topic}/rejected"), key=_id_of(value))]
    state = value.get("state") if isinstance(value, dict) else None
    desired = state.get("desired") if isinstance(state, dict) else None
    if levels[-1] == "update" and isinstance(desired, dict) and desired:
        found.append(Expectation((topic,), wanted=desired, patience_s=SLEEPERS_PATIENCE_S, desired=True))
    return found


def _chirpstack(levels: Sequence[str], _value: Any, _directory: Directory, _name: str) -> list[Expectation]:
    if levels[-2:] != ["command", "down"] or levels[0] != "application":
        return []
    base = "/".join(levels[:-2])
    answers = (f"{base}/event/txack", f"{base}/event/ack")
    return [Expectation(answers, patience_s=SLEEPERS_PATIENCE_S, after=f"{base}/event/up")]


def _the_things(levels: Sequence[str], _value: Any, _directory: Directory, _name: str) -> list[Expectation]:
    if levels[-1] not in {"push", "replace"}:
        return []
    base = "/".join(levels[:-1])
    answers = tuple(f"{base}/{one}" for one in ("sent", "ack", "nack", "failed"))
    return [Expectation(answers, patience_s=SLEEPERS_PATIENCE_S, after="/".join([*levels[:-2], "up"]))]


def _frigate(levels: Sequence[str], value: Any, _directory: Directory, _name: str) -> list[Expectation]:
    if levels[-1] != "set" or len(levels) < 4:
        return []
    return [Expectation(("/".join([*levels[:-1], "state"]),), wanted=value, certain=False)]


def _nothing(_levels: Sequence[str], _value: Any, _directory: Directory, _name: str) -> list[Expectation]:
    return []


_MAKERS = {
    "zigbee2mqtt": _zigbee, "tasmota": _tasmota, "shelly": _shelly, "esphome": _esphome, "homie": _homie,
    "sparkplug_b": _sparkplug, "aws_iot": _aws, "chirpstack": _chirpstack, "ttn": _the_things, "frigate": _frigate,
    "owntracks": _nothing, "broker": _nothing, "mqtt_client": _nothing,
}  # fmt: skip


def _generic(levels: Sequence[str], value: Any) -> list[Expectation]:
    topic = "/".join(levels)
    base = "/".join(levels[:-1])
    if not base:
        return []
    answers = [f"{base}/{one}" for one in ("response", "reply", "result", "ack")]
    answers += [f"{topic}/{one}" for one in ("response", "result", "ack")]
    key = _id_of(value)
    if key:
        return [Expectation(tuple(answers), key=key, certain=False)]
    states = (
        [base, f"{base}/state", f"{base}/status", f"{base}/value"]
        if levels[-1].lower() not in {"rpc", "request"}
        else []
    )
    return [Expectation((*states, *answers), wanted=value, certain=False)]


def _id_of(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    found = next((value[key] for key in _IDS if isinstance(value.get(key), (str, int))), "")
    return str(found)[:80]


def answers(wish: Expectation, value: Any, properties: Properties | None) -> bool:
    """Whether a message on one of the topics is the answer: not one of another command, not another value."""
    if wish.desired:
        state = value.get("state") if isinstance(value, dict) else None
        reported = state.get("reported") if isinstance(state, dict) else None
        return isinstance(reported, dict) and shows(wish.wanted, reported) is True
    if wish.key:
        if properties is not None and properties.correlation_data:
            return properties.correlation_data.hex() == wish.key
        said = _id_of(value)
        return said in {"", wish.key} and (said != "" or not isinstance(value, dict) or "method" not in value)
    return wish.wanted is None or shows(wish.wanted, value) is not False


def error_of(value: Any) -> str:
    """The error that an answer tells, cut; empty for none. Foreign text."""
    if not isinstance(value, dict):
        return ""
    error = value.get("error")
    if isinstance(error, dict):
        return str(error.get("message", error.get("code", "error")))[:200]
    if value.get("status") == "error" or (isinstance(error, str) and error):
        return str(error or "error")[:200]
    return ""


def shows(wanted: Any, value: Any) -> bool | None:
    """Whether a state shows what a command wanted; None when the two cannot be compared."""
    if isinstance(wanted, dict):
        if not isinstance(value, dict):
            return None
        if isinstance(wanted.get("metrics"), dict):
            wanted, value = wanted["metrics"], value.get("metrics") or {}
            if not any(key in value for key in wanted):
                return False
        compared = [shows(wanted[key], value[key]) for key in list(wanted)[:30] if key in value]
        told = [one for one in compared if one is not None]
        return any(told) if told else None
    if isinstance(value, dict):
        told = [one for one in (shows(wanted, item) for item in list(value.values())[:30]) if one is not None]
        return True if any(told) else None
    return _equal(wanted, value)


def _equal(wanted: Any, value: Any) -> bool | None:
    if isinstance(wanted, (list, dict)) or isinstance(value, (list, dict)) or wanted is None or value is None:
        return None
    first, second = _plain(wanted), _plain(value)
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second) <= max(0.5 if first.is_integer() else 0.05, 0.02 * abs(first))
    if isinstance(first, bool) and isinstance(second, bool):
        return first is second
    if type(first) is not type(second):
        return None
    return True if first == second else None


def _plain(value: Any) -> bool | float | str:
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return float(value) if abs(value) < 1e100 else 0.0
    word = str(value).strip().lower()[:80]
    if _NUMBER.fullmatch(word):
        return float(word)
    return True if word in _ON else False if word in _OFF else word
